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
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gakju.errors import Cancelled, GakjuError, LibraryBusy, LibraryError
from gakju.store import Event, Job, Store
from gakju.types import Progress

log = logging.getLogger("gakju.jobs")

IDLE = 2.0
"""Seconds between looks at the queue for what other processes put there."""
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

    def left_out(self, part: int) -> bool:
        """Whether that part of the job is not wanted; see `Jobs.leave_out`."""
        return self._jobs.is_left_out(self.job.id, part)

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
        self._queued = threading.Condition()
        self._submitted: Counter[str] = Counter()
        """By kind. Lanes wait for their own alone: to claim a job takes the database's one write lock."""
        self._stops: set[str] = set()
        self._left_out: dict[str, set[int]] = {}
        """By job: parts of it that are not wanted."""
        self._started = self._closing = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Requeue what a dead owner left running, then serve. Call only as the owner."""
        for job in self.store.jobs(states=["running"], limit=10_000):
            self._requeue(job)
        self._started = True
        for kinds, count in self._lanes:
            self._open(kinds, count)
        self._begin("jobs", self._look)

    def serve(self, kind: str, handler: Handler, count: int) -> None:
        """A kind of a layer above, in a lane of its own; what waited for it begins."""
        self._handlers = {**self._handlers, kind: handler}
        if self._started:
            self._open((kind,), count)

    def _open(self, kinds: Sequence[str], count: int) -> None:
        for i in range(count):
            self._begin(f"{kinds[0]}-{i}", self._serve, kinds)

    def _begin(self, name: str, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, name=name, daemon=True)
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
        with self._queued:
            self._queued.notify_all()
        deadline = time.monotonic() + wait
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def submit(self, kind: str, payload: Mapping[str, Any], owner: str = "") -> Job:
        """`owner` is the key it is done for: questions are answered in turn."""
        job = self.store.add_job(kind, payload, owner)
        self.queued(kind)
        return job

    def queued(self, kind: str) -> None:
        """To be called after a job of this kind was stored otherwise than by `submit`."""
        self._call([kind])
        self.wake()

    def _call(self, kinds: Sequence[str]) -> None:
        with self._queued:
            self._submitted.update(kinds)
            self._queued.notify_all()

    def _look(self) -> None:
        """One reader for all lanes: what other processes put into the queue is found here."""
        while not self._closing:
            with self._survived():
                if kinds := self.store.queued_kinds():
                    self._call(kinds)
            self._pause()

    def _pause(self) -> None:
        with self._queued:
            self._queued.wait_for(lambda: self._closing, timeout=IDLE)

    @contextmanager
    def _survived(self) -> Iterator[None]:
        """A database that cannot be written just now, as on a full disk, must not end a lane for good."""
        try:
            yield
        except Exception as error:
            known = isinstance(error, GakjuError)
            log.error("the queue could not be read or written: %s", error, exc_info=not known)
            self._pause()

    def cancel(self, job_id: str) -> Job:
        """A queued job ends at once, a running one at its next step; a finished one stays as it is."""
        job = self.store.cancel_job(job_id)  # first: who is stopped may ask the store whether by the user
        if not job.finished:
            self._stops.add(job_id)
        self.wake()
        return job

    def is_cancelled(self, job_id: str) -> bool:
        return self._closing or job_id in self._stops

    def leave_out(self, job_id: str, part: int) -> None:
        """One part of a job, a file say, ends at its next step or is not begun; the rest goes on. Also after a kill."""
        self.store.leave_out(job_id, part)
        self._left_out.setdefault(job_id, set()).add(part)
        self.wake()

    def is_left_out(self, job_id: str, part: int) -> bool:
        return part in self._left_out.get(job_id, ())

    def follow(self, job_id: str, after: int = 0, *, heartbeat: float | None = None) -> Iterator[Event]:
        """Events after `after` as they come, until the job is finished. Closing it stops nothing.

        Every change of progress comes as an event with seq 0 and kind "progress", and of the place in the line
        before it; with `heartbeat`, an event of that kind comes at least every so many seconds, so that a caller
        can look around.
        """
        told: dict[str, Any] | None = None
        if self.store.job(job_id).state == "queued":
            with self._changed:  # Most begin at once, and then there is no line to tell of.
                self._changed.wait(0.05)
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
        def submitted() -> list[int]:
            return [self._submitted[kind] for kind in kinds]

        while not self._closing:
            with self._queued:
                seen = submitted()
            with self._survived():
                if job := self.store.claim(kinds):
                    self._run(job)
                else:
                    with self._queued:
                        self._queued.wait_for(lambda: self._closing or submitted() != seen)  # noqa: B023

    def _run(self, job: Job) -> None:
        try:
            self.store.clear_events(job.id)
            self._left_out.setdefault(job.id, set()).update(self.store.left_out(job.id))
            end = {"state": "done", "result": self._handlers[job.kind](Context(self, job)), "error": {}}
        except BaseException as error:  # also what is no Exception, as the panics of Rust: the thread has other jobs
            end = self._failed(job, error)
        self._keep(job, end)
        self._stops.discard(job.id)
        self._left_out.pop(job.id, None)
        self.wake()

    def _failed(self, job: Job, raised: BaseException) -> dict[str, Any]:
        """How a job ends that raised."""
        if isinstance(raised, Cancelled):
            # The process is closing and nobody asked for it: the next owner takes the job up again. One that gave up
            # by itself would be begun again and again.
            state = "queued" if self._closing and job.id not in self._stops else "cancelled"
            return {"state": state, "attempts": job.attempts - 1}
        if isinstance(raised, GakjuError):
            error = {"code": raised.code, "message": raised.message, "hint": raised.hint}
        else:
            log.error("job %s (%s) failed", job.id, job.kind, exc_info=raised)
            said = f"{type(raised).__name__} in Gakju itself."
            error = {"code": "internal", "message": said, "hint": "See the log."}
        return {"state": "failed", "error": error}

    def _keep(self, job: Job, end: dict[str, Any]) -> None:
        """Writes it as soon as the database can: whoever follows the job waits for its end."""
        while True:
            try:
                return self.store.set_job(job.id, **end)
            except LibraryError as error:
                log.error("the end of job %s could not be written: %s", job.id, error.message)
            except Exception as error:  # a result that cannot be kept
                end = self._failed(job, error)
            if self._closing:
                return None  # it is running for the next owner, who takes it up
            self._pause()


class Ownership:
    """Who runs jobs and writes the library in a data folder: at most one process, told by a lock file.

    The lock goes with the process, however it dies. `owner.json` beside it tells others how to reach it.
    """

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)  # documents, talks: only for this user's eyes
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
