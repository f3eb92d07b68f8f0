"""OpenAI's API on top of what llama.cpp's server takes and gives.

It lacks `n` beyond its slots, `tool_choice`, the old completions' logprobs and echo, and counts the tokens of one
choice; it takes parameters that are not for strangers. A request becomes one plan of engine requests, and their
events become the API's chunks.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gakju.errors import UsageError
from gakju.models.calls import Listener, Wanted
from gakju.types import Delta

Json = dict[str, Any]

_SAMPLING = [
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "logit_bias",
    "grammar",
]
_CHAT = frozenset([*_SAMPLING, "logprobs", "top_logprobs", "response_format"])
_TEXT = frozenset([*_SAMPLING, "logprobs"])
_MESSAGE = frozenset(["role", "content", "name", "tool_calls", "tool_call_id"])
MOST_CHOICES = 16
TEXT_TOKENS = 16
"""What the old completions write where `max_tokens` is not given."""


@dataclass(slots=True)
class Part:
    """One request to the engine and the choice that comes of it."""

    request: Json
    chat: bool
    index: int
    head: Json
    listener: Listener
    echo: str = ""
    top: int = 0
    counts_prompt: bool = True
    usage: Json = field(default_factory=dict)
    _begun: bool = False
    _reason: str | None = None
    _offset: int = 0

    def feed(self, event: Json) -> list[Json]:
        """An event of the engine as chunks of the API."""
        if usage := event.get("usage"):
            self.usage = usage
        chunks: list[Json] = []
        for choice in (event.get("choices") or ())[:1]:
            self._reason = choice.get("finish_reason") or self._reason
            chunks += self._chat(choice) if self.chat else self._text(choice)
        return chunks

    def end(self) -> list[Json]:
        """What was kept back, and why the choice is over."""
        chunks = []
        reason = self._reason or "stop"
        if self.chat:
            text, calls = self.listener.end()
            chunks += self._begin()
            if text:
                chunks.append(self._chunk({"content": text}))
            if calls:
                chunks.append(self._chunk({"tool_calls": [c.json(i) for i, c in enumerate(calls)]}))
                reason = "tool_calls" if reason == "stop" else reason
            return [*chunks, self._chunk({}, reason)]
        return [*self._begin(), self._piece("", None, reason)]

    def _begin(self) -> list[Json]:
        if self._begun:
            return []
        self._begun = True
        if self.chat:
            return [self._chunk({"role": "assistant", "content": "", "refusal": None})]
        self._offset = len(self.echo)
        return [self._piece(self.echo, None, None)] if self.echo else []

    def _chat(self, choice: Json) -> list[Json]:
        delta = choice.get("delta") or {}
        logprobs = _seen((choice.get("logprobs") or {}).get("content"), self.top)
        text = self.listener.feed(delta.get("content") or "")
        rest = {k: v for k, v in delta.items() if k not in {"role", "content"} and v}
        chunks = self._begin()
        if text or rest or logprobs:
            said = {"content": text, **rest} if text or not rest else rest
            chunks.append(self._chunk(said, None, {"content": logprobs, "refusal": None} if logprobs else None))
        return chunks

    def _text(self, choice: Json) -> list[Json]:
        text = choice.get("text") or ""
        logprobs = _seen((choice.get("logprobs") or {}).get("content"), self.top)
        chunks = self._begin()
        if text or logprobs:
            chunks.append(self._piece(text, self._old_logprobs(logprobs) if logprobs else None, None))
        return chunks

    def _old_logprobs(self, tokens: Sequence[Json]) -> Json:
        """`offset` counts characters from the start of the choice's text."""
        offsets = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(token["token"])
        return {
            "tokens": [t["token"] for t in tokens],
            "token_logprobs": [t["logprob"] for t in tokens],
            "top_logprobs": [{o["token"]: o["logprob"] for o in t.get("top_logprobs", ())} for t in tokens],
            "text_offset": offsets,
        }

    def _chunk(self, delta: Json, reason: str | None = None, logprobs: Json | None = None) -> Json:
        choice = {"index": self.index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return {**self.head, "choices": [choice]}

    def _piece(self, text: str, logprobs: Json | None, reason: str | None) -> Json:
        choice = {"index": self.index, "text": text, "logprobs": logprobs, "finish_reason": reason}
        return {**self.head, "choices": [choice]}


def _seen(tokens: Sequence[Json] | None, top: int) -> list[Json]:
    """Log probabilities, `top` others with each: no field of the engine's own, no token that ends an answer."""
    return [
        {
            **{k: v for k, v in t.items() if k != "id"},
            "top_logprobs": [{k: v for k, v in o.items() if k != "id"} for o in (t.get("top_logprobs") or ())[:top]],
        }
        for t in tokens or ()
        if t.get("token")
    ]


@dataclass(frozen=True, slots=True)
class Plan:
    head: Json
    parts: list[Part]

    def usage(self) -> Json:
        """The last chunk."""
        prompt = sum(p.usage.get("prompt_tokens", 0) for p in self.parts if p.counts_prompt)
        said = sum(p.usage.get("completion_tokens", 0) for p in self.parts)
        details = [p.usage.get("prompt_tokens_details") or {} for p in self.parts if p.counts_prompt]
        cached = sum(d.get("cached_tokens", 0) for d in details)
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": said,
            "total_tokens": prompt + said,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        return {**self.head, "choices": [], "usage": usage}


def plan(chat: bool, body: Json, name: str) -> Plan:
    """What to ask the engine for a request of the API, checked already for its shape. Raises UsageError."""
    kind, object_ = ("chatcmpl", "chat.completion.chunk") if chat else ("cmpl", "text_completion")
    head = {
        "id": f"{kind}-{secrets.token_hex(12)}",
        "object": object_,
        "created": int(time.time()),
        "model": name,
        "system_fingerprint": None,
    }
    n = body.get("n") or 1
    if n > MOST_CHOICES:
        raise UsageError(f"n: at most {MOST_CHOICES} choices are made.", param="n")
    requests = [_chat_request(body)] if chat else _text_requests(body)
    parts: list[Part] = []
    top = (body.get("top_logprobs") if chat else body.get("logprobs")) or 0
    for request, wanted, echo in requests:
        for i in range(n):
            seeded = {**request, "seed": (request["seed"] + i) % (1 << 32)} if "seed" in request else request
            parts.append(Part(seeded, chat, len(parts), head, Listener(wanted), echo, top, i == 0))
    return Plan(head, parts)


_NO_TOOLS = Wanted(frozenset(), False, None)


def _common(body: Json, known: frozenset[str]) -> Json:
    request = {k: v for k, v in body.items() if k in known and v is not None}
    if "seed" in request:
        request["seed"] %= 1 << 32
    return {**request, "stream": True, "stream_options": {"include_usage": True}}


def _chat_request(body: Json) -> tuple[Json, Wanted, str]:
    if body.get("functions") or body.get("function_call"):
        raise UsageError("functions: this old parameter is not taken.", hint="Use `tools`.", param="functions")
    request = _common(body, _CHAT)
    request["messages"] = [_message(i, m) for i, m in enumerate(body["messages"])]
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None:
        request["max_tokens"] = limit
    if request.get("top_logprobs") and not request.get("logprobs"):
        raise UsageError("top_logprobs needs logprobs to be true.", param="top_logprobs")
    if request.get("logprobs"):
        request["top_logprobs"] = request.get("top_logprobs") or 1  # with none it tells none, the chosen one neither
    _check_format(request)
    tools = body.get("tools") or []
    wanted = Wanted.of(tools, body.get("tool_choice"))
    if wanted.names:
        request["tools"] = tools
    if wanted.schema:
        if "grammar" in request:
            raise UsageError("tool_choice and grammar cannot both be given.", param="tool_choice")
        request["response_format"] = {"type": "json_schema", "json_schema": {"name": "call", "schema": wanted.schema}}
    return request, wanted, ""


def _check_format(request: Json) -> None:
    asked = request.get("response_format")
    if not asked:
        return
    if "grammar" in request and asked.get("type") != "text":
        raise UsageError("response_format and grammar cannot both be given.", param="response_format")
    schema = (asked.get("json_schema") or {}).get("schema")
    if asked.get("type") == "json_schema" and not isinstance(schema, dict):
        raise UsageError("response_format: a JSON schema is missing.", param="response_format.json_schema.schema")


def _message(index: int, message: Json) -> Json:
    content = message.get("content")
    if isinstance(content, list):
        for part in content:
            if part.get("type") not in {"text", "input_text", "refusal"}:
                kind = str(part.get("type"))[:40]
                raise UsageError(
                    f"messages.{index}.content: this model reads text only, not {kind!r}.",
                    param=f"messages.{index}.content",
                )
    kept = {k: v for k, v in message.items() if k in _MESSAGE and v is not None}
    return {**kept, "content": text_of(content)}


def text_of(content: object) -> str:
    """A message's content as text: a string, or the texts of its parts."""
    if isinstance(content, list):
        return "\n".join(str(p.get("text") or p.get("refusal") or "") for p in content if isinstance(p, dict))
    return content if isinstance(content, str) else ""


def _text_requests(body: Json) -> list[tuple[Json, Wanted, str]]:
    for unknown in ("suffix", "best_of"):
        if body.get(unknown) not in (None, "", 1):
            raise UsageError(f"{unknown} is not taken.", param=unknown)
    request = _common(body, _TEXT)
    if request.get("logprobs") == 0:
        request["logprobs"] = 1
    request["max_tokens"] = TEXT_TOKENS if body.get("max_tokens") is None else body["max_tokens"]
    prompts = body["prompt"]
    if isinstance(prompts, str) or (prompts and isinstance(prompts[0], int)):
        prompts = [prompts]
    echo = bool(body.get("echo"))
    if echo and (body.get("logprobs") is not None or not all(isinstance(p, str) for p in prompts)):
        raise UsageError("echo is only there for prompts of text and without logprobs.", param="echo")
    return [({**request, "prompt": p}, _NO_TOOLS, p if echo else "") for p in prompts]


def event(chat: bool, delta: Delta) -> Json:
    """A piece of any model as an event of the engine."""
    ended = delta.usage is not None
    said = {"delta": {"content": delta.text}} if chat else {"text": delta.text}
    usage = delta.usage._asdict() if delta.usage else None
    return {"choices": [{"index": 0, **said, "finish_reason": "stop" if ended else None}], "usage": usage}


class Fold:
    """Chunks to the one answer that they are."""

    def __init__(self, chat: bool) -> None:
        self._chat = chat
        self._head: Json = {}
        self._choices: dict[int, Json] = {}
        self._usage: Json | None = None

    def add(self, chunk: Json) -> None:
        self._head = self._head or {k: v for k, v in chunk.items() if k not in {"choices", "usage"}}
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk["choices"]:
            self._add(self._choices.setdefault(choice["index"], self._empty(choice["index"])), choice)

    def whole(self) -> Json:
        choices = [self._choices[i] for i in sorted(self._choices)]
        head = {**self._head, "object": "chat.completion"} if self._chat else self._head
        return {**head, "choices": choices, "usage": self._usage}

    def _empty(self, index: int) -> Json:
        if self._chat:
            said: Json = {"message": {"role": "assistant", "content": "", "refusal": None}}
        else:
            said = {"text": ""}
        return {"index": index, **said, "logprobs": None, "finish_reason": None}

    def _add(self, whole: Json, choice: Json) -> None:
        whole["finish_reason"] = choice["finish_reason"] or whole["finish_reason"]
        if logprobs := choice.get("logprobs"):
            kept = whole["logprobs"] = whole["logprobs"] or {
                k: [] if isinstance(v, list) else v for k, v in logprobs.items()
            }
            for key, values in logprobs.items():
                if isinstance(values, list):
                    kept[key] += values
        if not self._chat:
            whole["text"] += choice["text"]
            return
        message, delta = whole["message"], choice["delta"]
        message["content"] = (message["content"] or "") + (delta.get("content") or "") or message["content"]
        if calls := delta.get("tool_calls"):
            _add_calls(message, calls)


def _add_calls(message: Json, calls: Sequence[Json]) -> None:
    """Pieces of a call carry its index: the engine streams arguments bit by bit where it reads calls itself."""
    whole: list[Json] = message.setdefault("tool_calls", [])
    message["content"] = message["content"] or None
    for call in calls:
        if call.get("id"):
            whole.append({k: v for k, v in call.items() if k != "index"})
        else:
            whole[-1]["function"]["arguments"] += call["function"].get("arguments") or ""
