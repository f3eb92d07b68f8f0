"""A fair line in front of an engine that serves a few requests at a time.

Callers take turns: whoever sends a hundred requests at once waits behind the one who sends one.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from gakju.errors import RateLimited

_GUESS = 10.0
"""Seconds that a request is taken to need before one has been seen."""


class Turn:
    """A place in the line, then a slot; a context manager that gives either back."""

    def __init__(self, line: Turns, caller: str, changed: Callable[[], None]) -> None:
        self.caller = caller
        self.position = 0
        """0 with a slot, else the place in the line, counted from 1."""
        self._line, self._changed = line, changed
        self._granted = threading.Event()
        self.since = 0.0

    def wait(self) -> None:
        """Blocks until there is a slot."""
        self._granted.wait()

    def leave(self) -> None:
        """Gives the place or the slot back; again is harmless."""
        self._line.leave(self)

    def move(self, position: int) -> None:
        self.position = position
        if position == 0:
            self.since = time.monotonic()
            self._granted.set()
        self._changed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        self.leave()


class Turns:
    """`slots` at a time; at most `depth` wait. Thread-safe."""

    def __init__(self, slots: int, depth: int) -> None:
        self.slots, self.depth = slots, depth
        self._lock = threading.RLock()
        self._waiting: dict[str, deque[Turn]] = {}
        """Each caller's own line, the caller whose turn is next first."""
        self._running: set[Turn] = set()
        self._seconds = _GUESS
        self._empty = threading.Condition(self._lock)
        self._one = threading.Lock()
        self._held = False

    @property
    def waiting(self) -> int:
        with self._lock:
            return sum(map(len, self._waiting.values()))

    @property
    def running(self) -> int:
        return len(self._running)

    def join(self, caller: str, changed: Callable[[], None] = lambda: None) -> Turn:
        """A slot if one is free, else the end of `caller`'s line.

        `changed` is called when the position does, from any thread and with the line held: it must only wake
        someone. Raises RateLimited where too many wait.
        """
        turn = Turn(self, caller, changed)
        with self._lock:
            if len(self._running) < self.slots and not self._held:
                self._grant(turn)
            elif self.waiting >= self.depth:
                raise RateLimited(
                    f"{self.depth} requests wait for the model already.",
                    hint="Wait and try again.",
                    retry_after=self._until_free(),
                )
            else:
                self._waiting.setdefault(caller, deque()).append(turn)
                self._tell()
        return turn

    def leave(self, turn: Turn) -> None:
        with self._lock:
            if turn in self._running:
                self._running.remove(turn)
                self._seconds += 0.2 * (time.monotonic() - turn.since - self._seconds)
                self._next()
                self._empty.notify_all()
            elif turn in (line := self._waiting.get(turn.caller, deque())):
                line.remove(turn)
                if not line:
                    del self._waiting[turn.caller]
                self._tell()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No one has a slot meanwhile: who has one is waited for, and who comes stands in line.

        Not for someone who has a slot.
        """
        with self._one:
            with self._lock:
                self._held = True
                while self._running:
                    self._empty.wait()
            try:
                yield
            finally:
                with self._lock:
                    self._held = False
                    for _ in range(self.slots):
                        self._next()

    def _grant(self, turn: Turn) -> None:
        self._running.add(turn)
        turn.move(0)

    def _next(self) -> None:
        if self._waiting and not self._held:
            caller, line = next(iter(self._waiting.items()))
            del self._waiting[caller]
            self._grant(line.popleft())
            if line:  # Behind everyone else who waits.
                self._waiting[caller] = line
            self._tell()

    def _tell(self) -> None:
        """Places in the order in which the line will move."""
        rounds = max(map(len, self._waiting.values()), default=0)
        order = [line[r] for r in range(rounds) for line in self._waiting.values() if r < len(line)]
        for place, turn in enumerate(order, 1):
            if turn.position != place:
                turn.move(place)

    def _until_free(self) -> int:
        """Seconds until about half of those who wait have had their turn."""
        return min(120, max(1, math.ceil(self._seconds * self.depth / self.slots / 2)))
