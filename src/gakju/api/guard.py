"""What is refused before any route sees it.

The reader's own browser is the way in for a foreign web page: by a name
that resolves to this machine (DNS rebinding), or by a form or script of another origin. Both are refused here,
for the screen's WebSocket too. Bodies beyond the limit are refused before they are read to the end.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gakju.api.errors import body as shape

LOOPBACK = frozenset(["127.0.0.1", "localhost", "::1"])
UPLOADS = frozenset(["/v1/documents", "/v1/files"])
SCREEN_UPLOADS = "/_stcore/upload_file/"
SAFE = frozenset(["GET", "HEAD", "OPTIONS"])


class Guard:
    """Pure ASGI, so that streams pass through untouched. `body` and `upload` are limits in bytes.

    `upload` holds where documents are sent, `body` everywhere else. `origins` are other web sites that may call.
    """

    def __init__(
        self, app: ASGIApp, *, loopback: bool, body: int, upload: int, origins: frozenset[str] = frozenset()
    ) -> None:
        self.app = app
        self._loopback = loopback
        self._body = body
        self._upload = upload
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = self._limit(scope)
        if refused := self._refusal(scope, headers, limit):
            await refused(scope, receive, send)
            return
        await self.app(scope, _counted(receive, limit), _marked(send))

    def _limit(self, scope: Scope) -> int:
        large = scope["path"] in UPLOADS or scope["path"].startswith(SCREEN_UPLOADS)
        return self._upload if large else self._body

    def _refusal(self, scope: Scope, headers: Headers, limit: int) -> JSONResponse | None:
        host = headers.get("host", "")
        if self._loopback and _name(host) not in LOOPBACK:
            return _refuse(421, "This Gakju only answers to localhost.", "Open it as http://127.0.0.1.")
        origin = headers.get("origin")
        unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE
        foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
        if unsafe and foreign and (origin or "").lower() not in self._origins:
            return _refuse(403, "Another web site may not use this Gakju.", "Open Gakju's own address.")
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            return _refuse(413, _too_large(limit), "Send less at a time, or raise GAKJU_READ_BYTES.", "limit_exceeded")
        return None


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _too_large(limit: int) -> str:
    return f"The request is larger than {limit:,} bytes"


def _refuse(status: int, message: str, hint: str, code: str = "usage") -> JSONResponse:
    headers = {"connection": "close"} if status == 413 else {}
    return JSONResponse(shape({"code": code, "message": message, "hint": hint}, status), status, headers)


def _counted(receive: Receive, limit: int) -> Receive:
    """For bodies that do not say their length."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        if total > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


def _marked(send: Send) -> Send:
    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("x-content-type-options", "nosniff")
        await send(message)

    return marked
