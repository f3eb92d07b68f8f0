"""nDCG@10 of Gakju's hybrid search, of BM25 alone and of dense alone, with the value of every query.

    python bench/quality.py [SET…] [--queries N] [--out DIR]

SET is a folder in BEIR layout: the seven development sets and the Korean probes unless told. Each set is asked through
`gakju.evaluation`, as `gakju eval retrieval` does it. Writes OUT/quality/NAME/SET.json with NAME gakju, gakju-bm25 and
gakju-dense, in the form of peers/quality.py; a set that is there already is left as it is, unless `--again`.
Libraries are kept between runs and made anew where the chunker, the analyzer or the embedder has changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import korean_probes
from common import data, load, prepared, report, scratch
from gakju.assistant.parts import Parts
from gakju.evaluation.datasets import RetrievalSet, retrieval_set
from gakju.evaluation.retrieval import MAIN, RETRIEVERS, Measured, evaluate, library, picked
from gakju.settings import Settings

SETS = "ssis-welfare-ko", "squad2-half", "korquad1-dev", "cranfield", "chunking-eval", "msmarco-ko", "scifact"
# Chunks: the first ten documents stand in them.
DEPTH = 40
NAMES = {"hybrid": "gakju", "bm25": "gakju-bm25", "dense": "gakju-dense"}


def folders() -> list[Path]:
    """The seven sets, the cheapest first, and the probes, written out anew."""
    probes = scratch(korean_probes.SET)
    korean_probes.write_beir(probes)
    return [*(data(f"beir/{name}") for name in SETS), probes]


def place(out: Path, retriever: str, name: str) -> Path:
    return out / "quality" / NAMES[retriever] / f"{name}.json"


def told(data: RetrievalSet, retriever: str, measured: Measured, documents: int) -> dict[str, Any]:
    values = [round(float(v), 5) for v in measured.values[MAIN]]
    hits = [float(v >= 1 / 3) for v in measured.values["mrr@10"]]
    return {
        "peer": NAMES[retriever],
        "set": data.name,
        "documents": documents,
        **{
            k: v
            for k, v in measured.summary().items()
            if k in {"ndcg@10", "recall@10", "mrr@10", "queries", "ndcg@10_ci"}
        },
        "hit@3": round(sum(hits) / len(hits), 4),
        "ndcg": dict(zip(measured.queries, values, strict=True)),
        "hits": dict(zip(measured.queries, hits, strict=True)),
    }


def run(sets: Sequence[Path], out: Path, home: Path, queries: int | None, again: bool) -> None:
    with closing(Parts(Settings(home=prepared(home)))) as parts:
        for folder in sets:
            paths = {name: place(out, name, folder.name) for name in RETRIEVERS}
            if not again and all(path.exists() for path in paths.values()):
                continue
            one, busy = retrieval_set(folder, "dev"), load()
            print(f"{folder.name} …", file=sys.stderr, flush=True)
            with library(parts, one, home) as assistant:
                count = len(assistant.documents())
                found = evaluate(assistant, one, picked(one, queries, 0), list(RETRIEVERS), depth=DEPTH, timed=False)
            for name, measured in found.items():
                whole = told(one, name, measured, count)
                shown = {k: v for k, v in whole.items() if k not in {"ndcg", "hits"}}
                report(
                    "quality", {"load": busy, **shown, "details": {k: whole[k] for k in ("ndcg", "hits")}}, paths[name]
                )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", type=Path)
    parser.add_argument("--queries", type=int, help="so many of each set, picked by chance")
    parser.add_argument("--out", type=Path, default=scratch("results"))
    parser.add_argument("--home", type=Path, default=scratch("sets"), help="where libraries are kept between runs")
    parser.add_argument("--again", action="store_true", help="also the sets that OUT holds already")
    args = parser.parse_args()
    run(args.sets or folders(), args.out, args.home, args.queries, args.again)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
