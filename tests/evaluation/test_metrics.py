"""Measures by hand, and against trec_eval on random runs."""

from __future__ import annotations

import random
from math import log2

import ir_measures
import pytest
from ir_measures import RR, R, nDCG

from gakju.evaluation.metrics import accuracy, auroc, f1, mrr, ndcg, quantile_ms, recall


def test_ndcg_by_hand() -> None:
    assert ndcg(["a"], {"a": 1}) == 1.0
    assert ndcg(["x", "a"], {"a": 1}) == pytest.approx(1 / log2(3))
    # Gains 1 and 3 in the wrong order: (1 + 3 / log2 3) / (3 + 1 / log2 3).
    assert ndcg(["one", "three"], {"one": 1, "three": 3}) == pytest.approx((1 + 3 / log2(3)) / (3 + 1 / log2(3)))
    assert ndcg(["x"] * 10 + ["a"], {"a": 1}) == 0.0
    assert ndcg([], {"a": 1}) == 0.0
    assert ndcg(["a"], {}) == 0.0


def test_recall_and_reciprocal_rank_by_hand() -> None:
    ranked = ["x", "a", "y", "b"]
    assert recall(ranked, {"a": 1, "b": 1, "c": 2}, 3) == pytest.approx(1 / 3)
    assert recall(ranked, {"a": 1, "b": 1, "c": 2}, 4) == pytest.approx(2 / 3)
    assert recall(ranked, {}, 4) == 0.0
    assert mrr(ranked, {"b": 1, "a": 1}) == 0.5
    assert mrr(["x"] * 10 + ["a"], {"a": 1}) == 0.0


def test_rankings_measure_as_trec_eval_measures_them() -> None:
    pick = random.Random(7)
    for _ in range(60):
        documents = [f"d{n}" for n in range(150)]
        pick.shuffle(documents)
        ranked = documents[: pick.choice([0, 3, 10, 11, 120])]
        graded = {name: pick.randint(1, 4) for name in pick.sample(documents, pick.choice([1, 2, 15, 40]))}
        qrels = [ir_measures.Qrel("q", name, grade) for name, grade in graded.items()]
        run = [ir_measures.ScoredDoc("q", name, 1000.0 - rank) for rank, name in enumerate(ranked)]
        theirs = ir_measures.calc_aggregate([nDCG @ 10, R @ 10, R @ 100, RR @ 10], qrels, run) if run else None
        ours = (ndcg(ranked, graded), recall(ranked, graded, 10), recall(ranked, graded, 100), mrr(ranked, graded))
        expected = [theirs[m] for m in (nDCG @ 10, R @ 10, R @ 100, RR @ 10)] if theirs else [0, 0, 0, 0]
        assert ours == pytest.approx(expected, abs=1e-9)


def test_verdicts_by_hand() -> None:
    said, true = [True, True, False, False], [True, False, True, False]
    assert accuracy(said, true) == 0.5
    assert f1(said, true) == 0.5
    assert f1([True, True, True], [True, False, False]) == 0.5
    assert f1([False], [False]) == 0.0


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    pick = random.Random(3)
    for _ in range(50):
        true = [True, False, *(pick.random() < 0.4 for _ in range(20))]
        scores = [pick.choice([0.0, 0.2, 0.2, 0.5, 1.0]) for _ in true]
        pairs = [
            (a, b) for a, x in zip(scores, true, strict=True) if x for b, y in zip(scores, true, strict=True) if not y
        ]
        assert auroc(scores, true) == pytest.approx(sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs))
    assert auroc([0.1, 0.9], [True, True]) is None


def test_times_are_milliseconds() -> None:
    assert quantile_ms([0.001, 0.002, 0.003], 0.5) == 2.0
    assert quantile_ms([], 0.5) == 0.0
