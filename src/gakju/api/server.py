"""/healthz, /readyz and /metrics: whether the server lives, whether it can work, what it does."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

router = APIRouter(tags=["server"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"
    version: str


class Ready(BaseModel):
    """`checks`: "ok", or what is in the way, of the store, the library, the chat model and the embedder."""

    ready: bool
    checks: dict[str, str]


@router.get("/healthz")
async def health(request: Request) -> Health:
    """Whether the server answers."""
    return Health(version=request.app.version)


@router.get("/readyz", responses={503: {"model": Ready, "description": "Something is in the way."}})
def ready(request: Request, response: Response) -> Ready:
    """Whether it can do its work: models loaded or on this machine, the store writable, the library readable."""
    checks = request.app.state.assistant.ready()
    fine = all(said == "ok" for said in checks.values())
    response.status_code = 200 if fine else 503
    return Ready(ready=fine, checks=checks)


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """For Prometheus."""
    text = await request.app.state.metrics.text()
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
