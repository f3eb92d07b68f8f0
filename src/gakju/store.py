"""What people and jobs leave behind: jobs and their events, conversations. SQLAlchemy on SQLite.

The library itself (documents, pages, chunks) is `index.py`'s. SQLite runs in WAL mode with
synchronous=NORMAL: a killed process loses nothing that was committed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Index, Integer, String, Text, create_engine, delete, event, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from gakju.errors import LibraryError, NotFound, StorageFull

Json = dict[str, Any]


def now() -> str:
    """UTC, ISO 8601, microseconds: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(8)}"


class Base(DeclarativeBase):
    pass


class JobRow(Base):
    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    kind: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String, index=True)
    payload: Mapped[str] = mapped_column(Text)
    progress: Mapped[str] = mapped_column(Text, default="{}")
    result: Mapped[str] = mapped_column(Text, default="{}")
    error: Mapped[str] = mapped_column(Text, default="{}")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    cancel: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[str] = mapped_column(String)
    updated_at: Mapped[str] = mapped_column(String)


class EventRow(Base):
    __tablename__ = "job_events"
    job_id: Mapped[str] = mapped_column(String, primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String)
    data: Mapped[str] = mapped_column(Text)


class ThreadRow(Base):
    __tablename__ = "threads"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    title: Mapped[str] = mapped_column(String)
    collection: Mapped[str] = mapped_column(String)
    created_at: Mapped[str] = mapped_column(String)
    updated_at: Mapped[str] = mapped_column(String, index=True)


class TurnRow(Base):
    __tablename__ = "turns"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    thread_id: Mapped[str] = mapped_column(String)
    question: Mapped[str] = mapped_column(Text)
    job_id: Mapped[str] = mapped_column(String)
    created_at: Mapped[str] = mapped_column(String)
    __table_args__ = (Index("turns_by_thread", "thread_id", "id"),)


@dataclass(frozen=True, slots=True)
class Job:
    """Long work as every front sees it. `state`: queued, running, done, failed or cancelled."""

    id: str
    kind: str
    state: str
    payload: Json
    progress: Json
    result: Json
    error: Json
    attempts: int
    cancel: bool
    created_at: str
    updated_at: str

    @property
    def finished(self) -> bool:
        return self.state in {"done", "failed", "cancelled"}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a job told; `seq` counts from 1 within the job."""

    seq: int
    kind: str
    data: Json


@dataclass(frozen=True, slots=True)
class Thread:
    id: str
    title: str
    collection: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and the job that answers it: reading the job again is all a reload needs."""

    id: int
    question: str
    job_id: str
    created_at: str


def _job(row: JobRow) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        state=row.state,
        payload=json.loads(row.payload),
        progress=json.loads(row.progress),
        result=json.loads(row.result),
        error=json.loads(row.error),
        attempts=row.attempts,
        cancel=bool(row.cancel),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _queued(kind: str, payload: Mapping[str, Any]) -> JobRow:
    return JobRow(
        id=new_id("job"),
        kind=kind,
        state="queued",
        payload=json.dumps(payload),
        progress="{}",
        result="{}",
        error="{}",
        attempts=0,
        cancel=0,
        created_at=(at := now()),
        updated_at=at,
    )


def _open(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        for line in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {line}")

    return engine


class Store:
    """Thread-safe; every method is one transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = _open(path)
        with self._translated():
            Base.metadata.create_all(self._engine)

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
    def _session(self) -> Iterator[Session]:
        with self._translated(), Session(self._engine) as session, session.begin():
            yield session

    # Jobs

    def add_job(self, kind: str, payload: Mapping[str, Any]) -> Job:
        row = _queued(kind, payload)
        with self._session() as s:
            s.add(row)
            s.flush()
            return _job(row)

    def job(self, job_id: str) -> Job:
        with self._session() as s:
            row = s.get(JobRow, job_id)
            if row is None:
                raise NotFound(f"There is no job {job_id!r}.", id=job_id)
            return _job(row)

    def jobs(
        self, *, kinds: Sequence[str] = (), states: Sequence[str] = (), limit: int = 100, newest: bool = True
    ) -> list[Job]:
        query = select(JobRow)
        if kinds:
            query = query.where(JobRow.kind.in_(kinds))
        if states:
            query = query.where(JobRow.state.in_(states))
        order = (JobRow.created_at.desc(), JobRow.id.desc()) if newest else (JobRow.created_at, JobRow.id)
        with self._session() as s:
            return [_job(r) for r in s.scalars(query.order_by(*order).limit(limit))]

    def set_job(self, job_id: str, **values: Any) -> None:
        """Dicts are stored as JSON; other values as they are."""
        row = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in values.items()}
        with self._session() as s:
            s.execute(update(JobRow).where(JobRow.id == job_id).values(**row, updated_at=now()))

    def claim(self, kinds: Sequence[str]) -> Job | None:
        """The oldest queued job of these kinds, now running; None if there is none."""
        queued = select(JobRow.id).where(JobRow.kind.in_(kinds), JobRow.state == "queued")
        oldest = queued.order_by(JobRow.created_at, JobRow.id).limit(1).scalar_subquery()
        # One statement: two threads of a lane that read first and wrote then would both have the same job.
        taken = update(JobRow).where(JobRow.id == oldest)
        running = taken.values(state="running", attempts=JobRow.attempts + 1, updated_at=now()).returning(JobRow)
        with self._session() as s:
            row = s.scalars(running).first()
            return _job(row) if row else None

    def add_event(self, job_id: str, seq: int, kind: str, data: Mapping[str, Any]) -> None:
        with self._session() as s:
            s.add(EventRow(job_id=job_id, seq=seq, kind=kind, data=json.dumps(data)))

    def events(self, job_id: str, after: int = 0) -> list[Event]:
        query = select(EventRow).where(EventRow.job_id == job_id, EventRow.seq > after).order_by(EventRow.seq)
        with self._session() as s:
            return [Event(r.seq, r.kind, json.loads(r.data)) for r in s.scalars(query)]

    def clear_events(self, job_id: str) -> None:
        with self._session() as s:
            s.execute(delete(EventRow).where(EventRow.job_id == job_id))

    # Conversations

    def add_thread(self, title: str, collection: str) -> Thread:
        at = now()
        row = ThreadRow(id=new_id("thread"), title=title, collection=collection, created_at=at, updated_at=at)
        with self._session() as s:
            s.add(row)
            s.flush()
            return Thread(row.id, row.title, row.collection, row.created_at, row.updated_at)

    def threads(self, limit: int = 200) -> list[Thread]:
        with self._session() as s:
            rows = s.scalars(select(ThreadRow).order_by(ThreadRow.updated_at.desc()).limit(limit))
            return [Thread(r.id, r.title, r.collection, r.created_at, r.updated_at) for r in rows]

    def thread(self, thread_id: str) -> Thread:
        with self._session() as s:
            r = s.get(ThreadRow, thread_id)
            if r is None:
                raise NotFound(f"There is no conversation {thread_id!r}.", id=thread_id)
            return Thread(r.id, r.title, r.collection, r.created_at, r.updated_at)

    def rename_thread(self, thread_id: str, title: str) -> None:
        with self._session() as s:
            s.execute(update(ThreadRow).where(ThreadRow.id == thread_id).values(title=title))

    def delete_thread(self, thread_id: str) -> None:
        """The conversation, its turns and the jobs that answered them."""
        with self._session() as s:
            ids = select(TurnRow.job_id).where(TurnRow.thread_id == thread_id)
            s.execute(delete(EventRow).where(EventRow.job_id.in_(ids)))
            s.execute(delete(JobRow).where(JobRow.id.in_(ids)))
            s.execute(delete(TurnRow).where(TurnRow.thread_id == thread_id))
            s.execute(delete(ThreadRow).where(ThreadRow.id == thread_id))

    def add_turn(self, thread_id: str, question: str, kind: str, payload: Mapping[str, Any]) -> Job:
        """A question and its queued job, in one transaction: neither is ever there without the other."""
        row = _queued(kind, payload)
        with self._session() as s:
            s.add(row)
            s.add(TurnRow(thread_id=thread_id, question=question, job_id=row.id, created_at=row.created_at))
            s.execute(update(ThreadRow).where(ThreadRow.id == thread_id).values(updated_at=row.created_at))
            s.flush()
            return _job(row)

    def turns(self, thread_id: str) -> list[Turn]:
        with self._session() as s:
            rows = s.scalars(select(TurnRow).where(TurnRow.thread_id == thread_id).order_by(TurnRow.id))
            return [Turn(r.id, r.question, r.job_id, r.created_at) for r in rows]

    def count_turns(self, thread_id: str) -> int:
        with self._session() as s:
            return s.scalar(select(func.count()).where(TurnRow.thread_id == thread_id)) or 0
