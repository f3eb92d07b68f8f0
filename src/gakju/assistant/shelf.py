"""Keeping the library in order: collections, documents read once more, and what it all takes up."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gakju.errors import NotFound, UsageError
from gakju.store import Job

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

    def remove(self, collection: str) -> int:
        """A collection with its documents and their originals; how many those were. Raises NotFound, UsageError."""
        ids = self._of(collection)
        self._idle(collection)
        for document_id in ids:
            self._a.delete(document_id)
        self._a.store.collections.forget(collection)
        return len(ids)

    def reread(self, document_ids: Sequence[str], *, ocr: bool | None = None, password: str = "") -> list[Job]:
        """Read documents anew from their kept originals; a job for each collection and password.

        The reading there is serves until the new one is whole. Raises NotFound.
        """
        jobs: dict[tuple[str, str], list[dict[str, str]]] = {}
        for document_id in document_ids:
            d = self._a.document(document_id)
            secret = password or self._a.parts.index.secret(document_id)
            jobs.setdefault((d.collection, secret), []).append({"path": d.path, "digest": d.digest})
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
        busy = self._a.store.jobs(kinds=["add", "reindex"], states=["queued", "running"])
        if any(job.kind == "reindex" or job.payload["collection"] == collection for job in busy):
            raise UsageError(
                f"Documents of {collection!r} are being added.", hint="Wait for that to end, or cancel it."
            )


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
