"""/v1/search and /v1/ask."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gakju import wire
from gakju.api import errors
from gakju.api.events import HEARTBEAT, PING, EventStream, frame, steps
from gakju.api.opened import Opened, Who
from gakju.assistant import DEFAULT, Assistant
from gakju.assistant.generate import resolve
from gakju.errors import Cancelled, ModelFailed
from gakju.store import Job
from gakju.types import Message

router = APIRouter(tags=["answers"])


ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events, or with `stream` false one JSON object.",
        "content": {"text/event-stream": {}, "application/json": {"schema": {"type": "object"}}},
    }
}


class Search(BaseModel):
    query: Annotated[str, Field(min_length=1, max_length=10_000, examples=["연차휴가는 며칠인가?"])]
    k: Annotated[int, Field(ge=1, le=1000)] = 10
    collection: str = DEFAULT


class Turn(BaseModel):
    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=1_000_000)]


class Ask(BaseModel):
    question: Annotated[str, Field(min_length=1, max_length=10_000, examples=["연차휴가는 며칠인가?"])]
    collection: str = DEFAULT
    model: Annotated[str, Field(max_length=500, description="`provider:model`; the default one where empty.")] = ""
    history: Annotated[list[Turn], Field(max_length=20, description="Turns before this one.")] = []
    sources: Annotated[
        Literal["", "documents", "web", "both", "auto", "none"],
        Field(description="What the answer stands on; empty is what the setting `web` says."),
    ] = ""
    mode: Annotated[
        Literal["", "auto", "verbatim", "free"],
        Field(description="Words of the documents only, or the model's own; empty is what the setting `mode` says."),
    ] = ""
    stream: Annotated[bool, Field(description="Events as they come, or one JSON object at the end.")] = True


@router.post("/search")
async def search(request: Request, assistant: Opened, body: Search) -> list[dict[str, Any]]:
    """Chunks that match, best first."""

    def find() -> list[dict[str, Any]]:
        return [wire.hit(h) for h in assistant.search(body.query, body.k, collection=body.collection)]

    return await to_thread.run_sync(find, limiter=request.app.state.searches)


@router.post("/ask", response_model=None, responses=ANSWERS)
async def ask(request: Request, assistant: Opened, who: Who, body: Ask) -> Response:
    """An answer with footnotes. Events: `queued` with a position while others
    are before it, `web` while the web is looked at, `evidence`, then `token` and `claim` mixed, then `done`;
    or `error`.

    Who goes away stops the answer.
    """
    if "://" in body.model:
        resolve(assistant, body.model, any_server=who.has("admin"))
    told = steps(request, answering(assistant, body))
    started = await anext(told, None)  # What is wrong with the request is raised here, with a status of its own.
    if body.stream and started:
        return EventStream(told, _frame)
    answer: Mapping[str, Any] = {}
    async with aclosing(told):
        async for kind, data in told:
            if kind == "error":
                return errors.respond(wire.load_error(data))
            if kind == "done":
                answer = data
    return JSONResponse(answer) if answer else errors.respond(Cancelled("Stopped."))


Told = tuple[str, Mapping[str, Any]]


def answering(assistant: Assistant, body: Ask) -> Generator[Told, None, None]:
    """What the job tells, then its error if it has one. Closing this cancels the job."""
    history = [Message(t.role, t.content) for t in body.history]
    job = assistant.submit_ask(
        body.question,
        collection=body.collection,
        model=body.model,
        history=history,
        sources=body.sources,
        mode=body.mode,
    )
    try:
        yield "progress", {}
        for e in assistant.jobs.follow(job.id, heartbeat=HEARTBEAT):
            yield e.kind, e.data
        if error := _failure(assistant.store.job(job.id)):
            yield "error", error
    finally:
        assistant.jobs.cancel(job.id)


def _failure(job: Job) -> dict[str, Any]:
    match job.state:
        case "done":
            return {}
        case "failed":
            return job.error
        case "cancelled":
            return wire.error(Cancelled("Stopped."))
    return wire.error(ModelFailed("Gakju is closing.", hint="Ask again when it is back."))


def _frame(told: Told) -> bytes:
    kind, data = told
    if kind == "progress":
        return frame("queued", {"position": data["queued"]}) if data.get("queued") else PING
    if kind == "error":
        return frame("error", errors.body(data, errors.STATUS[type(wire.load_error(data))]))
    return frame(kind, data)
