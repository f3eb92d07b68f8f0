"""What people and jobs leave behind: jobs and their events here, conversations and more beside. SQLAlchemy on SQLite.

The library itself (documents, pages, chunks) is `index`'s. A part with tables of its own is a module here with a
class that takes the `Database`; the store holds one of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import case, delete, func, select, tuple_, update

from gakju.errors import NotFound
from gakju.store.audit import AuditTable
from gakju.store.collections import Collections
from gakju.store.database import Base, Database, Json, new_id, now
from gakju.store.files import Files
from gakju.store.keys import Keys, made_rows
from gakju.store.questions import Questions
from gakju.store.replies import Replies
from gakju.store.responses import Responses
from gakju.store.rows import ORDER, Event, EventRow, Job, JobRow, as_job
from gakju.store.rows import queued as queued_row
from gakju.store.talks import Feedback, Manner, Sources, Talks, Thread, Turn
from gakju.store.tunings import Tuning, Tunings
from gakju.store.usage import UsageTable
from gakju.store.watches import Watch, Watches
from gakju.store.words import Words


class Store:
    """A SQLite file, or a PostgreSQL database by URL. Thread-safe; every method is one transaction."""

    def __init__(self, place: Path | str) -> None:
        self._db = Database(place)
        self.keys = Keys(self._db)
        self.usage = UsageTable(self._db)
        self.audit = AuditTable(self._db)
        self.files = Files(self._db)
        self.responses = Responses(self._db)
        self.words = Words(self._db)
        self.talks = Talks(self._db)
        self.collections = Collections(self._db)
        self.questions = Questions(self._db)
        self.replies = Replies(self._db)
        self.watches = Watches(self._db)
        self.tunings = Tunings(self._db)

    def close(self) -> None:
        self._db.close()

    def check(self) -> None:
        """Raises LibraryError or StorageFull where nothing can be written."""
        self._db.check()

    # Jobs

    def add_job(self, kind: str, payload: Mapping[str, Any], owner: str = "") -> Job:
        """`owner` is the key it is done for, whose it is from its first moment on."""
        row = queued_row(kind, payload, owner)
        with self._db.session() as s:
            s.add(row)
            s.add_all(made_rows(row.id, owner))
            s.flush()
            return as_job(row)

    def job(self, job_id: str) -> Job:
        with self._db.session() as s:
            row = s.get(JobRow, job_id)
            if row is None:
                raise NotFound(f"There is no job {job_id!r}.", id=job_id)
            return as_job(row)

    def jobs(
        self, *, kinds: Sequence[str] = (), states: Sequence[str] = (), limit: int = 100, newest: bool = True
    ) -> list[Job]:
        query = select(JobRow)
        if kinds:
            query = query.where(JobRow.kind.in_(kinds))
        if states:
            query = query.where(JobRow.state.in_(states))
        order = (JobRow.created_at.desc(), JobRow.id.desc()) if newest else (JobRow.created_at, JobRow.id)
        with self._db.session() as s:
            return [as_job(r) for r in s.scalars(query.order_by(*order).limit(limit))]

    def waiting(self, kind: str) -> int:
        """Jobs of a kind that have not begun."""
        with self._db.session() as s:
            mine = JobRow.kind == kind, JobRow.state == "queued"
            return s.scalar(select(func.count()).where(*mine)) or 0

    def queued_kinds(self) -> list[str]:
        """Kinds of the jobs that have not begun."""
        with self._db.session() as s:
            return list(s.scalars(select(JobRow.kind).where(JobRow.state == "queued").distinct()))

    def set_job(self, job_id: str, **values: Any) -> None:
        """Dicts are stored as JSON; other values as they are."""
        row = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in values.items()}
        with self._db.session() as s:
            s.execute(update(JobRow).where(JobRow.id == job_id).values(**row, updated_at=now()))

    def cancel_job(self, job_id: str) -> Job:
        """A queued job is cancelled, a running one is told to stop, an ended one stays as it is. Raises NotFound."""
        r = JobRow
        # One statement: a job that began or ended after it was read would be written over.
        state = case((r.state == "queued", "cancelled"), else_=r.state)
        unended = update(r).where(r.id == job_id, r.state.in_(["queued", "running"]))
        with self._db.session() as s:
            s.execute(unended.values(cancel=1, state=state, updated_at=now()))
        return self.job(job_id)

    def claim(self, kinds: Sequence[str]) -> Job | None:
        """The first queued job of these kinds (see `ORDER`), now running; None if there is none."""
        queued = select(JobRow.id).where(JobRow.kind.in_(kinds), JobRow.state == "queued")
        first = queued.order_by(*ORDER).limit(1).with_for_update(skip_locked=True)  # PostgreSQL
        oldest = first.scalar_subquery()
        # One statement: two threads of a lane that read first and wrote then would both have the same job.
        taken = update(JobRow).where(JobRow.id == oldest)
        running = taken.values(state="running", attempts=JobRow.attempts + 1, updated_at=now()).returning(JobRow)
        with self._db.session() as s:
            row = s.scalars(running).first()
            return as_job(row) if row else None

    def place(self, job: Job) -> int:
        """Where a queued job stands among those of its kind, from 1."""
        r = JobRow
        mine = select(r.round).where(r.id == job.id).scalar_subquery()
        before = tuple_(*ORDER) <= tuple_(mine, job.created_at, job.id)
        with self._db.session() as s:
            query = select(func.count()).where(r.kind == job.kind, r.state == "queued", before)
            return max(1, int(s.scalars(query).one()))

    def add_event(self, job_id: str, seq: int, kind: str, data: Mapping[str, Any]) -> None:
        with self._db.session() as s:
            s.add(EventRow(job_id=job_id, seq=seq, kind=kind, data=json.dumps(data)))

    def events(self, job_id: str, after: int = 0) -> list[Event]:
        query = select(EventRow).where(EventRow.job_id == job_id, EventRow.seq > after).order_by(EventRow.seq)
        with self._db.session() as s:
            return [Event(r.seq, r.kind, json.loads(r.data)) for r in s.scalars(query)]

    def clear_events(self, job_id: str) -> None:
        with self._db.session() as s:
            s.execute(delete(EventRow).where(EventRow.job_id == job_id, EventRow.seq > 0))

    # What a job is told goes beside what it tells, under numbers below those: it outlives a new beginning.

    def leave_out(self, job_id: str, part: int) -> None:
        """That one part of a job, from 0, is not wanted."""
        with self._db.session() as s:
            s.merge(EventRow(job_id=job_id, seq=-1 - part, kind="left_out", data="{}"))

    def left_out(self, job_id: str) -> set[int]:
        """The parts of a job that are not wanted."""
        query = select(EventRow.seq).where(EventRow.job_id == job_id, EventRow.seq < 0)
        with self._db.session() as s:
            return {-1 - seq for seq in s.scalars(query)}


__all__ = [
    "Base",
    "Database",
    "Event",
    "Feedback",
    "Job",
    "Json",
    "Manner",
    "Sources",
    "Store",
    "Thread",
    "Tuning",
    "Turn",
    "Watch",
    "new_id",
    "now",
]
