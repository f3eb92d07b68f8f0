"""Originals, kept by their content: `blobs/ab/abcdef…` where the name is the SHA-256 in hex."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from gakju.errors import LimitExceeded, NotFound, ReadError, StorageFull


class Blobs:
    """Safe to use from several threads and processes: a name is only ever given to whole, synced content."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root = root
        self._max = max_bytes

    def path(self, digest: str) -> Path:
        """Where the content is or would be. Raises NotFound for what is no SHA-256."""
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise NotFound("That is no SHA-256 digest.")
        return self._root / digest[:2] / digest

    def digest(self, path: Path) -> str:
        """SHA-256 of a file in hex. Raises ReadError, LimitExceeded."""
        try:
            size = path.stat().st_size
            if size > self._max:
                raise LimitExceeded(
                    f"{path.name} has {size:,} bytes; the limit is {self._max:,}.", hint="Raise GAKJU_READ_BYTES."
                )
            with path.open("rb") as source:
                return hashlib.file_digest(source, "sha256").hexdigest()
        except OSError as e:
            raise ReadError(
                f"{path.name} cannot be opened: {e.strerror}.", hint="Check the path and its rights."
            ) from e

    def put(self, source: BinaryIO, name: str) -> str:
        """Copy `source` in; returns its digest. Durable on return. Raises LimitExceeded, StorageFull."""
        self._root.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._root, prefix="part-")
        try:
            with os.fdopen(handle, "wb") as target:
                digest, size = hashlib.sha256(), 0
                while block := source.read(1 << 20):
                    size += len(block)
                    if size > self._max:
                        raise LimitExceeded(
                            f"{name} is larger than {self._max:,} bytes.", hint="Raise GAKJU_READ_BYTES."
                        )
                    digest.update(block)
                    target.write(block)
                target.flush()
                os.fsync(target.fileno())
            path = self.path(digest.hexdigest())
            path.parent.mkdir(exist_ok=True)
            Path(temporary).replace(path)
            return path.name
        except OSError as e:
            if e.errno == errno.ENOSPC:
                raise StorageFull(f"No space left to keep {name}.", hint="Free some disk space and try again.") from e
            raise
        finally:
            Path(temporary).unlink(missing_ok=True)

    def put_file(self, path: Path) -> str:
        try:
            with path.open("rb") as source:
                return self.put(source, path.name)
        except OSError as e:
            raise ReadError(
                f"{path.name} cannot be opened: {e.strerror}.", hint="Check the path and its rights."
            ) from e

    def digests(self) -> set[str]:
        """Of all that is kept. Milliseconds for a thousand."""
        return {path.name for path in self._root.glob("??/*")}

    def sweep(self) -> None:
        """Erase what a process that was killed left half written, a day later: another may be at it still."""
        for part in self._root.glob("part-*"):
            with suppress(OSError):
                if part.stat().st_mtime < time.time() - 24 * 3600:
                    part.unlink()

    def delete(self, digest: str) -> None:
        self.path(digest).unlink(missing_ok=True)
