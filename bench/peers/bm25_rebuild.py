"""What does LangChain pay for one more document? Its BM25Retriever has no way to add: it is made anew from all chunks.

    <envs>/langchain/bin/python bench/peers/bm25_rebuild.py [--sizes 3000 100000] [--json FILE]

Chunks are 1,000 characters of the Korean and English sets' corpora joined, repeated with a new first word where they do
not suffice. Told for each size: seconds to make the retriever, seconds to add one document (making it again), p50 of a
question to it, and, beside it, seconds FAISS takes to add the one vector.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import sets
from langchain_community.retrievers import BM25Retriever


def chunks() -> Iterator[str]:
    """Without end."""
    texts = ["\n".join(e.text for e in sets.corpus(sets.data(f"beir/{n}"))) for n in ("korquad1-dev", "scifact")]
    size = min(map(len, texts)) // 1000
    for again in itertools.count():
        for at in range(size):
            for text in texts:
                yield f"{again} {text[1000 * at : 1000 * (at + 1)]}"


def measure(size: int) -> dict[str, Any]:
    texts = list(itertools.islice(chunks(), size))
    started = time.perf_counter()
    BM25Retriever.from_texts(texts)
    built = time.perf_counter()
    retriever = BM25Retriever.from_texts([*texts, "하나 더"])
    again = time.perf_counter()
    questions = [text for _, text in sets.queries(sets.data("beir/korquad1-dev"))[:10]]
    took = []
    for question in questions:
        asked = time.perf_counter()
        retriever.invoke(question)
        took.append(1000 * (time.perf_counter() - asked))
    index = faiss.IndexFlatL2(384)
    index.add(np.random.default_rng(1).random((size, 384), np.float32))
    vector = np.zeros((1, 384), np.float32)
    adding = time.perf_counter()
    index.add(vector)
    return {
        "chunks": size,
        "build_seconds": round(built - started, 2),
        "add_one_seconds": round(again - built, 2),
        "query_p50_ms": round(sets.percentile(took, 0.5), 1),
        "faiss_add_one_ms": round(1000 * (time.perf_counter() - adding), 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[3000, 100_000])
    parser.add_argument("--json", type=Path, default=sets.scratch("peers") / "results" / "bm25_rebuild.json")
    args = parser.parse_args()
    runs = []
    for size in args.sizes:
        runs.append(measure(size))
        print(runs[-1], flush=True)
    sets.write(args.json, "peers/bm25_rebuild", {"runs": runs})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
