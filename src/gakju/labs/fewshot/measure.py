"""What came of a run: accuracy with its interval, tokens, money and time of each cell, and cells against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gakju.evaluation.metrics import quantile_ms
from gakju.evaluation.statistics import Values, interval, paired_p
from gakju.labs.fewshot.plan import Cell

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """The answers of one cell, in the order of the test questions; `scores` in 0..1."""

    cell: Cell
    scores: Values
    replies: Sequence[Mapping[str, Any]]
    said: Sequence[str]
    money: float | None

    def told(self) -> Json:
        """Tokens are means a question; `money` is of a thousand questions, None for a model without a price; times
        are those when the answer was first had.
        """
        prompt = [r["prompt_tokens"] for r in self.replies]
        written = [r["completion_tokens"] for r in self.replies]
        seconds = [r["seconds"] for r in self.replies]
        low, high = interval(self.scores)
        return {
            "pick": self.cell.pick,
            "n": self.cell.n,
            "accuracy": round(float(self.scores.mean()), 4),
            "ci": [round(low, 4), round(high, 4)],
            "questions": len(self.scores),
            "prompt_tokens": round(float(np.mean(prompt)), 1),
            "completion_tokens": round(float(np.mean(written)), 1),
            "money": None if self.money is None else round(1000 * self.money / len(self.scores), 6),
            "p50_ms": quantile_ms(seconds, 0.5),
            "p95_ms": quantile_ms(seconds, 0.95),
        }


def pairs(asked: Sequence[Asked]) -> list[Json]:
    """Each cell against none, and each pick against the fixed ones of the same number: the difference of accuracies,
    its interval and the p of the paired randomisation test.
    """
    by_cell = {one.cell: one for one in asked}
    found = []
    for one in asked:
        for other in (Cell("none", 0), Cell("fixed", one.cell.n)):
            if one.cell.n and other != one.cell and other in by_cell:
                found.append(_pair(one, by_cell[other]))
    return found


def _pair(one: Asked, other: Asked) -> Json:
    differences = one.scores - other.scores
    low, high = interval(differences)
    return {
        "cell": list(one.cell),
        "against": list(other.cell),
        "difference": round(float(differences.mean()), 4),
        "ci": [round(low, 4), round(high, 4)],
        "p": round(paired_p(one.scores, other.scores), 4),
    }
