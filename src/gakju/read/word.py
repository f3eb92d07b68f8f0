"""Word files: paragraphs, headings, tables, text boxes and footnotes in reading order.

python-docx opens the package and knows the styles; the walk is over the XML, since its own lists leave out content
controls, text boxes and footnotes, and do not know what is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from gakju.read import package
from gakju.read.formats import DOCX, Opened
from gakju.read.sections import Cell, Piece, clean, opened, paginate, table_rows

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_NOTES = {
    "footnoteReference": "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes",
    "endnoteReference": "http://schemas.openxmlformats.org/officeDocument/2006/relationships/endnotes",
}
# Deleted and moved-away text is no longer in the document; field codes and properties never were; a Fallback says again
# what its Choice said; a comment is not on the page.
_SKIP = {"del", "moveFrom", "instrText", "delText", "pPr", "rPr", "Fallback", "tblPr", "trPr", "sectPr", "rt"}
_MARKS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": " "}
_OFF = {"0", "false", "off", "none"}
# Table styles that do not shade cells; white words in any other may stand on a dark ground.
_PLAIN_TABLES = {None, "TableNormal", "TableGrid", "a1", "a3"}


def open_docx(path: Path, name: str) -> Opened:
    """A page is what stands under a heading of the highest level, or some 3,000 characters."""
    from docx import Document

    package.check(path, name)
    with package.reading(name, "Word document"):
        document = Document(str(path))
        walk = _Walk(document)
        pages = list(paginate(walk.blocks(document.element.body)))
        return opened(name, DOCX, document.core_properties.title or "", pages)


class _Walk:
    """One document's body to pieces."""

    def __init__(self, document: Any) -> None:
        self.styles = {s.get(f"{_W}styleId"): s for s in document.styles.element.iter(f"{_W}style")}
        self.notes = {kind: _notes(document.part, relation) for kind, relation in _NOTES.items()}

    def blocks(self, parent: etree._Element) -> Iterator[Piece]:
        for child in parent:
            tag = package.local(child)
            if tag == "p":
                yield from self.paragraph(child)
            elif tag == "tbl":
                yield from self.table(child)
            elif tag and tag not in _SKIP:
                # Content controls, tracked insertions and custom XML wrap blocks.
                yield from self.blocks(child)

    def paragraph(self, element: etree._Element) -> Iterator[Piece]:
        shown: list[str] = []
        hidden: list[str] = []
        aside: list[etree._Element] = []
        self.runs(element, shown, hidden, aside)
        if text := clean("".join(shown)):
            level = self.level(element)
            yield Piece("heading", text.replace("\n", " "), level) if level else Piece("text", text)
        if text := clean("".join(hidden)):
            yield Piece("hidden", text)
        for part in aside:
            yield from self.blocks(part)

    def runs(self, parent: etree._Element, shown: list[str], hidden: list[str], aside: list[etree._Element]) -> None:
        """Sorts the words of a paragraph; `aside` gets text boxes and notes, which come after it."""
        for child in parent:
            tag = package.local(child)
            if tag in _SKIP:
                continue
            if tag == "txbxContent":
                aside.append(child)
            elif tag in _NOTES:
                # Taken out: a note that names itself, or others twice, would never end.
                note = self.notes[tag].pop(child.get(f"{_W}id"), None)
                if note is not None:
                    aside.append(note)
            elif tag == "r" and self.is_hidden(child):
                self.runs(child, hidden, hidden, aside)
            elif tag == "t":
                shown.append(child.text or "")
            elif tag in _MARKS:
                shown.append(_MARKS[tag])
            else:
                self.runs(child, shown, hidden, aside)

    def table(self, element: etree._Element) -> Iterator[Piece]:
        hidden: list[Piece] = []
        rows: list[list[Cell]] = []
        above: dict[int, str] = {}
        for row in _inside(element, "tr"):
            cells, column = [], 0
            for cell in _inside(row, "tc"):
                inner = list(self.blocks(cell))
                hidden += (p for p in inner if p.kind == "hidden")
                text = " ".join(p.text for p in inner if p.kind != "hidden")
                merge = cell.find(f"{_W}tcPr/{_W}vMerge")
                if merge is not None and merge.get(f"{_W}val") != "restart":
                    text = above.get(column, "")
                above[column] = text
                span = cell.find(f"{_W}tcPr/{_W}gridSpan")
                cells.append(Cell(text))
                column += 1 if span is None else int(package.number(span.get(f"{_W}val"), 1))
            rows.append(cells)
        yield from table_rows(rows)
        yield from hidden

    def level(self, paragraph: etree._Element) -> int:
        """1 to 9 for a heading, by the paragraph's own outline level or its style's; else 0."""
        own = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
        if own is not None:
            return _outline(own)
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        return self.inherited(style, self.style_level) or 0

    @staticmethod
    def style_level(style: etree._Element) -> int | None:
        named = style.find(f"{_W}name")
        name = "" if named is None else named.get(f"{_W}val", "").casefold()
        if name == "title":
            return 1
        if name.startswith("heading ") and name[8:].isdigit():
            return min(int(name[8:]), 9)
        outline = style.find(f"{_W}pPr/{_W}outlineLvl")
        return None if outline is None else _outline(outline)

    def inherited(self, reference: etree._Element | None, ask: Callable[[etree._Element], int | None]) -> int | None:
        """The first answer along the chain of styles that `reference` begins."""
        seen: set[str | None] = set()
        while reference is not None:
            key = reference.get(f"{_W}val")
            style = self.styles.get(key)
            if style is None or key in seen:
                return None
            seen.add(key)
            if (answer := ask(style)) is not None:
                return answer
            reference = style.find(f"{_W}basedOn")
        return None

    def is_hidden(self, run: etree._Element) -> bool:
        """Marked hidden by itself or its styles, a point high or less, or white on white."""
        own = run.find(f"{_W}rPr")
        answer = _vanish(own)
        if answer is None and own is not None:
            answer = self.inherited(own.find(f"{_W}rStyle"), lambda s: _vanish(s.find(f"{_W}rPr")))
        if answer is None:
            paragraph = next(run.iterancestors(f"{_W}p"), None)
            style = None if paragraph is None else paragraph.find(f"{_W}pPr/{_W}pStyle")
            answer = self.inherited(style, lambda s: _vanish(s.find(f"{_W}rPr")))
        return bool(answer) or _tiny(own) or _white(run, own)


def _outline(element: etree._Element) -> int:
    value = int(package.number(element.get(f"{_W}val"), 9))
    return value + 1 if 0 <= value < 9 else 0


def _vanish(properties: etree._Element | None) -> int | None:
    """1 hidden, 0 said not to be, None for no word on it."""
    mark = None if properties is None else properties.find(f"{_W}vanish")
    return None if mark is None else int(mark.get(f"{_W}val", "1").lower() not in _OFF)


def _tiny(properties: etree._Element | None) -> bool:
    size = None if properties is None else properties.find(f"{_W}sz")
    said = "" if size is None else size.get(f"{_W}val", "")
    # Half points, unless it says points.
    return package.number(said.removesuffix("pt"), 20) <= (1 if said.endswith("pt") else 2)


def _white(run: etree._Element, properties: etree._Element | None) -> bool:
    colour = None if properties is None else properties.find(f"{_W}color")
    if colour is None or colour.get(f"{_W}val", "").upper() != "FFFFFF":
        return False
    if properties is not None and properties.find(f"{_W}highlight") is not None:
        return False
    for above in (run, *run.iterancestors()):
        tag = package.local(above)
        shade = above.find(f"{_W}{tag}Pr/{_W}shd")
        if shade is not None and shade.get(f"{_W}fill", "auto").upper() not in {"AUTO", "FFFFFF"}:
            return False
        style = above.find(f"{_W}tblPr/{_W}tblStyle")
        if style is not None and style.get(f"{_W}val") not in _PLAIN_TABLES:
            return False
        # A text box stands on its shape, whose colour is anyone's guess.
        if tag in {"txbxContent", "document"}:
            return tag == "document" and above.find(f"{_W}background") is None
    return True


def _inside(parent: etree._Element, tag: str) -> Iterator[etree._Element]:
    """Rows of a table or cells of a row, through content controls and tracked insertions."""
    for child in parent:
        found = package.local(child)
        if found == tag:
            yield child
        elif found in {"sdt", "sdtContent", "ins", "customXml", "moveTo"}:
            yield from _inside(child, tag)


def _notes(part: Any, relation: str) -> dict[str | None, etree._Element]:
    """Notes by id; those between the text and the notes themselves (separators) have a type and no words."""
    for found in part.rels.values():
        if found.reltype == relation and not found.is_external:
            root = package.parse(found.target_part.blob)
            return {note.get(f"{_W}id"): note for note in root if note.get(f"{_W}type") is None}
    return {}
