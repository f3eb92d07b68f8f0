"""The HTTP API: `/v1` and `/healthz` over one `Assistant`, with the screen mounted last at `/`.

Routes hold no logic. Nobody is asked who they are yet, so a server listens on loopback unless told otherwise;
what a foreign web page could do from the reader's own browser is refused in `guard`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from anyio import CapacityLimiter
from fastapi import FastAPI

from gakju.api import answers, documents, errors, jobs
from gakju.api.events import STREAMS
from gakju.api.guard import Guard
from gakju.api.openai import files, vector_stores
from gakju.assistant import Assistant

OVERHEAD = 4 << 20
"""Bytes a request may have beside the files it carries."""


def create(
    assistant: Assistant, *, ui: bool = True, loopback: bool = True, stopping: Callable[[], bool] = lambda: False
) -> FastAPI:
    """The application. `loopback`: only this machine's own names are answered to.

    `stopping` turns true when the server wants its streams to end.
    """
    screen = None
    if ui:
        from gakju import ui as screens

        screen = screens.app(assistant)
    app = FastAPI(
        title="Gakju",
        summary="Answers from your own documents, with a footnote under every sentence.",
        version=version("gakju"),
        lifespan=screen.lifespan() if screen else None,
        docs_url="/v1/docs",
        openapi_url="/v1/openapi.json",
        redoc_url=None,
    )
    app.state.assistant = assistant
    app.state.stopping = stopping
    app.state.streams = CapacityLimiter(STREAMS)
    errors.install(app)
    app.add_middleware(
        Guard,
        loopback=loopback,
        body=OVERHEAD,
        upload=assistant.settings.read_bytes + OVERHEAD,
    )

    @app.get("/healthz", tags=["server"])
    async def health() -> dict[str, str]:
        """Whether the server answers."""
        return {"status": "ok", "version": app.version}

    for part in (documents, answers, jobs, files, vector_stores):
        app.include_router(part.router, prefix="/v1")
    if screen:
        app.mount("/", screen)
    return app


__all__ = ["create"]
