"""Who may open the screen's socket."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config


class SameOrigin:
    """Refuses a WebSocket that a page of another origin opens.

    Streamlit alone would let any local port in, and looks this machine's public address up at an outside
    service before it turns the others away. `STREAMLIT_SERVER_CORS_ALLOWED_ORIGINS` lists more origins.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not self._welcome(Headers(scope=scope)):
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "another origin"})
            return
        await self._app(scope, receive, send)

    @staticmethod
    def _welcome(headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None or origin in config.get_option("server.corsAllowedOrigins"):
            return True
        return urlsplit(origin).netloc == headers.get("host")
