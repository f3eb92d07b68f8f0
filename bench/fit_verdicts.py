"""Fits the logistic behind `LocalVerifier`'s score, and says how well it tells supported answers from others.

    python bench/fit_verdicts.py [--head FILE] [--without SET] [--limit 400] [--write]

Fitted on the `calibrate` part (10 %, by context) of the sets under `grounded`, each weighing the same, tested on the
`test` part (20 %); the head saw neither. `--without` leaves a set out here too; give the head that was trained without
it. `--write` puts the weights into src/gakju/verify/calibration.toml. Printed beside it: the same without the head.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_data_path

from common import ROOT, data
from fit_strength import auroc, fit
from gakju.evaluation.grounded import evidence
from gakju.models.entailment import LEARNED, Entailment
from gakju.text.morphemes import Morphemes
from gakju.verify.local import FEATURES, LocalVerifier
from verifier_data import SETS, examples, part

CALIBRATION = ROOT / "src/gakju/verify/calibration.toml"
HEAD = [FEATURES.index(name) for name in ("entailed",)]


def rows(verifier: LocalVerifier, folder: Path, name: str, which: str, limit: int) -> tuple[NDArray, NDArray]:
    own = [e for e in examples(folder, name) if part(e.premise) == which]
    random.Random(1).shuffle(own)
    x, y = [], []
    for e in own[:limit]:
        texts = [one.text for one in evidence(e.premise)]
        found, values = verifier.features(e.claim, texts, e.question)
        x.append([1.0, *values, float(bool(found.wrong)), float(bool(found.missing))])
        y.append(float(e.allowed == (0,)))
    return np.array(x), np.array(y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--head", type=Path, default=LEARNED)
    parser.add_argument("--without", choices=SETS)
    parser.add_argument("--limit", type=int, default=400, help="answers of a set and part")
    parser.add_argument("--test-limit", type=int, help="of the tested part, --limit where not said")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--models", type=Path, default=user_data_path("gakju") / "models")
    given = parser.parse_args()
    folder = given.data or data("grounded")
    weights = given.models / "multilingual-e5-small-q4.bin"
    verifier = LocalVerifier(Morphemes(), Entailment(weights, given.models / "cache", learned=given.head).entailed)
    found = {
        (name, which): rows(verifier, folder, name, which, limit)
        for which, limit in (("calibrate", given.limit), ("test", given.test_limit or given.limit))
        for name in SETS
    }
    fitted = [found[name, "calibrate"] for name in SETS if name != given.without]
    x, y = np.concatenate([a for a, _ in fitted]), np.concatenate([b for _, b in fitted])
    # Sets weigh the same, and so do true and false in each.
    balance = np.concatenate([np.where(b == 1, 0.5 / b.sum(), 0.5 / (1 - b).sum()) for _, b in fitted]) * len(y)
    balance /= len(fitted)
    # What differs exactly is decided by rule: those columns are left out of the logistic.
    n = 1 + len(FEATURES)
    clean = (x[:, n:] == 0).all(1)
    w = fit(x[clean, :n], y[clean], balance[clean])
    words = [i for i in range(n) if i - 1 not in HEAD]
    w_words = fit(x[clean][:, words], y[clean], balance[clean])
    for name in SETS:
        a, b = found[name, "test"]
        score = 1 / (1 + np.exp(-a[:, :n] @ w))
        score = np.where((a[:, n:] > 0).any(1), 0.2 * score, score)
        plain = 1 / (1 + np.exp(-a[:, words] @ w_words))
        plain = np.where((a[:, n:] > 0).any(1), 0.2 * plain, plain)
        told = {
            "set": name,
            "n": len(b),
            "left_out": name == given.without,
            "auroc": auroc(score[b == 1], score[b == 0]),
            "auroc_words": auroc(plain[b == 1], plain[b == 0]),
            "auroc_head": auroc(a[b == 1, 1], a[b == 0, 1]),
            "accuracy": float(np.mean((score >= 0.5) == (b == 1))),
        }
        print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in told.items()}), flush=True)
    print(json.dumps(dict(zip(("bias", *FEATURES), w.round(3).tolist(), strict=True))))
    if given.write and not given.without:
        write(w)


MOST = {"span": 2.0}
"""Nearly every true answer of HaluEval is a span of its context: fitted, a span alone would outweigh the head (6.5)."""


def write(w: NDArray) -> None:
    text = CALIBRATION.read_text("utf-8")
    for name, fitted in zip(("bias", *FEATURES), w.tolist(), strict=True):
        value = min(fitted, MOST.get(name, fitted))
        at = text.index("[weights]")
        top, bottom = text[:at], text[at:]
        if name == "bias":
            top = re.sub(r"(?m)^bias = .*$", f"bias = {value:.3f}", top)
        else:
            bottom = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value:.3f}", bottom)
        text = top + bottom
    CALIBRATION.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
