"""File → pages → chunks → words and vectors → library. The only place that knows this order."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gakju import heap
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


class LeftOut(GakjuError):
    """Of a file of a job that goes on without it."""

    code = Cancelled.code


@dataclass(frozen=True, slots=True)
class File:
    """One file of a batch. `digest` is known where the bytes are in the blobs already (an upload, a page).

    `again`: of a document that is read once more, and not added where it has gone meanwhile.
    """

    path: str
    digest: str = ""
    published: str = ""
    language: str = ""
    again: bool = False

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
    wanted = [Wanted(parts, context.payload, f, begun, partial(context.left_out, i)) for i, f in enumerate(files)]
    with Line(parts, parts.index, wanted) as line:
        for i, file in enumerate(files):

            def tell(done: int, pages: int, stage: str, i: int = i, file: File = file) -> None:
                if done:  # before that, nothing of it is in hand
                    wanted[i].check()
                left = tally.seconds_left(i, done / pages if pages else 0)
                item = f"{file.name} ({i + 1}/{len(files)})" if len(files) > 1 else file.name
                context.progress(Progress(stage, done, pages, "pages", item, left))

            added = taken(line, file, tell)
            results.append(added)
            context.emit("file", dump(added))
    return {"files": dump(results)}


def _size(blobs: Blobs, file: File) -> int:
    try:
        return max(1, (blobs.path(file.digest) if file.digest else Path(file.path)).stat().st_size)
    except (OSError, NotFound):
        return 1


def taken(line: Line, file: File, tell: Callable[[int, int, str], None]) -> Added:
    """What became of the next file in line. Never raises for what one file can cause; Cancelled goes through."""
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
    finally:
        heap.trim()
    status: AddStatus = "unchanged"
    if fresh:
        status = "partial" if any(p.kind in UNREAD for p in document.problems) else "added"
    return Added(file.label, document.id, document.pages, document.chunks, _since(started), status, document.problems)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


class Wanted:
    """A file of an "add" job, which has `begun` reading the bytes of these digests, unless it is `left_out`."""

    def __init__(
        self,
        parts: Parts,
        payload: Mapping[str, Any],
        file: File,
        begun: set[str],
        left_out: Callable[[], bool] = lambda: False,
    ) -> None:
        self._parts, self._payload, self._file, self._begun = parts, payload, file, begun
        self._left_out = left_out
        self._digest = ""
        self.passwords: Sequence[str] = payload.get("passwords", ())
        self.ocr = bool(payload.get("ocr", True))

    def check(self) -> None:
        """Raises LeftOut."""
        if self._left_out():
            raise LeftOut(f"{self._file.name} was cancelled.")

    def find(self, settled: Callable[[], None]) -> tuple[Document, bool]:
        self.check()
        parts, file, collection = self._parts, self._file, self._payload["collection"]
        digest = file.digest or parts.blobs.digest(Path(file.path))
        if digest in self._begun or parts.index.find(collection, digest):
            # The same bytes are a document, or becoming one: what is before it in line may bring or replace that.
            settled()
        known = parts.index.find(collection, digest)
        if known and not self._payload.get("reread"):
            return known, True
        if not known and file.again:
            raise NotFound(f"{file.name} was deleted or moved before it was read again.", hint="Nothing was changed.")
        if not file.digest:
            # The digest the copy has is the one that counts: the file may have changed in between.
            digest = parts.blobs.put_file(Path(file.path))
        elif not parts.blobs.path(digest).exists():
            raise NotFound(f"The upload of {file.name} was not kept any longer.", hint="Add the file again.")
        self._digest = digest
        self._begun.add(digest)
        usual = document_id(collection, digest)
        document = Document(
            # A re-read stands beside the old reading, under an id of its own, until it is whole; a document that
            # was moved to another collection has kept the id it had in this one, and a deleted one may come back.
            id=document_id(collection, f"{digest}/{now()}") if known or parts.index.knows(usual) else usual,
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
            language=file.language,
        )
        return document, False

    def give_up(self, error: BaseException | None) -> None:
        # An upload has no other copy: it waits for its password, or to be taken up again; see `Shelf.sweep`.
        waits = self._file.digest and (error is None or isinstance(error, Cancelled | LeftOut | PasswordRequired))
        if self._digest and not waits:
            forget(self._parts, self._digest)


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
    done = {d.id for d in _all_of(new)}
    _catch_up(parts, context, new, done)
    new.optimise()
    _catch_up(parts, context, new, done)
    new.follow(old)  # what was deleted, restored or moved while the new generation was built
    old.switch(new)
    return {"documents": len(new.documents())}


def _catch_up(parts: Parts, context: Context, new: Index, done: set[str]) -> None:
    """All that is not `done`. Raises LibraryError where a document of the library cannot be read again."""
    failed: list[Added] = []
    # Pages of the web come in meanwhile: from answers, and from what is watched.
    while todo := [d for d in _all_of(parts.index) if d.id not in done]:
        failed += _read_again(parts, context, new, todo, len(done))
        done |= {d.id for d in todo}
    kept = {d.id for d in parts.index.documents()}
    if failed := [f for f in failed if f.document_id in kept]:  # what was deleted need not be readable
        names = ", ".join(f.path for f in failed)
        raise LibraryError(
            f"{len(failed)} of {len(done)} documents could not be read again: {names}.",
            hint="Delete or mend them and start the re-index again; the library is as it was.",
        )


def _all_of(index: Index) -> list[Document]:
    """Those that can still come back as well."""
    return [*index.documents(), *(document for document, _ in index.removed())]


def _read_again(parts: Parts, context: Context, new: Index, todo: Sequence[Document], before: int) -> list[Added]:
    """Documents into the new generation, after the `before` that are in it; those that could not be read."""
    tally = _Tally([max(1, d.bytes) for d in todo])
    failed: list[Added] = []
    with Line(parts, new, [_Again(parts.index, document) for document in todo]) as line:
        for i, document in enumerate(todo):
            context.check()
            started = time.monotonic()

            def tell(page: int, pages: int, _stage: str, i: int = i, document: Document = document) -> None:
                item = f"{document.title} {page}/{pages}"
                left, total = tally.seconds_left(i, page / pages if pages else 0), before + len(todo)
                context.progress(Progress("reindexing", before + i, total, "documents", item, left))

            try:
                line.take(tell)
            except (StorageFull, Cancelled):
                raise
            except GakjuError as e:
                failed.append(Added(document.path, document.id, 0, 0, _since(started), "failed", error=str(e)))
    return failed
