"""Answers of models to clients: whole, or as OpenAI's server-sent events. Who goes away stops the model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from anyio import CancelScope
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gakju.api import errors
from gakju.api.events import EventStream
from gakju.errors import GakjuError, ModelFailed
from gakju.models.raw import Waiting

T = TypeVar("T")

LOOK = 0.5
"""Seconds between looks whether the server stops."""
AHEAD = 16
"""Chunks of a model that wait for a client to read them; the model waits with the next."""
FINISH = 3.0
"""Seconds an answer has to come to its end then; uvicorn waits a little longer."""
GONE = 499
"""What nginx calls it; nobody is there to read it."""

Source = AsyncGenerator[Any, None]


async def whole(request: Request, work: Awaitable[Mapping[str, Any]]) -> Response:
    """The answer as JSON."""
    answer = await _unless_gone(request, work)
    return Response(status_code=GONE) if answer is None else JSONResponse(answer)


async def streamed(request: Request, source: Source, *, usage: bool) -> Response:
    """Chunks as events; one that only tells usage is left out unless `usage`.

    What is wrong with the request is raised before the first event, with a status of its own, unless it had to
    wait for its turn.
    """
    try:
        first = await _unless_gone(request, anext(source, None))
    except BaseException:
        await source.aclose()
        raise
    if first is None:
        await source.aclose()
        return Response(status_code=GONE)
    return EventStream(_frames(request, first, source, usage), lambda frame: frame)


async def _unless_gone(request: Request, work: Awaitable[T]) -> T | None:
    """None where the client left. Raises ModelFailed where the server stops."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    closing = _Closing(request)
    try:
        while not working.done() and not leaving.done():
            closing.check()
            await asyncio.wait({working, leaving}, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        await _ended(working, leaving)


async def _ended(*tasks: asyncio.Future[Any]) -> None:
    """Cancelled, and over: a scope that is cancelled itself would cut every wait short, and leave the model at work."""
    for task in tasks:
        task.cancel()
    with CancelScope(shield=True):
        await asyncio.gather(*tasks, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Closing:
    """Whether the server stops, and how long an answer that is under way may go on."""

    def __init__(self, request: Request) -> None:
        self._stopping: Callable[[], bool] = request.app.state.stopping
        self._seen: float | None = None

    def check(self, waiting: bool = False) -> None:
        """Raises ModelFailed once an answer had `FINISH` seconds since the server was first seen to stop; at once for
        one that is `waiting`.
        """
        if not self._stopping():
            return
        self._seen = self._seen or time.monotonic()
        if waiting or time.monotonic() - self._seen >= FINISH:
            raise ModelFailed("Gakju is closing.", hint="Ask again when it is back.")


async def _frames(request: Request, first: object, source: Source, usage: bool) -> AsyncGenerator[bytes, None]:
    # A task of its own for all items: a step that the client's leaving cuts short could not end the model in order.
    items: asyncio.Queue[Any] = asyncio.Queue(AHEAD)
    reading = asyncio.ensure_future(_read(source, items))
    closing = _Closing(request)
    try:
        item: object = first
        while item is not None:
            if frame := _frame(item, usage):
                yield frame
            closing.check(waiting=isinstance(item, Waiting))
            item = await _taken(items, closing)
        yield b"data: [DONE]\n\n"
    except GakjuError as error:
        _, content = errors.told(error)
        yield data_frame(content)
    finally:
        await _ended(reading)
        with CancelScope(shield=True):
            await source.aclose()


async def _taken(items: asyncio.Queue[Any], closing: _Closing) -> object:
    """The next item, or what was raised in its place."""
    while True:
        closing.check()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK):
                item = await items.get()
                break
    if isinstance(item, BaseException):
        raise item
    return item


async def _read(source: Source, items: asyncio.Queue[Any]) -> None:
    """None, or what was raised, is the last item."""
    try:
        async for item in source:
            await items.put(item)
        await items.put(None)
    except BaseException as error:  # also what is no Exception, or a client would wait for ever
        if asyncio.current_task().cancelling():  # type: ignore[union-attr]
            raise  # Nobody takes items any more: to put one could take for ever.
        await items.put(error)


def _frame(item: object, usage: bool) -> bytes:
    if isinstance(item, Waiting):
        return f": queued {item.position}\n\n".encode()
    assert isinstance(item, dict)
    if not usage and "usage" in item:
        item = {k: v for k, v in item.items() if k != "usage"}
        if not item.get("choices"):
            return b""
    return data_frame(item)


def data_frame(content: object) -> bytes:
    """One event."""
    # A lone surrogate, which JSON can hold and UTF-8 cannot, goes out as it came in: escaped.
    return f"data: {json.dumps(content, ensure_ascii=True, separators=(',', ':'))}\n\n".encode()
