"""Lines of text on A4 pages, written by pdfium with a font of this machine."""

from __future__ import annotations

import ctypes
import io
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pypdfium2 as pdfium
from PIL import ImageFont
from pypdfium2 import raw

_one = threading.Lock()
"""pdfium is not thread-safe, and nothing else of this process uses it: documents are read by others."""

WIDTH, HEIGHT, MARGIN = 595.0, 842.0, 56.0
LEADING = 1.55
_INK, _GRAY, _SHADE = (27, 31, 36), (92, 99, 109), (244, 245, 247)


class Paper:
    """Writes from the top down and begins a new page where one is full. Sizes in points."""

    def __init__(self, font: Path) -> None:
        data = font.read_bytes()
        self._measure = ImageFont.truetype(io.BytesIO(data), 100)
        self._data = (ctypes.c_ubyte * len(data)).from_buffer_copy(data)
        self._page: Any = None
        self._at = 0.0

    def __enter__(self) -> Self:
        _one.acquire()
        self._document = pdfium.PdfDocument.new()
        size = len(self._data)
        self._font = raw.FPDFText_LoadFont(self._document, self._data, size, raw.FPDF_FONT_TRUETYPE, True)
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        try:
            if self._page is not None:
                self._page.close()
            raw.FPDFFont_Close(self._font)
            self._document.close()
        finally:
            _one.release()

    def write(
        self,
        text: str,
        *,
        size: float = 10.5,
        before: float = 0,
        after: float = 0,
        indent: float = 0,
        gray: bool = False,
        shade: bool = False,
    ) -> None:
        """A paragraph, broken into lines at spaces, or within a word that is wider than the page."""
        self._at -= before
        colour = _GRAY if gray else _INK
        for line in self._lines(_clean(text), size, WIDTH - 2 * MARGIN - indent):
            if self._page is None or self._at - size * LEADING < MARGIN:
                self._turn()
            self._at -= size * LEADING
            if shade:
                self._box(self._at - size * 0.42, size * LEADING)
            self._line(line, MARGIN + indent, self._at, size, colour)
        self._at -= after

    def bytes(self) -> bytes:
        self._finish()
        out = io.BytesIO()
        self._document.save(out, flags=raw.FPDF_NO_INCREMENTAL | raw.FPDF_SUBSET_NEW_FONTS)
        return out.getvalue()

    def _lines(self, text: str, size: float, room: float) -> Iterator[str]:
        line = ""
        for word in text.split():
            longer = f"{line} {word}" if line else word
            if self._wide(longer, size) <= room:
                line = longer
                continue
            if line:
                yield line
            line = word
            while self._wide(line, size) > room:
                cut = next(i for i in range(len(line), 0, -1) if i == 1 or self._wide(line[:i], size) <= room)
                yield line[:cut]
                line = line[cut:]
        if line:
            yield line

    def _wide(self, text: str, size: float) -> float:
        return float(self._measure.getlength(text)) * size / 100

    def _turn(self) -> None:
        self._finish()
        self._page = self._document.new_page(WIDTH, HEIGHT)
        self._at = HEIGHT - MARGIN

    def _finish(self) -> None:
        if self._page is not None:
            raw.FPDFPage_GenerateContent(self._page)
            self._page.close()
            self._page = None

    def _line(self, text: str, x: float, y: float, size: float, colour: tuple[int, int, int]) -> None:
        made = raw.FPDFPageObj_CreateTextObj(self._document, self._font, size)
        letters = ctypes.create_string_buffer(text.encode("utf-16-le") + b"\0\0")
        raw.FPDFText_SetText(made, ctypes.cast(letters, raw.FPDF_WIDESTRING))
        raw.FPDFPageObj_SetFillColor(made, *colour, 255)
        raw.FPDFPageObj_Transform(made, 1, 0, 0, 1, x, y)
        raw.FPDFPage_InsertObject(self._page, made)

    def _box(self, y: float, height: float) -> None:
        made = raw.FPDFPageObj_CreateNewRect(MARGIN - 6, y, WIDTH - 2 * MARGIN + 12, height)
        raw.FPDFPageObj_SetFillColor(made, *_SHADE, 255)
        raw.FPDFPath_SetDrawMode(made, raw.FPDF_FILLMODE_ALTERNATE, False)
        raw.FPDFPage_InsertObject(self._page, made)


def _clean(text: str) -> str:
    """Composed letters, no control or direction characters; table cells parted by a dot."""
    composed = unicodedata.normalize("NFC", text.replace("\t", " · "))
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cf"} else c for c in composed)
