"""What the routes that speak to models share: how they fail in the documentation, whom they name, who asks."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import Request
from pydantic import BaseModel

from gakju.api.callers import Caller
from gakju.assistant import Assistant
from gakju.assistant.generate import collection_of, resolve


class Told(BaseModel):
    """`type` is the family, `code` what happened, `param` which field of the request, `hint` the next step."""

    message: str
    type: str
    param: str | None
    code: str | None
    hint: str


class ErrorBody(BaseModel):
    error: Told


ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request cannot be answered as it is."},
    "5XX": {"model": ErrorBody, "description": "The model or Gakju failed; try again where Retry-After is sent."},
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JSON object, or with `stream` its chunks.",
        "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {}},
    },
    **ERRORS,
}


async def chosen(assistant: Assistant, who: Caller, name: str, azure: bool, *, embeds: bool = False) -> str:
    """The model that a request means; an Azure deployment without a mapping is the default one. Raises UnknownModel."""
    s = assistant.settings
    fallback = (s.embedder if embeds else s.chat_model) if azure else ""
    any_server = who.has("admin")
    if collection_of(s.aliases.get(name, name)) is None:
        return resolve(assistant, name, fallback=fallback, any_server=any_server)
    return await to_thread.run_sync(resolve, assistant, name)  # looks into the library


def caller_of(request: Request, who: Caller) -> str:
    """Who takes turns with others: a key, or without keys a machine."""
    return who.id or (request.client.host if request.client else "somebody")
