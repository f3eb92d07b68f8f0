"""Fits the weights of `gakju.answer.choose` and says how well spans answer, on questions it was not fitted on.

    python bench/fit_spans.py [--home DIR] [--write] [--json FILE]

Data: the questions of korquad1-dev (CC BY-ND 2.0 KR) and squad2-half (CC BY-SA 4.0) whose place in the file is odd,
counted from 0, and for English the right answers of HaluEval's QA part (MIT) that stand in their context. Questions at
even places are never read: the evaluation draws from them. Passages are shared by odd and even questions. No text of
the data is kept, only a weight for each feature.

The weights maximise the expected squared token F1 (characters for Korean, as KorQuAD counts) under a softmax over all
spans of the four best sentences, with a ridge. The confidence is a logistic fitted on the other folds' choices:
positive where the span's F1 is at least 0.3, negative where it is not, where SQuAD 2 has no answer, and where the
passage that answers is kept out of the hits. Printed are means over three folds parted by passage; `--write` fits on
all and writes spans.json.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import string
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack

from common import ROOT, data, prepared, report, scratch
from gakju.answer.asked import asked
from gakju.answer.choose import CONFIDENCE, LOOKED_AT, signs
from gakju.answer.spans import Span, spans
from gakju.assistant.parts import Parts
from gakju.evaluation.datasets import retrieval_set
from gakju.evaluation.retrieval import library
from gakju.settings import Settings
from gakju.text.sentences import sentence_spans

SETS = {"ko": "korquad1-dev", "en": "squad2-half"}
RIDGE, NEGATIVES, RARE, FOLDS, SMALL = 1e-3, 40, 8, 3, 0.02
WEIGHTS = ROOT / "src" / "gakju" / "answer" / "spans.json"
_MARKS = re.compile(r"[《》<>〈〉()‘’'\"“”]")


@dataclass
class Case:
    group: str
    found: list[Span]
    gain: np.ndarray
    strength: float
    answerable: bool
    told: bool  # counts in what is printed
    baseline: float = 0.0


def f1(said: str, answers: list[str], lang: str) -> float:
    return max((_f1(said, a, lang) for a in answers), default=0.0)


def _f1(said: str, answer: str, lang: str) -> float:
    one, other = _units(said, lang), _units(answer, lang)
    shared = sum((Counter(one) & Counter(other)).values())
    return 2 * shared / (len(one) + len(other)) if shared else 0.0


def _units(text: str, lang: str) -> list[str]:
    plain = "".join(c for c in _MARKS.sub(" ", text).lower() if c not in string.punctuation)
    words = plain.split() if lang == "ko" else re.sub(r"\b(a|an|the)\b", " ", plain).split()
    return list("".join(words)) if lang == "ko" else words


def cases(parts: Parts, lang: str, folder: Path, most: int | None) -> list[Case]:
    root = data(f"beir/{SETS[lang]}")
    lines = (root / "queries.jsonl").read_text("utf-8").splitlines()[1::2][:most]
    tagger, made = parts.morphemes.tagged, []
    with library(parts, retrieval_set(root, "dev"), folder) as assistant:
        retriever = assistant.parts.retriever
        for n, query in enumerate(map(json.loads, lines)):
            about, wanted = query["metadata"], asked(query["text"], tagger)
            hits = retriever.search(query["text"], 10)
            for kept in (True, False) if n % 3 == 0 and about["answerable"] else (True,):
                left = [h for h in hits if kept or h.document.id != about["context_id"]]
                found = retriever.evidence(query["text"], left, 6)
                best = found.sentences[:LOOKED_AT]
                own = spans([e.text for e in best], [e.score for e in best], wanted, tagger)
                answers = about["answers"] if about["answerable"] and kept else []
                gain = np.array([f1(s.text, answers, lang) for s in own])
                if own:
                    whole = f1(best[0].text, answers, lang)
                    made.append(Case(about["context_id"], own, gain, found.strength, bool(answers), kept, whole))
    return made


def halu(parts: Parts, most: int | None) -> list[Case]:
    made = []
    for row in map(json.loads, data("grounded/halueval_qa.jsonl").read_text("utf-8").splitlines()[:most]):
        if not row["supported"] or row["answer"] not in row["context"]:
            continue
        texts = [row["context"][i:j] for i, j in sentence_spans(row["context"])]
        words = set(row["question"].lower().split())
        scores = [len(words & set(t.lower().split())) / 10 for t in texts]
        order = sorted(range(len(texts)), key=lambda i: -scores[i])[:LOOKED_AT]
        own = spans(
            [texts[i] for i in order],
            [scores[i] for i in order],
            asked(row["question"], parts.morphemes.tagged),
            parts.morphemes.tagged,
        )
        gain = np.array([f1(s.text, [row["answer"]], "en") for s in own])
        if len(gain) and gain.max() > 0.5:
            made.append(Case(row["id"].split("-")[0], own, gain, 1.0, True, False))
    return made


class Fit:
    """Weights of the features that are not rare."""

    def __init__(self, given: list[Case], rng: np.random.Generator) -> None:
        counts = Counter(k for c in given for s in c.found for k in s.features)
        self.names = [k for k, n in counts.items() if n >= RARE * 5]
        self.place = {k: i for i, k in enumerate(self.names)}
        kept = []
        for c in given:
            good, bad = np.flatnonzero(c.gain > 0.3), np.flatnonzero(c.gain <= 0.3)
            bad = rng.choice(bad, NEGATIVES, replace=False) if len(bad) > NEGATIVES else bad
            i = np.concatenate([good[np.argsort(-c.gain[good])][:12], bad])
            kept.append((self.matrix([c.found[j] for j in i]), c.gain[i] ** 2))
        x = vstack([m for m, _ in kept]).tocsr()
        xt, y = x.T.tocsr(), np.concatenate([g for _, g in kept])
        sizes = [len(g) for _, g in kept]
        starts, of = np.concatenate([[0], np.cumsum(sizes)[:-1]]), np.repeat(np.arange(len(sizes)), sizes)

        def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
            z = x @ w
            e = np.exp(z - np.maximum.reduceat(z, starts)[of])
            all_, won = np.add.reduceat(e, starts), np.add.reduceat(e * y, starts) + 1e-9
            slope = xt @ (e / all_[of] - e * y / won[of]) / len(sizes)
            return float(-np.log(won / all_).mean() + RIDGE * (w @ w)), slope + 2 * RIDGE * w

        self.w = minimize(loss, np.zeros(len(self.names)), jac=True, method="L-BFGS-B", options={"maxiter": 80}).x

    def matrix(self, found: list[Span]) -> csr_matrix:
        rows = [[(self.place[k], v) for k, v in s.features.items() if v and k in self.place] for s in found]
        ends = np.cumsum([0, *map(len, rows)])
        flat = [pair for row in rows for pair in row]
        columns, values = np.array([i for i, _ in flat], np.int32), np.array([v for _, v in flat])
        return csr_matrix((values, columns, ends), shape=(len(found), len(self.names)))

    def weights(self) -> dict[str, float]:
        return {k: round(float(v), 3) for k, v in sorted(zip(self.names, self.w, strict=True)) if abs(v) >= SMALL}

    def weigh(self, found: list[Span]) -> np.ndarray:
        return self.matrix(found) @ self.w


def logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """With a small ridge, not on the constant, which comes last."""

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ w
        ridge = np.r_[w[:-1], 0.0] * 0.01
        p = 1 / (1 + np.exp(-z))
        return float(np.logaddexp(0, z).mean() - (y * z).mean() + ridge @ w / 2), x.T @ (p - y) / len(y) + ridge

    return minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x


def measured(lang: str, own: list[Case], more: list[Case]) -> tuple[dict[str, Any], dict[str, Any]]:
    rng = np.random.default_rng(0)
    usable = lambda c: c.answerable and c.gain.max(initial=0) > 0.4  # noqa: E731
    groups = sorted({c.group for c in own})
    fold = {g: i % FOLDS for i, g in enumerate(rng.permutation(groups))}
    rows: list[tuple[Case, list[float], float]] = []
    for k in range(FOLDS):
        fit = Fit([c for c in own if fold[c.group] != k and usable(c)] + more, rng)
        for c in own:
            if fold[c.group] == k:
                weighed = fit.weigh(c.found)
                rows.append((c, signs(c.found, weighed.tolist(), c.strength), float(c.gain[int(weighed.argmax())])))
    x = np.array([[*s, 1.0] for _, s, _ in rows])
    right = np.array([g >= 0.3 for _, _, g in rows], float)
    w = logistic(x, right)
    sure = 1 / (1 + np.exp(-(x @ w)))
    shown = [i for i, (c, _, _) in enumerate(rows) if c.told]
    gain = np.array([rows[i][2] for i in shown])
    none = np.array([not rows[i][0].answerable for i in shown])
    answered = ~none
    figures = {
        "questions": len(shown),
        "answerable": int(answered.sum()),
        "f1_of_answerable": round(float(gain[answered].mean()), 4),
        "f1_of_whole_sentence": round(float(np.mean([rows[i][0].baseline for i in shown if rows[i][0].answerable])), 4),
        "oracle_f1": round(float(np.mean([rows[i][0].gain.max() for i in shown if rows[i][0].answerable])), 4),
        "curve": [
            {
                "refuse_below": t,
                "refused": round(float((sure[shown] < t).mean()), 3),
                "f1": round(float(np.where(sure[shown] < t, none, gain).mean()), 4),
                "wrong": round(float(((sure[shown] >= t) & (gain < 0.3)).mean()), 3),
            }
            for t in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
        ],
    }
    whole = Fit([c for c in own if usable(c)] + more, rng)
    confidence = {k: round(float(v), 3) for k, v in zip((*CONFIDENCE, "one"), w, strict=True)}
    return figures, {lang: whole.weights(), f"confidence_{lang}": confidence}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=scratch("fit_spans"))
    parser.add_argument("--questions", type=int, help="only the first so many of each set, to try the script")
    parser.add_argument("--write", action="store_true", help="fit on all questions and write spans.json")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    parts = Parts(Settings(home=prepared(args.home)))
    started, figures, weights = time.perf_counter(), {}, {}
    for lang in SETS:
        figures[lang], fitted = measured(
            lang, cases(parts, lang, args.home, args.questions), halu(parts, args.questions) if lang == "en" else []
        )
        weights |= fitted
        print(lang, json.dumps(figures[lang]), f"{time.perf_counter() - started:.0f} s", flush=True)
    if args.write:
        WEIGHTS.write_text(json.dumps(weights, ensure_ascii=False, indent=0) + "\n", "utf-8")
    assert all(math.isfinite(v) for own in weights.values() for v in own.values())
    report("fit_spans", figures, args.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
