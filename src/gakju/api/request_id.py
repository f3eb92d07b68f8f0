"""`x-request-id` on every answer, refusals included: what a person quotes and the log says."""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestId:
    """Pure ASGI; the id is `scope["state"]["request_id"]` inside."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        made = f"req_{secrets.token_hex(12)}"
        scope.setdefault("state", {})["request_id"] = made

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-request-id"] = made
            await send(message)

        await self.app(scope, receive, named)
