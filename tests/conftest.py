"""Fixtures that tests of several fronts share."""

from __future__ import annotations

import os
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


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Where real model files lie: GAKJU_TEST_MODELS, or the data folder's."""
    from gakju.settings import Settings

    return Path(given) if (given := os.environ.get("GAKJU_TEST_MODELS")) else Settings().models


def need_model(name: str, folder: Path) -> Path:
    """The model's file. Without it the test is skipped; in CI, where nothing may be, it fails."""
    from gakju.models import catalog, fetch

    entry = catalog.entry(name)
    if not fetch.present(entry, folder):
        reason = f"{name} is not in {folder}: run `make setup` or `gakju models pull {name}`"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return fetch.path_of(entry, folder)


@pytest.fixture(scope="session")
def e5(model_folder: Path, tmp_path_factory: pytest.TempPathFactory):
    """The real embedder."""
    from gakju.models.embed import E5

    return E5(need_model("multilingual-e5-small", model_folder), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def embedded_chat(model_folder: Path):
    """The real chat model in its engine, with a small context."""
    from gakju.models.chat import EmbeddedChat
    from gakju.models.engine import Engine

    name = "qwen2.5-coder-0.5b"
    engine = Engine(need_model(name, model_folder), context=1024)
    yield EmbeddedChat(f"embedded:{name}", engine)
    engine.stop()
