"""The database itself: one engine, one transaction at a time, errors in Gakju's words. Tables: see `migrations`.

SQLite runs in WAL mode with synchronous=NORMAL: a killed process loses nothing that was committed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import DeclarativeBase, Session

from gakju.errors import LibraryError, StorageFull, UsageError
from gakju.store import migrations

Json = dict[str, Any]
LOCK = 0x67616B6A75  # "gakju": who upgrades a PostgreSQL database holds it


def now() -> str:
    """UTC, ISO 8601, microseconds: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(8)}"


class Base(DeclarativeBase):
    """What every table derives from; a table's module must be imported before a `Database` is opened."""


def _sqlite(path: Path) -> Engine:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        for line in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {line}")

    return engine


def _postgresql(url: str) -> tuple[Engine, str]:
    """The engine, and a name without the password. Raises UsageError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise UsageError(  # without the text: a password may be in it
            "The setting `database` is no URL of a PostgreSQL database.",
            hint="Write it as postgresql://user:password@host:5432/name, or leave it empty for SQLite.",
        ) from None
    if find_spec("psycopg") is None:
        raise UsageError("PostgreSQL needs a driver.", hint="Install it: pip install 'gakju[postgres]'")
    name = f"{parsed.host or parsed.query.get('host', 'localhost')}/{parsed.database or ''}"
    return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True), name


class Database:
    """A file (SQLite), or the URL of a PostgreSQL database. Thread-safe.

    Each part of the store keeps one and opens a session for every method.
    """

    def __init__(self, place: Path | str) -> None:
        self._engine, self._name = _postgresql(place) if isinstance(place, str) else (_sqlite(place), str(place))
        self._lite = not isinstance(place, str)
        try:
            with self._translated():
                self._bring()
        except BaseException:
            self.close()
            raise

    def _bring(self) -> None:
        with self._engine.connect() as connection:
            if migrations.current(connection):
                return
            connection.rollback()
            # Two processes may open at a time, and SQLite's driver begins no transaction before CREATE or ALTER.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if self._lite else f"SELECT pg_advisory_xact_lock({LOCK})")
            migrations.bring(connection, Base.metadata)
            connection.commit()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DataError as e:  # NUL in a text, a number of more than 32 bits: SQLite takes both
            raise UsageError(f"That cannot be kept in the database: {e.orig}.") from e
        except (IntegrityError, ProgrammingError):  # a caller's own to expect, or a bug
            raise
        except (DatabaseError, InterfaceError) as e:
            if "full" in str(e.orig) or "No space left" in str(e.orig):
                raise StorageFull(f"No space left for {self._name}.", hint="Free some disk space and try again.") from e
            raise LibraryError(f"The database {self._name} cannot be used: {e.orig}.") from e
        except NoConnection as e:
            raise LibraryError(f"The database {self._name} is too busy.", hint="Try again.") from e

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed where the block ends, undone where it raises."""
        with self._translated(), Session(self._engine) as session, session.begin():
            yield session

    def check(self) -> None:
        """Take the right to write, and give it back. Raises LibraryError, StorageFull."""
        with self._translated(), self._engine.connect() as connection:
            if self._lite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif connection.exec_driver_sql("SHOW transaction_read_only").scalar() != "off":
                raise LibraryError(f"The database {self._name} is read-only.")
            connection.rollback()
