"""What keeps a generation fast: folding what is new into the indices, and the vector index, in the background.

Runs on a thread of its own in the process that writes, through connections of its own. Lance commits beside adds,
deletes and searches, which go on meanwhile and see what is not indexed by scanning it. What a kill leaves half built
is not there: an index comes to light in one commit.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from contextlib import suppress
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
from lancedb.index import Bitmap, BTree, IvfRq

from gakju.index.view import FLAT_ROWS, Probing, translated
from gakju.protocols import Vectors

_log = logging.getLogger(__name__)

# Words not indexed yet are scanned at each search, 14 µs a row; small files slow the rest.
_TAIL_ROWS, _TAIL_SHARE, _TAIL_FILES = 256, 1_000, 64
_SCALAR_ROWS = 1_000
# A fold may read and write the whole library: between two, this many times as long as one took.
_REST = 10
# Parts added since the training are indices of their own, asked one by one.
_GROWTH = 2
_CONFLICT = "Retryable commit conflict"
# A reader in another process may still be on an older version; its query is over by then.
_KEEP = timedelta(minutes=2)

# What stands in for questions: means of two own vectors. They lie as far from their tenth nearest as E5's questions do
# (cosine .85) and, like those, between partitions; a vector with noise stays in its own and is found too easily.
_SAMPLE, _TARGET = 64, 0.99
# Cheapest first: looking into a partition of 8,192 short codes costs as much as scoring 20 candidates again.
_LADDER = sorted(product((8, 12, 16, 24, 32, 48, 64, 96, 128, 256), (100, 200, 400)), key=lambda s: s[0] + s[1] / 20)
_UNMEASURED = Probing(64, 400)


def probing(folder: Path) -> Probing | None:
    """How the vector index of a generation is asked; None where there is none."""
    try:
        stored = json.loads((folder / "vectors.json").read_bytes())
    except (OSError, ValueError):
        return None
    return Probing(stored["probes"], stored["pool"])


class Upkeep:
    """Thread-safe. Starts no thread and opens nothing until there may be something to do."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wake = threading.Condition()
        self._running = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = self._closing = False
        self._rows = self._adds = 0
        self._rest_until = 0.0

    def added(self, rows: int) -> None:
        """Counts what a write brought, and looks whether it is time to fold it in."""
        with self._wake:
            self._rows, self._adds = self._rows + rows, self._adds + 1
            if self._rows >= _TAIL_ROWS or self._adds >= _TAIL_FILES:
                self._rows = self._adds = 0
                self._ask()

    def ask(self) -> None:
        """Does what is due, in the background; returns at once."""
        with self._wake:
            self._ask()

    def run(self, *, all_of_it: bool = True) -> None:
        """What is due, or all there is, here and now. Raises StorageFull, LibraryError."""
        with self._running, translated(self._folder, "optimising"):
            self._cycle(all_of_it)

    def close(self, patience: float) -> None:
        """Finishes what is under way or asked for, unless that takes longer than `patience` seconds."""
        with self._wake:
            self._closing, thread = True, self._thread
            self._wake.notify_all()
        if thread is not None:
            thread.join(patience)

    def _ask(self) -> None:
        self._asked = True
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)
            self._thread.start()
        self._wake.notify_all()

    def _work(self) -> None:
        while self._wait():
            started = time.monotonic()
            try:
                self.run(all_of_it=False)
            except Exception as error:  # what is not indexed is found all the same; the next write tries again
                if _CONFLICT in str(error):  # with a write in between, which is in the way of no search
                    self.ask()
                else:
                    _log.warning("%s", error)
            self._rest_until = time.monotonic() + _REST * (time.monotonic() - started)

    def _wait(self) -> bool:
        """Until asked and rested; False once there is nothing more to do for ever."""
        with self._wake:
            while not self._closing:
                rest = self._rest_until - time.monotonic()
                if self._asked and rest <= 0:
                    break
                self._wake.wait(rest if self._asked else None)
            asked, self._asked = self._asked, False
            return asked

    def _cycle(self, all_of_it: bool) -> None:
        """Opens the tables anew: whoever adds or searches by another handle never waits for this one."""
        base = lancedb.connect(str(self._folder), read_consistency_interval=timedelta(0))
        chunks, pages, documents = (base.open_table(name) for name in ("chunks", "pages", "documents"))
        for table, column, config in (
            (chunks, "document_id", BTree()),
            (chunks, "collection", Bitmap()),
            (pages, "document_id", BTree()),
            (pages, "key", BTree()),
        ):
            if column not in _columns(table) and table.count_rows() >= _SCALAR_ROWS:
                table.create_index(column, config=config)
        count = chunks.count_rows()
        due = max(_TAIL_ROWS, count // _TAIL_SHARE)
        for table, rows in ((chunks, _unindexed(chunks)), (pages, 0), (documents, 0)):
            if all_of_it or rows >= due or _small_files(table) >= _TAIL_FILES:
                table.optimize(cleanup_older_than=_KEEP)
        if count >= max(FLAT_ROWS, _GROWTH * self._trained()):
            self._train(chunks)

    def _trained(self) -> int:
        """Rows the vector index was trained on."""
        with suppress(OSError, ValueError):
            return int(json.loads((self._folder / "vectors.json").read_bytes())["rows"])
        return 0

    def _train(self, table: Any) -> None:
        # A kill in between leaves a new index with settings that are safe, and the training to be done again.
        self._store(_UNMEASURED, 0, 0.0)
        # About 8,192 rows a partition: measured against more and smaller ones, see docs/adr/0014.
        table.create_index("vector", config=IvfRq(distance_type="cosine"))
        rows = table.count_rows()
        found, share = measured(table)
        self._store(found, rows, share)

    def _store(self, found: Probing, rows: int, share: float) -> None:
        value = {"rows": rows, "probes": found.probes, "pool": found.pool, "recall": round(share, 4)}
        fresh = self._folder / "vectors.tmp"
        fresh.write_text(json.dumps(value), encoding="utf-8")
        fresh.replace(self._folder / "vectors.json")


def measured(table: Any) -> tuple[Probing, float]:
    """The cheapest settings whose recall@10 on means of the table's own vectors reaches the target, and it."""
    rng = np.random.default_rng(0)
    count = table.count_rows()
    picked = sorted(rng.choice(count, min(2 * _SAMPLE, count), replace=False).tolist())
    own = rng.permutation(_vectors(table.take_offsets(picked).select(["vector"]).to_arrow()))
    queries = own[: len(own) // 2] + own[len(own) // 2 :][: len(own) // 2]
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    tenth = _tenth_best(table, queries)
    partitions = math.ceil(count / 8192)
    best = (_UNMEASURED, 0.0)
    tried = set()
    for probes, pool in _LADDER:
        if (least := (min(probes, partitions), pool)) in tried:
            continue
        tried.add(least)
        share = float(np.mean([_reached(table, q, t, probes, pool) for q, t in zip(queries, tenth, strict=True)]))
        if share > best[1]:
            best = Probing(probes, pool), share
        if share >= _TARGET:
            break
    return best


def _reached(table: Any, query: Vectors, tenth: float, probes: int, pool: int) -> float:
    """Share of ten hits that are as near as the tenth nearest of all."""
    asked = table.search(query, vector_column_name="vector", query_type="vector").distance_type("cosine")
    asked = asked.nprobes(probes).refine_factor(math.ceil(pool / 10)).limit(10)
    near = 1.0 - asked.select(["_distance"]).to_arrow().column("_distance").to_numpy()
    return float((near >= tenth - 1e-5).mean()) if len(near) == 10 else len(near) / 10


def _tenth_best(table: Any, queries: Vectors) -> Vectors:
    """The similarity of the tenth nearest row of each, by brute force over all vectors, a part at a time."""
    best = np.full((len(queries), 10), -1.0, np.float32)
    for batch in table.search().select(["vector"]).to_batches(16_384):
        near = queries @ _vectors(batch).T
        both = np.concatenate([best, near], axis=1)
        best = -np.partition(-both, 9, axis=1)[:, :10]
    tenth: Vectors = best.min(axis=1)
    return tenth


def _vectors(rows: Any) -> Vectors:
    column = rows.column("vector")
    flat = (column.combine_chunks() if hasattr(column, "combine_chunks") else column).flatten()
    vectors: Vectors = flat.to_numpy(zero_copy_only=False).reshape(rows.num_rows, -1)
    return vectors


def _columns(table: Any) -> set[str]:
    return {column for index in table.list_indices() for column in index.columns}


def _unindexed(chunks: Any) -> int:
    """Rows whose words are in no index yet."""
    name = next((index.name for index in chunks.list_indices() if "words" in index.columns), None)
    return int(chunks.index_stats(name).num_unindexed_rows) if name else 0


def _small_files(table: Any) -> int:
    return int(table.stats()["fragment_stats"]["num_small_fragments"])
