"""The database itself: one engine, one transaction at a time, errors in Gakju's words. Tables: see `migrations`.

SQLite runs in WAL mode with synchronous=NORMAL: a killed process loses nothing that was committed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session

from gakju.errors import LibraryError, StorageFull
from gakju.store import migrations

Json = dict[str, Any]


def now() -> str:
    """UTC, ISO 8601, microseconds: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(8)}"


class Base(DeclarativeBase):
    """What every table derives from; a table's module must be imported before a `Database` is opened."""


def _open(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        for line in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {line}")

    return engine


class Database:
    """Thread-safe. Each part of the store keeps one and opens a session for every method."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = _open(path)
        with self._translated():
            self._bring()

    def _bring(self) -> None:
        with self._engine.connect() as connection:
            if migrations.current(connection):
                return
            connection.rollback()
            # SQLite's driver begins no transaction before CREATE or ALTER, and two processes may open at a time.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            migrations.bring(connection, Base.metadata)
            connection.commit()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as e:
            if "full" in str(e.orig):
                raise StorageFull(f"No space left for {self._path}.", hint="Free some disk space and try again.") from e
            raise LibraryError(f"The database {self._path} cannot be used: {e.orig}.") from e

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed where the block ends, undone where it raises."""
        with self._translated(), Session(self._engine) as session, session.begin():
            yield session

    def check(self) -> None:
        """Take the right to write, and give it back. Raises LibraryError, StorageFull."""
        with self._translated(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.rollback()
