"""/v1/completions: the old one, a text to go on from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gakju.api.openai.chat import Sampling
from gakju.api.openai.relay import streamed, whole
from gakju.api.openai.shape import ANSWERS, caller_of, chosen
from gakju.api.opened import Opened, Who
from gakju.assistant.generate import Generator, collection_of
from gakju.errors import UsageError
from gakju.models.raw import TEXT

router = APIRouter(tags=["chat"])

Tokens = Annotated[list[Annotated[int, Field(ge=0, lt=1 << 31)]], Field(min_length=1)]
Texts = Annotated[list[str], Field(min_length=1, max_length=64)]
TokenTexts = Annotated[list[Tokens], Field(min_length=1, max_length=64)]


class TextRequest(Sampling):
    prompt: Annotated[str | Texts | Tokens | TokenTexts, Field(description="Text, or tokens of the model's own.")]
    logprobs: Annotated[int | None, Field(ge=0, le=5)] = None
    echo: Annotated[
        bool | None, Field(description="The prompt too, where it is text and logprobs are not asked for.")
    ] = None


@router.post("/completions", response_model=None, responses=ANSWERS)
async def completions(request: Request, assistant: Opened, who: Who, body: TextRequest) -> Response:
    """How a model goes on from a text."""
    return await complete(request, assistant, who, body)


async def complete(
    request: Request, assistant: Opened, who: Who, body: TextRequest, *, deployment: str | None = None
) -> Response:
    name = await chosen(assistant, who, body.model if deployment is None else deployment, deployment is not None)
    if collection_of(name) is not None:
        raise UsageError(f"{name} answers questions only.", hint="Use /v1/chat/completions.", param="model")
    made = Generator(assistant, name, TEXT, body.body(), caller=caller_of(request, who), key_id=who.id)
    if body.stream:
        return await streamed(request, made.stream(), usage=body.wants_usage)
    return await whole(request, made.once())
