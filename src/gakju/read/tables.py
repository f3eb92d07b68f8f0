"""Ruled tables of a PDF page: the lines drawn on it, the grids they make, the cell of each point."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from gakju.read.glyphs import Floats, Frame, by_address

MOST_OBJECTS = 3_000
"""A page with more paths is a drawing, and its lines are no table's."""

_THIN = 3.0  # points: a filled rectangle no thicker is a rule
_NEAR = 3.0  # points: rules that come this close touch


_object = by_address(pdfium.FPDFPage_GetObject, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_kind = by_address(pdfium.FPDFPageObj_GetType, ctypes.c_int, ctypes.c_void_p)


def rules_of(page: Any, frame: Frame) -> Floats:
    """Straight horizontal and vertical rules as shown, shape (n, 4); other paths are left out."""
    count = pdfium.FPDFPage_CountObjects(page)
    if count > 20 * MOST_OBJECTS:
        return np.empty((0, 4), np.float32)
    found: list[tuple[float, float, float, float]] = []
    paths = 0
    address = ctypes.cast(page, ctypes.c_void_p).value
    objects = list(map(_object, repeat(address), range(count)))
    for handle, kind in zip(objects, map(_kind, objects), strict=True):
        if kind != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        paths += 1
        if paths > MOST_OBJECTS:
            return np.empty((0, 4), np.float32)
        found.extend(_rules_of_path(ctypes.cast(handle, pdfium.FPDF_PAGEOBJECT)))
    return frame.shown(np.array(found, np.float32).reshape(-1, 4))


def _rules_of_path(path: Any) -> Iterator[tuple[float, float, float, float]]:
    """Left, top, right, bottom in page space."""
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(path, left, bottom, right, top):
        return
    wide, high = right.value - left.value, top.value - bottom.value
    if min(wide, high) <= _THIN:
        if max(wide, high) >= 5:
            yield left.value, top.value, right.value, bottom.value
        return
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(path, fill, stroke)
    # Rules are also drawn as one path of many thin rectangles; a lone filled rectangle is a shade.
    count = pdfium.FPDFPath_CountSegments(path)
    if (stroke.value or count > 8) and count <= 1000:
        yield from _straight_segments(path, count)


def _straight_segments(path: Any, count: int) -> Iterator[tuple[float, float, float, float]]:
    m = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(path, m)
    x, y = ctypes.c_float(), ctypes.c_float()
    at = start = (0.0, 0.0)
    for i in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(path, i)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        to = (m.a * x.value + m.c * y.value + m.e, m.b * x.value + m.d * y.value + m.f)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        ends = []
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = to
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            ends.append((at, to))
        at = to
        if pdfium.FPDFPathSegment_GetClose(segment):
            ends.append((at, start))
            at = start
        for (x0, y0), (x1, y1) in ends:
            wide, high = abs(x1 - x0), abs(y1 - y0)
            if min(wide, high) <= 1 and max(wide, high) >= 5:
                yield min(x0, x1), max(y0, y1), max(x0, x1), min(y0, y1)


@dataclass(frozen=True, slots=True)
class Grid:
    """A ruled table. `across` has rows (y, x0, x1), `down` (x, y0, y1); `box` is x0 y0 x1 y1."""

    box: tuple[float, float, float, float]
    across: Floats
    down: Floats

    def holds(self, x: Floats, y: Floats) -> NDArray[np.bool_]:
        x0, y0, x1, y1 = self.box
        return (x > x0) & (x < x1) & (y > y0) & (y < y1)

    def cells(self, x: Floats, y: Floats) -> Floats:
        """Top and left of the cell around each point, shape (n, 2): the nearest rules that reach it."""
        x0, y0, _, _ = self.box
        top = _nearest_before(y, x, self.across, y0)
        left = _nearest_before(x, y, self.down, x0)
        return np.stack([top, left], axis=1)


def _nearest_before(along: Floats, other: Floats, rules: Floats, default: float) -> Floats:
    at, low, high = rules.T
    reaches = (low - 1 <= other[:, None]) & (other[:, None] <= high + 1) & (at <= along[:, None])
    found: Floats = np.where(reaches, at, default).max(axis=1, initial=default)
    return found


def grids_of(rules: Floats) -> list[Grid]:
    """The tables that `rules` (boxes in reading direction) draw; frames and underlines are none."""
    across, down = across_and_down(rules)
    if len(across) < 2 or not len(down) or len(across) * len(down) > 1_000_000:
        return []
    meet = (
        (down[None, :, 0] >= across[:, None, 1] - _NEAR)
        & (down[None, :, 0] <= across[:, None, 2] + _NEAR)
        & (across[:, None, 0] >= down[None, :, 1] - _NEAR)
        & (across[:, None, 0] <= down[None, :, 2] + _NEAR)
    )
    found = [g for rows, columns in _components(meet) if (g := _grid(across[rows], down[columns]))]
    return [g for g in found if not any(_inside(g.box, other.box) for other in found if other is not g)]


def across_and_down(rules: Floats) -> tuple[Floats, Floats]:
    """Horizontal rules as rows (y, x0, x1) and vertical ones as (x, y0, y1), each from end to end."""
    wide, high = rules[:, 2] - rules[:, 0], rules[:, 3] - rules[:, 1]
    flat, steep = wide >= high, wide < high
    middle = (rules[:, :2] + rules[:, 2:]) / 2
    across = _merged(np.stack([middle[flat, 1], rules[flat, 0], rules[flat, 2]], axis=1))
    down = _merged(np.stack([middle[steep, 0], rules[steep, 1], rules[steep, 3]], axis=1))
    return across, down


def _merged(rules: Floats) -> Floats:
    """Collinear rules that touch become one. Rows are (position, low, high)."""
    rules = rules[np.lexsort((rules[:, 1], np.round(rules[:, 0] / 1.5)))]
    out: list[list[float]] = []
    for at, low, high in rules.tolist():
        last = out[-1] if out else None
        if last and abs(at - last[0]) <= 1.5 and low <= last[2] + _NEAR:
            last[2] = max(last[2], high)
        else:
            out.append([at, low, high])
    return np.array(out, np.float32).reshape(-1, 3)


def _components(meet: NDArray[np.bool_]) -> Iterator[tuple[list[int], list[int]]]:
    """Rows and columns that hang together."""
    rows_left = set(np.flatnonzero(meet.any(axis=1)).tolist())
    while rows_left:
        rows, columns = {rows_left.pop()}, set[int]()
        edge = set(rows)
        while edge:
            new_columns = set(np.flatnonzero(meet[sorted(edge)].any(axis=0)).tolist()) - columns
            columns |= new_columns
            edge = (
                set(np.flatnonzero(meet[:, sorted(new_columns)].any(axis=1)).tolist()) - rows if new_columns else set()
            )
            rows |= edge
        rows_left -= rows
        yield sorted(rows), sorted(columns)


def _grid(across: Floats, down: Floats) -> Grid | None:
    x0, x1 = float(min(across[:, 1].min(), down[:, 0].min())), float(max(across[:, 2].max(), down[:, 0].max()))
    y0, y1 = float(min(across[:, 0].min(), down[:, 1].min())), float(max(across[:, 0].max(), down[:, 2].max()))
    inner = (down[:, 0] > x0 + 8) & (down[:, 0] < x1 - 8)
    if len(across) < 2 or not inner.any() or y1 - y0 < 8:
        return None
    return Grid((x0 - 0.5, y0 - 0.5, x1 + 0.5, y1 + 0.5), across, down)


def _inside(small: tuple[float, float, float, float], large: tuple[float, float, float, float]) -> bool:
    return small[0] >= large[0] and small[1] >= large[1] and small[2] <= large[2] and small[3] <= large[3]
