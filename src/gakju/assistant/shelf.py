"""Keeping the library in order: collections, documents read once more, and what it all takes up."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gakju.assistant.line import forget
from gakju.errors import NotFound, UsageError
from gakju.store import Job, now
from gakju.store.talks import UNDO
from gakju.types import Document

if TYPE_CHECKING:
    from gakju.assistant import Assistant


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes on the disk. A database that is somewhere else counts as 0."""

    originals: int
    index: int
    database: int
    models: int

    @property
    def total(self) -> int:
        """Without the models, which other libraries may share."""
        return self.originals + self.index + self.database


class Shelf:
    """Each method raises LibraryBusy where another process owns the library."""

    def __init__(self, assistant: Assistant) -> None:
        self._a = assistant

    def move(self, document_ids: Sequence[str], collection: str) -> None:
        """Documents to another collection, made by that where it is new. Raises NotFound, UsageError."""
        from gakju.assistant import check_collection

        self._a._must_own()
        self._a.parts.index.move(document_ids, check_collection(collection))

    def rename(self, old: str, new: str) -> None:
        """A collection with all that is in it and its conversations. Raises NotFound; UsageError for a name in use."""
        ids = self._of(old)
        if new in self._a.collections():
            raise UsageError(f"There is a collection {new!r} already.", hint="Move the documents there instead.")
        self._idle(old)
        self.move(ids, new)
        self._a.store.collections.rename(old, new)

    def remove(self, collection: str) -> list[str]:
        """A collection out of sight, with its documents, whose ids these are; `restore` has it back with any of them.

        Raises NotFound, UsageError.
        """
        ids = self._of(collection)
        self._idle(collection)
        self.discard(ids)
        self._a.store.collections.remove(collection)
        return ids

    def discard(self, document_ids: Sequence[str]) -> None:
        """Documents out of sight, for all and at once; `restore` has them back for a day. Raises NotFound."""
        self._a._must_own()
        self.forget()
        self._a.parts.index.remove(document_ids, now())

    def removed(self) -> list[tuple[Document, str]]:
        """What `restore` can have back, with the time of its deletion; the last deleted first."""
        return [pair for pair in self._a.parts.index.removed() if pair[1] > _border(UNDO)]

    def restore(self, document_ids: Sequence[str]) -> list[Document]:
        """Those that came back, as they were: not what is gone for good, nor what was added again meanwhile."""
        self._a._must_own()
        back = self._a.parts.index.restore(document_ids)
        for collection in {d.collection for d in back}:
            self._a.store.collections.restore(collection)
        return back

    def erase(self, document_ids: Sequence[str]) -> None:
        """What was discarded is deleted for good, with its originals."""
        self._a._must_own()
        for document in self._a.parts.index.purge(document_ids):
            self.drop(document.digest)

    def drop(self, digest: str, *, besides: str = "") -> None:
        """An original, where no document, no program and no job under way, `besides` that one, needs it."""
        busy = self._a.store.jobs(states=["queued", "running"], limit=10_000)
        if not any(digest in str(job.payload) for job in busy if job.id != besides):
            forget(self._a.parts, digest)

    def forget(self, before: timedelta = UNDO) -> None:
        """Erase what was discarded longer ago than that."""
        if old := [d.id for d, at in self._a.parts.index.removed() if at <= _border(before)]:
            self.erase(old)
        self._a.store.collections.forget(before)

    def sweep(self) -> None:
        """Erase uploads that became no document, a day after their job: of adds that were cancelled, and of files that
        stayed locked. Only while nothing is added: at start.
        """
        a, border = self._a, _border(UNDO)
        a.parts.blobs.sweep()
        known = {d.digest for d in (*a.parts.index.documents(), *(d for d, _ in a.parts.index.removed()))}
        if not (left := a.parts.blobs.digests() - known):
            return
        needed = str([job.payload for job in a.store.jobs(states=["queued", "running"], limit=10_000)])
        read: set[str] = set()
        unread: set[str] = set()
        for job in a.store.jobs(kinds=["add"], states=["done", "failed", "cancelled"], limit=10_000):
            told = job.result.get("files") or [e.data for e in a.store.events(job.id) if e.kind == "file"]
            for i, file in enumerate(job.payload["files"]):
                # What was a document once stays: it may be away with a part of the library.
                became = i < len(told) and told[i]["document_id"]
                (read if became or job.updated_at > border else unread).add(file.get("digest", ""))
        for digest in left & unread - read:
            if digest not in needed and not a.parts.held(digest):
                a.parts.blobs.delete(digest)

    def reread(self, document_ids: Sequence[str], *, ocr: bool | None = None, password: str = "") -> list[Job]:
        """Read documents anew from their kept originals; a job for each collection and password.

        The reading there is serves until the new one is whole. Raises NotFound.
        """
        jobs: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for document_id in document_ids:
            d = self._a.document(document_id)
            secret = password or self._a.parts.index.secret(document_id)
            jobs.setdefault((d.collection, secret), []).append({"path": d.path, "digest": d.digest, "again": True})
        return [
            self._a.submit_add(
                files, collection=collection, passwords=secret.split("\n") if secret else (), ocr=ocr, reread=True
            )
            for (collection, secret), files in jobs.items()
        ]

    def storage(self) -> Storage:
        """Looks at every file, which takes milliseconds for a thousand of them."""
        s = self._a.settings
        database = s.home.glob("gakju.db*")
        return Storage(_bytes([s.blobs]), _bytes([s.library]), _bytes(database), _bytes([s.models]))

    def _of(self, collection: str) -> list[str]:
        found = [d.id for d in self._a.documents(collection)]
        if not found:
            raise NotFound(f"There is no collection {collection!r}.", hint="`gakju docs` lists documents.")
        return found

    def _idle(self, collection: str) -> None:
        busy = self._a.store.jobs(kinds=["add", "pages", "reindex"], states=["queued", "running"])
        if any(job.kind == "reindex" or job.payload["collection"] == collection for job in busy):
            raise UsageError(
                f"Documents of {collection!r} are being added.", hint="Wait for that to end, or cancel it."
            )


def _border(before: timedelta) -> str:
    return (datetime.now(UTC) - before).isoformat(timespec="microseconds")


def _bytes(paths: Iterable[Path]) -> int:
    return sum(map(_size, paths))


def _size(path: Path) -> int:
    try:
        if path.is_file():
            return path.stat().st_size
        return sum(_sizes(path))
    except OSError:  # gone in between
        return 0


def _sizes(folder: Path) -> Iterator[int]:
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    yield from _sizes(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield entry.stat(follow_symlinks=False).st_size
            except OSError:
                continue
