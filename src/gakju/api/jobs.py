"""/v1/jobs: everything that takes longer than a request."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response

from gakju import wire
from gakju.api.events import HEARTBEAT, EventStream, frame, steps
from gakju.api.opened import Opened
from gakju.assistant import Assistant
from gakju.store import Event

router = APIRouter(tags=["jobs"])

LAST = (1 << 63) - 1
"""The largest number that a database has."""


@router.post("/reindex", status_code=202)
def reindex(assistant: Opened, response: Response) -> dict[str, Any]:
    """Queue a rebuild of the library with today's reader, chunker, analyzer and embedder."""
    job = assistant.submit_reindex()
    response.headers["location"] = f"/v1/jobs/{job.id}"
    return wire.job(job)


@router.get("/jobs")
def jobs(assistant: Opened, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[dict[str, Any]]:
    """Jobs, newest first, without their results."""
    return [{**wire.job(j), "result": {}} for j in assistant.store.jobs(limit=limit)]


@router.get("/jobs/{job_id}")
def job(assistant: Opened, job_id: str) -> dict[str, Any]:
    """A job with its progress, result or error."""
    return wire.job(assistant.store.job(job_id))


@router.post("/jobs/{job_id}/cancel")
def cancel(assistant: Opened, job_id: str) -> dict[str, Any]:
    """A queued job ends at once, a running one at its next step; a finished one stays as it is."""
    return wire.job(assistant.jobs.cancel(job_id))


@router.get("/jobs/{job_id}/events", response_model=None, responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    request: Request,
    assistant: Opened,
    job_id: str,
    after: Annotated[int, Query(ge=0, le=LAST, description="Number of the last event that is known.")] = 0,
    last_event_id: Annotated[int, Header(ge=0, le=LAST)] = 0,
) -> Response:
    """A job's events as they come, `progress` between them, and `end` with the whole job. Looking stops nothing."""
    await to_thread.run_sync(assistant.store.job, job_id)  # NotFound has a status of its own.
    told = steps(request, _told(assistant, job_id, max(after, last_event_id)))
    return EventStream(told, lambda e: frame(e.kind, e.data, e.seq))


def _told(assistant: Assistant, job_id: str, after: int) -> Generator[Event, None, None]:
    yield from assistant.jobs.follow(job_id, after, heartbeat=HEARTBEAT)
    if (found := assistant.store.job(job_id)).finished:
        yield Event(0, "end", wire.job(found))
