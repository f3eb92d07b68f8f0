"""Which glyphs a reader of the page can see: the others must not reach an index or a model."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from gakju.read.glyphs import Floats, Frame, Glyphs
from gakju.read.render import fitted, pixels

Mask = NDArray[np.bool_]

_PALE = 200  # of 255 in every channel: such paint may be lost on paper
_DIFFERENT = 12  # of 255 in some channel: less cannot be told apart
_MOST_IMAGES = 2000


class Seen(NamedTuple):
    """`visible` is what counts as the page's text; `layer`: it is the text laid invisibly over a scan."""

    visible: Mask
    layer: bool


class Pictures(NamedTuple):
    """What is drawn besides text: the share of the page under images, and the number of paths."""

    coverage: float
    paths: int


def pictures_of(page: Any, frame: Frame) -> Pictures:
    """Bounded: a page with very many objects is judged by its first ones."""
    boxes: list[tuple[float, float, float, float]] = []
    paths = 0
    for kind, box in _objects(page):
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            paths += 1
        else:
            boxes.append(box)
    cells = np.zeros((64, 64), np.bool_)
    width, height = frame.size
    if boxes and width > 0 and height > 0:
        shown = frame.shown(np.array(boxes, np.float32)) / np.array([width, height, width, height], np.float32)
        for x0, y0, x1, y1 in np.clip(np.nan_to_num(shown) * 64, 0, 64).round().astype(int):
            cells[y0:y1, x0:x1] = True
    return Pictures(float(cells.mean()), paths)


def _objects(page: Any) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
    """Type and left, top, right, bottom of images and paths; a form that holds an image counts as one."""
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for i in range(min(pdfium.FPDFPage_CountObjects(page), _MOST_IMAGES)):
        each = pdfium.FPDFPage_GetObject(page, i)
        kind = pdfium.FPDFPageObj_GetType(each)
        image = kind == pdfium.FPDF_PAGEOBJ_IMAGE or (kind == pdfium.FPDF_PAGEOBJ_FORM and _has_image(each, 3))
        if not image and kind != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        if pdfium.FPDFPageObj_GetBounds(each, left, bottom, right, top):
            box = (left.value, top.value, right.value, bottom.value)
            yield (pdfium.FPDF_PAGEOBJ_IMAGE if image else kind), box


def _has_image(form: Any, depth: int) -> bool:
    for i in range(min(pdfium.FPDFFormObj_CountObjects(form), 50)):
        each = pdfium.FPDFFormObj_GetObject(form, i)
        kind = pdfium.FPDFPageObj_GetType(each)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            return True
        if kind == pdfium.FPDF_PAGEOBJ_FORM and depth and _has_image(each, depth - 1):
            return True
    return False


def seen(page: Any, frame: Frame, glyphs: Glyphs) -> Seen:
    """Hidden are: render modes 3 and 7, no opacity, tiny, off the page, and pale paint that the page as
    drawn does not set off. Invisible text over the ink of a scan is what an OCR program put there: kept.
    """
    boxes, styles = glyphs.boxes, glyphs.styles
    if not len(boxes):
        return Seen(np.ones(0, np.bool_), False)
    width, height = frame.size
    tiny = min(2.0, 0.0025 * max(width, height))
    invisible = np.array([s.mode in {3, 7} for s in styles], np.bool_)[glyphs.style]
    gone = np.array([s.alpha < 13 or s.size < tiny for s in styles], np.bool_)[glyphs.style] & ~invisible
    pale = np.array([min(s.paint) >= _PALE for s in styles], np.bool_)[glyphs.style] & ~invisible & ~gone
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    off = ~((x >= 0) & (x <= width) & (y >= 0) & (y <= height))
    sure = ~(invisible | gone | pale | off)
    if not (pale | invisible).any():
        return Seen(sure, False)
    scan = invisible.sum() > 5 * (sure | pale).sum() and pictures_of(page, frame).coverage >= 0.5
    doubtful = (pale | invisible if scan else pale) & ~off
    if not doubtful.any():
        return Seen(sure, False)
    drawn = _Drawn(page, frame, boxes, doubtful)
    kept = pale & drawn.set_off(glyphs, doubtful & pale)
    if scan:
        kept |= invisible & drawn.inked()
    return Seen(sure | (kept & doubtful & ~drawn.covered(sure)), bool(scan))


class _Drawn:
    """The part of the page around doubtful glyphs in pixels, and each glyph's box in them."""

    def __init__(self, page: Any, frame: Frame, boxes: Floats, doubtful: Mask) -> None:
        size = fitted(page, frame.size[0], 600_000)
        scale = np.array([size[0] / frame.size[0], size[1] / frame.size[1]] * 2, np.float32)
        boxes = boxes * scale
        corners = np.concatenate([boxes[doubtful, :2].min(axis=0) - 4, boxes[doubtful, 2:].max(axis=0) + 4])
        x0, y0, x1, y1 = np.clip(corners, 0, [*size, *size]).astype(int).tolist()
        self._image = pixels(page, *size, window=(x0, y0, max(1, x1 - x0), max(1, y1 - y0)), annotations=False)
        self._boxes = boxes - np.array([x0, y0, x0, y0], np.float32)

    def covered(self, by: Mask) -> Mask:
        """Glyphs whose middle lies in a box of the glyphs `by`: text under or over other text."""
        high, wide = self._image.shape[:2]
        taken = np.zeros((high, wide), np.bool_)
        boxes = self._boxes[by]
        near = (boxes[:, :2] < [wide, high]).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
        for x0, y0, x1, y1 in self._corners(boxes[near]).tolist():
            taken[y0:y1, x0:x1] = True
        x = np.clip((self._boxes[:, 0] + self._boxes[:, 2]) / 2, 0, wide - 1).astype(int)
        y = np.clip((self._boxes[:, 1] + self._boxes[:, 3]) / 2, 0, high - 1).astype(int)
        found: Mask = taken[y, x]
        return found

    def set_off(self, glyphs: Glyphs, among: Mask) -> Mask:
        """Which glyphs `among` these have enough pixels unlike their paint in their box."""
        found = np.zeros(len(self._boxes), np.bool_)
        paints = np.array([s.paint for s in glyphs.styles], np.int16)[glyphs.style]
        pale = np.flatnonzero(among)
        # One by one: such glyphs are few, and whole-page arithmetic costs more than thousands of them.
        for at, (x0, y0, x1, y1) in zip(pale.tolist(), self._corners(self._boxes[pale]).tolist(), strict=True):
            unlike = np.abs(self._image[y0:y1, x0:x1] - paints[at]) > _DIFFERENT
            found[at] = np.count_nonzero(unlike.any(axis=2)) >= 0.15 * (x1 - x0) * (y1 - y0)
        return found

    def inked(self) -> Mask:
        """Glyphs with something darker than the paper in or next to their box."""
        grey = self._image.min(axis=2).astype(np.int16)
        ink = (grey < np.median(grey) - 40).astype(np.int64)
        room = np.array([-3, -3, 3, 3], np.float32)
        return self._share(ink, self._boxes + room) > 0.02

    def _corners(self, boxes: Floats) -> NDArray[np.int64]:
        high, wide = self._image.shape[:2]
        low = np.floor(np.clip(boxes[:, :2], 0, [wide - 1, high - 1]))
        top = np.maximum(np.ceil(np.clip(boxes[:, 2:], 0, [wide, high])), low + 1)
        return np.concatenate([low, top], axis=1).astype(np.int64)

    def _share(self, marked: NDArray[np.int64], boxes: Floats) -> NDArray[np.float64]:
        """The share of marked pixels in each box, by a summed-area table."""
        sums = np.pad(marked.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        x0, y0, x1, y1 = self._corners(boxes).T
        total = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
        found: NDArray[np.float64] = total / np.maximum((x1 - x0) * (y1 - y0), 1)
        return found
