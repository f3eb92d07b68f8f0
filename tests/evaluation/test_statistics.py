"""Intervals cover as often as they say, and the paired test finds what is there and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from gakju.evaluation.statistics import interval, paired_p


def test_an_interval_holds_the_mean_and_narrows_with_queries() -> None:
    rng = np.random.default_rng(1)
    few, many = rng.random(50), rng.random(800)
    for values in (few, many):
        low, high = interval(values)
        assert low < values.mean() < high
    assert np.subtract(*interval(few)[::-1]) > 3 * np.subtract(*interval(many)[::-1])
    assert interval(few) == interval(few)
    assert interval(np.full(9, 0.25)) == (0.25, 0.25)
    assert interval(np.zeros(0)) == (0.0, 0.0)


def test_an_interval_covers_as_often_as_it_says() -> None:
    """100 samples of 60: 95 % intervals cover the true mean 95 times; fewer than 86 come by chance once in 2,000."""
    rng = np.random.default_rng(2)
    edges = [interval(rng.binomial(1, 0.7, 60).astype(float), draws=1000, seed=n) for n in range(100)]
    assert sum(low <= 0.7 <= high for low, high in edges) >= 86


def test_few_pairs_are_counted_out() -> None:
    one = np.array([1.0, 1.0, 1.0, 1.0])
    # Of the 16 sign patterns two are as far from 0 as four differences of one sign.
    assert paired_p(one, np.zeros(4)) == 2 / 16
    assert paired_p(np.zeros(4), one) == 2 / 16
    # 3 and -1: all four patterns are at least 2 from 0.
    assert paired_p(np.array([3.0, 0.0]), np.array([0.0, 1.0])) == 1.0
    assert paired_p(one, one) == 1.0
    with pytest.raises(ValueError, match="pairs"):
        paired_p(one, np.zeros(3))


def test_a_difference_is_found_and_its_sign_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    base = rng.random(300)
    better = np.clip(base + 0.05 + 0.1 * rng.standard_normal(300), 0, 1)
    assert paired_p(better, base) < 0.001
    assert paired_p(better, base) == paired_p(base, better)
    assert paired_p(better, base) >= 1 / 10_001


def test_pairs_tell_more_than_two_means() -> None:
    """Queries differ by far more than retrievers: what is sure in pairs is drowned without them."""
    rng = np.random.default_rng(5)
    base = rng.random(200)
    better = base + 0.01
    assert paired_p(better, base) < 0.001
    assert paired_p(better, rng.permutation(base)) > 0.2


def test_no_difference_is_found_as_often_as_it_says() -> None:
    """200 pairs of like runs: p below .05 comes 10 times; 24 or more by chance once in 10,000."""
    rng = np.random.default_rng(6)
    found = [paired_p(rng.random(40), rng.random(40), draws=500, seed=n) < 0.05 for n in range(200)]
    assert sum(found) < 24
