"""A peer's ranking of the documents of a set: nDCG@10, hit@3, and both for every query.

    python bench/peers/quality.py chunk PEER [SET...]     which texts does it embed? (no vectors needed)
    python bench/peers/quality.py search PEER [SET...]    needs their vectors: vectors.py

Runs in the peer's environment; PEER is a name such as langchain-256, SET a folder in BEIR layout (the seven, unless
told). The peer runs as it is: only `SentenceTransformer.encode` answers from the store of vectors.py.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sets
from vectors import Store

MODULES = {
    "langchain": "peer_langchain",
    "langchain-256": "peer_langchain",
    "llama_index": "peer_llama_index",
    "haystack": "peer_haystack",
    "txtai": "peer_txtai",
    "bm25-bigrams": "peer_bm25",
}
CANDIDATES = 50
"""Chunks that each retriever of a peer gives: enough for ten documents. Their own defaults are 2 to 10."""


class Kept:
    """Stands in for sentence-transformers' `encode`: from the store, or notes what is wanted."""

    def __init__(self, store: Store, engines: Sequence[str]) -> None:
        self.store, self.engines = store, engines
        self.priority: int | None = None
        self.texts = self.others = 0

    def vectors(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        self.texts += len(texts)
        if self.priority is not None:
            self.store.want(texts, self.priority)
            return np.full((len(texts), 384), 384**-0.5, np.float32)
        found, others = self.store.find(texts, self.engines)
        self.others += others
        return found

    def install(self) -> None:
        from sentence_transformers import SentenceTransformer

        def encode(model: Any, inputs: Any, *_: Any, prompt: str | None = None, **named: Any) -> Any:
            prefix = prompt or model.prompts.get(named.get("prompt_name") or "", "")
            single = isinstance(inputs, str)
            found = self.vectors([prefix + text for text in ([inputs] if single else inputs)])
            return found[0] if single else found

        for name in ("encode", "encode_query", "encode_document"):
            setattr(SentenceTransformer, name, encode)


def chunk(name: str, folders: Sequence[Path], kept: Kept, weights: str) -> None:
    for number, folder in enumerate(folders):
        kept.priority = 2 * number
        peer = importlib.import_module(MODULES[name]).Peer(weights, name)
        documents = peer.documents(sets.corpus(folder))
        print(f"{name} {folder.name}: {peer.add(documents)} chunks of {len(documents)}", flush=True)
        # LangChain asks with line breaks as spaces.
        asked = [text for _, text in sets.queries(folder)]
        kept.store.want([f"query: {t}" for text in asked for t in (text, text.replace("\n", " "))], kept.priority)


def search(name: str, folder: Path, kept: Kept, weights: str, out: Path) -> None:
    kept.texts = kept.others = 0
    peer = importlib.import_module(MODULES[name]).Peer(weights, name)
    entries = sets.corpus(folder)
    chunks = peer.add(peer.documents(entries))
    searchers = peer.ready(CANDIDATES)
    judged, queries = sets.judgements(folder), sets.queries(folder)
    for label, find in searchers.items():
        started = time.monotonic()
        ranked = {number: sets.best_first(find(text)) for number, text in queries}
        seconds = time.monotonic() - started
        values = {number: round(sets.ndcg(found, judged[number]), 5) for number, found in ranked.items()}
        hits = {number: sets.hit(found, judged[number]) for number, found in ranked.items()}
        result = {
            "peer": label,
            "set": folder.name,
            "documents": len(entries),
            "chunks": chunks,
            "queries": len(queries),
            "ndcg@10": round(sum(values.values()) / len(values), 4),
            "hit@3": round(sum(hits.values()) / len(hits), 4),
            "vectors": {"engine": kept.engines[0], "from_another_engine": kept.others, "of": kept.texts},
            "ndcg": values,
            "hits": hits,
        }
        suffix = "" if label == "bm25-bigrams" or kept.engines[0] == "fp32" else f"-{kept.engines[0]}"
        sets.write(out / f"quality{suffix}" / label / f"{folder.name}.json", "peers/quality", result)
        print(f"{label} {folder.name}: {result['ndcg@10']} hit@3 {result['hit@3']} ({seconds:.0f} s)", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("chunk", "search"))
    parser.add_argument("peer", choices=MODULES)
    parser.add_argument("sets", nargs="*", type=Path)
    parser.add_argument("--out", type=Path, default=sets.scratch("peers") / "results")
    parser.add_argument("--weights", default=str(sets.scratch("e5-fp32")))
    parser.add_argument("--store", type=Path, default=sets.scratch("peers") / "vectors.db")
    parser.add_argument("--engines", nargs="+", default=["fp32", "int8"], help="whose vectors, the first that has one")
    args = parser.parse_args()
    kept = Kept(Store(args.store), args.engines)
    if args.peer != "bm25-bigrams":
        kept.install()
    if args.peer == "txtai":
        # Its default calls transformers itself; this way it asks sentence-transformers, for the same vectors.
        importlib.import_module("peer_txtai").METHOD = "sentence-transformers"
    folders = args.sets or sets.folders()
    if args.mode == "chunk":
        chunk(args.peer, folders, kept, args.weights)
        return 0
    for folder in folders:
        try:
            search(args.peer, folder, kept, args.weights, args.out)
        except KeyError as missing:
            print(f"{args.peer} {folder.name}: no vector yet of {missing}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
