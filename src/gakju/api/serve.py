"""One uvicorn process on one port."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from gakju.api import create
from gakju.assistant import Assistant

HEADERS_WITHIN = 20.0
"""Seconds that the head of a request may take to come."""
CONNECTIONS = 4096
"""Open at a time; the next one is told 503."""
SWITCH = 0.001
"""Seconds a thread keeps the interpreter while others want it; Python's own .005 adds up where many compute."""
GRACE = 5
"""Seconds that open requests have to end when the server stops."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name other than localhost is taken as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, before anything is loaded. Raises OSError, with EADDRINUSE where the port is taken."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening


def address(listening: socket.socket) -> str:
    """What to type into a browser on this machine."""
    host, port = listening.getsockname()[:2]
    known = ipaddress.ip_address(host)
    if known.is_unspecified:
        host = "127.0.0.1" if known.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Hurried(H11Protocol):
    """Hangs up on who opens a connection and does not say, or not to its end, what is wanted."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._hurry()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._relax()
        elif self._timer is None:  # The head of a later request on the same connection has begun.
            self._hurry()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        super().connection_lost(exc)

    def _hurry(self) -> None:
        self._timer = self.loop.call_later(HEADERS_WITHIN, self.transport.close)

    def _relax(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.should_exit:
            self._on_ready()


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl+C, before and after uvicorn has the signal: what is open gets closed."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def server(
    assistant: Assistant, on_ready: Callable[[], None] = lambda: None, *, loopback: bool = True, ui: bool = True
) -> uvicorn.Server:
    """A server to `run(sockets=[…])`; quiet, and its streams end when it is told to exit."""
    app = create(assistant, ui=ui, loopback=loopback, stopping=lambda: made.should_exit)
    made = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            http=Hurried,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=GRACE,
            # A model that loads can hold the interpreter for seconds; a waiting request must not be hung up on then.
            timeout_keep_alive=75,
        ),
        on_ready,
    )
    return made


def settle(assistant: Assistant) -> None:
    """Load what questions need, and let the garbage collector look at none of that again.

    Each full pass over what lives as long as the server does held the event loop for .25 to .53 s (bench/LOG.md).
    """
    assistant.warm()
    gc.collect()
    gc.freeze()


def serve(assistant: Assistant, listening: socket.socket, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called with the address once requests are answered."""
    url = address(listening)

    def ready() -> None:
        assistant.announce(url)
        threading.Thread(target=settle, args=(assistant,), name="warm", daemon=True).start()
        on_ready(url)

    sys.setswitchinterval(SWITCH)
    with suppress(KeyboardInterrupt):
        server(assistant, ready, loopback=is_loopback(listening.getsockname()[0])).run(sockets=[listening])
