"""One Gakju for every command: the library itself, or a server that has it open.

    Backend          what a command needs
    ├── Library      an Assistant in this process
    └── RemoteAssistant   another Gakju over HTTP

`connect` picks: a server that was named, else the process that owns the data folder, else the folder itself.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from gakju import apps, http, wire
from gakju.assistant import DEFAULT, Assistant, check_collection
from gakju.errors import Cancelled, GakjuError, LibraryBusy, LimitExceeded, NetworkError, ReadError
from gakju.jobs import Ownership
from gakju.settings import Settings
from gakju.store import Job
from gakju.text.lexicon import Word
from gakju.types import Added, AskEvent, Document, Message, Progress

WAIT = 10.0
"""Seconds given to an owner that is starting to say where it can be reached."""
TIMEOUT = 120.0
"""Seconds between two bytes of a server; a first search loads models."""
UPLOAD_FILES = 100
EMBED_TEXTS = 256
PAGES = 20  # addresses in a request
UPLOAD_BYTES = 64 << 20
"""A batch is sent in requests of at most so many files and bytes, so that reading begins while others wait."""


class Backend(Protocol):
    """What commands do. Iterators are lazy; closing one stops the work it stands for."""

    def add(
        self,
        paths: Iterable[str | Path],
        *,
        collection: str = DEFAULT,
        passwords: Sequence[str] = (),
        ocr: bool | None = None,
        reread: bool = False,
        every: str = "",
    ) -> Iterator[Progress | Added]:
        """One `Added` a file or page, in order, and progress between them. `every`: see `Assistant.submit_pages`."""
        ...

    def put(self, name: str, data: bytes, *, collection: str = DEFAULT) -> Added:
        """Add a document, and wait until it is read."""
        ...

    def watched(self) -> list[wire.Json]:
        """Pages of the web that are read again, as `wire.watch` shows them."""
        ...

    def refresh(self, watch_id: str) -> Iterator[Progress | Added]: ...

    def unwatch(self, watch_id: str) -> None: ...

    def reindex(self) -> Iterator[Progress]: ...

    def search(self, query: str, k: int = 10, *, collection: str = DEFAULT) -> list[wire.Json]:
        """Hits as `wire.hit` shows them, best first."""
        ...

    def ask(
        self,
        question: str,
        *,
        collection: str = DEFAULT,
        model: str = "",
        history: Sequence[Message] = (),
        sources: str = "",
        mode: str = "",
    ) -> Iterator[AskEvent]: ...

    def run_app(self, name: str, values: Mapping[str, Any]) -> Iterator[str]:
        """The answer of a form app as it is written; `values` by field. Raises NotFound, UsageError."""
        ...

    def app_names(self) -> list[str]: ...

    def documents(self, collection: str | None = None) -> list[Document]: ...

    def document(self, document_id: str) -> Document: ...

    def page(self, document_id: str, number: int) -> wire.Json:
        """A page as `wire.page` shows it."""
        ...

    def delete(self, document_id: str) -> None: ...

    def words(self, collection: str) -> wire.Json:
        """`words`, each with its other names, and `waiting`: documents that a re-index would tell of them."""
        ...

    def set_words(self, collection: str, words: Sequence[wire.Json]) -> wire.Json: ...

    def close(self) -> None: ...


@contextmanager
def connect(settings: Settings, *, own: bool, key: str = "") -> Iterator[Backend]:
    """The backend for these settings, closed at the end. `own`: the command writes the library or runs jobs.

    Raises LibraryBusy where another process owns the data folder and cannot be asked to do it, NetworkError
    where a named server does not answer.
    """
    backend: Backend
    if settings.server:
        key = key or settings.key.get_secret_value()
        backend = RemoteAssistant(settings.server, offline=settings.offline, key=key)
    elif card := _owner(settings, wait=WAIT if own else 0):
        backend = RemoteAssistant(card["url"], key=key or card.get("key", ""))
    else:
        # A reader never takes the lock: it would take up waiting jobs, and an answer would wait for them.
        backend = Library(Assistant(settings, own=own))
    try:
        yield backend
    finally:
        backend.close()


def _owner(settings: Settings, *, wait: float) -> Mapping[str, str]:
    """The card of the process that owns the data folder; empty where there is none, or none that answers in time."""
    ownership = Ownership(settings.home)
    deadline = time.monotonic() + wait
    while card := ownership.other():
        if card["url"] and _answers(card["url"]):
            return card
        if time.monotonic() >= deadline:
            if not wait:
                return {}
            raise LibraryBusy(
                f"Another Gakju (process {card['pid']}) is working on this library.",
                hint="Wait for it to end, or stop it, and try again.",
                pid=card["pid"],
            )
        time.sleep(0.2)
    return {}


def _answers(url: str) -> bool:
    """An owner that has just begun to stop still has its card."""
    try:
        with http.client(offline=True, timeout=2) as client:
            return client.get(f"{url}/healthz").is_success
    except (httpx.HTTPError, GakjuError):
        return False


class Library:
    """The library opened in this process."""

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant
        self.ask = assistant.ask
        self.documents = assistant.documents
        self.document = assistant.document
        self.delete = assistant.delete
        self.unwatch = assistant.watches.stop
        self.close = assistant.close

    def add(self, paths: Iterable[str | Path], *, every: str = "", **options: Any) -> Iterator[Progress | Added]:
        pages, files = parted(paths)
        if files:
            yield from self._added(self.assistant.submit_add(self.assistant.walk(files), **options))
        if pages:
            collection = options.get("collection", DEFAULT)
            yield from self._added(self.assistant.submit_pages(pages, collection=collection, every=every))

    def watched(self) -> list[wire.Json]:
        return [wire.watch(w) for w in self.assistant.watches.all()]

    def refresh(self, watch_id: str) -> Iterator[Progress | Added]:
        yield from self._added(self.assistant.watches.again(watch_id))

    def put(self, name: str, data: bytes, *, collection: str = DEFAULT) -> Added:
        job = self.assistant.submit_add([self.assistant.keep(BytesIO(data), name)], collection=collection)
        return [told for told in self._added(job) if isinstance(told, Added)][-1]

    def _added(self, job: Job) -> Iterator[Progress | Added]:
        with closing(self.follow(job)) as told:
            for kind, data in told:
                yield wire.load(Added, data) if kind == "file" else wire.load(Progress, data)

    def reindex(self) -> Iterator[Progress]:
        with closing(self.follow(self.assistant.submit_reindex())) as told:
            for kind, data in told:
                if kind == "progress":
                    yield wire.load(Progress, data)

    def search(self, query: str, k: int = 10, *, collection: str = DEFAULT) -> list[wire.Json]:
        return [wire.hit(h) for h in self.assistant.search(query, k, collection=collection)]

    def run_app(self, name: str, values: Mapping[str, Any]) -> Iterator[str]:
        asked = Message("user", json.dumps(dict(values), ensure_ascii=False))
        apps.of(self.assistant)
        for delta in self.assistant.parts.chat(f"app:{name}").stream([asked]):
            if delta.text:
                yield delta.text

    def app_names(self) -> list[str]:
        return [e.name for e in apps.of(self.assistant).shelf.all() if e.app]

    def page(self, document_id: str, number: int) -> wire.Json:
        return wire.page(self.assistant.page(document_id, number))

    def words(self, collection: str) -> wire.Json:
        own = self.assistant.words
        return {"words": wire.dump(own.get(check_collection(collection))), "waiting": own.waiting(collection)}

    def set_words(self, collection: str, words: Sequence[wire.Json]) -> wire.Json:
        given = [Word(entry["word"], tuple(entry["also"])) for entry in words]
        self.assistant.words.put(check_collection(collection), given)
        return self.words(collection)

    def follow(self, job: Job) -> Generator[tuple[str, wire.Json], None, None]:
        try:
            for e in self.assistant.jobs.follow(job.id):
                if e.data and "queued" not in e.data:  # its place in line, which the commands do not show
                    yield e.kind, e.data
        finally:
            self.assistant.jobs.cancel(job.id)
        _raise_unless_done(wire.job(self.assistant.store.job(job.id)))


class RemoteAssistant:
    """Another Gakju over its HTTP API. Errors arrive as the classes they left as."""

    def __init__(self, url: str, *, offline: bool = False, key: str = "") -> None:
        self._url = url.rstrip("/")
        self._http = http.client(offline=offline, timeout=TIMEOUT)
        self._http.follow_redirects = False
        if key:
            self._http.headers["authorization"] = f"Bearer {key}"

    def close(self) -> None:
        self._http.close()

    def add(
        self,
        paths: Iterable[str | Path],
        *,
        collection: str = DEFAULT,
        passwords: Sequence[str] = (),
        ocr: bool | None = None,
        reread: bool = False,
        every: str = "",
    ) -> Iterator[Progress | Added]:
        form: dict[str, Any] = {"collection": collection, "password": list(passwords), "reread": _flag(reread)}
        if ocr is not None:
            form["ocr"] = _flag(ocr)
        pages, files = parted(paths)
        for batch in _batches(Assistant.walk(files)):
            yield from self._add(batch, form)
        for i in range(0, len(pages), PAGES):
            asked = {"urls": pages[i : i + PAGES], "collection": collection, "every": every}
            yield from self._pages(self.call("POST", "/v1/pages", json=asked))

    def watched(self) -> list[wire.Json]:
        return self.call("GET", "/v1/pages")  # type: ignore[no-any-return]

    def refresh(self, watch_id: str) -> Iterator[Progress | Added]:
        yield from self._pages(self.call("POST", f"/v1/pages/{quote(watch_id)}/refresh"))

    def unwatch(self, watch_id: str) -> None:
        self.call("DELETE", f"/v1/pages/{quote(watch_id)}")

    def _pages(self, job: wire.Json) -> Iterator[Progress | Added]:
        with closing(self.follow(job)) as told:
            for kind, data in told:
                if kind == "file" or data:
                    yield wire.load(Added, data) if kind == "file" else wire.load(Progress, data)

    def _add(self, batch: Sequence[Path], form: Mapping[str, Any]) -> Iterator[Progress | Added]:
        try:
            job = self._upload(batch, form)
        except ReadError as e:
            if len(batch) == 1:
                yield Added(str(batch[0]), None, 0, 0, 0.0, "failed", error=str(e))
                return
            # One file of them is at fault; each on its own tells which.
            for path in batch:
                yield from self._add([path], form)
            return
        given = iter(batch)
        with closing(self.follow(job)) as told:
            for kind, data in told:
                if kind == "file":
                    yield wire.load(Added, {**data, "path": str(next(given))})
                elif data:
                    yield wire.load(Progress, data)

    def put(self, name: str, data: bytes, *, collection: str = DEFAULT) -> Added:
        sent = [("files", (_label(name), data, "application/octet-stream"))]
        job = self.call("POST", "/v1/documents", data={"collection": collection}, files=sent)
        return [wire.load(Added, data) for kind, data in self.follow(job) if kind == "file"][-1]

    def _upload(self, batch: Sequence[Path], form: Mapping[str, Any]) -> wire.Json:
        """Streamed from disk. Raises ReadError for a file that cannot be opened or that the server refuses."""
        with ExitStack() as stack:
            files = []
            for path in batch:
                try:
                    opened = stack.enter_context(path.open("rb"))
                except OSError as e:
                    raise ReadError(f"{path.name} cannot be opened: {e.strerror}.", hint="Check its rights.") from e
                files.append(("files", (_label(path.name), opened, "application/octet-stream")))
            data = {**form, "path": [_label(str(p)) for p in batch]}
            job: wire.Json = self.call("POST", "/v1/documents", data=data, files=files)
            return job

    def reindex(self) -> Iterator[Progress]:
        with closing(self.follow(self.call("POST", "/v1/reindex"))) as told:
            for kind, data in told:
                if kind == "progress" and data:
                    yield wire.load(Progress, data)

    def follow(self, job: wire.Json) -> Generator[tuple[str, wire.Json], None, None]:
        """A job's events and progress; it is cancelled where this is closed before its end."""
        end: wire.Json | None = None
        try:
            for kind, data in self._events("GET", f"/v1/jobs/{job['id']}/events"):
                if kind == "end":
                    end = data
                elif "queued" not in data:  # its place in line, which the commands do not show
                    yield kind, data
        except (GeneratorExit, KeyboardInterrupt):
            self.call("POST", f"/v1/jobs/{job['id']}/cancel")
            raise
        _raise_unless_done(end or self.call("GET", f"/v1/jobs/{job['id']}"))

    def search(self, query: str, k: int = 10, *, collection: str = DEFAULT) -> list[wire.Json]:
        body = {"query": query, "k": k, "collection": collection}
        found: list[wire.Json] = self.call("POST", "/v1/search", json=body)
        return found

    def ask(
        self,
        question: str,
        *,
        collection: str = DEFAULT,
        model: str = "",
        history: Sequence[Message] = (),
        sources: str = "",
        mode: str = "",
    ) -> Iterator[AskEvent]:
        body = {"question": question, "collection": collection, "model": model, "sources": sources, "mode": mode}
        for kind, data in self._events("POST", "/v1/ask", json=body | {"history": wire.dump(list(history))}):
            if kind == "error":
                raise wire.load_error(data["error"])
            if told := wire.load_event(kind, data):
                yield told

    def run_app(self, name: str, values: Mapping[str, Any]) -> Iterator[str]:
        asked = {"role": "user", "content": json.dumps(dict(values), ensure_ascii=False)}
        body = {"model": f"app:{name}", "messages": [asked], "stream": True}
        for _, data in self._events("POST", "/v1/chat/completions", json=body):
            if "error" in data:
                raise wire.load_error(data["error"])
            yield from (said for c in data["choices"] if (said := c["delta"].get("content")))

    def app_names(self) -> list[str]:
        models = self.call("GET", "/v1/models")["data"]
        return [m["id"].removeprefix("app:") for m in models if m["id"].startswith("app:")]

    def documents(self, collection: str | None = None) -> list[Document]:
        params = {"collection": collection} if collection else {}
        return [wire.load(Document, d) for d in self.call("GET", "/v1/documents", params=params)]

    def document(self, document_id: str) -> Document:
        return wire.load(Document, self.call("GET", f"/v1/documents/{quote(document_id, safe='')}"))

    def page(self, document_id: str, number: int) -> wire.Json:
        found: wire.Json = self.call("GET", f"/v1/documents/{quote(document_id, safe='')}/pages/{number}")
        return found

    def embed(self, texts: Sequence[str], *, model: str, query: bool = False) -> list[list[float]]:
        """A vector of length 1 for each text, as a passage or as a question."""
        found: list[list[float]] = []
        kind = "query" if query else "passage"
        for at in range(0, len(texts), EMBED_TEXTS):
            body = {"model": model, "input_type": kind, "input": list(texts[at : at + EMBED_TEXTS])}
            found += [row["embedding"] for row in self.call("POST", "/v1/embeddings", json=body)["data"]]
        return found

    def delete(self, document_id: str) -> None:
        self.call("DELETE", f"/v1/documents/{quote(document_id, safe='')}")

    def words(self, collection: str) -> wire.Json:
        found: wire.Json = self.call("GET", f"/v1/collections/{quote(collection, safe='')}/words")
        return found

    def set_words(self, collection: str, words: Sequence[wire.Json]) -> wire.Json:
        body = {"words": list(words)}
        found: wire.Json = self.call("PUT", f"/v1/collections/{quote(collection, safe='')}/words", json=body)
        return found

    def call(self, method: str, path: str, **request: Any) -> Any:
        with self._translated():
            response = self._http.request(method, self._url + path, **request)
            _check(response)
            try:
                return response.json() if response.content else None
            except ValueError:
                raise NetworkError(f"{self._url} is not a Gakju.", hint="Check the address.") from None

    def _events(self, method: str, path: str, **request: Any) -> Iterator[tuple[str, wire.Json]]:
        with self._translated(), self._http.stream(method, self._url + path, **request) as response:
            if not response.is_success:
                response.read()
            _check(response)
            yield from wire.events(response.iter_bytes())

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with http.translated():
                yield
        except NetworkError as e:
            if isinstance(e.__cause__, httpx.ConnectError | httpx.ConnectTimeout):
                raise NetworkError(f"No Gakju answers at {self._url}.", hint="Check the address.") from e
            raise


def _check(response: httpx.Response) -> None:
    """Raises the error the server told, or NetworkError where it speaks another language."""
    if response.is_success:
        return
    try:
        raise wire.load_error(response.json()["error"])
    except (ValueError, KeyError, TypeError, AttributeError):
        where = response.request.url
        if response.status_code == 413:
            raise LimitExceeded("The server takes no file of this size.", hint="Raise its GAKJU_READ_BYTES.") from None
        said = f"{where.host} answered {response.status_code}; it is not a Gakju."
        raise NetworkError(said, hint="Check the address.") from None


def parted(paths: Iterable[str | Path]) -> tuple[list[str], list[str | Path]]:
    """What is to be added, as addresses of pages and as files and folders."""
    given = list(paths)
    pages = [p for p in given if isinstance(p, str) and p.startswith(("http://", "https://"))]
    return pages, [p for p in given if p not in pages]


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    total = 0
    for path in paths:
        size = _size(path)
        if batch and (len(batch) == UPLOAD_FILES or total + size > UPLOAD_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(path)
        total += size
    if batch:
        yield batch


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _label(name: str) -> str:
    """A file's name as text, also where its bytes are not UTF-8 or control characters are among them."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join("\ufffd" if ord(c) < 32 or 127 <= ord(c) < 160 else c for c in text)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _raise_unless_done(job: wire.Json) -> None:
    if job["state"] == "failed":
        raise wire.load_error(job["error"])
    if job["state"] == "cancelled":
        raise Cancelled("Stopped.")
    if job["state"] != "done":
        raise NetworkError("The server is closing; it goes on with this when it is back.", hint="See `gakju docs`.")


__all__ = ["Backend", "GakjuError", "Library", "RemoteAssistant", "connect"]
