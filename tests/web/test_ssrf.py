from __future__ import annotations

from collections.abc import Iterator

import pytest
from attempts import Attempt, attempts, connected, listening

TRAP = 39_999  # nobody has to listen: a try to connect is noted
MADE = attempts(TRAP, "http://site.example:1")


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    with listening() as port:
        yield port


@pytest.mark.parametrize("attempt", MADE, ids=[f"{a.kind}-{n}" for n, a in enumerate(MADE)])
def test_no_attempt_connects(attempt: Attempt, site: int) -> None:
    attempt = Attempt(
        attempt.kind, attempt.url.replace("site.example:1", f"site.example:{site}"), attempt.names, attempt.visits
    )
    made, told = connected(attempt, site)
    assert made == []
    assert "answered" not in told


def test_there_are_forty() -> None:
    assert len({(a.url, str(a.names)) for a in MADE}) >= 40


def test_the_trap_sees_what_connects(site: int) -> None:
    """Or every attempt would seem to fail."""
    made, told = connected(Attempt("own", f"http://site.example:{site}/to/%2Fhere"), site)
    assert (made, told) == ([], ["answered"])
