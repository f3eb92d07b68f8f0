"""File → pages → chunks → words and vectors → library. The only place that knows this order."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from gakju.assistant.blobs import Blobs
from gakju.assistant.parts import Parts
from gakju.chunk import embedding_text
from gakju.errors import BrokenFile, Cancelled, GakjuError, LibraryError, NotFound, PasswordRequired, StorageFull
from gakju.index import Index
from gakju.jobs import Context
from gakju.store import now
from gakju.types import Added, AddStatus, Document, Page, Problem, Progress
from gakju.wire import dump

BATCH = 48
"""Chunks embedded and written at a time: enough to fill the embedder, little enough for a live progress."""

UNREAD = {"no_text", "garbled", "ocr_missing", "page_failed"}
"""Kinds of problems that leave a page out of the library."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a batch. `digest` is known where the bytes are in the blobs already (an upload)."""

    path: str
    digest: str = ""

    @property
    def label(self) -> str:
        """The path as people and JSON can hold it: names on disk need not be UTF-8."""
        return self.path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    @property
    def name(self) -> str:
        return Path(self.label).name


@dataclass
class _Tally:
    """Seconds left, from the share of all bytes that is done."""

    sizes: Sequence[int]
    started: float = field(default_factory=time.monotonic)

    def seconds_left(self, index: int, share: float) -> float | None:
        done = sum(self.sizes[:index]) + share * self.sizes[index]
        spent = time.monotonic() - self.started
        if spent < 2 or not done:
            return None
        return round(spent * (sum(self.sizes) - done) / done, 1)


def document_id(collection: str, digest: str) -> str:
    """The same bytes in the same collection are the same document, whatever they are called."""
    return hashlib.sha256(f"{collection}\0{digest}".encode()).hexdigest()[:16]


def add(parts: Parts, context: Context) -> dict[str, Any]:
    """The handler of "add" jobs. Payload: collection, files, passwords, ocr, reread."""
    files = [File(**f) for f in context.payload["files"]]
    tally = _Tally([_size(parts.blobs, f) for f in files])
    results: list[Added] = []
    for i, file in enumerate(files):

        def tell(done: int, pages: int, stage: str, i: int = i, file: File = file) -> None:
            left = tally.seconds_left(i, done / pages if pages else 0)
            item = f"{file.name} ({i + 1}/{len(files)})" if len(files) > 1 else file.name
            context.progress(Progress(stage, done, pages, "pages", item, left))

        added = _add_file(parts, context, file, tell)
        results.append(added)
        context.emit("file", dump(added))
    if any(r.status in {"added", "partial"} for r in results):
        context.progress(Progress("indexing", len(files), len(files), "files"))
        parts.index.optimise()
    return {"files": dump(results)}


def _size(blobs: Blobs, file: File) -> int:
    try:
        return max(1, (blobs.path(file.digest) if file.digest else Path(file.path)).stat().st_size)
    except (OSError, NotFound):
        return 1


def _add_file(parts: Parts, context: Context, file: File, tell: Callable[[int, int, str], None]) -> Added:
    """Never raises for what one file can cause; Cancelled goes through."""
    started = time.monotonic()
    payload = context.payload
    try:
        tell(0, 0, "opening")
        document, fresh = _document(parts, payload, file, tell)
    except Cancelled:
        raise
    except GakjuError as e:
        pages = e.details.get("problems")
        why = (Problem(None, e.code, str(e)), *(pages if isinstance(pages, tuple) else ()))
        return Added(file.label, None, 0, 0, _since(started), "failed", why, error=str(e))
    except OSError as e:
        full = e.errno == errno.ENOSPC
        said = "No space left on the disk. Free some and add the file again." if full else f"{file.name}: {e}"
        return Added(file.label, None, 0, 0, _since(started), "failed", error=" ".join(said.split()))
    status: AddStatus = "unchanged"
    if fresh:
        status = "partial" if any(p.kind in UNREAD for p in document.problems) else "added"
    return Added(file.label, document.id, document.pages, document.chunks, _since(started), status, document.problems)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _document(
    parts: Parts, payload: Mapping[str, Any], file: File, tell: Callable[[int, int, str], None]
) -> tuple[Document, bool]:
    """The file's document and whether it was read now."""
    collection = payload["collection"]
    digest = file.digest or parts.blobs.digest(Path(file.path))
    known = parts.index.find(collection, digest)
    if known and not payload.get("reread"):
        return known, False
    if not file.digest:
        # The digest the copy has is the one that counts: the file may have changed in between.
        digest = parts.blobs.put_file(Path(file.path))
    try:
        document = ingest(
            parts,
            parts.index,
            Document(
                # A re-read stands beside the old reading, under an id of its own, until it is whole.
                id=document_id(collection, f"{digest}/{now()}" if known else digest),
                title="",
                path=file.label,
                collection=collection,
                digest=digest,
                media_type="",
                bytes=parts.blobs.path(digest).stat().st_size,
                pages=0,
                chunks=0,
                added_at=now(),
            ),
            payload.get("passwords", ()),
            bool(payload.get("ocr", True)),
            tell,
        )
    except BaseException as e:
        # An upload has no other copy: it waits for its password, or for its job to be taken up again.
        waits = file.digest and isinstance(e, Cancelled | PasswordRequired)
        if not waits:
            _forget(parts, digest)
        raise
    return document, True


def _older(index: Index, new: Document) -> list[Document]:
    """What `new` takes the place of: an earlier reading of its bytes, or other bytes of the same file on disk."""
    return [
        old
        for old in index.documents(new.collection)
        if old.id != new.id and (old.digest == new.digest or (old.path == new.path and Path(new.path).is_absolute()))
    ]


def delete(parts: Parts, identity: str) -> None:
    """Forget a document, and its original where no other document shares the bytes."""
    document = parts.index.document(identity)
    parts.index.delete(identity)
    _forget(parts, document.digest)


def _forget(parts: Parts, digest: str) -> None:
    """Drop an original that no document has any more, and that no one keeps as a file."""
    if not parts.held(digest) and not any(d.digest == digest for d in parts.index.documents()):
        parts.blobs.delete(digest)


class _Watched:
    """Pages on their way to the chunker: counted, told, and remembered until they are written."""

    def __init__(self, pages: Iterator[Page], total: int, tell: Callable[[int, int, str], None]) -> None:
        self._pages = pages
        self._total = total
        self._tell = tell
        self._waiting: list[Page] = []
        self.count = 0
        self.problems: list[Problem] = []

    def __iter__(self) -> Iterator[Page]:
        for page in self._pages:
            self.count += 1
            self.problems += page.problems
            self._waiting.append(page)
            self._tell(self.count, max(self._total, self.count), "reading")
            yield page

    def take(self) -> list[Page]:
        waiting, self._waiting = self._waiting, []
        return waiting


def ingest(
    parts: Parts,
    index: Index,
    document: Document,
    passwords: Sequence[str],
    ocr: bool,
    tell: Callable[[int, int, str], None],
) -> Document:
    """Read `document`'s original into the library and return it complete. Raises GakjuError."""
    path = parts.blobs.path(document.digest)
    name = Path(document.path).name
    with (
        parts.reader.open(path, name=name, passwords=passwords, ocr=ocr) as reading,
        index.writer(document.id, document.collection) as writer,
        ThreadPoolExecutor(1, thread_name_prefix="words") as side,
    ):
        pages = _Watched(iter(reading), reading.page_count, tell)
        chunks = parts.chunker.chunks(document.id, pages)
        count = 0
        while batch := list(islice(chunks, BATCH)):
            # Morphemes on one thread while the embedder works on this one.
            texts = [embedding_text(c, reading.title) for c in batch]
            words = side.submit(parts.morphemes.many, texts)
            vectors = parts.embedder.embed_passages(texts)
            writer.write(pages.take(), batch, vectors, words.result())
            count += len(batch)
            tell(pages.count, max(reading.page_count, pages.count), "embedding")
        if rest := pages.take():
            empty = parts.embedder.embed_passages([])
            writer.write(rest, [], empty, [])
        if not count:
            raise _nothing_read(name, pages.problems)
        whole = replace(
            document,
            title=reading.title or Path(document.path).stem,
            media_type=reading.media_type,
            pages=pages.count,
            chunks=count,
            problems=tuple(pages.problems),
        )
        older = _older(index, whole)
        writer.commit(whole, secret="\n".join(passwords), replaces=[d.id for d in older])
    for replaced in older:
        _forget(parts, replaced.digest)
    return whole


def _nothing_read(name: str, problems: Sequence[Problem]) -> GakjuError:
    for kind in ("ocr_missing", "garbled", "hidden_text", "no_text", "page_failed"):
        for p in problems:
            if p.kind == kind:
                return BrokenFile(f"{name}: no page with readable text.", hint=p.detail, problems=tuple(problems))
    return BrokenFile(f"{name} holds no text.", hint="Nothing was added.")


def reindex(parts: Parts, context: Context) -> dict[str, Any]:
    """The handler of "reindex" jobs: build a new generation beside the old one, then switch.

    Taken up after a kill where it stopped: documents already in the new generation are not read again.
    """
    old = parts.index
    new = old.rebuild()
    done = {d.id for d in new.documents()}
    todo = old.documents()
    tally = _Tally([max(1, d.bytes) for d in todo] or [1])
    failed: list[Added] = []
    for i, document in enumerate(todo):
        context.check()
        if document.id in done:
            continue
        started = time.monotonic()

        def tell(page: int, pages: int, _stage: str, i: int = i, document: Document = document) -> None:
            item = f"{document.title} {page}/{pages}"
            left = tally.seconds_left(i, page / pages if pages else 0)
            context.progress(Progress("reindexing", i, len(todo), "documents", item, left))

        secret = old.secret(document.id)
        try:
            ingest(parts, new, document, secret.split("\n") if secret else (), True, tell)
        except StorageFull:
            raise
        except Cancelled:
            raise
        except GakjuError as e:
            failed.append(Added(document.path, document.id, 0, 0, _since(started), "failed", error=str(e)))
    if failed:
        names = ", ".join(f.path for f in failed)
        raise LibraryError(
            f"{len(failed)} of {len(todo)} documents could not be read again: {names}.",
            hint="Delete or mend them and start the re-index again; the library is as it was.",
        )
    kept = {d.id for d in old.documents()}
    for document in new.documents():
        if document.id not in kept:  # deleted while the new generation was built
            new.delete(document.id)
    new.optimise()
    old.switch(new)
    return {"documents": len(todo)}
