"""The store keeps its promises, on every database it runs on, also between threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from gakju.errors import LibraryError, NotFound, StorageFull, UsageError
from gakju.settings import Settings
from gakju.store import Store, migrations
from gakju.store.audit import Entry
from gakju.store.files import VectorStore
from gakju.store.usage import Day, Spent, Used
from gakju.text.lexicon import Word

DAY = "2026-11-0{}T00:00:00.000000+00:00"


@pytest.fixture
def store(place: Path | str) -> Iterator[Store]:
    store = Store(place)
    yield store
    store.close()


def test_threads_of_one_lane_never_take_the_same_job(store: Store) -> None:
    wanted = [store.add_job("ask", {}).id for _ in range(60)]
    taken: list[str] = []

    def serve() -> None:
        while job := store.claim(["ask"]):
            taken.append(job.id)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(taken) == sorted(wanted)
    assert {j.attempts for j in store.jobs(limit=60)} == {1}


def test_a_job_keeps_what_it_was_given_and_told(store: Store) -> None:
    job = store.add_job("ask", {"question": "휴가는 며칠인가요? \x00"})
    store.set_job(job.id, state="done", result={"answer": "15일"})
    store.add_event(job.id, 1, "token", {"text": "15"})
    store.add_event(job.id, 2, "token", {"text": "일"})
    assert (store.job(job.id).payload, store.job(job.id).result) == (job.payload, {"answer": "15일"})
    assert [(e.seq, e.data["text"]) for e in store.events(job.id, after=1)] == [(2, "일")]
    store.clear_events(job.id)
    assert store.events(job.id) == []
    with pytest.raises(NotFound):
        store.job("job_none")


def test_jobs_are_listed_newest_first(store: Store) -> None:
    ids = [store.add_job(kind, {}).id for kind in ("add", "ask", "ask")]
    assert [job.id for job in store.jobs()] == ids[::-1]
    assert [job.id for job in store.jobs(kinds=["ask"], states=["queued"], newest=False)] == ids[1:]
    assert [store.waiting(kind) for kind in ("add", "ask", "none")] == [1, 2, 0]


def test_questions_of_keys_are_answered_in_turn(store: Store) -> None:
    many = [store.add_job("ask", {"n": n}, "a") for n in range(4)]
    first = store.claim(["ask"])
    assert first
    assert first.id == many[0].id
    few = [store.add_job("ask", {}, owner) for owner in ("b", "c", "b")]
    order = [many[1], few[0], few[1], many[2], few[2], many[3]]
    assert [store.place(job) for job in order] == [1, 2, 3, 4, 5, 6]
    late = store.add_job("ask", {}, "d")
    assert store.place(late) == 4
    claimed = [job.id for _ in range(7) if (job := store.claim(["ask"]))]
    assert claimed == [job.id for job in [*order[:3], late, *order[3:]]]
    assert store.claim(["ask"]) is None
    assert store.place(store.add_job("ask", {}, "a")) == 1


def test_other_work_is_done_as_it_came(store: Store) -> None:
    added = [store.add_job("add", {}, owner) for owner in ("a", "a", "b")]
    assert [store.place(job) for job in added] == [1, 2, 3]


def test_keys_and_sessions_open_until_they_are_revoked(store: Store) -> None:
    key, token = store.keys.add("팀", ["ask"], collections=["team"], tokens_per_day=10)
    session = store.keys.open_session(key.id, 60)
    over = store.keys.open_session(key.id, -1)
    store.keys.used([key.id], DAY.format(1))
    for shown in (token, session):
        found = store.keys.find(shown)
        assert found is not None
        assert (found.id, found.collections, found.last_used_at) == (key.id, {"team"}, DAY.format(1))
    assert store.keys.find(over) is None
    store.keys.made("job_1", key.id)
    store.keys.made("job_1", key.id)
    assert (store.keys.maker("job_1"), store.keys.made_by(key.id)) == (key.id, {"job_1"})
    assert not store.keys.revoke(key.prefix).works
    assert store.keys.find(session) is None


def test_usage_is_summed_by_day_key_and_model(store: Store) -> None:
    used = [Used(DAY.format(d), key, "m", 10, d, 0.5) for d, key in ((1, "a"), (2, "a"), (2, "b"), (2, "a"))]
    store.usage.add(used)
    assert store.usage.spent(DAY.format(2)) == Spent(36, 1.5)
    assert store.usage.spent(DAY.format(1), "a") == Spent(35, 1.5)
    assert store.usage.spent(DAY.format(9)) == Spent(0, 0.0)
    assert store.usage.days(DAY.format(1)) == [
        Day("2026-11-02", "a", "m", 2, 20, 4, 1.0),
        Day("2026-11-02", "b", "m", 1, 10, 2, 0.5),
        Day("2026-11-01", "a", "m", 1, 10, 1, 0.5),
    ]
    store.usage.forget(DAY.format(2))
    assert store.usage.spent(DAY.format(1), "a") == Spent(24, 1.0)


def test_the_audit_log_is_read_from_its_end(store: Store) -> None:
    entries = [Entry(DAY.format(d), "k", "GET", "/v1/{x}", {"x": "가"}, 200, 0.25, "::1", "왜?") for d in (1, 2, 3)]
    store.audit.add(entries)
    assert store.audit.entries() == [(3, entries[2]), (2, entries[1]), (1, entries[0])]
    assert [number for number, _ in store.audit.entries(before=3, limit=1, key_id="k")] == [2]
    store.audit.forget(DAY.format(3))
    assert [entry for _, entry in store.audit.entries()] == [entries[2]]


def test_files_may_be_larger_than_two_gigabytes(store: Store) -> None:
    file = store.files.add("d" * 64, "보고서.pdf", "assistants", 5 << 30)
    assert store.files.get(file.id).bytes == 5 << 30
    store.files.put_store(VectorStore("team", "Team", DAY.format(1), DAY.format(1), {"a": "b"}))
    store.files.put_store(VectorStore("team", "Our team", DAY.format(1), DAY.format(2)))
    assert [(s.name, s.notes) for s in store.files.stores()] == [("Our team", {})]
    store.files.attach("team", [(file.id, {"year": 2025})])
    store.files.attach("team", [(file.id, {"year": 2026})], job_id="job_1")
    assert [(a.job_id, a.attributes) for a in store.files.attached("team")] == [("job_1", {"year": 2026})]
    store.files.remove(file.id)
    assert store.files.attached("team") == []


def test_responses_and_words_are_replaced(store: Store) -> None:
    store.responses.put("r", {"text": "하나 \x00"})
    store.responses.put("r", {"text": "둘"})
    assert store.responses.get("r") == {"text": "둘"}
    store.words.put("team", [Word("각주", ("脚注",))])
    store.words.put("team", [Word("주석", ())])
    assert [w.word for w in store.words.get("team").words] == ["주석"]


def test_what_a_database_cannot_keep_is_refused_and_nothing_is_left_half_done(place: Path | str, store: Store) -> None:
    if isinstance(place, Path):  # SQLite keeps every text
        store.talks.add("a\x00b", "default")
        assert [talk.title for talk in store.talks.all()] == ["a\x00b"]
        return
    with pytest.raises(UsageError, match="cannot be kept"):
        store.talks.add("a\x00b", "default")
    assert store.talks.all() == []


def test_the_database_is_ready_and_of_the_newest_version(place: Path | str, store: Store) -> None:
    store.check()
    again = Store(place)
    assert again.jobs() == []
    again.close()


def test_steps_lead_to_the_models_on_postgresql_too(postgresql) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from gakju.store import Base

    with create_engine(postgresql().replace("postgresql:", "postgresql+psycopg:")).connect() as connection:
        migrations.upgrade(connection)
        assert migrations.current(connection)
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_two_processes_open_a_new_database_at_a_time(place: Path | str) -> None:
    opened: list[Store] = []
    threads = [threading.Thread(target=lambda: opened.append(Store(place))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(opened) == 6
    for store in opened:
        store.close()


@pytest.mark.parametrize("url", ["mysql://me:hunter2@host/x", "me:hunter2@host", "postgresql://me:hunter2@host:port/x"])
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        Store(url)
    assert "hunter2" not in f"{raised.value} {raised.value.hint} {raised.value.__cause__}"


def test_a_server_that_is_away_is_told_without_the_password() -> None:
    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'gakju[postgres]'")
    settings = Settings(database="postgresql://me:hunter2@127.0.0.1:9/x")
    assert "hunter2" not in repr(settings)
    with pytest.raises(LibraryError, match=r"127\.0\.0\.1/x cannot be used") as raised:
        Store(settings.store)
    assert "hunter2" not in str(raised.value)
    assert not isinstance(raised.value, StorageFull)


def test_what_writers_put_into_a_tuning_at_the_same_time_is_all_kept(store: Store) -> None:
    made = store.tunings.add("base", "local", "", {})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.tunings.set(made.id, **{f"n{n}": n}), range(40)))
    assert store.tunings.get(made.id).told == {f"n{n}": n for n in range(40)}
    assert store.tunings.set(made.id, state="done", n1=None).told.keys() == {f"n{n}" for n in range(40) if n != 1}


def test_what_is_no_database_and_a_pool_without_connections_are_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 1000)
    with pytest.raises(LibraryError, match="file is not a database"):
        Store(tmp_path / "x.db")
    store = Store(tmp_path / "y.db")
    monkeypatch.setattr(store._db._engine.pool, "_timeout", 0.05)
    held = [store._db._engine.connect() for _ in range(15)]
    with pytest.raises(LibraryError, match="too busy"):
        store.jobs()
    for connection in held:
        connection.close()
    store.close()
