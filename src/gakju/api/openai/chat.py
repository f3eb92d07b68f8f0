"""/v1/chat/completions: any model, or the library itself as the model `gakju`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gakju.api.openai import library
from gakju.api.openai.relay import streamed, whole
from gakju.api.openai.shape import ANSWERS, caller_of, chosen
from gakju.api.opened import Opened, Who
from gakju.assistant.generate import Generator, collection_of
from gakju.errors import Forbidden
from gakju.models.raw import CHAT

router = APIRouter(tags=["chat"])


class Loose(BaseModel):
    """What is not named here is passed on as it is."""

    model_config = ConfigDict(extra="allow")


class Part(Loose):
    type: Annotated[str, Field(max_length=64)]
    text: str | None = None


class Message(Loose):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]


class Function(Loose):
    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Tool(Loose):
    type: Literal["function"]
    function: Function


class JsonSchema(Loose):
    name: Annotated[str, Field(max_length=64)]
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class Format(Loose):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Loose):
    include_usage: bool | None = None


Stops = Annotated[list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(max_length=16)]


def _flat(value: dict[str, float] | None) -> dict[str, float] | None:
    if value and not all(-100 <= v <= 100 for v in value.values()):
        raise ValueError("a bias lies between -100 and 100")
    return value


class Sampling(Loose):
    """What chat and the old completions share."""

    model: Annotated[str, Field(min_length=1, max_length=500, description="As `GET /v1/models` lists it.")]
    stream: Annotated[bool | None, Field(description="Server-sent events, or one JSON object.")] = None
    stream_options: StreamOptions | None = None
    n: Annotated[int | None, Field(ge=1, le=128)] = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    max_tokens: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    stop: str | Stops | None = None
    seed: Annotated[int | None, Field(ge=-(1 << 63), lt=1 << 63)] = None
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    logit_bias: Annotated[dict[str, float] | None, Field(max_length=1024), AfterValidator(_flat)] = None
    user: Annotated[str | None, Field(max_length=1000)] = None

    def body(self) -> dict[str, Any]:
        """As it came."""
        return self.model_dump(exclude_unset=True, by_alias=True)

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatRequest(Sampling):
    messages: Annotated[list[Message], Field(min_length=1, max_length=10_000)]
    max_completion_tokens: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int | None, Field(ge=0, le=20)] = None
    response_format: Format | None = None
    sources: Annotated[
        Literal["", "documents", "web", "both", "auto"],
        Field(description="What answers from the library stand on; empty is what the setting `web` says."),
    ] = ""
    tools: Annotated[list[Tool] | None, Field(max_length=128)] = None
    tool_choice: Annotated[
        Literal["none", "auto", "required"] | dict[str, Any] | None,
        Field(description='"required" and a named function bind embedded models by a grammar.'),
    ] = None


@router.post("/chat/completions", response_model=None, responses=ANSWERS)
async def chat(request: Request, assistant: Opened, who: Who, body: ChatRequest) -> Response:
    """An answer of a model, in OpenAI's shape.

    `gakju` and `gakju:COLLECTION` answer from the library: footnotes are `[1]` marks in the text, `annotations` of
    the message, and whole in the field `gakju`. Other names go to that model, with every field as it came.
    """
    return await complete(request, assistant, who, body)


async def complete(
    request: Request, assistant: Opened, who: Who, body: ChatRequest, *, deployment: str | None = None
) -> Response:
    """With `deployment` the model is named by Azure's path."""
    name = await chosen(assistant, who, body.model if deployment is None else deployment, deployment is not None)
    if collection_of(name) is not None:
        if not who.has("ask"):
            raise Forbidden("This key may not ask the library.", hint="It needs the right `ask`.")
        return await library.complete(request, assistant, body, name)
    made = Generator(assistant, name, CHAT, body.body(), caller=caller_of(request, who), key_id=who.id)
    if body.stream:
        return await streamed(request, made.stream(), usage=body.wants_usage)
    return await whole(request, made.once())
