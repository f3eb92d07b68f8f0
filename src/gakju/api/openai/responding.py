"""A response as it is made: the typed events of OpenAI's clients, in their order."""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from gakju import wire
from gakju.api.events import HEARTBEAT
from gakju.assistant import HISTORY, Assistant, Scope
from gakju.assistant.cited import Citation, Cited
from gakju.assistant.files import of_document
from gakju.errors import Cancelled, GakjuError, ModelFailed
from gakju.store import Job, Json
from gakju.store.files import StoredFile, VectorStore
from gakju.types import Done, Message, Usage

Event = Json
"""One event with its `type`; {} is a sign of life."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be answered, and how. `scope` is None for a model without the library."""

    messages: Sequence[Message]
    model: str
    instructions: str = ""
    scope: Scope | None = None
    stores: Sequence[VectorStore] = ()
    searches: bool = False
    """Whether a call of the file_search tool is shown."""
    results: bool = False
    temperature: float = 0.0
    max_tokens: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class Responding:
    """One response on its way. `response` is the object as it is so far."""

    def __init__(self, assistant: Assistant, task: Task, response: Json) -> None:
        self.response = response
        self._assistant = assistant
        self._task = task
        self._count = 0

    def run(self) -> Generator[Event, None, None]:
        """Events in order; the last is completed, incomplete or failed. Closing it stops the model."""
        yield self._event("response.created", response=dict(self.response))
        yield self._event("response.in_progress", response=dict(self.response))
        try:
            if self._task.scope is None:
                yield from self._written()
            else:
                yield from self._grounded(self._task.scope)
        except GakjuError as e:
            code = {"rate_limit_exceeded": "rate_limit_exceeded", "context_length_exceeded": "invalid_prompt"}
            said = {"code": code.get(e.code, "server_error"), "message": str(e), "gakju": wire.error(e)}
            self.response.update(status="failed", error=said)
            yield self._event("response.failed", response=dict(self.response))
            return
        self.response["completed_at"] = int(time.time())
        ended = "incomplete" if self.response["incomplete_details"] else "completed"
        self.response["status"] = ended
        yield self._event(f"response.{ended}", response=dict(self.response))

    def _event(self, kind: str, **fields: Any) -> Event:
        self._count += 1
        return {"type": kind, "sequence_number": self._count - 1, **fields}

    # Without the library

    def _written(self) -> Iterator[Event]:
        task = self._task
        system = [Message("system", task.instructions)] if task.instructions else []
        stream = self._assistant.parts.chat(task.model).stream(
            [*system, *task.messages], temperature=task.temperature, max_tokens=task.max_tokens, extra=task.extra
        )
        text, usage = "", Usage()
        item = _Message(self)
        try:
            yield from item.begin()
            for delta in stream:
                usage = delta.usage or usage
                if delta.text:
                    text += delta.text
                    yield item.delta(delta.text)
        finally:
            if stop := getattr(stream, "close", None):
                stop()
        if task.max_tokens is not None and usage.completion_tokens >= task.max_tokens:
            self.response["incomplete_details"] = {"reason": "max_output_tokens"}
        yield from item.end(text, [])
        self.response["usage"] = _usage(usage)

    # From the library

    def _grounded(self, scope: Scope) -> Iterator[Event]:
        question = self._task.messages[-1].content
        if self._task.searches:
            yield from self._search_call(question, scope)
        item, cited = _Message(self), Cited()
        yield from item.begin()
        with closing(self._told(question, scope)) as told:
            for kind, data in told:
                step, notes = wire.load_event(kind, data), len(cited.citations)
                if step is None:
                    yield {}
                elif text := cited.take(step):
                    yield item.delta(text)
                for citation in cited.citations[notes:]:
                    yield item.annotation(self._annotation(citation))
                if isinstance(step, Done):
                    self.response["usage"] = _usage(step.answer.usage)
                    self.response["gakju"] = {k: v for k, v in data.items() if k not in {"question", "answer", "usage"}}
        yield from item.end(cited.text, item.annotations)

    def _told(self, question: str, scope: Scope) -> Generator[tuple[str, Json], None, None]:
        """What the job that answers tells. Closing it cancels the job."""
        job = self._assistant.submit_ask(
            question,
            collection=scope.collections[0],
            model=self._task.model,
            history=self._task.messages[:-1][-2 * HISTORY :],
            scope=scope,
        )
        try:
            for e in self._assistant.jobs.follow(job.id, heartbeat=HEARTBEAT):
                yield e.kind, e.data
            _raise_unless_done(self._assistant.store.job(job.id))
        finally:
            self._assistant.jobs.cancel(job.id)

    def _search_call(self, question: str, scope: Scope) -> Iterator[Event]:
        item: Json = {
            "type": "file_search_call",
            "id": f"fs_{secrets.token_hex(12)}",
            "status": "in_progress",
            "queries": [question],
            "results": None,
        }
        at = len(self.response["output"])
        yield self._event("response.output_item.added", output_index=at, item=dict(item))
        for state in ("in_progress", "searching"):
            yield self._event(f"response.file_search_call.{state}", output_index=at, item_id=item["id"])
        if self._task.results:
            sources = self._assistant.vector_stores.sources(self._task.stores)
            item["results"] = [
                {
                    "file_id": source.file.id,
                    "filename": source.file.filename,
                    "score": round(hit.score, 6),
                    "text": hit.chunk.text,
                    "attributes": source.attributes,
                }
                for hit in self._assistant.search_in(question, scope)
                if (source := sources.get(hit.document.id))
            ]
        item["status"] = "completed"
        yield self._event("response.file_search_call.completed", output_index=at, item_id=item["id"])
        yield self._event("response.output_item.done", output_index=at, item=dict(item))
        self.response["output"] = [*self.response["output"], item]

    def _annotation(self, citation: Citation) -> Json:
        file = self._file(citation.footnote.document.id)
        note = citation.footnote
        return {
            "type": "file_citation",
            "index": citation.at,
            "file_id": file.id,
            "filename": file.filename,
            "gakju": {"number": citation.number, **wire.dump(note)},
        }

    def _file(self, document_id: str) -> StoredFile:
        if source := self._assistant.vector_stores.sources(self._task.stores).get(document_id):
            return source.file
        return of_document(self._assistant.document(document_id))


class _Message:
    """The item that holds the text."""

    def __init__(self, response: Responding) -> None:
        self._of = response
        self._at = len(response.response["output"])
        self.annotations: list[Json] = []
        self._item: Json = {
            "type": "message",
            "id": f"msg_{secrets.token_hex(12)}",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }

    def begin(self) -> Iterator[Event]:
        self._at = len(self._of.response["output"])
        yield self._of._event("response.output_item.added", output_index=self._at, item=dict(self._item))
        yield self._part("response.content_part.added", part=_text("", []))

    def delta(self, text: str) -> Event:
        return self._part("response.output_text.delta", delta=text, logprobs=[])

    def annotation(self, annotation: Json) -> Event:
        self.annotations.append(annotation)
        return self._part(
            "response.output_text.annotation.added",
            annotation=annotation,
            annotation_index=len(self.annotations) - 1,
        )

    def end(self, text: str, annotations: list[Json]) -> Iterator[Event]:
        part = _text(text, annotations)
        yield self._part("response.output_text.done", text=text, logprobs=[])
        yield self._part("response.content_part.done", part=part)
        incomplete = bool(self._of.response["incomplete_details"])
        item = {**self._item, "status": "incomplete" if incomplete else "completed", "content": [part]}
        yield self._of._event("response.output_item.done", output_index=self._at, item=item)
        self._of.response["output"] = [*self._of.response["output"], item]

    def _part(self, kind: str, **fields: Any) -> Event:
        return self._of._event(kind, item_id=self._item["id"], output_index=self._at, content_index=0, **fields)


def _text(text: str, annotations: list[Json]) -> Json:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sum(usage),
    }


def _raise_unless_done(job: Job) -> None:
    match job.state:
        case "done":
            return
        case "failed":
            raise wire.load_error(job.error)
        case "cancelled":
            raise Cancelled("Stopped.")
    raise ModelFailed("Gakju is closing.", hint="Ask again when it is back.")


__all__ = ["Event", "Responding", "Task"]
