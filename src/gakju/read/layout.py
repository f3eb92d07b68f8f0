"""Glyphs of a page to lines and table rows in reading order.

Runs (glyphs side by side) are cut out of the content order, put into columns where a gutter parts long
lines, joined to lines by height, and kept apart by cell inside ruled tables. Everything here works in the
reading frame: x along the line, y downward, whatever way the text runs on the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gakju.read.columns import Item, in_columns
from gakju.read.glyphs import OBLIQUE, Floats, Glyphs, Ints
from gakju.read.open_tables import open_grids
from gakju.read.tables import Grid, grids_of

_WIDE = 1.2
"""Sizes of white between two words that part cells; twice as much where the file writes a space there."""


class Run(NamedTuple):
    """Glyphs `start:end` of the page, side by side. `spaced`: white space stands before it in the file."""

    start: int
    end: int
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: float
    spaced: bool


@dataclass(slots=True)
class Line:
    """Runs from left to right. `separators[i]` stands before run i: "", " " or a tab between cells."""

    runs: list[Run]
    separators: list[str] = field(default_factory=list)
    x0: float = 0.0
    y0: float = 0.0
    x1: float = 0.0
    y1: float = 0.0
    size: float = 0.0
    bold: bool = False

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def cells(self) -> int:
        return 1 + self.separators.count("\t")


@dataclass(slots=True)
class Piece:
    """One line (`cells` holds it alone) or one row of a ruled table, a list of lines for each cell.

    Pieces of one `region` follow each other in one column. `text` is for recognising, not for the page.
    """

    cells: list[list[Line]]
    region: int
    ruled: bool = False
    turn: int = 0
    text: str = ""

    @property
    def line(self) -> Line:
        return self.cells[0][0]

    @property
    def lines(self) -> list[Line]:
        return [line for cell in self.cells for line in cell]


def pieces_of(glyphs: Glyphs, rules: Floats) -> list[Piece]:
    """All glyphs, each in exactly one piece, in reading order. The direction most text runs in comes first."""
    if not len(glyphs.codes):
        return []
    turns = glyphs.turns()
    found: list[Piece] = []
    for turn in np.argsort(-np.bincount(turns, minlength=OBLIQUE + 1), kind="stable").tolist():
        if (turns == turn).any():
            start = found[-1].region + 1 if found else 0
            found += _Direction(glyphs, turns, turn, rules).pieces(start)
    text = glyphs.text()
    for piece in found:
        piece.text = "\n".join(line_text(line, text, glyphs.gap) for line in piece.lines)
    return found


def line_text(line: Line, text: str, gap: NDArray[np.int8]) -> str:
    """The words of a line with single spaces and tabs; `text` and `gap` are those of the page's glyphs."""
    parts = []
    for separator, run in zip(line.separators, line.runs, strict=True):
        parts.append(separator)
        at = run.start
        for cut in (np.flatnonzero(gap[run.start + 1 : run.end] == 1) + run.start + 1).tolist():
            parts += [text[at:cut], " "]
            at = cut
        parts.append(text[at : run.end])
    return "".join(parts)


def turned(boxes: Floats, turn: int) -> Floats:
    """Boxes as shown to the reading frame of text whose direction is `turn` clockwise quarter turns."""
    x0, y0, x1, y1 = boxes.T
    match turn:
        case 1:
            ends = y0, -x1, y1, -x0
        case 2:
            ends = -x1, -y1, -x0, -y0
        case 3:
            ends = -y1, x0, -y0, x1
        case _:
            return boxes
    return np.stack(ends, axis=1)


class _Direction:
    """The text of one reading direction."""

    def __init__(self, glyphs: Glyphs, turns: Ints, turn: int, rules: Floats) -> None:
        self._turn = turn
        self._glyphs = glyphs
        self._mine = turns == turn
        self._boxes = turned(glyphs.boxes, turn)
        self._sizes = glyphs.sizes()
        self._bold = np.array([s.bold for s in glyphs.styles], np.bool_)[glyphs.style]
        self._grids: list[Grid] = []
        if len(rules) and turn != OBLIQUE:
            rules = turned(rules, turn)
            self._grids = grids_of(rules)
            self._grids += open_grids(rules, self._boxes[self._mine], self._sizes[self._mine], self._grids)

    def pieces(self, region: int) -> list[Piece]:
        cell, cells = self._cells()
        runs = self._runs(cell)
        if self._turn == OBLIQUE:
            return [Piece([[line_of([run])]], region + i, turn=self._turn) for i, (run, _) in enumerate(runs)]
        loose = [Item(*run[2:7], run) for run, of in runs if of < 0]
        in_cells: dict[int, list[Run]] = {}
        for run, of in runs:
            if of >= 0:
                in_cells.setdefault(of, []).append(run)
        for number, grid in enumerate(self._grids):
            of_grid = [(cells[c], in_cells[c]) for c in sorted(in_cells) if cells[c][0] == number]
            if of_grid:
                size = max(run.size for _, runs_here in of_grid for run in runs_here)
                loose.append(Item(*grid.box, size, _Table(grid, [(key[1:], r) for key, r in of_grid])))
        found: list[Piece] = []
        for column in in_columns(loose):
            region = found[-1].region + 1 if found else region
            found += self._column(column, region)
        return found

    def _cells(self) -> tuple[Ints, list[tuple[int, float, float]]]:
        """The cell each glyph lies in (-1 for none), and of each cell: grid, top, left."""
        cell = np.full(len(self._boxes), -1, np.int32)
        x: Floats = ((self._boxes[:, 0] + self._boxes[:, 2]) / 2).astype(np.float32)
        y: Floats = ((self._boxes[:, 1] + self._boxes[:, 3]) / 2).astype(np.float32)
        cells: list[tuple[int, float, float]] = []
        for number, grid in enumerate(self._grids):
            held = np.flatnonzero(grid.holds(x, y) & (cell < 0) & self._mine)
            if not len(held):
                continue
            corners, of = np.unique(grid.cells(x[held], y[held]).round(1), axis=0, return_inverse=True)
            cell[held] = of.reshape(-1) + len(cells)
            cells += [(number, float(top), float(left)) for top, left in corners]
        return cell, cells

    def _runs(self, cell: Ints) -> list[tuple[Run, int]]:
        """Each run with the cell it lies in."""
        x0, y0, x1, y1 = self._boxes.T
        size, gap = self._sizes, self._glyphs.gap
        em = np.maximum(np.maximum(size[1:], size[:-1]), 0.1)
        distance = x0[1:] - x1[:-1]
        most = np.select([gap[1:] == 0, gap[1:] == 1], [_WIDE * em, 2 * _WIDE * em], 0.3 * em)
        shared = np.minimum(y1[1:], y1[:-1]) - np.maximum(y0[1:], y0[:-1])
        lowest = np.minimum(y1[1:] - y0[1:], y1[:-1] - y0[:-1])
        cut = (distance > most) | (distance < -0.6 * em) | (shared < 0.4 * lowest) | (cell[1:] != cell[:-1])
        if self._turn == OBLIQUE:
            cut = gap[1:] == 2
        cut |= self._mine[1:] != self._mine[:-1]
        starts = np.concatenate([[0], np.flatnonzero(cut) + 1])
        ends = np.append(starts[1:], len(cell))
        count = ends - starts
        columns = [
            starts,
            ends,
            *(np.minimum.reduceat(v, starts) for v in (x0, y0)),
            *(np.maximum.reduceat(v, starts) for v in (x1, y1)),
            *(np.add.reduceat(v.astype(np.float64), starts) / count for v in (size, self._bold)),
            gap[starts] == 1,
            cell[starts],
        ]
        mine = self._mine[starts]
        rows = zip(*(c[mine].tolist() for c in columns), strict=True)
        return [(Run(*row[:-1]), row[-1]) for row in rows]

    def _column(self, items: Sequence[Item], region: int) -> list[Piece]:
        """One column from top to bottom. A table parts the text above it from the text below."""
        lines = lines_of(item.payload for item in items if isinstance(item.payload, Run))
        placed: list[tuple[float, Line | _Table]] = [(line.middle, line) for line in lines]
        placed += [(item.y0, item.payload) for item in items if isinstance(item.payload, _Table)]
        found: list[Piece] = []
        for _, each in sorted(placed, key=lambda p: p[0]):
            if isinstance(each, Line):
                found.append(Piece([[each]], region, turn=self._turn))
            else:
                found += each.pieces(region + 1, self._turn)
                region += 2
        return found


@dataclass(frozen=True, slots=True)
class _Table:
    grid: Grid
    cells: list[tuple[tuple[float, float], list[Run]]]
    """Top and left of each cell with its runs, sorted."""

    def pieces(self, region: int, turn: int) -> list[Piece]:
        """A piece a row; a row that no rule parts, often a box of prose, gives its lines."""
        rows: list[tuple[float, list[list[Line]]]] = []
        for (top, _), runs in self.cells:
            if not rows or top - rows[-1][0] > 2:
                rows.append((top, []))
            rows[-1][1].append(lines_of(runs))
        found = []
        for _, cells in rows:
            if len(cells) == 1 and not self._parted(cells[0]):
                found += [Piece([[line]], region, turn=turn) for line in cells[0]]
            else:
                found.append(Piece(cells, region, ruled=True, turn=turn))
        return found

    def _parted(self, lines: list[Line]) -> bool:
        """Other cells of this row are empty, or reach into it from another row."""
        x0, _, x1, _ = self.grid.box
        middle = (lines[0].y0 + lines[-1].y1) / 2
        at, low, high = self.grid.down.T
        return bool(((at > x0 + 8) & (at < x1 - 8) & (low < middle) & (middle < high)).any())


def lines_of(runs: Iterable[Run]) -> list[Line]:
    """Runs of one column or cell joined to lines, top to bottom."""
    lines: list[list[Run]] = []
    cores: list[Run] = []
    for run in sorted(runs, key=lambda r: (r.y0 + r.y1, r.x0)):
        # Later lines lie lower, so only the last few can share this run's height.
        for at in range(len(lines) - 1, max(-1, len(lines) - 6), -1):
            core = cores[at]
            shared = min(run.y1, core.y1) - max(run.y0, core.y0)
            if shared > 0.5 * min(run.y1 - run.y0, core.y1 - core.y0):
                lines[at].append(run)
                if run.y1 - run.y0 > 1.2 * (core.y1 - core.y0):
                    cores[at] = run
                break
        else:
            lines.append([run])
            cores.append(run)
    found = [line_of(line) for line in lines]
    found.sort(key=lambda line: line.middle)
    return found


def line_of(runs: list[Run]) -> Line:
    """Runs of one line, in any order."""
    runs.sort(key=lambda r: r.x0)
    count = [r.end - r.start for r in runs]
    total = sum(count)
    size = max(sum(r.size * n for r, n in zip(runs, count, strict=True)) / total, 0.1)
    separators = [""]
    reach = runs[0].x1
    for run in runs[1:]:
        gap = run.x0 - reach
        if gap > size * _WIDE * (2 if run.spaced else 1):
            separators.append("\t")
        else:
            separators.append(" " if run.spaced or gap > 0.15 * size else "")
        reach = max(reach, run.x1)
    return Line(
        runs,
        separators,
        min(r.x0 for r in runs),
        min(r.y0 for r in runs),
        reach,
        max(r.y1 for r in runs),
        size,
        sum(r.bold * n for r, n in zip(runs, count, strict=True)) > 0.9 * total,
    )
