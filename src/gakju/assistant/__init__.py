"""The composition root: opens a data folder and knows the order of the stages. Fronts call only this."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from gakju import heap, wire
from gakju.assistant import ingest, talk, watch
from gakju.assistant.accounts import Accounts
from gakju.assistant.files import Files
from gakju.assistant.pages import page_image
from gakju.assistant.parts import Parts
from gakju.assistant.scope import WEB, Scope, search_in
from gakju.assistant.shelf import Shelf
from gakju.assistant.vector_stores import VectorStores
from gakju.assistant.web import Web, looked_at, newest_first
from gakju.assistant.words import OwnWords
from gakju.errors import Cancelled, GakjuError, LibraryBusy, NotFound, RateLimited, UsageError
from gakju.jobs import Context, Jobs, Ownership
from gakju.settings import Settings, load
from gakju.store import Event, Job, Manner, Store, Thread, now
from gakju.store.keys import digest
from gakju.types import Added, Answer, AskEvent, Box, Chunk, Document, Done, EvidenceFound, Hit, Message, Page

SUFFIXES = frozenset([".pdf", ".docx", ".pptx", ".xlsx", ".hwpx", ".html", ".htm", ".md", ".markdown", ".txt", ".text"])
"""What a folder is searched for. A file named on its own is always tried, by its content."""

DEFAULT = "default"


class Assistant:
    """Everything Gakju does, for any front. Thread-safe; models load at first use and are shared.

    One process at a time owns a data folder: it runs jobs and writes the library. `own=True` raises
    LibraryBusy where another process does, `own=None` then goes on as a reader, `own=False` never asks.
    """

    def __init__(self, settings: Settings | None = None, *, own: bool | None = True, **parts: object) -> None:
        self.settings = settings or load()
        self._ownership = Ownership(self.settings.home)
        if own:
            self._ownership.require()
        self.local = ""
        """Digest of the key in the owner's card, once it was announced."""
        self.owner = own is True or (own is None and self._ownership.acquire())
        if self.owner:
            heap.confine()
        try:
            self.store = Store(self.settings.store)
            self.accounts = Accounts(self.settings, self.store)
            self.parts = Parts(self.settings, **parts)
            self.parts.held = self.store.files.holds
            self.files = Files(self)
            self.vector_stores = VectorStores(self)
            self.shelf = Shelf(self)
            self.web = Web(self)
            self.watches = watch.Watches(self)
            self.words = OwnWords(self.store, self.documents)
            self.parts.lexicon = self.words.lexicon
            self.labs: dict[type, Any] = {}
            """What layers above have made of this assistant, one of a kind."""
            self.jobs = Jobs(
                self.store,
                {
                    "add": self._run_add,
                    "reindex": self._run_reindex,
                    "pages": self._run_pages,
                    "ask": self._run_ask,
                    "attach": self._run_ask,
                    "pull": self._run_pull,
                },
                # What waits for files stands in a lane of its own: no other answer waits behind it.
                [(("add", "reindex"), 1), (("pages",), 1), (("ask",), 2), (("attach",), 2), (("pull",), 1)],
            )
            if self.owner:
                self.parts.index.recover()
                self.store.talks.forget()
                self.store.questions.forget()
                self.shelf.forget()
                self.shelf.sweep()
                self.jobs.start()
                self.watches.start()
        except BaseException:
            self._ownership.release()
            raise

    @classmethod
    def open(cls, home: str | Path | None = None, *, own: bool | None = True, **settings: Any) -> Self:
        """Open a data folder with settings by name, as `Settings` has them."""
        return cls(load(home=home, **settings), own=own)

    def close(self) -> None:
        """Hand running jobs back, stop worker processes, give up the library."""
        if self.owner:
            self.watches.close()
            self.jobs.close()
        self.parts.close()
        self.store.close()
        self._ownership.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def announce(self, url: str) -> None:
        """Tell other processes on this data folder to come to `url`, with a key that only who reads the folder has."""
        key = secrets.token_urlsafe(32)
        self.local = digest(key)
        self._ownership.announce(url, key)

    def warm(self) -> None:
        """Load what a first answer needs, on this machine. Errors wait for that answer, where someone reads them."""
        from gakju.answer import PREFIX

        with suppress(GakjuError):
            self.parts.morphemes.words("각주")
            self.parts.embedder.embed_queries(["각주"])
            if warm := getattr(self.parts.chat(), "warm", None):
                warm(PREFIX)

    def ready(self) -> dict[str, str]:
        """`ok`, or what is in the way, for each part that an answer needs."""
        from gakju.assistant.readiness import ready

        return ready(self)

    # The library

    @staticmethod
    def walk(paths: Iterable[str | Path]) -> list[Path]:
        """Files and, inside folders, files Gakju reads, in order; links inside folders are not followed.

        Raises UsageError for a path that does not exist.
        """
        found: list[Path] = []
        for path in map(Path, paths):
            if path.is_dir():
                found += sorted(
                    p
                    for p in path.rglob("*")
                    if p.suffix.lower() in SUFFIXES and p.is_file() and not p.is_symlink() and p.name[0] != "."
                )
            elif path.is_file():
                found.append(path)
            elif path.exists():  # A pipe or a device may have no end.
                raise UsageError(f"{str(path)!r} is neither a file nor a folder.", hint="Add a file.")
            else:
                raise UsageError(f"There is no file or folder {str(path)!r}.", hint="Check the spelling.")
        return [p.absolute() for p in found]

    def keep(self, source: BinaryIO, name: str) -> Mapping[str, str]:
        """Keep an uploaded file for a later `submit_add`. Raises LimitExceeded, StorageFull."""
        name = Path(name.replace("\\", "/")).name or "document"
        return {"path": name, "digest": self.parts.blobs.put(source, name)}

    def submit_add(
        self,
        files: Sequence[str | Path | Mapping[str, str]],
        *,
        collection: str = DEFAULT,
        passwords: Sequence[str] = (),
        ocr: bool | None = None,
        reread: bool = False,
        owner: str = "",
    ) -> Job:
        """Queue files (paths, or what `keep` gave) to be added; the job's events are one "file" each.

        `owner`, here and below, is the key that asks for it.
        """
        self._must_own()
        given = [dict(f) if isinstance(f, Mapping) else {"path": str(f)} for f in files]
        wanted = self.settings.ocr if ocr is None else ocr
        return self.jobs.submit(
            "add",
            {
                "collection": check_collection(collection),
                "files": given,
                "passwords": list(passwords),
                "ocr": wanted,
                "reread": reread,
            },
            owner,
        )

    def submit_pages(self, urls: Sequence[str], *, collection: str = DEFAULT, every: str = "", owner: str = "") -> Job:
        """Queue pages and sitemaps of the web to be visited and added; events as `submit_add`.

        `every` ("day", "week", "month") reads them again from time to time: see `watches`. Raises UsageError where the
        web is switched off.
        """
        return self.watches.submit(urls, collection=collection, every=every, owner=owner)

    def add(self, paths: Iterable[str | Path], **options: Any) -> list[Added]:
        """Add files and folders and wait; options as `submit_add`. One `Added` a file, in order."""
        job = self.jobs.wait(self.submit_add(self.walk(paths), **options).id)
        if job.state != "done":
            raise Cancelled(job.error.get("message", "Stopped."))
        return [wire.load(Added, f) for f in job.result["files"]]

    def submit(self, kind: str, payload: Mapping[str, Any], *, collection: str = DEFAULT, owner: str = "") -> Job:
        """Queue a job of a layer above (see `Jobs.serve`) that works on a collection."""
        self._must_own()
        return self.jobs.submit(kind, {**payload, "collection": check_collection(collection)}, owner)

    def reading(self, collections: Sequence[str]) -> bool:
        """Whether documents for one of these are on their way in."""
        under_way = self.store.jobs(kinds=["add", "pages"], states=["queued", "running"])
        return any(job.payload.get("collection") in collections for job in under_way)

    def submit_reindex(self, owner: str = "") -> Job:
        """Queue a rebuild of the library with today's reader, chunker, analyzer and embedder."""
        self._must_own()
        return self.jobs.submit("reindex", {}, owner)

    def documents(self, collection: str | None = None) -> list[Document]:
        return [d for d in self.parts.index.documents(collection) if collection or d.collection != WEB]

    def holds(self, digest: str) -> bool:
        """Whether a document, or a page read of the web, has these bytes; removed ones count."""
        return self.parts.index.holds(digest)

    def document(self, document_id: str) -> Document:
        """Raises NotFound."""
        return self.parts.index.document(document_id)

    def collections(self) -> dict[str, int]:
        """Name to number of documents."""
        return {name: count for name, count in self.parts.index.collections().items() if name != WEB}

    def delete(self, document_id: str) -> None:
        """For good, with its original where nothing else needs that; see `Shelf.discard`. Raises NotFound."""
        self._must_own()
        document = self.document(document_id)
        self.parts.index.delete(document_id)
        self.shelf.drop(document.digest)

    def page(self, document_id: str, number: int) -> Page:
        return self.parts.index.page(document_id, number)

    def chunks(self, document_id: str) -> list[Chunk]:
        return self.parts.index.chunks(document_id)

    def original(self, document_id: str) -> Path:
        """Where the bytes are. Raises NotFound."""
        return self.parts.blobs.path(self.parts.index.document(document_id).digest)

    def page_image(
        self, document_id: str, number: int, *, width: int = 1000, highlight: Sequence[Box] = ()
    ) -> bytes | None:
        """PNG of a page, `width` pixels wide, boxes marked; None for formats without pages to draw."""
        return page_image(self.parts, document_id, number, width, tuple(highlight))

    # Finding and answering

    def search(
        self, query: str, k: int = 10, *, collection: str = DEFAULT, retrievers: Sequence[str] = ("bm25", "dense")
    ) -> list[Hit]:
        """Chunks, best first."""
        return self.parts.retriever.search(query, k, check_collection(collection), retrievers)

    def search_in(self, query: str, scope: Scope) -> list[Hit]:
        """Chunks, best first, of several collections or of some documents only."""
        return search_in(self.parts.retriever, self.documents, query, scope)

    def ask(
        self,
        question: str,
        *,
        collection: str = DEFAULT,
        model: str = "",
        history: Sequence[Message] = (),
        scope: Scope | None = None,
        sources: str = "",
        mode: str = "",
        manner: Manner | None = None,
    ) -> Iterator[AskEvent]:
        """Evidence first, then tokens and claims, then the whole answer. Closing it stops the model.

        `scope` takes the place of `collection`. `sources` are `store.Sources`, "none" is the model alone, "" what the
        setting `web` says. Where the web is looked at, steps of that come before all. `mode` is what the setting is
        where it is "". `manner` has how a model that writes speaks, not what it may say.
        """
        from gakju.answer import FOUND, checked_mode, compose, standalone

        started = time.perf_counter()
        if not (question := question.strip()):
            raise UsageError("The question is empty.", hint="Ask something.")
        voice = talk.voice(manner, sources)
        if sources == "none":
            yield from talk.alone(self.parts.chat(model), question, history, *voice, started=started)
            return
        query = standalone(question, history)
        retriever = self.parts.retriever
        scope, seen = yield from self.web.look(query, scope or Scope((check_collection(collection),)), sources)
        found = retriever.evidence(query, self.search_in(query, scope), self.settings.evidence)
        told = compose(
            question,
            newest_first(query, found) if seen else found,
            lambda: self.parts.chat(model),
            self.parts.verifier,
            history=history,
            refuse_below=self.settings.refuse_below,
            started=started,
            asked=query,
            mode=checked_mode(mode or self.settings.mode),
            unsupported=self.settings.unsupported,
            tagger=self.parts.morphemes.tagged,
            whole=self.parts.morphemes.unbroken,
            find=lambda said: retriever.evidence(said, self.search_in(said, scope), FOUND).sentences,
            looked=looked_at(scope, seen),
            reading=lambda: self.reading(scope.collections),
            voice=voice,
        )
        yield from self.web.told(told, seen)

    def answer(self, question: str, **options: Any) -> Answer:
        """`ask` without the stream."""
        for told in self.ask(question, **options):
            if isinstance(told, Done):
                return told.answer
        raise AssertionError("an answer always ends with Done")

    def submit_ask(
        self,
        question: str,
        *,
        collection: str = DEFAULT,
        model: str = "",
        thread: str = "",
        after: int | None = None,
        manner: Manner | None = None,
        waits: str = "",
        history: Sequence[Message] = (),
        scope: Scope | None = None,
        sources: str = "",
        mode: str = "",
        owner: str = "",
    ) -> Job:
        """Queue an answer; its events are those of `wire.event`. With `thread` it is a turn of that conversation.

        There it follows the turn `after` (see `Talks.say`), is held in a `manner` and begins once the job `waits`
        has added files. `history` is for a caller that keeps the conversation itself; `sources` come before the
        manner's, `mode` is as in `ask` and `owner` is the key that asks. Raises QuotaSpent, RateLimited, UsageError.
        """
        self._must_own()
        sources = sources or (manner.sources if manner else "")
        self.web.chosen(sources)
        self.accounts.check()
        if (waiting := self.store.waiting("ask")) > self.settings.queue:
            raise RateLimited(f"{waiting} questions wait already.", hint="Ask again in a while.", retry_after=5)
        if manner:
            model = model or manner.model
            scope = scope or (Scope((check_collection(collection),), manner.files) if manner.files else None)
        payload: dict[str, Any] = {
            "question": question,
            "collection": check_collection(collection),
            "model": model,
            "thread": thread,
            "history": wire.dump(list(history)),
            "scope": wire.dump(scope),
        }
        payload |= talk.payload(manner, waits) | {"sources": sources, "mode": mode}
        if not thread:
            return self.jobs.submit("ask", payload, owner)
        job = self.store.talks.say(thread, question, "attach" if waits else "ask", payload, after=after, owner=owner)
        self.jobs.queued(job.kind)
        return job

    def start_thread(self, question: str, collection: str = DEFAULT, manner: Manner | None = None) -> Thread:
        return self.store.talks.add(" ".join(question.split())[:60], collection, manner)

    def follow(self, job: Job, after: int = 0) -> Iterator[Event]:
        return self.jobs.follow(job.id, after)

    # Handlers of jobs

    def _run_add(self, context: Context) -> dict[str, Any]:
        try:
            return ingest.add(self.parts, context)
        finally:
            if not context.cancelled and context.payload["passwords"]:
                # A password is kept no longer than the job that needs it, beside its own document.
                self.store.set_job(context.job.id, payload={**context.payload, "passwords": []})

    def _run_reindex(self, context: Context) -> dict[str, Any]:
        started = now()
        done = ingest.reindex(self.parts, context)
        self.store.words.applied(started)
        return done

    def _run_pages(self, context: Context) -> dict[str, Any]:
        return watch.run(self, context)

    def _run_ask(self, context: Context) -> dict[str, Any]:
        return talk.run(self, context)

    def _run_pull(self, context: Context) -> dict[str, Any]:
        from gakju.assistant import machine

        return machine.pull(self, context)

    def _must_own(self) -> None:
        if not self.owner:
            raise LibraryBusy(
                "Another Gakju process is working on this library.", hint="Wait for it to end and try again."
            )


def check_collection(name: str) -> str:
    """A collection's name: 1 to 64 letters, digits, spaces, dots, dashes or underscores. Raises UsageError."""
    if not name or len(name) > 64 or not all(c.isalnum() or c in " .-_" for c in name):
        raise UsageError(
            f"{name!r} cannot be the name of a collection.", hint="Use up to 64 letters, digits, spaces, . - or _."
        )
    return name


__all__ = ["DEFAULT", "Assistant", "EvidenceFound", "NotFound", "Scope", "check_collection"]
