"""A collection's name, wherever the store has it."""

from __future__ import annotations

from sqlalchemy import delete, update

from gakju.store.database import Database
from gakju.store.files import AttachedRow, VectorStoreRow
from gakju.store.talks import ThreadRow
from gakju.store.words import WordListRow


class Collections:
    """Thread-safe; every method is one transaction. Keys keep the name they were given: a new one opens nothing."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def rename(self, old: str, new: str) -> None:
        """Conversations, own words and what programs put into the collection follow; `new` must be unused."""
        with self._db.session() as s:
            for table in (WordListRow, VectorStoreRow, AttachedRow):
                s.execute(delete(table).where(table.collection == new))
            for named in (ThreadRow, WordListRow, VectorStoreRow, AttachedRow):
                s.execute(update(named).where(named.collection == old).values(collection=new))

    def forget(self, name: str) -> None:
        """All but its conversations, which stay to be read."""
        with self._db.session() as s:
            for table in (WordListRow, VectorStoreRow, AttachedRow):
                s.execute(delete(table).where(table.collection == name))
