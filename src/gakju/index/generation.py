"""One generation of the library: three LanceDB tables in one folder.

A document's state decides what is seen: its row goes in as `pending` before anything else of it, turns
`complete` in one atomic write, and leaves last. Searches leave out whatever is not complete.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("LANCE_LOG", "error")  # before the import, which reads it once

import lancedb
from lancedb.index import FTS, BTree, IvfRq
from lancedb.query import MatchQuery

from gakju.errors import GakjuError, LibraryError, StorageFull
from gakju.index import rows
from gakju.protocols import Vectors
from gakju.types import Chunk, Document

# Words not indexed yet are scanned at each search: 14 µs a row. Small files slow the rest.
_TAIL_ROWS = 2_000
_TAIL_ADDS = 64
# Below this, scanning every vector is exact and as fast as the approximate index.
_VECTOR_ROWS = 20_000
_SCALAR_ROWS = 1_000
# A reader in another process may still be on an older version; its query is over by then.
_KEEP = timedelta(minutes=10)
_QUERY_WORDS = 128


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the documents table says at one version: the complete in order of arrival, and the rest."""

    version: int
    documents: Mapping[str, Document]
    hidden: frozenset[str]


@contextmanager
def translated(folder: Path, doing: str) -> Iterator[None]:
    """LanceDB's errors, which are OSError, RuntimeError or ValueError by turns, as ours."""
    try:
        yield
    except GakjuError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        text = str(error)
        if any(sign in text for sign in ("No space left", "os error 28", "Disk quota", "os error 122")):
            raise StorageFull(
                f"The disk is full while {doing} in {folder}.", hint="Free some space, then run it again."
            ) from error
        first = text.strip().splitlines()[0][:300] if text.strip() else type(error).__name__
        raise LibraryError(
            f"The library in {folder} failed while {doing}: {first}", hint="Run `gakju doctor` to check it."
        ) from error


class Generation:
    """Safe to share between threads; one process writes, others may read."""

    def __init__(self, folder: Path, dimensions: int) -> None:
        self.folder = folder
        self._writing = threading.RLock()
        self._shelf: Shelf | None = None
        with self._guard("opening"):
            # Zero: each call looks for what other processes have written.
            base = lancedb.connect(str(folder), read_consistency_interval=timedelta(0))
            self._documents = base.create_table("documents", schema=rows.DOCUMENTS, exist_ok=True)
            self._pages = base.create_table("pages", schema=rows.PAGES, exist_ok=True)
            self._chunks = self._open_chunks(base, dimensions)
            self.dimensions: int = self._chunks.schema.field("vector").type.list_size
            self._has_vectors = self._index_words()
        # Rows and files since the last `optimise`; None until this process writes.
        self._tail: tuple[int, int] | None = None

    def _open_chunks(self, base: Any, dimensions: int) -> Any:
        if "chunks" not in base.list_tables().tables:
            return base.create_table("chunks", schema=rows.chunk_schema(dimensions), exist_ok=True)
        table = base.open_table("chunks")
        # A library of an earlier version stays searchable until it is indexed again.
        if missing := [field for field in rows.chunk_schema(dimensions) if field.name not in table.schema.names]:
            table.add_columns(missing)
        return table

    def _index_words(self) -> bool:
        """Makes the word index where it is missing; returns whether there is a vector index."""
        indexed = {column for index in self._chunks.list_indices() for column in index.columns}
        if "words" not in indexed:
            # The words are morphemes already: parted by spaces, stemmed for English, none of them a stop word.
            config = FTS(base_tokenizer="whitespace", stem=True, remove_stop_words=False, max_token_length=64)
            self._chunks.create_index("words", config=config)
        return "vector" in indexed

    def _guard(self, doing: str) -> Any:
        return translated(self.folder, doing)

    # Documents

    def shelf(self) -> Shelf:
        """Read again only where the table has changed."""
        with self._guard("listing documents"):
            version = self._documents.version
            if self._shelf is None or self._shelf.version != version:
                found = self._documents.search().select(["id", "state", "record"]).to_arrow().to_pylist()
                complete = [rows.document_of(row["record"]) for row in found if row["state"] == "complete"]
                complete.sort(key=lambda document: (document.added_at, document.id))
                hidden = frozenset(row["id"] for row in found if row["state"] != "complete")
                self._shelf = Shelf(version, {document.id: document for document in complete}, hidden)
            return self._shelf

    def secret(self, document_id: str) -> str | None:
        with self._guard("reading a document"):
            query = self._documents.search().where(f"id = {_quoted(document_id)} AND state = 'complete'")
            found = query.select(["secret"]).limit(1).to_arrow().to_pylist()
        return found[0]["secret"] if found else None

    def begin(self, *document_ids: str) -> None:
        with self._writing, self._guard("adding a document"):
            self._documents.add(rows.document_rows([(name, "pending", None, "") for name in document_ids]))

    def finish(self, documents: Sequence[tuple[Document, str]], replaced: Sequence[Document]) -> None:
        """One atomic write: `documents`, each with its secret, come to light and those they replace go dark."""
        changed = [(document.id, "complete", document, secret) for document, secret in documents]
        changed += [(old.id, "leaving", old, "") for old in replaced]
        with self._writing, self._guard("adding a document"):
            merge = self._documents.merge_insert("id").when_matched_update_all()
            merge.execute(rows.document_rows(changed))

    def hide(self, document: Document) -> None:
        with self._writing, self._guard("deleting a document"):
            merge = self._documents.merge_insert("id").when_matched_update_all()
            merge.execute(rows.document_rows([(document.id, "leaving", document, "")]))

    def clear(self, *document_ids: str) -> None:
        """Removes all of these documents, their rows last, so that a kill in between leaves them hidden."""
        if not document_ids:
            return
        among = f"IN ({', '.join(map(_quoted, sorted(document_ids)))})"
        with self._writing, self._guard("deleting a document"):
            self._chunks.delete(f"document_id {among}")
            self._pages.delete(f"document_id {among}")
            self._documents.delete(f"id {among}")

    # Pages and chunks

    def add(self, pages: Any, chunks: Any) -> None:
        """Arrow tables of `rows`; either may be None. Folds new words in once a search would feel them."""
        with self._writing, self._guard("writing pages"):
            tail_rows, tail_adds = self._tail or self._measured_tail()
            if pages is not None:
                self._pages.add(pages)
            if chunks is not None:
                self._chunks.add(chunks)
                tail_rows += chunks.num_rows
            self._tail = tail_rows, tail_adds + 1
            if tail_rows >= _TAIL_ROWS or tail_adds + 1 >= _TAIL_ADDS:
                self.optimise()

    def _measured_tail(self) -> tuple[int, int]:
        """What earlier processes left."""
        index = next(index.name for index in self._chunks.list_indices() if "words" in index.columns)
        unindexed = self._chunks.index_stats(index).num_unindexed_rows
        return unindexed, self._pages.stats()["fragment_stats"]["num_small_fragments"]

    def page_rows(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        if not keys:
            return []
        with self._guard("reading pages"):
            found = self._pages.search().where(f"key IN ({', '.join(map(_quoted, keys))})").limit(len(keys)).to_arrow()
            return list(found.to_pylist())

    def chunks(self, document_id: str) -> list[Chunk]:
        with self._guard("reading chunks"):
            query = self._chunks.search().where(f"document_id = {_quoted(document_id)}").select(rows.CHUNK_COLUMNS)
            found = query.to_arrow().sort_by("ordinal").to_pylist()
        return [rows.chunk_of(row) for row in found]

    def part_vectors(self, chunks: Sequence[Chunk]) -> dict[str, Vectors]:
        if not chunks:
            return {}
        documents = {chunk.document_id for chunk in chunks}
        where = f"document_id IN ({', '.join(map(_quoted, sorted(documents)))})"
        where += f" AND id IN ({', '.join(_quoted(chunk.id) for chunk in chunks)})"
        with self._guard("reading chunks"):
            query = self._chunks.search().where(where).select(["id", "part_vectors"]).limit(len(chunks))
            found = query.to_arrow().to_pylist()
        return {row["id"]: rows.unpack_vectors(row["part_vectors"], self.dimensions) for row in found}

    def nearest(self, vector: Vectors, k: int, collection: str | None) -> list[tuple[Chunk, float]]:
        shelf = self.shelf()
        with self._guard("searching"):
            query = self._chunks.search(vector, vector_column_name="vector", query_type="vector")
            query = query.distance_type("cosine")
            if self._has_vectors:
                # Of the settings measured on 100k vectors, the first with a recall@10 above .99.
                query = query.nprobes(40).refine_factor(20)
            found = self._taken(query, k, collection, shelf, "_distance")
        return [(chunk, 1.0 - distance) for chunk, distance in found]

    def matching(self, words: Sequence[str], k: int, collection: str | None) -> list[tuple[Chunk, float]]:
        terms = list(dict.fromkeys(" ".join(words).split()))[:_QUERY_WORDS]
        if not terms:
            return []
        shelf = self.shelf()
        with self._guard("searching"):
            query = self._chunks.search(MatchQuery(" ".join(terms), "words"), query_type="fts")
            return self._taken(query, k, collection, shelf, "_score")

    def _taken(self, query: Any, k: int, collection: str | None, shelf: Shelf, score: str) -> list[tuple[Chunk, float]]:
        conditions = []
        if collection is not None and any(d.collection != collection for d in shelf.documents.values()):
            conditions.append(f"collection = {_quoted(collection)}")
        if shelf.hidden:
            conditions.append(f"document_id NOT IN ({', '.join(map(_quoted, sorted(shelf.hidden)))})")
        if conditions:
            query = query.where(" AND ".join(conditions), prefilter=True)
        found = query.limit(k).select([*rows.CHUNK_COLUMNS, score]).to_arrow().to_pylist()
        # A document begun or deleted since the shelf was read is not on it.
        seen = (row for row in found if row["document_id"] in shelf.documents)
        kept = [(rows.chunk_of(row), float(row[score])) for row in seen]
        return [pair for pair in kept if collection in {None, shelf.documents[pair[0].document_id].collection}]

    def optimise(self) -> None:
        """Small files together, new rows into the indices, old versions away."""
        with self._writing, self._guard("optimising"):
            if not self._has_vectors and self._chunks.count_rows() >= _VECTOR_ROWS:
                self._chunks.create_index("vector", config=IvfRq(distance_type="cosine"))
                self._has_vectors = True
            for table, column in ((self._chunks, "document_id"), (self._pages, "document_id"), (self._pages, "key")):
                if table.count_rows() >= _SCALAR_ROWS and not _is_indexed(table, column):
                    table.create_index(column, config=BTree())
            for table in (self._chunks, self._pages, self._documents):
                table.optimize(cleanup_older_than=_KEEP)
            self._tail = 0, 0


def _is_indexed(table: Any, column: str) -> bool:
    return any(column in index.columns for index in table.list_indices())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
