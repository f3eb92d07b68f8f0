"""A generator that runs ahead of whoever takes from it, on a thread of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Items of `source` in order, at most `room` of them made before they are wanted.

    What `source` raises is raised where its next item was due. `close`, which leaving the context does, closes it
    on its own thread, as soon as it has made the item it is at, and waits for that.
    """

    def __init__(self, source: Generator[T, None, None], room: int, name: str = "ahead") -> None:
        self._source, self._room = source, room
        self._ready: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = self._over = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __enter__(self) -> Ahead[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Ahead[T]:
        return self

    def __next__(self) -> T:
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._over)
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
        if self._error is not None:
            raise self._error
        raise StopIteration

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            for item in self._source:
                with self._changed:
                    self._ready.append(item)
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: len(self._ready) < self._room or self._closed)
                    if self._closed:
                        break
        except BaseException as error:
            self._error = error
        finally:
            self._source.close()
            with self._changed:
                self._over = True
                self._changed.notify_all()
