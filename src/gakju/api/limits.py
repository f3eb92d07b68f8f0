"""How much at a time, how often, how long."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gakju.api import errors
from gakju.api.callers import Caller
from gakju.errors import RateLimited, TooSlow
from gakju.settings import Settings

log = logging.getLogger("gakju.api")


class Room:
    """Requests at a time, and requests a minute for each key. For the event loop only."""

    def __init__(self, settings: Settings) -> None:
        self._most, self._each = settings.requests, settings.requests_per_key
        self._now: Counter[str] = Counter()
        self._left: dict[str, tuple[float, float]] = {}

    @contextmanager
    def place(self, caller: Caller) -> Iterator[None]:
        """One place for as long as this is open. Raises RateLimited."""
        if self._now.total() >= self._most:
            raise RateLimited("The server is busy.", hint="Try again in a moment.", retry_after=2)
        if caller.id and self._now[caller.id] >= self._each:
            raise RateLimited(
                f"This key has {self._each} requests under way.", hint="Wait until one has ended.", retry_after=1
            )
        self._now[caller.id] += 1
        try:
            yield
        finally:
            self._now[caller.id] -= 1
            if not self._now[caller.id]:
                del self._now[caller.id]

    def count(self, caller: Caller) -> None:
        """One more request of this minute. Raises RateLimited. A token bucket as deep as the minute's requests."""
        rate = caller.key.requests_per_minute if caller.key else 0
        if not rate:
            return
        at = time.monotonic()
        left, then = self._left.get(caller.id, (float(rate), at))
        left = min(float(rate), left + (at - then) * rate / 60)
        if left < 1:
            wait = math.ceil((1 - left) * 60 / rate)
            raise RateLimited(f"This key may send {rate} requests a minute.", retry_after=wait)
        self._left[caller.id] = (left - 1, at)


TAKEN = 60.0
"""Seconds that a client may let an answer lie: while it takes nothing, it holds a place, and a model's slot."""


class _NotTaken(OSError):
    pass


class Patience:
    """Pure ASGI: an answer must begin and be taken, and a request must go on coming, within its time."""

    def __init__(self, app: ASGIApp, *, begin: float, pause: float) -> None:
        self.app = app
        self._begin, self._pause = begin, pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False
        late: asyncio.Task[None] | None = None

        async def watched(message: Message) -> None:
            nonlocal begun
            if late:
                return
            begun = True
            try:
                async with asyncio.timeout(TAKEN):
                    await send(message)
            except TimeoutError:
                raise _NotTaken from None

        async def refuse() -> None:
            refusal = errors.respond(TooSlow(f"No answer within {self._begin:g} seconds.", hint="Try again later."))
            with suppress(OSError):  # Its client has left, or takes nothing: the server hangs up.
                async with asyncio.timeout(TAKEN):
                    await refusal(scope, receive, send)

        def tell() -> None:
            # What runs in a thread cannot be stopped: the client is told, and the work ends unheard in its own time.
            nonlocal late
            if not begun:
                late = asyncio.ensure_future(refuse())

        timer = asyncio.get_running_loop().call_later(self._begin, tell)
        try:
            await self.app(scope, _hurried(receive, self._pause), watched)
        except _NotTaken:
            log.info("%s was not taken by its client any more", scope["path"])  # The server hangs up.
        finally:
            timer.cancel()
            if late:  # The server closes what is unsaid when this returns.
                await late


def _hurried(receive: Receive, pause: float) -> Receive:
    whole = False

    async def hurried() -> Message:
        nonlocal whole
        if whole:  # From here on this waits for the client to leave.
            return await receive()
        try:
            async with asyncio.timeout(pause):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, f"The request stopped for {pause:g} seconds") from None
        whole = message["type"] != "http.request" or not message.get("more_body")
        return message

    return hurried
