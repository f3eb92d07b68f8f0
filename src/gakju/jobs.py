"""Durable jobs: everything that takes longer than a request.

A job is a row in the store. One process at a time runs jobs (see `Ownership`); it claims them in
order, tells their progress and events, and on its next start takes up whatever a kill left running.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gakju.errors import Cancelled, GakjuError, LibraryBusy
from gakju.store import Event, Job, Store
from gakju.types import Progress

log = logging.getLogger("gakju.jobs")

MAX_ATTEMPTS = 5
"""A job that was at the same place at so many kills in a row is failed: it may be what kills the process."""


class Context:
    """What a handler is given: its job's payload, a voice, and whether it should stop."""

    def __init__(self, jobs: Jobs, job: Job) -> None:
        self.job = job
        self.payload = job.payload
        self._jobs = jobs
        self._seq = 0
        self._told = 0.0

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """Durable once this returns; followers see it at once."""
        self._seq += 1
        self._jobs.store.add_event(self.job.id, self._seq, kind, data)
        self._jobs.wake()

    def progress(self, progress: Progress) -> None:
        """Kept as the job's latest word, at most ten times a second. Raises Cancelled."""
        self.check()
        at = time.monotonic()
        if at - self._told >= 0.1 or progress.done == progress.total:
            self._told = at
            self._jobs.store.set_job(self.job.id, progress=asdict(progress))
            self._jobs.wake()

    @property
    def cancelled(self) -> bool:
        return self._jobs.is_cancelled(self.job.id)

    def check(self) -> None:
        """Raises Cancelled once the user asked for it or the process is closing."""
        if self.cancelled:
            raise Cancelled("Stopped.")


Handler = Callable[[Context], dict[str, Any]]


class Jobs:
    """Runs handlers on threads, one group of kinds a lane, so that a long ingest never delays an answer."""

    def __init__(
        self, store: Store, handlers: Mapping[str, Handler], lanes: Sequence[tuple[Sequence[str], int]]
    ) -> None:
        """`lanes`: kinds and the number of threads that serve them; kinds of a lane run in the store's order."""
        self.store = store
        self._handlers = handlers
        self._lanes = lanes
        self._changed = threading.Condition()
        self._version = 0
        self._stops: set[str] = set()
        self._started = self._closing = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Requeue what a dead owner left running, then serve. Call only as the owner."""
        for job in self.store.jobs(states=["running"], limit=10_000):
            self._requeue(job)
        self._started = True
        for kinds, count in self._lanes:
            self._open(kinds, count)

    def serve(self, kind: str, handler: Handler, count: int) -> None:
        """A kind of a layer above, in a lane of its own; what waited for it begins."""
        self._handlers = {**self._handlers, kind: handler}
        if self._started:
            self._open((kind,), count)

    def _open(self, kinds: Sequence[str], count: int) -> None:
        for i in range(count):
            thread = threading.Thread(target=self._serve, args=(kinds,), name=f"{kinds[0]}-{i}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _requeue(self, job: Job) -> None:
        """A job that got on since the last kill begins to count anew: a long one outlives any number of them."""
        place = {k: job.progress.get(k) for k in ("stage", "item", "done")}
        attempts = job.attempts if job.error.get("killed_at") == place else 1
        if attempts >= MAX_ATTEMPTS:
            said = f"Gakju stopped {attempts} times in a row while it did this."
            self.store.set_job(job.id, state="failed", error={"code": "crashed", "message": said, "hint": ""})
        else:
            state = "cancelled" if job.cancel else "queued"
            self.store.set_job(job.id, state=state, attempts=attempts, error={"killed_at": place})

    def close(self, wait: float = 10.0) -> None:
        """Stop running handlers and hand their jobs back to the queue."""
        self._closing = True
        self.wake()
        deadline = time.monotonic() + wait
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def submit(self, kind: str, payload: Mapping[str, Any], owner: str = "") -> Job:
        """`owner` is the key it is done for: questions are answered in turn."""
        job = self.store.add_job(kind, payload, owner)
        self.wake()
        return job

    def cancel(self, job_id: str) -> Job:
        """A queued job ends at once, a running one at its next step; a finished one stays as it is."""
        job = self.store.job(job_id)
        if job.finished:
            return job
        self.store.set_job(job_id, cancel=1, **({"state": "cancelled"} if job.state == "queued" else {}))
        self._stops.add(job_id)
        self.wake()
        return self.store.job(job_id)

    def is_cancelled(self, job_id: str) -> bool:
        return self._closing or job_id in self._stops

    def follow(self, job_id: str, after: int = 0, *, heartbeat: float | None = None) -> Iterator[Event]:
        """Events after `after` as they come, until the job is finished. Closing it stops nothing.

        Every change of progress comes as an event with seq 0 and kind "progress", and of the place in the line
        before it; with `heartbeat`, an event of that kind comes at least every so many seconds, so that a caller
        can look around.
        """
        told: dict[str, Any] | None = None
        while True:
            with self._changed:
                seen = self._version
            job = self.store.job(job_id)
            for e in self.store.events(job_id, after):
                after = e.seq
                yield e
            progress = job.progress or self._place(job)
            if progress != told:
                told = progress
                yield Event(0, "progress", told)
            if job.finished or self._closing:
                return
            with self._changed:
                moved = self._changed.wait_for(lambda: self._version != seen, timeout=heartbeat or 5.0)  # noqa: B023
            if not moved and heartbeat:
                yield Event(0, "progress", progress)

    def _place(self, job: Job) -> dict[str, Any]:
        """`queued`: how many go before it and itself, while it has not been begun."""
        return {"queued": self.store.place(job)} if job.state == "queued" else {}

    def wait(self, job_id: str) -> Job:
        for _ in self.follow(job_id):
            pass
        return self.store.job(job_id)

    def wake(self) -> None:
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    def _serve(self, kinds: Sequence[str]) -> None:
        while not self._closing:
            with self._changed:
                seen = self._version
            job = self.store.claim(kinds)
            if job is None:
                with self._changed:
                    self._changed.wait_for(lambda: self._version != seen, timeout=2.0)  # noqa: B023
                continue
            self._run(job)

    def _run(self, job: Job) -> None:
        self.store.clear_events(job.id)
        try:
            result = self._handlers[job.kind](Context(self, job))
            self.store.set_job(job.id, state="done", result=result, error={})
        except Cancelled:
            # The process is closing and nobody asked for it: the next owner takes the job up again.
            state = "cancelled" if job.id in self._stops else "queued"
            self.store.set_job(job.id, state=state, attempts=job.attempts - 1)
        except GakjuError as e:
            error = {"code": e.code, "message": e.message, "hint": e.hint}
            self.store.set_job(job.id, state="failed", error=error)
        except Exception as e:
            log.exception("job %s (%s) failed", job.id, job.kind)
            error = {"code": "internal", "message": f"{type(e).__name__} in Gakju itself.", "hint": "See the log."}
            self.store.set_job(job.id, state="failed", error=error)
        finally:
            self._stops.discard(job.id)
            self.wake()


class Ownership:
    """Who runs jobs and writes the library in a data folder: at most one process, told by a lock file.

    The lock goes with the process, however it dies. `owner.json` beside it tells others how to reach it.
    """

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(home / "owner.lock")
        self._card = home / "owner.json"

    def acquire(self) -> bool:
        """False if another process is the owner."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        self.announce("")
        return True

    def announce(self, url: str, key: str = "") -> None:
        """Tell other processes where this owner can be reached and what key opens it. Only for this user's eyes."""
        part = self._card.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as card:
            json.dump({"pid": os.getpid(), "url": url, "key": key}, card)
        part.replace(self._card)

    def release(self) -> None:
        if self._lock.is_locked:
            self._card.unlink(missing_ok=True)
            self._lock.release()

    def other(self) -> dict[str, Any] | None:
        """The owner's card (`pid`, `url`, `key`), or None while nobody owns the folder."""
        if self._lock.is_locked:
            return None
        try:
            with self._lock.acquire(timeout=0):
                return None
        except Timeout:
            pass
        try:
            card: dict[str, Any] = json.loads(self._card.read_text())
        except (OSError, ValueError):
            return {"pid": 0, "url": ""}
        return card

    def require(self) -> None:
        """Become the owner or raise LibraryBusy naming who is."""
        if not self.acquire():
            other = self.other() or {"pid": 0}
            raise LibraryBusy(
                f"Another Gakju (process {other['pid']}) is working on this library.",
                hint="Wait for it to end, or stop it, and try again.",
                pid=other["pid"],
            )
