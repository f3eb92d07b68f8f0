"""A site of the web on a loopback port: pages by path, what it was asked, and what it is told to do instead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

HTML = "text/html; charset=utf-8"


class Sent(NamedTuple):
    body: bytes
    kind: str = HTML
    status: int = 200
    headers: Mapping[str, str] = {}


class Site(ThreadingHTTPServer):
    """`pages` by path, all else is 404; a page that is a function is given the handler and does what it likes.

    `always` answers whatever is asked. `seen` has the paths asked for, `sent` the headers they were asked with;
    `robots` is how often robots.txt was.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.clear()

    def clear(self) -> None:
        self.pages: dict[str, Sent | Callable[[Handler], None]] = {}
        self.always: Callable[[Handler], None] | None = None
        self.seen: list[str] = []
        self.sent: list[dict[str, str]] = []
        self.robots = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def put(self, path: str, body: str | bytes, kind: str = HTML, status: int = 200, **headers: str) -> None:
        given = body.encode() if isinstance(body, str) else body
        self.pages[path] = Sent(given, kind, status, {k.replace("_", "-"): v for k, v in headers.items()})


class Handler(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/robots.txt":
            self.server.robots += 1
        else:
            self.server.seen.append(self.path)
            self.server.sent.append({k.lower(): v for k, v in self.headers.items()})
        page = self.server.always or self.server.pages.get(self.path, Sent(b"no", HTML, 404))
        with suppress(OSError):
            if callable(page):
                page(self)
            else:
                self.say(page)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def say(self, page: Sent) -> None:
        marks = {"etag": "if-none-match", "last-modified": "if-modified-since"}
        same = any(page.headers.get(m) == self.headers.get(asked, "-") for m, asked in marks.items())
        body = b"" if same else page.body
        self.send_response(304 if same else page.status)
        length = {} if same else {"content-type": page.kind, "content-length": str(len(body))}
        for name, value in {**length, **page.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield site
        site.shutdown()
        thread.join()
