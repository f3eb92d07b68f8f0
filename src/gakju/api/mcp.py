"""/mcp: the Model Context Protocol over streamable HTTP, with the same keys as every other route.

The protocol's library is imported at the first request. No session is kept: each request stands for itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import anyio
from anyio import from_thread
from anyio.abc import TaskGroup, TaskStatus
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gakju import wire
from gakju.api import answers, errors
from gakju.api.callers import ANYONE, check
from gakju.api.events import HEARTBEAT
from gakju.api.places import SPENDING
from gakju.api.within import Within
from gakju.assistant import Assistant
from gakju.errors import ModelFailed, Refused
from gakju.integrations.source import InProcess, Source
from gakju.store import Job
from gakju.types import AskEvent

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context

HOSTS = ["127.0.0.1:*", "localhost:*", "[::1]:*"]


class Endpoint:
    """An ASGI application, alive within `running`."""

    def __init__(self, assistant: Assistant, *, loopback: bool, stopping: Callable[[], bool]) -> None:
        self._assistant = assistant
        self._stopping = stopping
        self._loopback = loopback
        self._group: TaskGroup | None = None
        self._lock = anyio.Lock()
        self._app: ASGIApp | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as self._group:
            yield
            self._group.cancel_scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if find_spec("mcp") is None:
            lacking = Refused("The Model Context Protocol is not installed here.", hint="pip install 'gakju[mcp]'")
            await JSONResponse(errors.told(lacking)[1], 501)(scope, receive, send)
            return
        async with self._lock:
            if self._app is None:
                assert self._group is not None, "requests come while the server runs"
                self._app = await self._group.start(self._serve)
        await self._app(scope, receive, send)

    async def _serve(self, *, task_status: TaskStatus[ASGIApp]) -> None:
        """The manager lives in a task of its own: who enters its scope must leave it."""
        from mcp.server.transport_security import TransportSecuritySettings

        from gakju.integrations.mcp import server

        # `Guard` has refused foreign hosts and origins already; on loopback the protocol's own check stands behind it.
        security = TransportSecuritySettings(
            enable_dns_rebinding_protection=self._loopback,
            allowed_hosts=HOSTS,
            allowed_origins=[f"{scheme}://{host}" for scheme in ("http", "https") for host in HOSTS],
        )
        tools = server(self._source)
        tools.streamable_http_app(stateless_http=True, transport_security=security)
        async with tools.session_manager.run():
            task_status.started(tools.session_manager.handle_request)
            await anyio.sleep_forever()

    def _source(self, ctx: Context, right: str) -> Source:
        """The assistant as the key of this call may use it. Raises Forbidden, QuotaSpent."""
        request: Any = ctx.request_context.request  # Starlette's, which the protocol's library does not name
        state: Mapping[str, Any] = request.scope["state"]
        caller = state.get("caller", ANYONE)
        if right in SPENDING:
            self._assistant.accounts.check(caller.key)
        if caller is ANYONE:
            return _Queued(self._assistant, self._stopping)
        check(caller, right)
        return _Queued(cast(Assistant, Within(self._assistant, caller, state["notes"])), self._stopping)


class _Queued(InProcess):
    """All that takes long as a job, as other routes do it: in its turn, on the key's account, and given up where its
    asker leaves or the server stops. For threads that anyio started.
    """

    def __init__(self, assistant: Assistant, stopping: Callable[[], bool]) -> None:
        super().__init__(assistant)
        self._stopping = stopping

    def ask(self, question: str, **options: Any) -> Iterator[AskEvent]:
        with closing(answers.answering(self._assistant, answers.Ask(question=question, **options))) as told:
            for kind, data in told:
                self._check()
                if kind == "error":
                    raise wire.load_error(dict(data))
                if event := wire.load_event(kind, dict(data)):
                    yield event

    def done(self, job: Job) -> Job:
        for _ in self._assistant.jobs.follow(job.id, heartbeat=HEARTBEAT):
            self._check()
        return self._assistant.store.job(job.id)

    def _check(self) -> None:
        from_thread.check_cancelled()
        if self._stopping():
            raise ModelFailed("Gakju is closing.", hint="Ask again when it is back.")
