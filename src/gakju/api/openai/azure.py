"""Azure OpenAI's paths: `/openai/deployments/NAME/…?api-version=…`, and `/openai/v1/…` of its newer API.

A deployment is a name in the setting `aliases`, or a model's own; any other is the default model. Every API version
is taken: what has changed between them is not told by the routes here.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from gakju.api.openai import chat, completions, embeddings, models
from gakju.api.openai.shape import ANSWERS, ERRORS
from gakju.api.opened import Opened, Who

router = APIRouter(tags=["azure"])

ApiVersion = Annotated[str, Query(alias="api-version", max_length=64, description="As in 2024-10-21; any is taken.")]


class _Chat(chat.ChatRequest):
    model: str = ""


class _Text(completions.TextRequest):
    model: str = ""


class _Embedding(embeddings.EmbeddingRequest):
    model: str = ""


@router.post("/deployments/{deployment}/chat/completions", response_model=None, responses=ANSWERS)
async def deployed_chat(
    request: Request, assistant: Opened, who: Who, deployment: str, body: _Chat, api_version: ApiVersion = ""
) -> Response:
    """As `/v1/chat/completions`, of a deployment."""
    return await chat.complete(request, assistant, who, body, deployment=deployment)


@router.post("/deployments/{deployment}/completions", response_model=None, responses=ANSWERS)
async def deployed_completions(
    request: Request, assistant: Opened, who: Who, deployment: str, body: _Text, api_version: ApiVersion = ""
) -> Response:
    """As `/v1/completions`, of a deployment."""
    return await completions.complete(request, assistant, who, body, deployment=deployment)


@router.post("/deployments/{deployment}/embeddings", response_model=None, responses=ERRORS)
async def deployed_embeddings(
    request: Request, assistant: Opened, who: Who, deployment: str, body: _Embedding, api_version: ApiVersion = ""
) -> Response:
    """As `/v1/embeddings`, of a deployment."""
    return await embeddings.complete(request, assistant, who, body, deployment=deployment)


@router.post("/v1/chat/completions", response_model=None, responses=ANSWERS)
async def named_chat(request: Request, assistant: Opened, who: Who, body: chat.ChatRequest) -> Response:
    """As `/v1/chat/completions`; `model` names a deployment."""
    return await chat.complete(request, assistant, who, body, deployment=body.model)


@router.post("/v1/completions", response_model=None, responses=ANSWERS)
async def named_completions(request: Request, assistant: Opened, who: Who, body: completions.TextRequest) -> Response:
    """As `/v1/completions`; `model` names a deployment."""
    return await completions.complete(request, assistant, who, body, deployment=body.model)


@router.post("/v1/embeddings", response_model=None, responses=ERRORS)
async def named_embeddings(
    request: Request, assistant: Opened, who: Who, body: embeddings.EmbeddingRequest
) -> Response:
    """As `/v1/embeddings`; `model` names a deployment."""
    return await embeddings.complete(request, assistant, who, body, deployment=body.model)


@router.get("/v1/models", responses=ERRORS)
@router.get("/models", responses=ERRORS)
def listed(assistant: Opened, who: Who, api_version: ApiVersion = "") -> dict[str, Any]:
    """As `/v1/models`."""
    return models.models(assistant, who)
