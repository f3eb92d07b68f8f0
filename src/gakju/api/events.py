"""Blocking generators as server-sent events."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import TypeVar

from anyio import CancelScope, to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

T = TypeVar("T")

STREAMS = 64
"""Streams open at a time. Each holds a thread, of a pool of its own so that short requests always find one."""
HEARTBEAT = 1.0
"""Seconds: how soon a client that went away, or a server that stops, is noticed."""


class EventStream(StreamingResponse):
    """`text/event-stream` of `told`, an item a frame; however it ends, `told` is closed before this returns."""

    media_type = "text/event-stream"

    def __init__(self, told: AsyncGenerator[T, None], encode: Callable[[T], bytes]) -> None:
        frames = (encode(item) async for item in told)
        super().__init__(frames, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await self._told.aclose()


async def steps(request: Request, source: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """`source` item by item off the event loop, until it ends, the client goes away or the server stops.

    `source` must yield at least every `HEARTBEAT` seconds.
    """
    state = request.app.state
    turn = threading.Lock()

    def step() -> T | None:
        with turn:
            return next(source, None)

    def close() -> None:
        with turn:  # A task can be cancelled while its step goes on in a thread, and what runs cannot be closed.
            source.close()

    try:
        while not state.stopping():
            item = await to_thread.run_sync(step, limiter=state.streams)
            if item is None or await request.is_disconnected():
                return
            yield item
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(close)


def frame(kind: str, data: Mapping[str, object], seq: int = 0) -> bytes:
    """One event; `seq` is what `Last-Event-ID` resumes after. JSON has no raw line break."""
    number = f"id: {seq}\n" if seq else ""
    return f"{number}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


PING = b": still here\n\n"
