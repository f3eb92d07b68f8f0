"""Question sets: questions with the answers that are right, in versions that stay readable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import Integer, String, Text, UniqueConstraint, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from gakju.errors import NotFound, UsageError
from gakju.store.database import Base, Database, new_id, now
from gakju.store.talks import UNDO

LONGEST_NAME = 100


class SetRow(Base):
    __tablename__ = "question_sets"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    version: Mapped[int] = mapped_column(Integer)
    """The newest one."""
    created_at: Mapped[str] = mapped_column(String)
    updated_at: Mapped[str] = mapped_column(String)
    deleted_at: Mapped[str] = mapped_column(String)
    __table_args__ = (UniqueConstraint("name", "deleted_at"),)


class VersionRow(Base):
    __tablename__ = "question_versions"
    set_id: Mapped[str] = mapped_column(String, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    items: Mapped[str] = mapped_column(Text)
    at: Mapped[str] = mapped_column(String)


@dataclass(frozen=True, slots=True)
class Gold:
    """A page that holds the answer; `document` is the title or id of a document."""

    document: str
    page: int


@dataclass(frozen=True, slots=True)
class Item:
    """A question with the answers that are right, any of them; without one the right answer is a refusal.

    In a classification `answers` is the label alone. `label` groups items for balance (a class, a theme). One that a
    model made is "proposed" until somebody has confirmed it.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    gold: tuple[Gold, ...] = ()
    label: str = ""
    note: str = ""
    state: Literal["confirmed", "proposed"] = "confirmed"


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """One version of a set; `updated_at` is when this version was made."""

    id: str
    name: str
    version: int
    created_at: str
    updated_at: str
    items: tuple[Item, ...]

    @property
    def confirmed(self) -> tuple[Item, ...]:
        """What may be asked, taught from or judged by."""
        return tuple(item for item in self.items if item.state == "confirmed")

    @property
    def digest(self) -> str:
        """SHA-256 of the items, in hex: the same for the same questions, whatever the set is called."""
        return sha256(_dump(self.items).encode()).hexdigest()


Made = Callable[[tuple[Item, ...]], Iterable[Item]]
"""The items of a version, of those of the one before."""


class Questions:
    """Thread-safe; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> list[QuestionSet]:
        """The newest version of each, the one changed last first."""
        r, v = SetRow, VersionRow
        joined = select(r, v).join(v, (v.set_id == r.id) & (v.version == r.version))
        with self._db.session() as s:
            return [_set(*pair) for pair in s.execute(joined.where(r.deleted_at == "").order_by(r.updated_at.desc()))]

    def get(self, name_or_id: str, version: int | None = None) -> QuestionSet:
        """The newest version, or that one. Raises NotFound."""
        with self._db.session() as s:
            row = _row(s, name_or_id)
            wanted = s.get(VersionRow, (row.id, row.version if version is None else version))
            if wanted is None:
                raise NotFound(
                    f"The question set {row.name!r} has no version {version}.", hint=f"It has 1 to {row.version}."
                )
            return _set(row, wanted)

    def versions(self, name_or_id: str) -> list[tuple[int, str]]:
        """Number and time of each, newest first."""
        v = VersionRow
        with self._db.session() as s:
            mine = select(v.version, v.at).where(v.set_id == _row(s, name_or_id).id).order_by(v.version.desc())
            return [(number, at) for number, at in s.execute(mine)]

    def put(self, name: str, items: Sequence[Item]) -> QuestionSet:
        """A new set, or the next version of the one of that name or id; the same items again change nothing.

        An item without an id is given one that follows from its question. Raises UsageError for an id twice.
        """
        return self.edit(name, lambda _: items)

    def edit(self, name: str, made: Made, *, new: bool = True) -> QuestionSet:
        """The same with what `made` gives for the items of the newest version, () where there is no set yet. No other
        writer comes between. Raises NotFound where there is none and it may not be `new`, and what `made` raises.
        """
        try:
            return self._edit(name, made, new)
        except IntegrityError:  # another thread made a set of that name meanwhile
            return self._edit(name, made, new)

    def _edit(self, name: str, made: Made, new: bool) -> QuestionSet:
        at = now()
        with self._db.session() as s:
            row = _find(s, name)
            if row is None:
                if not new:
                    raise _missing(name)
                name = check_name(name)
                row = SetRow(id=new_id("qset"), name=name, version=0, created_at=at, updated_at=at, deleted_at="")
                s.add(row)
                s.flush()
            else:
                # Takes the right to write before it reads, so that two writers make two versions.
                s.execute(update(SetRow).where(SetRow.id == row.id).values(version=SetRow.version))
                s.refresh(row)
                if row.deleted_at:
                    raise _missing(name)
            last = s.get(VersionRow, (row.id, row.version))
            text = _dump(_named(made(_items(last) if last else ())))
            if last is not None and last.items == text:
                return _set(row, last)
            row.version, row.updated_at = row.version + 1, at
            version = VersionRow(set_id=row.id, version=row.version, items=text, at=at)
            s.add(version)
            s.flush()
            return _set(row, version)

    def rename(self, name_or_id: str, name: str) -> None:
        """Raises UsageError where another set has that name."""
        name = check_name(name)
        with self._db.session() as s:
            row = _row(s, name_or_id)
            _free(s, name, row.id)
            row.name = name

    def remove(self, name_or_id: str) -> str:
        """Out of sight; `restore` takes the id that this gives back, `forget` ends it."""
        with self._db.session() as s:
            row = _row(s, name_or_id)
            row.deleted_at = now()
            return row.id

    def restore(self, set_id: str) -> None:
        """Raises NotFound, or UsageError where a set of that name was made meanwhile."""
        with self._db.session() as s:
            row = s.get(SetRow, set_id)
            if row is None:
                raise _missing(set_id)
            _free(s, row.name, row.id)
            row.deleted_at = ""

    def forget(self, before: timedelta = UNDO) -> None:
        """Delete what was removed longer ago than that."""
        border = (datetime.now(UTC) - before).isoformat(timespec="microseconds")
        old = SetRow.deleted_at != "", SetRow.deleted_at <= border
        with self._db.session() as s:
            s.execute(delete(VersionRow).where(VersionRow.set_id.in_(select(SetRow.id).where(*old))))
            s.execute(delete(SetRow).where(*old))


def check_name(name: str) -> str:
    """Without white space around it. Raises UsageError for one that is empty, too long or no line of text."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of a question set.",
            hint=f"Use 1 to {LONGEST_NAME} characters on one line.",
        )
    return name


def as_item(told: Mapping[str, Any]) -> Item:
    """What `asdict` of one made, as JSON gives it back."""
    gold = tuple(Gold(**one) for one in told.get("gold", ()))
    return Item(**{**told, "answers": tuple(told["answers"]), "gold": gold})


def item_id(question: str) -> str:
    """The id of an item that was given none: the same question has the same one in every version."""
    return sha256(question.encode()).hexdigest()[:12]


def _named(items: Iterable[Item]) -> tuple[Item, ...]:
    named = tuple(item if item.id else replace(item, id=item_id(item.question)) for item in items)
    seen: set[str] = set()
    for item in named:
        if item.id in seen:
            raise UsageError(f"The item {item.id!r} is there twice: {item.question[:80]!r}.", hint="Drop one of them.")
        seen.add(item.id)
    return named


def _dump(items: Iterable[Item]) -> str:
    return json.dumps([asdict(item) for item in items], ensure_ascii=False)


def _items(version: VersionRow) -> tuple[Item, ...]:
    return tuple(as_item(told) for told in json.loads(version.items))


def _set(row: SetRow, version: VersionRow) -> QuestionSet:
    return QuestionSet(row.id, row.name, version.version, row.created_at, version.at, _items(version))


def _find(s: Session, name_or_id: str) -> SetRow | None:
    name = " ".join(name_or_id.split())
    meant = select(SetRow).where(SetRow.deleted_at == "", or_(SetRow.id == name_or_id, SetRow.name == name))
    return s.scalars(meant.order_by(SetRow.id != name_or_id)).first()


def _row(s: Session, name_or_id: str) -> SetRow:
    row = _find(s, name_or_id)
    if row is None:
        raise _missing(name_or_id)
    return row


def _missing(name_or_id: str) -> NotFound:
    return NotFound(f"There is no question set {name_or_id[:LONGEST_NAME]!r}.", hint="gakju questions lists them.")


def _free(s: Session, name: str, besides: str) -> None:
    taken = select(SetRow.id).where(SetRow.name == name, SetRow.deleted_at == "", SetRow.id != besides)
    if s.scalars(taken).first():
        raise UsageError(f"There is a question set {name!r} already.", hint="Choose another name.")
