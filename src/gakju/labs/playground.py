"""One request to a model, as a program would send it: begun beside everything else, looked at as it is answered."""

from __future__ import annotations

import asyncio
import json
import shlex
import threading
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pprint import pformat
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gakju.assistant.generate import Generator, collection_of, listed, resolve
from gakju.errors import GakjuError, UsageError
from gakju.models.raw import CHAT, Waiting

if TYPE_CHECKING:
    from gakju.assistant import Assistant

Json = dict[str, Any]
Role = Literal["system", "user", "assistant"]

CALLER = "playground"
"""Who takes turns with others in the line before a model."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. Values that are None are not sent; `schema` is JSON text, for `format` "schema"."""

    turns: tuple[tuple[Role, str], ...]
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence: float = 0.0
    frequency: float = 0.0
    format: Literal["text", "json", "schema"] = "text"
    schema: str = ""
    top_logprobs: int | None = None

    def body(self) -> Json:
        """As the API takes it, without the model. Raises UsageError for a request that cannot be sent."""
        messages = [{"role": role, "content": text} for role, text in self.turns if text.strip()]
        if not any(m["role"] == "user" for m in messages):
            raise UsageError("There is nothing to answer.", hint="Write something as the user.", param="messages")
        body: Json = {"messages": messages, "temperature": self.temperature, "max_tokens": self.max_tokens}
        if self.top_p < 1:
            body["top_p"] = self.top_p
        if self.stop:
            body["stop"] = list(self.stop)
        if self.seed is not None:
            body["seed"] = self.seed
        if self.presence:
            body["presence_penalty"] = self.presence
        if self.frequency:
            body["frequency_penalty"] = self.frequency
        if self.format != "text":
            body["response_format"] = self._format()
        if self.top_logprobs is not None:
            body |= {"logprobs": True, "top_logprobs": self.top_logprobs}
        return body

    def _format(self) -> Json:
        if self.format == "json":
            return {"type": "json_object"}
        try:
            schema = json.loads(self.schema)
        except (ValueError, RecursionError) as error:
            where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise UsageError(f"The schema is no JSON{where}.", hint="Mend it, or choose plain text.") from None
        if not isinstance(schema, dict):
            raise UsageError("The schema is no JSON object.", hint='It begins with {"type": "object".')
        return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


class Piece(NamedTuple):
    """A token of the answer: its bytes, the log of its probability, and others that could have stood there."""

    raw: bytes
    logprob: float
    others: tuple[tuple[bytes, float], ...]


State = Literal["waiting", "running", "done", "stopped", "failed"]


@dataclass
class Run:
    """A request under way or over. Written by one thread, read by any; seconds count from the start."""

    model: str
    request: Request
    started: float = field(default_factory=time.perf_counter)
    state: State = "waiting"
    position: int = 0
    """In the line before the model, from 1; 0 is none."""
    text: str = ""
    pieces: list[Piece] = field(default_factory=list)
    usage: Json = field(default_factory=dict)
    finish: str = ""
    error: dict[str, str] = field(default_factory=dict)
    first: float | None = None
    seconds: float = 0.0
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def over(self) -> bool:
        return self.state in {"done", "stopped", "failed"}

    @property
    def speed(self) -> float | None:
        """Tokens a second after the first."""
        said = int(self.usage.get("completion_tokens") or 0)
        spent = self.seconds - (self.first or 0)
        return said / spent if said > 1 and spent > 0 and self.first is not None else None

    def take(self, chunk: Json) -> None:
        """A chunk of the API."""
        self.state = "running"
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or ():
            self.finish = choice.get("finish_reason") or self.finish
            if said := (choice.get("delta") or {}).get("content"):
                self.first = self.first if self.first is not None else time.perf_counter() - self.started
                self.text += said
            for token in (choice.get("logprobs") or {}).get("content") or ():
                others = tuple((_bytes(o), float(o["logprob"])) for o in token.get("top_logprobs") or ())
                self.pieces.append(Piece(_bytes(token), float(token["logprob"]), others))


def _bytes(token: Json) -> bytes:
    raw = token.get("bytes")
    return bytes(raw) if raw else str(token.get("token") or "").encode("utf-8", "replace")


class Playground:
    """Runs requests on a loop of its own, so that nobody waits for them. Thread-safe."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    def models(self) -> list[str]:
        """Chat models that can be named; apps and the library are no single requests."""
        a = self._assistant
        named = [a.settings.chat_model, *(m.id for m in listed(a)), *a.settings.prices]
        plain = [m for m in named if collection_of(m) is None and not m.startswith("app:") and m != a.settings.embedder]
        return [m for m in dict.fromkeys(plain) if not _embeds(m)]

    def start(self, model: str, request: Request) -> Run:
        """Begin; returns at once. Raises UsageError, UnknownModel, QuotaSpent."""
        body = request.body()
        name = resolve(self._assistant, model)
        self._assistant.accounts.check()
        run = Run(name, request)
        loop = _loop()

        def begin() -> None:
            run.task = loop.create_task(self._run(run, body))

        loop.call_soon_threadsafe(begin)
        return run

    def stop(self, run: Run) -> None:
        """The model stops too; what was written stays."""

        def end() -> None:
            if run.task:
                run.task.cancel()

        _loop().call_soon_threadsafe(end)

    async def _run(self, run: Run, body: Json) -> None:
        generator = Generator(self._assistant, run.model, CHAT, body, caller=CALLER, key_id="")
        state: State = "failed"
        try:
            async with aclosing(generator.stream()) as chunks:
                async for chunk in chunks:
                    if isinstance(chunk, Waiting):
                        run.position = chunk.position
                    else:
                        run.position = 0
                        run.take(chunk)
            state = "done"
        except asyncio.CancelledError:
            state = "stopped"
        except GakjuError as error:
            run.error = {"code": error.code, "message": error.message, "hint": error.hint}
        except Exception as error:
            run.error = {
                "code": "internal",
                "message": f"{type(error).__name__} in Gakju itself.",
                "hint": "Try again.",
            }
        finally:
            run.seconds = time.perf_counter() - run.started
            run.state = state


def _embeds(model: str) -> bool:
    from gakju.models import catalog

    provider, _, name = model.partition(":")
    return provider == "embedded" and any(e.name == name and e.kind == "embed" for e in catalog.entries())


_lock = threading.Lock()
_running: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """One loop in a thread of its own, for the life of the process."""
    with _lock:
        if not _running:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="playground", daemon=True).start()
            _running.append(loop)
        return _running[0]


# The same request for other programs


def as_curl(base_url: str, model: str, request: Request, *, key: bool = False) -> str:
    """A command for a shell. Raises UsageError. `key`: the server asks for one, taken from the environment."""
    body = {"model": model, **request.body(), "stream": True}
    lines = [f"curl -N {shlex.quote(base_url + '/chat/completions')}", "-H 'content-type: application/json'"]
    if key:
        lines.append('-H "authorization: Bearer $GAKJU_KEY"')
    lines.append(f"-d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}")
    return " \\\n  ".join(lines)


def as_python(base_url: str, model: str, request: Request, *, key: bool = False) -> str:
    """A program that uses the openai SDK. Raises UsageError."""
    secret = 'os.environ["GAKJU_KEY"]' if key else '"none"'
    arguments = {"model": model, **request.body(), "stream": True}
    given = "\n".join(f"    {name}={_literal(value)}," for name, value in arguments.items())
    return "\n".join(
        [
            *(["import os", ""] if key else []),
            "from openai import OpenAI",
            "",
            f"client = OpenAI(base_url={base_url!r}, api_key={secret})",
            "stream = client.chat.completions.create(",
            given,
            ")",
            "for chunk in stream:",
            "    for choice in chunk.choices:",
            '        print(choice.delta.content or "", end="", flush=True)',
            "",
        ]
    )


def _literal(value: object) -> str:
    return pformat(value, width=88, sort_dicts=False).replace("\n", "\n    ")


def window(turns: Sequence[tuple[Role, str]], model: str, assistant: Assistant) -> tuple[int, bool, int]:
    """(tokens of the prompt, whether exact, the model's context)."""
    from gakju.labs import tokenizer
    from gakju.types import Message

    messages = [Message(role, text) for role, text in turns if text.strip()]
    settings = assistant.settings
    try:
        number, exact = tokenizer.prompt_tokens(messages, model, settings)
    except GakjuError:  # its file is not here yet
        number, exact = tokenizer.prompt_tokens(messages, "openai:?", settings)[0], False
    return number, exact, tokenizer.context_of(model, settings)
