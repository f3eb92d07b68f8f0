"""The characters of one PDF page as pdfium sees them: code points, boxes as shown, style, visibility.

Coordinates are turned once, here, into points from the top left of the page as shown.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from gakju.read.hancom import decoded, is_formula_font

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

MOST_CHARACTERS = 400_000
"""Of one page; a dense newspaper page has 30,000. More is a bomb."""

OBLIQUE = 4
"""`Style.turn` of text that runs at no multiple of 90°, a watermark mostly."""


_P, _I = ctypes.c_void_p, ctypes.c_int


def by_address(function: Any, result: Any, *arguments: Any) -> Callable[..., Any]:
    """pdfium's `function` taking and giving plain addresses: some files have one text object a character,
    and this is three times the speed of typed pointers."""
    address = ctypes.cast(function, _P).value
    made: Callable[..., Any] = ctypes.CFUNCTYPE(result, *arguments)(address or 0)
    return made


_unicode = by_address(pdfium.FPDFText_GetUnicode, ctypes.c_uint, _P, _I)
_loose_box = by_address(pdfium.FPDFText_GetLooseCharBox, _I, _P, _I, _P)
_text_object = by_address(pdfium.FPDFText_GetTextObject, _P, _P, _I)
_matrix = by_address(pdfium.FPDFText_GetMatrix, _I, _P, _I, _P)
_font_size = by_address(pdfium.FPDFText_GetFontSize, ctypes.c_double, _P, _I)
_fill = by_address(pdfium.FPDFText_GetFillColor, _I, _P, _I, _P, _P, _P, _P)
_stroke = by_address(pdfium.FPDFText_GetStrokeColor, _I, _P, _I, _P, _P, _P, _P)
_mode = by_address(pdfium.FPDFTextObj_GetTextRenderMode, _I, _P)
_font = by_address(pdfium.FPDFTextObj_GetFont, _P, _P)
_unmapped = by_address(pdfium.FPDFText_HasUnicodeMapError, _I, _P, _I)


class Style(NamedTuple):
    """What the glyphs of one text object share. `size` is in points as shown.

    `turn` counts clockwise quarter turns of the reading direction as shown, or is OBLIQUE.
    `mode` is the PDF's text render mode, `paint` red, green and blue from 0 to 255;
    `formula`: a Hancom font whose codes `hancom` knows.
    """

    size: float
    turn: int
    bold: bool
    mode: int
    paint: tuple[int, int, int]
    alpha: int
    formula: bool


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The inked characters of a page in the order of its content; white space is folded into `gap`.

    `gap` holds what stands before a glyph: 0 nothing, 1 a space, 2 a line break as pdfium guesses it;
    `boxes` have the font's full height. `style` indexes `styles`. `unmapped` is the share of glyphs, by
    sample, for which the font gives no Unicode.
    """

    codes: Ints
    boxes: Floats
    gap: NDArray[np.int8]
    style: Ints
    styles: list[Style]
    width: float
    height: float
    unmapped: float = 0.0

    def keep(self, mask: NDArray[np.bool_]) -> Glyphs:
        return replace(self, codes=self.codes[mask], boxes=self.boxes[mask], gap=self.gap[mask], style=self.style[mask])

    def sizes(self) -> Floats:
        return np.array([s.size for s in self.styles] or [0.0], np.float32)[self.style]

    def turns(self) -> Ints:
        return np.array([s.turn for s in self.styles] or [0], np.int32)[self.style]

    def text(self) -> str:
        return "".join(map(chr, self.codes.tolist()))


class Frame(NamedTuple):
    """From pdfium's page space to the page as shown."""

    left: float
    bottom: float
    right: float
    top: float
    turn: int

    @property
    def size(self) -> tuple[float, float]:
        across, up = self.right - self.left, self.top - self.bottom
        return (up, across) if self.turn % 2 else (across, up)

    def shown(self, boxes: Floats) -> Floats:
        """`boxes` of shape (n, 4) as left, top, right, bottom of page space to x0, y0, x1, y1 as shown."""
        left, top, right, bottom = boxes.T
        x, X = left - self.left, right - self.left  # noqa: N806 - a pair of ends
        y, Y = self.top - top, self.top - bottom  # noqa: N806
        width, height = self.right - self.left, self.top - self.bottom
        match self.turn:
            case 0:
                ends = x, y, X, Y
            case 1:
                ends = height - Y, x, height - y, X
            case 2:
                ends = width - X, height - Y, width - x, height - y
            case _:
                ends = y, width - X, Y, width - x
        found = np.stack(ends, axis=1).astype(np.float32)
        return np.concatenate([np.minimum(found[:, :2], found[:, 2:]), np.maximum(found[:, :2], found[:, 2:])], axis=1)

    def direction(self, dx: float, dy: float) -> tuple[float, float]:
        """A direction of page space (y up) as shown (y down)."""
        return ((dx, -dy), (dy, dx), (-dx, dy), (-dy, -dx))[self.turn]


def frame_of(page: Any) -> Frame:
    """The crop box and rotation of a loaded pdfium page."""
    box = pdfium.FS_RECTF()
    if not pdfium.FPDF_GetPageBoundingBox(page, box):
        box.left, box.bottom, box.right, box.top = 0.0, 0.0, 612.0, 792.0
    return Frame(box.left, box.bottom, box.right, box.top, pdfium.FPDFPage_GetRotation(page) % 4)


class PageTooDense(Exception):
    """The page holds more than MOST_CHARACTERS."""


def glyphs_of(page: Any) -> Glyphs:
    """Every inked character of a loaded page, visible or not. Raises PageTooDense, MemoryError, ValueError."""
    text = pdfium.FPDFText_LoadPage(page)
    if not text:
        raise ValueError("pdfium cannot read the page's text")
    try:
        count = pdfium.FPDFText_CountChars(text)
        if count > MOST_CHARACTERS:
            raise PageTooDense(count)
        return _collect(text, max(count, 0), frame_of(page))
    finally:
        pdfium.FPDFText_ClosePage(text)


def _collect(text: Any, count: int, frame: Frame) -> Glyphs:
    address = ctypes.cast(text, _P).value or 0
    every = range(count)
    codes = np.fromiter(map(_unicode, repeat(address), every), np.uint32, count).astype(np.int32)
    boxes = np.empty((count, 4), np.float32)
    _run(map(_loose_box, repeat(address), every, _places(boxes)))
    objects = np.array([at or 0 for at in map(_text_object, repeat(address), every)], np.int64)

    codes, kept = _join_surrogates(codes)
    boxes, objects, index = boxes[kept], objects[kept], np.flatnonzero(kept)
    blank = np.isin(codes, _BLANKS) | (objects == 0)
    gap = _gaps(codes, blank)
    codes, boxes, objects, index = (each[~blank] for each in (codes, boxes, objects, index))
    _, first, owner = np.unique(objects, return_index=True, return_inverse=True)
    of_object, styles = _styles(address, frame, index[first].tolist(), objects[first].tolist())
    style = of_object[owner]
    if any(s.formula for s in styles):
        codes = np.where(np.array([s.formula for s in styles])[style], decoded(codes), codes)
    sample = index[:: max(1, len(index) // 200)].tolist()
    unmapped = sum(_unmapped(address, i) == 1 for i in sample) / max(1, len(sample))
    shown = _sane_heights(_shared_out(frame.shown(boxes), objects, styles, style), styles, style)
    return Glyphs(codes, shown, gap, style, styles, *frame.size, unmapped)


def _places(array: NDArray[Any], offset: int = 0) -> range:
    """The address of each row of a contiguous array, `offset` bytes into it."""
    first, step = array.ctypes.data + offset, array.strides[0] or 1  # an empty array's rows have no size
    return range(first, first + step * len(array), step)


def _run(calls: Iterator[Any]) -> None:
    """Makes the calls without a Python loop around them."""
    deque(calls, maxlen=0)


def _join_surrogates(codes: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """pdfium gives UTF-16 halves one by one; the code points, and which entries remain."""
    kept = np.ones(len(codes), np.bool_)
    high = np.flatnonzero((codes >= 0xD800) & (codes < 0xDC00))
    high = high[high + 1 < len(codes)]
    high = high[(codes[high + 1] >= 0xDC00) & (codes[high + 1] < 0xE000)]
    codes = codes.copy()
    codes[high] = 0x10000 + ((codes[high] - 0xD800) << 10) + (codes[high + 1] - 0xDC00)
    kept[high + 1] = False
    codes[((codes >= 0xD800) & (codes < 0xE000)) | (codes > 0x10FFFF) | (codes < 0)] = 0xFFFD
    return codes[kept], kept


_BLANKS = np.array(
    [
        *range(0x9, 0xE),
        0x0,
        0x20,
        0xA0,
        0x1680,
        *range(0x2000, 0x200E),
        0x2028,
        0x2029,
        0x202F,
        0x205F,
        0x2060,
        0x3000,
        0xFEFF,
    ]
)


def _gaps(codes: Ints, blank: NDArray[np.bool_]) -> NDArray[np.int8]:
    """For each inked glyph: 0, or 1 after white space, or 2 after a line break."""
    weight = np.where(blank, 1, 0) + np.where((codes == 10) | (codes == 13), 1_000_000, 0)
    total = np.concatenate([[0], np.cumsum(weight)])
    ink = np.flatnonzero(~blank)
    if not len(ink):
        return np.empty(0, np.int8)
    before = np.diff(total[ink], prepend=0)
    return np.where(before >= 1_000_000, 2, np.where(before > 0, 1, 0)).astype(np.int8)


def _shared_out(boxes: Floats, objects: NDArray[np.int64], styles: list[Style], style: Ints) -> Floats:
    """pdfium spells ligatures out and gives each letter the whole box: the letters get their shares of it."""
    if len(boxes) < 2:
        return boxes
    same = (boxes[1:] == boxes[:-1]).all(axis=1) & (objects[1:] == objects[:-1])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    for start, last in edges.reshape(-1, 2).tolist():
        turn = styles[style[start]].turn
        low, high = (1, 3) if turn in {1, 3} else (0, 2)
        cuts = np.linspace(boxes[start, low], boxes[start, high], last - start + 2)
        if turn in {2, 3}:
            cuts = cuts[::-1]
        boxes[start : last + 1, low] = np.minimum(cuts[:-1], cuts[1:])
        boxes[start : last + 1, high] = np.maximum(cuts[:-1], cuts[1:])
    return boxes


def _sane_heights(boxes: Floats, styles: list[Style], style: Ints) -> Floats:
    """Fonts lie about ascent and descent: where a box's height is not .5 to 1.6 sizes, set it about its middle.

    Only across the reading direction; oblique text keeps its box.
    """
    if not len(boxes):
        return boxes
    size = np.array([s.size for s in styles], np.float32)[style]
    turn = np.array([s.turn for s in styles], np.int32)[style]
    boxes = boxes.copy()
    for low, high, of in ((1, 3, (turn == 0) | (turn == 2)), (0, 2, (turn == 1) | (turn == 3))):
        span = boxes[:, high] - boxes[:, low]
        odd = of & (size > 0) & ((span < 0.5 * size) | (span > 1.6 * size))
        middle = (boxes[odd, low] + boxes[odd, high]) / 2
        boxes[odd, low], boxes[odd, high] = middle - 0.5 * size[odd], middle + 0.5 * size[odd]
    return boxes


def _styles(text: int, frame: Frame, index: list[int], handles: list[int]) -> tuple[Ints, list[Style]]:
    """For each text object (`handles`, and a character of each) the number of its style, and the styles."""
    count = len(handles)
    paint = np.tile(np.array([0, 0, 0, 255], np.uint32), (count, 1))
    matrix = np.tile(np.array([1, 0, 0, 1, 0, 0], np.float32), (count, 1))
    channels = [_places(paint, offset) for offset in (0, 4, 8, 12)]
    _run(map(_fill, repeat(text), index, *channels))
    _run(map(_matrix, repeat(text), index, _places(matrix)))
    modes = list(map(_mode, handles))
    for at in (n for n, mode in enumerate(modes) if mode in {1, 5}):  # stroked only
        _stroke(text, index[at], *(places[at] for places in channels))
    sizes = np.fromiter(map(_font_size, repeat(text), index), np.float64, count)
    fonts = np.array([font or 0 for font in map(_font, handles)], np.int64)
    looks = np.column_stack([matrix[:, :4], paint, sizes, modes, fonts]).astype(np.float64)
    _, first, number = np.unique((looks.view(np.uint64) * _MIX).sum(axis=1), return_index=True, return_inverse=True)
    fonts_known = {font: _font_kind(font) for font in np.unique(fonts).tolist()}
    found = []
    for at in first.tolist():
        a, b, c, d = matrix[at, :4].tolist()
        size = round(abs(float(sizes[at])) * math.hypot(c, d), 2)
        red, green, blue, alpha = paint[at].tolist()
        turn = _turn(*frame.direction(a, b))
        bold, formula = fonts_known[int(fonts[at])]
        found.append(Style(size, turn, modes[at] == 2 or bold, modes[at], (red, green, blue), alpha, formula))
    return number.astype(np.int32), found


# Odd multipliers nobody can foresee, so that no file makes two looks one.
_MIX = np.frombuffer(os.urandom(8 * 11), np.uint64) | np.uint64(1)


def _font_kind(font: int) -> tuple[bool, bool]:
    """Is it bold, and is it a formula font?"""
    typed = ctypes.cast(font, pdfium.FPDF_FONT)
    name = ctypes.create_string_buffer(128)
    pdfium.FPDFFont_GetBaseFontName(typed, name, 128)
    heavy = any(word in name.value.lower() for word in (b"bold", b"heavy", b"black"))
    return heavy or pdfium.FPDFFont_GetWeight(typed) >= 600, is_formula_font(name.value)


def _turn(dx: float, dy: float) -> int:
    if abs(dy) <= 0.18 * abs(dx):  # 10°: scans are skewed by less
        return 0 if dx >= 0 else 2
    if abs(dx) <= 0.18 * abs(dy):
        return 1 if dy >= 0 else 3
    return OBLIQUE
