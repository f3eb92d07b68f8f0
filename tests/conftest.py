"""Fixtures that tests of several fronts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fronts import LEAVE, TRIP, Served, serving, slow_chat


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server with an empty library."""
    with serving(tmp_path / "served") as one:
        yield one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small documents, one of them only readable by its content."""
    path = tmp_path / "files"
    path.mkdir()
    (path / "leave.txt").write_text(LEAVE, "utf-8")
    (path / "trip.md").write_text(f"# 출장\n\n{TRIP}", "utf-8")
    return path


@pytest.fixture
def slow(tmp_path: Path, folder: Path) -> Iterator[Served]:
    """A server with two documents, whose model never stops on its own."""
    with serving(tmp_path / "slow", slow_chat()) as one:
        one.assistant.add([folder])
        yield one
