"""/v1/responses: one turn, its events, and going on from an earlier one.

With the file_search tool, and for the models `gakju` and `gakju:COLLECTION`, the answer is Gakju's own: claims with
footnotes, which come as citations and whole in the `gakju` field. Other models answer without the library.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gakju import wire
from gakju.api.events import PING, EventStream
from gakju.api.openai.chat import FunctionName
from gakju.api.openai.filters import Filter, matcher
from gakju.api.openai.items import chat_messages, items, said
from gakju.api.openai.lists import Metadata, Paged, listed
from gakju.api.openai.relay import whole
from gakju.api.openai.responding import Event, Lookup, Responding
from gakju.api.openai.shape import ANSWERS, caller_of, chosen
from gakju.api.opened import Opened, Who
from gakju.assistant import DEFAULT, Assistant
from gakju.assistant.generate import LIBRARY, collection_of
from gakju.assistant.generate import Generator as Generation
from gakju.assistant.vector_stores import id_of
from gakju.errors import Forbidden, NotFound, UsageError
from gakju.models.raw import CHAT
from gakju.store import Json, now
from gakju.store.files import VectorStore
from gakju.types import Message

router = APIRouter(tags=["responses"])

TURNS = 20
"""How far back `previous_response_id` is followed."""


class Ranking(BaseModel):
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class Tool(BaseModel):
    """`file_search`, or a `function` for a plain model."""

    model_config = ConfigDict(extra="allow")
    type: str
    name: FunctionName | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    vector_store_ids: Annotated[list[str], Field(max_length=20)] = []
    filters: Filter | None = None
    max_num_results: Annotated[int | None, Field(ge=1, le=50)] = None
    ranking_options: Ranking | None = None

    def function(self) -> Json:
        """As chat completions have it."""
        if not self.name:
            raise UsageError("A function needs a name.", param="tools")
        return self.model_dump(include={"name", "description", "parameters", "strict"}, exclude_none=True)


class Format(BaseModel):
    model_config = ConfigDict(extra="allow")
    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str = "answer"
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class Text(BaseModel):
    model_config = ConfigDict(extra="allow")
    format: Format = Format()


class Create(BaseModel):
    """Of OpenAI's parameters those that mean something here; what is left out is ignored."""

    model: Annotated[str, Field(min_length=1, max_length=500)] = LIBRARY
    input: str | Annotated[list[dict[str, Any]], Field(max_length=1000)] = ""
    instructions: Annotated[str | None, Field(description="For plain models; answers from the library ignore it.")] = (
        None
    )
    previous_response_id: str | None = None
    tools: Annotated[list[Tool] | None, Field(max_length=16)] = None
    tool_choice: str | dict[str, Any] = "auto"
    include: list[str] | None = None
    text: Text | None = None
    max_output_tokens: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    metadata: Metadata | None = None
    store: bool | None = True
    stream: bool | None = False
    background: bool | None = False
    user: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _can_be_told(cls, given: Any) -> Any:
        """Parts are kept and told again as they are: what JSON lets in by mistake must not fail then."""
        try:
            json.dumps(given, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, TypeError):
            raise ValueError("half of a surrogate pair, NaN or infinity stands in it") from None
        return given


@router.post("/responses", response_model=None, responses=ANSWERS)
async def create(request: Request, assistant: Opened, who: Who, body: Create) -> Response:
    """Answer. With `stream` the typed events of OpenAI's clients; who goes away stops the answer."""
    model = await chosen(assistant, who, body.model, False)
    given = items(body.input)
    before = await to_thread.run_sync(_history, assistant, body.previous_response_id)
    tool = _tool(body)
    work: Lookup | Generation
    if tool is not None or collection_of(model) is not None:
        work = await to_thread.run_sync(_lookup, assistant, body, model, tool, [*before, *given])
    else:
        if not who.has("models"):
            raise Forbidden("This key may not use models without the library.", hint="It needs the right `models`.")
        asked = _request(body, model, [*before, *given])
        work = Generation(assistant, model, CHAT, asked, caller=caller_of(request, who), key_id=who.id)
        await to_thread.run_sync(assistant.parts.chat, model)  # One that is not there is told with a status.
    told = _kept(assistant, Responding(assistant, work, _blank(body)), request, body, given)
    return EventStream(told, _frame) if body.stream else await whole_of(request, told)


async def whole_of(request: Request, told: AsyncGenerator[Event, None]) -> Response:
    """What the last event holds."""

    async def last() -> Event:
        found: Event = {}
        async with aclosing(told):
            async for event in told:
                found = event or found
        return found

    async def answer() -> Mapping[str, Any]:
        response: Json = (await last())["response"]
        if response["status"] == "failed":
            raise wire.load_error(response["gakju"]["error"])
        return response

    return await whole(request, answer())


async def _kept(
    assistant: Assistant, made: Responding, request: Request, body: Create, given: list[Json]
) -> AsyncGenerator[Event, None]:
    """The events; what came of it is kept before its last event is told."""
    async with aclosing(made.run(request)) as events:
        async for event in events:
            if body.store is not False and event.get("type") in {"response.completed", "response.incomplete"}:
                kept = {"response": event["response"], "input": given}
                await to_thread.run_sync(assistant.store.responses.put, made.response["id"], kept)
            yield event


def _frame(event: Event) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode() if event else PING


def _blank(body: Create) -> Json:
    """The response before anything has been said."""
    text = body.text.model_dump(by_alias=True, exclude_none=True) if body.text else {"format": {"type": "text"}}
    return {
        "id": f"resp_{secrets.token_hex(16)}",
        "object": "response",
        "created_at": int(time.time()),
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": body.metadata or {},
        "model": body.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": body.previous_response_id,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": body.store is not False,
        "temperature": body.temperature,
        "text": text,
        "tool_choice": body.tool_choice,
        "tools": [t.model_dump(exclude_none=True, exclude_unset=True) for t in body.tools or ()],
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": body.user,
    }


# What is asked


def _history(assistant: Assistant, response_id: str | None) -> list[Json]:
    """Items that were said before, oldest first. Raises NotFound."""
    turns: list[list[Json]] = []
    while response_id and len(turns) < TURNS:
        try:
            kept = assistant.store.responses.get(response_id)
        except NotFound as e:
            raise NotFound(e.message, param="previous_response_id") from None
        turns.append([*kept["input"], *kept["response"]["output"]])
        response_id = kept["response"]["previous_response_id"]
    return [item for turn in reversed(turns) for item in turn]


def _request(body: Create, model: str, given: Sequence[Json]) -> Json:
    """The same as a request of chat completions."""
    messages = chat_messages(given)
    if body.instructions:
        messages.insert(0, {"role": "system", "content": body.instructions})
    if not messages:
        raise UsageError("The input is empty.", param="input")
    asked: Json = {
        "model": model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": body.max_output_tokens,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "response_format": _format(body),
    }
    if body.tools and body.tool_choice != "none":
        asked["tools"] = [{"type": "function", "function": t.function()} for t in body.tools]
        asked["tool_choice"] = _choice(body.tool_choice)
    return {k: v for k, v in asked.items() if v is not None}


def _choice(given: str | Mapping[str, Any]) -> str | Json:
    if isinstance(given, str):
        return given
    return {"type": "function", "function": {"name": given.get("name")}}


def _format(body: Create) -> Json | None:
    wanted = body.text.format if body.text else Format()
    if wanted.type != "json_schema":
        return {"type": wanted.type} if wanted.type == "json_object" else None
    if wanted.schema_ is None:
        raise UsageError("text.format needs a schema.", param="text.format.schema")
    schema = {"name": wanted.name, "schema": wanted.schema_, "strict": bool(wanted.strict)}
    return {"type": "json_schema", "json_schema": schema}


def _lookup(assistant: Assistant, body: Create, model: str, tool: Tool | None, given: Sequence[Json]) -> Lookup:
    if body.text and body.text.format.type != "text":
        raise UsageError(
            "An answer from the library is text with citations.",
            hint="Leave text.format out, or ask a plain model without file_search.",
            param="text.format",
        )
    talk = [Message(i["role"], said(i)) for i in given if i["type"] == "message" and i["role"] in {"user", "assistant"}]
    if not talk or talk[-1].role != "user" or not talk[-1].content.strip():
        raise UsageError("The input must end with what the user asks.", param="input")
    stores = _stores(assistant, model, tool)
    scope = assistant.vector_stores.scope(
        stores,
        where=matcher(tool.filters) if tool and tool.filters else None,
        k=(tool.max_num_results if tool else None) or 8,
        at_least=tool.ranking_options.score_threshold if tool and tool.ranking_options else 0.0,
    )
    return Lookup(
        talk[-1].content,
        talk[:-1],
        model if collection_of(model) is None else "",
        scope,
        stores,
        searches=tool is not None,
        results="file_search_call.results" in (body.include or ()),
    )


def _tool(body: Create) -> Tool | None:
    """The file_search tool, if it is there; functions are for plain models. Raises UsageError."""
    if body.background:
        raise UsageError("Responses are not made in the background.", hint="Leave background out.", param="background")
    tools = [] if body.tool_choice == "none" else body.tools or []
    searching = [t for t in tools if t.type == "file_search"]
    for n, tool in enumerate(tools):
        if tool.type not in {"file_search", "function"}:
            hint = "There are file_search and function."
            raise UsageError(f"tools[{n}]: there is no tool {tool.type!r} here.", hint=hint, param=f"tools[{n}].type")
        if tool.type == "file_search" and not tool.vector_store_ids:
            raise UsageError("file_search needs vector_store_ids.", param=f"tools[{n}].vector_store_ids")
    if searching and len(tools) > 1:
        raise UsageError("file_search goes with no other tool; give it once with all its stores.", param="tools")
    return searching[0] if searching else None


def _stores(assistant: Assistant, model: str, tool: Tool | None) -> list[VectorStore]:
    if tool:
        return [assistant.vector_stores.get(store_id) for store_id in dict.fromkeys(tool.vector_store_ids)]
    collection = collection_of(model) or DEFAULT
    try:
        return [assistant.vector_stores.get(id_of(collection))]
    except NotFound:
        return [VectorStore(collection, collection, at := now(), at)]  # the default one may be empty yet


# What was answered


@router.get("/responses/{response_id}")
def retrieve(assistant: Opened, response_id: str) -> dict[str, Any]:
    """A response that was kept."""
    found: Json = assistant.store.responses.get(response_id)["response"]
    return found


@router.delete("/responses/{response_id}")
def delete(assistant: Opened, response_id: str) -> dict[str, Any]:
    """Forget a response; who goes on from it is told that it is not there."""
    assistant.store.responses.remove(response_id)
    return {"id": response_id, "object": "response", "deleted": True}


@router.get("/responses/{response_id}/input_items")
def input_items(assistant: Opened, response_id: str, paging: Paged) -> dict[str, Any]:
    """What was asked, without what came before it."""
    return listed(assistant.store.responses.get(response_id)["input"], paging)
