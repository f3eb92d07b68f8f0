"""How much at a time, how often, how long, and how much a day."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from test_access import bearer, key, running

from fronts import serving
from gakju.api import limits
from gakju.errors import QuotaSpent
from gakju.models.fakes import FakeChat
from gakju.types import Delta

ASK = {"question": "연차휴가는 며칠인가?", "stream": False}


def test_requests_a_minute(tmp_path) -> None:
    with running(tmp_path) as (http, assistant):
        token, other = key(assistant, requests_per_minute=3), key(assistant)
        seen = [http.get("/v1/collections", headers=bearer(token)) for _ in range(4)]
        assert [r.status_code for r in seen] == [200, 200, 200, 429]
        assert seen[3].json()["error"]["code"] == "rate_limit_exceeded"
        assert 1 <= int(seen[3].headers["retry-after"]) <= 20
        assert http.get("/v1/collections", headers=bearer(other)).status_code == 200


def test_a_minutes_requests_come_back_bit_by_bit(monkeypatch) -> None:
    from gakju.api.callers import Caller
    from gakju.errors import RateLimited
    from gakju.settings import Settings
    from gakju.store.keys import Key

    now = [1000.0]
    # Not of the module `time` itself: a server in this process that sleeps meanwhile would wake at that clock's time.
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: now[0]))
    made = Key("k", "", "", frozenset(), None, 6, 0, 0.0, "", "", "", "")
    caller, room = Caller("k", frozenset(), None, made), limits.Room(Settings())
    for _ in range(6):
        room.count(caller)
    with pytest.raises(RateLimited) as raised:
        room.count(caller)
    assert raised.value.details["retry_after"] == 10
    now[0] += 10
    room.count(caller)
    with pytest.raises(RateLimited):
        room.count(caller)


@pytest.fixture
def held(tmp_path) -> Iterator[tuple]:
    """A server with a route that ends when it is told to, and at most three requests, two of each key."""
    with running(tmp_path, requests=3, requests_per_key=2) as (http, assistant):
        inside, go = threading.Semaphore(0), threading.Event()

        def slow(request):
            inside.release()
            go.wait(100)
            return PlainTextResponse("done")

        http.app.router.routes.insert(0, Route("/v1/collections", slow))
        yield http, assistant, inside, go
        go.set()


def test_requests_at_a_time(held) -> None:
    http, assistant, inside, go = held
    one, two = bearer(key(assistant)), bearer(key(assistant))
    done: list[int] = []

    def call(headers) -> threading.Thread:
        thread = threading.Thread(target=lambda: done.append(http.get("/v1/collections", headers=headers).status_code))
        thread.start()
        assert inside.acquire(timeout=60)
        return thread

    threads = [call(one), call(one)]
    mine = http.get("/v1/documents", headers=one)
    assert (mine.status_code, mine.headers["retry-after"]) == (429, "1")
    threads.append(call(two))
    everyone = http.get("/v1/documents", headers=two)
    assert (everyone.status_code, everyone.headers["retry-after"]) == (429, "2")
    assert http.get("/healthz").status_code == 200
    go.set()
    for thread in threads:
        thread.join(60)
    assert done == [200, 200, 200]
    assert http.get("/v1/documents", headers=one).status_code == 200


def test_an_answer_that_does_not_begin_is_given_up(tmp_path) -> None:
    with running(tmp_path, keys=False, request_seconds=0.3) as (http, _):
        ended = threading.Event()

        def slow(request):
            time.sleep(1)
            ended.set()
            return PlainTextResponse("too late")

        http.app.router.routes.insert(0, Route("/v1/slow", slow))
        late = http.get("/v1/slow")
        assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
        assert ended.wait(60)


def test_that_an_answer_did_not_begin_is_said_to_its_end() -> None:
    """Also where the work ends while it is being said: a server closes what is unsaid once the application returns."""
    said: list[tuple] = []
    worked = asyncio.Event()

    async def work(scope, receive, send) -> None:
        await worked.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"too late"})

    async def send(message) -> None:
        worked.set()
        await asyncio.sleep(0.05)
        said.append((message["type"], message.get("status")))

    impatient(work, send)
    assert said == [("http.response.start", 504), ("http.response.body", None)]


def test_who_left_before_being_told_so_is_no_fault() -> None:
    async def work(scope, receive, send) -> None:
        await left.wait()

    async def send(message) -> None:
        left.set()
        raise OSError

    left = asyncio.Event()
    impatient(work, send)
    assert left.is_set()


def impatient(work, send) -> None:
    """One request to `work`, whose answer must begin within 50 ms."""
    app = limits.Patience(work, begin=0.05, pause=60)
    asyncio.run(app({"type": "http", "path": "/", "method": "GET", "headers": []}, asyncio.Event().wait, send))


def test_a_request_that_stops_on_the_way_is_hung_up_on(tmp_path, monkeypatch) -> None:
    from gakju.api import serve

    monkeypatch.setattr(serve, "HEADERS_WITHIN", 1.0)
    with serving(tmp_path, body_seconds=0.3) as served:
        url = httpx.URL(served.url)
        head = f"POST /v1/search HTTP/1.1\r\nhost: {url.host}:{url.port}\r\n"
        body = head + "content-type: application/json\r\ncontent-length: 100\r\n\r\n{"
        assert b" 408 " in said(url, body)
        assert said(url, head) == b""
        assert said(url, "") == b""
        assert httpx.get(f"{served.url}/healthz", trust_env=False, timeout=60).status_code == 200


def said(url: httpx.URL, sent: str) -> bytes:
    """What the server answers to this and nothing more; it must hang up soon."""
    with socket.create_connection((url.host, url.port), timeout=60) as connection:
        connection.sendall(sent.encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
            if b"}}" in answer:
                break
        return answer


def test_an_answer_that_nobody_takes_stops_the_model(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(limits, "TAKEN", 0.5)
    ended = threading.Event()

    class Endless(FakeChat):
        def stream(self, messages, **options):
            try:
                while True:
                    yield Delta("x" * 100_000)
            finally:
                ended.set()

    body = json.dumps({"model": "fake", "stream": True, "messages": [{"role": "user", "content": "x"}]})
    with serving(tmp_path, Endless([""])) as served:
        url = httpx.URL(served.url)
        with socket.create_connection((url.host, url.port), timeout=20) as connection:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {url.host}:{url.port}\r\n"
            kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(f"{head}{kind}{body}".encode())
            assert ended.wait(30)
        assert httpx.get(f"{served.url}/healthz", trust_env=False, timeout=60).status_code == 200


def test_a_days_tokens_and_money(tmp_path) -> None:
    with running(tmp_path, prices={"fake": (1.0, 2.0)}) as (http, assistant):
        spent = assistant.accounts.spend
        few, poor = key(assistant, tokens_per_day=1000), key(assistant, money_per_day=0.5)
        ids = {token: assistant.store.keys.find(token).id for token in (few, poor)}
        spent("fake", 600, 399, key_id=ids[few])
        assert http.post("/v1/ask", json=ASK, headers=bearer(few)).status_code == 200
        spent("fake", 1, 0, key_id=ids[few])
        refused = http.post("/v1/ask", json=ASK, headers=bearer(few))
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
        assert 0 < int(refused.headers["retry-after"]) <= 86400
        assert http.get("/v1/documents", headers=bearer(few)).status_code == 200
        spent("fake", 100_000, 200_000, key_id=ids[poor])  # 0.1 + 0.4
        assert http.post("/v1/ask", json=ASK, headers=bearer(poor)).status_code == 429
        (day,) = http.get("/v1/usage", headers=bearer(poor)).json()
        assert (day["model"], day["prompt_tokens"], day["completion_tokens"], day["requests"]) == (
            "fake", 100_000, 200_000, 1,
        )  # fmt: skip
        assert day["money"] == pytest.approx(0.5)
        everyone = http.get("/v1/usage", headers=bearer(key(assistant, "admin"))).json()
        assert {d["key_id"] for d in everyone} == set(ids.values())


def test_the_servers_own_budget_holds_for_the_screen_too(tmp_path) -> None:
    with running(tmp_path, keys=False, tokens_per_day=10) as (http, assistant):
        assistant.accounts.spend("fake", 9, 0)
        assert http.post("/v1/ask", json=ASK).status_code == 200
        assistant.accounts.spend("fake", 1, 0)
        assert http.post("/v1/ask", json=ASK).status_code == 429
        with pytest.raises(QuotaSpent):
            assistant.submit_ask("x")


def test_questions_that_wait_are_not_piled_up(tmp_path) -> None:
    with running(tmp_path, keys=False, queue=2) as (http, assistant):
        assistant.jobs.close()  # Nobody takes them up.
        for _ in range(3):
            assistant.store.add_job("ask", {})
        refused = http.post("/v1/ask", json=ASK)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"


def test_an_answer_goes_to_the_account_of_its_key(tmp_path) -> None:
    with running(tmp_path) as (http, assistant):
        token = key(assistant, "ask", "write")
        job = http.post(
            "/v1/documents", files={"files": ("a.txt", "연차휴가는 15일이다.".encode())}, headers=bearer(token)
        )
        assistant.jobs.wait(job.json()["id"])
        answer = http.post("/v1/ask", json=ASK, headers=bearer(token)).json()
        (day,) = assistant.store.usage.days("2000")
        assert day.key_id == assistant.store.keys.find(token).id
        assert (day.prompt_tokens, day.completion_tokens) == tuple(answer["usage"].values())
        assert day.completion_tokens > 0


def test_a_generation_is_a_span_where_a_setting_wants_it(tmp_path, monkeypatch) -> None:
    from opentelemetry import trace

    from gakju.assistant.accounts import Accounts
    from gakju.settings import Settings
    from gakju.store import Store

    spans = []

    class Tracer:
        def start_span(self, name, *, kind, start_time, attributes):
            spans.append((name, kind, attributes, start_time))
            return self

        def end(self, at) -> None:
            spans.append(at)

    monkeypatch.setattr(trace, "get_tracer", lambda name: Tracer())
    store = Store(tmp_path / "gakju.db")
    Accounts(Settings(home=tmp_path), store).spend("azure:dev", 3, 4, seconds=2.0)
    assert spans == []
    Accounts(Settings(home=tmp_path, traces="http://127.0.0.1:4318"), store).spend("azure:dev", 3, 4, seconds=2.0)
    (name, kind, told, began), ended = spans
    assert (name, kind, ended - began) == ("chat dev", trace.SpanKind.CLIENT, 2_000_000_000)
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": "dev",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
    }
    store.close()


def test_metrics_tell_what_was_done(tmp_path) -> None:
    with running(tmp_path) as (http, assistant):
        admin = bearer(key(assistant, "admin"))
        http.get("/v1/documents", headers=admin)
        http.get("/v1/documents/a", headers=admin)
        http.get("/v1/documents/b", headers=admin)
        http.get("/v1/documents/c")
        assistant.accounts.spend("fake", 3, 4)
        text = http.get("/metrics", headers=admin).text
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        route = 'method="GET",route="/v1/documents/{document_id}"'
        assert lines[f'gakju_requests_total{{{route},status="404"}}'] == "2.0"
        assert lines[f'gakju_requests_total{{{route},status="401"}}'] == "1.0"
        assert lines['gakju_requests_total{method="GET",route="/v1/documents",status="200"}'] == "1.0"
        assert lines['gakju_request_seconds_count{route="/v1/documents"}'] == "1.0"
        assert lines['gakju_tokens_today{kind="completion",model="fake"}'] == "4.0"
        assert lines["gakju_requests_under_way"] == "1.0"
        assert float(lines["gakju_event_loop_lag_seconds_count"]) > 0


def test_ready_is_told_with_what_is_in_the_way(tmp_path) -> None:
    with running(tmp_path, chat_model="embedded:qwen2.5-coder-0.5b", embedder="openai:x") as (http, assistant):
        answer = http.get("/readyz")
        assert answer.status_code == 503
        checks = answer.json()["checks"]
        assert (checks["store"], checks["library"], checks["embedder"]) == ("ok", "ok", "ok")
        assert "gakju models pull qwen2.5-coder-0.5b" in checks["chat_model"]
        assistant.settings.chat_model = "openai:gpt-4o-mini"
        assert http.get("/readyz").json() == {"ready": True, "checks": dict.fromkeys(checks, "ok")}
