"""Who is asking: a key in a header, a session in a cookie, or the owner of this machine's data folder."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers

from gakju.api.places import ANY, PUBLIC, SCREEN
from gakju.assistant import Assistant
from gakju.errors import Forbidden, KeyNeeded
from gakju.store import Store
from gakju.store.keys import RIGHTS, Key, digest

COOKIE = "gakju_session"
KNOWN_FOR = 2.0
"""Seconds that a key is believed without a look into the store: how long one revoked elsewhere still works."""
KNOWN = 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """`id` is the key's; "" where nobody is asked. `collections` of None are all."""

    id: str
    rights: frozenset[str]
    collections: frozenset[str] | None = None
    key: Key | None = None

    def has(self, right: str) -> bool:
        """Whether one of the rights with `|` between is the caller's; `admin` has them all."""
        if right == SCREEN:
            return self.admin or (self.collections is None and self.rights >= {"ask", "read", "write"})
        return right in {PUBLIC, ANY} or self.admin or not (self.rights - {"admin"}).isdisjoint(right.split("|"))

    @property
    def admin(self) -> bool:
        return "admin" in self.rights and self.collections is None

    def reaches(self, collection: str) -> bool:
        return self.collections is None or collection in self.collections


ANYONE = Caller("", frozenset(RIGHTS))
LOCAL = Caller("local", frozenset(RIGHTS))
"""A command on this machine that can read the data folder, and with it everything that is in there."""


class Callers:
    """Looks keys up off the event loop and remembers them for a moment."""

    def __init__(self, assistant: Assistant, person: Callable[[Headers], Caller | None] = lambda _: None) -> None:
        """`person`: who has signed in without a key."""
        self._assistant = assistant
        self._person = person
        self._known: dict[str, tuple[float, Key | None]] = {}
        self._threads = CapacityLimiter(4)

    async def of(self, headers: Headers) -> Caller:
        """Raises KeyNeeded."""
        token = _shown(headers)
        if token in {"", session(headers)} and (person := self._person(headers)):
            return person
        if not token:
            raise KeyNeeded("A key is needed.", hint="Send it as `Authorization: Bearer KEY` or `api-key: KEY`.")
        hashed = digest(token)
        if hmac.compare_digest(hashed, self._assistant.local):
            return LOCAL
        key = await self._key(hashed, token)
        if key is None or not key.works:
            raise KeyNeeded("This key does not work.", hint="It may be over or revoked; ask for a new one.")
        return Caller(key.id, key.rights, key.collections, key)

    async def _key(self, hashed: str, token: str) -> Key | None:
        at, key = self._known.get(hashed, (0.0, None))
        if time.monotonic() - at < KNOWN_FOR:
            return key
        key = await to_thread.run_sync(self.store.keys.find, token, limiter=self._threads)
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[hashed] = (time.monotonic(), key)
        return key

    async def solvent(self, caller: Caller) -> None:
        """Raises QuotaSpent."""
        s, k = self._assistant.settings, caller.key
        if s.tokens_per_day or s.money_per_day or (k and (k.tokens_per_day or k.money_per_day)):
            await to_thread.run_sync(self._assistant.accounts.check, caller.key, limiter=self._threads)

    @property
    def store(self) -> Store:
        return self._assistant.store

    def forget(self) -> None:
        """Look anew: a key was revoked here."""
        self._known.clear()


def _shown(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get("api-key", "") or session(headers)


def session(headers: Mapping[str, str]) -> str:
    """The token in the browser's cookie, or ""."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def check(caller: Caller, right: str) -> None:
    """Raises Forbidden. A route without a place has no right to have."""
    if right and caller.has(right):
        return
    if right == SCREEN:
        raise Forbidden(
            "This key does not open the screen.",
            hint="Use one for all collections with the rights `ask`, `read` and `write`.",
        )
    wanted = " or ".join(f"`{r}`" for r in right.split("|") if r)
    raise Forbidden("This key may not do that.", hint=f"It needs the right {wanted}." if wanted else "")
