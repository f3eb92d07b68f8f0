"""Forty ways to make a visitor of the web connect to what is not the web, for a test and for bench/ssrf.py."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock
from urllib.parse import quote

from gakju.errors import NetworkError
from gakju.http import Reach, is_public, translated, visitor

PUBLIC = "93.184.215.14"
"""An address of the public internet; connecting to it is noted and refused, so nothing leaves."""


@dataclass(frozen=True)
class Attempt:
    """`names` gives, for each look-up of a name in turn, its addresses; the last answer stays."""

    kind: str
    url: str
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    visits: int = 1


def attempts(trap: int, site: str) -> list[Attempt]:
    """`trap`: a port of this machine where somebody listens; `site`: a host that may be visited and that redirects
    from /to/ADDRESS.
    """

    def named(kind: str, *answers: list[str], visits: int = 1) -> Attempt:
        return Attempt(kind, f"http://rebound.example:{trap}/", {"rebound.example": list(answers)}, visits)

    def redirected(to: str, **names: list[list[str]]) -> Attempt:
        return Attempt(
            "redirect", f"{site}/to/{quote(to, safe='')}", {k.replace("_", "."): v for k, v in names.items()}
        )

    spelt = [
        "127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1",
        "127.0.1", "0", "0.0.0.0", "127.0.0.1.", "127。0。0。1", "１２７.0.0.1", "ⓛocalhost", "sub.localhost",
    ]  # fmt: skip
    sixes = [
        "::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1",
        "2002:7f00:1::", "fe80::1", "fd00:ec2::254", "fec0::1", "ff02::1",
    ]  # fmt: skip
    private = ["10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "100.100.100.200", "169.254.169.254"]
    private += ["168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255"]
    return [
        *(Attempt("spelling", f"http://{host}:{trap}/") for host in spelt),
        *(Attempt("IPv6", f"http://[{host}]:{trap}/") for host in sixes),
        *(Attempt("private", f"http://{host}/latest/meta-data/") for host in private),
        Attempt("userinfo", f"http://example.com@127.0.0.1:{trap}/"),
        Attempt("userinfo", f"http://127.0.0.1:{trap}@example.com/", {"example.com": [[PUBLIC]]}),
        Attempt("userinfo", f"http://example.com:80%40127.0.0.1:{trap}/"),
        Attempt("userinfo", f"http://example.com\\@127.0.0.1:{trap}/"),
        Attempt("scheme", "file:///etc/passwd"),
        Attempt("scheme", f"gopher://127.0.0.1:{trap}/_GET%20/"),
        redirected(f"http://127.0.0.1:{trap}/"),
        redirected(f"http://2130706433:{trap}/"),
        redirected(f"http://[::ffff:127.0.0.1]:{trap}/"),
        redirected("http://169.254.169.254/latest/meta-data/"),
        redirected(f"http://inner.example:{trap}/", inner_example=[["127.0.0.1"]]),
        redirected(f"//127.0.0.1:{trap}/"),
        redirected("file:///etc/passwd"),
        named("name", ["127.0.0.1"]),
        named("name", ["::1"]),
        named("name", ["169.254.169.254"]),
        named("rebinding", [PUBLIC], ["127.0.0.1"], visits=2),
        named("rebinding", [PUBLIC, "127.0.0.1"]),
        named("rebinding", ["127.0.0.1", PUBLIC]),
        named("rebinding", [PUBLIC, "::ffff:127.0.0.1"]),
    ]


class _Site(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        from urllib.parse import unquote

        to = self.path.startswith("/to/")
        self.send_response(302 if to else 200)
        if to:
            self.send_header("location", unquote(self.path.removeprefix("/to/")))
        self.send_header("content-length", "0")
        self.end_headers()


@contextmanager
def listening() -> Iterator[int]:
    """A site on a port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def connected(attempt: Attempt, site_port: int) -> tuple[list[str], list[str]]:
    """What the attempt connected to beside its own site and the public internet, and what it was told."""
    asked: dict[str, int] = {}
    made: list[str] = []
    real = socket.create_connection

    def resolve(host: str, port: int) -> list[str]:
        if host == "site.example":
            return ["127.0.0.1"]
        if host in attempt.names:
            answers = attempt.names[host]
            asked[host] = asked.get(host, 0) + 1
            return answers[min(asked[host], len(answers)) - 1]
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]

    def connect(address: tuple[str, int], *args: object, **options: object) -> object:
        if address != ("127.0.0.1", site_port):
            made.append(address[0])
            raise ConnectionRefusedError("noted")
        return real(address, *args, **options)  # type: ignore[arg-type]

    told = []
    with mock.patch("socket.create_connection", connect):
        for _ in range(attempt.visits):
            reach = Reach(frozenset(["site.example"]))
            with visitor(reach, offline=False, seconds=5, resolve=resolve) as http:
                try:
                    with translated():
                        http.get(attempt.url)
                    told.append("answered")
                except NetworkError as error:
                    told.append(str(error))
    return [address for address in made if not is_public(address)], told
