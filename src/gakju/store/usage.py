"""What models were used for, a row a generation: tokens, money, key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Float, Index, Integer, String, delete, func, insert, literal_column, select
from sqlalchemy.orm import Mapped, mapped_column

from gakju.store.database import Base, Database


class UsageRow(Base):
    __tablename__ = "usage"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[str] = mapped_column(String, index=True)
    key_id: Mapped[str] = mapped_column(String)
    model: Mapped[str] = mapped_column(String)
    prompt_tokens: Mapped[int] = mapped_column(Integer)
    completion_tokens: Mapped[int] = mapped_column(Integer)
    money: Mapped[float] = mapped_column(Float)
    __table_args__ = (Index("usage_by_key", "key_id", "at"),)


class Used(NamedTuple):
    """One generation. `key_id` is "" for the screen, the terminal and a server without keys."""

    at: str
    key_id: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    money: float


class Spent(NamedTuple):
    """Prompt and answer together."""

    tokens: int
    money: float


class Day(NamedTuple):
    """A day's (UTC) generations of a key with a model."""

    day: str
    key_id: str
    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    money: float


class UsageTable:
    """Thread-safe; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, rows: Iterable[Used]) -> None:
        with self._db.session() as s:
            s.execute(insert(UsageRow), [r._asdict() for r in rows])

    def spent(self, since: str, key_id: str | None = None) -> Spent:
        """By one key, or by everyone, from `since` on."""
        r = UsageRow
        query = select(func.sum(r.prompt_tokens + r.completion_tokens), func.sum(r.money)).where(r.at >= since)
        if key_id is not None:
            query = query.where(r.key_id == key_id)
        with self._db.session() as s:
            tokens, money = s.execute(query).one()
            return Spent(int(tokens or 0), float(money or 0))

    def days(self, since: str, key_id: str | None = None) -> list[Day]:
        """Newest day first, then by key and model."""
        r = UsageRow
        day = func.substr(r.at, literal_column("1"), literal_column("10"))  # PostgreSQL groups by what it can see
        sums = func.count(), func.sum(r.prompt_tokens), func.sum(r.completion_tokens), func.sum(r.money)
        query = select(day, r.key_id, r.model, *sums).where(r.at >= since).group_by(day, r.key_id, r.model)
        if key_id is not None:
            query = query.where(r.key_id == key_id)
        with self._db.session() as s:
            return [Day(*row) for row in s.execute(query.order_by(day.desc(), r.key_id, r.model))]

    def forget(self, before: str) -> None:
        with self._db.session() as s:
            s.execute(delete(UsageRow).where(UsageRow.at < before))
