"""The audit log, written behind the requests: none of them waits for the disk.

Entries of the last half second are lost where the process is killed, none where it is stopped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from datetime import UTC, datetime, timedelta

from starlette.types import Scope

from gakju.api.callers import Caller
from gakju.assistant import Assistant
from gakju.errors import GakjuError
from gakju.store import now
from gakju.store.audit import Entry

log = logging.getLogger("gakju.api")

EVERY = 0.5
"""Seconds between writes."""
MOST = 100_000
"""Entries that wait at most, while the disk does not answer; then the oldest go."""
TIDY = 3600.0
"""Seconds between looks for what is too old to be kept."""


class Recorder:
    """Thread-safe. It starts with the first entry."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._settings = assistant.settings
        self._entries: deque[Entry] = deque(maxlen=MOST)
        self._used: set[str] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def used(self, caller: Caller) -> None:
        if caller.key:
            self._used.add(caller.id)

    def did(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        """A request that has ended, from what `Access` and `Within` left in its state."""
        state = scope["state"]
        notes = state["notes"]
        ids = {**state["ids"], **({"collection": c} if (c := notes.get("collection")) else {})}
        address = (scope.get("client") or ("",))[0]
        text = notes.get("text", "") if self._settings.audit_text else ""
        route = state["route"].partition(" ")[2] or scope["path"][:200]
        self._entries.append(
            Entry(now(), state["caller"].id, method, route, ids, status, round(seconds, 4), address, text)
        )
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        self._stop.set()
        if self._thread:
            self._thread.join(10)
        self.write()

    def _work(self) -> None:
        tidied = 0.0
        while not self._stop.wait(EVERY):
            self.write()
            if time.monotonic() - tidied > TIDY:
                tidied = time.monotonic()
                self._tidy()

    def write(self) -> None:
        """Entries that came so far, and which keys were used."""
        with self._lock:
            count = len(self._entries)
            entries = [self._entries[i] for i in range(count)]
            used, self._used = self._used, set()
            try:
                if entries:
                    self._assistant.store.audit.add(entries)
                if used:
                    self._assistant.store.keys.used(used, now())
            except GakjuError as e:
                log.error("the audit log cannot be written: %s", e)  # They wait for the next time.
                return
            for _ in range(count):
                self._entries.popleft()

    def _tidy(self) -> None:
        if days := self._settings.audit_days:
            before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")
            try:
                self._assistant.store.audit.forget(before)
                self._assistant.store.usage.forget(before)
            except GakjuError as e:
                log.error("the audit log cannot be tidied: %s", e)
