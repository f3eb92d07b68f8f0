"""HWPX, the open format of Hangul Word Processor (KS X 6101, OWPML): a zip of XML.

The libraries for it are far larger than the task (91,000 lines) or a single release old, so this reads it with lxml.
Elements are known by their local names, since the namespaces changed with the years.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from gakju.errors import BrokenFile
from gakju.read import package
from gakju.read.formats import HWPX, Opened
from gakju.read.package import local, number
from gakju.read.sections import Cell, Piece, clean, opened, paginate, table_rows

_SECTION = re.compile(r"(?:.*/)?section(\d+)\.xml", re.IGNORECASE)
# Running heads say the same on every page; a hidden comment is never on one; a field's command is not its words.
_SKIP = {"header", "footer", "hiddenComment", "parameters", "secPr", "linesegarray", "pageNum", "script"}
_MARKS = {"lineBreak": "\n", "tab": " ", "nbSpace": " ", "fwSpace": " ", "hyphen": "-"}
_WHITE = {"#FFFFFF", "#ffffff"}
_TINY = 100  # Hundredths of a point.


def open_hwpx(path: Path, name: str) -> Opened:
    """A page is what stands under an outline heading of the highest level, or some 3,000 characters."""
    package.check(path, name)
    with package.reading(name, "HWPX document"), zipfile.ZipFile(path) as archive:
        names = {n for n in archive.namelist() if n.startswith("Contents/")}
        if "META-INF/manifest.xml" in archive.namelist() and b"encryption-data" in archive.read(
            "META-INF/manifest.xml"
        ):
            raise package.encrypted(name)
        numbered = sorted((int(m[1]), n) for n in names if (m := _SECTION.fullmatch(n)))
        if not numbered:
            raise BrokenFile(f"{name}: no sections in it.", hint="Open it in Hangul and save it again as HWPX.")
        walk = _Walk(package.parse(archive.read("Contents/header.xml")) if "Contents/header.xml" in names else None)
        pieces = [p for _, n in numbered for p in walk.blocks(package.parse(archive.read(n)))]
        title = _title(archive) if "Contents/content.hpf" in names else ""
        return opened(name, HWPX, title, paginate(pieces))


def _title(archive: zipfile.ZipFile) -> str:
    root = package.parse(archive.read("Contents/content.hpf"))
    return next((e.text or "" for e in root.iter() if local(e) == "title"), "")


class _Walk:
    """Sections to pieces, with what the header says of styles."""

    def __init__(self, header: etree._Element | None) -> None:
        self.levels: dict[str, int] = {}
        self.invisible: set[str] = set()
        self.filled: set[str] = set()
        for element in () if header is None else header.iter():
            tag, key = local(element), element.get("id", "")
            if tag == "paraPr":
                heading = next((e for e in element if local(e) == "heading"), None)
                if heading is not None and heading.get("type") == "OUTLINE":
                    self.levels[key] = max(0, int(number(heading.get("level"), 0))) + 1
            elif tag == "charPr":
                shade = element.get("shadeColor", "none")
                white = element.get("textColor") in _WHITE and shade in {"none", *_WHITE}
                if white or number(element.get("height"), 1000) <= _TINY:
                    self.invisible.add(key)
            elif tag == "borderFill":
                brushes = (e for e in element.iter() if local(e) in {"winBrush", "gradation", "imgBrush"})
                if any(e.get("faceColor", "#000000") not in {"none", *_WHITE} for e in brushes):
                    self.filled.add(key)

    def blocks(self, parent: etree._Element, *, filled: bool = False) -> Iterator[Piece]:
        for child in parent:
            if local(child) == "p":
                yield from self.paragraph(child, filled)

    def paragraph(self, element: etree._Element, filled: bool) -> Iterator[Piece]:
        shown: list[str] = []
        hidden: list[str] = []
        aside: list[etree._Element] = []
        for run in element:
            if local(run) == "run":
                invisible = not filled and run.get("charPrIDRef") in self.invisible
                self.words(run, hidden if invisible else shown, hidden, aside)
        if text := clean("".join(shown)):
            level = self.levels.get(element.get("paraPrIDRef", ""), 0)
            yield Piece("heading", text.replace("\n", " "), level) if level else Piece("text", text)
        if text := clean("".join(hidden)):
            yield Piece("hidden", text)
        for part in aside:
            if local(part) == "tbl":
                yield from self.table(part)
            elif local(part) == "drawText":
                # A text box stands on its shape, whose colour is anyone's guess.
                yield from self.inside(part, filled=True)
            else:
                yield from self.blocks(part, filled=filled)

    def words(self, parent: etree._Element, shown: list[str], hidden: list[str], aside: list[etree._Element]) -> None:
        """Sorts what is in a run; `aside` gets tables, text boxes and notes, which come after the paragraph."""
        for child in parent:
            tag = local(child)
            if tag == "hiddenComment":
                hidden.append(" ".join("".join(child.itertext()).split()))
            elif tag in _SKIP or not tag:
                continue
            elif tag in {"tbl", "subList", "drawText"}:
                aside.append(child)
            elif tag == "t":
                self.text(child, shown)
            else:
                self.words(child, shown, hidden, aside)

    @staticmethod
    def text(element: etree._Element, shown: list[str]) -> None:
        """The words of a `t`, in which marks stand among the characters; tracked deletions are left out."""
        deleted = False
        shown.append(element.text or "")
        for mark in element:
            tag = local(mark)
            if tag in {"deleteBegin", "deleteEnd"}:
                deleted = tag == "deleteBegin"
            shown.append(_MARKS.get(tag, ""))
            if not deleted:
                shown.append(mark.tail or "")

    def table(self, element: etree._Element) -> Iterator[Piece]:
        rows: list[list[Cell]] = []
        hidden: list[Piece] = []
        for row in element:
            if local(row) == "tr":
                rows.append([self.cell(cell, hidden) for cell in row if local(cell) == "tc"])
            elif local(row) == "caption":
                yield from self.inside(row, filled=False)
        yield from table_rows(rows)
        yield from hidden

    def cell(self, element: etree._Element, hidden: list[Piece]) -> Cell:
        inner = list(self.inside(element, filled=element.get("borderFillIDRef") in self.filled))
        hidden += (p for p in inner if p.kind == "hidden")
        span = next((e for e in element if local(e) == "cellSpan"), None)
        rows, columns = (1 if span is None else int(number(span.get(key), 1)) for key in ("rowSpan", "colSpan"))
        return Cell(" ".join(p.text for p in inner if p.kind != "hidden"), rows, columns)

    def inside(self, element: etree._Element, *, filled: bool) -> Iterator[Piece]:
        for part in element:
            if local(part) == "subList":
                yield from self.blocks(part, filled=filled)
