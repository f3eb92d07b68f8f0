"""What a question asks for by name: the cell where a named row meets a named column, and what stands behind a label."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gakju.answer.asked import Asked
from gakju.answer.claims import meant
from gakju.answer.pieces import FUNCTION, Tagger, korean, pieces, stem
from gakju.answer.spans import fits, tells_day
from gakju.types import Evidence

_LABELLED = re.compile(
    r"(?:[^\w(]+\s*|\(?(?:\d{1,2}|[가-하a-z])[.)]\s+)?(?P<label>[^:：\t]{1,60}?)\s?(?:[:：]\s?|\s[-–—=→]\s)(?P<value>[^\t]{1,80})"
)
_FURTHER = re.compile(r".*\s[-–—→]\s")
_ALL = re.compile(r"모두|총|전부|합쳐|합하|합계|\b(?:in total|altogether|overall)\b", re.IGNORECASE)
_TOTAL = re.compile(r"(?:총\s?)?(?:합\s?)?계|총액|total", re.IGNORECASE)
_AMOUNT = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?([가-힣%]{1,3}?)\s?(이상|이하|미만|초과)")
_COUNTED = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?([가-힣%]{0,3})")
_CONTENT = ("NN", "NP", "NR", "VV", "VA", "XR", "SL", "SN", "SH", "MAG")


@dataclass(frozen=True, slots=True)
class Cells:
    """`texts` that answer, of `evidence`: a row with the names of its columns, or a labelled line.

    `share` of the question's words names them, 0..1. `least` is the lower bound that the row sets.
    """

    texts: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    share: float
    least: float = 0.0


def cells(
    question: str, asked: Asked, evidence: Sequence[Evidence], tagger: Tagger, whole: Callable[[str], str]
) -> Cells | None:
    """The best named; None where the question does not name both a row and its column, or a label."""
    ask = _Ask(question, asked, tagger)
    found = [one for e in evidence for one in ask.in_row(e, evidence, whole)]
    found += [one for e in evidence for one in ask.labelled(e, whole)]
    return max(found, key=lambda one: (one.share, one.least), default=None)


class _Ask:
    def __init__(self, question: str, asked: Asked, tagger: Tagger) -> None:
        self._question, self._asked, self._tagger = question, asked, tagger

    def in_row(self, row: Evidence, listed: Sequence[Evidence], whole: Callable[[str], str]) -> Iterator[Cells]:
        if "\t" not in row.text:
            return
        _, names = meant(row, listed)
        if names is row:
            return
        own = [whole(cell) for cell in row.text.split("\t")]
        held = [self._held(cell) for cell in own]
        bounds = [self._within(cell) for cell in own]
        keys = {k for k, (words, share) in enumerate(held) if words and share == 1.0} | _at(bounds, True)
        if not keys or _at(bounds, False):
            return
        titles = [whole(name) for name in names.text.split("\t")] if names else [""] * len(own)
        heads = [self._held(title) for title in titles]
        free = [j for j, cell in enumerate(own) if j not in keys and cell and self._fits(cell)]
        sums = [j for j in free if names and _ALL.search(self._question) and _TOTAL.fullmatch(titles[j])]
        top = max((heads[j][1] for j in free), default=0.0)
        named = [j for j in free if heads[j][1] == 1.0 or heads[j][1] == top >= 0.5]
        named = [j for j in named if not any(heads[j][0] < heads[k][0] for k in named)]
        chosen = sums or named or (free if len(free) == 1 and (len(own) == 2 or self._wants_figure()) else [])
        if chosen:
            words = set[str]().union(*(held[k][0] for k in keys), *(heads[j][0] for j in chosen))
            used = (row, names) if names else (row,)
            yield Cells(tuple(own[j] for j in chosen), used, self._share(words), max(map(_least, own)))

    def labelled(self, line: Evidence, whole: Callable[[str], str]) -> Iterator[Cells]:
        text = whole(line.text)
        match = _LABELLED.fullmatch(text)
        if not match or not self._wants_figure():
            return
        words, share = self._held(match["label"])
        value = _FURTHER.sub("", match["value"])
        if words and share == 1.0 and self._fits(value):
            yield Cells((value,), (line,), self._share(words))

    def _held(self, text: str) -> tuple[set[str], float]:
        """The question's words in `text`, and what share of its words they are."""
        in_korean = korean(text)
        own = {
            p.form if in_korean else stem(p.form)
            for p in pieces(text, self._tagger)
            if (p.tag.startswith(_CONTENT) if in_korean else p.tag not in {"F", "S"} and p.form not in FUNCTION)
        }
        asked = self._asked.words
        pairs = {form: next((w for w in asked if _same(w, form)), "") for form in own}
        return {w for w in pairs.values() if w}, sum(map(bool, pairs.values())) / (len(own) or 1)

    def _share(self, words: set[str]) -> float:
        return len(words) / (len(self._asked.words) or 1)

    def _wants_figure(self) -> bool:
        return self._asked.number or self._asked.kind in {"clock", "year", "date"}

    def _fits(self, cell: str) -> bool:
        return fits(self._asked, cell) and (self._asked.kind not in {"year", "date"} or tells_day(cell))

    def _within(self, cell: str) -> bool | None:
        """Whether a number of the question keeps the bounds of `cell` (5년 이상 7년 미만); None: it has none."""
        bounds = _AMOUNT.findall(cell)
        if not bounds:
            return None
        unit = bounds[0][1]
        said = [_number(n) for n, of in _COUNTED.findall(self._question) if of.startswith(unit)]
        return None if not said else any(all(_keeps(n, _number(b), how) for b, _, how in bounds) for n in said)


def _same(word: str, form: str) -> bool:
    return word == form or (len(word) > 1 and len(form) > 1 and not form[0].isdigit() and form.startswith(word))


def _at(values: Sequence[bool | None], wanted: bool) -> set[int]:
    return {i for i, value in enumerate(values) if value is wanted}


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _least(cell: str) -> float:
    return max((_number(n) for n, _, how in _AMOUNT.findall(cell) if how in {"이상", "초과"}), default=0.0)


def _keeps(number: float, bound: float, how: str) -> bool:
    return {"이상": number >= bound, "이하": number <= bound, "미만": number < bound, "초과": number > bound}[how]
