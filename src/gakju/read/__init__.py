"""One file of any format to pages, read in worker processes under limits.

A file may be hostile: it may abort the parser, fill memory or never end. So no parser runs in this process;
a worker runs it, is bounded by the kernel, and is replaced when a file takes it down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gakju.errors import BrokenFile, LimitExceeded, UsageError
from gakju.read import wire
from gakju.read.pool import OutOfTime, Pool, Slot, WorkerLost, out_of_time
from gakju.types import Page

__all__ = ["DocumentReader", "Limits"]

_MOST_CRASHES = 3  # workers one file may cost before it is given up
_OCR_SECONDS = 70.0  # the worker's own limit for one page's OCR, and some
_RENDER_SECONDS = 20.0
_SECONDS_A_PAGE = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one file. `seconds` counts the reading, not the consumer or OCR, and is at least 0.5 a page."""

    seconds: float = 25.0
    memory_mb: int = 2048
    pages: int = 20_000
    bytes: int = 1 << 30


class DocumentReader:
    """Implements `protocols.Reader` for every format; the content decides which one. Thread-safe.

    `processes` files are read at once, others wait. Workers start when needed; `close` ends them.
    """

    version = "4"

    def __init__(self, limits: Limits | None = None, ocr_languages: str = "kor+eng", processes: int = 1) -> None:
        self._limits = limits or Limits()
        self._languages = ocr_languages
        self._pool = Pool(processes)
        # Pages are drawn for people who wait, so they do not queue behind files.
        self._drawing = Pool(1)

    @contextmanager
    def open(self, path: Path, *, name: str, passwords: Sequence[str] = (), ocr: bool = True) -> Iterator[Reading]:
        """Raises ReadError with one clear line. Leaving the context stops the work and frees its process."""
        self._check_size(path, name)
        request = self._request("read", path, name, passwords) | {"ocr": ocr, "languages": self._languages}
        with self._pool.slot() as slot:
            yield Reading(slot, request, self._limits)

    def render(self, path: Path, page: int, *, width: int, passwords: Sequence[str] = ()) -> bytes:
        """A PDF page as PNG, at most 4000 pixels wide and 16 million in all. Raises ReadError or UsageError."""
        if page < 1 or width < 1:
            raise UsageError(f"There is no page {page} of {width} pixels.", hint="Pages and pixels count from 1.")
        self._check_size(path, path.name)
        with self._drawing.slot() as slot:
            slot.left = _RENDER_SECONDS
            request = self._request("render", path, path.name, passwords) | {"page": page, "width": width}
            with _translated(path.name, self._limits):
                slot.ask(request)
                header, raw = slot.answer()
            slot.release()
        if "error" in header:
            raise wire.error_from_frame(header["error"])
        return raw

    def close(self) -> None:
        """Ends the workers; documents being read end with their context."""
        self._pool.close()
        self._drawing.close()

    def _check_size(self, path: Path, name: str) -> None:
        try:
            size = path.stat().st_size
        except OSError as error:
            raise BrokenFile(f"{name} cannot be opened: {error.strerror}.") from error
        if not path.is_file():
            raise BrokenFile(f"{name} is not a file.")
        if size > self._limits.bytes:
            raise LimitExceeded(
                f"{name} has {size >> 20} MiB, more than {self._limits.bytes >> 20}.",
                hint="Raise GAKJU_READ_BYTES, or split the file.",
            )

    def _request(self, do: str, path: Path, name: str, passwords: Sequence[str]) -> dict[str, Any]:
        limits = self._limits
        return {
            "do": do,
            "path": str(path.absolute()),
            "name": name,
            "passwords": list(passwords),
            "memory_mb": limits.memory_mb,
            "seconds": limits.seconds if do == "read" else _RENDER_SECONDS,
            "most_pages": limits.pages,
        }


@contextmanager
def _translated(name: str, limits: Limits) -> Iterator[None]:
    try:
        yield
    except OutOfTime:
        raise out_of_time(name) from None
    except WorkerLost as lost:
        raise lost.as_error(name, limits.memory_mb) from None
    except wire.WireError as error:
        raise BrokenFile(f"{name} confused the reader ({error}).") from None


class Reading:
    """A document being read; see `protocols.Reading`. Iterate once, inside the reader's context."""

    def __init__(self, slot: Slot, request: dict[str, Any], limits: Limits) -> None:
        self._slot, self._request, self._limits = slot, request, limits
        self._name = str(request["name"])
        self._at = 0  # the page the worker is at; pages leave it a few behind
        self._next = 1
        self._skip: list[int] = []
        slot.left = limits.seconds
        with _translated(self._name, limits):
            header = self._ask()
        self.title, self.media_type, self.page_count = (t(v) for t, v in zip((str, str, int), header, strict=True))
        spent = limits.seconds - slot.left
        slot.left = max(limits.seconds, _SECONDS_A_PAGE * self.page_count) - spent

    def __iter__(self) -> Iterator[Page]:
        while True:
            with _translated(self._name, self._limits):
                page = self._page()
            if page is None:
                return
            yield page

    def _ask(self) -> list[Any]:
        self._slot.ask(self._request | {"start": self._next, "skip": self._skip})
        header, _ = self._answer()
        opened = header.get("opened")
        if not isinstance(opened, list) or len(opened) != 3:
            raise wire.WireError("no title and page count")
        return opened

    def _answer(self) -> tuple[dict[str, Any], bytes]:
        """The next frame that is not a sign of life. Raises ReadError for an error frame."""
        while True:
            header, raw = self._slot.answer()
            if "at" not in header:
                break
            self._at = int(header["at"])
            if header["ocr"]:
                self._slot.left += _OCR_SECONDS
        if "error" in header:
            self._slot.release()
            raise wire.error_from_frame(header["error"])
        return header, raw

    def _page(self) -> Page | None:
        while True:
            try:
                header, raw = self._answer()
            except WorkerLost as lost:
                self._go_on_without(lost)
                continue
            if "done" in header:
                self._slot.release()
                return None
            page = wire.page_from_frame(header.get("page", {}), raw)
            self._next = page.number + 1
            return page

    def _go_on_without(self, lost: WorkerLost) -> None:
        """A fresh worker reads on, leaving out the page that killed this one. Raises `lost` where that is vain."""
        self._skip.append(self._at)
        others = self.page_count - len(self._skip)
        limited = isinstance(lost.as_error(self._name, self._limits.memory_mb), LimitExceeded)
        if self._at < 1 or not others or len(self._skip) >= _MOST_CRASHES or limited:
            raise lost
        self._ask()
