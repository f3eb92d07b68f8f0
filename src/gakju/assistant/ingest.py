"""File → pages → chunks → words and vectors → library. The only place that knows this order."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gakju.assistant.blobs import Blobs
from gakju.assistant.line import Line, forget
from gakju.assistant.parts import Parts
from gakju.errors import Cancelled, GakjuError, LibraryError, NotFound, PasswordRequired, StorageFull
from gakju.index import Index
from gakju.jobs import Context
from gakju.store import now
from gakju.types import Added, AddStatus, Document, Problem, Progress
from gakju.wire import dump

UNREAD = {"no_text", "garbled", "ocr_missing", "page_failed"}
"""Kinds of problems that leave a page out of the library."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a batch. `digest` is known where the bytes are in the blobs already (an upload, a page)."""

    path: str
    digest: str = ""
    published: str = ""

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
    begun: set[str] = set()
    with Line(parts, parts.index, [_Wanted(parts, context.payload, file, begun) for file in files]) as line:
        for i, file in enumerate(files):

            def tell(done: int, pages: int, stage: str, i: int = i, file: File = file) -> None:
                left = tally.seconds_left(i, done / pages if pages else 0)
                item = f"{file.name} ({i + 1}/{len(files)})" if len(files) > 1 else file.name
                context.progress(Progress(stage, done, pages, "pages", item, left))

            added = _add_file(line, file, tell)
            results.append(added)
            context.emit("file", dump(added))
    return {"files": dump(results)}


def _size(blobs: Blobs, file: File) -> int:
    try:
        return max(1, (blobs.path(file.digest) if file.digest else Path(file.path)).stat().st_size)
    except (OSError, NotFound):
        return 1


def _add_file(line: Line, file: File, tell: Callable[[int, int, str], None]) -> Added:
    """Never raises for what one file can cause; Cancelled goes through."""
    started = time.monotonic()
    try:
        tell(0, 0, "opening")
        document, fresh = line.take(tell)
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


class _Wanted:
    """A file of an "add" job, which has `begun` reading the bytes of these digests."""

    def __init__(self, parts: Parts, payload: Mapping[str, Any], file: File, begun: set[str]) -> None:
        self._parts, self._payload, self._file, self._begun = parts, payload, file, begun
        self._digest = ""
        self.passwords: Sequence[str] = payload.get("passwords", ())
        self.ocr = bool(payload.get("ocr", True))

    def find(self, settled: Callable[[], None]) -> tuple[Document, bool]:
        parts, file, collection = self._parts, self._file, self._payload["collection"]
        digest = file.digest or parts.blobs.digest(Path(file.path))
        if digest in self._begun or parts.index.find(collection, digest):
            # The same bytes are a document, or becoming one: what is before it in line may bring or replace that.
            settled()
        known = parts.index.find(collection, digest)
        if known and not self._payload.get("reread"):
            return known, True
        if not file.digest:
            # The digest the copy has is the one that counts: the file may have changed in between.
            digest = parts.blobs.put_file(Path(file.path))
        self._digest = digest
        self._begun.add(digest)
        usual = document_id(collection, digest)
        document = Document(
            # A re-read stands beside the old reading, under an id of its own, until it is whole; a document that
            # was moved to another collection has kept the id it had in this one.
            id=document_id(collection, f"{digest}/{now()}") if known or _is_known(parts.index, usual) else usual,
            title="",
            path=file.label,
            collection=collection,
            digest=digest,
            media_type="",
            bytes=parts.blobs.path(digest).stat().st_size,
            pages=0,
            chunks=0,
            added_at=now(),
            published=file.published,
        )
        return document, False

    def give_up(self, error: BaseException | None) -> None:
        # An upload has no other copy: it waits for its password, or for its job to be taken up again.
        waits = self._file.digest and (error is None or isinstance(error, Cancelled | PasswordRequired))
        if self._digest and not waits:
            forget(self._parts, self._digest)


def delete(parts: Parts, identity: str) -> None:
    """Forget a document, and its original where no other document shares the bytes."""
    document = parts.index.document(identity)
    parts.index.delete(identity)
    forget(parts, document.digest)


def _is_known(index: Index, identity: str) -> bool:
    try:
        index.document(identity)
    except NotFound:
        return False
    return True


class _Again:
    """A document of the library, read once more; the collection it is in keeps its original whatever happens."""

    ocr = True

    def __init__(self, index: Index, document: Document) -> None:
        self._index, self._document = index, document

    @property
    def passwords(self) -> Sequence[str]:
        secret = self._index.secret(self._document.id)
        return secret.split("\n") if secret else ()

    def find(self, settled: Callable[[], None]) -> tuple[Document, bool]:
        return self._document, False

    def give_up(self, error: BaseException | None) -> None:
        pass


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
    waiting = [(i, document) for i, document in enumerate(todo) if document.id not in done]
    with Line(parts, new, [_Again(old, document) for _, document in waiting]) as line:
        for i, document in waiting:
            context.check()
            started = time.monotonic()

            def tell(page: int, pages: int, _stage: str, i: int = i, document: Document = document) -> None:
                item = f"{document.title} {page}/{pages}"
                left = tally.seconds_left(i, page / pages if pages else 0)
                context.progress(Progress("reindexing", i, len(todo), "documents", item, left))

            try:
                line.take(tell)
            except (StorageFull, Cancelled):
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
