"""Generation under load: the line before the engine, who leaves it, and what happens when the server stops."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sse import parsed, text

from fronts import Served, serving
from gakju.api.openai import relay
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

    @property
    def address(self) -> str:
        return self.base_url

    def lost(self) -> bool:
        return False

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


def until(true: Callable[[], bool], seconds: float = 5) -> None:
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
            httpx.Client(timeout=20, trust_env=False) as http,
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
        reader.join(10)
        chunks, comments = parsed(reader.said)
        assert text(chunks).endswith("end")
        assert all(c.startswith("queued ") for c in comments)
    assert third.lines.index(": queued 2") < third.lines.index(": queued 1")


def test_a_full_line_says_when_to_come_again(site: Site) -> None:
    readers = [Reader(site.url) for _ in range(3)]
    until(lambda: site.engine.turns.waiting == 2)
    for stream in (False, True):
        response = httpx.post(site.url, json={**BODY, "stream": stream})
        assert (response.status_code, response.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert 1 <= int(response.headers["retry-after"]) <= 120
    site.chat.gate.set()
    for reader in readers:
        reader.join(10)


def test_who_leaves_stops_the_engine(site: Site) -> None:
    reader = Reader(site.url)
    until(lambda: any("go" in line for line in reader.lines))
    reader.leave.set()
    assert site.host.hung_up.wait(5)
    until(lambda: site.engine.turns.running == 0)
    spent = site.served.assistant.store.usage.days("")
    assert spent[0].completion_tokens >= 1


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
    assert site.host.hung_up.wait(5)
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
    first.join(10)


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
            reader.join(5)
            assert parsed(reader.said)[0][-1]["error"]["message"] == "Gakju is closing."
        assert (engine.turns.running, engine.turns.waiting) == (0, 0)
        chat.gate.set()


def test_an_engine_that_breaks_off(site: Site) -> None:
    site.host.cut_after = 3
    response = httpx.post(site.url, json=BODY)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "model_failed")
    reader = Reader(site.url)
    reader.join(10)
    assert reader.status == 200
    assert parsed(reader.said)[0][-1]["error"]["code"] == "model_failed"
    assert site.engine.turns.running == 0
