"""Who did what and when. What was asked is only in it where a setting says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Float, Integer, String, Text, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from gakju.store.database import Base, Database


class AuditRow(Base):
    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[str] = mapped_column(String, index=True)
    key_id: Mapped[str] = mapped_column(String, index=True)
    method: Mapped[str] = mapped_column(String)
    route: Mapped[str] = mapped_column(String)
    ids: Mapped[str] = mapped_column(Text)
    status: Mapped[int] = mapped_column(Integer)
    seconds: Mapped[float] = mapped_column(Float)
    address: Mapped[str] = mapped_column(String)
    text: Mapped[str] = mapped_column(Text)


class Entry(NamedTuple):
    """One request. `route` is a path with names for what varies, `ids` their values and the collection.

    `key_id` is "" where none was shown that works. `text` is the question, where it is kept.
    """

    at: str
    key_id: str
    method: str
    route: str
    ids: Mapping[str, str]
    status: int
    seconds: float
    address: str
    text: str = ""


class AuditTable:
    """Thread-safe; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, entries: Iterable[Entry]) -> None:
        with self._db.session() as s:
            s.execute(insert(AuditRow), [{**e._asdict(), "ids": json.dumps(dict(e.ids))} for e in entries])

    def entries(self, *, key_id: str = "", before: int = 0, limit: int = 100) -> list[tuple[int, Entry]]:
        """(number, entry), newest first; those before a number, to read on."""
        query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
        if key_id:
            query = query.where(AuditRow.key_id == key_id)
        if before:
            query = query.where(AuditRow.id < before)
        with self._db.session() as s:
            return [(r.id, _entry(r)) for r in s.scalars(query)]

    def forget(self, before: str) -> None:
        with self._db.session() as s:
            s.execute(delete(AuditRow).where(AuditRow.at < before))


def _entry(r: AuditRow) -> Entry:
    return Entry(r.at, r.key_id, r.method, r.route, json.loads(r.ids), r.status, r.seconds, r.address, r.text)
