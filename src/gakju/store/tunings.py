"""Models that were, are or will be tuned: what of, how, by whom, and what came of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import String, Text, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from gakju.errors import NotFound
from gakju.store.database import Base, Database, Json, now

State = Literal["queued", "running", "done", "failed", "cancelled"]


class TuningRow(Base):
    __tablename__ = "tunings"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    base: Mapped[str] = mapped_column(String)
    place: Mapped[str] = mapped_column(String)
    name: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    job_id: Mapped[str] = mapped_column(String)
    owner: Mapped[str] = mapped_column(String)
    recipe: Mapped[str] = mapped_column(Text)
    told: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String, index=True)
    ended_at: Mapped[str] = mapped_column(String)


@dataclass(frozen=True, slots=True)
class Tuning:
    """`place` is "local", "openai" or "azure"; `base` a model of the catalogue, or of that host.

    `name` is what the model shall be called, "" for its id. `recipe` is how it is trained, `told` what came of it:
    `model`, figures, `judged`, `error`, `remote` (the id at a host). `owner` is the key it is done for.
    """

    id: str
    base: str
    place: str
    name: str
    state: State
    job_id: str
    owner: str
    recipe: Json
    told: Json
    created_at: str
    ended_at: str

    @property
    def finished(self) -> bool:
        return self.state in {"done", "failed", "cancelled"}


def _tuning(r: TuningRow) -> Tuning:
    state: State = r.state  # type: ignore[assignment]
    recipe, told = json.loads(r.recipe), json.loads(r.told)
    return Tuning(
        r.id, r.base, r.place, r.name, state, r.job_id, r.owner, recipe, told, r.created_at, r.ended_at
    )  # fmt: skip


class Tunings:
    """Thread-safe; every method is one transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, base: str, place: str, name: str, recipe: Mapping[str, Any], owner: str = "") -> Tuning:
        row = TuningRow(
            id=f"ftjob-{secrets.token_hex(12)}",
            base=base,
            place=place,
            name=name,
            state="queued",
            job_id="",
            owner=owner,
            recipe=json.dumps(recipe),
            told="{}",
            created_at=now(),
            ended_at="",
        )
        with self._db.session() as s:
            s.add(row)
            s.flush()
            return _tuning(row)

    def get(self, tuning_id: str) -> Tuning:
        """Raises NotFound."""
        with self._db.session() as s:
            row = s.get(TuningRow, tuning_id)
            if row is None:
                raise NotFound(f"There is no fine-tuning job {tuning_id[:60]!r}.", id=tuning_id)
            return _tuning(row)

    def all(self, states: Sequence[str] = ()) -> list[Tuning]:
        """Oldest first."""
        query = select(TuningRow).order_by(TuningRow.created_at, TuningRow.id)
        if states:
            query = query.where(TuningRow.state.in_(states))
        with self._db.session() as s:
            return [_tuning(r) for r in s.scalars(query)]

    def set(self, tuning_id: str, *, state: State | None = None, job_id: str = "", **told: Any) -> Tuning:
        """Other values are put into `told`; None takes one out. Raises NotFound."""
        with self._db.session() as s:
            # Takes the right to write before it reads: what another thread puts in meanwhile must not get lost.
            s.execute(update(TuningRow).where(TuningRow.id == tuning_id).values(id=TuningRow.id))
            row = s.get(TuningRow, tuning_id)
            if row is None:
                raise NotFound(f"There is no fine-tuning job {tuning_id[:60]!r}.", id=tuning_id)
            if state is not None:
                row.state = state
                row.ended_at = now() if state in {"done", "failed", "cancelled"} else ""
            row.job_id = job_id or row.job_id
            merged = {**json.loads(row.told), **told}
            row.told = json.dumps({k: v for k, v in merged.items() if v is not None})
            s.flush()
            return _tuning(row)

    def rename(self, tuning_id: str, name: str) -> None:
        with self._db.session() as s:
            s.execute(update(TuningRow).where(TuningRow.id == tuning_id).values(name=name))

    def remove(self, tuning_id: str) -> None:
        with self._db.session() as s:
            s.execute(delete(TuningRow).where(TuningRow.id == tuning_id))
