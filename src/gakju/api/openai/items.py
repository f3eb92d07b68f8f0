"""Items of a conversation, as /v1/responses takes and keeps them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from gakju.errors import UsageError
from gakju.store import Json

_MARKS = re.compile(r"[ \t]?(?:\[\d+\])+")
_ROLES = ("user", "assistant", "system", "developer")
_TEXTS = ("input_text", "output_text", "text")


def items(given: str | Sequence[Mapping[str, Any]]) -> list[Json]:
    """The input with ids. Raises UsageError for a kind that is not understood."""
    found = []
    for n, item in enumerate([{"role": "user", "content": given}] if isinstance(given, str) else given):
        match item.get("type", "message"):
            case "reasoning" | "file_search_call":  # a client sends back what it was given
                continue
            case "message" if item.get("role") in _ROLES:
                found.append(_message(item, n))
            case "function_call":
                found.append(_call(item, n))
            case "function_call_output":
                output = item.get("output")
                text = output if isinstance(output, str) else _text(output, n)
                found.append({"type": "function_call_output", "call_id": _word(item, "call_id", n), "output": text})
            case other:
                raise UsageError(
                    f"input[{n}]: {other!r} is not understood.", hint="Send messages.", param=f"input[{n}]"
                )
    return [{"id": f"{_PREFIX[i['type']]}_{secrets.token_hex(12)}", "status": "completed", **i} for i in found]


_PREFIX = {"message": "msg", "function_call": "fc", "function_call_output": "fco"}


def _message(item: Mapping[str, Any], n: int) -> Json:
    text = _text(item.get("content"), n)
    part: Json = {"type": "input_text", "text": text}
    if item["role"] == "assistant":
        part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": item["role"], "content": [part]}


def _call(item: Mapping[str, Any], n: int) -> Json:
    return {"type": "function_call", **{key: _word(item, key, n) for key in ("call_id", "name", "arguments")}}


def _word(item: Mapping[str, Any], key: str, n: int) -> str:
    if not isinstance(found := item.get(key), str):
        raise UsageError(f"input[{n}].{key} is missing.", param=f"input[{n}].{key}")
    return found


def _text(content: Any, n: int) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for part in content if isinstance(content, list) else [{}]:
        known = isinstance(part, dict) and part.get("type") in _TEXTS
        if not known or not isinstance(part.get("text"), str):
            raise UsageError(f"input[{n}]: only text is understood.", hint="Send text.", param=f"input[{n}]")
        texts.append(part["text"])
    return "\n".join(texts)


def said(item: Mapping[str, Any]) -> str:
    """A message's text; without our marks where we said it, for they count from 1 in every answer."""
    text = "\n".join(part["text"] for part in item["content"])
    return _MARKS.sub("", text) if item["role"] == "assistant" else text


def chat_messages(given: Sequence[Json]) -> list[Json]:
    """As chat completions have them."""
    messages: list[Json] = []
    for item in given:
        match item["type"]:
            case "message":
                role = "system" if item["role"] == "developer" else item["role"]
                messages.append({"role": role, "content": said(item)})
            case "function_call":
                function = {"name": item["name"], "arguments": item["arguments"]}
                call = {"id": item["call_id"], "type": "function", "function": function}
                if messages and messages[-1].get("tool_calls"):
                    messages[-1]["tool_calls"].append(call)
                else:
                    messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
            case "function_call_output":
                messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]})
    return messages
