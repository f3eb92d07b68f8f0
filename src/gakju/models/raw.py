"""OpenAI's API as its clients speak it, passed on to a model: requests and answers as JSON, no field lost.

`stream` gives chunks as they come, usage in one of them, with `Waiting` between them while the request stands in
line; `folded` makes the whole answer of them, and `HostedModel.once` asks for it. Whoever stops reading stops the
model. All raise what a ChatModel raises, and RequestRefused or RateLimited where the other side says so, before the
first chunk where it can be.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from gakju.errors import GakjuError, ModelFailed, NetworkError, UsageError
from gakju.models import dialect, loopback
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


async def folded(path: str, chunks: AsyncGenerator[Json | Waiting, None]) -> Json:
    """The one answer that the chunks of a stream are."""
    fold = dialect.Fold(path == CHAT)
    async with aclosing(chunks) as found:
        async for chunk in found:
            if not isinstance(chunk, Waiting):
                fold.add(chunk)
    return fold.whole()


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

    def __init__(self, name: str, engine: Engine, adapter: Callable[[], str] = str) -> None:
        self.name, self.engine, self.adapter = name, engine, adapter

    async def stream(self, path: str, body: Json, caller: str) -> AsyncGenerator[Json | Waiting, None]:
        plan = dialect.plan(path == CHAT, body, self.name)
        loop = asyncio.get_running_loop()
        if adapter := self.adapter():
            await loop.run_in_executor(self.engine.loading, self.engine.load, adapter)
        for part in plan.parts:
            awake = asyncio.Event()

            def wake(awake: asyncio.Event = awake) -> None:
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(awake.set)

            # Several choices join the line once each, so that nobody waits behind all of them.
            with self.engine.turns.join(caller, wake) as turn:
                async for waiting in waited(turn, awake):
                    yield waiting
                async with aclosing(self._events(path, part.request, adapter)) as events:
                    async for event in events:
                        for chunk in part.feed(event):
                            yield chunk
            for chunk in part.end():
                yield chunk
        yield plan.usage()

    async def _events(self, path: str, request: Json, adapter: str) -> AsyncGenerator[Json, None]:
        # Starting it takes seconds; a hop to a thread where it runs already would cost every first token.
        url = (self.engine.address or await asyncio.to_thread(lambda: self.engine.base_url)) + path
        headers = {"authorization": f"Bearer {self.engine.key}", "content-type": "application/json"}
        # A lone surrogate, which JSON can hold and UTF-8 cannot, must not fail here.
        content = json.dumps({"max_tokens": self.engine.answer_tokens, **request, **self.engine.lora(adapter)}).encode()
        try:
            async with loopback.post(url, headers, content, silence=ANSWER_SECONDS) as answer:
                if answer.status != 200:
                    raise self._refusal(answer.status, _error(await answer.whole()))
                async with aclosing(events(self.name, answer.pieces())) as found:
                    async for event in found:
                        yield event
        except NetworkError as error:
            # It waits for a worker that dies and ends one that hangs: seconds, in which others go on.
            raise await asyncio.to_thread(engine_lost, self.name, self.engine) from error

    def _refusal(self, status: int, told: Json) -> GakjuError:
        """The engine calls a template that cannot take a message, or a schema, an error of its own."""
        said = str(told.get("message") or "").removeprefix(_NO_PARSER)
        param = "response_format" if "schema" in said or "grammar" in said else None
        param = param or ("messages" if "message" in said or "tool call" in said else None)
        return refusal(self.name, 400 if status == 500 else status, {**told, "message": said, "param": param})


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
