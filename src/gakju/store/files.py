"""Files kept for a program, what it knows collections by, and what it put into them.

A file is a name for bytes among the originals; a vector store is a collection under a name and with notes of a
program's own; an attached file is the job that adds it. The documents themselves are the library's.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Integer, String, Text, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from gakju.errors import NotFound
from gakju.store.database import Base, Database, Json, now
from gakju.store.keys import made_rows


class FileRow(Base):
    __tablename__ = "files"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    digest: Mapped[str] = mapped_column(String, index=True)
    filename: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(String)
    bytes: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"))
    created_at: Mapped[str] = mapped_column(String, index=True)
    expires_at: Mapped[str] = mapped_column(String, default="")


class VectorStoreRow(Base):
    __tablename__ = "vector_stores"
    collection: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text, default="{}")
    expires_days: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[str] = mapped_column(String)
    active_at: Mapped[str] = mapped_column(String)


class AttachedRow(Base):
    __tablename__ = "vector_store_files"
    collection: Mapped[str] = mapped_column(String, primary_key=True)
    file_id: Mapped[str] = mapped_column(String, primary_key=True)
    job_id: Mapped[str] = mapped_column(String, default="")
    position: Mapped[int] = mapped_column(Integer, default=0)
    batch_id: Mapped[str] = mapped_column(String, default="")
    attributes: Mapped[str] = mapped_column(Text, default="{}")
    created_at: Mapped[str] = mapped_column(String)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Bytes under a name. `expires_at` is "" for never; times as `now`."""

    id: str
    digest: str
    filename: str
    purpose: str
    bytes: int
    created_at: str
    expires_at: str = ""


@dataclass(frozen=True, slots=True)
class VectorStore:
    """A collection as a program named it. `expires_days` after `active_at` it is no longer searched; 0 for never."""

    collection: str
    name: str
    created_at: str
    active_at: str
    notes: Json = field(default_factory=dict)
    expires_days: int = 0


@dataclass(frozen=True, slots=True)
class Attachment:
    """File `position` of the job that adds it to a collection; without a job it was there before."""

    collection: str
    file_id: str
    job_id: str
    position: int
    batch_id: str
    attributes: Json
    created_at: str


def _file(row: FileRow) -> StoredFile:
    return StoredFile(row.id, row.digest, row.filename, row.purpose, row.bytes, row.created_at, row.expires_at)


def _vector_store(row: VectorStoreRow) -> VectorStore:
    return VectorStore(row.collection, row.name, row.created_at, row.active_at, json.loads(row.notes), row.expires_days)


def _attachment(row: AttachedRow) -> Attachment:
    return Attachment(
        row.collection,
        row.file_id,
        row.job_id,
        row.position,
        row.batch_id,
        json.loads(row.attributes),
        row.created_at,
    )


class Files:
    """Thread-safe; every method is one transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # Files

    def add(
        self, digest: str, filename: str, purpose: str, size: int, expires_at: str = "", *, owner: str = ""
    ) -> StoredFile:
        """`owner` is the key whose it is."""
        row = FileRow(
            id=f"file-{secrets.token_hex(12)}",
            digest=digest,
            filename=filename,
            purpose=purpose,
            bytes=size,
            created_at=now(),
            expires_at=expires_at,
        )
        with self._db.session() as s:
            s.add(row)
            s.add_all(made_rows(row.id, owner))
            s.flush()
            return _file(row)

    def get(self, file_id: str) -> StoredFile:
        """Raises NotFound, also for what has expired."""
        with self._db.session() as s:
            row = s.get(FileRow, file_id)
            if row is None or _past(row.expires_at):
                raise NotFound(f"There is no file {file_id!r}.", id=file_id)
            return _file(row)

    def all(self) -> list[StoredFile]:
        """Newest last, those that have expired among them."""
        with self._db.session() as s:
            return [_file(r) for r in s.scalars(select(FileRow).order_by(FileRow.created_at, FileRow.id))]

    def holds(self, digest: str) -> bool:
        """Whether a file needs the bytes of that digest."""
        with self._db.session() as s:
            return s.scalar(select(FileRow.id).where(FileRow.digest == digest).limit(1)) is not None

    def remove(self, file_id: str) -> None:
        """The file and every mention of it."""
        with self._db.session() as s:
            s.execute(delete(FileRow).where(FileRow.id == file_id))
            s.execute(delete(AttachedRow).where(AttachedRow.file_id == file_id))

    # Vector stores

    def put_store(self, store: VectorStore) -> None:
        with self._db.session() as s:
            s.merge(
                VectorStoreRow(
                    collection=store.collection,
                    name=store.name,
                    notes=json.dumps(store.notes),
                    expires_days=store.expires_days,
                    created_at=store.created_at,
                    active_at=store.active_at,
                )
            )

    def stores(self) -> list[VectorStore]:
        with self._db.session() as s:
            return [_vector_store(r) for r in s.scalars(select(VectorStoreRow))]

    def remove_store(self, collection: str) -> None:
        with self._db.session() as s:
            s.execute(delete(AttachedRow).where(AttachedRow.collection == collection))
            s.execute(delete(VectorStoreRow).where(VectorStoreRow.collection == collection))

    # What is in them

    def attach(
        self, collection: str, files: Sequence[tuple[str, Mapping[str, Any]]], *, job_id: str = "", batch_id: str = ""
    ) -> None:
        """Files by id with their attributes, in the order the job has them; one that is there already is replaced."""
        at = now()
        with self._db.session() as s:
            for position, (file_id, attributes) in enumerate(files):
                s.merge(
                    AttachedRow(
                        collection=collection,
                        file_id=file_id,
                        job_id=job_id,
                        position=position,
                        batch_id=batch_id,
                        attributes=json.dumps(attributes),
                        created_at=at,
                    )
                )

    def attached(self, collection: str = "", *, file_id: str = "", batch_id: str = "") -> list[Attachment]:
        """Of a collection, of a file, or of a batch; oldest first."""
        query = select(AttachedRow).order_by(AttachedRow.created_at, AttachedRow.position, AttachedRow.file_id)
        for column, wanted in (
            (AttachedRow.collection, collection),
            (AttachedRow.file_id, file_id),
            (AttachedRow.batch_id, batch_id),
        ):
            if wanted:
                query = query.where(column == wanted)
        with self._db.session() as s:
            return [_attachment(r) for r in s.scalars(query)]

    def set_attributes(self, collection: str, file_id: str, attributes: Mapping[str, Any]) -> None:
        here = (AttachedRow.collection == collection, AttachedRow.file_id == file_id)
        with self._db.session() as s:
            s.execute(update(AttachedRow).where(*here).values(attributes=json.dumps(attributes)))

    def detach(self, collection: str, file_id: str) -> None:
        here = (AttachedRow.collection == collection, AttachedRow.file_id == file_id)
        with self._db.session() as s:
            s.execute(delete(AttachedRow).where(*here))


def _past(stamp: str) -> bool:
    return bool(stamp) and stamp <= now()
