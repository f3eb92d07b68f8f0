"""Word, PowerPoint and Excel files: a page is a section, a slide or a sheet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from lxml import etree

from gakju.read import package
from gakju.read.formats import PPTX, XLSX, Opened
from gakju.read.sections import Cell, Piece, clean, opened, page_of, row_text, table_rows
from gakju.read.word import open_docx
from gakju.types import Page

__all__ = ["open_docx", "open_pptx", "open_xlsx"]

SHEET_ROWS = 200
"""Rows of a sheet on one page; the first row is said again on each."""

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_X = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_TRUE = {"1", "true", "on"}


def open_pptx(path: Path, name: str) -> Opened:
    """One page a slide, numbered as the slides are; speaker notes come last. A hidden slide is an empty page."""
    from pptx import Presentation

    package.check(path, name)
    with package.reading(name, "PowerPoint presentation"):
        deck = Presentation(str(path))
        pages = [page_of(number, _slide(slide)) for number, slide in enumerate(deck.slides, start=1)]
        return opened(name, PPTX, deck.core_properties.title or "", pages)


def _slide(slide: Any) -> Iterator[Piece]:
    pieces = _slide_pieces(slide)
    if slide._element.get("show", "1") in _TRUE:
        yield from pieces
    else:
        yield from (Piece("hidden", p.text) for p in pieces)


def _slide_pieces(slide: Any) -> Iterator[Piece]:
    title = slide.shapes.title
    if title is not None and clean(title.text):
        yield Piece("heading", clean(title.text), 1)
    for shape in slide.shapes:
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape(shape)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield from _paragraphs(slide.notes_slide.notes_text_frame)


def _shape(shape: Any) -> Iterator[Piece]:
    pieces: Iterator[Piece] = iter(())
    if hasattr(shape, "shapes"):
        pieces = (piece for inner in shape.shapes for piece in _shape(inner))
    elif getattr(shape, "has_table", False):
        pieces = table_rows(map(_slide_row, shape.table._tbl.tr_lst))
    elif shape.has_text_frame:
        pieces = _paragraphs(shape.text_frame)
    named = next((e for e in shape._element.iter() if package.local(e) == "cNvPr"), None)
    if named is not None and named.get("hidden") in _TRUE:
        pieces = (Piece("hidden", p.text) for p in pieces)
    yield from pieces


def _slide_row(row: Any) -> list[Cell]:
    cells = []
    for cell in row.tc_lst:
        # What a merged cell covers is there as cells of its own, marked so.
        if cell.hMerge or cell.vMerge:
            continue
        text = " ".join("".join(t.text or "" for t in p.iter(f"{_A}t")) for p in cell.iter(f"{_A}p"))
        cells.append(Cell(text, cell.rowSpan, cell.gridSpan))
    return cells


def _paragraphs(frame: Any) -> Iterator[Piece]:
    for paragraph in frame.paragraphs:
        if text := clean(paragraph.text):
            yield Piece("text", text)


def open_xlsx(path: Path, name: str) -> Opened:
    """One page a sheet, or for each SHEET_ROWS rows of it: the sheet's name, its first row, the rows."""
    from openpyxl import load_workbook

    package.check(path, name)
    # From a stream, since openpyxl judges a path by its suffix.
    with package.reading(name, "Excel workbook"), path.open("rb") as stream:
        book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        try:
            pages: list[Page] = []
            for sheet in book.worksheets:
                for pieces in _sheet(sheet, book):
                    pages.append(page_of(len(pages) + 1, pieces))
            return opened(name, XLSX, book.properties.title or "", pages or [page_of(1, ())])
        finally:
            book.close()


def _sheet(sheet: Any, book: Any) -> Iterator[list[Piece]]:
    """The pieces of each page of one sheet."""
    heading = Piece("heading", clean(sheet.title), 1)
    # The size a file claims may be absurd; without it rows end where they end.
    sheet.reset_dimensions()
    rows = _rows(sheet, *_hidden(sheet, book))
    if sheet.sheet_state != "visible":
        text = " ".join(p.text for p in islice(rows, SHEET_ROWS))
        yield [Piece("hidden", f"{heading.text}: {text}")]
        return
    first: list[Piece] = []
    held: list[Piece] = []
    for piece in rows:
        if not first and piece.kind == "row":
            first = [piece]
            continue
        held.append(piece)
        if len(held) == SHEET_ROWS:
            yield [heading, *first, *held]
            held = []
    if held or first:
        yield [heading, *first, *held]


def _rows(sheet: Any, hidden_rows: set[int], hidden_columns: list[range]) -> Iterator[Piece]:
    # By style, since a look at a cell's own properties costs more than reading it.
    looks: dict[int, tuple[str, bool]] = {}
    for number, row in enumerate(sheet.iter_rows(), start=1):
        seen: list[str] = []
        unseen: list[str] = []
        for column, cell in enumerate(row, start=1):
            if cell.value is None:
                seen.append("")
                continue
            look = looks.get(cell._style_id)
            if look is None:
                look = looks[cell._style_id] = cell.number_format, _is_invisible(cell)
            text = shown(cell.value, look[0])
            hide = look[1] or number in hidden_rows or any(column in r for r in hidden_columns)
            seen.append("" if hide else text)
            if hide:
                unseen.append(text)
        if text := row_text(seen):
            yield Piece("row", text)
        if text := " ".join(filter(None, unseen)):
            yield Piece("hidden", text)


def _is_invisible(cell: Any) -> bool:
    """White on no fill, or the number format ";;;" that shows nothing."""
    if cell.number_format == ";;;":
        return True
    colour = cell.font.color if cell.has_style else None
    if colour is None or cell.fill.fill_type is not None:
        return False
    # Theme colour 0 is the background's, white in every theme Excel ships.
    white = colour.type == "rgb" and str(colour.rgb)[-6:].upper() == "FFFFFF"
    return white or (colour.type == "theme" and colour.theme == 0 and not colour.tint)


def _hidden(sheet: Any, book: Any) -> tuple[set[int], list[range]]:
    """Numbers of hidden rows and columns, which the read-only reader does not tell."""
    rows: set[int] = set()
    columns: list[range] = []
    with book._archive.open(sheet._worksheet_path) as stream:
        tags = (f"{_X}row", f"{_X}col")
        number = 0
        for _, element in etree.iterparse(stream, tag=tags, resolve_entities=False, no_network=True, huge_tree=False):
            hidden = element.get("hidden") in _TRUE
            if element.tag == f"{_X}col":
                if hidden:
                    columns.append(range(int(element.get("min", "1")), int(element.get("max", "1")) + 1))
                continue
            number = int(element.get("r", number + 1))
            if hidden:
                rows.add(number)
            # Parsed rows are let go, or a large sheet would stand in memory whole.
            parent = element.getparent()
            element.clear()
            if parent is not None:
                del parent[: parent.index(element)]
    return rows, columns


def shown(value: object, number_format: str) -> str:
    """A cell's value as its sheet shows it, for the common formats: dates, percentages, thousands."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "minutes")
    if isinstance(value, int | float):
        if "%" in number_format:
            return f"{value * 100:.10g}%"
        text = f"{value:.15g}" if isinstance(value, float) else str(value)
        return f"{int(text):,}" if "#,##" in number_format and text.lstrip("-").isdigit() else text
    return str(value)
