"""One store of vectors for the quality runs, so that no text is embedded twice however many peers ask for it.

    python bench/peers/vectors.py --engine fp32     in a peer's environment: sentence-transformers, float32
    python bench/peers/vectors.py --engine int8     in Gakju's: its own embedder on the same weights

A peer's run first tells which texts it wants (`quality.py chunk`), this script embeds what is missing, the next run
(`quality.py search`) finds every vector here. Texts are keyed by SHA-256 with their prefix, vectors by what the model
sees: the first 512 tokens. Stopping and starting again loses at most one batch. Never used in a timed run.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import time
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import sets

WINDOW = 510
"""Tokens the model sees beside its two special ones; sentence-transformers cuts the rest off."""
BATCH = 512
SCHEMA = """
CREATE TABLE IF NOT EXISTS wanted (key BLOB PRIMARY KEY, text TEXT NOT NULL, priority INTEGER NOT NULL, seen BLOB);
CREATE TABLE IF NOT EXISTS vectors (seen BLOB, engine TEXT, vector BLOB NOT NULL, PRIMARY KEY (seen, engine));
"""


class Store:
    """SQLite: texts asked for, the tokens seen of each (`seen`, a digest), the vectors of each engine."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=120, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(SCHEMA)

    def want(self, texts: Sequence[str], priority: int) -> None:
        rows = [(digest(text), text, priority) for text in texts]
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(
            "INSERT INTO wanted (key, text, priority) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET priority = min(priority, excluded.priority)",
            rows,
        )
        self._database.execute("COMMIT")

    def find(self, texts: Sequence[str], engines: Sequence[str]) -> tuple[np.ndarray[Any, Any], int]:
        """Vectors, the first engine's where it has one, and how many are of another; KeyError where there is none."""
        found, others = np.empty((len(texts), 384), np.float32), 0
        for row, text in enumerate(texts):
            for engine in engines:
                hit = self._database.execute(
                    "SELECT vector FROM wanted JOIN vectors USING (seen) WHERE key = ? AND engine = ?",
                    (digest(text), engine),
                ).fetchone()
                if hit:
                    found[row] = np.frombuffer(hit[0], np.float32)
                    others += engine != engines[0]
                    break
            else:
                raise KeyError(text[:80])
        return found, others

    def unseen(self) -> list[tuple[bytes, str]]:
        return self._database.execute("SELECT key, text FROM wanted WHERE seen IS NULL LIMIT 20000").fetchall()

    def see(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Pairs of `seen` and key."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany("UPDATE wanted SET seen = ? WHERE key = ?", rows)
        self._database.execute("COMMIT")

    def missing(self, engine: str, below: int, limit: int) -> list[tuple[bytes, str]]:
        """`seen` and one text for each, the most wanted first."""
        return self._database.execute(
            "SELECT seen, text FROM wanted w WHERE seen IS NOT NULL AND priority < ? AND NOT EXISTS"
            " (SELECT 1 FROM vectors v WHERE v.seen = w.seen AND engine = ?) GROUP BY seen"
            " ORDER BY min(priority), min(rowid) LIMIT ?",
            (below, engine, limit),
        ).fetchall()

    def keep(self, engine: str, seen: Sequence[bytes], vectors: np.ndarray[Any, Any]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(
            "INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)",
            [(key, engine, vector.astype(np.float32).tobytes()) for key, vector in zip(seen, vectors, strict=True)],
        )
        self._database.execute("COMMIT")


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class Engine(Protocol):
    name: str

    def tokens(self, texts: Sequence[str]) -> list[list[int]]: ...
    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, Any]: ...


class Reference:
    """sentence-transformers, float32."""

    name = "fp32"

    def __init__(self, weights: Path, threads: int) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self._model = SentenceTransformer(str(weights), device="cpu")
        self._tokenizer = self._model.tokenizer

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return self._tokenizer(list(texts), add_special_tokens=False)["input_ids"]

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        return self._model.encode(list(texts), batch_size=16)


class Ours:
    """Gakju's embedder; a longer text is cut where the other engine would stop reading."""

    name = "int8"

    def __init__(self, weights: Path, threads: int) -> None:
        from gakju.models import e5_tokenizer
        from gakju.models.e5_weights import E5Weights
        from gakju.models.embed import E5

        self._model = E5(weights, weights.parent / "cache", threads)
        self._tokenizer = e5_tokenizer.load(E5Weights(weights).vocabulary, weights.parent / "cache")

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return self._tokenizer.encode([unicodedata.normalize("NFC", text) for text in texts])

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        ids = [row[:WINDOW] for row in self.tokens(texts)]
        cut = [
            self._tokenizer.decode(row) if len(row) == WINDOW else text for row, text in zip(ids, texts, strict=True)
        ]
        out = np.empty((len(texts), 384), np.float32)
        for prefix, embed in (("query: ", self._model.embed_queries), ("passage: ", self._model.embed_passages)):
            rows = [row for row, text in enumerate(texts) if text.startswith(prefix)]
            if rows:
                out[rows] = embed([cut[row].removeprefix(prefix) for row in rows])
        return out


def fill(store: Store, engine: Engine, below: int) -> Iterator[tuple[int, int]]:
    """Texts and tokens done, batch by batch, until nothing is missing."""
    while True:
        while fresh := store.unseen():
            rows = engine.tokens([text for _, text in fresh])
            seen = [hashlib.sha256(array("i", row[:WINDOW]).tobytes()).digest() for row in rows]
            store.see([(s, key) for s, (key, _) in zip(seen, fresh, strict=True)])
        missing = store.missing(engine.name, below, 8 * BATCH)
        if not missing:
            return
        missing.sort(key=lambda row: len(row[1]))
        for at in range(0, len(missing), BATCH):
            part = missing[at : at + BATCH]
            texts = [text for _, text in part]
            store.keep(engine.name, [seen for seen, _ in part], engine.embed(texts))
            yield len(part), sum(min(len(row), WINDOW) for row in engine.tokens(texts))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("fp32", "int8"), required=True)
    parser.add_argument(
        "--weights", type=Path, required=True, help="fp32: the folder of weights.py; int8: the 4-bit file"
    )
    parser.add_argument("--store", type=Path, default=sets.scratch("peers") / "vectors.db")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--below", type=int, default=100, help="only texts of a priority below this")
    parser.add_argument("--forever", action="store_true", help="wait for more")
    args = parser.parse_args()
    store = Store(args.store)
    engine: Engine = (Reference if args.engine == "fp32" else Ours)(args.weights, args.threads)
    done = tokens = 0
    started = time.monotonic()
    while True:
        for texts, seen in fill(store, engine, args.below):
            done, tokens = done + texts, tokens + seen
            speed = tokens / (time.monotonic() - started)
            print(f"{engine.name}: {done} texts, {tokens} tokens, {speed:.0f} tokens/s", flush=True)
        if not args.forever:
            return 0
        time.sleep(10)


if __name__ == "__main__":
    raise SystemExit(main())
