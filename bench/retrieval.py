"""Retrieval quality and speed over a folder in BEIR layout.

    python bench/retrieval.py DIR… [--split dev] [--queries 300] [--weights FILE --cache DIR]

Prints a JSON object a folder: ndcg@10, recall@10, recall@100, mrr@10 and latencies for each retriever.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gakju.chunk import Chunker, embedding_text
from gakju.index import Index
from gakju.models.embed import E5
from gakju.protocols import Embedder
from gakju.retrieve import Retriever
from gakju.text.morphemes import Morphemes
from gakju.text.normalise import nfc
from gakju.types import Block, Document, Page

RETRIEVERS = {"hybrid": ("bm25", "dense"), "bm25": ("bm25",), "dense": ("dense",)}


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def judgements(folder: Path, split: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    with (folder / "qrels" / f"{split}.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                found.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return found


def fill(index: Index, corpus: Sequence[dict[str, Any]], embedder: Embedder, morphemes: Morphemes, size: int) -> None:
    """All of the corpus as documents of one page; batches of 64 documents a call of the models."""
    chunker = Chunker(embedder.count_tokens, size)
    known = {document.id for document in index.documents()}
    fresh = [entry for entry in corpus if entry["_id"] not in known]
    for at in range(0, len(fresh), 64):
        batch = []
        for entry in fresh[at : at + 64]:
            text = nfc(entry["text"])
            page = Page(1, text, (Block("text", 0, len(text)),))
            batch.append((entry, page, list(chunker.chunks(entry["_id"], [page]))))
        texts = [embedding_text(chunk, nfc(entry.get("title", ""))) for entry, _, chunks in batch for chunk in chunks]
        vectors, words = embedder.embed_passages(texts), morphemes.many(texts)
        done = 0
        for entry, page, chunks in batch:
            own = slice(done, done + len(chunks))
            done += len(chunks)
            with index.writer(entry["_id"]) as writer:
                writer.write([page], chunks, vectors[own], words[own])
                title = nfc(entry.get("title", "") or entry["_id"])
                writer.commit(
                    Document(entry["_id"], title, "", "default", entry["_id"], "text/plain", 0, 1, len(chunks), "")
                )
        print(f"{at + len(batch)} of {len(fresh)}", file=sys.stderr, end="\r")
    index.optimise()


def ndcg(ranked: Sequence[str], relevant: dict[str, int], k: int = 10) -> float:
    """Järvelin and Kekäläinen 2002, with linear gain, as trec_eval and BEIR have it."""
    gain = sum(relevant.get(name, 0) / np.log2(rank + 1) for rank, name in enumerate(ranked[:k], 1))
    ideal = sum(g / np.log2(rank + 1) for rank, g in enumerate(sorted(relevant.values(), reverse=True)[:k], 1))
    return float(gain / ideal) if ideal else 0.0


def evaluate(
    retriever: Retriever, queries: dict[str, str], relevant: dict[str, dict[str, int]], retrievers: Sequence[str]
) -> dict[str, float]:
    """Documents ranked by their best chunk. Queries without judgements must not be given."""
    totals: dict[str, list[float]] = {name: [] for name in ("ndcg@10", "recall@10", "recall@100", "mrr@10", "seconds")}
    for name, text in queries.items():
        started = time.perf_counter()
        hits = retriever.search(text, 200, retrievers=retrievers)
        totals["seconds"].append(time.perf_counter() - started)
        ranked = list(dict.fromkeys(hit.document.id for hit in hits))
        gold = relevant[name]
        totals["ndcg@10"].append(ndcg(ranked, gold))
        for k in (10, 100):
            totals[f"recall@{k}"].append(len(gold.keys() & set(ranked[:k])) / len(gold))
        totals["mrr@10"].append(next((1 / rank for rank, d in enumerate(ranked[:10], 1) if d in gold), 0.0))
    seconds = totals.pop("seconds")
    means = {name: round(float(np.mean(values)), 4) for name, values in totals.items()}
    p50, p95 = (round(1000 * float(np.percentile(seconds, q)), 1) for q in (50, 95))
    return {**means, "queries": len(queries), "seconds": round(sum(seconds), 1), "p50_ms": p50, "p95_ms": p95}


def library(folder: Path, home: Path, embedder: Embedder, morphemes: Morphemes, size: int = 256) -> Index:
    """The folder's corpus in an index under `home`; made once."""
    index = Index(home / folder.name, {"embedder": embedder.name, "size": str(size)}, embedder.dimensions)
    index.recover()
    fill(index, list(lines(folder / "corpus.jsonl")), embedder, morphemes, size)
    return index


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--weights", type=Path, required=True, help="the embedder's file")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "gakju-bench")
    given = parser.parse_args()
    embedder, morphemes = E5(given.weights, given.home, 0), Morphemes()
    for folder in given.folders:
        index = library(folder, given.home, embedder, morphemes)
        relevant = judgements(folder, given.split)
        texts = {q["_id"]: q["text"] for q in lines(folder / "queries.jsonl") if q["_id"] in relevant}
        picked = random.Random(0).sample(sorted(texts), min(given.queries, len(texts)))
        queries = {name: texts[name] for name in picked}
        retriever = Retriever(index, embedder, morphemes)
        found = {name: evaluate(retriever, queries, relevant, parts) for name, parts in RETRIEVERS.items()}
        print(json.dumps({"set": folder.name, **found}))


if __name__ == "__main__":
    main()
