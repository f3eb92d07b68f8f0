"""Conversations: threads of turns that may branch, how each is held, what people thought of answers, presets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Index, Integer, String, Text, delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from gakju.errors import NotFound
from gakju.store.database import Base, Database, new_id, now
from gakju.store.keys import made_rows
from gakju.store.rows import EventRow, Job, JobRow, as_job, queued

UNDO = timedelta(days=1)
"""How long a deleted conversation can be had back; then it is deleted for good."""

Sources = Literal["documents", "web", "both", "auto", "none"]
"""What an answer stands on; "auto": documents, and the web where the question seems to need it."""


class ThreadRow(Base):
    __tablename__ = "threads"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    title: Mapped[str] = mapped_column(String)
    collection: Mapped[str] = mapped_column(String)
    created_at: Mapped[str] = mapped_column(String)
    updated_at: Mapped[str] = mapped_column(String, index=True)
    pinned: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    deleted_at: Mapped[str] = mapped_column(String, default="", server_default="")
    leaf: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """The last turn of the branch that is shown; 0 before the first."""
    manner: Mapped[str] = mapped_column(Text, default="{}", server_default="{}")


class TurnRow(Base):
    __tablename__ = "turns"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    thread_id: Mapped[str] = mapped_column(String)
    question: Mapped[str] = mapped_column(Text)
    job_id: Mapped[str] = mapped_column(String, index=True)
    created_at: Mapped[str] = mapped_column(String)
    parent: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """The turn before it; 0 for a first one. Turns of one parent are versions of each other."""
    __table_args__ = (Index("turns_by_thread", "thread_id", "id"),)


class FeedbackRow(Base):
    __tablename__ = "feedback"
    job_id: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[str] = mapped_column(String)


class PresetRow(Base):
    __tablename__ = "presets"
    name: Mapped[str] = mapped_column(String, primary_key=True)
    manner: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a conversation is held. An empty `model` is the default one; a `temperature` of None is what is usual for the
    `sources`. Where `files` are named, answers are looked for in these documents only.
    """

    model: str = ""
    sources: Sources = "documents"
    persona: str = ""
    temperature: float | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Thread:
    id: str
    title: str
    collection: str
    created_at: str
    updated_at: str
    pinned: bool = False
    manner: Manner = field(default_factory=Manner)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and the job that answers it: reading the job again is all a reload needs.

    `versions` are the ids of the turns that stand in this place, itself among them, oldest first.
    """

    id: int
    question: str
    job_id: str
    created_at: str
    parent: int = 0
    versions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a reader thought of an answer: `value` 1 or -1."""

    value: int
    note: str = ""


class Talks:
    """Thread-safe; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, title: str, collection: str, manner: Manner | None = None) -> Thread:
        at = now()
        row = ThreadRow(
            id=new_id("thread"),
            title=title,
            collection=collection,
            created_at=at,
            updated_at=at,
            pinned=0,
            deleted_at="",
            leaf=0,
            manner=json.dumps(asdict(manner or Manner())),
        )
        with self._db.session() as s:
            s.add(row)
            s.flush()
            return _thread(row)

    def all(self, limit: int = 200, words: str = "") -> list[Thread]:
        """Pinned ones first, then those that were gone on with last. `words` stand in the title or a question."""
        r = ThreadRow
        query = select(r).where(r.deleted_at == "").order_by(r.pinned.desc(), r.updated_at.desc()).limit(limit)
        for word in words.split():
            asked = select(TurnRow.thread_id).where(TurnRow.question.icontains(word, autoescape=True))
            query = query.where(or_(r.title.icontains(word, autoescape=True), r.id.in_(asked)))
        with self._db.session() as s:
            return [_thread(row) for row in s.scalars(query)]

    def get(self, thread_id: str) -> Thread:
        """Raises NotFound, for a deleted one too."""
        with self._db.session() as s:
            return _thread(_row(s, thread_id))

    def rename(self, thread_id: str, title: str) -> None:
        self._set(thread_id, title=title)

    def pin(self, thread_id: str, pinned: bool) -> None:
        self._set(thread_id, pinned=int(pinned))

    def move(self, thread_id: str, collection: str) -> None:
        """Later questions are answered from `collection`."""
        self._set(thread_id, collection=collection)

    def hold(self, thread_id: str, **manner: Any) -> Manner:
        """Change how it is held; the names are those of `Manner`. What it is now. Raises NotFound."""
        with self._db.session() as s:
            row = _row(s, thread_id)
            changed = replace(_manner(row.manner), **manner)
            row.manner = json.dumps(asdict(changed))
            return changed

    def remove(self, thread_id: str) -> None:
        """Out of sight; `restore` brings it back, `forget` ends it."""
        self._set(thread_id, deleted_at=now())

    def restore(self, thread_id: str) -> None:
        self._set(thread_id, deleted_at="")

    def forget(self, before: timedelta = UNDO) -> None:
        """Delete what was removed longer ago than that: conversations, turns, answers, feedback."""
        border = (datetime.now(UTC) - before).isoformat(timespec="microseconds")
        with self._db.session() as s:
            gone = select(ThreadRow.id).where(ThreadRow.deleted_at != "", ThreadRow.deleted_at <= border)
            jobs = select(TurnRow.job_id).where(TurnRow.thread_id.in_(gone))
            for row, key in ((EventRow, EventRow.job_id), (FeedbackRow, FeedbackRow.job_id), (JobRow, JobRow.id)):
                s.execute(delete(row).where(key.in_(jobs)))
            s.execute(delete(TurnRow).where(TurnRow.thread_id.in_(gone)))
            s.execute(delete(ThreadRow).where(ThreadRow.deleted_at != "", ThreadRow.deleted_at <= border))

    def _set(self, thread_id: str, **values: Any) -> None:
        with self._db.session() as s:
            s.execute(update(ThreadRow).where(ThreadRow.id == thread_id).values(**values))

    # Turns

    def say(
        self,
        thread_id: str,
        question: str,
        kind: str,
        payload: Mapping[str, Any],
        *,
        after: int | None = None,
        owner: str = "",
    ) -> Job:
        """A question and its queued job, in one transaction: neither is ever there without the other.

        It follows the turn `after`, which begins a branch where another does already; the shown one's last if None.
        """
        row = queued(kind, payload, owner)
        with self._db.session() as s:
            thread = _row(s, thread_id)
            parent = thread.leaf if after is None else after
            turn = TurnRow(
                thread_id=thread_id, question=question, job_id=row.id, created_at=row.created_at, parent=parent
            )
            s.add_all([row, turn, *made_rows(row.id, owner)])
            s.flush()
            thread.leaf, thread.updated_at = turn.id, row.created_at
            return as_job(row)

    def turns(self, thread_id: str) -> list[Turn]:
        """The branch that is shown, oldest first."""
        with self._db.session() as s:
            thread = s.get(ThreadRow, thread_id)
            rows = list(s.scalars(select(TurnRow).where(TurnRow.thread_id == thread_id).order_by(TurnRow.id)))
            return _branch(rows, thread.leaf) if thread else []

    def before(self, job_id: str) -> list[Turn]:
        """What was said before the turn of that job, on its own branch, oldest first."""
        with self._db.session() as s:
            turn = s.scalars(select(TurnRow).where(TurnRow.job_id == job_id)).first()
            if turn is None:
                return []
            rows = s.scalars(select(TurnRow).where(TurnRow.thread_id == turn.thread_id, TurnRow.id < turn.id))
            return _branch(list(rows), turn.parent)

    def show(self, thread_id: str, turn_id: int) -> None:
        """The branch that goes through that turn, to its latest end."""
        with self._db.session() as s:
            rows = s.execute(select(TurnRow.id, TurnRow.parent).where(TurnRow.thread_id == thread_id)).all()
            latest = {parent: turn for turn, parent in sorted((r.id, r.parent) for r in rows)}
            leaf = turn_id
            while leaf in latest:
                leaf = latest[leaf]
            s.execute(update(ThreadRow).where(ThreadRow.id == thread_id).values(leaf=leaf))

    # What people think of answers

    def rate(self, job_id: str, feedback: Feedback | None) -> None:
        with self._db.session() as s:
            s.execute(delete(FeedbackRow).where(FeedbackRow.job_id == job_id))
            if feedback:
                s.add(FeedbackRow(job_id=job_id, value=feedback.value, note=feedback.note, at=now()))

    def ratings(self, thread_id: str) -> dict[str, Feedback]:
        """By job, of a whole conversation."""
        r = FeedbackRow
        jobs = select(TurnRow.job_id).where(TurnRow.thread_id == thread_id)
        with self._db.session() as s:
            return {row.job_id: Feedback(row.value, row.note) for row in s.scalars(select(r).where(r.job_id.in_(jobs)))}

    # Presets

    def presets(self) -> dict[str, Manner]:
        """By name, in its order."""
        with self._db.session() as s:
            return {r.name: _manner(r.manner) for r in s.scalars(select(PresetRow).order_by(PresetRow.name))}

    def keep_preset(self, name: str, manner: Manner) -> None:
        """In place of one of that name."""
        with self._db.session() as s:
            s.merge(PresetRow(name=name, manner=json.dumps(asdict(replace(manner, files=())))))

    def drop_preset(self, name: str) -> None:
        with self._db.session() as s:
            s.execute(delete(PresetRow).where(PresetRow.name == name))


def _row(s: Session, thread_id: str) -> ThreadRow:
    row = s.get(ThreadRow, thread_id)
    if row is None or row.deleted_at:
        raise NotFound(f"There is no conversation {thread_id!r}.", id=thread_id)
    return row


def _thread(r: ThreadRow) -> Thread:
    return Thread(r.id, r.title, r.collection, r.created_at, r.updated_at, bool(r.pinned), _manner(r.manner))


def _manner(text: str) -> Manner:
    told = json.loads(text)
    return Manner(**{**told, "files": tuple(told.get("files", ()))})


def _branch(rows: list[TurnRow], leaf: int) -> list[Turn]:
    by_id = {r.id: r for r in rows}
    beside: dict[int, list[int]] = {}
    for r in rows:
        beside.setdefault(r.parent, []).append(r.id)
    found: list[Turn] = []
    while r := by_id.get(leaf):  # type: ignore[assignment]
        found.append(Turn(r.id, r.question, r.job_id, r.created_at, r.parent, tuple(beside[r.parent])))
        leaf = r.parent
    return found[::-1]
