"""OpenAI's API as its clients speak it, passed on to a model: requests and answers as JSON, no field lost.

`stream` gives chunks as they come, usage in one of them, with `Waiting` between them while the request stands in
line; `once` gives the whole answer. Whoever stops reading stops the model. Both raise what a ChatModel raises,
and RequestRefused or RateLimited where the other side says so, before the first chunk where it can be.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from gakju import http
from gakju.errors import GakjuError, ModelFailed, NetworkError, UsageError
from gakju.models import dialect
from gakju.models.engine import Engine
from gakju.models.remote import Host, refusal, translated
from gakju.models.turns import Turn
from gakju.protocols import ChatModel
from gakju.types import Delta, Message

if TYPE_CHECKING:
    import openai

Json = dict[str, Any]

CHAT, TEXT, EMBED = "/chat/completions", "/completions", "/embeddings"

ANSWER_SECONDS = 300.0
"""Longest silence of the embedded engine: a full context read on a slow machine takes minutes."""
HEARTBEAT = 1.0
"""Seconds between two `Waiting`."""
LONGEST_EVENT = 16 << 20
"""Bytes of one event; more is no answer of a model."""


_NO_PARSER = "Unable to generate parser for this template. Automatic parser generation failed: "


@dataclass(frozen=True, slots=True)
class Waiting:
    """`position` in the line, counted from 1."""

    position: int


class RawModel(Protocol):
    """`path` is one of CHAT, TEXT and EMBED; `caller` takes turns with other callers."""

    def stream(self, path: str, body: Json, caller: str) -> AsyncGenerator[Json | Waiting, None]: ...

    async def once(self, path: str, body: Json, caller: str) -> Json: ...


async def waited(turn: Turn, awake: asyncio.Event) -> AsyncGenerator[Waiting, None]:
    """Until `turn` has a slot."""
    while True:
        awake.clear()
        if not (position := turn.position):
            return
        yield Waiting(position)
        with suppress(TimeoutError):
            await asyncio.wait_for(awake.wait(), HEARTBEAT)


class EngineModel:
    """The embedded engine, with what llama.cpp's server lacks of the API; see `dialect`."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name, self.engine = name, engine
        self._http: tuple[asyncio.AbstractEventLoop, httpx.AsyncClient] | None = None

    async def stream(self, path: str, body: Json, caller: str) -> AsyncGenerator[Json | Waiting, None]:
        plan = dialect.plan(path == CHAT, body, self.name)
        loop = asyncio.get_running_loop()
        for part in plan.parts:
            awake = asyncio.Event()

            def wake(awake: asyncio.Event = awake) -> None:
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(awake.set)

            # Several choices join the line once each, so that nobody waits behind all of them.
            with self.engine.turns.join(caller, wake) as turn:
                async for waiting in waited(turn, awake):
                    yield waiting
                async with aclosing(self._events(path, part.request)) as events:
                    async for event in events:
                        for chunk in part.feed(event):
                            yield chunk
            for chunk in part.end():
                yield chunk
        yield plan.usage()

    async def once(self, path: str, body: Json, caller: str) -> Json:
        fold = dialect.Fold(path == CHAT)
        async with aclosing(self.stream(path, body, caller)) as chunks:
            async for chunk in chunks:
                if not isinstance(chunk, Waiting):
                    fold.add(chunk)
        return fold.whole()

    async def _events(self, path: str, request: Json) -> AsyncGenerator[Json, None]:
        # Starting it takes seconds; a hop to a thread where it runs already would cost every first token.
        url = (self.engine.address or await asyncio.to_thread(lambda: self.engine.base_url)) + path
        headers = {"authorization": f"Bearer {self.engine.key}", "content-type": "application/json"}
        with self._lost():
            # A lone surrogate, which JSON can hold and UTF-8 cannot, must not fail here.
            content = json.dumps(request)
            async with self._client().stream("POST", url, content=content, headers=headers) as response:
                if response.status_code != 200:
                    raise self._refusal(response.status_code, _error(await response.aread()))
                async with aclosing(events(self.name, response.aiter_bytes())) as found:
                    async for event in found:
                        yield event

    def _refusal(self, status: int, told: Json) -> GakjuError:
        """The engine calls a template that cannot take a message, or a schema, an error of its own."""
        said = str(told.get("message") or "").removeprefix(_NO_PARSER)
        param = "response_format" if "schema" in said or "grammar" in said else None
        param = param or ("messages" if "message" in said or "tool call" in said else None)
        return refusal(self.name, 400 if status == 500 else status, {**told, "message": said, "param": param})

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._http is None or self._http[0] is not loop:
            # Nothing is kept open: the engine hangs up idle connections without a word.
            self._http = loop, http.async_client(offline=True, timeout=ANSWER_SECONDS, keep=0)
        return self._http[1]

    def _lost(self) -> _Lost:
        return _Lost(self.name, self.engine)


class _Lost:
    """A connection to the engine that broke, told as what became of the engine."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name, self.engine = name, engine

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, httpx.HTTPError | NetworkError):
            raise engine_lost(self.name, self.engine) from error


def engine_lost(name: str, engine: Engine) -> ModelFailed:
    """Why the engine does not go on; one that hangs is stopped."""
    if engine.lost():
        what, hint = "ended while it answered", "Ask again: it starts anew."
    else:
        engine.stop()
        what, hint = "did not answer in time and was stopped", "Ask again with less text."
    return ModelFailed(f"The engine of {name} {what}.", hint=hint)


class HostedModel:
    """A model of another server, through the SDK: it retries, knows Azure's paths and asks for tokens."""

    def __init__(self, name: str, model: str, host: Host) -> None:
        self.name, self._model, self._host = name, model, host
        self._made: tuple[asyncio.AbstractEventLoop, openai.AsyncOpenAI] | None = None

    async def stream(self, path: str, body: Json, caller: str) -> AsyncGenerator[Json | Waiting, None]:
        asked = {**body, "stream": True}
        # Without it nobody would know what the answer cost.
        asked["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        with translated(self.name):
            async with self._open(path, asked) as response, aclosing(events(self.name, response.iter_bytes())) as found:
                async for event in found:
                    yield event

    async def once(self, path: str, body: Json, caller: str) -> Json:
        with translated(self.name):
            async with self._open(path, {k: v for k, v in body.items() if k != "stream_options"}) as response:
                answer = json.loads(await response.read())
        if not isinstance(answer, dict):
            raise ModelFailed(f"{self.name} gave an answer that could not be read.")
        return answer

    def _open(self, path: str, body: Json) -> Any:
        client = self._client()
        body = {**body, "model": self._model}
        if path == EMBED:
            # The SDK asks for base64 where nothing is said, and a client would get what it did not ask for.
            return client.embeddings.with_streaming_response.create(
                model=self._model, input="", extra_body={"encoding_format": "float", **body}
            )
        if path == TEXT:
            return client.completions.with_streaming_response.create(model=self._model, prompt="", extra_body=body)
        return client.chat.completions.with_streaming_response.create(model=self._model, messages=[], extra_body=body)

    def _client(self) -> openai.AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if self._made is None or self._made[0] is not loop:
            self._made = loop, self._host.async_client()
        return self._made[1]


class PlainModel:
    """Any other ChatModel: text only."""

    def __init__(self, chat: ChatModel) -> None:
        self.chat = chat

    async def stream(self, path: str, body: Json, caller: str) -> AsyncGenerator[Json | Waiting, None]:
        if path == EMBED:
            raise UsageError(f"{self.chat.name} does not embed.", hint="GET /v1/models lists models.", param="model")
        plan = dialect.plan(path == CHAT, body, self.chat.name)
        for part in plan.parts:
            pieces = iter(self.chat.stream(_messages(part.request), **_options(part.request)))
            upcoming = asyncio.ensure_future(asyncio.to_thread(next, pieces, None))
            try:
                while (delta := await asyncio.shield(upcoming)) is not None:
                    for chunk in part.feed(dialect.event(path == CHAT, delta)):
                        yield chunk
                    upcoming = asyncio.ensure_future(asyncio.to_thread(next, pieces, None))
            finally:
                await asyncio.shield(asyncio.ensure_future(_closed(pieces, upcoming)))
            for chunk in part.end():
                yield chunk
        yield plan.usage()

    async def once(self, path: str, body: Json, caller: str) -> Json:
        fold = dialect.Fold(path == CHAT)
        async with aclosing(self.stream(path, body, caller)) as chunks:
            async for chunk in chunks:
                if not isinstance(chunk, Waiting):
                    fold.add(chunk)
        return fold.whole()


async def _closed(pieces: Iterator[Delta], upcoming: asyncio.Future[Delta | None]) -> None:
    """A generator that runs in a thread cannot be closed: its step is waited for."""
    await asyncio.wait({upcoming})
    stop: Callable[[], None] = getattr(pieces, "close", lambda: None)
    await asyncio.to_thread(stop)


def _messages(request: Json) -> list[Message]:
    if "prompt" in request:
        return [Message("user", str(request["prompt"]))]
    roles: Mapping[str, Any] = {"developer": "system", "tool": "user", "function": "user"}
    return [Message(roles.get(m["role"], m["role"]), dialect.text_of(m.get("content"))) for m in request["messages"]]


def _options(request: Json) -> Json:
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    stop = request.get("stop") or ()
    return {
        "temperature": request.get("temperature") or 0.0,
        "max_tokens": limit,
        "stop": [stop] if isinstance(stop, str) else stop,
    }


async def events(name: str, pieces: AsyncIterator[bytes]) -> AsyncGenerator[Json, None]:
    """The data of server-sent events, until `[DONE]`. Raises ModelFailed where the answer breaks off.

    Lines end at line feeds only: JSON may hold every other character that Python takes for a line's end.
    """
    held, finished = b"", False
    async for piece in pieces:
        *lines, held = (held + piece).split(b"\n")
        if len(held) > LONGEST_EVENT:
            raise ModelFailed(f"{name} sent an event without end.")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            if (data := line[5:].strip()) == b"[DONE]":
                return
            event = _loaded(name, data)
            finished = finished or any(c.get("finish_reason") for c in event.get("choices") or ())
            yield event
    if not finished:
        raise ModelFailed(f"{name} broke off its answer.", hint="Try again.")


def _loaded(name: str, data: bytes) -> Json:
    try:
        event = json.loads(data)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise ModelFailed(f"{name} sent an event that could not be read.")
    if error := event.get("error"):
        raise _in_stream(name, error)
    return event


def _in_stream(name: str, error: object) -> GakjuError:
    told = error if isinstance(error, dict) else {"message": str(error)}
    code = told.get("code")
    return refusal(name, code if isinstance(code, int) else 500, told)


def _error(body: bytes) -> Json:
    try:
        told = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return {"message": body[:200].decode("utf-8", "replace")}
    return told if isinstance(told, dict) else {"message": str(told)}
