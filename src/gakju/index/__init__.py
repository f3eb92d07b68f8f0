"""The library on disk: documents, their pages and their chunks, found by vector and by word.

    root/current.json                 which generation is in use
    root/g-<fingerprint>-<n>/         one generation: fingerprint.json and three LanceDB tables

What a search means depends on how chunks were made (reader, chunker, analyzer, embedder), so a generation
carries that fingerprint. A re-index fills a sibling generation and then switches to it in one write.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gakju.errors import GakjuError, LibraryError, NotFound, StorageFull, UsageError
from gakju.protocols import Vectors
from gakju.types import Chunk, Document, Page

if TYPE_CHECKING:
    from gakju.index.generation import Generation
    from gakju.index.view import View

os.environ.setdefault("LANCEDB_LOG", "error")  # before LanceDB is imported, which reads it once

__all__ = ["Index", "Whole", "Writer"]

_NAME = re.compile(r"g-[0-9a-f]{8}-\d{1,6}")
# What a writer keeps in memory: a write of its own to the tables costs 30 ms and a file.
_HELD_PAGES = 128
_HELD_CHUNKS = 512


class Whole(NamedTuple):
    """A small document with all that is kept of it. `vectors` has shape (len(chunks), dimensions), `words` one list
    a chunk, `parts` the vectors of each chunk's parts, or nothing.
    """

    document: Document
    pages: Sequence[Page]
    chunks: Sequence[Chunk]
    vectors: Vectors
    words: Sequence[Sequence[str]]
    parts: Sequence[Vectors] = ()


class Index:
    """Opens nothing until it is asked. Safe to share between threads.

    One process writes; any number may read, and see a committed document at their next call.
    """

    def __init__(self, root: Path, fingerprint: Mapping[str, str], dimensions: int, *, _only: str = "") -> None:
        """`dimensions` of the vectors of a new generation. `_only` pins one generation (see `rebuild`)."""
        self.root = root
        self._fingerprint = dict(fingerprint)
        self._dimensions = dimensions
        self._only = _only
        self._lock = threading.Lock()
        self._opened: tuple[str, Generation] | None = None

    @property
    def stale(self) -> tuple[str, ...]:
        """Names of the fingerprint's parts that differ from those on disk; () when fresh or new."""
        name = self._only or _pointed(self.root)
        stored = _stored_fingerprint(self.root / name) if name else self._fingerprint
        names = {**stored, **self._fingerprint}
        return tuple(part for part in names if stored.get(part) != self._fingerprint.get(part))

    def documents(self, collection: str | None = None) -> list[Document]:
        """Complete ones, newest last."""
        found = self._now().shelf().documents.values()
        return [document for document in found if collection in {None, document.collection}]

    def document(self, document_id: str) -> Document:
        found = self._now().shelf().documents.get(document_id)
        if found is None:
            raise NotFound(f"There is no document {document_id!r}.", hint="`gakju docs` lists them.")
        return found

    def find(self, collection: str, digest: str) -> Document | None:
        """The document of that content, if the collection has it."""
        return next((d for d in self.documents(collection) if d.digest == digest), None)

    def knows(self, document_id: str) -> bool:
        """Whether a document has that id, seen or removed."""
        shelf = self._now().shelf()
        return document_id in shelf.documents or document_id in shelf.removed

    def holds(self, digest: str) -> bool:
        """Whether a document, seen or removed, is made of these bytes."""
        removed = (document for document, _ in self.removed())
        return any(document.digest == digest for document in (*self.documents(), *removed))

    def collections(self) -> dict[str, int]:
        """Documents in each collection, by name."""
        return dict(sorted(Counter(document.collection for document in self.documents()).items()))

    def secret(self, document_id: str) -> str:
        """What `Writer.commit` was given to keep with the document, seen or removed, a password say; "" for none."""
        if not self.knows(document_id):
            raise NotFound(f"There is no document {document_id!r}.", hint="`gakju docs` lists them.")
        return self._now().secret(document_id) or ""

    @contextmanager
    def writer(self, document_id: str, collection: str = "default") -> Iterator[Writer]:
        """To add one document. Leaving without `commit` removes what was written.

        Raises UsageError where the document is in the library already, StorageFull, LibraryError.
        """
        generation = self._now()
        shelf = generation.shelf()
        if document_id in shelf.documents:
            raise UsageError(f"The document {document_id!r} is in the library already.", hint="Delete it first.")
        if document_id in shelf.hidden:
            generation.clear(document_id)
        generation.begin(document_id)
        writer = Writer(generation, document_id, collection)
        try:
            yield writer
        finally:
            if not writer.committed:
                # Where this fails too (a full disk), the rest stays hidden until `recover`.
                with suppress(LibraryError):
                    generation.clear(document_id)

    def add(self, batch: Sequence[Whole]) -> None:
        """Many small documents of any collections in one commit: all of them are seen, or none.

        A `writer` each costs 0.1 s a document. Raises UsageError where one is in the library already, StorageFull,
        LibraryError.
        """
        from gakju.index import rows

        if not batch:
            return
        generation = self._now()
        shelf, ids = generation.shelf(), [whole.document.id for whole in batch]
        if known := [name for name in ids if name in shelf.documents]:
            raise UsageError(f"The document {known[0]!r} is in the library already.", hint="Delete it first.")
        if len(set(ids)) < len(ids):
            raise ValueError("a document twice in one batch")
        generation.clear(*(name for name in ids if name in shelf.hidden))
        generation.begin(*ids)
        try:
            generation.add(*rows.whole_rows(batch))
            generation.finish([(whole.document, "") for whole in batch], ())
        except BaseException:
            with suppress(LibraryError):
                generation.clear(*ids)
            raise

    def delete(self, document_id: str) -> None:
        """Out of sight in one write, then off the disk. Raises NotFound."""
        document = self.document(document_id)
        generation = self._now()
        generation.hide(document)
        generation.clear(document_id)

    def remove(self, document_ids: Sequence[str], at: str) -> None:
        """Out of sight in one write, until `restore` has them back as they were or `purge` ends them.

        `at` is the time, as ISO 8601. Raises NotFound.
        """
        if gone := [(self.document(name), self.secret(name)) for name in dict.fromkeys(document_ids)]:
            self._now().remove(gone, at)

    def removed(self) -> list[tuple[Document, str]]:
        """What can come back, with the time of its removal; the last removed first."""
        return sorted(self._now().shelf().removed.values(), key=lambda pair: pair[1], reverse=True)

    def restore(self, document_ids: Sequence[str]) -> list[Document]:
        """In sight again, in one write. Left out: what was purged, and what its collection has again meanwhile."""
        generation = self._now()
        taken = {(d.collection, d.digest) for d in self.documents()}
        back: list[Document] = []
        for name in dict.fromkeys(document_ids):
            document, _ = generation.shelf().removed.get(name, (None, ""))
            if document and (document.collection, document.digest) not in taken:
                taken.add((document.collection, document.digest))
                back.append(document)
        if back:
            generation.restore([(d, generation.secret(d.id) or "") for d in back])
        return back

    def purge(self, document_ids: Sequence[str]) -> list[Document]:
        """Off the disk for good, those of them that were removed."""
        generation = self._now()
        removed = generation.shelf().removed
        if gone := [removed[name][0] for name in dict.fromkeys(document_ids) if name in removed]:
            generation.hide(*gone)  # so that a kill in between leaves nothing half there to come back
            generation.clear(*(d.id for d in gone))
        return gone

    def renew(self, document_id: str, at: str) -> Document:
        """What it is once it counts as added at that time, as it was found to be still the same. Raises NotFound."""
        renewed = replace(self.document(document_id), added_at=at)
        self._now().restore([(renewed, self.secret(document_id))])
        return renewed

    def move(self, document_ids: Sequence[str], collection: str) -> None:
        """Documents into another collection, as they are: nothing is read again.

        Raises NotFound; UsageError where that collection has the same content already.
        """
        moved = [d for name in dict.fromkeys(document_ids) if (d := self.document(name)).collection != collection]
        taken = {d.digest for d in self.documents(collection)}
        for d in moved:
            if d.digest in taken:
                raise UsageError(
                    f"{d.title!r} is in {collection!r} already.", hint="Delete one of the two, or leave it where it is."
                )
            taken.add(d.digest)
        if moved:
            self._now().move([(replace(d, collection=collection), self.secret(d.id)) for d in moved])

    def page(self, document_id: str, number: int) -> Page:
        found = self.pages([(document_id, number)])
        if not found:
            raise NotFound(f"Document {document_id!r} has no page {number}.", hint="Pages count from 1.")
        return found[document_id, number]

    def pages(self, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Page]:
        """Of `(document_id, page number)`; those that do not exist are left out."""
        from gakju.index import rows

        return {(row["document_id"], row["number"]): rows.page_of(row) for row in self._page_rows(keys)}

    def layouts(self, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Page]:
        """`pages` for who wants their `boxes` only: with numbers and glyphs, without text and all else."""
        from gakju.index import rows

        found = self._page_rows(keys, rows.LAYOUT)
        return {(row["document_id"], row["number"]): rows.layout_of(row) for row in found}

    def _page_rows(self, keys: Sequence[tuple[str, int]], columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        from gakju.index import rows

        generation = self._now()
        seen = generation.shelf().documents
        wanted = [rows.key(document_id, number) for document_id, number in dict.fromkeys(keys) if document_id in seen]
        return generation.page_rows(wanted, columns)

    def chunks(self, document_id: str) -> list[Chunk]:
        """All of a document, in order. Raises NotFound."""
        self.document(document_id)
        return self._now().chunks(document_id)

    def part_vectors(self, chunks: Sequence[Chunk]) -> dict[str, Vectors]:
        """By chunk id, shape (len(chunk.parts), dimensions), to a 250th exact; (0, dimensions) where none are kept."""
        return self._now().part_vectors(chunks)

    def view(self, collection: str | None = "default") -> View:
        """What one search sees: rankings without the chunks, then those chunks that are wanted, from one version."""
        return self._now().view(collection)

    def nearest(self, vector: Vectors, k: int, collection: str | None = "default") -> list[tuple[Chunk, float]]:
        """The `k` chunks of the highest cosine similarity to `vector`, shape (dimensions,), best first."""
        view = self.view(collection)
        return view.chunks(view.nearest(vector, k))

    def matching(self, words: Sequence[str], k: int, collection: str | None = "default") -> list[tuple[Chunk, float]]:
        """The `k` chunks of the highest BM25 score for `words` (of `Morphemes.words`), best first."""
        view = self.view(collection)
        return view.chunks(view.matching(words, k))

    def optimise(self) -> None:
        """Compacts and indexes all that is new, and returns when it is done; adding goes on meanwhile.

        Writers see to it in the background, so this is for who measures or hands the library on.
        """
        self._now().upkeep.run()

    def close(self, patience: float = 10.0) -> None:
        """Ends the background work; what takes more than `patience` seconds is taken up by the next writer."""
        with self._lock:
            opened = self._opened
        if opened is not None:
            opened[1].upkeep.close(patience)

    def recover(self) -> list[str]:
        """For the one process that writes, at its start: clears what a killed one left. Returns the ids cleared.

        Also removes generations out of use, except the one that a `rebuild` would resume.
        """
        generation = self._now()
        cleared = sorted(generation.shelf().litter)
        generation.clear(*cleared)
        generation.mend()
        current = generation.folder.name
        kept = {current, _next_name(self._fingerprint, current)}
        for folder in self.root.glob("g-*"):
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
        if self.stale and not generation.shelf().documents and not generation.shelf().removed:
            self.switch(self.rebuild())
        if generation.shelf().documents:
            self._now().upkeep.ask()
        return cleared

    def rebuild(self) -> Index:
        """A sibling generation with the present fingerprint, to be filled and then given to `switch`.

        The same one is returned until then, after a restart too: `documents()` of it are done already.
        """
        current = _pointed(self.root)
        name = _next_name(self._fingerprint, current)
        sibling = Index(self.root, self._fingerprint, self._dimensions, _only=name)
        sibling._now().clear(*sibling._now().shelf().litter)
        return sibling

    def follow(self, other: Index) -> None:
        """Moves, removes, restores and deletes documents until each is what it is in `other`, which has them all."""
        theirs, own = other._now().shelf(), self._now()
        seen, removed = theirs.documents, theirs.removed
        if back := [name for name in own.shelf().removed if name in seen]:
            own.restore([(seen[name], own.secret(name) or "") for name in back])
        for name in [name for name in own.shelf().documents if name in removed]:
            self.remove([name], removed[name][1])
        for name in [name for name in own.shelf().documents if name not in seen]:
            self.delete(name)
        self.purge([name for name in own.shelf().removed if name not in removed])
        moved = [d.id for d in self.documents() if d.collection != seen[d.id].collection]
        if moved:
            own.move([(seen[name], own.secret(name) or "") for name in moved])

    def switch(self, to: Index) -> None:
        """Makes the generation of `to` the current one, in one atomic write. The old one goes at `recover`."""
        _write(self.root / "current.json", {"generation": to._now().folder.name})
        to.close(0)
        self._now().upkeep.ask()

    def _now(self) -> Generation:
        """The generation in use, opened again where another process has switched."""
        name = self._only or _pointed(self.root)
        with self._lock:
            if self._opened is not None and self._opened[0] == name:
                return self._opened[1]
            from gakju.index.generation import Generation  # LanceDB takes over a second to import

            fresh = name or _next_name(self._fingerprint, "")
            folder = self.root / fresh
            if not (folder / "fingerprint.json").exists():
                _make_folder(folder)
                _write(folder / "fingerprint.json", self._fingerprint)
            if not name:
                _write(self.root / "current.json", {"generation": fresh})
            if self._opened is not None:
                self._opened[1].upkeep.close(0)
            self._opened = fresh, Generation(folder, self._dimensions)
            return self._opened[1]


class Writer:
    """Adds one document; made by `Index.writer`. Holds some pages back to write them together."""

    def __init__(self, generation: Generation, document_id: str, collection: str) -> None:
        self.committed = False
        self._generation = generation
        self._id = document_id
        self._collection = collection
        self._pages: list[Page] = []
        self._chunks: list[tuple[Chunk, Any, Sequence[str], Vectors]] = []

    def write(
        self,
        pages: Sequence[Page],
        chunks: Sequence[Chunk],
        vectors: Vectors,
        words: Sequence[Sequence[str]],
        parts: Sequence[Vectors] = (),
    ) -> None:
        """Any number of times. `vectors` has shape (len(chunks), dimensions); `words` one list a chunk.

        `parts` has the vectors of each chunk's parts, shape (len(chunk.parts), dimensions); without, its sentences
        are judged by their words and by the chunk's vector alone.
        """
        parts = parts or [vectors[:0]] * len(chunks)
        if not len(chunks) == len(vectors) == len(words) == len(parts):
            raise ValueError(f"{len(chunks)} chunks, {len(vectors)} vectors, {len(words)} lists of words")
        self._pages += pages
        self._chunks += zip(chunks, vectors, words, parts, strict=True)
        if len(self._pages) >= _HELD_PAGES or len(self._chunks) >= _HELD_CHUNKS:
            self._flush()

    def commit(self, document: Document, *, secret: str = "", replaces: Sequence[str] = ()) -> None:
        """Makes the document visible, whole, in one atomic write; those it replaces go in the same write.

        `secret` is kept beside it and never part of `Document`.
        """
        if document.id != self._id or document.collection != self._collection:
            raise ValueError(f"a writer of {self._id!r} in {self._collection!r} was given {document.id!r}")
        self._flush()
        on_shelf = self._generation.shelf().documents
        replaced = [on_shelf[name] for name in replaces if name in on_shelf]
        self._generation.finish([(document, secret)], replaced)
        self.committed = True
        with suppress(LibraryError):  # hidden already; `recover` clears what this leaves
            self._generation.clear(*(old.id for old in replaced))

    def _flush(self) -> None:
        from gakju.index import rows

        if not self._pages and not self._chunks:
            return
        pages = rows.page_rows(self._id, self._pages) if self._pages else None
        chunks = None
        if self._chunks:
            import numpy as np

            made, vectors, words, parts = zip(*self._chunks, strict=True)
            chunks = rows.chunk_rows(made, self._collection, np.stack(vectors), words, parts)
        self._generation.add(pages, chunks)
        self._pages, self._chunks = [], []


def _pointed(root: Path) -> str:
    """The current generation's name; "" where there is none yet."""
    try:
        name = json.loads((root / "current.json").read_bytes())["generation"]
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise LibraryError(
            f"{root / 'current.json'} cannot be read: {error}", hint="Restore it, or delete it."
        ) from error
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise LibraryError(f"{root / 'current.json'} names no generation.", hint="Restore it, or delete it.")
    return name


def _stored_fingerprint(folder: Path) -> dict[str, str]:
    try:
        stored = json.loads((folder / "fingerprint.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(part): str(value) for part, value in stored.items()} if isinstance(stored, dict) else {}


def _next_name(fingerprint: Mapping[str, str], current: str) -> str:
    """The number rises with each switch, so an old generation is never taken for a half-filled new one."""
    digest = hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()[:8]
    return f"g-{digest}-{int(current.rsplit('-', 1)[1]) + 1 if current else 1}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(f"{folder} cannot be made: {error.strerror}.", hint="Check GAKJU_HOME.") from error


def _write(path: Path, value: Mapping[str, str]) -> None:
    """All of the file or nothing, and on the disk before this returns."""
    fresh = path.with_suffix(".tmp")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        kind: type[GakjuError] = StorageFull if error.errno in {28, 122} else LibraryError
        raise kind(f"{path} cannot be written: {error.strerror}.", hint="Check the disk and GAKJU_HOME.") from error
