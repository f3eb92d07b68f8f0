"""Errors as HTTP: one table of status codes and one shape, `{"error": {"code", "message", "hint", "type"}}`."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gakju import wire
from gakju.errors import (
    BrokenFile,
    Cancelled,
    ContextTooLong,
    GakjuError,
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
    ReadError,
    StorageFull,
    UnsupportedFormat,
    UsageError,
)

log = logging.getLogger("gakju.api")

STATUS: Mapping[type[GakjuError], int] = {
    GakjuError: 500,
    UsageError: 400,
    NotFound: 404,
    ReadError: 422,
    UnsupportedFormat: 415,
    BrokenFile: 422,
    PasswordRequired: 422,
    LimitExceeded: 413,
    ModelError: 500,
    ModelMissing: 503,
    ModelCorrupt: 500,
    ModelFailed: 503,
    ContextTooLong: 400,
    NetworkError: 503,
    LibraryError: 500,
    LibraryBusy: 409,
    StorageFull: 507,
    Cancelled: 409,
}
"""Every class of `gakju.errors`; a test sees to it."""


def body(data: Mapping[str, object], status: int) -> dict[str, dict[str, object]]:
    """The one shape. `type` is the family OpenAI's clients look at."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {**data, "type": kind}}


def respond(raised: GakjuError) -> JSONResponse:
    status = STATUS[type(raised)]
    headers = {"Retry-After": "5"} if status == 503 and raised.retryable else {}
    return JSONResponse(body(wire.error(raised), status), status, headers)


def _said(status: int, code: str, message: str, hint: str = "") -> JSONResponse:
    return JSONResponse(body({"code": code, "message": message, "hint": hint}, status), status)


def install(app: FastAPI) -> None:
    """Every way to fail ends in the one shape."""

    @app.exception_handler(GakjuError)
    async def ours(_: Request, raised: Exception) -> JSONResponse:
        assert isinstance(raised, GakjuError)
        return respond(raised)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, raised: Exception) -> JSONResponse:
        assert isinstance(raised, RequestValidationError)
        first = raised.errors()[0]
        where = ".".join(str(p) for p in first["loc"] if p != "body")
        return _said(422, UsageError.code, f"{where or 'The body'}: {first['msg']}.", "See /v1/docs.")

    @app.exception_handler(HTTPException)
    async def standard(_: Request, raised: Exception) -> JSONResponse:
        assert isinstance(raised, HTTPException)
        codes = {404: NotFound.code, 413: LimitExceeded.code}
        hint = "See /v1/docs." if raised.status_code in {404, 405} else ""
        return _said(raised.status_code, codes.get(raised.status_code, UsageError.code), f"{raised.detail}.", hint)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, raised: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=raised)
        return _said(500, "internal", f"{type(raised).__name__} in Gakju itself.", "See the log.")
