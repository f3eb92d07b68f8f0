"""Every engine behind the WebSearch seam, each asked as its service is, over a real connection."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from gakju.errors import NetworkError, RateLimited
from gakju.protocols import WebSearch
from gakju.types import Freshness, WebResult
from gakju.web.engines import Bing, Brave, Engine, SearXNG, Tavily
from gakju.web.fakes import FakeSearch
from gakju.web.keyless import Keyless

KEY = "key-of-the-user-0123456789"
TODAY = datetime.now(UTC).date()
PAGES = [
    WebResult("https://a.example/?lang=en", "wage of 2026", "minimum wage set", "", str(TODAY)),
    WebResult("https://b.example/?lang=ko", "최저임금 wage", "시급 고시", "", str(TODAY - timedelta(days=3))),
    WebResult("https://c.example/?lang=ko", "최저임금 해설", "옛 wage 글", "", str(TODAY - timedelta(days=900))),
    WebResult("https://d.example/?lang=en", "rail timetable", "trains", "", ""),
]
ANY: dict[str, Freshness] = {
    **{"day": "day", "pd": "day", "d": "day", "week": "week", "pw": "week", "w": "week"},
    **{"month": "month", "pm": "month", "m": "month"},
}


class Service(ThreadingHTTPServer):
    """Speaks all dialects over FakeSearch."""

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
        body = self.rfile.read(int(self.headers["content-length"]))
        self.asked(json.loads(body) if self.path == "/search" else dict(parse_qsl(body.decode())))

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
            "/html/": (True, self.page),
        }
        allowed, shape = shapes[path]
        if not allowed:
            self.say(401, {"error": "no key"})
            return
        language = given.get("search_lang") or given.get("setLang") or given.get("language", "").replace("all", "")
        language = language or {"kr-ko": "ko"}.get(given.get("l", ""), "")
        fresh = given.get("time_range") or given.get("freshness") or given.get("df", "")
        if ".." in fresh:
            days = (TODAY - datetime.fromisoformat(fresh.split("..")[0]).date()).days
            known: dict[int, str] = {1: "day", 7: "week", 31: "month"}
            fresh = known[min(known, key=lambda n: abs(n - days))]  # midnight may have come since this was loaded
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

    def page(self, found: list[WebResult]) -> bytes:
        """As DuckDuckGo's page without scripts has its results."""
        rows = [
            f'<div class="links_main result__body"><h2><a href="{r.url}">{r.title}</a></h2>'
            f'<a href="{r.url}">{r.snippet}</a></div>'
            for r in found
        ]
        return f"<!doctype html><meta charset=utf-8><body>{''.join(rows)}</body>".encode()

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

CHILD = Path(str(sys.modules[Keyless.__module__].__file__)).with_name("keyless_child.py")
POINTED = f"""
import runpy
from ddgs.engines.duckduckgo import Duckduckgo
Duckduckgo.search_url = URL
runpy.run_path({str(CHILD)!r}, run_name="__main__")
"""


def keyless(url: str, **options: Any) -> Keyless:
    """The real package with its own client, one of whose engines is asked at another address."""
    if importlib.util.find_spec("ddgs") is None:
        pytest.skip('ddgs is not installed; `pip install "gakju[ddgs]"` enables this test')
    code = POINTED.replace("URL", repr(f"{url}/html/"))
    return Keyless("duckduckgo", command=[sys.executable, "-P", "-c", code], **options)


@pytest.fixture(params=[*ENGINES, Keyless, FakeSearch], ids=lambda kind: kind.name)
def engine(request: pytest.FixtureRequest, service: Service) -> WebSearch:
    if request.param is Keyless:
        return keyless(service.url)
    return FakeSearch(PAGES) if request.param is FakeSearch else request.param(KEY, service.url)


def urls(found: list[WebResult]) -> list[str]:
    return [result.url[8] for result in found]


def test_pages_come_best_first(engine: WebSearch) -> None:
    found = engine.search("최저임금 wage 고시")
    assert urls(found) == ["b", "c", "a"]
    assert (found[0].title, found[0].snippet) == ("최저임금 wage", "시급 고시")
    assert found[0].published == (str(TODAY - timedelta(days=3)) if engine.name != "ddgs" else "")  # which tells none


@each
def test_a_date_that_is_to_come_is_none(kind: type[Engine], service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "fake", FakeSearch([replace(PAGES[0], published="2099-01-01")]))
    (found,) = kind(KEY, service.url).search("wage")
    assert (found.title, found.published) == ("wage of 2026", "")


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
            for letter in b"HTTP/1.1 200 OK\r\n" * 40:  # half a minute
                handler.wfile.write(bytes([letter]))
                time.sleep(0.05)

    service.instead = dribble
    began = time.monotonic()
    with pytest.raises(NetworkError, match=kind.name):
        kind(KEY, service.url, seconds=0.3).search("wage")
    assert time.monotonic() - began < 15  # half of what the server takes


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


def test_one_without_a_key_is_asked_by_a_process_that_knows_nothing_of_the_user(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAKJU_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert keyless(service.url).search("wage")[0].engine == "ddgs"
    (headers,) = service.seen
    assert not {"cookie", "referer"} & set(headers)
    assert KEY not in str(headers)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((403, b""), r"ddgs: the engines it asks refuse for now \(403\)"),
        ((200, b"\x89PNG\0"), ""),
        ((500, b""), ""),
    ],
)
def test_one_without_a_key_that_refuses_or_babbles(service: Service, answer: tuple[int, bytes], words: str) -> None:
    service.instead = lambda handler: handler.say(*answer)  # type: ignore[attr-defined]
    if words:
        with pytest.raises(RateLimited, match=words):
            keyless(service.url).search("wage")
    else:
        assert keyless(service.url).search("wage") == []
