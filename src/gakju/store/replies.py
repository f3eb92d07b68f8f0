"""What models answered to prompts of labs, kept so that the same one is never paid for twice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import String, Text, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from gakju.store.database import Base, Database, now

_AT_ONCE = 500
"""Keys of one query: SQLite takes some thousands."""


class ReplyRow(Base):
    __tablename__ = "replies"
    key: Mapped[str] = mapped_column(String, primary_key=True)
    data: Mapped[str] = mapped_column(Text)
    at: Mapped[str] = mapped_column(String, index=True)


def key_of(*parts: object) -> str:
    """SHA-256 in hex of what decides an answer: model, messages, options. Anything that JSON can hold."""
    return sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


class Replies:
    """Thread-safe; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Those that are there, by key."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, dict[str, Any]] = {}
        with self._db.session() as s:
            for at in range(0, len(wanted), _AT_ONCE):
                rows = s.scalars(select(ReplyRow).where(ReplyRow.key.in_(wanted[at : at + _AT_ONCE])))
                found |= {row.key: json.loads(row.data) for row in rows}
        return found

    def put(self, key: str, data: Mapping[str, Any]) -> None:
        """In place of what was there."""
        with self._db.session() as s:
            s.merge(ReplyRow(key=key, data=json.dumps(data, ensure_ascii=False), at=now()))

    def forget(self, before: str = "~") -> None:
        """Those older than that time; all without one."""
        with self._db.session() as s:
            s.execute(delete(ReplyRow).where(ReplyRow.at < before))
