"""Where an integration gets its answers: an Assistant in this process, or another Gakju by URL and key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from gakju import wire
from gakju.assistant.cited import Citation, Cited
from gakju.errors import BrokenFile, ModelFailed, UsageError
from gakju.store import Job
from gakju.types import Added, Answer, AskEvent, Document, Message

if TYPE_CHECKING:
    from gakju.assistant import Assistant

DEFAULT = "default"


class Source(Protocol):
    """What an integration needs of Gakju; `client.Backend` is one too."""

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
    ) -> Iterator[AskEvent]: ...

    def documents(self, collection: str | None = None) -> list[Document]: ...

    def page(self, document_id: str, number: int) -> wire.Json:
        """A page as `wire.page` shows it."""
        ...

    def put(self, name: str, data: bytes, *, collection: str = DEFAULT) -> Added:
        """Add a document, and wait until it is read."""
        ...


class Embedding(Source, Protocol):
    """One that embeds, too."""

    def embed(self, texts: Sequence[str], *, model: str, query: bool = False) -> list[list[float]]:
        """A vector of length 1 for each text, as a passage or as a question; `model` is what a server calls it."""
        ...


class InProcess:
    """An Assistant, also as one key may use it."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self.documents = assistant.documents

    def ask(self, question: str, **options: Any) -> Iterator[AskEvent]:
        return self._assistant.ask(question, **options)

    def search(self, query: str, k: int = 10, *, collection: str = DEFAULT) -> list[wire.Json]:
        return [wire.hit(h) for h in self._assistant.search(query, k, collection=collection)]

    def page(self, document_id: str, number: int) -> wire.Json:
        return wire.page(self._assistant.page(document_id, number))

    def put(self, name: str, data: bytes, *, collection: str = DEFAULT) -> Added:
        kept = self._assistant.keep(BytesIO(data), name)
        job = self.done(self._assistant.submit_add([kept], collection=collection))
        if job.state != "done":
            raise BrokenFile(job.error.get("message", f"{name} was not added."), hint=job.error.get("hint", ""))
        return wire.load(Added, job.result["files"][0])

    def done(self, job: Job) -> Job:
        """As it is at its end."""
        return self._assistant.jobs.wait(job.id)

    def embed(self, texts: Sequence[str], *, model: str, query: bool = False) -> list[list[float]]:
        embedder = self._assistant.parts.embedder
        found: list[list[float]] = (embedder.embed_queries if query else embedder.embed_passages)(texts).tolist()
        return found


def check_one(assistant: object, url: str) -> None:
    """Raises UsageError unless exactly one is given."""
    if (assistant is None) == (not url):
        raise UsageError("Name one Gakju.", hint="Give assistant=Assistant.open(), or url= of a server.")


def source_of(assistant: Assistant | None, url: str, key: str) -> Embedding:
    """The one that was given. Raises UsageError for none and for both."""
    check_one(assistant, url)
    if assistant is not None:
        return InProcess(assistant)
    from gakju.client import RemoteAssistant

    return RemoteAssistant(url, key=key)


def finished(cited: Cited) -> Answer:
    """Raises ModelFailed where the answer broke off."""
    if cited.answer is None:
        raise ModelFailed("The answer ended before it was whole.", hint="Ask again.")
    return cited.answer


def footnote(citation: Citation) -> wire.Json:
    """A footnote as every integration shows it."""
    note = citation.footnote
    return {
        "number": citation.number,
        "document_id": note.document.id,
        "title": note.document.title,
        "page": note.page,
        "quote": note.quote,
        "boxes": wire.dump(note.boxes),
        "start": note.start,
        "end": note.end,
    }


def footnotes(cited: Cited) -> list[wire.Json]:
    """Each place once, in the order of its number."""
    return list({c.number: footnote(c) for c in cited.citations}.values())
