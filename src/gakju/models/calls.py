"""Calls of tools out of a small model's text.

A template tells the model of its tools, and the model writes a JSON object with `name` and `arguments`: between
<tool_call> tags as it was told, in a code fence, or bare. Where a call is wanted for certain, a JSON schema makes
the engine write nothing else.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gakju.errors import UsageError

_OPENERS = ("<tool_call>", "```", "{", "[")
_WRAPPING = re.compile(r"</?tool_call>|```(?:json|tool_call|xml)?")
_DECODER = json.JSONDecoder()


class Call(NamedTuple):
    """`arguments` as JSON text, as the API has it."""

    id: str
    name: str
    arguments: str

    def json(self, index: int) -> dict[str, Any]:
        function = {"name": self.name, "arguments": self.arguments}
        return {"index": index, "id": self.id, "type": "function", "function": function}


class Wanted(NamedTuple):
    """What a request says of tools. `names` is empty where none is to be called; `forced`: one must be."""

    names: frozenset[str]
    forced: bool
    schema: Mapping[str, Any] | None

    @classmethod
    def of(cls, tools: Sequence[Mapping[str, Any]], choice: object) -> Wanted:
        """From `tools` and `tool_choice` of a request. Raises UsageError."""
        functions = {t["function"]["name"]: t["function"].get("parameters") or {} for t in tools}
        if choice == "none" or not functions:
            return cls(frozenset(), False, None)
        if choice in (None, "auto"):
            return cls(frozenset(functions), False, None)
        if choice != "required":
            name = _named(choice)
            if name not in functions:
                raise UsageError(f"tool_choice: {name!r} is none of the tools.", param="tool_choice")
            functions = {name: functions[name]}
        return cls(frozenset(functions), True, _schema(functions))


def _named(choice: object) -> str:
    try:
        name = choice["function"]["name"]  # type: ignore[index]
    except (TypeError, KeyError):
        name = None
    if not isinstance(name, str):
        hint = 'Use "auto", "none", "required" or {"type": "function", "function": {"name": …}}.'
        raise UsageError("tool_choice is not understood.", hint=hint, param="tool_choice")
    return name


def _schema(functions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One call of any of the functions. What `$ref` points at is moved to the root, where it is looked for."""
    shared: dict[str, dict[str, Any]] = {}
    calls = []
    for name, parameters in functions.items():
        own = dict(parameters) or {"type": "object"}
        for key in ("$defs", "definitions"):
            if not isinstance(found := own.pop(key, {}), dict):
                raise UsageError(f"tools: {key} in the parameters of {name} is no object.", param="tools")
            shared.setdefault(key, {}).update(found)
        properties = {"name": {"const": name}, "arguments": own}
        required = ["name", "arguments"]
        calls.append({"type": "object", "properties": properties, "required": required, "additionalProperties": False})
    return {"anyOf": calls, **{k: v for k, v in shared.items() if v}} if len(calls) > 1 else {**calls[0], **shared}


class Listener:
    """Takes a model's text in pieces; keeps back what may yet be a call."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._held = ""
        self._talks = not wanted.names

    def feed(self, piece: str) -> str:
        """What is surely no call."""
        if self._talks:
            return piece
        self._held += piece
        start = self._held.lstrip()
        if self._wanted.forced or any(o.startswith(start[: len(o)]) for o in _OPENERS):
            return ""
        self._talks, text, self._held = True, self._held, ""
        return text

    def end(self) -> tuple[str, list[Call]]:
        """The rest: text, or calls."""
        calls = _calls(self._held, self._wanted.names)
        return ("", calls) if calls else (self._held, [])


def _calls(text: str, names: frozenset[str]) -> list[Call]:
    """Every call in `text`, or [] where anything in it is none."""
    rest = _WRAPPING.sub(" ", text).strip()
    found: list[Call] = []
    while rest:
        try:
            value, end = _DECODER.raw_decode(rest)
        except (ValueError, RecursionError):
            return []
        for one in value if isinstance(value, list) else [value]:
            arguments = one.get("arguments", one.get("parameters")) if isinstance(one, dict) else None
            if not isinstance(arguments, dict) or one.get("name") not in names:
                return []
            said = json.dumps(arguments, ensure_ascii=False)
            found.append(Call(f"call_{secrets.token_hex(12)}", one["name"], said))
        rest = rest[end:].lstrip(" \n\r\t,;")
    return found
