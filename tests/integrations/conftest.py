"""A library that integrations may look at together, in this process and behind a port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fronts import LEAVE, TRIP, Served, serving
from gakju.models.fakes import FakeChat

QUESTION = "연차휴가는 며칠인가?"
SENTENCE = "연차휴가는 15일이다."


def say(messages) -> str:
    """A model that writes from evidence as it is asked to, and else repeats what it was told last."""
    last = messages[-1].content
    return f"{SENTENCE} [1]" if "<evidence>" in last else last


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with two documents that nobody changes."""
    folder = tmp_path_factory.mktemp("integrations")
    for name, text in (("leave.txt", LEAVE), ("trip.txt", TRIP)):
        (folder / name).write_text(text, "utf-8")
    with serving(folder / "home", FakeChat(say)) as one:
        one.assistant.add([folder / "leave.txt", folder / "trip.txt"])
        yield one
