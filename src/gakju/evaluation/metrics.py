"""Measures of a ranking and of a yes or no. A test holds the rankings' against trec_eval's on random runs.

Written out, because ir-measures needs SciPy by way of its trec_eval bindings (143 MB), and ranx needs numba.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], k: int = 10) -> float:
    """Järvelin and Kekäläinen 2002 with linear gain, as trec_eval and BEIR have it. `relevant` are grades above 0."""
    gain = sum(relevant.get(name, 0) / log2(rank + 1) for rank, name in enumerate(ranked[:k], 1))
    best = sorted(relevant.values(), reverse=True)[:k]
    ideal = sum(grade / log2(rank + 1) for rank, grade in enumerate(best, 1))
    return gain / ideal if ideal else 0.0


def recall(ranked: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """The share of the relevant that is among the first `k`."""
    return len(relevant.keys() & set(ranked[:k])) / len(relevant) if relevant else 0.0


def mrr(ranked: Sequence[str], relevant: Mapping[str, int], k: int = 10) -> float:
    """One over the rank of the first relevant one; 0 where none is among the first `k`."""
    return next((1 / rank for rank, name in enumerate(ranked[:k], 1) if name in relevant), 0.0)


def accuracy(said: Sequence[bool], true: Sequence[bool]) -> float:
    return sum(a == b for a, b in zip(said, true, strict=True)) / len(true) if true else 0.0


def f1(said: Sequence[bool], true: Sequence[bool]) -> float:
    """Harmonic mean of precision and recall of True; 0 where neither list has one."""
    both = sum(a and b for a, b in zip(said, true, strict=True))
    return 2 * both / (sum(said) + sum(true)) if any(said) or any(true) else 0.0


def auroc(scores: ArrayLike, true: ArrayLike) -> float | None:
    """How often a True scores above a False, ties counting half (Mann and Whitney 1947); None without both."""
    values, labels = np.asarray(scores, np.float64), np.asarray(true, bool)
    positive, negative = int(labels.sum()), int((~labels).sum())
    if not positive or not negative:
        return None
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return float((ranks[labels].sum() - positive * (positive + 1) / 2) / (positive * negative))


def quantile_ms(seconds: Sequence[float] | NDArray[np.float64], share: float) -> float:
    """The quantile of times in seconds, as milliseconds; 0 of nothing."""
    return round(1000 * float(np.quantile(seconds, share)), 1) if len(seconds) else 0.0
