"""Every engine behind the WebSearch seam, each asked as its service is, over a real connection."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from gakju.errors import NetworkError, RateLimited
from gakju.protocols import WebSearch
from gakju.types import Freshness, WebResult
from gakju.web.engines import Bing, Brave, Engine, SearXNG, Tavily
from gakju.web.fakes import FakeSearch

KEY = "key-of-the-user-0123456789"
TODAY = datetime.now(UTC).date()
PAGES = [
    WebResult("https://a.example/?lang=en", "wage of 2026", "minimum wage set", "", str(TODAY)),
    WebResult("https://b.example/?lang=ko", "최저임금 wage", "시급 고시", "", str(TODAY - timedelta(days=3))),
    WebResult("https://c.example/?lang=ko", "최저임금 해설", "옛 wage 글", "", str(TODAY - timedelta(days=900))),
    WebResult("https://d.example/?lang=en", "rail timetable", "trains", "", ""),
]
ANY: dict[str, Freshness] = {"day": "day", "pd": "day", "week": "week", "pw": "week", "month": "month", "pm": "month"}


class Service(ThreadingHTTPServer):
    """Speaks all four dialects over FakeSearch."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fake = FakeSearch(PAGES)
        self.instead: Callable[[BaseHTTPRequestHandler], None] | None = None
        self.seen: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self.asked(json.loads(self.rfile.read(int(self.headers["content-length"]))))

    def do_GET(self) -> None:
        self.asked(dict(parse_qsl(urlsplit(self.path).query)))

    def asked(self, given: dict[str, Any]) -> None:
        self.server.seen.append({k.lower(): v for k, v in self.headers.items()})
        if self.server.instead:
            self.server.instead(self)
            return
        h, path = self.headers, urlsplit(self.path).path
        shapes: dict[str, tuple[bool, Any]] = {
            "/search": (self.command == "GET" or h["authorization"] == f"Bearer {KEY}", self.plain),
            "/res/v1/web/search": (h["x-subscription-token"] == KEY, self.brave),
            "/v7.0/search": (h["ocp-apim-subscription-key"] == KEY, self.bing),
        }
        allowed, shape = shapes[path]
        if not allowed:
            self.say(401, {"error": "no key"})
            return
        language = given.get("search_lang") or given.get("setLang") or given.get("language", "").replace("all", "")
        fresh = given.get("time_range") or given.get("freshness", "")
        if ".." in fresh:
            days = (TODAY - datetime.fromisoformat(fresh.split("..")[0]).date()).days
            fresh = {1: "day", 7: "week", 31: "month"}[days]
        count = int(given.get("count") or given.get("max_results") or 100)
        query = given.get("q") or given["query"]
        found = self.server.fake.search(query, count=count, language=language, freshness=ANY.get(fresh, ""))
        # What is no page of the web has no place in an answer.
        self.say(200, shape([replace(PAGES[0], url="javascript:alert(1)"), *found]))

    def plain(self, found: list[WebResult]) -> dict[str, Any]:
        date = {"GET": "publishedDate", "POST": "published_date"}[self.command]
        rows = [{"url": r.url, "title": r.title, "content": r.snippet, date: r.published or None} for r in found]
        return {"results": rows}

    def brave(self, found: list[WebResult]) -> dict[str, Any]:
        rows = [{"url": r.url, "title": r.title, "description": f"<strong>{r.snippet}</strong>"} for r in found]
        return {"web": {"results": [row | {"page_age": r.published} for row, r in zip(rows, found, strict=True)]}}

    def bing(self, found: list[WebResult]) -> dict[str, Any]:
        rows = [{"url": r.url, "name": r.title, "snippet": r.snippet, "datePublished": r.published} for r in found]
        return {"webPages": {"value": rows}}

    def say(self, status: int, body: object) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield service
        service.shutdown()
        thread.join()


@pytest.fixture
def service(running: Service) -> Service:
    running.instead = None
    running.seen.clear()
    running.fake.asked.clear()
    return running


ENGINES: list[type[Engine]] = [SearXNG, Tavily, Brave, Bing]
each = pytest.mark.parametrize("kind", ENGINES, ids=lambda kind: kind.name)


@pytest.fixture(params=[*ENGINES, FakeSearch], ids=lambda kind: kind.name)
def engine(request: pytest.FixtureRequest, service: Service) -> WebSearch:
    return FakeSearch(PAGES) if request.param is FakeSearch else request.param(KEY, service.url)


def urls(found: list[WebResult]) -> list[str]:
    return [result.url[8] for result in found]


def test_pages_come_best_first(engine: WebSearch) -> None:
    found = engine.search("최저임금 wage 고시")
    assert urls(found) == ["b", "c", "a"]
    assert (found[0].title, found[0].snippet) == ("최저임금 wage", "시급 고시")
    assert found[0].published == str(TODAY - timedelta(days=3))


def test_count_is_kept(engine: WebSearch) -> None:
    assert urls(engine.search("최저임금 wage 고시", count=1)) in (["b"], [])
    assert urls(engine.search("최저임금 wage 고시", count=2))[:1] == ["b"]


def test_freshness_is_passed_on(engine: WebSearch) -> None:
    assert urls(engine.search("최저임금 wage 고시", freshness="month")) == ["b", "a"]


def test_language_is_passed_on(engine: WebSearch, service: Service) -> None:
    found = urls(engine.search("wage", language="ko"))
    assert found == (["b", "c"] if engine.name != "Tavily" else ["a", "b", "c"])  # Tavily knows no languages


def test_nothing_found_is_an_empty_list(engine: WebSearch) -> None:
    assert engine.search("zebra") == []


@each
def test_one_engine_says_its_name_and_nothing_of_the_user(kind: type[Engine], service: Service) -> None:
    assert kind(KEY, service.url).search("wage")[0].engine == kind.name
    (headers,) = service.seen
    assert headers["user-agent"] == "gakju"
    assert not {"cookie", "referer", "accept-language"} & set(headers)


@each
def test_a_wrong_key_is_told_without_it(kind: type[Engine], service: Service) -> None:
    service.instead = lambda handler: handler.say(403, {})  # type: ignore[attr-defined]
    with pytest.raises(NetworkError, match=rf"^{kind.name} refuses \(403\)\. \w+") as caught:
        kind("wrong-secret", service.url).search("wage")
    assert "secret" not in str(caught.value)


@each
def test_too_many_questions_are_told_with_a_time(kind: type[Engine], service: Service) -> None:
    def later(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(429)
        handler.send_header("retry-after", "7")
        handler.end_headers()

    service.instead = later
    with pytest.raises(RateLimited, match=rf"{kind.name} takes no more questions.*7 s"):
        kind(KEY, service.url).search("wage")


@each
@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"results": 3}', b'{"results": [3]}', b'{"web": 1, "webPages": 1}', b"[" * 9999]
)
def test_garbage_is_told_or_nothing(kind: type[Engine], service: Service, body: bytes) -> None:
    service.instead = lambda handler: handler.say(200, body)  # type: ignore[attr-defined]
    told = ""
    try:
        assert kind(KEY, service.url).search("wage") == []
    except NetworkError as error:
        told = str(error)
    assert told == "" or told.startswith(kind.name)


@each
def test_a_slow_engine_has_no_more_than_its_time(kind: type[Engine], service: Service) -> None:
    def dribble(handler: BaseHTTPRequestHandler) -> None:
        with suppress(OSError):
            for letter in b"HTTP/1.1 200 OK\r\n" * 2:
                handler.wfile.write(bytes([letter]))
                time.sleep(0.05)

    service.instead = dribble
    began = time.monotonic()
    with pytest.raises(NetworkError, match=kind.name):
        kind(KEY, service.url, seconds=0.3).search("wage")
    assert time.monotonic() - began < 1.5


@each
def test_an_engine_that_is_down_and_one_that_may_not_be_asked(kind: type[Engine], service: Service) -> None:
    with pytest.raises(NetworkError, match=f"{kind.name}: 127.0.0.1 could not be reached"):
        kind(KEY, "http://127.0.0.1:9").search("wage")
    with pytest.raises(NetworkError, match=f"{kind.name}: Offline"):
        kind(KEY, "https://search.example", offline=True).search("wage")
    assert service.seen == []


def test_searxng_says_which_of_its_engines_are_silent(service: Service) -> None:
    silent = {"results": [], "unresponsive_engines": [["google", "timeout"]]}
    service.instead = lambda handler: handler.say(200, silent)  # type: ignore[attr-defined]
    with pytest.raises(NetworkError, match=r"SearXNG got nothing from the engines it asks \(google: timeout\)"):
        SearXNG(url=service.url).search("wage")
