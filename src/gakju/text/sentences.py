"""Sentences by rule, Korean and English, at more than a million characters a second.

A candidate border is a terminator with white space after it, a blank line, a line that begins with a list
mark, or the edge of a table row (a line whose cells are parted by tabs). Candidates inside quotes, brackets,
dates and list marks, and after abbreviations, are dropped.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

_LETTERED = "가나다라마바사아자차카타파하"
_CIRCLED = "①-⑳⑴-⒇㉠-㉻㈀-㈛❶-❿"
_BULLET = "•·ㆍ‧∙◦○●◯□■▪▫◇◆▶▷►▸※✓✔☑★☆❍"
# A list mark at the beginning of a line or sentence; a bare "-" or "*" counts only with a space after it.
LIST_MARK = re.compile(
    rf"[ \t]*(?:[{_CIRCLED}]|[{_BULLET}]|[-–—*+][ \t]"
    rf"|\(?\d{{1,3}}[.)][ \t]|\d{{1,2}}(?:\.\d{{1,2}}){{1,3}}\.?[ \t]|[{_LETTERED}][.)][ \t]|\([{_LETTERED}]\)"
    rf"|\(?[A-Za-z][.)][ \t](?=\S)|제\s?\d{{1,4}}\s?(?:[장절관편][ \t.]|[조항](?:의\s?\d+)?\s?[(.]))"
)
# The sentence so far is nothing but marks ("1.", "1. 가.", "제3조.", "IV."), so its period ends nothing.
_ONLY_MARKS = re.compile(
    rf"(?:(?:\(?(?:\d{{1,3}}(?:\.\d{{1,3}})*|[{_LETTERED}]|[A-Za-z]|[IVXivx]{{1,5}}|제\s?\d+\s?[조장절관항](?:의\s?\d+)?)[.)]"
    rf"|[{_CIRCLED}{_BULLET}*–-])\s*)+"
)
_CLOSERS = "\"'”’」』）)\\]】》〉»"
_SIGNS = ".!?。！？…‼⁇⁈⁉"
# Looked for at the beginning of a run of signs only: from each of them on, a long run would be read again.
_TERMINATOR = re.compile(
    rf"(?P<end>(?<![{_SIGNS}])[{_SIGNS}]+[{_CLOSERS}]*)(?=\s|$)"
    rf"|(?P<cjk>[。！？][{_CLOSERS}]*)"
    # "했다.그는": a Korean ending, then Hangul without a space.
    r"|(?P<tight>(?<=[다요까죠])[.!?])(?=[가-힣(“\"])"
)
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_NEXT = re.compile(r"\S")
_NEXT = re.compile(r"\S")
_LINE = re.compile(r"\n")
_DATE = re.compile(r"(?<![\d.])(?:\d{4}|['’]?\d{2})\.\s{0,2}\d{1,2}\.(?:\s{0,2}\d{1,2}\.)?")
_ENCLOSED = re.compile(
    r"“[^”\n]{1,300}”|‘[^’\n]{1,200}’|「[^」]{1,300}」|『[^』]{1,300}』|《[^》]{1,200}》"
    r"|(?<![\w\"])\"(?=\S)[^\"]{1,300}?(?<=\S)\"|\([^()]{1,300}\)|（[^（）]{1,300}）|\[[^\[\]]{1,300}\]"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"“])(?:[A-Za-z]|(?:[A-Za-z]\.)+[A-Za-z]|Dr|Mr|Mrs|Ms|Prof|St|vs|Fig|Figs|Eq|Eqs|No|Nos|Vol|pp?|cf|Ch|Sec|Ed|Eds"
    r"|Gen|Col|Rev|Hon|Gov|Sen|Rep|Lt|Capt|Sgt|Mt|Ft|approx|ca|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Tel|Fax)\.$"
)
# These also end sentences: a border only where a capital or Hangul follows.
_SOMETIMES = re.compile(r"\b(?:etc|al|Inc|Ltd|Co|Corp|Jr|Sr|Bros|a\.m|p\.m)\.$")
_QUOTED_ON = re.compile(r"\s*(?:이?라[고며는면]|라|하고|하며|하는|고|며|는|란|이란)(?![가-힣])")
_FINAL_VERB = frozenset("다요까죠네군")
_FINAL_HANGUL = _FINAL_VERB | frozenset("음함임됨지라자")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """`(start, end)` code points of each sentence, in order, without surrounding white space.

    Spans never overlap and every character that is not white space is in exactly one of them.
    """
    spans = []
    start = 0
    for border in _borders(text):
        begin, end = _trim(text, start, border)
        if begin < end:
            spans.append((begin, end))
        start = border
    return spans


def is_open(sentence: str) -> bool:
    """Whether running text breaks off here, so that the next page may continue it."""
    tail = sentence.rstrip()
    return bool(tail) and tail[-1] not in ".!?。！？…:;：；)）」』”\"’'>]" and tail[-1] not in _FINAL_HANGUL


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    begin = start + len(piece) - len(piece.lstrip())
    return begin, max(begin, start + len(piece.rstrip()))


def _borders(text: str) -> Iterator[int]:
    """Ends of sentences in rising order, the end of the text last."""
    hard = {m.start() for m in _BLANK_LINE.finditer(text)}
    for row in _rows(text):
        hard.update(row)
    dates = _Spans([m.span() for m in _DATE.finditer(text)])
    enclosed = _Spans([m.span() for m in _ENCLOSED.finditer(text)])
    lines = {
        m.start()
        for m in _LINE.finditer(text)
        if LIST_MARK.match(text, m.end()) and not dates.inside(m.start()) and not enclosed.inside(m.start())
    }
    soft: dict[int, re.Match[str]] = {m.end(): m for m in _TERMINATOR.finditer(text)}
    start = 0
    for at in sorted(hard | lines | soft.keys()):
        if at in hard or at in lines or _ends(text, start, soft[at], dates, enclosed):
            yield at
            start = at
    yield len(text)


def _rows(text: str) -> Iterator[tuple[int, int]]:
    """Lines that have a tab between two cells."""
    at = text.find("\t")
    while at >= 0:
        start = text.rfind("\n", 0, at) + 1
        end = text.find("\n", at)
        end = end if end >= 0 else len(text)
        if "\t" in text[start:end].strip():
            yield start, end
        at = text.find("\t", end)


def _ends(text: str, start: int, match: re.Match[str], dates: _Spans, enclosed: _Spans) -> bool:
    """Whether the terminator `match` ends the sentence that began at `start`."""
    at = match.end()
    if enclosed.inside(at) or dates.inside(at) or (dates.ends(at) and not text.startswith("\n", at)):
        return False
    sign = match["end"]
    follower = _NEXT.search(text, at)
    if sign is None or follower is None:
        return True
    after = follower.group()
    if (after.islower() and after.isascii()) or (sign[-1] in "\"'”’」』" and _QUOTED_ON.match(text, at)):
        return False
    if sign[0] == "…" or sign.startswith(".."):
        # More dots are the leaders of a table of contents.
        return len(sign) <= 3 and (after.isupper() or text[match.start() - 1 : match.start()] in _FINAL_VERB)
    return sign[0] != "." or _period_ends(text, start, match.start() + 1, after)


def _period_ends(text: str, start: int, at: int, after: str) -> bool:
    """Whether a single period just before `at` is a full stop."""
    begin = start
    while begin < at and text[begin].isspace():
        begin += 1
    if at - begin <= 16 and _ONLY_MARKS.fullmatch(text, begin, at):
        return False
    tail = text[max(begin, at - 12) : at]
    if _ABBREVIATION.search(tail):
        return False
    return not _SOMETIMES.search(tail) or after.isupper() or "가" <= after <= "힣"


class _Spans:
    """Spans in rising order that do not overlap, asked by position."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self._starts = [s for s, _ in spans]
        self._ends = [e for _, e in spans]

    def inside(self, at: int) -> bool:
        """Strictly between a start and its end."""
        i = bisect_right(self._starts, at - 1) - 1
        return i >= 0 and at < self._ends[i]

    def ends(self, at: int) -> bool:
        i = bisect_right(self._starts, at - 1) - 1
        return i >= 0 and at == self._ends[i]
