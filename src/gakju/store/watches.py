"""Pages and sitemaps of the web that are read again from time to time, and what was known of each page at the last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Integer, String, Text, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from gakju.errors import NotFound
from gakju.store.database import Base, Database, new_id, now


class WatchRow(Base):
    __tablename__ = "watches"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    url: Mapped[str] = mapped_column(String)
    collection: Mapped[str] = mapped_column(String)
    hours: Mapped[int] = mapped_column(Integer)
    pages: Mapped[str] = mapped_column(Text)
    counts: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String)
    read_at: Mapped[str] = mapped_column(String)
    next_at: Mapped[str] = mapped_column(String)


@dataclass(frozen=True, slots=True)
class Watch:
    """`url` is read into `collection` every so many `hours`, next at `next_at`; `read_at` is "" before the first time.

    `pages`: by address what was known of a page (`digest`, and the headers by which its site tells changes).
    `counts`: how many pages were added, unchanged, failed and so on at the last time.
    """

    id: str
    url: str
    collection: str
    hours: int
    created_at: str
    read_at: str = ""
    next_at: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    pages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Watches:
    """Thread-safe; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def put(self, url: str, collection: str, hours: int) -> Watch:
        """A new one, or another interval for the one there is. It is next read after that interval."""
        with self._db.session() as s:
            row = s.scalars(select(WatchRow).where(WatchRow.url == url, WatchRow.collection == collection)).first()
            if row is None:
                row = WatchRow(
                    id=new_id("watch"), url=url, collection=collection, pages="{}", counts="{}", created_at=now(),
                    read_at="",
                )  # fmt: skip
                s.add(row)
            row.hours, row.next_at = hours, _after(hours)
            s.flush()
            return _watch(row)

    def all(self) -> list[Watch]:
        """Oldest first."""
        with self._db.session() as s:
            return [_watch(row) for row in s.scalars(select(WatchRow).order_by(WatchRow.created_at, WatchRow.id))]

    def get(self, watch_id: str) -> Watch:
        with self._db.session() as s:
            row = s.get(WatchRow, watch_id)
            if row is None:
                raise NotFound(f"There is no watched page {watch_id!r}.", id=watch_id)
            return _watch(row)

    def find(self, url: str, collection: str) -> Watch | None:
        with self._db.session() as s:
            row = s.scalars(select(WatchRow).where(WatchRow.url == url, WatchRow.collection == collection)).first()
            return _watch(row) if row else None

    def later(self, watch_id: str) -> None:
        """It has been seen to: next after its interval."""
        with self._db.session() as s:
            if row := s.get(WatchRow, watch_id):
                row.next_at = _after(row.hours)

    def told(self, watch_id: str, pages: Mapping[str, Mapping[str, str]], counts: Mapping[str, int]) -> None:
        """What was found at a reading; nothing where it is watched no more."""
        values = {"pages": json.dumps(pages), "counts": json.dumps(counts), "read_at": now()}
        with self._db.session() as s:
            s.execute(update(WatchRow).where(WatchRow.id == watch_id).values(**values))

    def drop(self, watch_id: str) -> None:
        with self._db.session() as s:
            s.execute(delete(WatchRow).where(WatchRow.id == watch_id))


def _after(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="microseconds")


def _watch(row: WatchRow) -> Watch:
    return Watch(
        id=row.id,
        url=row.url,
        collection=row.collection,
        hours=row.hours,
        created_at=row.created_at,
        read_at=row.read_at,
        next_at=row.next_at,
        counts=json.loads(row.counts),
        pages=json.loads(row.pages),
    )
