"""Questions put to a model one after the other, or some at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 4
"""Questions to a hosted model alone at the same time; the embedded engine is asked one after the other, so that it
finds the beginning of the prompt in its cache."""


def each(ask: Callable[[T], R], questions: Iterable[T], *, at_once: int = 1) -> Generator[R, None, None]:
    """What `ask` gives, as it comes. Whoever leaves off leaves no question running but those under way, which nobody
    sees any more: `ask` itself keeps what was paid for.
    """
    if at_once == 1:
        yield from map(ask, questions)
        return
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="lab")
    try:
        for done in as_completed([pool.submit(ask, one) for one in questions]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)
