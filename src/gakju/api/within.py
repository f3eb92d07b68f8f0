"""The assistant as one key may use it: its own collections, its own jobs.

Routes get this in place of the assistant and need not think of it. A named collection out of reach is refused;
what has an id and lies out of reach is not found, as if it were not there. For a key that does not reach every
collection, whatever is not written out here is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from gakju.api.callers import Caller
from gakju.api.own import OwnJobs, OwnStore, shown
from gakju.assistant import DEFAULT, Assistant
from gakju.assistant.files import Files
from gakju.assistant.generate import resolve
from gakju.assistant.parts import Provider
from gakju.assistant.vector_stores import VectorStores
from gakju.errors import Forbidden, NotFound
from gakju.store import Job, Watch
from gakju.types import AskEvent, Box, Chunk, Document, Hit, Page

HARMLESS = frozenset(["settings", "accounts"])
"""What a key of some collections may use of the assistant as it is."""
HARMLESS_PARTS = frozenset(["settings", "chat", "embedder", "engines", "threads", "blobs"])
"""`blobs` gives nothing to who has no digest, and no route takes one."""


class Within:
    """What stands for an `Assistant` in a request with a key. Raises Forbidden and NotFound beside what that raises."""

    def __init__(self, assistant: Assistant, caller: Caller, notes: dict[str, str]) -> None:
        """`notes` is filled with what the audit log is told: the collection, the question."""
        self._assistant = assistant
        self._caller = caller
        self._notes = notes

    def __getattr__(self, name: str) -> Any:
        return shown(self._assistant, name, self._caller, HARMLESS)

    # The library

    def collections(self) -> dict[str, int]:
        return {n: c for n, c in self._assistant.collections().items() if self._caller.reaches(n)}

    def documents(self, collection: str | None = None) -> list[Document]:
        if collection is not None:
            self._reach(collection)
        return [d for d in self._assistant.documents(collection) if self._caller.reaches(d.collection)]

    def holds(self, digest: str) -> bool:
        return self._assistant.holds(digest)

    def document(self, document_id: str) -> Document:
        found = self._assistant.document(document_id)
        if not self._caller.reaches(found.collection):
            raise NotFound(f"There is no document {document_id!r}.", hint="`gakju docs` lists them.")
        return found

    def delete(self, document_id: str) -> None:
        self.document(document_id)
        self._assistant.delete(document_id)

    def page(self, document_id: str, number: int) -> Page:
        self.document(document_id)
        return self._assistant.page(document_id, number)

    def page_image(
        self, document_id: str, number: int, *, width: int = 1000, highlight: Sequence[Box] = ()
    ) -> bytes | None:
        self.document(document_id)
        return self._assistant.page_image(document_id, number, width=width, highlight=highlight)

    def chunks(self, document_id: str) -> list[Chunk]:
        self.document(document_id)
        return self._assistant.chunks(document_id)

    def original(self, document_id: str) -> Path:
        self.document(document_id)
        return self._assistant.original(document_id)

    def keep(self, source: BinaryIO, name: str) -> Mapping[str, str]:
        return self._assistant.keep(source, name)

    def submit_add(self, files: Sequence[Any], *, collection: str = DEFAULT, **options: Any) -> Job:
        self._reach(collection)
        return self._assistant.submit_add(files, collection=collection, **options, owner=self._caller.id)

    def submit_pages(self, urls: Sequence[str], *, collection: str = DEFAULT, every: str = "") -> Job:
        self._reach(collection)
        return self._assistant.submit_pages(urls, collection=collection, every=every, owner=self._caller.id)

    @property
    def watches(self) -> _Watches:
        return _Watches(self)

    def submit(self, kind: str, payload: Mapping[str, Any], *, collection: str = DEFAULT) -> Job:
        self._reach(collection)
        return self._assistant.submit(kind, payload, collection=collection, owner=self._caller.id)

    def submit_reindex(self) -> Job:
        if self._caller.collections is not None:
            raise Forbidden("A key for some collections only may not do that.", hint="Use one for all collections.")
        return self._assistant.submit_reindex(self._caller.id)

    @property
    def words(self) -> Any:
        return _Words(self)

    # Finding and answering

    def search(self, query: str, k: int = 10, *, collection: str = DEFAULT, **options: Any) -> list[Hit]:
        self._reach(collection, query)
        return self._assistant.search(query, k, collection=collection, **options)

    def search_in(self, query: str, scope: Any) -> list[Hit]:
        for collection in scope.collections:
            self._reach(collection, query)
        return self._assistant.search_in(query, scope)

    def ask(
        self, question: str, *, collection: str = DEFAULT, scope: Any = None, model: str = "", **options: Any
    ) -> Iterator[AskEvent]:
        self._asks(question, collection, scope, model)
        return self._assistant.ask(question, collection=collection, scope=scope, model=model, **options)

    def submit_ask(
        self, question: str, *, collection: str = DEFAULT, scope: Any = None, model: str = "", **options: Any
    ) -> Job:
        self._asks(question, collection, scope, model)
        options = {**options, "owner": self._caller.id}
        return self._assistant.submit_ask(question, collection=collection, scope=scope, model=model, **options)

    def _asks(self, question: str, collection: str, scope: Any, model: str) -> None:
        for name in scope.collections if scope else [collection]:
            self._reach(name, question)
        if model:  # A server's address would make this machine send requests to wherever a key's holder likes.
            resolve(cast(Assistant, self), model, any_server=self._caller.has("admin"))

    # Jobs, files and models

    @property
    def store(self) -> OwnStore:
        return OwnStore(self._assistant, self._caller)

    @property
    def jobs(self) -> OwnJobs:
        return OwnJobs(self._assistant.jobs, self.store, self._caller)

    @property
    def files(self) -> Files:
        return Files(cast(Assistant, self))

    @property
    def vector_stores(self) -> VectorStores:
        return VectorStores(cast(Assistant, self))

    @property
    def parts(self) -> Any:
        return _Parts(self._assistant, self._caller)

    def _reach(self, collection: str, question: str = "") -> None:
        self._notes["collection"] = collection
        if question:
            self._notes["text"] = question
        if not self._caller.reaches(collection):
            raise Forbidden(f"This key does not reach the collection {collection!r}.", hint="Name one of its own.")


class _Watches:
    """Watched pages of collections in reach; others are not there."""

    def __init__(self, within: Within) -> None:
        self._within = within
        self._watches = within._assistant.watches

    def all(self) -> list[Watch]:
        return [w for w in self._watches.all() if self._within._caller.reaches(w.collection)]

    def again(self, watch_id: str) -> Job:
        self._check(watch_id)
        return self._watches.again(watch_id, self._within._caller.id)

    def stop(self, watch_id: str) -> None:
        self._check(watch_id)
        self._watches.stop(watch_id)

    def _check(self, watch_id: str) -> None:
        if all(w.id != watch_id for w in self.all()):
            raise NotFound(f"There is no watched page {watch_id!r}.", id=watch_id)


class _Words:
    def __init__(self, within: Within) -> None:
        self._within = within

    def __getattr__(self, name: str) -> Any:
        """Each method's first argument is the collection."""
        whole = getattr(self._within._assistant.words, name)

        def reached(collection: str, *args: Any) -> Any:
            self._within._reach(collection)
            return whole(collection, *args)

        return reached


class _Parts:
    """What has no document in it; a model only with the right to use models."""

    def __init__(self, assistant: Assistant, caller: Caller) -> None:
        self._parts = assistant.parts
        self._caller = caller

    def __getattr__(self, name: str) -> Any:
        return shown(self._parts, name, self._caller, HARMLESS_PARTS)

    def opened(self, name: str) -> Any:
        self._check()
        return self._parts.opened(name)

    def chat(self, name: str = "") -> Any:
        self._check()
        provider, _, rest = name.partition(":")
        made = self.providers.get(provider)
        return made.open(rest) if made else self._parts.chat(name)

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Models made of others: those that read the library only for who may ask all of it."""
        if self._caller.collections is None and self._caller.has("ask"):
            return self._parts.providers
        return {kind: provider.without_library() for kind, provider in self._parts.providers.items()}

    def _check(self) -> None:
        if not self._caller.has("models"):
            raise Forbidden("This key may not use models without the library.", hint="It needs the right `models`.")
