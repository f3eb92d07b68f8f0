"""Tables with rules between their rows but none between their columns: where the columns part is inferred."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gakju.read.glyphs import Floats
from gakju.read.tables import Grid, across_and_down

_ALIKE = 4.0  # points: rules that begin and end this close together belong to one table
_NARROWEST = 14.0  # sizes: shorter rules are those under a column of numbers
_WORDS = 0.5  # sizes: a smaller white is one between words
_GUTTER = 0.8  # sizes: a column is parted from the next by no less
_CELL = 1.2  # sizes: a white in one line that shows by itself that a row has cells
_MOST_LINES = 12  # of one row; more is text between two rules
_MOST_RULES = 400


@dataclass(frozen=True, slots=True)
class _Band:
    """What stands between two rules. `lines` hold the ends of what is written without a gap, rows (x0, x1);
    `cover` says of each point from the left end of the rules whether a line goes over it."""

    top: float
    bottom: float
    size: float
    lines: list[Floats]
    cover: NDArray[np.bool_]

    @property
    def celled(self) -> bool:
        """The first line alone shows cells."""
        ends = self.lines[0]
        return bool((ends[1:, 0] - ends[:-1, 1] > _CELL * self.size).any())

    def parted(self, cut: float) -> bool:
        """Nothing goes over `cut`, and something is written on both sides."""
        low = min(float(line[0, 0]) for line in self.lines)
        high = max(float(line[-1, 1]) for line in self.lines)
        over = any(((line[:, 0] < cut) & (line[:, 1] > cut)).any() for line in self.lines)
        return low < cut < high and not over

    def lines_from(self, cut: float) -> int:
        """How many lines begin before `cut` and go on after it in another cell."""
        return sum(bool(line[0, 0] < cut < line[-1, 1]) for line in self.lines)


def open_grids(rules: Floats, boxes: Floats, sizes: Floats, others: Sequence[Grid]) -> list[Grid]:
    """Tables of which every row is ruled off, as grids whose `down` is put between the columns.

    `rules`, `boxes` and `sizes` are those of the text of one direction, in its reading frame; what lies in the
    `others` is left out. Rules between blocks of text, under headings or groups of rows make no table.
    """
    across, _ = across_and_down(rules)
    for grid in others:
        across = across[~grid.holds(across[:, 1:].mean(axis=1, dtype=np.float32), across[:, 0])]
    if not 3 <= len(across) <= _MOST_RULES or not len(boxes):
        return []
    found = [grid for stack in _stacks(across) for grid in _tables(stack, boxes, sizes)]
    return [g for n, g in enumerate(found) if not any(_overlap(g.box, other.box) for other in found[:n])]


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] - 1 and b[0] < a[2] - 1 and a[1] < b[3] - 2 and b[1] < a[3] - 2


def _stacks(across: Floats) -> Iterator[Floats]:
    """Three rules or more with the same ends, from top to bottom."""
    left = across[np.argsort(across[:, 0], kind="stable")]
    while len(left):
        alike = (np.abs(left[:, 1:] - left[0, 1:]) <= _ALIKE).all(axis=1)
        if alike.sum() >= 3:
            yield left[alike]
        left = left[~alike]


def _tables(stack: Floats, boxes: Floats, sizes: Floats) -> Iterator[Grid]:
    x0, x1 = float(stack[:, 1].min()), float(stack[:, 2].max())
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    order = np.argsort(middle[:, 1], kind="stable")
    boxes, sizes, middle = boxes[order], sizes[order], middle[order]
    cuts = np.searchsorted(middle[:, 1], stack[:, 0])
    run: list[_Band] = []
    for number in range(len(stack) - 1):
        here = slice(cuts[number], cuts[number + 1])
        inside = (middle[here, 0] > x0) & (middle[here, 0] < x1)
        top, bottom = float(stack[number, 0]), float(stack[number + 1, 0])
        if bottom - top < _ALIKE and not inside.any():
            continue  # a double rule
        band = _band(boxes[here], sizes[here], inside, (x0, top, x1, bottom))
        if band is None:
            yield from _grid(run, x0, x1)
            run = []
        else:
            run.append(band)
    yield from _grid(run, x0, x1)


def _band(
    boxes: Floats, sizes: Floats, inside: NDArray[np.bool_], box: tuple[float, float, float, float]
) -> _Band | None:
    """None for what cannot be one row of a table."""
    x0, top, x1, bottom = box
    if not inside.any():
        return None
    size = max(float(np.median(sizes[inside])), 1.0)
    if x1 - x0 < _NARROWEST * size or inside.sum() > 3000:
        return None
    lines = _lines(boxes[inside], size)
    if len(lines) > _MOST_LINES or bottom - top > (2 * len(lines) + 4) * size:
        return None
    # What goes on beyond the rules at the same height is a row of another table, wider than they are.
    first = (boxes[inside, 1] + boxes[inside, 3]).min() / 2
    beside = np.abs((boxes[~inside, 1] + boxes[~inside, 3]) / 2 - first) < 1
    if beside.any():
        return None
    cover = np.zeros(int(x1 - x0) + 2, np.bool_)
    for low, high in np.concatenate(lines).tolist():
        cover[max(0, round(low - x0)) : max(0, round(high - x0))] = True
    band = _Band(top, bottom, size, lines, cover)
    return band if band.celled or len(lines) == 1 else None


def _lines(boxes: Floats, size: float) -> list[Floats]:
    """Boxes sorted by their middles to lines, each as the ends of its parts: words apart are one part."""
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    found: list[Floats] = []
    start = 0
    for end in range(1, len(boxes) + 1):
        if end < len(boxes) and middles[end] - middles[start] < 0.6 * size:
            continue
        line = boxes[start:end]
        line = line[np.argsort(line[:, 0], kind="stable")]
        reach = np.maximum.accumulate(line[:, 2])
        new = np.flatnonzero(line[1:, 0] - reach[:-1] > _WORDS * size) + 1
        low, high = np.concatenate([[0], new]), np.concatenate([new, [len(line)]]) - 1
        found.append(np.stack([line[low, 0], reach[high]], axis=1).astype(np.float32))
        start = end
    return found


def _grid(bands: list[_Band], x0: float, x1: float) -> Iterator[Grid]:
    """The table that follows from rows one below the other; none where they share no columns."""
    while bands and not bands[0].celled:
        bands = bands[1:]
    while bands and not bands[-1].celled:
        bands = bands[:-1]
    if sum(band.celled for band in bands) < 2:
        return
    cuts = _cuts(bands, x0)
    parted = [[cut for cut in cuts if band.parted(cut)] for band in bands]
    if not cuts or sum(map(bool, parted)) < 0.6 * len(bands):
        return
    first = [band.lines_from(cuts[0]) for band in bands]
    # Rows that stand between two rules together begin together; one row that wraps mostly does not.
    if any(n > 2 for n in first) or sum(n > 1 for n in first[1:]) > 0.5 * len(first[1:]):
        return
    down = [(cut, band.top, band.bottom) for band, of in zip(bands, parted, strict=True) for cut in of]
    tops = [band.top for band in bands] + [bands[-1].bottom]
    across = np.array([(y, x0, x1) for y in tops], np.float32)
    yield Grid((x0 - 0.5, tops[0] - 0.5, x1 + 0.5, tops[-1] + 0.5), across, np.array(down, np.float32))


def _cuts(bands: Sequence[_Band], x0: float) -> list[float]:
    """x between two columns: hardly any row goes over it, and at least half the rows have cells on both sides."""
    size = float(np.median([band.size for band in bands]))
    count = np.sum([band.cover for band in bands], axis=0)
    sparse = count <= 0.15 * len(bands)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sparse.astype(np.int8), [0]])))
    found: list[tuple[float, int]] = []
    for low, high in edges.reshape(-1, 2).tolist():
        if low > 0 and high < len(sparse) and high - low >= _GUTTER * size:
            emptiest = low + np.flatnonzero(count[low:high] == count[low:high].min())
            cut = x0 + float(np.median(emptiest)) + 0.5
            if sum(band.parted(cut) for band in bands) >= 0.5 * len(bands):
                found.append((cut, high - low))
    return _shared([band.cover for band in bands], found, x0)


def _shared(covers: Sequence[NDArray[np.bool_]], cuts: list[tuple[float, int]], x0: float) -> list[float]:
    """Without the cuts that make a column of what one row alone holds; `cuts` come with their widths."""
    cuts = list(cuts)
    while cuts:
        ends = [0, *(int(cut - x0) for cut, _ in cuts), len(covers[0])]
        lone = [n for n, (a, b) in enumerate(pairwise(ends)) if sum(bool(cover[a:b].any()) for cover in covers) < 2]
        if not lone:
            break
        # The white inside a cell is narrower than the one that parts columns.
        sides = [n for n in (lone[0] - 1, lone[0]) if 0 <= n < len(cuts)]
        del cuts[min(sides, key=lambda n: cuts[n][1])]
    return [cut for cut, _ in cuts]
