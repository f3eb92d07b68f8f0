"""Pieces of a document without layout, in reading order, to pages: a page is a section."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from gakju.read.formats import Opened
from gakju.types import Block, BlockKind, Page, Problem

SIZE = 3000
"""Characters after which a page ends at the next border between pieces."""

_TITLE = 200
# What programs write when nobody gave a title.
_NO_TITLE = {"powerpoint presentation", "powerpoint 프레젠테이션", "untitled", "제목 없음", "빈 문서"}
_BREAKS = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
# Characters that XML 1.0 forbids and that no reader sees.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u200b\u2060\ufeff\ufffe\uffff]")
# Unicode's tag characters: ASCII that nothing draws, and that models read. Flags of three countries end in some.
_TAGS = re.compile(r"[\U000e0000-\U000e007f]+")
_FLAG = 8


class Piece(NamedTuple):
    """A paragraph, heading or table row. "hidden" is text its readers do not see: left out, and reported."""

    kind: BlockKind | Literal["hidden"]
    text: str
    level: int = 0


class Cell(NamedTuple):
    """A table cell and how many rows and columns it covers."""

    text: str
    rows: int = 1
    columns: int = 1


def clean(text: str) -> str:
    """NFC, one space for each run of white space, single line breaks kept, no control characters."""
    text = _BREAKS.sub("\n", unicodedata.normalize("NFC", text))
    lines = (_SPACES.sub(" ", line).strip() for line in _CONTROLS.sub("", text).split("\n"))
    return "\n".join(line for line in lines if line)


def row_text(cells: Sequence[str]) -> str:
    """Cells joined by a tab; empty ones keep their place but for those at the end. "" for an empty row."""
    return "\t".join(clean(c).replace("\n", " ") if c else "" for c in cells).rstrip("\t")


def table_rows(table: Iterable[Sequence[Cell]]) -> Iterator[Piece]:
    """One piece a row. A cell that covers several rows is said in each, as one sees it beside each."""
    carried: dict[int, Cell] = {}
    for cells in table:
        texts: list[str] = []
        after: dict[int, Cell] = {}
        left, column = list(reversed(cells)), 0
        while left or carried:
            if column in carried:
                cell = carried.pop(column)
            elif left:
                cell = left.pop()
            else:
                column = min(carried)
                continue
            texts.append(cell.text)
            if cell.rows > 1:
                after[column] = cell._replace(rows=cell.rows - 1)
            column += max(1, min(cell.columns, 1000))
        carried = after
        if text := row_text(texts):
            yield Piece("row", text)


def page_of(number: int, pieces: Iterable[Piece]) -> Page:
    """One page of the pieces, joined by an empty line; block spans are exact."""
    parts: list[str] = []
    blocks: list[Block] = []
    hidden: list[str] = []
    at = 0
    for kind, read, level in pieces:
        if kind == "hidden":
            hidden.append(" ".join(read.split()))
            continue
        hidden += [_untagged(run) for run in _TAGS.findall(read) if len(run) > _FLAG]
        if text := _TAGS.sub("", read).strip(" \n"):
            blocks.append(Block(kind, at, at + len(text), level))
            parts.append(text)
            at += len(text) + 2
    problems = (_hidden(number, hidden),) if any(hidden) else ()
    return Page(number, "\n\n".join(parts), tuple(blocks), status="ok" if parts else "no_text", problems=problems)


def _untagged(run: str) -> str:
    """What tag characters stand for."""
    return "".join(c for c in (chr(ord(tag) - 0xE0000) for tag in run) if c.isprintable())


def _hidden(number: int, texts: Sequence[str]) -> Problem:
    first, *others = filter(None, texts)
    shown = first if len(first) <= 60 else first[:60] + "…"
    more = f" and {len(others)} more" if others else ""
    return Problem(number, "hidden_text", f"Left out, since a reader does not see it: “{shown}”{more}")


def paginate(pieces: Iterable[Piece], first: int = 1) -> Iterator[Page]:
    """A page starts at a heading of the highest level, and at a border past SIZE characters.

    Pages are numbered from `first`. Past half of SIZE any heading starts one, so that a heading stays with its text.
    At least one page.
    """
    whole = [part for piece in pieces for part in _parts(piece)]
    top = min((p.level for p in whole if p.kind == "heading"), default=0)
    number, held, length = first, list[Piece](), 0
    for piece in whole:
        heading = piece.kind == "heading" and (piece.level == top or length > SIZE // 2)
        # Headings that follow each other stay together.
        if (heading and any(p.kind in {"text", "row"} for p in held)) or (length and length + len(piece.text) > SIZE):
            yield page_of(number, held)
            number, held, length = number + 1, [], 0
        held.append(piece)
        length += 0 if piece.kind == "hidden" else len(piece.text) + 2
    yield page_of(number, held)


def _parts(piece: Piece) -> Iterator[Piece]:
    """The piece, or parts of at most SIZE cut at a line, a sentence or a space, in that order of liking."""
    text, at = piece.text, 0
    while len(text) - at > SIZE and piece.kind != "hidden":
        ends = (text.rfind(mark, at + SIZE // 2, at + SIZE) + len(mark) for mark in ("\n", ". ", " "))
        cut = next((end for end in ends if end > at + SIZE // 2), at + SIZE)
        yield piece._replace(text=text[at:cut].strip())
        at = cut
    yield piece._replace(text=text[at:].strip() if at else text)


def opened(name: str, media_type: str, title: str, pages: Iterable[Page]) -> Opened:
    """With the title from metadata, else the first heading, else the file's name."""
    whole = list(pages)
    title = clean(title).replace("\n", " ")
    if title.casefold() in _NO_TITLE:
        title = ""
    headings = (p.text[b.start : b.end] for p in whole for b in p.blocks if b.kind == "heading")
    title = title or next(headings, "") or clean(Path(name).stem) or name
    return Opened(title[:_TITLE].strip(), media_type, len(whole), iter(whole))
