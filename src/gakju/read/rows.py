"""Rows of tables without rules: the second lines of their cells are told from text and from the next row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gakju.read.blocks import LONE_MARK, MARK
from gakju.read.layout import Line, Piece, line_of

_ALIGNED = 0.3  # sizes: cells that begin this close together stand in one column
_STEP = 1.75  # sizes: from one line of a cell to the next at most
_NARROW, _NARROW_HANGUL = 14.0, 8.0
"""Sizes: a shorter cell is a name as likely as a sentence that had no room."""
_NEAR = 6  # pieces either way in which a table shows more rows like this one


@dataclass(slots=True)
class _Row:
    """A row that may go on: its cells, their texts, and the right end of each column."""

    piece: Piece
    cells: list[list[Line]]
    texts: list[list[str]]
    limits: list[float]


def with_wrapped_cells(pieces: Sequence[Piece]) -> list[Piece]:
    """The same pieces, but a line that goes on with the cells of the row above is part of that row's piece.

    Such a line leaves the first column empty, begins where cells of the row begin, and has a word that had
    no room there or starts in the middle of a sentence.
    """
    found: list[Piece] = []
    row: _Row | None = None
    for number, piece in enumerate(pieces):
        places = _places(row, piece) if row else None
        if row and places:
            _extend(row, piece, places)
            found[-1] = Piece(
                row.cells, piece.region, ruled=True, turn=piece.turn, text="\t".join(map("\n".join, row.texts))
            )
        else:
            following = pieces[number + 1] if number + 1 < len(pieces) else None
            # Most lines begin where the one above does, and need no closer look.
            set_in = following is not None and following.line.x0 > piece.line.x0 + piece.line.size
            row = _row(pieces, number) if set_in else None
            found.append(piece)
    return found


def _cells(line: Line) -> list[Line]:
    starts = [0, *(n for n, separator in enumerate(line.separators) if separator == "\t"), len(line.runs)]
    return [line_of(line.runs[low:high]) for low, high in pairwise(starts)]


def _row(pieces: Sequence[Piece], number: int) -> _Row | None:
    """None where the piece is no row, or nothing near it shares its columns."""
    piece = pieces[number]
    texts = piece.text.split("\t")
    if piece.ruled or len(texts) < 2 or piece.line.cells != len(texts):
        return None
    if len(texts) == 2 and LONE_MARK.fullmatch(texts[0]):
        return None  # an item of a list
    cells = _cells(piece.line)
    limits = [cell.x1 for cell in cells]
    others = 0
    for other in pieces[max(0, number - _NEAR) : number + _NEAR + 1]:
        if other is piece or other.ruled or other.region != piece.region or other.line.cells < 2:
            continue
        theirs = _cells(other.line)
        places = _aligned(theirs, cells, piece.line.size)
        others += len(places) > 1 and 0 in places.values()
        for a, b in places.items():
            limits[b] = max(limits[b], theirs[a].x1)
    if not others:
        return None
    for at, following in enumerate(cells[1:]):
        limits[at] = max(limits[at], following.x0 - _ALIGNED * piece.line.size)
    return _Row(piece, [[cell] for cell in cells], [[text] for text in texts], limits)


def _aligned(cells: Sequence[Line], columns: Sequence[Line], size: float) -> dict[int, int]:
    """Which of `cells` begin where which of `columns` do."""
    return {
        a: b
        for a, cell in enumerate(cells)
        for b, column in enumerate(columns)
        if abs(cell.x0 - column.x0) <= _ALIGNED * size
    }


def _places(row: _Row, piece: Piece) -> dict[int, int] | None:
    """For each cell of the line the cell of `row` that it goes on with; None where it does not."""
    line, size = piece.line, row.piece.line.size
    last = max(cell[-1].middle for cell in row.cells)
    if piece.ruled or piece.region != row.piece.region or piece.turn != row.piece.turn or MARK.match(piece.text):
        return None
    if abs(line.size - size) > 0.12 * size or not 0.8 * size < line.middle - last <= _STEP * size:
        return None
    cells, texts = _cells(line), piece.text.split("\t")
    places = _aligned(cells, [cell[0] for cell in row.cells], size)
    if len(places) != len(cells) or 0 in places.values() or len(cells) != len(texts) or len(cells) > len(row.cells) - 1:
        return None
    return places if all(_goes_on(row, cells[a], texts[a], b) for a, b in places.items()) else None


def _goes_on(row: _Row, cell: Line, text: str, at: int) -> bool:
    above, said = row.cells[at][-1], row.texts[at][-1]
    if cell.middle - above.middle > _STEP * above.size:
        return False
    if text[:1].islower() and any(map(str.isalpha, said)):
        return True
    narrow = _NARROW_HANGUL if "가" <= text[:1] <= "힣" else _NARROW
    if above.x1 - above.x0 < narrow * above.size or not any(map(str.isalpha, said)):
        return False
    width = (cell.x1 - cell.x0) * len(text.partition(" ")[0]) / max(1, len(text))
    return above.x1 + 0.25 * cell.size + width > row.limits[at]


def _extend(row: _Row, piece: Piece, places: dict[int, int]) -> None:
    texts = piece.text.split("\t")
    for a, cell in enumerate(_cells(piece.line)):
        row.cells[places[a]].append(cell)
        row.texts[places[a]].append(texts[a])
