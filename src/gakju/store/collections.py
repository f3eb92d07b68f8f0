"""A collection's name, wherever the store has it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import String, Text, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from gakju.store.database import Base, Database, now
from gakju.store.files import AttachedRow, VectorStoreRow
from gakju.store.talks import UNDO, ThreadRow
from gakju.store.watches import WatchRow
from gakju.store.words import WordListRow

OF_IT = (WordListRow, VectorStoreRow, AttachedRow, WatchRow)
"""What goes with a collection. Its conversations stay to be read."""


class RemovedRow(Base):
    __tablename__ = "removed_collections"
    collection: Mapped[str] = mapped_column(String, primary_key=True)
    removed_at: Mapped[str] = mapped_column(String, primary_key=True)
    rows: Mapped[str] = mapped_column(Text)
    """By table, each by column."""


class Collections:
    """Thread-safe; every method is one transaction. Keys keep the name they were given: a new one opens nothing."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def rename(self, old: str, new: str) -> None:
        """Conversations, own words and what programs put into the collection follow; `new` must be unused."""
        with self._db.session() as s:
            for table in OF_IT:
                s.execute(delete(table).where(table.collection == new))
            for named in (ThreadRow, *OF_IT):
                s.execute(update(named).where(named.collection == old).values(collection=new))

    def remove(self, name: str) -> None:
        """What goes with it, out of sight; `restore` brings it back, `forget` ends it."""
        kept: dict[str, list[dict[str, object]]] = {}
        with self._db.session() as s:
            for table in OF_IT:
                rows = s.scalars(select(table).where(table.collection == name)).all()
                names = [column.name for column in table.__table__.columns]
                kept[table.__tablename__] = [{name: getattr(row, name) for name in names} for row in rows]
                s.execute(delete(table).where(table.collection == name))
            s.add(RemovedRow(collection=name, removed_at=now(), rows=json.dumps(kept)))

    def restore(self, name: str) -> None:
        """What was removed with it, where nothing new stands in its place."""
        removed = select(RemovedRow).where(RemovedRow.collection == name).order_by(RemovedRow.removed_at.desc())
        with self._db.session() as s:
            for gone in s.scalars(removed).all():
                kept = json.loads(gone.rows)
                for table in OF_IT:
                    for values in kept.get(table.__tablename__, ()):
                        key = tuple(values[column.name] for column in table.__table__.primary_key)
                        if s.get(table, key) is None:
                            s.add(table(**values))
                s.delete(gone)
                s.flush()

    def forget(self, before: timedelta = UNDO) -> None:
        """Delete what was removed longer ago than that."""
        border = (datetime.now(UTC) - before).isoformat(timespec="microseconds")
        with self._db.session() as s:
            s.execute(delete(RemovedRow).where(RemovedRow.removed_at <= border))
