from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest

from gakju.assistant.ahead import Ahead


def test_items_come_in_order_and_no_more_than_the_room_is_made_ahead() -> None:
    made: list[int] = []

    def numbers() -> Generator[int]:
        for n in range(50):
            made.append(n)
            yield n

    with Ahead(numbers(), 3) as ahead:
        taken = []
        for n in ahead:
            time.sleep(0.002)
            taken.append(n)
            assert len(made) <= len(taken) + 4
    assert taken == list(range(50))
    assert list(ahead) == []


def test_it_works_while_nobody_takes() -> None:
    third = threading.Event()

    def numbers() -> Generator[int]:
        yield 1
        yield 2
        third.set()
        yield 3

    with Ahead(numbers(), 3) as ahead:
        assert third.wait(60)
        assert list(ahead) == [1, 2, 3]


def test_what_is_raised_comes_after_what_was_made() -> None:
    def broken() -> Generator[int]:
        yield 1
        raise ValueError("broken")

    with Ahead(broken(), 5) as ahead:
        assert next(ahead) == 1
        with pytest.raises(ValueError, match="broken"):
            next(ahead)


def test_closing_closes_the_source_on_its_own_thread_and_waits_for_it() -> None:
    closed: list[str] = []

    def endless() -> Generator[int]:
        try:
            while True:
                yield 1
        finally:
            time.sleep(0.05)
            closed.append(threading.current_thread().name)

    with Ahead(endless(), 2, "reading") as ahead:
        next(ahead)
    assert closed == ["reading"]
