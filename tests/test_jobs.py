"""Jobs survive what happens to processes: cancels, kills, closing, two owners."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from gakju.errors import BrokenFile, Cancelled, LibraryBusy, StorageFull
from gakju.jobs import MAX_ATTEMPTS, Context, Jobs, Ownership
from gakju.store import Store
from gakju.types import Progress

ONE = [(("work",), 1)]


@pytest.fixture
def store(place: Path | str):
    store = Store(place)
    yield store
    store.close()


def running(store: Store, handler, lanes=ONE) -> Jobs:
    jobs = Jobs(store, {"work": handler, "other": handler}, lanes)
    jobs.start()
    return jobs


def test_events_arrive_in_order_and_the_result_is_kept(store: Store) -> None:
    def handler(context: Context) -> dict[str, int]:
        for i in range(5):
            context.emit("step", {"i": i})
        return {"sum": 10 + context.payload["add"]}

    jobs = running(store, handler)
    job = jobs.submit("work", {"add": 1})
    steps = [(e.seq, e.data["i"]) for e in jobs.follow(job.id) if e.kind == "step"]
    assert steps == [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]
    assert [e.seq for e in jobs.follow(job.id, after=3) if e.seq] == [4, 5]
    assert (store.job(job.id).state, store.job(job.id).result) == ("done", {"sum": 11})
    jobs.close()


def test_one_lane_runs_in_order_and_lanes_do_not_wait_for_each_other(store: Store) -> None:
    gate, order = threading.Event(), []

    def handler(context: Context) -> dict[str, int]:
        if context.job.kind == "work":
            gate.wait(60)
        order.append(context.payload["name"])
        return {}

    jobs = running(store, handler, [(("work",), 1), (("other",), 1)])
    ids = [jobs.submit("work", {"name": n}).id for n in ("a", "b", "c")]
    jobs.wait(jobs.submit("other", {"name": "quick"}).id)
    gate.set()
    for i in ids:
        jobs.wait(i)
    assert order == ["quick", "a", "b", "c"]
    jobs.close()


def test_what_another_process_queued_is_found_and_a_full_disk_ends_no_lane(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gakju.jobs.IDLE", 0.05)
    claim, refused = store.claim, []

    def full(kinds: list[str]):
        if len(refused) < 3:
            refused.append(kinds)
            raise StorageFull("The disk is full.")
        return claim(kinds)

    monkeypatch.setattr(store, "claim", full)
    jobs = running(store, lambda _: {"done": 1})
    job = store.add_job("work", {})
    assert jobs.wait(job.id).result == {"done": 1}
    assert refused == [("work",)] * 3
    jobs.close()


def test_an_idle_queue_is_read_and_never_locked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gakju.jobs.IDLE", 0.02)
    claimed, looked, claim, look = [], [], store.claim, store.queued_kinds
    monkeypatch.setattr(store, "claim", lambda kinds: claimed.append(kinds) or claim(kinds))
    monkeypatch.setattr(store, "queued_kinds", lambda: looked.append(1) or look())
    jobs = running(store, lambda _: {}, [(("work",), 2), (("other",), 3)])
    end = time.monotonic() + 60
    while len(claimed) < 5 or len(looked) < 25:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert len(claimed) == 5, "once each, at the start"
    jobs.close()


def test_cancel_ends_a_running_job_at_its_next_step_and_a_queued_one_at_once(store: Store) -> None:
    started = threading.Event()

    def handler(context: Context) -> dict[str, int]:
        started.set()
        for i in range(10_000):
            context.progress(Progress("work", i, 10_000))
            time.sleep(0.001)
        return {}

    jobs = running(store, handler)
    first, second = jobs.submit("work", {}), jobs.submit("work", {})
    assert started.wait(60)
    assert jobs.cancel(second.id).state == "cancelled"
    jobs.cancel(first.id)
    assert jobs.wait(first.id).state == "cancelled"
    assert store.job(second.id).attempts == 0
    jobs.close()


def test_an_expected_error_keeps_its_code_and_next_step_and_a_bug_says_nothing_private(store: Store) -> None:
    def handler(context: Context) -> dict[str, int]:
        if context.payload["kind"] == "ours":
            raise BrokenFile("a.pdf is empty.", hint="Get it again.")
        raise RuntimeError("secret-key-123")

    jobs = running(store, handler)
    ours = jobs.wait(jobs.submit("work", {"kind": "ours"}).id)
    bug = jobs.wait(jobs.submit("work", {"kind": "bug"}).id)
    assert ours.error == {"code": "broken_file", "message": "a.pdf is empty.", "hint": "Get it again."}
    assert (bug.state, bug.error["code"]) == ("failed", "internal")
    assert "secret" not in str(bug.error)
    jobs.close()


def test_closing_hands_a_running_job_back_and_the_next_owner_finishes_it(store: Store) -> None:
    started = threading.Event()

    def slow(context: Context) -> dict[str, int]:
        context.emit("old", {})
        started.set()
        while True:
            context.check()
            time.sleep(0.005)

    jobs = running(store, slow)
    job = jobs.submit("work", {})
    assert started.wait(60)
    jobs.close()
    assert (store.job(job.id).state, store.job(job.id).attempts) == ("queued", 0)

    again = running(store, lambda context: context.emit("new", {}) or {"ok": 1})
    assert again.wait(job.id).result == {"ok": 1}
    assert [e.kind for e in store.events(job.id)] == ["new"]
    again.close()


def test_a_job_that_gives_up_by_itself_is_over(store: Store) -> None:
    begun = []

    def handler(context: Context) -> dict[str, int]:
        begun.append(context.job.id)
        raise Cancelled("Somebody else has cancelled it.")

    jobs = running(store, handler)
    assert jobs.wait(jobs.submit("work", {}).id).state == "cancelled"
    assert len(begun) == 1
    jobs.close()


def test_a_job_running_at_a_kill_is_taken_up_again_but_not_for_ever(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import os, pathlib
        from gakju.jobs import Jobs
        from gakju.store import Store
        store = Store(pathlib.Path({str(tmp_path / "gakju.db")!r}))
        jobs = Jobs(store, {{"work": lambda c: os.kill(os.getpid(), 9)}}, [(("work",), 1)])
        jobs.start()
        if not store.jobs(): jobs.submit("work", {{}})
        import time; time.sleep(100)
    """)
    for _ in range(MAX_ATTEMPTS):
        killed = subprocess.run([sys.executable, "-c", script], check=False, timeout=90)
        assert killed.returncode == -9
    store = Store(tmp_path / "gakju.db")
    assert [j.attempts for j in store.jobs()] == [MAX_ATTEMPTS]
    jobs = running(store, lambda _: {})
    assert [(j.state, j.error["code"]) for j in store.jobs()] == [("failed", "crashed")]
    jobs.close()
    store.close()


def test_a_job_that_gets_on_between_kills_is_never_given_up(tmp_path: Path) -> None:
    store = Store(tmp_path / "gakju.db")
    job = store.add_job("work", {})
    for page in range(2 * MAX_ATTEMPTS):
        claimed = store.claim(["work"])
        assert claimed is not None
        store.set_job(job.id, progress={"stage": "reading", "item": "long.pdf", "done": page})
        Jobs(store, {}, []).start()  # What the next owner does first.
        assert (store.job(job.id).state, store.job(job.id).attempts) == ("queued", 1)
    jobs = running(store, lambda _: {"ok": 1})
    done = jobs.wait(job.id)
    assert (done.state, done.result, done.error) == ("done", {"ok": 1}, {})
    jobs.close()
    store.close()


def test_a_new_data_folder_is_for_its_users_eyes_only(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    Ownership(home)
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_folder_has_one_owner_and_others_learn_how_to_reach_it(tmp_path: Path) -> None:
    first, second = Ownership(tmp_path), Ownership(tmp_path)
    assert second.other() is None
    first.require()
    first.announce("http://127.0.0.1:8080")
    assert not second.acquire()
    assert second.other()["url"] == "http://127.0.0.1:8080"
    with pytest.raises(LibraryBusy, match="Wait for it"):
        second.require()
    first.release()
    assert second.acquire()
    second.release()


class Panic(BaseException):
    """What code in Rust raises where it fails."""


def test_a_job_ends_once_the_disk_takes_its_end_and_whatever_it_raises(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gakju.jobs.IDLE", 0.05)
    refused, put = [], store.set_job

    def full(job_id: str, **values: object) -> None:
        if "state" in values and len(refused) < 3:
            refused.append(values["state"])
            raise StorageFull("The disk is full.")
        put(job_id, **values)

    def handler(context: Context) -> dict[str, int]:
        if context.payload.get("panics"):
            raise Panic("at the disk")
        return {"ok": object() if context.payload.get("odd") else 1}

    monkeypatch.setattr(store, "set_job", full)
    jobs = running(store, handler)
    ended = jobs.wait(jobs.submit("work", {}).id)
    assert refused == ["done"] * 3
    assert ended.result == {"ok": 1}, "what was done is not lost"
    panicked = jobs.wait(jobs.submit("work", {"panics": 1}).id)
    assert (panicked.state, panicked.error["code"]) == ("failed", "internal")
    assert jobs.wait(jobs.submit("work", {"odd": 1}).id).error["code"] == "internal"
    assert jobs.wait(jobs.submit("work", {}).id).result == {"ok": 1}, "the lane lives on"
    jobs.close()


def test_a_database_that_fails_in_any_way_ends_no_lane(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gakju.jobs.IDLE", 0.05)
    claim, look, failed = store.claim, store.queued_kinds, []

    def failing(work):
        def once(*given):
            if failed.count(work) < 2:
                failed.append(work)
                raise RuntimeError("a pool without connections")
            return work(*given)

        return once

    monkeypatch.setattr(store, "claim", failing(claim))
    monkeypatch.setattr(store, "queued_kinds", failing(look))
    jobs = running(store, lambda _: {"done": 1})
    assert jobs.wait(store.add_job("work", {}).id).result == {"done": 1}
    jobs.close()


@pytest.mark.parametrize(
    ("before", "meanwhile", "after"),
    [
        ("running", {"state": "done", "result": {"sum": 11}}, ("done", 0, {"sum": 11})),
        ("queued", {"state": "running"}, ("running", 1, {})),
    ],
)
def test_what_happens_to_a_job_while_it_is_cancelled_is_not_written_over(
    store: Store, monkeypatch: pytest.MonkeyPatch, before: str, meanwhile: dict, after: tuple
) -> None:
    job = store.add_job("work", {})
    store.set_job(job.id, state=before)
    read = {name: getattr(store, name) for name in ("job", "cancel_job")}
    happened: list[str] = []

    def late(name: str):
        def method(job_id: str):
            found = read[name](job_id) if name == "job" else None
            if not happened:
                happened.append(name)
                store.set_job(job_id, **meanwhile)
            return found or read[name](job_id)

        return method

    for name in read:  # between any reading and the writing
        monkeypatch.setattr(store, name, late(name))
    jobs = Jobs(store, {}, [])
    ended = jobs.cancel(job.id)
    assert (ended.state, read["job"](job.id).cancel, ended.result) == after
    assert jobs.is_cancelled(job.id) == (ended.state == "running")
