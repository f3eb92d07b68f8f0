"""What a file is by its content; its name only decides between kinds of text."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from gakju.errors import BrokenFile, LimitExceeded, UnsupportedFormat
from gakju.read import charset
from gakju.read.formats import DOCX, HTML, HWPX, MARKDOWN, PDF, PLAIN, PPTX, XLSX

_HEAD = 8192
_MOST_ENTRIES = 20_000

_SAVE = "Save it as {} and add that."

# What is known and not read: leading bytes, its name, what to do instead.
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an old Office or HWP file", _SAVE.format("docx, pptx, xlsx or hwpx")),
    (b"HWP Document File", "an old HWP file", _SAVE.format("hwpx")),
    (b"{\\rtf", "an RTF file", _SAVE.format("docx or PDF")),
    (b"\x89PNG", "a PNG image", _SAVE.format("PDF")),
    (b"\xff\xd8\xff", "a JPEG image", _SAVE.format("PDF")),
    (b"GIF8", "a GIF image", _SAVE.format("PDF")),
    (b"BM", "a BMP image", _SAVE.format("PDF")),
    (b"II*\0", "a TIFF image", _SAVE.format("PDF")),
    (b"MM\0*", "a TIFF image", _SAVE.format("PDF")),
    (b"RIFF", "a sound, film or WebP image", _SAVE.format("PDF")),
    (b"%!PS", "a PostScript file", _SAVE.format("PDF")),
    (b"\x1f\x8b", "a gzip archive", "Unpack it and add what is inside."),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it and add what is inside."),
    (b"Rar!", "a RAR archive", "Unpack it and add what is inside."),
    (b"BZh", "a bzip2 archive", "Unpack it and add what is inside."),
    (b"\x7fELF", "a program", ""),
    (b"MZ", "a program", ""),
    (b"SQLite format 3", "a database", ""),
)
_OLE_KINDS = (
    (".hwp", "an old HWP file", "hwpx"),
    (".doc", "an old Word file", "docx"),
    (".ppt", "an old PowerPoint file", "pptx"),
    (".xls", "an old Excel file", "xlsx"),
)
_KNOWN = "Known are PDF, docx, pptx, xlsx, hwpx, HTML, Markdown and plain text."

_MARKDOWNS = {".md", ".markdown", ".mdown"}
_WEB = {".html", ".htm", ".xhtml"}
_TEXTS = {".txt", ".text", *_MARKDOWNS, *_WEB}
_HTML_START = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(<!--(?:(?!-->).)*-->\s*)*<(?:(!doctype\s+html|html)|head|body|title|meta|div|p|h[1-6]|table|article|main)\b",
    re.IGNORECASE | re.DOTALL,
)


def sniff(path: Path, name: str) -> str:
    """The media type, one of those in `formats`. Raises BrokenFile, LimitExceeded or UnsupportedFormat."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise BrokenFile(f"{name} cannot be opened: {error.strerror}.") from error
    if not head:
        raise BrokenFile(f"{name} is empty.", hint="Check that it was copied or downloaded whole.")
    if _is_pdf(head, Path(name).suffix.lower()):
        return PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path, name)
    for start, what, hint in _FOREIGN:
        if head.startswith(start) and not (len(start) < 3 and _is_text(head)):
            raise _foreign(name, what, hint, ole=start == b"\xd0\xcf\x11\xe0")
    return _text_kind(head, name)


def _is_pdf(head: bytes, suffix: str) -> bool:
    """pdfium and the viewers accept junk before the header; a text may speak of it."""
    at = head.find(b"%PDF-")
    junk = 0 < at < 1024 and b" obj" in head and suffix not in _TEXTS
    return at == 0 or junk or (at > 0 and suffix == ".pdf")


def _foreign(name: str, what: str, hint: str, *, ole: bool) -> UnsupportedFormat:
    if ole:
        for suffix, kind, target in _OLE_KINDS:
            if name.lower().endswith(suffix):
                what, hint = kind, _SAVE.format(target)
        if name.lower().endswith((".docx", ".pptx", ".xlsx")):
            what, hint = "protected by a password", "Open it in its program, save it without the password and add that."
    return UnsupportedFormat(f"{name} is {what}, which cannot be read.", hint=hint or _KNOWN)


def _zip_kind(path: Path, name: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > _MOST_ENTRIES:
                raise LimitExceeded(f"{name} is an archive of {len(names)} entries, more than {_MOST_ENTRIES}.")
            kind = b""
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                kind = archive.read("mimetype").strip()
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        raise BrokenFile(
            f"{name} is damaged or cut short.", hint="Open it in its program and save it again."
        ) from error
    for entry, media_type in (("word/", DOCX), ("ppt/", PPTX), ("xl/", XLSX)):
        if "[Content_Types].xml" in names and any(n.startswith(entry) for n in names):
            return media_type
    if kind == HWPX.encode() or "Contents/header.xml" in names:
        return HWPX
    if kind.startswith(b"application/vnd.oasis"):
        raise UnsupportedFormat(f"{name} is an OpenDocument file.", hint=_SAVE.format("docx, pptx or xlsx"))
    if kind == b"application/epub+zip":
        raise UnsupportedFormat(f"{name} is an EPUB book.", hint=_SAVE.format("PDF or HTML"))
    raise UnsupportedFormat(f"{name} is a zip archive.", hint="Unpack it and add what is inside.")


def _text_kind(head: bytes, name: str) -> str:
    suffix = Path(name).suffix.lower()
    if not _is_text(head):
        if suffix == ".pdf":
            raise BrokenFile(f"{name} is not a PDF: its header is missing.", hint="Open it in a PDF viewer.")
        raise UnsupportedFormat(f"{name} is in no format that can be read.", hint=_KNOWN)
    encoding = charset.wide(head)
    plain = head.decode(encoding, "ignore").encode() if encoding else head
    start = _HTML_START.match(plain)
    # Markdown holds tags, and may begin with one.
    if suffix in _WEB or (start and (start[3] or suffix not in _MARKDOWNS)):
        return HTML
    if suffix in {".pdf", ".docx", ".pptx", ".xlsx", ".hwpx"}:
        raise BrokenFile(
            f"{name} is not what its name says: it holds plain text.", hint="Rename it to .txt to add it as text."
        )
    return MARKDOWN if suffix in _MARKDOWNS else PLAIN


def _is_text(head: bytes) -> bool:
    """Without controls; whether the rest is UTF-8 or CP949 is the text reader's business."""
    if encoding := charset.wide(head):
        head = head.decode(encoding, "ignore").encode("utf-8", "ignore")
    controls = sum(head.count(bytes([c])) for c in (*range(9), 0xB, *range(0xE, 0x1B), *range(0x1C, 0x20), 0x7F))
    return controls == 0 or (b"\0" not in head and controls <= 0.01 * len(head))
