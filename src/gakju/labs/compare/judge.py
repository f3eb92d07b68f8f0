"""The one judge of all arms: is it right, and do the documents bear it out? Whether it refuses, `refusal` tells.

An answer is right where a known answer stands in it (`evaluation.match`, Korean without white space) with every number
of that answer as a whole number of its own: "3년" does not hold in "13년". A question without an answer is answered
rightly by a refusal. That a long answer may hold the right words by chance is this judge's weakness; F1 beside it is
low for those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gakju.evaluation import match
from gakju.protocols import Verifier
from gakju.store.questions import Item
from gakju.text.sentences import sentence_spans
from gakju.types import Evidence

SENTENCES = 4
"""Of an answer, that are checked against the documents."""

_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d*\.?\d+")

Find = Callable[[str], Sequence[Evidence]]
"""What the documents say of a text."""


class Borne(NamedTuple):
    """Sentences that were checked, and those of them that the documents support."""

    supported: int
    sentences: int


def holds(item: Item, text: str) -> bool:
    """Whether one of the known answers stands in the text, numbers whole."""
    korean = match.is_korean(item.question + "".join(item.answers))
    said = _numbers(text)
    return any(match.holds(text, [one], korean=korean) and _numbers(one) <= said for one in item.answers)


def right(item: Item, text: str, refused: bool) -> bool:
    if refused or not item.answers:
        return refused and not item.answers
    return holds(item, text)


def f1(item: Item, text: str, refused: bool) -> float:
    """Of the best known answer; a refusal is the empty text, which is right where there is no answer."""
    korean = match.is_korean(item.question + "".join(item.answers))
    return match.f1("" if refused else text, item.answers, korean=korean)


def borne_out(text: str, question: str, find: Find, verifier: Verifier) -> Borne:
    """Its first sentences against what the documents say of the question and of the sentence."""
    sentences = [text[start:end] for start, end in sentence_spans(text)[:SENTENCES]]
    asked = list(find(question)) if sentences else []
    supported = 0
    for sentence in sentences:
        evidence = {(e.chunk_id, e.spans): e for e in [*asked, *find(sentence)]}
        supported += verifier.judge(sentence, list(evidence.values()), question=question).verdict == "supported"
    return Borne(supported, len(sentences))


def _numbers(text: str) -> set[float]:
    return {float(one.replace(",", "")) for one in _NUMBER.findall(text)}
