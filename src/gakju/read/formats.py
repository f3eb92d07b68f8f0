"""What every format gives back, and which function opens it. Runs inside the worker process only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from gakju.types import Page

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HWPX = "application/hwp+zip"
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"


@dataclass(frozen=True, slots=True)
class Opened:
    """A document whose pages are read as they are asked for; `pages` may raise ReadError midway."""

    title: str
    media_type: str
    page_count: int
    pages: Iterator[Page]


Opener = Callable[[Path, str], Opened]
"""`(path, name)`: the bytes' place and the file's own name. Raises ReadError with one clear line."""

# Named, not imported: a worker that reads PDFs alone never pays for the others' libraries.
_OPENERS: Mapping[str, tuple[str, str]] = {
    DOCX: ("gakju.read.office", "open_docx"),
    PPTX: ("gakju.read.office", "open_pptx"),
    XLSX: ("gakju.read.office", "open_xlsx"),
    HWPX: ("gakju.read.hwpx", "open_hwpx"),
    HTML: ("gakju.read.html", "open_html"),
    MARKDOWN: ("gakju.read.plain", "open_markdown"),
    PLAIN: ("gakju.read.plain", "open_plain"),
}


def opener(media_type: str) -> Opener:
    """The function that opens a sniffed type other than PDF. KeyError for a type `sniff` never gives."""
    module, function = _OPENERS[media_type]
    found: Opener = getattr(import_module(module), function)
    return found
