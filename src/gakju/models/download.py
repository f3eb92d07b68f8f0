"""One URL into one file: resumed by Range after a broken connection or a killed process, never endless."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import url2pathname

import httpx

from gakju.errors import ModelCorrupt, NetworkError, StorageFull
from gakju.http import translated

TRIES = 4
"""Attempts in a row that bring not one byte before a download is given up."""
_FULL = {errno.ENOSPC, errno.EDQUOT}


def digest(path: Path) -> str:
    """SHA-256 of a file in hex, streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """A full disk or quota as StorageFull; what is on disk stays, to be resumed."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageFull(f"The disk of {folder} is full.", hint="Free some space and run the same again.") from error


def require_space(folder: Path, needed: int) -> None:
    """Raises StorageFull where `folder` has not `needed` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageFull(
            f"{folder} has {free / 1e6:.0f} MB left and {needed / 1e6:.0f} MB are needed.",
            hint="Free some space, or set GAKJU_HOME to a larger disk.",
        )


def download(url: str, to: Path, *, http: httpx.Client, limit: int, on_bytes: Callable[[int], None]) -> None:
    """Appends what is missing to `to` until the server has no more; `on_bytes` gets the size so far.

    `limit` bytes at most. Raises NetworkError, StorageFull, or ModelCorrupt where the file is longer;
    whatever `on_bytes` raises stops the download. `to` stays for the next call to go on from.
    """
    if url.startswith("file:"):
        _copy(url, to, limit)
        on_bytes(to.stat().st_size)
        return
    failures = 0
    while True:
        before = _size(to)
        try:
            with translated(), storage_errors(to.parent):
                if _once(url, to, http, limit, on_bytes):
                    return
            raise NetworkError(f"{httpx.URL(url).host} closed the connection early.")
        except NetworkError as error:
            # A cut connection is resumed at once; a server that brings nothing gets a little time to recover.
            failures = 0 if _size(to) > before else failures + 1
            if failures >= TRIES or not _passing(error):
                raise
        if failures:
            time.sleep(min(8.0, 0.25 * 2**failures) * random.uniform(0.5, 1.5))  # noqa: S311 jitter, no secret


def _passing(error: NetworkError) -> bool:
    cause = error.__cause__
    if isinstance(cause, httpx.HTTPStatusError):
        return cause.response.status_code in (408, 425, 429) or cause.response.status_code >= 500
    # Who cannot be reached at all is not asked again: another source may be at hand.
    return not isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol)


def _once(url: str, to: Path, http: httpx.Client, limit: int, on_bytes: Callable[[int], None]) -> bool:
    """One request. True when the server sent everything it announced."""
    start = _size(to)
    headers = {"accept-encoding": "identity"} | ({"range": f"bytes={start}-"} if start else {})
    with http.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            # Complete already, or longer than the file is: the range's answer names the size.
            if response.headers.get("content-range", "").endswith(f"/{start}"):
                return True
            to.unlink()
            return False
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        if resumed and not response.headers.get("content-range", "").startswith(f"bytes {start}-"):
            resumed = False
            to.unlink()
            return False
        size = start if resumed else 0
        announced = int(response.headers["content-length"]) if "content-length" in response.headers else None
        end = None if announced is None else size + announced
        with to.open("ab" if resumed else "wb") as file:
            # As they come: pieces of a set size would lose what is buffered when the connection breaks.
            for piece in response.iter_bytes():
                size += len(piece)
                if size > limit:
                    raise ModelCorrupt(f"{httpx.URL(url).host} sends more than the {limit:,} bytes expected.")
                file.write(piece)
                on_bytes(size)
            file.flush()
            os.fsync(file.fileno())
        return end is None or size >= end


def _copy(url: str, to: Path, limit: int) -> None:
    source = Path(url2pathname(httpx.URL(url).path))
    try:
        if source.stat().st_size > limit:
            raise ModelCorrupt(f"{source.name} is longer than the {limit:,} bytes expected.")
        with storage_errors(to.parent):
            shutil.copyfile(source, to)
    except FileNotFoundError as error:
        raise NetworkError(f"The package index names {source}, which does not exist.") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
