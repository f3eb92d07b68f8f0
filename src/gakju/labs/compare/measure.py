"""What came of each way, with intervals; the ways against each other; which one to take, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from gakju.evaluation.metrics import quantile_ms
from gakju.evaluation.statistics import Values, interval, paired_p
from gakju.labs.compare import judge
from gakju.labs.compare.refusal import refuses
from gakju.labs.compare.ways import Way
from gakju.store.questions import Item

Json = dict[str, Any]
LEVEL = 0.95
NEAR = 0.05
"""Of accuracy: a cheaper way that was so much less often right is worth its price. With few questions intervals tell
nothing apart, and the cheapest of all would be taken however often it was wrong.
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """The replies of one way, in the order of the questions, as they were judged.

    `borne` are (supported, sentences) of each answer that is no refusal; `money` is None for a model without a price.
    """

    way: Way
    items: Sequence[Item]
    replies: Sequence[Mapping[str, Any]]
    borne: Sequence[tuple[int, int] | None]
    money: float | None
    setup: Mapping[str, Any]
    recalled: int

    @property
    def refused(self) -> list[bool]:
        """Whoever says it: the same judge for all."""
        return [r["refused"] or refuses(r["text"]) for r in self.replies]

    @property
    def right(self) -> Values:
        """Shape (questions,): 1 right, 0 wrong."""
        pairs = zip(self.items, self.replies, self.refused, strict=True)
        return np.array([judge.right(item, r["text"], refused) for item, r, refused in pairs], np.float64)

    @property
    def f1(self) -> Values:
        pairs = zip(self.items, self.replies, self.refused, strict=True)
        return np.array([judge.f1(item, r["text"], refused) for item, r, refused in pairs], np.float64)

    @property
    def seconds(self) -> list[float]:
        return [r["seconds"] for r in self.replies]


def told(one: Answers) -> Json:
    """A way's row. Tokens and seconds are means a question; `money` is of a thousand questions.

    `supported` is of the sentences of answers that are no refusal, None where none was checked; `refused_rightly` of
    the questions without an answer, `refused_wrongly` of the others, each None where there is none.
    """
    refused = np.array(one.refused)
    none = np.array([not item.answers for item in one.items])
    prompt = np.array([r["prompt_tokens"] for r in one.replies], np.float64)
    written = np.array([r["completion_tokens"] for r in one.replies], np.float64)
    return {
        "name": one.way.name,
        "model": one.way.model,
        "arm": one.way.arm.model_dump(mode="json"),
        "state": "done",
        "questions": len(one.items),
        **_with_interval("accuracy", one.right),
        **_with_interval("f1", one.f1),
        **_supported(one),
        **_with_interval("refused_rightly", refused[none].astype(np.float64)),
        **_with_interval("refused_wrongly", refused[~none].astype(np.float64)),
        "cited_page": _cited(one),
        "prompt_tokens": round(float(prompt.mean()), 1),
        "completion_tokens": round(float(written.mean()), 1),
        "money": None if one.money is None else round(1000 * one.money / len(one.items), 6),
        "seconds": round(float(np.mean(one.seconds)), 3),
        "p50_ms": quantile_ms(one.seconds, 0.5),
        "p95_ms": quantile_ms(one.seconds, 0.95),
        "setup": dict(one.setup),
        "recalled": one.recalled,
    }


def _with_interval(name: str, values: Values) -> Json:
    if not len(values):
        return {name: None, f"{name}_ci": None}
    low, high = interval(values)
    return {name: round(float(values.mean()), 4), f"{name}_ci": [round(low, 4), round(high, 4)]}


def _supported(one: Answers) -> Json:
    """A ratio of sums over questions, which are drawn again as a whole: sentences of one answer stand together."""
    pairs = np.array([b for b in one.borne if b and b[1]], np.float64).reshape(-1, 2)
    if not len(pairs):
        return {"supported": None, "supported_ci": None, "sentences": 0}
    rng = np.random.default_rng(0)
    sums = pairs[rng.integers(0, len(pairs), (2000, len(pairs)))].sum(axis=1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    share = pairs[:, 0].sum() / pairs[:, 1].sum()
    return {
        "supported": round(float(share), 4),
        "supported_ci": [round(float(low), 4), round(float(high), 4)],
        "sentences": int(pairs[:, 1].sum()),
    }


def _cited(one: Answers) -> float | None:
    """The share of answers to questions with a known page that have a footnote on such a page; None without notes."""
    hits = []
    for item, reply, refused in zip(one.items, one.replies, one.refused, strict=True):
        if item.gold and not refused and "cited" in reply:
            known = {(gold.document, gold.page) for gold in item.gold}
            hits.append(any((name, place[3]) in known for place in reply["cited"] for name in _names(place)))
    return round(sum(hits) / len(hits), 4) if hits else None


def _names(place: Sequence[Any]) -> tuple[str, ...]:
    """A document as people may name it: id, title, path, file name."""
    ident, title, path = place[:3]
    return ident, title, path, path.replace("\\", "/").rpartition("/")[2]


def pairs(answers: Sequence[Answers]) -> list[Json]:
    """Each way against each later one: the difference of accuracies, its interval, p of the paired randomisation.

    `apart` is whether an interval widened for the number of pairs (Bonferroni) leaves 0 out and p is small too: a few
    questions that all fell out alike give an interval of no width.
    """
    count = max(1, len(answers) * (len(answers) - 1) // 2)
    found = []
    for one, other in combinations(answers, 2):
        differences = one.right - other.right
        low, high = interval(differences, level=LEVEL)
        wide = interval(differences, level=1 - (1 - LEVEL) / count)
        p = paired_p(one.right, other.right)
        found.append(
            {
                "one": one.way.name,
                "other": other.way.name,
                "difference": round(float(differences.mean()), 4),
                "ci": [round(low, 4), round(high, 4)],
                "wide_ci": [round(edge, 4) for edge in wide],
                "p": round(p, 4),
                "apart": not wide[0] <= 0 <= wide[1] and p < 1 - LEVEL,
            }
        )
    return found


def cost_of(rows: Sequence[Json]) -> str:
    """The axis of cost: "money" where every way has a price and one is above 0, else "seconds" of an answer."""
    money = [row["money"] for row in rows]
    return "money" if money and None not in money and max(money) > 0 else "seconds"


def front(rows: Sequence[Json], cost: str) -> list[str]:
    """Names of the ways that no other beats: none is as right and cheaper, or as cheap and more right."""
    return [
        row["name"]
        for row in rows
        if not any(
            other["accuracy"] >= row["accuracy"]
            and other[cost] <= row[cost]
            and (other["accuracy"], -other[cost]) != (row["accuracy"], -row[cost])
            for other in rows
        )
    ]


def advice(rows: Sequence[Json], against: Sequence[Json], cost: str) -> Json:
    """What to `take`: the most accurate way, or a cheaper one that is `NEAR` it and not told apart from it.

    `alike` are the others that are not told apart from the most accurate, `worse` those that are. {} without ways.
    """
    if not rows:
        return {}
    best = max(rows, key=lambda row: (row["accuracy"], -row[cost]))
    apart = {frozenset((pair["one"], pair["other"])) for pair in against if pair["apart"]}
    level = [row for row in rows if row is best or frozenset((row["name"], best["name"])) not in apart]
    near = [row for row in level if best["accuracy"] - row["accuracy"] <= NEAR + 1e-9]
    take = min(near, key=lambda row: (row[cost], -row["accuracy"]))
    return {
        "take": take["name"],
        "best": best["name"],
        "alike": [row["name"] for row in level if row is not take],
        "worse": [row["name"] for row in rows if row not in level],
        "cost": cost,
    }
