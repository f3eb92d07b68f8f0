"""API keys and the sessions that people open with them. Only hashes are kept.

A token has 256 random bits, so a plain SHA-256 of it is enough: a salted, slow hash protects what people choose,
which a guesser can try, and would cost every request its time.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Float, Integer, String, Text, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from gakju.errors import NotFound, UsageError
from gakju.store.database import Base, Database, new_id, now

RIGHTS = ("ask", "read", "write", "models", "admin")
"""`ask` the library, `read` documents, `write` (add, delete), use `models` without the library, `admin` all else."""
START = "gk-"
SHOWN = 10
"""Characters of a token that are kept to recognise it by."""


class KeyRow(Base):
    __tablename__ = "keys"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    prefix: Mapped[str] = mapped_column(String)
    digest: Mapped[str] = mapped_column(String, unique=True)
    rights: Mapped[str] = mapped_column(Text)
    collections: Mapped[str] = mapped_column(Text)
    requests_per_minute: Mapped[int] = mapped_column(Integer)
    tokens_per_day: Mapped[int] = mapped_column(Integer)
    money_per_day: Mapped[float] = mapped_column(Float)
    created_at: Mapped[str] = mapped_column(String)
    expires_at: Mapped[str] = mapped_column(String)
    revoked_at: Mapped[str] = mapped_column(String, default="")
    last_used_at: Mapped[str] = mapped_column(String, default="")


class SessionRow(Base):
    __tablename__ = "sessions"
    digest: Mapped[str] = mapped_column(String, primary_key=True)
    key_id: Mapped[str] = mapped_column(String, index=True)
    expires_at: Mapped[str] = mapped_column(String)


class MadeRow(Base):
    __tablename__ = "made"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    key_id: Mapped[str] = mapped_column(String, index=True)


def made_rows(thing: str, key_id: str) -> list[MadeRow]:
    """What tells that a key made it; nothing where no key did."""
    return [MadeRow(id=thing, key_id=key_id)] if key_id else []


@dataclass(frozen=True, slots=True)
class Key:
    """Without its token, which nobody has but who was shown it. A limit of 0 is none.

    `collections` of None are all; times are UTC in ISO 8601, "" for never; money is in the unit of the price table.
    """

    id: str
    name: str
    prefix: str
    rights: frozenset[str]
    collections: frozenset[str] | None
    requests_per_minute: int
    tokens_per_day: int
    money_per_day: float
    created_at: str
    expires_at: str
    revoked_at: str
    last_used_at: str

    @property
    def works(self) -> bool:
        return not self.revoked_at and (not self.expires_at or self.expires_at > now())


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key(r: KeyRow) -> Key:
    collections = json.loads(r.collections)
    return Key(
        r.id,
        r.name,
        r.prefix,
        frozenset(json.loads(r.rights)),
        None if collections is None else frozenset(collections),
        r.requests_per_minute,
        r.tokens_per_day,
        r.money_per_day,
        r.created_at,
        r.expires_at,
        r.revoked_at,
        r.last_used_at,
    )


class Keys:
    """Thread-safe; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(
        self,
        name: str,
        rights: Collection[str] = ("ask", "read"),
        *,
        collections: Iterable[str] | None = None,
        requests_per_minute: int = 0,
        tokens_per_day: int = 0,
        money_per_day: float = 0.0,
        expires_at: str = "",
    ) -> tuple[Key, str]:
        """A new key and its token, which cannot be had again. Raises UsageError."""
        _check(name, rights, expires_at)
        if "admin" in rights and collections is not None:
            raise UsageError("The right `admin` is for all collections.", hint="Leave the collections out.")
        token = START + secrets.token_urlsafe(32)
        row = KeyRow(
            id=new_id("key"),
            name=name,
            prefix=token[:SHOWN],
            digest=digest(token),
            rights=json.dumps(sorted(rights)),
            collections=json.dumps(None if collections is None else sorted(collections)),
            requests_per_minute=requests_per_minute,
            tokens_per_day=tokens_per_day,
            money_per_day=money_per_day,
            created_at=now(),
            expires_at=expires_at,
            revoked_at="",
            last_used_at="",
        )
        with self._db.session() as s:
            s.add(row)
            s.flush()
            return _key(row), token

    def find(self, token: str) -> Key | None:
        """The key of a token, or of a session opened with one. It may have ended: see `works`."""
        hashed = digest(token)
        with self._db.session() as s:
            session = s.get(SessionRow, hashed)
            if session and session.expires_at <= now():
                return None
            mine = KeyRow.id == session.key_id if session else KeyRow.digest == hashed
            row = s.scalars(select(KeyRow).where(mine)).first()
            return _key(row) if row else None

    def get(self, key_id: str) -> Key | None:
        """By its id; None for what is no key's, as the screen and the terminal."""
        with self._db.session() as s:
            row = s.get(KeyRow, key_id)
            return _key(row) if row else None

    def all(self) -> list[Key]:
        """Newest last."""
        with self._db.session() as s:
            return [_key(r) for r in s.scalars(select(KeyRow).order_by(KeyRow.created_at, KeyRow.id))]

    def revoke(self, key_id: str) -> Key:
        """End a key and its sessions at once, by its id or its prefix. Raises NotFound."""
        with self._db.session() as s:
            found = list(s.scalars(select(KeyRow).where((KeyRow.id == key_id) | (KeyRow.prefix == key_id))))
            if len(found) != 1:
                raise NotFound(f"There is no key {key_id!r}.", hint="See `gakju keys list`.", id=key_id)
            found[0].revoked_at = found[0].revoked_at or now()
            s.execute(delete(SessionRow).where(SessionRow.key_id == found[0].id))
            return _key(found[0])

    def used(self, key_ids: Collection[str], at: str) -> None:
        """Note when keys were last used."""
        with self._db.session() as s:
            s.execute(update(KeyRow).where(KeyRow.id.in_(key_ids)).values(last_used_at=at))

    def open_session(self, key_id: str, seconds: float) -> str:
        """A token that stands for the key for so long, for a browser to keep instead of the key."""
        token = secrets.token_urlsafe(32)
        ends = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="microseconds")
        with self._db.session() as s:
            s.execute(delete(SessionRow).where(SessionRow.expires_at <= now()))
            s.add(SessionRow(digest=digest(token), key_id=key_id, expires_at=ends))
        return token

    def close_session(self, token: str) -> None:
        with self._db.session() as s:
            s.execute(delete(SessionRow).where(SessionRow.digest == digest(token)))

    # What keys made: jobs, files and other things that belong to no collection alone.

    def made(self, thing: str, key_id: str) -> None:
        with self._db.session() as s:
            s.merge(MadeRow(id=thing, key_id=key_id))

    def maker(self, thing: str) -> str:
        """The key that made it; "" for the screen, the terminal and a server without keys."""
        with self._db.session() as s:
            return s.scalar(select(MadeRow.key_id).where(MadeRow.id == thing)) or ""

    def made_by(self, key_id: str) -> set[str]:
        with self._db.session() as s:
            return set(s.scalars(select(MadeRow.id).where(MadeRow.key_id == key_id)))


def _check(name: str, rights: Collection[str], expires_at: str) -> None:
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise UsageError("A key needs a name of 1 to 100 printable characters.")
    if not rights or set(rights) - set(RIGHTS):
        raise UsageError("A key needs rights.", hint=f"Choose from {', '.join(RIGHTS)}.")
    if expires_at and expires_at <= now():
        raise UsageError(f"{expires_at} is over.", hint="Give a time in the future.")
