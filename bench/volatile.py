"""How well are facts that change told from facts that stay, in examples to fine-tune on?

200 sentences labelled before any rule was written (`questions/volatile.tsv`: 100 that change and 100 that stay, half
Korean and half English; stable ones hold numbers, years, money of the past and words such as "current", changing ones
often hold none). Rules were made with sixty others, `--dev`. Precision and recall are of "changes".
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

from common import HERE, rate, report, table
from gakju.labs.finetune.volatile import find
from gakju.text.morphemes import Morphemes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dev", action="store_true", help="the sixty that rules were made with")
    parser.add_argument("--wrong", action="store_true", help="show what went wrong (of --dev only)")
    parser.add_argument("--json", dest="out", type=Path)
    args = parser.parse_args()
    path = HERE / "questions" / ("volatile_dev.tsv" if args.dev else "volatile.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    tagger = Morphemes().tagged
    tagger("준비")
    began = time.perf_counter()
    # A fixed year: the sentences were written in it.
    told = [(r, find(r["sentence"], tagger, year=2026)) for r in rows]
    seconds = time.perf_counter() - began
    result: dict[str, object] = {"sentences": len(rows), "ms_a_sentence": round(1000 * seconds / len(rows), 2)}
    for name in ("all", "ko", "en"):
        part = [(r["label"] == "changing", bool(f)) for r, f in told if name in ("all", r["language"])]
        hit = sum(a and b for a, b in part)
        result[f"{name}_precision"] = round(hit / max(1, sum(b for _, b in part)), 3)
        result[f"{name}_recall"] = round(hit / max(1, sum(a for a, _ in part)), 3)
        print(name, "precision", rate(hit, sum(b for _, b in part)), "recall", rate(hit, sum(a for a, _ in part)))
    if args.wrong and args.dev:
        for r, flags in told:
            if (r["label"] == "changing") != bool(flags):
                print(r["label"], r["sentence"], flags)
    table(result.items())
    report("volatile", result, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
