"""Errors as HTTP: one table of status codes and one shape.

`{"error": {"message", "type", "param", "code", "hint"}}`: OpenAI's, so that its clients understand it, and `hint`,
the next step. On its paths a malformed body is 400 as it is there; on Gakju's own it is 422.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gakju import wire
from gakju.errors import (
    BrokenFile,
    Cancelled,
    ContextTooLong,
    CreditSpent,
    Forbidden,
    GakjuError,
    KeyNeeded,
    KeyringRefused,
    LibraryBusy,
    LibraryError,
    LimitExceeded,
    ModelCorrupt,
    ModelError,
    ModelFailed,
    ModelMissing,
    NetworkError,
    NotFound,
    PasswordRequired,
    QuotaSpent,
    RateLimited,
    ReadError,
    Refused,
    RequestRefused,
    StorageFull,
    TooSlow,
    UnknownModel,
    UnsupportedFormat,
    UsageError,
)

log = logging.getLogger("gakju.api")

OPENAI = re.compile(
    r"/(openai|v1/(chat|completions|embeddings|models|files|vector_stores|responses|moderations|uploads))(/|$)"
)
"""Paths of OpenAI's API."""

STATUS: Mapping[type[GakjuError], int] = {
    GakjuError: 500,
    UsageError: 400,
    NotFound: 404,
    UnknownModel: 404,
    KeyringRefused: 409,
    ReadError: 422,
    UnsupportedFormat: 415,
    BrokenFile: 422,
    PasswordRequired: 422,
    LimitExceeded: 413,
    ModelError: 500,
    ModelMissing: 503,
    ModelCorrupt: 500,
    ModelFailed: 503,
    RequestRefused: 400,
    CreditSpent: 402,
    ContextTooLong: 400,
    NetworkError: 503,
    LibraryError: 500,
    LibraryBusy: 409,
    StorageFull: 507,
    Refused: 403,
    KeyNeeded: 401,
    Forbidden: 403,
    RateLimited: 429,
    QuotaSpent: 429,
    TooSlow: 504,
    Cancelled: 409,
}
"""Every class of `gakju.errors`; a test sees to it."""


def body(data: Mapping[str, object], status: int) -> dict[str, dict[str, object]]:
    """The one shape. `type` is the family OpenAI's clients look at."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(status, kind)
    return {"error": {"param": None, "hint": "", **data, "type": kind}}


def told(raised: GakjuError) -> tuple[int, dict[str, dict[str, object]]]:
    """(status, body) of an error. A model server's own code stands in for ours where it refused the request."""
    status = next(STATUS[kind] for kind in type(raised).__mro__ if kind in STATUS)
    data = wire.error(raised)
    if isinstance(raised, RequestRefused) and raised.details.get("code"):
        data["code"] = raised.details["code"]
    return status, body({**data, "param": raised.details.get("param")}, status)


def respond(raised: GakjuError) -> JSONResponse:
    status, content = told(raised)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if after := raised.details.get("retry_after", 5 if raised.retryable and status in {429, 503} else None):
        headers["Retry-After"] = str(after)
    return JSONResponse(content, status, headers)


def _said(
    status: int,
    code: str,
    message: str,
    hint: str = "",
    *,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    content = body({"code": code, "message": message, "hint": hint, "param": param}, status)
    return JSONResponse(content, status, headers)


def wrong_method(methods: Sequence[str]) -> JSONResponse:
    """405, with those that the path knows."""
    allow = {"Allow": ", ".join(methods)}
    return _said(405, UsageError.code, "Method Not Allowed.", "See /v1/docs.", headers=allow)


_OPENAI_CODES = {"missing": "missing_required_parameter", "json_invalid": "invalid_json"}


def malformed(raised: RequestValidationError, status: int = 422) -> JSONResponse:
    """The first thing that is wrong with a request. 400 on OpenAI's paths, with a code its clients may know."""
    first = raised.errors()[0]
    # Where a value may be of several kinds, the path names the kind; a client knows fields and places only.
    name, *inside = first["loc"][1:] or [""]
    path = [p for p in (name, *(p for p in inside if not _is_kind(p))) if p != ""]
    where = "" if first["type"] == "json_invalid" else ".".join(map(str, path))
    code = _OPENAI_CODES.get(first["type"], "invalid_value") if status == 400 else UsageError.code
    return _said(status, code, f"{where or 'The body'}: {first['msg']}.", "See /v1/docs.", param=where or None)


def _is_kind(part: object) -> bool:
    return isinstance(part, str) and (not part.replace("_", "").isalnum() or part in {"str", "int", "bool", "float"})


def install(app: FastAPI) -> None:
    """Every way to fail ends in the one shape."""

    @app.exception_handler(GakjuError)
    async def ours(_: Request, raised: Exception) -> JSONResponse:
        assert isinstance(raised, GakjuError)
        return respond(raised)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, raised: Exception) -> JSONResponse:
        assert isinstance(raised, RequestValidationError)
        if not OPENAI.match(request.url.path):
            return malformed(raised)
        sent = request.headers.get("content-type", "")
        if sent and raised.errors()[0]["loc"] == ("body",) and "json" not in sent and "form" not in sent:
            return _said(415, "unsupported_media_type", f"The body is {sent[:80]!r}.", "Send application/json.")
        return malformed(raised, 400)

    @app.exception_handler(HTTPException)
    async def standard(_: Request, raised: Exception) -> JSONResponse:
        assert isinstance(raised, HTTPException)
        codes = {404: NotFound.code, 413: LimitExceeded.code}
        hint = "See /v1/docs." if raised.status_code in {404, 405} else ""
        code = codes.get(raised.status_code, UsageError.code)
        return _said(raised.status_code, code, f"{raised.detail}.", hint, headers=raised.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, raised: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=raised)
        # The server hangs up on what was raised: a client must not send its next request on this connection.
        close = {"connection": "close"}
        return _said(500, "internal", f"{type(raised).__name__} in Gakju itself.", "See the log.", headers=close)
