"""Jobs and their events as they lie in the database, and as everyone else sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, String, Text, case, func, select
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from gakju.store.database import Base, Json, new_id, now

IN_TURN = frozenset(["ask"])
"""Kinds that owners have done in turn. Others are done as they came: a file may replace an earlier one."""


def _round(context: DefaultExecutionContext) -> int:
    """The round that a new job is done in: one after its owner's last, and no earlier than those that are waiting."""
    row = context.get_current_parameters()  # type: ignore[no-untyped-call]
    if row["kind"] not in IN_TURN:
        return 0
    waiting = JobRow.kind == row["kind"], JobRow.state == "queued"
    own = func.max(case((JobRow.owner == row["owner"], JobRow.round)))
    first, last = context.root_connection.execute(select(func.min(JobRow.round), own).where(*waiting)).one()
    return max(first or 0, -1 if last is None else int(last) + 1)


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
    owner: Mapped[str] = mapped_column(String, default="", server_default="")
    """The key it is done for; "" for the screen, the terminal and a server without keys."""
    round: Mapped[int] = mapped_column(Integer, default=_round, server_default="0")
    created_at: Mapped[str] = mapped_column(String)
    updated_at: Mapped[str] = mapped_column(String)


class EventRow(Base):
    __tablename__ = "job_events"
    job_id: Mapped[str] = mapped_column(String, primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String)
    data: Mapped[str] = mapped_column(Text)


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


def as_job(row: JobRow) -> Job:
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


ORDER = JobRow.round, JobRow.created_at, JobRow.id
"""What is done first. Of two owners who wait, one with many questions does not hold up one with few."""


def queued(kind: str, payload: Mapping[str, Any], owner: str = "") -> JobRow:
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
        owner=owner,
        created_at=(at := now()),
        updated_at=at,
    )
