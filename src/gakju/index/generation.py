"""One generation of the library: three LanceDB tables in one folder.

A document's state decides what is seen: its row goes in as `pending` before anything else of it, turns
`complete` in one atomic write, and leaves last. One that can still come back is `removed` and the time of that.
Searches leave out whatever is not complete.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
from lancedb.index import FTS

from gakju.index import rows
from gakju.index.upkeep import Upkeep, probing
from gakju.index.view import Probing, Seen, Shelf, View, awaited, quoted, translated
from gakju.protocols import Vectors
from gakju.types import Chunk, Document

REMOVED = "removed "
"""Begins the state of a document that can come back; the time stands behind it."""


class Generation:
    """Safe to share between threads; one process writes, others may read."""

    def __init__(self, folder: Path, dimensions: int) -> None:
        self.folder = folder
        self._writing = threading.RLock()
        self._shelf: Shelf | None = None
        with self._guard("opening"):
            # Zero: each call looks for what other processes have written. Searches read by handles of their own.
            how = {"read_consistency_interval": timedelta(0), "session": lancedb.Session.default()}
            base = lancedb.connect(str(folder), **how)
            self._documents = base.create_table("documents", schema=rows.DOCUMENTS, exist_ok=True)
            self._pages = base.create_table("pages", schema=rows.PAGES, exist_ok=True)
            self._chunks = self._open_chunks(base, dimensions)
            self.dimensions: int = self._chunks.schema.field("vector").type.list_size
            self._columns = rows.columns_of(self._chunks.schema)
            self._index_words()
            self._read = awaited(lancedb.connect_async(str(folder), **how))
            self._read_pages = awaited(self._read.open_table("pages"))
        self._parsed: dict[str, Document] = {}
        self._seen: Seen | None = None
        self._probing: tuple[int, Probing | None] = 0, None
        self.upkeep = Upkeep(folder)

    def _open_chunks(self, base: Any, dimensions: int) -> Any:
        if "chunks" not in base.list_tables().tables:
            return base.create_table("chunks", schema=rows.chunk_schema(dimensions), exist_ok=True)
        table = base.open_table("chunks")
        # A library of an earlier version stays searchable until it is indexed again.
        if missing := [field for field in rows.chunk_schema(dimensions) if field.name not in table.schema.names]:
            table.add_columns(missing)
        return table

    def _index_words(self) -> None:
        indexed = {column for index in self._chunks.list_indices() for column in index.columns}
        if "words" not in indexed:
            # The words are morphemes already: parted by spaces, stemmed for English, none of them a stop word.
            config = FTS(base_tokenizer="whitespace", stem=True, remove_stop_words=False, max_token_length=64)
            self._chunks.create_index("words", config=config)

    def _guard(self, doing: str) -> Any:
        return translated(self.folder, doing)

    # Documents

    def shelf(self) -> Shelf:
        """Read again only where the table has changed."""
        with self._guard("listing documents"):
            version = self._documents.version
            if self._shelf is None or self._shelf.version != version:
                found = self._documents.search().select(["id", "state", "record"]).to_arrow().to_pylist()
                kept = {r["record"]: r["state"] for r in found if r["state"].startswith(("complete", REMOVED))}
                # Most are the same as at the version before.
                self._parsed = {r: self._parsed.get(r) or rows.document_of(r) for r in kept}
                seen = [self._parsed[r] for r, state in kept.items() if state == "complete"]
                complete = sorted(seen, key=lambda document: (document.added_at, document.id))
                removed = {
                    (d := self._parsed[r]).id: (d, state.removeprefix(REMOVED))
                    for r, state in kept.items()
                    if state != "complete"
                }
                hidden = frozenset(row["id"] for row in found if row["state"] != "complete")
                chunks = Counter[str]()
                for document in complete:
                    chunks[document.collection] += document.chunks
                self._shelf = Shelf(version, {document.id: document for document in complete}, hidden, chunks, removed)
            return self._shelf

    def secret(self, document_id: str) -> str | None:
        with self._guard("reading a document"):
            query = self._documents.search().where(f"id = {quoted(document_id)} AND record != ''")
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
            self._put(changed)

    def hide(self, *documents: Document) -> None:
        with self._writing, self._guard("deleting a document"):
            self._put([(d.id, "leaving", d, "") for d in documents])

    def remove(self, documents: Sequence[tuple[Document, str]], at: str) -> None:
        """Out of sight in one write, each with its secret; nothing of them is lost."""
        with self._writing, self._guard("deleting a document"):
            self._put([(d.id, REMOVED + at, d, secret) for d, secret in documents])

    def restore(self, documents: Sequence[tuple[Document, str]]) -> None:
        with self._writing, self._guard("restoring a document"):
            self._put([(d.id, "complete", d, secret) for d, secret in documents])

    def _put(self, changed: Sequence[tuple[str, str, Document | None, str]]) -> None:
        """Rows in place of those that are there, in one atomic write."""
        self._documents.merge_insert("id").when_matched_update_all().execute(rows.document_rows(changed))

    def move(self, documents: Sequence[tuple[Document, str]]) -> None:
        """Documents, each with its secret, into the collection they now name: on the shelf first, then their chunks.

        A search in between finds them in neither; `mend` ends what a kill stopped.
        """
        with self._writing, self._guard("moving documents"):
            self._put([(d.id, "complete", d, secret) for d, secret in documents])
            self._assign([d for d, _ in documents])

    def mend(self) -> None:
        """Puts chunks where their documents are."""
        shelf = self.shelf()
        here: dict[str, list[Document]] = {}
        for document in (*shelf.documents.values(), *(removed for removed, _ in shelf.removed.values())):
            here.setdefault(document.collection, []).append(document)
        with self._writing, self._guard("moving documents"):
            for name, documents in here.items():
                if self._chunks.count_rows(f"collection = {quoted(name)}") < sum(d.chunks for d in documents):
                    self._assign(documents)

    def _assign(self, documents: Sequence[Document]) -> None:
        for name in sorted({d.collection for d in documents}):
            among = ", ".join(quoted(d.id) for d in documents if d.collection == name)
            moved = f"document_id IN ({among}) AND collection != {quoted(name)}"
            self._chunks.update(where=moved, values={"collection": name})
        self.upkeep.added(sum(d.chunks for d in documents))

    def clear(self, *document_ids: str) -> None:
        """Removes all of these documents, their rows last, so that a kill in between leaves them hidden."""
        if not document_ids:
            return
        among = f"IN ({', '.join(map(quoted, sorted(document_ids)))})"
        with self._writing, self._guard("deleting a document"):
            self._chunks.delete(f"document_id {among}")
            self._pages.delete(f"document_id {among}")
            self._documents.delete(f"id {among}")

    # Pages and chunks

    def add(self, pages: Any, chunks: Any) -> None:
        """Arrow tables of `rows`; either may be None."""
        with self._writing, self._guard("writing pages"):
            if pages is not None:
                self._pages.add(pages)
            if chunks is not None:
                self._chunks.add(chunks)
        self.upkeep.added(chunks.num_rows if chunks is not None else 0)

    def page_rows(self, keys: Sequence[str], columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """With these columns, or all."""
        if not keys:
            return []
        with self._guard("reading pages"):
            query = self._read_pages.query().where(f"key IN ({', '.join(map(quoted, keys))})").limit(len(keys))
            return list(awaited((query.select(list(columns)) if columns else query).to_arrow()).to_pylist())

    def chunks(self, document_id: str) -> list[Chunk]:
        with self._guard("reading chunks"):
            query = self._chunks.search().where(f"document_id = {quoted(document_id)}")
            found = query.select(self._columns).to_arrow().to_pylist()
        chunks = [rows.Stored(row, self.dimensions).chunk for row in found]
        return sorted(chunks, key=lambda chunk: chunk.ordinal)

    def part_vectors(self, chunks: Sequence[Chunk]) -> dict[str, Vectors]:
        seen = self._seen.parts if self._seen and self._seen.version == self._chunks.version else {}
        found = {chunk.id: seen[chunk.id] for chunk in chunks if chunk.id in seen}
        if rest := [chunk for chunk in chunks if chunk.id not in found]:
            documents = sorted({chunk.document_id for chunk in rest})
            where = f"document_id IN ({', '.join(map(quoted, documents))})"
            where += f" AND id IN ({', '.join(quoted(chunk.id) for chunk in rest)})"
            with self._guard("reading chunks"):
                query = self._chunks.search().where(where).select(self._columns).limit(len(rest))
                taken = [rows.Stored(row, self.dimensions) for row in query.to_arrow().to_pylist()]
            found |= {stored.id: stored.parts for stored in taken}
        return found

    def view(self, collection: str | None) -> View:
        """Of the newest version. The shelf is read first: a document that comes to light in between is left out."""
        shelf = self.shelf()
        with self._guard("searching"):
            version, seen = self._chunks.version, self._seen
            if seen is None or seen.version != version:
                table = awaited(self._read.open_table("chunks"))
                awaited(table.checkout(version))
                seen = self._seen = Seen(version, table, self.dimensions, self._columns)
        return View(seen, shelf, collection, self._measured_probing(), self.folder)

    def _measured_probing(self) -> Probing | None:
        with suppress(FileNotFoundError):
            changed = (self.folder / "vectors.json").stat().st_mtime_ns
            if self._probing[0] != changed:
                self._probing = changed, probing(self.folder)
            return self._probing[1]
        return None
