"""Collections as programs that know vector stores see them.

Every collection is one, made here or not, and every document in it a file, whichever way it came. What the
library has decides: a document that somebody deletes on the screen is gone from here too.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from gakju.assistant.files import of_document
from gakju.assistant.scope import Scope
from gakju.errors import Cancelled, NotFound, UsageError
from gakju.store import Job, new_id, now
from gakju.store.files import Files as FilesTable
from gakju.store.files import StoredFile, VectorStore
from gakju.types import Document, Hit

if TYPE_CHECKING:
    from gakju.assistant import Assistant

Status = Literal["in_progress", "completed", "failed", "cancelled"]
Attributes = Mapping[str, Any]
_Told = tuple[Job, list[dict[str, Any]]]
"""A job, and what it told of each of its files."""
_LONGEST = 56
"""Of a collection's name, so that a number fits behind it."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file in a collection. `error` is (code, message) of `gakju.errors` where `status` is failed."""

    file: StoredFile
    status: Status
    error: tuple[str, str]
    created_at: str
    document: Document | None = None
    attributes: Attributes = field(default_factory=dict)
    batch_id: str = ""
    job_id: str = ""


def id_of(collection: str) -> str:
    """The same collection always has the same id."""
    return "vs_" + hashlib.sha256(collection.encode()).hexdigest()[:24]


def expiry(store: VectorStore) -> datetime | None:
    """When it is no longer searched."""
    days = timedelta(days=store.expires_days)
    return datetime.fromisoformat(store.active_at) + days if store.expires_days else None


def expired(store: VectorStore) -> bool:
    return (end := expiry(store)) is not None and end <= datetime.now(UTC)


class VectorStores:
    """Thread-safe."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    @property
    def _table(self) -> FilesTable:
        return self._assistant.store.files

    def all(self) -> list[VectorStore]:
        """Newest last."""
        known = {store.collection: store for store in self._table.stores()}
        first: dict[str, str] = {}
        for d in self._assistant.documents():
            first[d.collection] = min(d.added_at, first.get(d.collection, d.added_at))
        made = [VectorStore(name, name, at, at) for name, at in first.items() if name not in known]
        return sorted([*known.values(), *made], key=lambda store: (store.created_at, store.collection))

    def get(self, store_id: str) -> VectorStore:
        """Raises NotFound."""
        for store in self.all():
            if id_of(store.collection) == store_id:
                return store
        raise NotFound(f"There is no vector store {store_id!r}.", id=store_id)

    def create(self, name: str, *, notes: Mapping[str, Any], expires_days: int = 0) -> VectorStore:
        """A new, empty collection called `name`, or as near to it as a collection's name can be."""
        taken = {store.collection for store in self.all()}
        plain = "".join(c if c.isalnum() or c in " .-_" else "-" for c in name).strip()[:_LONGEST] or "store"
        collection, n = plain, 1
        while collection in taken or (n == 1 and not name):
            n += 1
            collection = f"{plain}-{secrets.token_hex(3)}" if not name else f"{plain} {n}"
        at = now()
        store = VectorStore(collection, name, at, at, dict(notes), expires_days)
        self._table.put_store(store)
        return store

    def modify(self, store: VectorStore, **changes: Any) -> VectorStore:
        """Its name for programs, its notes, its expiry; the collection keeps its own name."""
        changed = replace(store, **changes)
        self._table.put_store(changed)
        return changed

    def delete(self, store: VectorStore) -> None:
        """The collection with its documents; files that a program keeps stay."""
        for job_id in {a.job_id for a in self.files(store) if a.status == "in_progress"}:
            self._assistant.jobs.cancel(job_id)
        for document in self._assistant.documents(store.collection):
            self._assistant.delete(document.id)
        self._table.remove_store(store.collection)

    # What is in one

    def attach(
        self, store: VectorStore, files: Sequence[tuple[str, Attributes]], *, batch: bool = False
    ) -> tuple[str, Job | None]:
        """Queue files, by id with their attributes, to be added as one job; (the batch's id, the job).

        Raises NotFound where there is no such file.
        """
        given = dict(files)
        found = [self._assistant.files.get(file_id) for file_id in given]
        batch_id = new_id("vsfb") if batch else ""
        if not found:
            return batch_id, None
        job = self._assistant.submit_add(
            [{"path": f.filename, "digest": f.digest} for f in found], collection=store.collection
        )
        self._table.attach(store.collection, list(given.items()), job_id=job.id, batch_id=batch_id)
        self._table.put_store(replace(store, active_at=now()))
        return batch_id, job

    def files(self, store: VectorStore) -> list[Attached]:
        """Oldest first. What was added and has gone since is left out."""
        rows = self._table.attached(store.collection)
        # Jobs before documents: what a job tells is in the library already, so nothing seems gone in between.
        told = {job_id: self._told(job_id) for job_id in {row.job_id for row in rows}}
        documents = self._assistant.documents(store.collection)
        files = {**{(f := of_document(d)).id: f for d in documents}, **{f.id: f for f in self._table.all()}}
        by_digest = {d.digest: d for d in documents}
        found, seen = [], set()
        for row in rows:
            file = files.get(row.file_id)
            document = by_digest.get(file.digest) if file else None
            state = _state(document, told[row.job_id], row.position)
            if file and state:
                found.append(Attached(file, *state, row.created_at, document, row.attributes, row.batch_id, row.job_id))
                seen.add(file.digest)
        others = [d for d in documents if d.digest not in seen]
        found += [Attached(of_document(d), "completed", ("", ""), d.added_at, d) for d in others]
        return sorted(found, key=lambda a: a.created_at)

    def _told(self, job_id: str) -> _Told | None:
        try:
            job = self._assistant.store.job(job_id)
        except NotFound:
            return None
        return job, [e.data for e in self._assistant.store.events(job_id) if e.kind == "file"]

    def file(self, store: VectorStore, file_id: str) -> Attached:
        """Raises NotFound."""
        for attached in self.files(store):
            if attached.file.id == file_id:
                return attached
        raise NotFound(f"There is no file {file_id!r} in this vector store.", id=file_id)

    def set_attributes(self, store: VectorStore, file_id: str, attributes: Attributes) -> Attached:
        attached = self.file(store, file_id)
        if attached.job_id:
            self._table.set_attributes(store.collection, file_id, attributes)
        else:
            self._table.attach(store.collection, [(file_id, attributes)])
        return self.file(store, file_id)

    def detach(self, collection: str, file_id: str) -> None:
        """Out of the collection, whether it is added already or still waits. The file itself stays.

        Raises UsageError for one that is being added together with others.
        """
        store = self.get(id_of(collection))
        attached = self.file(store, file_id)
        if attached.status == "in_progress":
            if attached.batch_id:
                raise UsageError("This file is still being added with others.", hint="Wait, or cancel the batch.")
            self._assistant.jobs.cancel(attached.job_id)
            with_job = self._assistant.jobs.wait(attached.job_id)
            attached = replace(attached, document=self._made(store, attached) if with_job.state == "done" else None)
        shared = [a for a in self.files(store) if a.file.digest == attached.file.digest and a.file.id != file_id]
        self._table.detach(collection, file_id)
        if attached.document and not shared:
            self._assistant.delete(attached.document.id)

    def _made(self, store: VectorStore, attached: Attached) -> Document | None:
        here = self._assistant.documents(store.collection)
        return next((d for d in here if d.digest == attached.file.digest), None)

    def batch(self, store: VectorStore, batch_id: str) -> list[Attached]:
        """What is left of the files attached together. Raises NotFound."""
        rows = self._table.attached(store.collection, batch_id=batch_id)
        if not rows:
            raise NotFound(f"There is no file batch {batch_id!r}.", id=batch_id)
        return [a for a in self.files(store) if a.batch_id == batch_id]

    def cancel_batch(self, store: VectorStore, batch_id: str) -> list[Attached]:
        for job_id in {a.job_id for a in self.batch(store, batch_id) if a.status == "in_progress"}:
            self._assistant.jobs.cancel(job_id)
            self._assistant.jobs.wait(job_id)
        return self.batch(store, batch_id)

    # Finding

    def scope(
        self,
        stores: Sequence[VectorStore],
        *,
        where: Callable[[Attributes], bool] | None = None,
        k: int = 10,
        at_least: float = 0.0,
    ) -> Scope:
        """What a search in these looks at; `where` chooses files by their attributes. Raises UsageError if expired."""
        for store in stores:
            if expired(store):
                raise UsageError(f"The vector store {store.name!r} has expired.", hint="Renew its expires_after.")
            if store.expires_days:
                self._table.put_store(replace(store, active_at=now()))
        documents: tuple[str, ...] | None = None
        if where is not None:
            files = [a for store in stores for a in self.files(store)]
            documents = tuple(a.document.id for a in files if a.document and where(a.attributes))
        return Scope(tuple(store.collection for store in stores), documents, k, at_least)

    def sources(self, stores: Sequence[VectorStore]) -> dict[str, Attached]:
        """The file behind each document, by the document's id."""
        return {a.document.id: a for store in stores for a in self.files(store) if a.document}

    def search(self, queries: Sequence[str], scope: Scope) -> list[Hit]:
        """The best of all queries, each chunk once."""
        best: dict[str, Hit] = {}
        for query in queries:
            for hit in self._assistant.search_in(query, scope):
                if hit.chunk.id not in best or best[hit.chunk.id].score < hit.score:
                    best[hit.chunk.id] = hit
        return sorted(best.values(), key=lambda hit: (-hit.score, hit.chunk.id))[: scope.k]


def _state(document: Document | None, told: _Told | None, position: int) -> tuple[Status, tuple[str, str]] | None:
    """How far a file is, from the job that adds it; None for what was added and has been deleted since."""
    if document:
        return "completed", ("", "")
    if told is None:
        return None
    job, files = told
    if position < len(files):
        added = files[position]
        return ("failed", _why(added)) if added["status"] == "failed" else None
    if job.state == "failed":
        return "failed", (job.error.get("code", ""), job.error.get("message", ""))
    if job.state == "cancelled":
        return "cancelled", (Cancelled.code, "Stopped.")
    return None if job.finished else ("in_progress", ("", ""))


def _why(added: Mapping[str, Any]) -> tuple[str, str]:
    problems = added.get("problems") or [{}]
    return str(problems[0].get("kind", "")), str(added.get("error") or "")
