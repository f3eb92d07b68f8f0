"""How sure a mean over queries is, and whether two retrievers differ by more than chance."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
"""Shape (queries,): one metric, a value a query."""

DRAWS = 10_000
_BLOCK = 500


def interval(
    values: Values, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0, of: Callable[..., Values] = np.mean
) -> tuple[float, float]:
    """Percentile bootstrap of the mean, or `of` another measure (Efron 1979): queries are drawn again, with
    replacement. `of` takes shape (draws, queries) and `axis=1`, as NumPy's measures do.
    """
    if not len(values):
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    found = np.concatenate(
        [
            of(values[rng.integers(0, len(values), (min(_BLOCK, draws - at), len(values)))], axis=1)
            for at in range(0, draws, _BLOCK)
        ]
    )
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def ratio_interval(
    one: Values, other: Values, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float]:
    """The same of how many times the mean of `one` is that of `other`, for the same queries in the same order."""
    if one.shape != other.shape:
        raise ValueError(f"{one.shape} and {other.shape} are not pairs")
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(one), (draws, len(one)))
    below = other[drawn].mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(below > 0, one[drawn].mean(axis=1) / below, np.inf)
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return float(low), float(high)


def paired_p(one: Values, other: Values, *, draws: int = DRAWS, seed: int = 0) -> float:
    """Two-sided p of the paired randomisation test (Fisher; for retrieval Smucker, Allan and Carterette 2007).

    Were the two alike, each query's difference could as well have the other sign: p is the share of sign patterns
    whose mean is at least as far from 0. All patterns where they are few, else `draws` random ones and the one seen.
    Raises ValueError where the shapes differ.
    """
    if one.shape != other.shape:
        raise ValueError(f"{one.shape} and {other.shape} are not pairs")
    differences = one - other
    differences = differences[differences != 0]
    seen = abs(differences.sum())
    # The same sum in another order differs in its last bits.
    reached = seen - 1e-9 * max(1.0, float(seen))
    if 2 ** min(len(differences), 64) <= draws:
        sums = np.array(list(product((-1.0, 1.0), repeat=len(differences)))) @ differences
        return float((np.abs(sums) >= reached).mean())
    rng = np.random.default_rng(seed)
    count = 1
    for at in range(0, draws, _BLOCK):
        signs = rng.integers(0, 2, (min(_BLOCK, draws - at), len(differences)), np.int8) * 2 - 1
        count += int((np.abs(signs @ differences) >= reached).sum())
    return count / (draws + 1)
