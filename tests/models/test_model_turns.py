"""The line in front of an engine: fair, told, bounded."""

from __future__ import annotations

import threading

import pytest

from gakju.errors import RateLimited
from gakju.models.turns import Turn, Turns


def order(line: Turns, turns: dict[str, Turn], running: Turn) -> list[str]:
    """Names as they get their slot, one leaving after the other."""
    got = []
    while turns:
        running.leave()
        name = next(n for n, t in turns.items() if t.position == 0)
        got.append(name)
        running = turns.pop(name)
    running.leave()
    assert (line.running, line.waiting) == (0, 0)
    return got


def test_slots_then_places() -> None:
    line = Turns(2, 8)
    turns = [line.join("a") for _ in range(4)]
    assert [t.position for t in turns] == [0, 0, 1, 2]
    assert (line.running, line.waiting) == (2, 2)
    turns[1].leave()
    assert [t.position for t in turns] == [0, 0, 0, 1]


def test_who_sends_many_waits_behind_who_sends_one() -> None:
    line = Turns(1, 20)
    first = line.join("many")
    turns = {f"many {i}": line.join("many") for i in range(4)}
    turns |= {f"one {i}": line.join("one") for i in range(2)} | {"other": line.join("other")}
    assert [t.position for t in turns.values()] == [1, 4, 6, 7, 2, 5, 3]
    assert order(line, turns, first) == ["many 0", "one 0", "other", "many 1", "one 1", "many 2", "many 3"]


def test_a_full_line_says_when_to_come_again() -> None:
    line = Turns(1, 2)
    running, waiting = line.join("a"), [line.join("a"), line.join("b")]
    with pytest.raises(RateLimited) as caught:
        line.join("c")
    assert 1 <= caught.value.details["retry_after"] <= 120
    waiting[0].leave()
    assert line.join("c").position == 2
    running.leave()
    assert waiting[1].position == 0


def test_leaving_twice_gives_one_slot_back() -> None:
    line = Turns(1, 4)
    first, second, third = (line.join("a") for _ in range(3))
    first.leave()
    first.leave()
    assert (second.position, third.position) == (0, 1)


def test_everyone_is_told_when_the_place_changes() -> None:
    line, told = Turns(1, 8), []
    first = line.join("a")
    turns = {}
    for name in "xyz":
        turns[name] = line.join(
            name, lambda name=name: told.append((name, turns[name].position if name in turns else 0))
        )
    told.clear()
    turns["x"].leave()
    assert told == [("y", 1), ("z", 2)]
    told.clear()
    first.leave()
    assert told == [("y", 0), ("z", 1)]


def test_waiting_in_a_thread() -> None:
    line = Turns(1, 8)
    first, second = line.join("a"), line.join("b")
    through = threading.Event()

    def work() -> None:
        second.wait()
        through.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert not through.wait(0.05)
    first.leave()
    thread.join(60)
    assert through.is_set()


def test_a_context_gives_back_however_it_ends() -> None:
    line = Turns(1, 1)
    with pytest.raises(ZeroDivisionError), line.join("a"):
        raise ZeroDivisionError
    assert line.running == 0
