"""Answers against what is known to be right: values by question, means with intervals, the refusal curve."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gakju.evaluation.answers import Answered
from gakju.evaluation.datasets import Asked, RetrievalSet
from gakju.evaluation.match import exact, f1, holds, is_korean
from gakju.evaluation.statistics import Values, interval

ALIKE = 0.7
"""F1 with a known answer from which on an answer says the same, though neither holds the other; numbers have to be
alike, since "14개" and "15개" differ in one syllable.
"""

_REFUTED = frozenset(["unsupported", "contradicted"])


@dataclass(frozen=True, slots=True)
class Scored:
    """One answer judged by the set alone, but for `refuted`, which is the product's own word on it.

    `right`: it holds a known answer, stands in one, or has ALIKE of one. `grounded`: right, or it stands in a passage
    that is known to hold the answer. A question that cannot be answered has no right answer but a refusal.
    """

    question: Asked
    answered: Answered
    f1: float
    exact: float
    right: bool
    grounded: bool
    cited: bool
    quoted: bool
    refuted: bool


def scored(question: Asked, answered: Answered, passages: Mapping[str, str]) -> Scored:
    """`passages` are texts by document id: those that hold answers, and those that are cited."""
    korean = is_korean(question.text + "".join(question.answers))
    said = "" if answered.refused else answered.answer
    right = bool(said) and (
        holds(said, question.answers, korean=korean)
        or any(holds(answer, [said], korean=korean) for answer in question.answers)
        or any(_alike(said, answer, korean) for answer in question.answers)
    )
    gold = [passages[name] for name in question.passages if name in passages]
    return Scored(
        question,
        answered,
        f1(said, question.answers, korean=korean),
        exact(said, question.answers, korean=korean),
        right,
        right or any(bool(said) and holds(text, [said], korean=korean) for text in gold),
        any(holds(passages.get(name, ""), question.answers, korean=korean) for name in answered.cited),
        any(holds(quote, question.answers, korean=korean) for quote in answered.quotes),
        any(verdict in _REFUTED for verdict in answered.verdicts),
    )


def _alike(said: str, answer: str, korean: bool) -> bool:
    numbers = [re.findall(r"\d+", text) for text in (said, answer)]
    return numbers[0] == numbers[1] and f1(said, [answer], korean=korean) >= ALIKE


def passages(data: RetrievalSet) -> dict[str, str]:
    """Title and text by document id, as `scored` wants them."""
    return {p.id: f"{p.title}\n{p.text}" for p in data.corpus()}


def measures(scores: Sequence[Scored]) -> dict[str, Values]:
    """A value for each question that a measure is of; their mean is the measure, of nothing where there is none.

    f1, exact                       all questions; a refusal is the empty answer
    f1_answerable, exact_answerable those that can be answered
    answered                        all: whether it was answered
    citation_hit, quote_hit         answers to those that can be: a passage cited, its very quote, holds a known answer
    right                           answers to all: see Scored
    unsupported_rate                answers: the verdicts refute a sentence of it
    unsupported_by_gold             answers to those that can be: neither right nor standing in a known passage
    unsupported_by_gold_all         answers to all: those that cannot be answered have no known passage
    refusal_precision               refusals: the question cannot be answered
    refusal_recall                  questions that cannot be answered: refused
    """
    can = [s for s in scores if s.question.answerable]
    cannot = [s for s in scores if not s.question.answerable]
    given = [s for s in scores if not s.answered.refused]
    given_can = [s for s in can if not s.answered.refused]
    refused = [s for s in scores if s.answered.refused]
    judged = [s for s in given if s.answered.verdicts]
    found = {
        "f1": [s.f1 for s in scores],
        "exact": [s.exact for s in scores],
        "f1_answerable": [s.f1 for s in can],
        "exact_answerable": [s.exact for s in can],
        "answered": [not s.answered.refused for s in scores],
        "citation_hit": [s.cited for s in given_can],
        "quote_hit": [s.quoted for s in given_can],
        "right": [s.right for s in given],
        "unsupported_rate": [s.refuted for s in judged],
        "unsupported_by_gold": [not s.grounded for s in given_can],
        "unsupported_by_gold_all": [not s.grounded for s in given],
        "refusal_precision": [not s.question.answerable for s in refused] if cannot else [],
        "refusal_recall": [s.answered.refused for s in cannot],
    }
    return {name: np.array(values, np.float64) for name, values in found.items()}


def summary(scores: Sequence[Scored]) -> dict[str, Any]:
    """Means, each with its 95 % interval in `ci`; None where no question is of that measure.

    `p50_ms` is of all questions. `foreign_words` are counted over all verbatim answers, None where there is none.
    """
    values = measures(scores)
    seconds = np.array([s.answered.seconds for s in scores], np.float64)
    told: dict[str, Any] = {name: _mean(one) for name, one in values.items()}
    told["p50_ms"] = round(1000 * float(np.median(seconds)), 1) if len(seconds) else None
    counted = [s.answered.foreign for s in scores if s.answered.foreign is not None]
    told |= {
        "questions": len(scores),
        "unanswerable": sum(not s.question.answerable for s in scores),
        "answers": sum(not s.answered.refused for s in scores),
        "foreign_words": sum(counted) if counted else None,
        "verbatim_answers": len(counted),
    }
    told["ci"] = {name: [round(edge, 4) for edge in interval(one)] for name, one in values.items() if len(one)}
    if len(seconds):
        told["ci"]["p50_ms"] = [round(1000 * edge, 1) for edge in interval(seconds, of=np.median)]
    return told


def _mean(values: Values) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None


def curve(scores: Sequence[Scored], steps: int = 20) -> list[dict[str, float]]:
    """What a stricter threshold would have refused besides: at each `threshold` the share of all questions answered
    (`coverage`), the share of those answers that are wrong (`wrong`) and of all questions (`wrong_of_all`).

    Thresholds stand at quantiles of the answers' confidence. Empty where answers have none.
    """
    given = [s for s in scores if not s.answered.refused and s.answered.confidence is not None]
    if not given:
        return []
    sure = np.array([s.answered.confidence for s in given], np.float64)
    wrong = np.array([not s.right for s in given])
    points = []
    for threshold in np.unique(np.quantile(sure, np.linspace(0, 1, steps + 1), method="nearest")):
        kept = sure >= threshold
        points.append(
            {
                "threshold": round(float(threshold), 4),
                "coverage": round(float(kept.sum()) / len(scores), 4),
                "wrong": round(float(wrong[kept].mean()), 4),
                "wrong_of_all": round(float(wrong[kept].sum()) / len(scores), 4),
            }
        )
    return points


def worst(scores: Sequence[Scored], count: int = 20) -> list[Scored]:
    """Wrong answers, the surest first, then questions refused that can be answered."""
    wrong = [s for s in scores if not s.answered.refused and not s.right]
    wrong.sort(key=lambda s: -(s.answered.confidence or 0.0))
    refused = [s for s in scores if s.answered.refused and s.question.answerable]
    return [*wrong, *refused][:count]
