"""/v1/models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from gakju.api.openai.shape import ERRORS
from gakju.api.opened import Opened, Who
from gakju.assistant.generate import Listed, collection_of, listed, owner, resolve

router = APIRouter(tags=["models"])


def _shown(model: Listed) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": 0, "owned_by": model.owner}


@router.get("/models", responses=ERRORS)
def models(assistant: Opened, who: Who) -> dict[str, Any]:
    """The library and its collections as models, then the models themselves."""
    found = [m for m in listed(assistant) if collection_of(m.id) is not None or who.has("models")]
    return {"object": "list", "data": [_shown(m) for m in found]}


@router.get("/models/{model:path}", responses=ERRORS)
def model(assistant: Opened, who: Who, model: str) -> dict[str, Any]:
    """One of them."""
    name = resolve(assistant, model, any_server=who.has("admin"))
    return _shown(Listed(model, owner(name)))
