"""Fits the logistic of `gakju.retrieve.strength` and says how well it tells answers from none.

    python bench/fit_strength.py [--data DIR] [--home DIR] [--queries 200]

Positive: an answerable question whose answer stands in the evidence. Negative, of three kinds: `adversarial`
(SQuAD 2 questions made to have no answer in a passage on their subject), `missing` (an answerable question, the
document that answers it left out of the hits), `foreign` (a question of another set). Prints the weights, the AUROC
against each kind on the half of the questions not fitted on, and how often the answer stands in the best 1, 3, 6.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import data, prepared, questions, scratch
from gakju.assistant.parts import Parts
from gakju.evaluation.datasets import retrieval_set
from gakju.evaluation.retrieval import library
from gakju.retrieve import Retriever
from gakju.settings import Settings
from gakju.text.normalise import squeeze

SETS = ("squad2-half", "korquad1-dev", "ssis-welfare-ko")


@dataclass
class Case:
    kind: str
    features: list[float]
    rank: int | None  # of the evidence sentence that holds the answer


def case(retriever: Retriever, kind: str, query: dict[str, Any], gold: set[str]) -> Case | None:
    """Where the set has no answers, a sentence of a gold document is taken for one."""
    without = gold if kind == "missing" else set()
    hits = [hit for hit in retriever.search(query["text"], 12) if hit.document.id not in without]
    found = retriever.evidence(query["text"], hits, 6)
    if not found.features:
        return None
    answers = [squeeze(a) for a in query["metadata"].get("answers", ())]
    ranks = [
        s.number
        for s in found.sentences
        if (any(a in squeeze(s.text) for a in answers) if answers else s.document.id in gold)
    ]
    return Case(kind, list(found.features), ranks[0] if ranks else None)


def fit(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ridge logistic regression by Newton's method; the first column is the intercept."""
    w = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (weights * (p - y)) + 0.01 * w
        hessian = (x.T * (weights * p * (1 - p))) @ x + 0.01 * np.eye(len(w))
        w -= np.linalg.solve(hessian, gradient)
    return w


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    wins = np.subtract.outer(np.array(positive), np.array(negative))
    return float((wins > 0).mean() + 0.5 * (wins == 0).mean())


def cases(folder: Path, other: Path, retriever: Retriever, count: int) -> list[Case]:
    pick = random.Random(1)
    relevant = retrieval_set(folder, "dev").relevant
    queries = questions(folder / "queries.jsonl")
    held = [q for q in queries if q["_id"] in relevant]
    none = [q for q in queries if not q["metadata"].get("answerable", True)]
    chosen = pick.sample(held, min(2 * count, len(held)))
    kinds = [("answerable", q) for q in chosen[:count]] + [("missing", q) for q in chosen[count:]]
    kinds += [("adversarial", q) for q in pick.sample(none, min(count, len(none)))]
    kinds += [("foreign", q) for q in pick.sample(questions(other / "queries.jsonl"), count // 2)]
    found = [case(retriever, kind, q, set(relevant.get(q["_id"], ()))) for kind, q in kinds]
    return [one for one in found if one]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of folders in BEIR layout")
    parser.add_argument("--home", type=Path, default=scratch("sets"), help="where libraries are kept between runs")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--sets", nargs="+", default=SETS)
    given = parser.parse_args()
    folders = given.data or data("beir")
    parts = Parts(Settings(home=prepared(given.home)))
    everything: list[Case] = []
    for i, name in enumerate(given.sets):
        other = given.sets[i - 1] if len(given.sets) > 1 else SETS[0]
        with library(parts, retrieval_set(folders / name, "dev"), given.home) as assistant:
            own = cases(folders / name, folders / other, assistant.parts.retriever, given.queries)
        ranks = [c.rank for c in own if c.kind == "answerable"]
        hits = {f"hit@{k}": round(sum(r is not None and r <= k for r in ranks) / len(ranks), 3) for k in (1, 3, 6)}
        print(json.dumps({"set": name, **hits, "cases": len(own)}))
        everything += own
    usable = [c for c in everything if c.kind != "answerable" or c.rank is not None]
    x = np.array([[1.0, *c.features] for c in usable])
    y = np.array([float(c.kind == "answerable") for c in usable])
    balance = np.where(y == 1, 2 / 3 / y.mean(), 1 / 3 / (1 - y.mean()))  # two of three questions have an answer
    half = np.arange(len(usable)) % 2 == 0
    scores = x[~half] @ fit(x[half], y[half], balance[half])
    tested = [c.kind for c, kept in zip(usable, half, strict=True) if not kept]
    positive = [s for s, kind in zip(scores, tested, strict=True) if kind == "answerable"]
    rates = {"all": auroc(positive, [s for s, kind in zip(scores, tested, strict=True) if kind != "answerable"])}
    for kind in ("adversarial", "missing", "foreign"):
        rates[kind] = auroc(positive, [s for s, k in zip(scores, tested, strict=True) if k == kind])
        refused = np.mean([s < 0 for s, k in zip(scores, tested, strict=True) if k == kind])
        rates[f"{kind}_refused"] = float(refused)
    rates["answerable_refused"] = float(np.mean(np.array(positive) < 0))
    print(
        json.dumps(
            {"auroc": {k: round(v, 3) for k, v in rates.items()}, "weights": fit(x, y, balance).round(3).tolist()}
        )
    )
    (given.home / "strength.json").write_text(json.dumps([[c.kind, c.features, c.rank] for c in everything]))


if __name__ == "__main__":
    main()
