"""Databases of every age become today's, and lose nothing on the way."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from gakju.errors import LibraryError
from gakju.store import Base, Store, migrations

OLD = Path(__file__).parent / "data" / "gakju_before_versions.sql"
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('alembic_version', 'sqlite_sequence')"


@pytest.fixture
def empty() -> Iterator[Connection]:
    with create_engine("sqlite://").connect() as connection:
        yield connection


def restored(path: Path, sql: str = "") -> Path:
    with sqlite3.connect(path) as connection:
        connection.executescript(sql or OLD.read_text())
    connection.close()
    return path


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    tables = sorted(name for (name,) in connection.execute(TABLES))
    found = {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}
    connection.close()
    return found


def differences(connection: Connection) -> list[object]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def test_the_steps_lead_to_what_the_models_say(empty: Connection) -> None:
    migrations.upgrade(empty)
    assert migrations.current(empty)
    assert differences(empty) == [], 'write the step: python -m gakju.store.migrations "what it does"'


def test_a_new_database_is_of_the_newest_version(tmp_path: Path) -> None:
    Store(tmp_path / "gakju.db").close()
    with create_engine(f"sqlite:///{tmp_path / 'gakju.db'}").connect() as connection:
        assert migrations.version(connection) == migrations.versions()[-1]
        assert differences(connection) == []


def test_versions_are_one_line_by_number() -> None:
    known = migrations.versions()
    assert [int(name[1:5]) for name in known] == list(range(1, len(known) + 1)), "two steps have one number"
    for before, name in zip([None, *known], known, strict=False):
        step = (migrations.HERE / "versions" / f"{name}.py").read_text()
        assert f'revision = "{name}"' in step
        assert ("down_revision = None" if before is None else f'down_revision = "{before}"') in step
        assert len(name) <= 32, "the table of versions takes 32 characters"


def test_an_old_database_is_upgraded_without_loss(tmp_path: Path) -> None:
    path = restored(tmp_path / "gakju.db")
    before = rows(path)
    assert len(before) == 14
    assert all(before.values()), "a table of the old database has no row to lose"

    store = Store(path)
    after = rows(path)
    for table, kept in before.items():
        width = len(kept[0])
        assert [row[:width] for row in after[table]] == kept, table
    (thread,) = store.talks.all()
    assert [turn.question for turn in store.talks.turns(thread.id)] == ["휴가는 며칠인가요?"]
    assert [event.kind for event in store.events(store.talks.turns(thread.id)[0].job_id)] == ["token", "done"]
    assert [job.kind for job in store.jobs(states=["queued"])] == ["add"]
    assert store.keys.all()[0].collections == {"team"}
    assert store.words.get("team").words[0].also == ("脚注",)
    store.close()
    with create_engine(f"sqlite:///{path}").connect() as connection:
        assert migrations.current(connection)
        assert differences(connection) == []


def test_a_database_from_before_a_table_gets_it(tmp_path: Path) -> None:
    words = r"(CREATE TABLE word_lists \(.*?\);|INSERT INTO \"word_lists\".*?\);)"
    path = restored(tmp_path / "gakju.db", re.sub(words, "", OLD.read_text(), flags=re.DOTALL))
    store = Store(path)
    assert store.words.all() == {}
    assert len(store.talks.all()) == 1
    store.close()


def test_a_database_of_a_newer_gakju_is_left_alone(tmp_path: Path) -> None:
    path = restored(tmp_path / "gakju.db", "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);")
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO alembic_version VALUES ('v9999_tomorrow')")
    connection.close()
    with pytest.raises(LibraryError, match="v9999_tomorrow") as raised:
        Store(path)
    assert "Upgrade Gakju" in raised.value.hint
    assert rows(path) == {}


STEP = """
import os, signal
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{name}", "{before}"


def upgrade():
    {body}
"""
ADD = """op.create_table("wishes", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("UPDATE threads SET title = title || '!'")
    with op.batch_alter_table("jobs") as table:
        table.add_column(sa.Column("wisher", sa.String(), server_default="someone", nullable=False))
        table.alter_column("attempts", new_column_name="tries")"""
OPEN = """
import pathlib, sys
from gakju.store import Store, migrations
migrations.HERE = pathlib.Path(sys.argv[1])
Store(pathlib.Path(sys.argv[2])).close()
"""


def test_a_kill_in_the_middle_of_an_upgrade_loses_nothing(tmp_path: Path) -> None:
    path = restored(tmp_path / "gakju.db")
    Store(path).close()
    before = rows(path)
    steps = tmp_path / "migrations"
    shutil.copytree(migrations.HERE, steps, ignore=shutil.ignore_patterns("__pycache__"))
    first, second = "v9001_add", "v9002_kill"
    (steps / "versions" / f"{first}.py").write_text(STEP.format(name=first, before=migrations.versions()[-1], body=ADD))
    last = steps / "versions" / f"{second}.py"

    def opened() -> int:
        return subprocess.run([sys.executable, "-c", OPEN, steps, path], check=False, timeout=60).returncode

    last.write_text(STEP.format(name=second, before=first, body="os.kill(os.getpid(), signal.SIGKILL)"))
    assert opened() == -9
    assert rows(path) == before

    last.write_text(STEP.format(name=second, before=first, body='op.execute("DELETE FROM wishes")'))
    assert opened() == 0
    after = rows(path)
    assert after["wishes"] == []
    assert [row[1] for row in after["threads"]] == ["휴가 규정!"]
    assert [row[:-1] for row in after["jobs"]] == before["jobs"]
    assert {row[-1] for row in after["jobs"]} == {"someone"}


def test_a_temperature_that_nobody_chose_is_none_and_a_chosen_one_stays(tmp_path: Path) -> None:
    held = '{"model": "", "sources": "documents", "persona": "", "temperature": %s, "files": []}'
    with create_engine(f"sqlite:///{tmp_path / 'gakju.db'}").connect() as connection:
        migrations.upgrade(connection, "v0006_tunings")
        for name, temperature in (("usual", "0.7"), ("chosen", "0.4")):
            connection.exec_driver_sql("INSERT INTO presets VALUES (?, ?)", (name, held % temperature))
        connection.commit()
    store = Store(tmp_path / "gakju.db")
    assert {name: m.temperature for name, m in store.talks.presets().items()} == {"usual": None, "chosen": 0.4}
    store.close()
