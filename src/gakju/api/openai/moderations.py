"""/v1/moderations: by rules on this machine, not by a model. See `gakju.text.moderation` for what they can do."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gakju.errors import UsageError
from gakju.text import moderation

router = APIRouter(tags=["moderations"])

MODEL = "gakju-rules"
Words = Annotated[str, Field(max_length=1_000_000)]


class Part(BaseModel):
    type: Literal["text", "image_url"]
    text: Words = ""


class Create(BaseModel):
    """Several texts are judged each on its own; parts with a type together, as OpenAI has it."""

    input: (
        Words
        | Annotated[list[Words], Field(min_length=1, max_length=1000)]
        | Annotated[list[Part], Field(min_length=1, max_length=100)]
    )
    model: str | None = None


@router.post("/moderations")
def create(body: Create) -> dict[str, Any]:
    """Which categories a text falls into, and where it holds personal data (in `gakju`, as code points)."""
    return {"id": f"modr-{secrets.token_hex(12)}", "model": MODEL, "results": [_result(t) for t in _texts(body.input)]}


def _texts(given: str | list[str] | list[Part]) -> list[str]:
    if isinstance(given, str):
        return [given]
    parts = [p for p in given if isinstance(p, Part)]
    if any(p.type == "image_url" for p in parts):
        raise UsageError("input: pictures are not looked at.", hint="Send text.", param="input")
    return ["\n".join(p.text for p in parts)] if parts else [t for t in given if isinstance(t, str)]


def _result(text: str) -> dict[str, Any]:
    scores = moderation.scores(text)
    return {
        "flagged": any(scores.values()),
        "categories": {name: score > 0 for name, score in scores.items()},
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] for name in scores},
        "gakju": {"personal_data": [p._asdict() for p in moderation.personal(text)]},
    }
