"""/v1/responses: one turn, its events, and going on from an earlier one.

With the file_search tool, and for the models `gakju` and `gakju:COLLECTION`, the answer is Gakju's own: claims with
footnotes, which come as citations and whole in the `gakju` field. Other models answer without the library.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from gakju import wire
from gakju.api import errors
from gakju.api.events import PING, EventStream, steps
from gakju.api.openai.filters import Filter, matcher
from gakju.api.openai.lists import Metadata, Paged, listed
from gakju.api.openai.responding import Event, Responding, Task
from gakju.api.opened import Opened
from gakju.assistant import DEFAULT, Assistant
from gakju.assistant.vector_stores import id_of
from gakju.errors import NotFound, UsageError
from gakju.store import Json, now
from gakju.store.files import VectorStore
from gakju.types import Message

router = APIRouter(tags=["responses"])

LIBRARY = "gakju"
Role = Literal["system", "user", "assistant"]
TURNS = 20
"""How far back `previous_response_id` is followed."""
_MARKS = re.compile(r"\s?(?:\[\d+\])+")


class Ranking(BaseModel):
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class Tool(BaseModel):
    """Only `file_search` is there."""

    model_config = ConfigDict(extra="allow")
    type: str
    vector_store_ids: Annotated[list[str], Field(max_length=20)] = []
    filters: Filter | None = None
    max_num_results: Annotated[int | None, Field(ge=1, le=50)] = None
    ranking_options: Ranking | None = None


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

    model: str = LIBRARY
    input: str | Annotated[list[dict[str, Any]], Field(max_length=1000)] = ""
    instructions: Annotated[str | None, Field(description="For plain models; answers from the library ignore it.")] = (
        None
    )
    previous_response_id: str | None = None
    tools: Annotated[list[Tool] | None, Field(max_length=16)] = None
    tool_choice: str | dict[str, Any] = "auto"
    include: list[str] | None = None
    text: Text | None = None
    max_output_tokens: Annotated[int | None, Field(ge=1)] = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    metadata: Metadata | None = None
    store: bool | None = True
    stream: bool | None = False
    background: bool | None = False
    user: str | None = None


@router.post("/responses", response_model=None)
async def create(request: Request, assistant: Opened, body: Create) -> Response:
    """Answer. With `stream` the typed events of OpenAI's clients; who goes away stops the answer."""
    given = await to_thread.run_sync(_items, body.input)
    task = await to_thread.run_sync(_task, assistant, body, given)
    made = Responding(assistant, task, _blank(body))
    told = steps(request, _kept(assistant, made, body, given))
    if body.stream:
        return EventStream(told, _frame)
    last: Event = {}
    async for event in told:
        last = event or last
    if last.get("type") == "response.failed":
        return errors.respond(wire.load_error(last["response"]["error"]["gakju"]))
    return JSONResponse(last["response"]) if "response" in last else JSONResponse(made.response, 503)


def _kept(assistant: Assistant, made: Responding, body: Create, given: list[Json]) -> Any:
    """The events; what came of it is kept before its last event is told."""
    for event in made.run():
        if body.store is not False and event.get("type") in {"response.completed", "response.incomplete"}:
            assistant.store.responses.put(made.response["id"], {"response": event["response"], "input": given})
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
        "temperature": body.temperature or 0.0,
        "text": text,
        "tool_choice": body.tool_choice,
        "tools": [t.model_dump(exclude_none=True) for t in body.tools or ()],
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": body.user,
    }


# What is asked


def _items(given: str | Sequence[Mapping[str, Any]]) -> list[Json]:
    """The input as message items. Raises UsageError for a kind that is not understood."""
    listed_ = [{"role": "user", "content": given}] if isinstance(given, str) else given
    items = []
    for n, item in enumerate(listed_):
        kind = item.get("type", "message")
        if kind in {"reasoning", "file_search_call"}:  # a client sends back what it was given
            continue
        if kind != "message" or item.get("role") not in {"user", "assistant", "system", "developer"}:
            raise UsageError(f"input[{n}]: {kind!r} is not understood.", hint="Send messages.", param=f"input[{n}]")
        text = _said(item.get("content"), n)
        part = "output_text" if item["role"] == "assistant" else "input_text"
        content: Json = {"type": part, "text": text}
        if part == "output_text":
            content["annotations"] = []
        items.append(
            {
                "type": "message",
                "id": f"msg_{secrets.token_hex(12)}",
                "status": "completed",
                "role": item["role"],
                "content": [content],
            }
        )
    return items


def _said(content: Any, n: int) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for part in content if isinstance(content, list) else [{}]:
        known = isinstance(part, dict) and part.get("type") in {"input_text", "output_text", "text"}
        if not known or not isinstance(part.get("text"), str):
            raise UsageError(f"input[{n}]: only text is understood.", hint="Send text.", param=f"input[{n}]")
        texts.append(part["text"])
    return "\n".join(texts)


def _messages(items: Sequence[Json]) -> list[Message]:
    """Marks are taken off what was answered: they count from 1 in every answer."""
    found = []
    for item in items:
        if item["type"] != "message":
            continue
        role: Role = "system" if item["role"] == "developer" else item["role"]
        text = "\n".join(part["text"] for part in item["content"])
        found.append(Message(role, _MARKS.sub("", text) if role == "assistant" else text))
    return found


def _history(assistant: Assistant, response_id: str | None) -> list[Message]:
    """What was said before, oldest first. Raises NotFound."""
    turns: list[list[Message]] = []
    while response_id and len(turns) < TURNS:
        try:
            kept = assistant.store.responses.get(response_id)
        except NotFound as e:
            raise NotFound(e.message, param="previous_response_id") from None
        turns.append(_messages([*kept["input"], *kept["response"]["output"]]))
        response_id = kept["response"]["previous_response_id"]
    return [message for turn in reversed(turns) for message in turn]


def _task(assistant: Assistant, body: Create, given: Sequence[Json]) -> Task:
    messages = [*_history(assistant, body.previous_response_id), *_messages(given)]
    if body.background:
        raise UsageError("Responses are not made in the background.", hint="Leave background out.", param="background")
    if not messages or messages[-1].role != "user" or not messages[-1].content.strip():
        raise UsageError("The input must end with what the user asks.", param="input")
    tool = _tool(body)
    if tool is not None or body.model.partition(":")[0] == LIBRARY:
        return _from_library(assistant, body, tool, messages)
    assistant.parts.chat(body.model)  # An unknown model is told before anything is streamed.
    return Task(
        messages,
        body.model,
        body.instructions or "",
        temperature=body.temperature or 0.0,
        max_tokens=body.max_output_tokens,
        extra=_extra(body),
    )


def _from_library(assistant: Assistant, body: Create, tool: Tool | None, messages: Sequence[Message]) -> Task:
    if body.text and body.text.format.type != "text":
        raise UsageError(
            "An answer from the library is text with citations.",
            hint="Leave text.format out, or ask a plain model without file_search.",
            param="text.format",
        )
    stores = _stores(assistant, body.model, tool)
    scope = assistant.vector_stores.scope(
        stores,
        where=matcher(tool.filters) if tool and tool.filters else None,
        k=(tool.max_num_results if tool else None) or 8,
        at_least=tool.ranking_options.score_threshold if tool and tool.ranking_options else 0.0,
    )
    return Task(
        [m for m in messages if m.role != "system"],
        "" if body.model.partition(":")[0] == LIBRARY else body.model,
        scope=scope,
        stores=stores,
        searches=tool is not None,
        results="file_search_call.results" in (body.include or ()),
    )


def _tool(body: Create) -> Tool | None:
    tools = [] if body.tool_choice == "none" else body.tools or []
    for n, tool in enumerate(tools):
        if tool.type != "file_search":
            raise UsageError(
                f"tools[{n}]: there is no tool {tool.type!r} here.",
                hint="Use file_search; for functions use /v1/chat/completions.",
                param=f"tools[{n}].type",
            )
        if not tool.vector_store_ids:
            raise UsageError("file_search needs vector_store_ids.", param=f"tools[{n}].vector_store_ids")
    if len(tools) > 1:
        raise UsageError("Give file_search once, with all its vector stores.", param="tools")
    return tools[0] if tools else None


def _stores(assistant: Assistant, model: str, tool: Tool | None) -> list[VectorStore]:
    if tool:
        return [assistant.vector_stores.get(store_id) for store_id in dict.fromkeys(tool.vector_store_ids)]
    collection = model.partition(":")[2] or DEFAULT
    try:
        return [assistant.vector_stores.get(id_of(collection))]
    except NotFound:
        # A collection without documents is there as soon as it is named, as everywhere in Gakju.
        return [VectorStore(collection, collection, at := now(), at)]


def _extra(body: Create) -> Json:
    """What goes to the model's server as it is."""
    extra: Json = {} if body.top_p is None else {"top_p": body.top_p}
    wanted = body.text.format if body.text else Format()
    if wanted.type == "json_object":
        extra["response_format"] = {"type": "json_object"}
    elif wanted.type == "json_schema":
        if wanted.schema_ is None:
            raise UsageError("text.format needs a schema.", param="text.format.schema")
        schema = {"name": wanted.name, "schema": wanted.schema_, "strict": bool(wanted.strict)}
        extra["response_format"] = {"type": "json_schema", "json_schema": schema}
    return extra


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
