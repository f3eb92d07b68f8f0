"""Generation under load: the line before the engine, who leaves it, and what happens when the server stops."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from anyio import CapacityLimiter
from sse import parsed, text

from fronts import Served, serving
from gakju.api import events
from gakju.api.openai import relay
from gakju.errors import ModelFailed
from gakju.models.fakes import FakeChat
from gakju.models.raw import EngineModel
from gakju.models.turns import Turns
from gakju.types import Delta, Usage

sys.path.append(str(Path(__file__).parents[1] / "conformance"))
import loopback


class Gated(FakeChat):
    """Says "go" until the gate opens."""

    def __init__(self) -> None:
        super().__init__([""])
        self.gate = threading.Event()

    def stream(self, messages, **options):
        self.calls.append(messages)
        yield Delta("go ")
        while not self.gate.wait(0.02):
            yield Delta("go ")
        yield Delta("end")
        yield Delta("", Usage(1, 2))


@dataclass
class PaperEngine:
    """What an EngineModel needs of an engine, over a real server on loopback."""

    base_url: str
    turns: Turns
    key: str = loopback.KEY
    answer_tokens: int = 256

    @property
    def address(self) -> str:
        return self.base_url

    def lost(self) -> bool:
        return False

    def lora(self, adapter: str) -> dict[str, object]:
        return {}

    def stop(self) -> None:
        pass


@dataclass
class Site:
    served: Served
    chat: Gated
    engine: PaperEngine
    host: loopback.LoopbackServer

    @property
    def url(self) -> str:
        return self.served.url + "/v1/chat/completions"


class Chat:
    """A chat model that is nothing but an engine's."""

    def __init__(self, engine: PaperEngine) -> None:
        self.name, self.context = "embedded:paper", 1000
        self.raw = EngineModel(self.name, engine)


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    chat = Gated()
    with loopback.serving(chat) as host:
        engine = PaperEngine(host.url, Turns(1, 2))
        with serving(tmp_path, Chat(engine)) as served:
            yield Site(served, chat, engine, host)
            chat.gate.set()


BODY = {"model": "fake", "messages": [{"role": "user", "content": "hi"}]}


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


class Reader(threading.Thread):
    """A streaming client."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.lines, self.status = url, [], 0
        self.leave = threading.Event()
        self.start()

    def run(self) -> None:
        with (
            httpx.Client(timeout=60, trust_env=False) as http,
            http.stream("POST", self.url, json={**BODY, "stream": True}) as response,
        ):
            self.status = response.status_code
            for line in response.iter_lines():
                self.lines.append(line)
                if self.leave.is_set():
                    return

    @property
    def said(self) -> str:
        return "\n".join(self.lines) + "\n"


def test_the_waiting_are_told_their_place_and_get_their_turn(site: Site) -> None:
    first = Reader(site.url)
    until(lambda: any("go" in line for line in first.lines))
    second = Reader(site.url)
    until(lambda: ": queued 1" in second.lines)
    third = Reader(site.url)
    until(lambda: ": queued 2" in third.lines)
    assert not any(line.startswith("data") for line in second.lines + third.lines)
    site.chat.gate.set()
    for reader in (first, second, third):
        reader.join(60)
        chunks, comments = parsed(reader.said)
        assert text(chunks).endswith("end")
        assert all(c.startswith("queued ") for c in comments)
    assert third.lines.index(": queued 2") < third.lines.index(": queued 1")


def test_a_full_line_says_when_to_come_again(site: Site) -> None:
    readers = [Reader(site.url) for _ in range(3)]
    until(lambda: site.engine.turns.waiting == 2)
    for stream in (False, True):
        response = httpx.post(site.url, json={**BODY, "stream": stream}, timeout=60)
        assert (response.status_code, response.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert 1 <= int(response.headers["retry-after"]) <= 120
    site.chat.gate.set()
    for reader in readers:
        reader.join(60)


def test_who_leaves_stops_the_engine(site: Site) -> None:
    reader = Reader(site.url)
    until(lambda: any("go" in line for line in reader.lines))
    reader.leave.set()
    assert site.host.hung_up.wait(60)
    until(lambda: site.engine.turns.running == 0)
    until(lambda: bool(site.served.assistant.store.usage.days("")))  # put to account once the model has been left
    assert site.served.assistant.store.usage.days("")[0].completion_tokens >= 1


def post_and_hold(site: Site, stream: bool) -> socket.socket:
    """A request whose answer nobody reads yet."""
    address = httpx.URL(site.url)
    body = json.dumps({**BODY, "stream": stream}).encode()
    head = f"POST {address.path} HTTP/1.1\r\nhost: {address.host}\r\ncontent-type: application/json\r\n"
    client = socket.create_connection((address.host, address.port))
    client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return client


def test_who_leaves_without_a_stream_stops_the_engine_too(site: Site) -> None:
    client = post_and_hold(site, stream=False)
    until(lambda: len(site.chat.calls) == 1)
    client.close()
    assert site.host.hung_up.wait(60)
    until(lambda: site.engine.turns.running == 0)


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_the_line_frees_a_place(site: Site, stream: bool) -> None:
    first = Reader(site.url)
    until(lambda: site.engine.turns.running == 1)
    client = post_and_hold(site, stream)
    until(lambda: site.engine.turns.waiting == 1)
    client.close()
    until(lambda: site.engine.turns.waiting == 0)
    assert len(site.chat.calls) == 1
    site.chat.gate.set()
    first.join(60)


def test_a_server_that_stops_says_so(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "FINISH", 0.3)
    monkeypatch.setattr(relay, "LOOK", 0.1)
    chat = Gated()
    with loopback.serving(chat) as host:
        engine = PaperEngine(host.url, Turns(1, 2))
        with serving(tmp_path, Chat(engine)) as served:
            url = served.url + "/v1/chat/completions"
            running = Reader(url)
            until(lambda: any("go" in line for line in running.lines))
            waiting = Reader(url)
            until(lambda: ": queued 1" in waiting.lines)
        for reader in (running, waiting):
            reader.join(60)
            assert parsed(reader.said)[0][-1]["error"]["message"] == "Gakju is closing."
        assert (engine.turns.running, engine.turns.waiting) == (0, 0)
        chat.gate.set()


def test_an_engine_that_breaks_off(site: Site) -> None:
    site.host.cut_after = 3
    response = httpx.post(site.url, json=BODY, timeout=60)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "model_failed")
    reader = Reader(site.url)
    reader.join(60)
    assert reader.status == 200
    assert parsed(reader.said)[0][-1]["error"]["code"] == "model_failed"
    until(lambda: site.engine.turns.running == 0)


class Panic(BaseException):
    """What code in Rust raises where it fails."""


async def relayed(source: AsyncGenerator[dict[str, object], None]) -> AsyncIterator[bytes]:
    """Frames, as a server that does not stop sends them to a client that does not leave."""
    state = SimpleNamespace(stopping=lambda: False)
    request: Any = SimpleNamespace(app=SimpleNamespace(state=state), receive=asyncio.Event().wait)
    response: Any = await relay.streamed(request, source, usage=True)
    async with aclosing(response._told) as frames:
        async for frame in frames:
            yield frame


def test_a_model_that_fails_in_any_way_ends_the_stream() -> None:
    async def source() -> AsyncGenerator[dict[str, object], None]:
        yield {"choices": [1]}
        raise Panic

    async def run() -> None:
        async for frame in relayed(source()):
            assert frame == b'data: {"choices":[1]}\n\n'

    with pytest.raises(Panic):
        asyncio.run(asyncio.wait_for(run(), 60))


def test_a_source_that_fails_as_it_is_left_holds_nobody() -> None:
    """A disk that is full, as what it wrote is put to account; and the client has read nothing for a while."""

    async def source() -> AsyncGenerator[dict[str, object], None]:
        try:
            for n in range(relay.AHEAD + 2):
                yield {"choices": [n]}
            await asyncio.Event().wait()
        finally:
            raise ModelFailed("No more room.")

    async def run() -> None:
        async with aclosing(relayed(source())) as frames:
            await anext(frames)
            await anext(frames)
            await asyncio.sleep(0.1)

    asyncio.run(asyncio.wait_for(run(), 60))


def test_a_step_under_way_ends_before_its_source_is_closed() -> None:
    inside, go, closed = threading.Event(), threading.Event(), threading.Event()

    def source() -> Generator[int]:
        try:
            inside.set()
            go.wait(20)
            yield 1
        finally:
            closed.set()

    async def run() -> None:
        state = SimpleNamespace(stopping=lambda: False, streams=CapacityLimiter(1))
        request: Any = SimpleNamespace(app=SimpleNamespace(state=state))
        step = asyncio.ensure_future(anext(events.steps(request, source())))
        await asyncio.to_thread(inside.wait, 20)
        step.cancel()
        asyncio.get_running_loop().call_later(0.2, go.set)
        await asyncio.wait({step}, timeout=20)
        assert step.cancelled()

    asyncio.run(run())
    assert closed.is_set()


def test_a_model_waits_for_a_client_that_does_not_read_and_stops_when_it_leaves() -> None:
    said: list[int] = []

    async def source() -> AsyncGenerator[dict[str, object], None]:
        try:
            while True:
                said.append(len(said))
                yield {"choices": [len(said)]}
        finally:
            said.append(-1)

    async def run() -> int:
        async with aclosing(relayed(source())) as frames:
            await anext(frames)
            await anext(frames)
            await asyncio.sleep(0.1)
            ahead = len(said)
        return ahead

    assert asyncio.run(run()) <= relay.AHEAD + 3
    assert said[-1] == -1
