"""A text as words and signs with their kind, for whoever picks a part of it: Kiwi's morphemes, or English by rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Tagger = Callable[[str], Sequence[tuple[int, int, str, str]]]
"""A Korean text to `(start, end, tag, form)` of its morphemes, in order, tags as Sejong's; `Morphemes.tagged`."""

_HANGUL = re.compile(r"[가-힣]")
_WORD = re.compile(
    r"\d+(?:[.,:]\d+)*(?:st|nd|rd|th|s)?(?:%|\b)|\d+|[^\W\d_]+(?:['’.-][^\W\d_]+)*\d*(?:-\d+)*|[^\w\s]", re.UNICODE
)
_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9]*(?:[-_/][A-Za-z0-9]+)+(?![A-Za-z0-9])")
_FUNCTION_WORDS = """
a an the of in on at to for from by with and or but nor so as than that this these those it its he she they we you i
his her their our your my him them us is are was were be been being am do does did has have had will would can could
shall should may might must not no who whom whose which what when where why how if then there here into onto about
after before during between among under over through while because since until also however although though such
both either each any all some more most very only just even still up out off down own same other too
"""
FUNCTION = frozenset(_FUNCTION_WORDS.split())
"""English words that no answer begins or ends with."""
_NUMERAL_WORDS = """
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion half dozen
first second third fourth fifth twice once
"""
NUMERALS = frozenset(_NUMERAL_WORDS.split())
_MONTH_WORDS = "january february march april may june july august september october november december"
MONTHS = frozenset(_MONTH_WORDS.split())

_WHOLE = {"W_SERIAL": "SN", "W_EMAIL": "SL", "W_URL": "SL", "W_MENTION": "SL", "W_HASHTAG": "SL"}


@dataclass(frozen=True, slots=True)
class Piece:
    """`text[start:end]`; `form` in lower case, a verb's without its ending."""

    start: int
    end: int
    tag: str
    form: str


def korean(text: str) -> bool:
    return bool(_HANGUL.search(text))


def pieces(text: str, tagger: Tagger) -> list[Piece]:
    """In order. English words are SN (numbers), NNP (capitals), NNG, F (of form only) or S (a sign).

    Kiwi's dates, times, telephone numbers and fractions in figures are SN too, its addresses SL, and so is a code
    whose parts signs join (HR-2041, RSA-PSS).
    """
    if korean(text):
        found = [Piece(s, e, _WHOLE.get(tag, tag), form.lower()) for s, e, tag, form in tagger(text) if e > s]
        return _with_codes(text, found)
    return [_english(m) for m in _WORD.finditer(text)]


def _english(match: re.Match[str]) -> Piece:
    word = match.group()
    small = word.lower()
    if word[0].isdigit() or small in NUMERALS:
        tag = "SN"
    elif not word[0].isalpha():
        tag = "S"
    elif small in FUNCTION:
        tag = "F"
    else:
        tag = "NNP" if word[0].isupper() else "NNG"
    return Piece(match.start(), match.end(), tag, small)


def _with_codes(text: str, found: list[Piece]) -> list[Piece]:
    for m in _CODE.finditer(text):
        inside = [i for i, p in enumerate(found) if p.start < m.end() and p.end > m.start()]
        if len(inside) > 1 and (found[inside[0]].start, found[inside[-1]].end) == m.span():
            found[inside[0] : inside[-1] + 1] = [Piece(*m.span(), "SL", m.group().lower())]
    return found


def stem(word: str) -> str:
    """What an English word keeps in its other forms, nearly; Korean ones stay."""
    if not word.isascii() or len(word) <= 4:
        return word.rstrip("s") if len(word) > 3 else word
    return re.sub(r"(?:'s|ies|ied|ing|ed|es|s|ly|e|y)$", "", word)
