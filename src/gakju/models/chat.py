"""Chat models through the `openai` SDK: hosted, self-hosted, and the embedded engine alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gakju.errors import ModelFailed, NetworkError
from gakju.models.engine import Engine
from gakju.models.raw import ANSWER_SECONDS, EngineModel, PlainModel, RawModel, engine_lost
from gakju.models.remote import ClientFactory, Host, translated
from gakju.types import Delta, Message, Usage

if TYPE_CHECKING:
    import openai

HERE = ""
"""The caller that stands for this process's own questions: those over the library."""


class OpenAIChat:
    """A ChatModel behind `/chat/completions`; `client` is asked for at each use. Thread-safe.

    `limit_name` is the parameter that bounds the answer: hosted reasoning models take another one. `raw` passes
    on requests of the API as they are.
    """

    def __init__(
        self,
        name: str,
        client: ClientFactory,
        model: str,
        context: int,
        *,
        limit_name: str = "max_tokens",
        raw: RawModel | None = None,
    ) -> None:
        self.name, self.context = name, context
        self.raw = raw or PlainModel(self)
        self._client, self._model, self._limit_name = client, model, limit_name

    def stream(
        self,
        messages: Sequence[Message],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> Iterator[Delta]:
        request: dict[str, Any] = {"temperature": temperature, "extra_body": dict(extra or {})}
        if max_tokens is not None:
            request[self._limit_name] = max_tokens
        if stop:
            request["stop"] = list(stop)
        with translated(self.name):
            completions: Any = self._client().chat.completions  # its overloads want literals
            response = completions.create(
                model=self._model,
                messages=[{"role": m.role, "content": m.content} for m in messages],
                stream=True,
                stream_options={"include_usage": True},
                **request,
            )
            usage, finished = Usage(), False
            try:
                for event in response:
                    if event.usage:
                        usage = Usage(event.usage.prompt_tokens, event.usage.completion_tokens)
                    for choice in (event.choices or ())[:1]:
                        finished = finished or choice.finish_reason is not None
                        if choice.delta.content:
                            yield Delta(choice.delta.content, top=_top(choice.logprobs))
            finally:
                # Hanging up is what stops the generation on the other side.
                response.close()
            if not finished:
                raise ModelFailed(f"{self.name} broke off its answer.", hint="Try again.")
        yield Delta("", usage)


def _top(told: Any) -> dict[str, float]:
    tokens = (told and told.content) or ()
    return {one.token: one.logprob for token in tokens[:1] for one in token.top_logprobs or ()}


class EmbeddedChat(OpenAIChat):
    """A model run by the embedded engine. Where the engine dies, ModelFailed is raised and the next use starts it."""

    def __init__(self, name: str, engine: Engine, adapter: Callable[[], str] = str) -> None:
        """`adapter` gives the id of the adapter that the name means now, "" for none; it may raise UnknownModel."""
        raw = EngineModel(name, engine, adapter)
        super().__init__(name, self._connect, name.partition(":")[2], engine.context, raw=raw)
        self.engine, self.adapter = engine, adapter
        self._lock = threading.Lock()
        self._connected: tuple[str, openai.OpenAI] | None = None

    def _connect(self) -> openai.OpenAI:
        url = self.engine.base_url
        with self._lock:
            if self._connected is None or self._connected[0] != url:
                # No retries: a request that broke the engine would break the next one. No connection is kept: the
                # engine hangs up idle ones without a word, which would look as if it had died.
                host = Host(url, self.engine.key, offline=True, timeout=ANSWER_SECONDS, retries=0, keep=0)
                self._connected = url, host.client()
            return self._connected[1]

    def stream(
        self,
        messages: Sequence[Message],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> Iterator[Delta]:
        self.engine.load(adapter := self.adapter())
        try:
            with self.engine.turns.join(HERE) as turn:
                turn.wait()
                self._connect()  # only a worker that is up knows the places of its adapters
                extra = {**(extra or {}), **self.engine.lora(adapter)}
                limit = self.engine.answer_tokens if max_tokens is None else max_tokens
                options = {"temperature": temperature, "max_tokens": limit, "stop": stop, "extra": extra}
                yield from super().stream(messages, **options)  # type: ignore[arg-type]
        except NetworkError as error:
            raise engine_lost(self.name, self.engine) from error

    def warm(self, prefix: Sequence[Message]) -> None:
        """Reads a prompt's beginning ahead; see `Engine.warm`."""
        self.engine.warm(prefix)

    def next_tokens(self, ids: Sequence[int], top: int = 64) -> dict[int, float]:
        """Log probabilities of the likeliest tokens by number after a prompt of numbers.

        Empty where the likeliest token is a part of a character: the engine tells nothing of those.
        """
        self.engine.load(adapter := self.adapter())
        with self.engine.turns.join(HERE) as turn:
            turn.wait()
            with translated(self.name):
                client = self._connect()
                body = {"prompt": list(ids), "max_tokens": 1, "temperature": 0, "logprobs": top}
                told: Any = client.post("/completions", body={**body, **self.engine.lora(adapter)}, cast_to=object)
                tokens = (told["choices"][0].get("logprobs") or {}).get("content") or ()
                return {one["id"]: one["logprob"] for token in tokens[:1] for one in token["top_logprobs"]}
