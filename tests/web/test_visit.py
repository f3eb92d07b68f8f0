from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gakju.errors import NetworkError
from gakju.http import Reach
from gakju.web.visit import Visits, published

PAGE = '<html lang="ko-KR"><meta charset="euc-kr"><p>최저임금 고시</p></html>'.encode("euc-kr")
HTML = "text/html; charset=euc-kr"
BOMB = gzip.compress(b"\0" * (8 << 20))


class Site(BaseHTTPRequestHandler):
    seen: list[str]
    robots: tuple[int, bytes]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.seen.append(self.path)
        with suppress(OSError):
            self.answer()

    def answer(self) -> None:
        if self.path == "/robots.txt":
            self.say(self.robots[1], "text/plain", self.robots[0])
        elif self.path.startswith("/to/"):
            self.say(b"", "text/html", 302, location=self.path.removeprefix("/to"))
        elif self.path == "/loop":
            self.say(b"", "text/html", 302, location="/loop")
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 65536)
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"x")
                time.sleep(0.02)
        elif self.path == "/bomb":
            self.say(BOMB, "text/html", **{"content-encoding": "gzip"})
        elif self.path == "/br":
            self.say(b"packed", "text/html", **{"content-encoding": "br"})
        elif self.path == "/photo":
            self.say(b"\x89PNG", "image/png")
        elif self.path == "/gone":
            self.say(b"no", "text/html", 404)
        elif self.path == "/empty":
            self.say(b" \n", "text/html")
        else:
            self.say(PAGE, HTML)

    def say(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def site(running: str) -> str:
    Site.seen = []
    Site.robots = 404, b""
    return running


def visits(**options: object) -> Visits:
    return Visits(Reach.of("127.0.0.1"), **{"offline": False, "seconds": 2.0, "most_bytes": 1 << 20, **options})


def test_a_page_is_brought_as_it_was_served(site: str) -> None:
    found = visits().visit(f"{site}/to/2026/08/05/page")
    assert (found.asked, found.url) == (f"{site}/to/2026/08/05/page", f"{site}/2026/08/05/page")
    assert (found.body, found.media_type, found.published, found.language) == (PAGE, "text/html", "2026-08-05", "ko")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/endless", "sent more than 1024 KiB"),
        ("/bomb", "sent more than 1024 KiB"),
        ("/drip", "did not answer in time"),
        ("/br", "packed in a way"),
        ("/photo", "sent image/png, which is not read"),
        ("/gone", "answered 404"),
        ("/empty", "empty page"),
        ("/loop", "redirects without end"),
    ],
)
def test_what_is_not_read(site: str, path: str, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(NetworkError, match=words) as caught:
        visits(seconds=0.7 if path == "/drip" else 20.0).visit(site + path)
    assert "127.0.0.1" in str(caught.value)
    assert time.monotonic() - began < 10


def test_robots_are_asked_once_and_obeyed(site: str) -> None:
    Site.robots = (
        200,
        b"User-agent: *\nDisallow: /private\nAllow: /private/open\n\nUser-agent: gakju\nDisallow: /no*.html$",
    )
    browsing = visits()
    assert browsing.visit(f"{site}/private").body == PAGE  # the rules for all are not for one that is named
    for path in ("/no/page.html", "/to/no.html"):
        with pytest.raises(NetworkError, match=r"asks programs not to read.*robots\.txt"):
            browsing.visit(site + path)
    assert Site.seen == ["/robots.txt", "/private", "/to/no.html"]


@pytest.mark.parametrize(("status", "read"), [(404, True), (403, True), (500, False), (429, False)])
def test_a_site_without_rules_may_be_read_one_that_cannot_tell_may_not(site: str, status: int, read: bool) -> None:
    Site.robots = status, b"User-agent: *\nDisallow: /"
    if read:
        assert visits().visit(f"{site}/page").body == PAGE
        return
    with pytest.raises(NetworkError, match="not to read"):
        visits().visit(f"{site}/page")


def test_offline_and_private_addresses_are_not_visited(site: str) -> None:
    with pytest.raises(NetworkError, match=r"Offline: site\.example"):
        visits(offline=True).visit("http://site.example/")
    with pytest.raises(NetworkError, match="not on the public internet"):
        Visits(Reach(), offline=False, seconds=2).visit(f"{site}/page")
    assert Site.seen == []


def test_many_are_visited_at_once(site: str) -> None:
    began = time.monotonic()
    futures = visits(seconds=0.6).start([f"{site}/drip"] * 5 + [f"{site}/page"])
    assert futures[-1].result(5).body == PAGE
    assert [type(f.exception(5)) for f in futures[:5]] == [NetworkError] * 5
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("head", "url", "day"),
    [
        ('<meta property="article:published_time" content="2026-08-05T09:00:00+09:00">', "", "2026-08-05"),
        ("<META CONTENT='2026.8.5' NAME='date'><meta name=date content='20260806'>", "", "2026-08-06"),
        ('<script>{"datePublished": "2026-08-05"}</script>', "", "2026-08-05"),
        ('<time class=x datetime="2026-08-05">', "", "2026-08-05"),
        ('<meta name="description" content="2020-01-01">', "https://n.example/2026/08/05/wage", "2026-08-05"),
        ('<meta name="date" content="2026-13-45">', "https://n.example/2026/99/05/wage", ""),
    ],
)
def test_the_day_a_page_gives_itself(head: str, url: str, day: str) -> None:
    assert published(head.encode(), url) == day
