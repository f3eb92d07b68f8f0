"""The readers' own words, a list a collection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

from sqlalchemy import String, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from gakju.store.database import Base, Database, now
from gakju.text.lexicon import Word


class WordListRow(Base):
    __tablename__ = "word_lists"
    collection: Mapped[str] = mapped_column(String, primary_key=True)
    words: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[str] = mapped_column(String)
    applied_at: Mapped[str] = mapped_column(String, default="")


class WordList(NamedTuple):
    """Documents added before `changed_at` do not know these words, unless all were read again at `applied_at`."""

    words: tuple[Word, ...] = ()
    changed_at: str = ""
    applied_at: str = ""

    def misses(self, added_at: str) -> bool:
        return max(added_at, self.applied_at) < self.changed_at


class Words:
    """Thread-safe; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, collection: str) -> WordList:
        """An empty list for a collection without words."""
        with self._db.session() as s:
            row = s.get(WordListRow, collection)
            return _as_list(row) if row else WordList()

    def all(self) -> dict[str, WordList]:
        """By collection."""
        with self._db.session() as s:
            return {row.collection: _as_list(row) for row in s.scalars(select(WordListRow))}

    def put(self, collection: str, words: Sequence[Word]) -> None:
        """In place of those there were. The same ones again change nothing."""
        given = json.dumps([asdict(word) for word in words], ensure_ascii=False)
        with self._db.session() as s:
            row = s.get(WordListRow, collection)
            if row is None:
                s.add(WordListRow(collection=collection, words=given, changed_at=now()))
            elif row.words != given:
                row.words, row.changed_at = given, now()

    def applied(self, at: str) -> None:
        """All documents know the words there were `at` that time."""
        with self._db.session() as s:
            s.execute(update(WordListRow).values(applied_at=at))


def _as_list(row: WordListRow) -> WordList:
    words = tuple(Word(entry["word"], tuple(entry["also"])) for entry in json.loads(row.words))
    return WordList(words, row.changed_at, row.applied_at)
