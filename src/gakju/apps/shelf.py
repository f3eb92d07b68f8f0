"""Where apps are: those that come with Gakju, and the reader's own, one file each in the data folder."""

from __future__ import annotations

import os
import re
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from gakju.apps import form
from gakju.apps.form import App
from gakju.apps.source import LONGEST, AppError
from gakju.errors import NotFound, StorageFull, UsageError
from gakju.store.talks import UNDO

SUFFIX = ".yaml"
_REMOVED = re.compile(r"([a-z][a-z0-9-]{0,39})\.(\d{10})\d{9}\.removed")
"""An app's name, and the seconds since 1970 at which it was deleted."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

parse = lru_cache(maxsize=256)(form.parse)


@dataclass(frozen=True, slots=True)
class Entry:
    """An app's file. `app` is None where the file is wrong, and `error` says how."""

    name: str
    text: str
    own: bool
    app: App | None
    error: AppError | None = None


class Removed(NamedTuple):
    """A deleted app: `restore` knows it by its `file`. `at` is an ISO time."""

    file: str
    entry: Entry
    at: str


class Shelf:
    """Files are read anew each time: whoever edits one by hand sees it at once. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Entry]:
        """Those that ship, in their order, then one's own by name."""
        own = [p.stem for p in sorted(self._folder.glob(f"*{SUFFIX}")) if _NAME.fullmatch(p.stem)]
        return [*shipped().values(), *(self._own(name) for name in own if name not in shipped())]

    def get(self, name: str) -> Entry:
        """Raises NotFound."""
        if name in shipped():
            return shipped()[name]
        if not _NAME.fullmatch(name) or not self._path(name).is_file():
            raise NotFound(f"There is no app {name[:40]!r}.", hint="`gakju apps` lists them.")
        return self._own(name)

    def app(self, name: str) -> App:
        """One that works. Raises NotFound, AppError."""
        entry = self.get(name)
        if entry.app is None:
            assert entry.error is not None
            raise entry.error
        return entry.app

    def put(self, text: str, *, replaces: str = "") -> App:
        """Keep a file, in place of the app called `replaces` if given; whole or not at all.

        Raises AppError, UsageError where another app has its name, StorageFull.
        """
        app = parse(text)
        if app.name in shipped() or (app.name != replaces and self._path(app.name).exists()):
            raise UsageError(
                f"There is an app {app.name!r} already.", hint=f"Name it {self.free(app.name)!r}.", param="name"
            )
        self._write(app.name, text)
        if replaces and replaces != app.name:
            self._path(replaces).unlink(missing_ok=True)
        return app

    def _write(self, name: str, text: str) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self._folder, suffix=".part", encoding="utf-8", delete=False
            ) as f:
                f.write(text)
                f.flush()
                os.fsync(f.fileno())
            Path(f.name).replace(self._path(name))
        except OSError as error:
            raise StorageFull(f"The app could not be written: {error.strerror}.", hint="Free some space.") from error

    def delete(self, name: str) -> str:
        """One of one's own out of sight; the file by which `restore` has it back for a day.

        Raises NotFound, UsageError for one that ships.
        """
        if not self.get(name).own:
            raise UsageError(f"{name!r} comes with Gakju.", hint="Only apps of your own can be deleted.")
        for path, stamp in self._gone():
            if stamp <= time.time() - UNDO.total_seconds():
                path.unlink(missing_ok=True)
        return self._path(name).rename(self._folder / f"{name}.{time.time_ns()}.removed").name

    def removed(self) -> list[Removed]:
        """What `restore` can have back, the last deleted first."""
        border = time.time() - UNDO.total_seconds()
        gone = sorted(((stamp, path) for path, stamp in self._gone() if stamp > border), reverse=True)
        return [
            Removed(
                path.name, _entry(path.name.partition(".")[0], path), datetime.fromtimestamp(stamp, UTC).isoformat()
            )
            for stamp, path in gone
        ]

    def restore(self, file: str) -> str:
        """A deleted app, under another name where its own is taken; the name it has. Raises NotFound, StorageFull."""
        told = _REMOVED.fullmatch(file)
        path = self._folder / file
        if told is None or not path.is_file():
            raise NotFound("There is no such deleted app.")
        name = self.free(told[1])
        if name == told[1]:
            path.rename(self._path(name))
        else:
            self._write(name, renamed(_entry(name, path).text, name))
            path.unlink(missing_ok=True)
        return name

    def _gone(self) -> list[tuple[Path, int]]:
        """Files of deleted apps, each with the second of its deletion."""
        paths = self._folder.glob("*.removed")
        return [(path, int(told[2])) for path in paths if (told := _REMOVED.fullmatch(path.name))]

    def free(self, name: str) -> str:
        """`name`, or the first of `name-2`, `name-3`, … that no app has."""
        taken = {e.name for e in self.all()}
        stem, number = re.sub(r"-\d+$", "", name)[:36] or "app", 2
        free = name
        while free in taken:
            free, number = f"{stem}-{number}", number + 1
        return free

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"

    def _own(self, name: str) -> Entry:
        return _entry(name, self._path(name))


def _entry(name: str, path: Path) -> Entry:
    """One's own app in that file, also where that is gone or wrong."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST + 1).decode("utf-8", "replace")
    except OSError:
        text = ""
    try:
        return Entry(name, text, True, parse(text, name=f"{name}{SUFFIX}"))
    except AppError as error:
        return Entry(name, text, True, None, error)


@cache
def shipped() -> dict[str, Entry]:
    """The apps that come with Gakju."""
    found = {}
    for file in sorted(files("gakju.apps").joinpath("shipped").iterdir(), key=lambda f: f.name):
        text = file.read_text("utf-8")
        app = parse(text, name=file.name)
        found[app.name] = Entry(app.name, text, False, app)
    return found


def renamed(text: str, name: str) -> str:
    """The same file under another name."""
    return re.sub(r"(?m)^name:.*$", f"name: {name}", text, count=1)
