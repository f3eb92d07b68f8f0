from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from gakju.errors import NetworkError, UsageError
from gakju.http import Reach, client, is_loopback, is_public, translated, visitor


class Handler(BaseHTTPRequestHandler):
    seen: list[dict[str, str]]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.path = self.path.removeprefix("http://far.example")
        self.seen.append({k.lower(): v for k, v in self.headers.items()})
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("location", self.path.removeprefix("/to/"))
        elif self.path == "/loop":
            self.send_response(302)
            self.send_header("location", "/loop")
        else:
            self.send_response(500 if self.path.startswith("/broken") else 200)
            self.send_header("set-cookie", "track=me; Path=/")
        self.send_header("content-length", "0")
        self.end_headers()


@pytest.fixture
def server() -> Iterator[str]:
    Handler.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_offline_names_the_setting_and_sends_nothing() -> None:
    with client(offline=True) as http, pytest.raises(NetworkError, match=r"example\.com.*GAKJU_OFFLINE"):
        http.get("https://example.com/")


def test_offline_leaves_this_machine_reachable(server: str) -> None:
    with client(offline=True) as http:
        assert http.get(server).status_code == 200


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_other_schemes_are_refused(url: str) -> None:
    with client(offline=False) as http, pytest.raises(NetworkError, match="only http and https"):
        http.get(url)


def test_no_cookies_and_a_plain_agent(server: str) -> None:
    with client(offline=False) as http:
        http.get(server)
        http.get(server)
    assert [h.get("cookie") for h in Handler.seen] == [None, None]
    assert [h["user-agent"] for h in Handler.seen] == ["gakju", "gakju"]


def test_a_redirect_within_the_scheme_is_followed(server: str) -> None:
    with client(offline=False) as http:
        assert str(http.get(f"{server}/to/{server}/here").url) == f"{server}/here"


def test_a_redirect_to_another_scheme_is_not(server: str) -> None:
    with client(offline=False) as http, translated(), pytest.raises(NetworkError, match="not followed"):
        http.get(f"{server}/to/ftp://127.0.0.1/x")


def test_https_does_not_fall_back_to_http() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "http://other.example/"})

    with client(offline=False) as http:
        http._transport = httpx.MockTransport(answer)
        with pytest.raises(NetworkError, match="not followed"):
            http.get("https://example.com/")


def test_a_redirect_from_outside_does_not_enter_this_machine(server: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": server})

    with client(offline=False) as http:
        http._transport = httpx.MockTransport(answer)
        with pytest.raises(NetworkError, match="not followed"):
            http.get("http://example.com/")
    assert Handler.seen == []


def test_loopback_goes_past_a_proxy(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with client(offline=False) as http:
        assert http.get(server).status_code == 200


@pytest.mark.parametrize(
    ("path", "words"),
    [("/broken?key=secret", "127.0.0.1 answered 500"), ("/loop", "redirects without end")],
)
def test_errors_are_translated_without_secrets(server: str, path: str, words: str) -> None:
    with pytest.raises(NetworkError, match=words) as caught, client(offline=False) as http, translated():
        http.get(server + path).raise_for_status()
    assert "secret" not in str(caught.value)


def test_every_httpx_error_is_translated() -> None:
    request = httpx.Request("GET", "https://example.com/?key=secret")
    kinds = [httpx.InvalidURL]
    pending: list[type[httpx.HTTPError]] = [httpx.HTTPError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        kinds.append(kind)
    assert len(kinds) > 15
    for kind in kinds:
        if kind is httpx.HTTPStatusError:
            error: Exception = kind("no", request=request, response=httpx.Response(404, request=request))
        else:
            error = kind("secret")
            if isinstance(error, httpx.HTTPError):
                error.request = request
        with pytest.raises(NetworkError) as caught, translated():
            raise error
        assert "secret" not in str(caught.value)
        assert caught.value.retryable


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8080/v1", True),
        ("http://127.3.2.1/", True),
        ("http://[::1]:1/", True),
        ("http://localhost.example.com/", False),
        ("http://10.0.0.1/", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


class Dribble(BaseHTTPRequestHandler):
    """Sends a header a moment, without end."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                self.wfile.write(b"x-more: 1\r\n")
                time.sleep(0.05)


def visit(url: str, allowed: str = "127.0.0.1", **options: Any) -> httpx.Response:
    with visitor(Reach.of(allowed), **{"offline": False, "seconds": 5.0, **options}) as http, translated():
        return http.get(url)


def test_a_visitor_goes_where_the_setting_names_the_host_or_the_network(server: str) -> None:
    assert visit(server).status_code == 200
    assert visit(server, "127.0.0.0/8").status_code == 200
    assert visit(
        server.replace("127.0.0.1", "site.example"), "site.example", resolve=lambda *_: ["127.0.0.1"]
    ).is_success
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1 is not on the public internet.*web_allow"):
        visit(server, "10.0.0.0/8, other.example")
    assert Handler.seen[-1]["host"].startswith("site.example:")


def test_a_visitor_says_nothing_of_its_user(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    visit(f"{server}/to/{server}/here")
    assert [sorted(h) for h in Handler.seen] == [["accept", "accept-encoding", "connection", "host", "user-agent"]] * 2
    with pytest.raises(NetworkError, match="name or password in a link"):
        visit(server.replace("http://", "http://me:secret@"))


def test_a_visit_ends_in_time_whatever_the_server_sends() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Dribble) as slow:
        thread = threading.Thread(target=slow.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        began = time.monotonic()
        with pytest.raises(NetworkError, match="did not answer in time"):
            visit(f"http://127.0.0.1:{slow.server_address[1]}", seconds=0.5)
        assert time.monotonic() - began < 10  # the headers have no end
        slow.shutdown()
        thread.join()


def test_a_proxy_is_asked_where_the_setting_names_one(server: str) -> None:
    assert visit("http://far.example/page", "", proxy=server).status_code == 200
    assert Handler.seen[-1]["host"] == "far.example"
    assert "proxy-authorization" not in Handler.seen[-1]
    for host in ("10.0.0.1", "2130706433", "printer", "db.internal", "localhost"):
        with pytest.raises(NetworkError, match="not on the public internet"):
            visit(f"http://{host}/", "", proxy=server)
    assert len(Handler.seen) == 1


def test_a_proxy_is_told_the_name_and_password_of_its_setting(server: str) -> None:
    known = server.replace("http://", "http://me:s%40cret@")
    assert visit("http://far.example/page", "", proxy=known).status_code == 200
    assert Handler.seen[-1]["proxy-authorization"] == "Basic " + base64.b64encode(b"me:s@cret").decode()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("::ffff:8.8.8.8", True),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("100.64.1.1", False),
        ("168.63.129.16", False),
        ("fe80::1%eth0", False),
        ("not an address", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_wrong_network_in_the_setting_is_told() -> None:
    with pytest.raises(UsageError, match=r"'10\.0\.0/99' is no host and no network"):
        Reach.of("10.0.0/99")
