"""Requests passed on: no field lost, nothing asked twice once an answer has begun, keys where they belong."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from gakju.errors import ContextTooLong, ModelFailed, RateLimited, RequestRefused, UsageError
from gakju.models import Engines, open_chat
from gakju.models.fakes import FakeChat
from gakju.models.raw import CHAT, EMBED, TEXT, EngineModel, HostedModel, Waiting, events, folded
from gakju.models.remote import Host
from gakju.models.turns import Turns

sys.path.append(str(Path(__file__).parents[1] / "conformance"))
from loopback import KEY, LoopbackServer, serving

MESSAGES = [{"role": "user", "content": "hi", "name": "me", "cache": {"x": 1}}]
BODY = {"model": "ignored", "messages": MESSAGES, "reasoning_effort": "low", "vendor": {"deep": [1, None]}}


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with serving(FakeChat(["one two three"])) as server:
        yield server


def hosted(server: LoopbackServer, **options: Any) -> HostedModel:
    return HostedModel("test:m", "m", Host(server.url, KEY, offline=True, **options))


def streamed(model: HostedModel, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        async with aclosing(model.stream(path, body, "c")) as chunks:
            return [c async for c in chunks if not isinstance(c, Waiting)]

    return asyncio.run(read())


def test_a_stream_loses_no_field_on_either_way(server: LoopbackServer) -> None:
    chunks = streamed(hosted(server), CHAT, BODY)
    path, sent = server.requests[0]
    assert path == "/v1/chat/completions"
    assert sent == {**BODY, "model": "m", "stream": True, "stream_options": {"include_usage": True}}
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "".join(c["choices"][0]["delta"]["content"] for c in chunks if c["choices"]) == "one two three"
    assert chunks[-1]["usage"]["completion_tokens"] == 3


def test_a_whole_answer_comes_as_it_is(server: LoopbackServer) -> None:
    answer = {"id": "1", "choices": [], "usage": {"prompt_tokens": 1}, "of_this_vendor": {"x": [1]}}
    server.answers.append((200, answer))
    assert asyncio.run(hosted(server).once(CHAT, BODY, "c")) == answer
    assert server.requests[0][1] == {**BODY, "model": "m"}
    server.answers.append((200, answer))
    assert asyncio.run(hosted(server).once(TEXT, {"prompt": [1, 2]}, "c")) == answer
    assert server.requests[1] == ("/v1/completions", {"model": "m", "prompt": [1, 2]})


def test_vectors_are_numbers_unless_asked_for_otherwise(server: LoopbackServer) -> None:
    found = asyncio.run(hosted(server).once(EMBED, {"input": ["passage: a"]}, "c"))
    assert len(found["data"][0]["embedding"]) == 64
    assert server.requests[0][1] == {"model": "m", "input": ["passage: a"], "encoding_format": "float"}
    server.answers.append((200, {"data": []}))
    asyncio.run(hosted(server).once(EMBED, {"input": "a", "encoding_format": "base64"}, "c"))
    assert server.requests[1][1]["encoding_format"] == "base64"


def test_it_tries_again_before_an_answer_begins_and_never_after(server: LoopbackServer) -> None:
    server.answers += [(503, {"error": {"message": "busy"}}), (429, {"error": {"message": "slow down"}})]
    assert len(streamed(hosted(server), CHAT, BODY)) >= 3
    assert len(server.requests) == 3
    server.cut_after = 3
    with pytest.raises(Exception, match="test:m"):
        streamed(hosted(server), CHAT, BODY)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "error", "kind", "details"),
    [
        (
            400,
            {"message": "no", "param": "temperature", "code": "unsupported_value"},
            RequestRefused,
            {"param": "temperature", "code": "unsupported_value"},
        ),
        (422, {"message": f"bad {KEY}"}, RequestRefused, {"param": None, "code": None}),
        (400, {"message": "x", "code": "context_length_exceeded"}, ContextTooLong, {"param": "messages"}),
        (429, {"message": "no"}, RateLimited, {"retry_after": 5}),
        (500, {"message": "boom"}, ModelFailed, {}),
    ],
)
def test_refusals_keep_what_the_server_said(
    server: LoopbackServer, status: int, error: dict[str, Any], kind: type[Exception], details: dict[str, Any]
) -> None:
    for ask in (lambda m: streamed(m, CHAT, BODY), lambda m: asyncio.run(m.once(CHAT, BODY, "c"))):
        server.answers.append((status, {"error": error}))
        with pytest.raises(kind) as caught:
            ask(hosted(server, retries=0))
        assert caught.value.details == details
        assert KEY not in str(caught.value)


def test_azures_path_and_key(server: LoopbackServer) -> None:
    host = Host(server.url.removesuffix("/v1"), KEY, offline=True, azure_version="2024-10-21", retries=0)
    server.answers.append((200, {"choices": []}))
    asyncio.run(HostedModel("azure:dep", "dep", host).once(CHAT, BODY, "c"))
    assert server.requests[0][0] == "/openai/deployments/dep/chat/completions?api-version=2024-10-21"
    assert server.headers[0]["api-key"] == KEY


def test_azure_without_a_key_asks_entra(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr("gakju.models.remote.entra_token", lambda: lambda: "a.token.of-entra")
    endpoint = server.url.removesuffix("/v1")
    chat: Any = open_chat("azure:dep", root=tmp_path, engines=Engines(), azure_endpoint=endpoint, offline=True)
    server.answers += [(200, {"choices": []})]
    asyncio.run(chat.raw.once(CHAT, BODY, "c"))
    assert server.headers[0]["authorization"] == "Bearer a.token.of-entra"
    assert "api-key" not in server.headers[0]


def test_entra_without_its_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from gakju.models.remote import entra_token

    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(UsageError, match=r"gakju\[azure\]"):
        entra_token()


async def bytewise(data: bytes) -> AsyncIterator[bytes]:
    for i in range(len(data)):
        yield data[i : i + 1]


def read(data: bytes) -> list[dict[str, Any]]:
    async def run() -> list[dict[str, Any]]:
        return [e async for e in events("test:m", bytewise(data))]

    return asyncio.run(run())


END = b'data: {"choices": [{"finish_reason": "stop"}]}\n\n'


def test_events_end_at_line_feeds_only() -> None:
    said = "a\u2028b\x85c\x0bd각"
    data = 'data: {{"choices": [], "x": "{}"}}\r\n\r\n: comment\n\nevent: x\n'.format(said.replace("\x0b", "\\u000b"))
    assert read(data.encode() + END + b"data: [DONE]\n\ndata: {}\n\n")[0]["x"] == said


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'data: {"choices": []}\n\n', "broke off"),
        (b"data: {\n\n", "could not be read"),
        (b"data: [1]\n\n", "could not be read"),
        (b'data: {"error": {"message": "out of memory", "code": 500}}\n\n', "out of memory"),
        (b"", "broke off"),
    ],
)
def test_a_stream_that_is_none(data: bytes, words: str) -> None:
    with pytest.raises(ModelFailed, match=words):
        read(data)


def test_a_stream_without_its_last_word_is_whole_where_the_choice_is() -> None:
    assert len(read(END)) == 1


class DyingEngine:
    """At an address where nobody listens; to find that out takes as long as `go` is not set."""

    base_url = address = "http://127.0.0.1:9/v1"
    key = "k"
    answer_tokens = 256

    def __init__(self) -> None:
        self.turns = Turns(1, 2)
        self.inside, self.go = threading.Event(), threading.Event()

    def lora(self, adapter: str) -> dict[str, Any]:
        return {}

    def lost(self) -> bool:
        self.inside.set()
        return self.go.wait(60)


def test_a_worker_that_died_holds_up_nobody_else() -> None:
    engine: Any = DyingEngine()

    async def run() -> None:
        asked = asyncio.ensure_future(folded(CHAT, EngineModel("embedded:m", engine).stream(CHAT, BODY, "c")))
        while not engine.inside.is_set():
            await asyncio.sleep(0.01)
        engine.go.set()  # a loop that was held up comes here only after it has waited in vain
        with pytest.raises(ModelFailed, match="ended while it answered"):
            await asked

    asyncio.run(run())
    assert engine.turns.running == 0


class BusyEngine(DyingEngine):
    """Loads no adapter before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.loading = ThreadPoolExecutor(1)
        self.may = threading.Event()

    def load(self, adapter: str) -> None:
        self.may.wait(100)

    def lost(self) -> bool:
        return True


def test_many_that_wait_for_an_adapter_leave_threads_to_others() -> None:
    engine: Any = BusyEngine()

    async def run() -> list[BaseException | dict[str, Any]]:
        model = EngineModel("embedded:m", engine, lambda: "ft-1")
        waiting = [asyncio.ensure_future(folded(CHAT, model.stream(CHAT, BODY, "c"))) for _ in range(50)]
        await asyncio.sleep(0.05)
        try:
            assert await asyncio.wait_for(asyncio.to_thread(lambda: "here"), 2) == "here"
        finally:
            engine.may.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    told = asyncio.run(run())
    assert {type(t) for t in told} <= {ModelFailed, RateLimited}
