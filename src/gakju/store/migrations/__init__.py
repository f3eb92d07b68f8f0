"""The database's versions: who adds or changes a table writes one step here.

1. Write the table (`class SomethingRow(Base)`) in a module of `gakju.store` that `gakju/store/__init__.py` imports.
   Columns are `String`, `Text`, `Integer`, `Float` or `LargeBinary`; times are text as `now` writes them.
2. Run `python -m gakju.store.migrations "keep words"`. It compares the tables with the newest version and writes
   `versions/v0002_keep_words.py` with what is missing. Read it: a renamed column looks like one dropped and one added.
   Who finds that another made the same number meanwhile (a test says so) deletes the file and runs it again.
3. A column added to a table with rows needs `server_default=` (in the step; the model's `default=` is Python's), or a
   step that fills it: `op.execute("UPDATE …")` after it was added. Changes to a column go through
   `with op.batch_alter_table("jobs") as table:`, since SQLite changes no column in place.
4. Run `pytest tests/test_store_versions.py`. It compares models and steps, brings an old database up to date, and kills
   an upgrade halfway. There is nothing else to do: a data folder is upgraded where it is opened.
5. Steps only lead forward, and one that was released is never edited: its number stands in people's databases.

A new database is made from the models in one go and marked with the newest version. One from before there were
versions starts at nothing: the first step creates what is not there. All steps that are due run in one transaction
that holds the right to write, so a kill undoes them together and a second process waits and finds nothing to do.
Alembic takes most of a second to import and is asked for only where a step is due.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, MetaData, inspect, text

from gakju.errors import LibraryError

HERE = Path(__file__).parent
TABLE = "alembic_version"


def versions() -> list[str]:
    """Oldest first. A version is named as its module."""
    return sorted(path.stem for path in (HERE / "versions").glob("v*.py"))


def version(connection: Connection) -> str:
    """Of a database; "" for a new one and for one from before there were versions."""
    if not inspect(connection).has_table(TABLE):
        return ""
    return str(connection.execute(text(f"SELECT version_num FROM {TABLE}")).scalar() or "")  # noqa: S608


def current(connection: Connection) -> bool:
    return version(connection) == versions()[-1]


def bring(connection: Connection, metadata: MetaData) -> None:
    """Make or upgrade the tables, inside the transaction that the connection is in. Raises LibraryError."""
    have, known = version(connection), versions()
    if have == known[-1]:  # another process was first
        return
    if have and have not in known:
        raise LibraryError(
            f"The database is of version {have}, which this Gakju does not know.",
            hint="Upgrade Gakju, or open another data folder.",
        )
    if have or inspect(connection).get_table_names():
        upgrade(connection)
    else:
        metadata.create_all(connection)
        connection.execute(text(f"CREATE TABLE {TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text(f"INSERT INTO {TABLE} VALUES (:version)"), {"version": known[-1]})  # noqa: S608


def upgrade(connection: Connection, to: str = "head") -> None:
    """Every step that is due, through Alembic; `bring` is for everyone else."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
