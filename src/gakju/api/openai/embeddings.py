"""/v1/embeddings."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

import numpy as np
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field
from starlette.responses import JSONResponse

from gakju.api.openai.chat import Loose
from gakju.api.openai.relay import whole
from gakju.api.openai.shape import ERRORS, caller_of, chosen
from gakju.api.opened import Opened, Who
from gakju.assistant import Assistant
from gakju.assistant.generate import Generator, collection_of
from gakju.errors import ContextTooLong, UsageError
from gakju.models.raw import EMBED
from gakju.protocols import Embedder, Vectors

router = APIRouter(tags=["embeddings"])

MOST_TOKENS = 300_000
"""Of all inputs of a request, as OpenAI has it."""
LONGEST = 8192
"""Tokens of one input."""
_ONE = CapacityLimiter(1)
"""An embedder uses every core for one batch; two at a time take as long and hold more."""

Tokens = Annotated[list[Annotated[int, Field(ge=0, lt=1 << 31)]], Field(min_length=1, max_length=100_000)]
Text = Annotated[str, Field(min_length=1)]


class EmbeddingRequest(Loose):
    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1, max_length=500)]
    input: Annotated[
        Text
        | Annotated[list[Text], Field(min_length=1, max_length=2048)]
        | Tokens
        | Annotated[list[Tokens], Field(min_length=1, max_length=2048)],
        Field(description="Texts, or tokens of cl100k_base, which clients send for models they do not know."),
    ]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[
        int | None, Field(ge=1, le=100_000, description="That many of the first values, made length 1 again.")
    ] = None
    input_type: Annotated[
        Literal["passage", "query"] | None,
        Field(description="Gakju's own: which side of a search the texts are; passages where nothing is said."),
    ] = None
    user: Annotated[str | None, Field(max_length=1000)] = None


@router.post("/embeddings", response_model=None, responses=ERRORS)
async def embeddings(request: Request, assistant: Opened, who: Who, body: EmbeddingRequest) -> Response:
    """Vectors of texts, of length 1."""
    return await complete(request, assistant, who, body)


async def complete(
    request: Request, assistant: Opened, who: Who, body: EmbeddingRequest, *, deployment: str | None = None
) -> Response:
    asked = body.model if deployment is None else deployment
    name = await chosen(assistant, who, asked, deployment is not None, embeds=True)
    if collection_of(name) is not None:
        raise UsageError(f"{name} answers questions only.", hint="Use /v1/chat/completions.", param="model")
    if name != assistant.settings.embedder and not name.startswith("embedded:"):
        given = body.model_dump(exclude_unset=True, exclude={"input_type"})
        made = Generator(assistant, name, EMBED, given, caller=caller_of(request, who), key_id=who.id)
        return await whole(request, made.once())
    if name != assistant.settings.embedder:
        raise UsageError(
            f"{name} does not embed here.", hint=f"The embedder is {assistant.settings.embedder}.", param="model"
        )
    answer = await to_thread.run_sync(_embed, assistant, name, body, limiter=_ONE)
    tokens = answer["usage"]["total_tokens"]
    await to_thread.run_sync(lambda: assistant.accounts.spend(name, tokens, 0, key_id=who.id))
    return JSONResponse(answer)


def _embed(assistant: Assistant, name: str, body: EmbeddingRequest) -> dict[str, Any]:
    embedder = assistant.parts.embedder
    texts = _texts(body.input)
    counts = embedder.count_tokens(texts)
    _check(counts)
    vectors = _shortened(_vectors(embedder, texts, body.input_type), body.dimensions)
    data = [
        {"object": "embedding", "index": i, "embedding": _encoded(v, body.encoding_format)}
        for i, v in enumerate(vectors)
    ]
    used = sum(counts)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return {"object": "list", "data": data, "model": name, "usage": usage}


def _vectors(embedder: Embedder, texts: list[str], side: str | None) -> Vectors:
    return embedder.embed_queries(texts) if side == "query" else embedder.embed_passages(texts)


def _check(counts: list[int]) -> None:
    longest = max(range(len(counts)), key=counts.__getitem__)
    if counts[longest] > LONGEST:
        raise ContextTooLong(
            f"input.{longest} has {counts[longest]:,} tokens; at most {LONGEST:,} are embedded.",
            hint="Split it.",
            param="input",
        )
    if sum(counts) > MOST_TOKENS:
        raise ContextTooLong(f"input has more than {MOST_TOKENS:,} tokens.", hint="Send less at a time.", param="input")


def _texts(given: str | list[str] | list[int] | list[list[int]]) -> list[str]:
    if isinstance(given, str):
        return [given]
    if isinstance(given[0], int):
        return [_decoded(given)]
    return [t if isinstance(t, str) else _decoded(t) for t in given]


def _decoded(tokens: list[int]) -> str:
    from gakju.models.vocabulary import decoded

    return decoded(tokens)


def _shortened(vectors: Vectors, dimensions: int | None) -> Vectors:
    if dimensions is None:
        return vectors
    if dimensions > vectors.shape[1]:
        raise UsageError(
            f"dimensions: this model has {vectors.shape[1]}, {dimensions} were asked for.", param="dimensions"
        )
    short = vectors[:, :dimensions]
    unit: Vectors = short / np.maximum(np.linalg.norm(short, axis=1, keepdims=True), np.float32(1e-12))
    return unit


def _encoded(vector: Vectors, encoding: str | None) -> list[float] | str:
    if encoding == "base64":
        return base64.b64encode(np.ascontiguousarray(vector, "<f4").tobytes()).decode()
    return vector.tolist()  # type: ignore[no-any-return]
