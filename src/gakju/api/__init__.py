"""The HTTP API: `/v1` and `/healthz` over one `Assistant`, with the screen mounted last at `/`.

Routes hold no logic. Before them stand, from the outside in: `guard` (what a foreign web page could do from the
reader's own browser), `access` (who may do what, and how much) and `limits.Patience` (how long).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from gakju import apps
from gakju.api import (
    answers,
    comparisons,
    docs,
    documents,
    door,
    errors,
    evaluations,
    jobs,
    keys,
    labs,
    mcp,
    pages,
    server,
    tunings,
    words,
)
from gakju.api.access import Access
from gakju.api.callers import Callers
from gakju.api.events import STREAMS
from gakju.api.guard import Guard
from gakju.api.limits import Patience
from gakju.api.metrics import Metrics, Observed
from gakju.api.openai import (
    azure,
    chat,
    completions,
    embeddings,
    files,
    fine_tuning,
    models,
    moderations,
    responses,
    vector_stores,
)
from gakju.api.openapi import describe
from gakju.api.people import People, login
from gakju.api.recorder import Recorder
from gakju.api.request_id import RequestId
from gakju.assistant import Assistant
from gakju.evaluation.runs import Runs
from gakju.labs import compare, fewshot, finetune, questions
from gakju.settings import Settings

OVERHEAD = 4 << 20
"""Bytes a request may have beside the files it carries."""

SEARCHES = 2 + (os.cpu_count() or 1) // 2
"""Searches at a time. They compute in Python: more would only take the interpreter from the event loop."""


_V1 = (
    *(documents, pages, words, answers, evaluations, labs, comparisons, tunings, jobs, keys),
    *(models, chat, completions, embeddings, files, vector_stores, responses, moderations, fine_tuning),
)
"""Whose routes are below /v1."""


def create(
    assistant: Assistant, *, ui: bool = True, loopback: bool = True, stopping: Callable[[], bool] = lambda: False
) -> FastAPI:
    """The application. `loopback`: only this machine's own names are answered to.

    `stopping` turns true when the server wants its streams to end.
    """
    screen = None
    if ui:
        from gakju import ui as screens

        screen = screens.app(assistant, login(assistant.settings))
    recorder, metrics = Recorder(assistant), Metrics(assistant)
    tools = mcp.Endpoint(assistant, loopback=loopback, stopping=stopping)

    @asynccontextmanager
    async def lifespan(given: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if screen:
                await stack.enter_async_context(screen.lifespan()(given))
            stack.callback(recorder.close)
            await stack.enter_async_context(metrics.beating())
            await stack.enter_async_context(tools.running())
            yield

    app = _described(assistant.settings, lifespan)
    app.state.assistant = assistant
    apps.of(assistant)  # its runs go on, and `app:NAME` is a model
    app.state.people = People(assistant.settings)
    app.state.callers = Callers(assistant, app.state.people.of)
    app.state.metrics = metrics
    app.state.stopping = stopping
    app.state.evaluations = Runs(assistant)
    _labs(app, assistant)
    app.state.streams = CapacityLimiter(STREAMS)
    app.state.searches = CapacityLimiter(SEARCHES)
    errors.install(app)
    _surround(app, recorder, loopback=loopback)

    app.include_router(server.router)
    for part in _V1:
        app.include_router(part.router, prefix="/v1")
    app.include_router(azure.router, prefix="/openai")
    app.include_router(docs.router)
    app.include_router(door.router)
    app.router.routes.append(Route("/mcp", tools, methods=["POST"]))
    if screen:
        app.mount("/", screen)
    return app


def _labs(app: FastAPI, assistant: Assistant) -> None:
    """What they had queued goes on."""
    questions.of(assistant)
    fewshot.of(assistant)
    compare.of(assistant)
    app.state.tuner = finetune.of(assistant)


def _described(settings: Settings, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    """An application without routes. Raises UsageError where settings want traces and their library is not there."""
    if settings.traces:
        from gakju.api import traces

        traces.start(settings.traces)
    # Spans of requests only: FastAPI's logs would hold what was sent, and metrics are `/metrics`.
    told: TelemetryConfig = {"metrics": False, "logs": False, "operation_spans": False}
    app = FastAPI(
        title="Gakju",
        summary="Answers from your own documents, with a footnote under every sentence.",
        version=version("gakju"),
        lifespan=lifespan,
        docs_url=None,
        openapi_url="/v1/openapi.json",
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        telemetry={"tracing": bool(settings.traces), **told},
    )
    app.openapi = describe(app)  # type: ignore[method-assign]
    return app


def _surround(app: FastAPI, recorder: Recorder, *, loopback: bool) -> None:
    """What stands before the routes; the last one added is the outermost."""
    s = app.state.assistant.settings
    app.add_middleware(Patience, begin=s.request_seconds, pause=s.body_seconds)
    app.add_middleware(Access, settings=s, callers=app.state.callers, people=app.state.people, recorder=recorder)
    origins = frozenset(o.strip().rstrip("/").lower() for o in s.cors.split(",") if o.strip())
    app.add_middleware(Guard, loopback=loopback, body=OVERHEAD, upload=s.read_bytes + OVERHEAD, origins=origins)
    if origins:
        headers = ["authorization", "api-key", "content-type", "last-event-id"]
        app.add_middleware(CORSMiddleware, allow_origins=sorted(origins), allow_methods=["*"], allow_headers=headers)
    app.add_middleware(RequestId)
    app.add_middleware(Observed, metrics=app.state.metrics)


__all__ = ["create"]
