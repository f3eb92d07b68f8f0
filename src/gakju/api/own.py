"""What belongs to the key that made it: jobs, files, responses. To others it is not there.

What an `add` or `pages` job tells (names of files of a collection) is for everyone who reads that collection. What no
key made, on the screen or before keys were asked for, belongs to those who reach everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gakju.api.callers import Caller
from gakju.assistant import Assistant
from gakju.errors import Forbidden, NotFound
from gakju.jobs import Jobs
from gakju.store import Event, Job, Store
from gakju.store.files import Attachment, StoredFile, VectorStore


def shown(whole: object, name: str, caller: Caller, harmless: frozenset[str] = frozenset()) -> Any:
    """An attribute that no class here or in `within` writes out. Raises Forbidden for a key of some collections."""
    if name.startswith("_"):
        raise AttributeError(name)
    if caller.collections is None or name in harmless:
        return getattr(whole, name)
    raise Forbidden("A key for some collections only may not do that.", hint="Use one for all collections.")


class OwnStore:
    def __init__(self, assistant: Assistant, caller: Caller) -> None:
        self._assistant = assistant
        self._store = assistant.store
        self._caller = caller

    def __getattr__(self, name: str) -> Any:
        return shown(self._store, name, self._caller, frozenset(["usage"]))  # Its route asks for the caller's own.

    @property
    def everything(self) -> bool:
        return self._caller.admin

    def mine(self, thing: str) -> bool:
        maker = self._store.keys.maker(thing)
        return self.everything or maker == self._caller.id or (not maker and self._caller.collections is None)

    def job(self, job_id: str) -> Job:
        found = self._store.job(job_id)
        if not self._shared(found) and not self.mine(job_id):
            raise NotFound(f"There is no job {job_id!r}.", id=job_id)
        return found

    def jobs(self, *, limit: int = 100, **wanted: Any) -> list[Job]:
        if self.everything:
            return self._store.jobs(limit=limit, **wanted)
        mine = self._store.keys.made_by(self._caller.id)
        found = self._store.jobs(limit=max(limit, 1000), **wanted)
        return [j for j in found if j.id in mine or self._shared(j)][:limit]

    def events(self, job_id: str, after: int = 0) -> list[Event]:
        self.job(job_id)
        return self._store.events(job_id, after)

    def _shared(self, job: Job) -> bool:
        return (
            job.kind in {"add", "pages"}
            and self._caller.has("read|write")
            and self._caller.reaches(job.payload["collection"])
        )

    @property
    def files(self) -> OwnFiles:
        return OwnFiles(self, self._assistant, self._caller)

    @property
    def responses(self) -> OwnResponses:
        return OwnResponses(self, self._store, self._caller)


class OwnJobs:
    def __init__(self, jobs: Jobs, store: OwnStore, caller: Caller) -> None:
        self._jobs = jobs
        self._store = store
        self._caller = caller

    def __getattr__(self, name: str) -> Any:
        return shown(self._jobs, name, self._caller)

    def cancel(self, job_id: str) -> Job:
        """What others may look at they may not stop, unless they may write what it adds to."""
        if not self._store.mine(job_id) and not (self._store.job(job_id) and self._caller.has("write")):
            raise Forbidden("This key may not stop that job.", hint="It needs the right `write`.")
        return self._jobs.cancel(job_id)

    def follow(self, job_id: str, after: int = 0, *, heartbeat: float | None = None) -> Iterator[Event]:
        self._store.job(job_id)
        return self._jobs.follow(job_id, after, heartbeat=heartbeat)

    def wait(self, job_id: str) -> Job:
        self._store.job(job_id)
        return self._jobs.wait(job_id)


class OwnFiles:
    """`store.files`: a file is its key's, a vector store everyone's who reaches its collection."""

    def __init__(self, own: OwnStore, assistant: Assistant, caller: Caller) -> None:
        self._own = own
        self._assistant = assistant
        self._files = assistant.store.files
        self._caller = caller

    def add(self, *args: Any, **options: Any) -> StoredFile:
        return self._files.add(*args, **options, owner=self._caller.id)

    def get(self, file_id: str) -> StoredFile:
        if not self._visible(file_id):
            raise NotFound(f"There is no file {file_id!r}.", id=file_id)
        return self._files.get(file_id)

    def all(self) -> list[StoredFile]:
        return [f for f in self._files.all() if self._visible(f.id)]

    def remove(self, file_id: str) -> None:
        if not self._own.mine(file_id):
            raise Forbidden("This file is another key's.", hint="Take it out of the vector store instead.")
        self._files.remove(file_id)

    def holds(self, digest: str) -> bool:
        """By a document too, out of reach or not: nobody's bytes go because a key that cannot see them lets go."""
        return self._files.holds(digest) or self._assistant.holds(digest)

    def stores(self) -> list[VectorStore]:
        return [s for s in self._files.stores() if self._caller.reaches(s.collection)]

    def put_store(self, store: VectorStore) -> None:
        self._reach(store.collection)
        self._files.put_store(store)

    def remove_store(self, collection: str) -> None:
        self._reach(collection)
        self._files.remove_store(collection)

    def attach(self, collection: str, files: Sequence[tuple[str, Mapping[str, Any]]], **options: Any) -> None:
        self._reach(collection)
        self._files.attach(collection, files, **options)

    def attached(self, collection: str = "", **wanted: Any) -> list[Attachment]:
        return [a for a in self._files.attached(collection, **wanted) if self._caller.reaches(a.collection)]

    def set_attributes(self, collection: str, file_id: str, attributes: Mapping[str, Any]) -> None:
        self._reach(collection)
        self._files.set_attributes(collection, file_id, attributes)

    def detach(self, collection: str, file_id: str) -> None:
        self._reach(collection)
        self._files.detach(collection, file_id)

    def _visible(self, file_id: str) -> bool:
        return self._own.mine(file_id) or any(
            self._caller.reaches(a.collection) for a in self._files.attached(file_id=file_id)
        )

    def _reach(self, collection: str) -> None:
        if not self._caller.reaches(collection):
            raise Forbidden(f"This key does not reach the collection {collection!r}.", hint="Name one of its own.")


class OwnResponses:
    """`store.responses`, each its key's."""

    def __init__(self, own: OwnStore, store: Store, caller: Caller) -> None:
        self._own = own
        self._responses = store.responses
        self._caller = caller

    def put(self, response_id: str, data: Mapping[str, object]) -> None:
        self._responses.put(response_id, data, owner=self._caller.id)

    def get(self, response_id: str) -> dict[str, Any]:
        self._check(response_id)
        return self._responses.get(response_id)

    def remove(self, response_id: str) -> None:
        self._check(response_id)
        self._responses.remove(response_id)

    def _check(self, response_id: str) -> None:
        if not self._own.mine(response_id):
            raise NotFound(f"There is no response {response_id!r}.", id=response_id)
