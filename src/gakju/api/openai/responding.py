"""A response as it is made: the typed events of OpenAI's clients, in their order."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from starlette.requests import Request

from gakju import wire
from gakju.api.events import HEARTBEAT, steps
from gakju.assistant import Assistant, Scope
from gakju.assistant.cited import Citation, Cited
from gakju.assistant.files import of_document
from gakju.assistant.generate import Generator as Generation
from gakju.assistant.talk import HISTORY
from gakju.errors import Cancelled, GakjuError, ModelFailed
from gakju.store import Job, Json
from gakju.store.files import StoredFile, VectorStore
from gakju.types import Done, Message, Usage

Event = Json
"""One event with its `type`; {} is a sign of life."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question to the library. `model` writes; `searches` shows the call of the file_search tool, `results` all."""

    question: str
    history: Sequence[Message]
    model: str
    scope: Scope
    stores: Sequence[VectorStore] = ()
    searches: bool = False
    results: bool = False


class Responding:
    """One response on its way. `response` is the object as it is so far."""

    def __init__(self, assistant: Assistant, work: Lookup | Generation, response: Json) -> None:
        self.response = response
        self._assistant = assistant
        self._work = work
        self._count = 0

    async def run(self, request: Request) -> AsyncGenerator[Event, None]:
        """Events in order; the last is completed, incomplete or failed. Closing it stops the model."""
        yield self.event("response.created", response=dict(self.response))
        yield self.event("response.in_progress", response=dict(self.response))
        work = self._work
        try:
            made = self._grounded(request, work) if isinstance(work, Lookup) else self._written(work)
            async with aclosing(made):
                async for event in made:
                    yield event
        except GakjuError as e:
            code = {"rate_limit_exceeded": "rate_limit_exceeded", "context_length_exceeded": "invalid_prompt"}
            said = {"code": code.get(e.code, "server_error"), "message": str(e)}
            self.response.update(status="failed", error=said, gakju={"error": wire.error(e)})
            yield self.event("response.failed", response=dict(self.response))
            return
        self.response["completed_at"] = int(time.time())
        ended = "incomplete" if self.response["incomplete_details"] else "completed"
        self.response["status"] = ended
        yield self.event(f"response.{ended}", response=dict(self.response))

    # Without the library

    async def _written(self, generation: Generation) -> AsyncGenerator[Event, None]:
        text, calls, usage = "", _Calls(self), Usage()
        item: _Message | None = None
        async with aclosing(generation.stream()) as chunks:
            async for chunk in chunks:
                if not isinstance(chunk, dict):
                    yield {}
                    continue
                if told := chunk.get("usage"):
                    usage = Usage(int(told.get("prompt_tokens") or 0), int(told.get("completion_tokens") or 0))
                for choice in chunk.get("choices") or ():
                    delta = choice.get("delta") or {}
                    if piece := delta.get("content"):
                        if item is None:
                            item = _Message(self)
                            for event in item.begin():
                                yield event
                        text += piece
                        yield item.delta(piece)
                    calls.take(delta.get("tool_calls") or ())
                    if choice.get("finish_reason") == "length":
                        self.response["incomplete_details"] = {"reason": "max_output_tokens"}
        for event in (*(item.end(text, []) if item else ()), *calls.end()):
            yield event
        self.response["usage"] = _usage(usage)

    # From the library

    async def _grounded(self, request: Request, work: Lookup) -> AsyncGenerator[Event, None]:
        if work.searches:
            async for event in self._search_call(work):
                yield event
        item, cited = _Message(self), Cited()
        for event in item.begin():
            yield event
        async with aclosing(steps(request, self._told(work))) as told:
            async for kind, data in told:
                step, notes = wire.load_event(kind, data), len(cited.citations)
                if step is None:
                    yield {}
                elif text := cited.take(step):
                    yield item.delta(text)
                for citation in cited.citations[notes:]:
                    yield item.annotation(await to_thread.run_sync(self._annotation, work, citation))
                if isinstance(step, Done):
                    self.response["usage"] = _usage(step.answer.usage)
                    self.response["gakju"] = {k: v for k, v in data.items() if k not in {"question", "answer", "usage"}}
        if cited.answer is None:
            raise ModelFailed("Gakju is closing.", hint="Ask again when it is back.")
        for event in item.end(cited.text, item.annotations):
            yield event

    def _told(self, work: Lookup) -> Generator[tuple[str, Json], None, None]:
        """What the job that answers tells. Closing it cancels the job."""
        job = self._assistant.submit_ask(
            work.question,
            collection=work.scope.collections[0],
            model=work.model,
            history=work.history[-2 * HISTORY :],
            scope=work.scope,
        )
        try:
            for e in self._assistant.jobs.follow(job.id, heartbeat=HEARTBEAT):
                yield e.kind, e.data
            _raise_unless_done(self._assistant.store.job(job.id))
        finally:
            self._assistant.jobs.cancel(job.id)

    async def _search_call(self, work: Lookup) -> AsyncIterator[Event]:
        item: Json = {
            "type": "file_search_call",
            "id": f"fs_{secrets.token_hex(12)}",
            "status": "in_progress",
            "queries": [work.question],
            "results": None,
        }
        at = len(self.response["output"])
        yield self.event("response.output_item.added", output_index=at, item=dict(item))
        for state in ("in_progress", "searching"):
            yield self.event(f"response.file_search_call.{state}", output_index=at, item_id=item["id"])
        if work.results:
            item["results"] = await to_thread.run_sync(self._results, work)
        item["status"] = "completed"
        yield self.event("response.file_search_call.completed", output_index=at, item_id=item["id"])
        yield self.done(at, item)

    def _results(self, work: Lookup) -> list[Json]:
        sources = self._assistant.vector_stores.sources(work.stores)
        return [
            {
                "file_id": source.file.id,
                "filename": source.file.filename,
                "score": round(hit.score, 6),
                "text": hit.chunk.text,
                "attributes": source.attributes,
            }
            for hit in self._assistant.search_in(work.question, work.scope)
            if (source := sources.get(hit.document.id))
        ]

    def _annotation(self, work: Lookup, citation: Citation) -> Json:
        file = self._file(work, citation.footnote.document.id)
        return {
            "type": "file_citation",
            "index": citation.at,
            "file_id": file.id,
            "filename": file.filename,
            "gakju": {"number": citation.number, **wire.dump(citation.footnote)},
        }

    def _file(self, work: Lookup, document_id: str) -> StoredFile:
        if source := self._assistant.vector_stores.sources(work.stores).get(document_id):
            return source.file
        return of_document(self._assistant.document(document_id))

    # For the items

    def event(self, kind: str, **fields: Any) -> Event:
        self._count += 1
        return {"type": kind, "sequence_number": self._count - 1, **fields}

    def place(self) -> int:
        """Where the next item goes."""
        return len(self.response["output"])

    def done(self, at: int, item: Json) -> Event:
        self.response["output"] = [*self.response["output"], item]
        return self.event("response.output_item.done", output_index=at, item=dict(item))


class _Calls:
    """Calls of functions, which a model makes in pieces and after what it says."""

    def __init__(self, response: Responding) -> None:
        self._of = response
        self._items: list[Json] = []

    def take(self, pieces: Sequence[Mapping[str, Any]]) -> None:
        for piece in pieces:
            function, at = piece.get("function") or {}, int(piece.get("index") or 0)
            while len(self._items) <= at:
                self._items.append(self._new(piece, function))
            if more := function.get("arguments"):
                self._items[at]["arguments"] += more

    def _new(self, piece: Mapping[str, Any], function: Mapping[str, Any]) -> Json:
        return {
            "type": "function_call",
            "id": f"fc_{secrets.token_hex(12)}",
            "call_id": str(piece.get("id") or f"call_{secrets.token_hex(12)}"),
            "name": str(function.get("name") or ""),
            "arguments": "",
            "status": "completed",
        }

    def end(self) -> Iterator[Event]:
        for item in self._items:
            at, told = self._of.place(), {"output_index": self._of.place(), "item_id": item["id"]}
            blank = {**item, "arguments": "", "status": "in_progress"}
            yield self._of.event("response.output_item.added", output_index=at, item=blank)
            yield self._of.event("response.function_call_arguments.delta", delta=item["arguments"], **told)
            done = {"arguments": item["arguments"], "name": item["name"]}
            yield self._of.event("response.function_call_arguments.done", **done, **told)
            yield self._of.done(at, item)


class _Message:
    """The item that holds the text."""

    def __init__(self, response: Responding) -> None:
        self._of = response
        self._at = response.place()
        self.annotations: list[Json] = []
        self._item: Json = {
            "type": "message",
            "id": f"msg_{secrets.token_hex(12)}",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }

    def begin(self) -> Iterator[Event]:
        self._at = self._of.place()
        yield self._of.event("response.output_item.added", output_index=self._at, item=dict(self._item))
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
        yield self._of.done(self._at, item)

    def _part(self, kind: str, **fields: Any) -> Event:
        return self._of.event(kind, item_id=self._item["id"], output_index=self._at, content_index=0, **fields)


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


__all__ = ["Event", "Lookup", "Responding"]
