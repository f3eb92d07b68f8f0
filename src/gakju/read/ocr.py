"""Pixels to text by tesseract: paragraphs of lines, a box for every code point."""

from __future__ import annotations

import os
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pypdfium2.raw as pdfium

from gakju.errors import GakjuError
from gakju.read.glyphs import Floats
from gakju.read.render import fitted, pixels
from gakju.types import Block

SECONDS = 60
"""Longest time one page may take."""

INSTALL = "apt-get install tesseract-ocr tesseract-ocr-kor"

_DPI = 200
_MOST_PIXELS = 12_000_000  # A3 at 250 dpi
_NARROW = 0.4  # of a word's height; merged words cost a search less than parted syllables
_LEAST_CONFIDENCE = 25  # of 100; below it tesseract sees letters in pictures


class OcrMissing(GakjuError):
    """Tesseract or one of its languages is not installed; the message says which."""

    code = "ocr_missing"


class OcrFailed(GakjuError):
    """Tesseract gave up on the page."""

    code = "ocr_failed"


@lru_cache(maxsize=8)
def check(languages: str) -> None:
    """Raises OcrMissing where tesseract cannot read `languages` ("kor+eng")."""
    import pytesseract

    try:
        present = set(pytesseract.get_languages())
    except (pytesseract.TesseractNotFoundError, OSError, RuntimeError) as error:
        raise OcrMissing("tesseract is not installed.", hint=f"Run: {INSTALL}") from error
    if missing := [each for each in languages.split("+") if each not in present]:
        packages = " ".join(f"tesseract-ocr-{each}" for each in missing)
        raise OcrMissing(f"tesseract lacks data for {', '.join(missing)}.", hint=f"Run: apt-get install {packages}")


def read(page: Any, languages: str) -> tuple[str, tuple[Block, ...], Floats]:
    """Text in NFC, blocks, and x0 y0 x1 y1 of every code point as shown. Raises OcrMissing or OcrFailed."""
    import pytesseract
    from PIL import Image

    check(languages)
    width = float(pdfium.FPDF_GetPageWidthF(page))
    across, down = fitted(page, width / 72 * _DPI, _MOST_PIXELS)
    image = Image.fromarray(pixels(page, across, down)).convert("L")
    os.environ["OMP_THREAD_LIMIT"] = "1"  # several pages are read side by side
    try:
        data = pytesseract.image_to_data(
            image, lang=languages, config=f"--dpi {_DPI}", timeout=SECONDS, output_type=pytesseract.Output.DICT
        )
    except RuntimeError as error:
        raise OcrFailed(f"OCR did not finish: {' '.join(str(error).split())[:200]}.") from error
    return _assembled(data, width / across)


def _assembled(data: dict[str, list[Any]], scale: float) -> tuple[str, tuple[Block, ...], Floats]:
    """Words of tesseract's table to text: spaces between words, a line break between lines."""
    text: list[str] = []
    boxes: list[tuple[float, float, float, float]] = []
    blocks: list[Block] = []
    nowhere = (np.nan,) * 4
    paragraph = line = None
    reach = 0.0
    names = ("text", "conf", "left", "top", "width", "height", "block_num", "par_num", "line_num")
    for word, conf, left, top, wide, high, *place in zip(*(data[n] for n in names), strict=True):
        shown = unicodedata.normalize("NFC", str(word).strip())
        if not shown or float(conf) < _LEAST_CONFIDENCE:
            continue
        if paragraph != place[:2]:
            gap = "\n\n" if text else ""
            blocks.append(Block("text", len(text) + len(gap), 0))
        elif line != place:
            gap = "\n"
        else:
            # Tesseract parts Hangul syllables that touch; a space between Korean words is wider.
            hangul = "가" <= text[-1] <= "힣" or "가" <= shown[0] <= "힣"
            gap = "" if hangul and left - reach < _NARROW * high else " "
        paragraph, line, reach = place[:2], place, left + wide
        text += gap
        boxes += [nowhere] * len(gap)
        cuts = np.linspace(left, left + wide, len(shown) + 1) * scale
        boxes += [(a, top * scale, b, (top + high) * scale) for a, b in pairwise(cuts.tolist())]
        text += shown
        blocks[-1] = blocks[-1]._replace(end=len(text))
    return "".join(text), tuple(blocks), np.array(boxes, np.float32).reshape(-1, 4)
