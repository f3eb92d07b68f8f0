"""Verbatim mode: an answer holds words of the documents and the few below, no other. Counted, not promised."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gakju.text.normalise import parted_whole
from gakju.types import Evidence

CONNECTIVES = (", ", " · ", ": ", " ", "\n")
"""All that may stand between spans: signs and white space. No word is among them."""

_WORD = re.compile(r"\w+")
_LINE_END = re.compile(r"(?<=[가-힣])\n(?=[가-힣])")


def joined(spans: Sequence[str]) -> str:
    """Several spans as one answer."""
    return CONNECTIVES[0].join(spans)


def foreign_words(answer: str, evidence: Sequence[Evidence | str]) -> list[str]:
    """Words of `answer`, in order, that do not stand in the evidence: each run of letters and digits has to be found
    there at a word's beginning or a morpheme's border, so as a piece of one of its words. A word may stand whole that a
    line's end parts.

    Texts are compared in NFC, as documents are stored, letter by letter: a changed capital is foreign.
    """
    texts = [unicodedata.normalize("NFC", e if isinstance(e, str) else e.text) for e in evidence]
    held = {word for text in texts for word in _WORD.findall(text)}
    held |= {word for text in texts if "\n" in text for word in _WORD.findall(_whole(text))}
    words = _WORD.findall(unicodedata.normalize("NFC", answer))
    return [word for word in words if word not in held and not any(_is_piece(word, other) for other in held)]


def _whole(text: str) -> str:
    return parted_whole(_LINE_END.sub("", text))


def _is_piece(word: str, other: str) -> bool:
    """Whether `word` stands in `other`; 5 does not stand in 15."""
    before = r"(?<!\d)" if word[0].isdigit() else ""
    after = r"(?!\d)" if word[-1].isdigit() else ""
    return word in other and bool(re.search(before + re.escape(word) + after, other))
