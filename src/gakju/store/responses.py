"""Responses kept for a program that goes on from one by its id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import String, Text, delete
from sqlalchemy.orm import Mapped, mapped_column

from gakju.errors import NotFound
from gakju.store.database import Base, Database, Json, now
from gakju.store.keys import made_rows

KEPT = timedelta(days=30)


class ResponseRow(Base):
    __tablename__ = "responses"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    data: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String, index=True)


class Responses:
    """JSON objects by id; each is forgotten 30 days after it was put here."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, response_id: str, data: Mapping[str, object], *, owner: str = "") -> None:
        """`owner` is the key whose it is."""
        oldest = (datetime.now(UTC) - KEPT).isoformat(timespec="microseconds")
        with self._db.session() as s:
            s.execute(delete(ResponseRow).where(ResponseRow.created_at < oldest))
            s.merge(ResponseRow(id=response_id, data=json.dumps(data, ensure_ascii=False), created_at=now()))
            for row in made_rows(response_id, owner):
                s.merge(row)

    def get(self, response_id: str) -> Json:
        with self._db.session() as s:
            row = s.get(ResponseRow, response_id)
            if row is None:
                raise NotFound(f"There is no response {response_id!r}.", id=response_id)
            data: Json = json.loads(row.data)
            return data

    def remove(self, response_id: str) -> None:
        """Raises NotFound."""
        self.get(response_id)
        with self._db.session() as s:
            s.execute(delete(ResponseRow).where(ResponseRow.id == response_id))
