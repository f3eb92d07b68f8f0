"""A stream of text with [n] marks to display text, and to sentences with the numbers they point at."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gakju.text.sentences import sentence_spans

_MARK = re.compile(r"[ \t]*[\[【]\s*\^?\d[\d\s,;^]*[\]】]")
_BEHIND = re.compile(rf"(?:{_MARK.pattern})+(?:[.。]+(?=\s|$))?")
_LOOKAHEAD, _LOOKAHEAD_IN_BRACKETS = 14, 200
# The tail of a stream that may yet become a mark; a number longer than this is none.
_UNFINISHED = re.compile(r"(?:\s+|\s*[\[【][\d\s,;^]{0,24})$")
_BORDER = re.compile(r"[.!?。！？…\n]")
_BULLET = re.compile(r"^(?:[-*•·]|#{1,6})\s+")
_EMPHASIS = re.compile(r"\*\*|__|`")


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` without marks; `numbers` as the model wrote them, not yet looked up; `gap` is what stood before it."""

    text: str
    numbers: tuple[int, ...]
    gap: str


class Display:
    """Takes pieces of raw text and gives what may be shown of them: no marks, not even halves of one."""

    def __init__(self) -> None:
        self._held = ""
        self._begun = False

    def feed(self, piece: str) -> str:
        # A line that began with a mark does not begin with a space.
        text = re.sub(r"\n[ \t]+", "\n", _MARK.sub("", self._held + piece))
        text = text if self._begun else text.lstrip()
        tail = _UNFINISHED.search(text)
        at = tail.start() if tail else len(text)
        self._held = text[at:]
        self._begun = self._begun or at > 0
        return text[:at]

    def end(self) -> str:
        rest, self._held = _MARK.sub("", self._held).rstrip(), ""
        return rest


class Splitter:
    """Takes pieces of raw text and gives each sentence once it is over, its marks with it."""

    def __init__(self) -> None:
        self._raw = ""
        self._gap = ""

    def feed(self, piece: str) -> list[Sentence]:
        self._raw += piece
        return self._split(final=False) if _BORDER.search(self._raw, 0, len(self._raw) - _LOOKAHEAD) else []

    def end(self) -> list[Sentence]:
        return self._split(final=True)

    def _split(self, *, final: bool) -> list[Sentence]:
        done: list[Sentence] = []
        while self._raw:
            cut = _end_of_first(self._raw)
            if not final and not _settled(self._raw, cut):
                break
            done += self._sentence(self._raw[:cut])
            rest = self._raw[cut:]
            self._raw = rest.lstrip()
            self._gap = "\n" if "\n" in rest[: len(rest) - len(self._raw)] else " "
        return done

    def _sentence(self, raw: str) -> list[Sentence]:
        numbers = [int(n) for mark in _MARK.findall(raw) for n in re.findall(r"\d{1,4}", mark)]
        text = _EMPHASIS.sub("", _MARK.sub("", raw)).strip()
        text = _BULLET.sub("", text).strip()
        return [Sentence(text, tuple(dict.fromkeys(numbers)), self._gap)] if re.search(r"\w", text) else []


def _end_of_first(raw: str) -> int:
    """Where the first sentence and the marks behind it end."""
    spans = sentence_spans(raw)
    end = spans[0][1] if spans else len(raw)
    behind = _BEHIND.match(raw, end)
    return behind.end() if behind else end


def _settled(raw: str, cut: int) -> bool:
    """Whether what is still to come cannot move the border at `cut`: a date, a bracket or a mark may go on."""
    first, rest = raw[:cut], raw[cut:].strip()
    is_open = first.count("(") > first.count(")") and len(rest) < _LOOKAHEAD_IN_BRACKETS
    return len(rest) >= _LOOKAHEAD and not is_open
