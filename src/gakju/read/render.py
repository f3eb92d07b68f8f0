"""A PDF page to pixels, never more than asked for and never more than a bound."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

WIDEST = 4000
"""Pixels across that `png` gives at most."""
MOST_PIXELS = 16_000_000


def pixels(
    page: Any, width: int, height: int, *, window: tuple[int, int, int, int] | None = None, annotations: bool = True
) -> NDArray[np.uint8]:
    """The page as shown on white, `width` by `height` pixels, shape (height, width, 3), red green blue.

    `window` (x, y, width, height in those pixels) draws that part alone. Raises MemoryError.
    """
    x, y, wide, high = window or (0, 0, width, height)
    shown = np.full((high, wide, 3), 255, np.uint8)
    bitmap = pdfium.FPDFBitmap_CreateEx(wide, high, pdfium.FPDFBitmap_BGR, shown.ctypes.data, wide * 3)
    if not bitmap:
        raise MemoryError(f"no memory for {wide} x {high} pixels")
    try:
        flags = pdfium.FPDF_REVERSE_BYTE_ORDER | (pdfium.FPDF_ANNOT if annotations else 0)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, -x, -y, width, height, 0, flags)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    return shown


def fitted(page: Any, width: float, most: int = MOST_PIXELS) -> tuple[int, int]:
    """Pixels across and down for a page drawn `width` wide, made smaller where that passes `most`."""
    across = max(float(pdfium.FPDF_GetPageWidthF(page)), 1.0)
    down = max(float(pdfium.FPDF_GetPageHeightF(page)), 1.0)
    high = width * down / across
    shrink = min(1.0, math.sqrt(most / max(width * high, 1.0)), most / max(width, 1.0), most / max(high, 1.0))
    return max(1, int(width * shrink)), max(1, int(high * shrink))


def png(page: Any, width: int) -> bytes:
    """The page as a PNG `width` pixels wide, or less where it would pass the bounds."""
    from PIL import Image

    shown = pixels(page, *fitted(page, min(max(width, 1), WIDEST)))
    out = io.BytesIO()
    # Level 1 is five times as fast as the default and a tenth larger on text pages.
    Image.fromarray(shown).save(out, "PNG", compress_level=1)
    return out.getvalue()
