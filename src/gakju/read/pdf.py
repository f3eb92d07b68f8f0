"""PDF pages by pdfium: opened with passwords, each page judged, laid out, and read by OCR where it has no text."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from gakju.errors import BrokenFile, LimitExceeded, PasswordRequired, UnsupportedFormat
from gakju.read import ocr
from gakju.read.blocks import text_of
from gakju.read.formats import PDF, Opened
from gakju.read.furniture import Sheet, edges_of, recognised
from gakju.read.garbled import is_garbled
from gakju.read.glyphs import Floats, Glyphs, PageTooDense, frame_of, glyphs_of
from gakju.read.layout import Piece, pieces_of
from gakju.read.render import png
from gakju.read.rows import with_wrapped_cells
from gakju.read.tables import rules_of
from gakju.read.visibility import pictures_of, seen
from gakju.types import Block, Page, PageStatus, Problem

_FEW = 15  # glyphs over a scan: a stamp or a page number, not the page's text
# Pieces of brackets in formula fonts (2 is a hyphen), and what prints nothing: zero-width marks, Unicode's tags.
_CONTROLS = (1, *range(3, 32), *range(127, 160), 0x200B, 0x2060, 0xFEFF, *range(0xE0000, 0xE0080))
_EMPTY: Floats = np.empty((0, 4), np.float32)


@dataclass(frozen=True, slots=True)
class Options:
    """How to read one PDF. `announce(page, ocr)` is called before work on a page, and again before its OCR."""

    passwords: Sequence[str] = ()
    ocr: bool = True
    languages: str = "kor+eng"
    most_pages: int = 20_000
    start: int = 1
    skip: Collection[int] = ()
    """Pages that killed an earlier attempt."""
    announce: Callable[[int, bool], None] = lambda page, ocr: None


def open_pdf(path: Path, name: str, options: Options) -> Opened:
    """Raises BrokenFile, PasswordRequired, LimitExceeded or UnsupportedFormat."""
    document = load(path, name, options.passwords)
    try:
        count = _page_count(document, name, options.most_pages)
        title = _title(document, name)
    except Exception:
        pdfium.FPDF_CloseDocument(document)
        raise
    return Opened(title, PDF, count, _Pages(document, count, options).read())


def load(path: Path, name: str, passwords: Sequence[str]) -> Any:
    """pdfium's handle of the document; the caller closes it."""
    _initialise()
    for attempt in _attempts(passwords):
        if document := pdfium.FPDF_LoadDocument(os.fsencode(path), attempt):
            return document
        error = pdfium.FPDF_GetLastError()
        if error != pdfium.FPDF_ERR_PASSWORD:
            break
    if error == pdfium.FPDF_ERR_PASSWORD:
        said = f"None of the given passwords opens {name}." if passwords else f"A password is needed to open {name}."
        next_step = "Add it again with its password (on the command line: --password)."
        raise PasswordRequired(said, hint=next_step, name=name)
    if error == pdfium.FPDF_ERR_SECURITY:
        raise UnsupportedFormat(
            f"{name} is encrypted by a method that cannot be read.", hint="Save it without protection and add it again."
        )
    raise BrokenFile(
        f"{name} is not a readable PDF: it is damaged or cut short.", hint="Open it in a PDF viewer and save it again."
    )


_started = False


def _initialise() -> None:
    # pypdfium2's helpers initialise the library when imported; the raw interface alone does not.
    global _started  # noqa: PLW0603 - pdfium's own state is global
    if not _started:
        import pypdfium2  # noqa: F401

        _started = True


def _attempts(passwords: Sequence[str]) -> Iterator[bytes | None]:
    """No password, then each in the forms that writers of PDFs use: UTF-8 as typed and composed (revision 5
    on), and the local code pages (revision 4 and before)."""
    yield None
    seen: set[bytes] = set()
    for password in passwords:
        for form in (password, *(unicodedata.normalize(f, password) for f in ("NFC", "NFKC", "NFD"))):
            for encoding in ("utf-8", "latin-1", "cp949", "utf-16-be"):
                try:
                    attempt = form.encode(encoding)
                except UnicodeEncodeError:
                    continue
                if b"\0" not in attempt and attempt not in seen:
                    seen.add(attempt)
                    yield attempt


def _page_count(document: Any, name: str, most: int) -> int:
    """The pages that are there: a file may claim any number."""
    count = int(pdfium.FPDF_GetPageCount(document))
    size = pdfium.FS_SIZEF()

    def there(index: int) -> bool:
        return bool(pdfium.FPDF_GetPageSizeByIndexF(document, index, size))

    if count > 0 and not there(count - 1):
        low, high = 0, count - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if there(middle) else (low, middle)
        count = low
    if count <= 0:
        raise BrokenFile(f"{name} has no pages.", hint="Open it in a PDF viewer and save it again.")
    if count > most:
        raise LimitExceeded(
            f"{name} has {count} pages, more than {most}.", hint="Raise GAKJU_READ_PAGES, or split the file."
        )
    return count


_NO_TITLE = re.compile(r"(?i)^(microsoft (word|powerpoint|excel)\b.*|untitled.*|제목\s*없음.*|\S+\.\w{2,5}|.{0,1})$")


def _title(document: Any, name: str) -> str:
    """The title in the file's information where it names something, else the file's name without its suffix."""
    size = pdfium.FPDF_GetMetaText(document, b"Title", None, 0)
    if 2 < size <= 2000:
        buffer = pdfium.create_string_buffer(size)
        pdfium.FPDF_GetMetaText(document, b"Title", buffer, size)
        title = " ".join(buffer.raw[: size - 2].decode("utf-16-le", "replace").split())
        if title.isprintable() and "\ufffd" not in title and not _NO_TITLE.match(title):
            return unicodedata.normalize("NFC", title)
    return unicodedata.normalize("NFC", Path(name).stem or name)


@dataclass(slots=True)
class _Draft:
    """A page before its headers and footers are known; `text` is set where OCR has read it."""

    number: int
    width: float = 0.0
    height: float = 0.0
    glyphs: Glyphs | None = None
    pieces: list[Piece] = field(default_factory=list)
    status: PageStatus = "no_text"
    problems: list[Problem] = field(default_factory=list)
    text: tuple[str, tuple[Block, ...], Floats] = ("", (), _EMPTY)

    def problem(self, kind: str, detail: str) -> None:
        self.problems.append(Problem(self.number, kind, detail))


class _Pages:
    """Reads the pages of one open document, and closes it."""

    def __init__(self, document: Any, count: int, options: Options) -> None:
        self._document, self._count, self._options = document, count, options
        self._sizes: Counter[float] = Counter()
        self._bold: Counter[bool] = Counter()

    def read(self) -> Iterator[Page]:
        try:
            for sheet in recognised(self._sheets()):
                yield self._page(sheet)
        finally:
            pdfium.FPDF_CloseDocument(self._document)

    def _sheets(self) -> Iterator[Sheet[_Draft]]:
        for number in range(self._options.start, self._count + 1):
            draft = _Draft(number)
            if number in self._options.skip:
                draft.problem("page_failed", "Reading this page stopped the reader; the other pages were read.")
            else:
                self._options.announce(number, False)
                try:
                    self._fill(draft)
                except PageTooDense as error:
                    draft.problem("page_failed", f"The page holds {error} characters, too many to be a page.")
                except Exception as error:  # one page must not lose the others
                    why = " ".join(str(error).split())[:120] or type(error).__name__
                    draft.problem("page_failed", f"The page cannot be read ({why}); the other pages were.")
            edges = edges_of(draft.pieces, draft.width, draft.height)
            yield Sheet(draft, edges)

    def _fill(self, draft: _Draft) -> None:
        with loaded(self._document, draft.number) as page:
            frame = frame_of(page)
            draft.width, draft.height = frame.size
            glyphs = glyphs_of(page)
            visible, layer = seen(page, frame, glyphs)
            if not visible.all():
                self._report_hidden(draft, glyphs.keep(~visible))
                glyphs = glyphs.keep(visible)
            if is_garbled(glyphs):
                draft.status = "garbled"
                self._read_pixels(draft, page)
                return
            glyphs = glyphs.keep(~np.isin(glyphs.codes, _CONTROLS))
            if len(glyphs.codes) < _FEW:
                pictures = pictures_of(page, frame)
                # Outlined letters are paths.
                scan = pictures.coverage >= 0.3 or pictures.paths >= 40
                if scan and (self._read_pixels(draft, page, less=len(glyphs.codes)) or not len(glyphs.codes)):
                    return
                if not len(glyphs.codes):
                    draft.problem("no_text", "The page is blank, or holds nothing but small pictures.")
                    return
            draft.glyphs = glyphs
            draft.pieces = with_wrapped_cells(pieces_of(glyphs, rules_of(page, frame)))
            draft.status = "ocr" if layer else "ok"
            for line in (line for piece in draft.pieces for line in piece.lines):
                count = sum(run.end - run.start for run in line.runs)
                self._sizes[round(line.size * 2) / 2] += count
                self._bold[line.bold] += count

    def _report_hidden(self, draft: _Draft, hidden: Glyphs) -> None:
        if sum(chr(code).isalpha() for code in hidden.codes.tolist()) < 3:
            return  # boxes to tick and emoji are drawn as pictures over transparent characters
        parts = [(" " if gap else "") + chr(code) for code, gap in zip(hidden.codes[:90], hidden.gap[:90], strict=True)]
        excerpt = " ".join(c for c in "".join(parts).split() if c.isprintable())[:80]
        draft.problem(
            "hidden_text", f"{len(hidden.codes)} characters that nobody can see were left out, such as “{excerpt}”."
        )

    def _read_pixels(self, draft: _Draft, page: Any, less: int = 0) -> bool:
        """Reads the page by OCR, or reports why not and what to do; silent where the page has `less` glyphs."""
        why = "Its fonts do not say which letters they show" if draft.status == "garbled" else "It is a picture"
        problems: list[tuple[str, str]] = []
        text = draft.text
        try:
            if self._options.ocr:
                self._options.announce(draft.number, True)
                text = ocr.read(page, self._options.languages)
                problems.append((draft.status, f"{why}, and OCR found no text in it."))
            else:
                problems.append((draft.status, f"{why}, and OCR is off. Set GAKJU_OCR=true and add the file again."))
        except ocr.OcrMissing as error:
            problems.append((draft.status, f"{why}; OCR could read it."))
            problems.append(("ocr_missing", f"{error} Then add the file again."))
        except ocr.OcrFailed as error:
            problems.append((draft.status, f"{why}. {error}"))
        if len("".join(text[0].split())) > less:
            draft.text, draft.status = text, "ocr"
            problems = [("ocr", f"{why}; its text was read by OCR and may hold errors.")]
        elif less:
            return False
        for problem in problems:
            draft.problem(*problem)
        return draft.status == "ocr"

    def _page(self, sheet: Sheet[_Draft]) -> Page:
        draft = sheet.page
        text = draft.text
        if draft.glyphs is not None:
            body = self._sizes.most_common(1)[0][0] if self._sizes else 0.0
            text = text_of(draft.glyphs, draft.pieces, sheet.kinds, body, self._bold[True] > self._bold[False])
        return Page(draft.number, *text[:2], draft.status, draft.width, draft.height, text[2], tuple(draft.problems))


@contextmanager
def loaded(document: Any, number: int) -> Iterator[Any]:
    """pdfium's handle of page `number`. Raises ValueError where there is none."""
    page = pdfium.FPDF_LoadPage(document, number - 1)
    if not page:
        raise ValueError("it is missing or damaged")
    try:
        yield page
    finally:
        pdfium.FPDF_ClosePage(page)


def render_pdf(path: Path, name: str, number: int, width: int, passwords: Sequence[str]) -> bytes:
    """Page `number` as a PNG. Raises as `open_pdf`, and BrokenFile for a page that cannot be drawn."""
    document = load(path, name, passwords)
    try:
        with loaded(document, number) as page:
            return png(page, width)
    except (ValueError, MemoryError) as error:
        raise BrokenFile(f"Page {number} of {name} cannot be drawn: {error}.") from error
    finally:
        pdfium.FPDF_CloseDocument(document)
