"""Jobs survive what happens to processes: cancels, kills, closing, two owners."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from gakju.errors import BrokenFile, LibraryBusy
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
            gate.wait(5)
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
    started.wait(5)
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
    started.wait(5)
    jobs.close()
    assert (store.job(job.id).state, store.job(job.id).attempts) == ("queued", 0)

    again = running(store, lambda context: context.emit("new", {}) or {"ok": 1})
    assert again.wait(job.id).result == {"ok": 1}
    assert [e.kind for e in store.events(job.id)] == ["new"]
    again.close()


def test_a_job_running_at_a_kill_is_taken_up_again_but_not_for_ever(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import os, pathlib
        from gakju.jobs import Jobs
        from gakju.store import Store
        store = Store(pathlib.Path({str(tmp_path / "gakju.db")!r}))
        jobs = Jobs(store, {{"work": lambda c: os.kill(os.getpid(), 9)}}, [(("work",), 1)])
        jobs.start()
        if not store.jobs(): jobs.submit("work", {{}})
        import time; time.sleep(5)
    """)
    for _ in range(MAX_ATTEMPTS):
        killed = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
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
