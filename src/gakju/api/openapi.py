"""The description of the API: what `places` and `errors` know of every route is added to what the routes say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gakju.api.places import PUBLIC, RIGHTS

Json = dict[str, Any]

ERRORS = {
    400: "The request cannot be carried out as it is.",
    401: "No key, or one that does not work.",
    403: "The key has not that right, or not that collection; or another web site asks.",
    404: "There is no such thing, or it is out of the key's reach.",
    405: "The path knows other methods.",
    408: "The request stopped on the way.",
    409: "It was stopped, or another process has the library.",
    413: "The request is too large.",
    415: "A file of a kind that Gakju does not read.",
    421: "This server only answers to this machine's own names.",
    422: "The request is malformed, or a file cannot be read.",
    429: "Too many requests, or the day's budget is spent. See `Retry-After`.",
    503: "A model or the network is not there now. See `Retry-After`.",
    504: "The answer did not begin in time.",
    507: "The disk is full.",
}
SCHEMA = {
    "title": "Error",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code", "hint"],
            "properties": {
                "message": {"type": "string", "description": "What happened, in one line."},
                "type": {"type": "string", "description": "The family that OpenAI's clients look at."},
                "param": {"type": ["string", "null"], "description": "The part of the request that is wrong."},
                "code": {"type": ["string", "null"], "description": "Stable; see gakju.errors."},
                "hint": {"type": "string", "description": "The next step."},
            },
        }
    },
}
KEYS = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of `gakju keys add`, where keys are asked for.",
    },
    "api-key": {
        "type": "apiKey",
        "in": "header",
        "name": "api-key",
        "description": "The same, as Azure's clients send it.",
    },
}


def describe(app: FastAPI) -> Callable[[], Json]:
    """What to put in the place of `app.openapi`; made at its first call."""

    def openapi() -> Json:
        if not app.openapi_schema:
            made = get_openapi(title=app.title, summary=app.summary, version=app.version, routes=app.routes)
            made["components"].setdefault("securitySchemes", {}).update(KEYS)
            made["components"]["schemas"]["Error"] = SCHEMA
            for unused in ("HTTPValidationError", "ValidationError"):
                made["components"]["schemas"].pop(unused, None)
            for path, methods in made["paths"].items():
                for method, operation in methods.items():
                    _complete(operation, RIGHTS.get(f"{method.upper()} {_template(path)}", ""))
            app.openapi_schema = made
        return app.openapi_schema

    return openapi


def _template(path: str) -> str:
    """`places` has the router's own paths, which may say of what kind a name is."""
    return path.replace("{model}", "{model:path}") if path.startswith("/v1/models/") else path


def _complete(operation: Json, right: str) -> None:
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    for wild in ("4XX", "5XX"):  # Would document whatever comes.
        operation["responses"].pop(wild, None)
    for status, why in ERRORS.items():
        known = operation["responses"].get(str(status))
        if known is None or "HTTPValidationError" in str(known):
            operation["responses"][str(status)] = {"description": why, **body}
    if right == PUBLIC:
        return
    operation["security"] = [{name: []} for name in KEYS]
    operation["x-right"] = right
    operation["description"] = f"{operation.get('description', '')}\n\nRight: `{right}`.".strip()
