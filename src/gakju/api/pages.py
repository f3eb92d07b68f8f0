"""/v1/pages: pages and sitemaps of the web as documents of a collection, read once or from time to time."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from gakju import wire
from gakju.api.opened import Opened
from gakju.assistant import DEFAULT

router = APIRouter(prefix="/pages", tags=["documents"])

Address = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)]


class Pages(BaseModel):
    urls: Annotated[list[Address], Field(min_length=1, max_length=20, examples=[["https://www.law.go.kr/"]])]
    collection: str = DEFAULT
    every: Annotated[
        Literal["", "day", "week", "month"], Field(description="Read them again so often; empty is once.")
    ] = ""


@router.post("", status_code=202)
def add_pages(assistant: Opened, body: Pages, response: Response) -> dict[str, Any]:
    """Queue pages of the web to be visited and added to a collection, as documents whose path is their URL.

    Of a sitemap its pages are read, those of its own site, a limited number, one after the other. A page added before
    takes the place of what it was where it has changed. Each page is a `file` event of the job.
    """
    return _queued(response, assistant.submit_pages(body.urls, collection=body.collection, every=body.every))


@router.get("")
def watched(assistant: Opened) -> list[dict[str, Any]]:
    """What is read again from time to time, and what came of the last time."""
    return [wire.watch(w) for w in assistant.watches.all()]


@router.post("/{watch_id}/refresh", status_code=202)
def refresh(assistant: Opened, watch_id: str, response: Response) -> dict[str, Any]:
    """Read it again now. Pages that have not changed are not read."""
    return _queued(response, assistant.watches.again(watch_id))


@router.delete("/{watch_id}", status_code=204)
def stop(assistant: Opened, watch_id: str) -> None:
    """Read it no more; what was read stays."""
    assistant.watches.stop(watch_id)


def _queued(response: Response, job: Any) -> dict[str, Any]:
    response.headers["location"] = f"/v1/jobs/{job.id}"
    return wire.job(job)
