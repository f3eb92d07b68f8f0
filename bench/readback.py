"""A second and a third opinion on what stands on a page: other extractors, and the pixels themselves."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytesseract
from pdfminer.high_level import extract_pages, extract_text
from pdfminer.layout import LAParams, LTChar, LTContainer
from PIL import Image, ImageOps
from pypdf import PdfReader

from common import squeeze, unhyphened

# Tesseract's own threads slow each other down; pages are read side by side instead.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")
for noisy in ("pypdf", "pdfminer"):
    logging.getLogger(noisy).setLevel(logging.CRITICAL)

DPI = 200
INK = 0.004
"""Share of a box that stands out from its background where there is a word at all: a lone dash has more."""
_ONE_AT_A_TIME = threading.Lock()  # pdfium is not thread-safe.
Boxes = Sequence[Sequence[float]]
"""Each `page, x0, y0, x1, y1` in points from the top left of the page as shown."""


@lru_cache(maxsize=32)
def _reader(path: Path) -> PdfReader:
    return PdfReader(path)


@lru_cache(maxsize=4096)
def pypdf_text(path: Path, page: int) -> str:
    return squeeze(_reader(path).pages[page - 1].extract_text())


@lru_cache(maxsize=4096)
def pdfminer_text(path: Path, page: int) -> str:
    return squeeze(extract_text(str(path), page_numbers=[page - 1]))


@lru_cache(maxsize=256)
def _characters(path: Path, page: int) -> tuple[tuple[str, float, float], ...]:
    """Every character as pdfminer places it: text and the middle of its box, from the top left as shown."""
    found: list[tuple[str, float, float]] = []
    whole = next(iter(extract_pages(str(path), page_numbers=[page - 1], laparams=LAParams(all_texts=True))))
    crop, media = _reader(path).pages[page - 1].cropbox, _reader(path).pages[page - 1].mediabox
    left, top = float(crop.left - media.left), float(media.top - crop.top)

    def walk(item: object) -> None:
        if isinstance(item, LTChar):
            found.append(
                (item.get_text(), (item.x0 + item.x1) / 2 - left, whole.height - (item.y0 + item.y1) / 2 - top)
            )
        elif isinstance(item, LTContainer):
            for inner in item:
                walk(inner)

    walk(whole)
    return tuple(found)


def pdfminer_inside(path: Path, boxes: Boxes) -> str:
    """What pdfminer places inside the boxes, line by line from left to right."""
    lines = []
    for page, x0, y0, x1, y1 in boxes:
        inside = [(x, text) for text, x, y in _characters(path, int(page)) if x0 <= x <= x1 and y0 <= y <= y1]
        lines.append("".join(text for _, text in sorted(inside)))
    return squeeze("".join(lines))


def verbatim_by(path: Path, quote: str, pages: Sequence[int], boxes: Boxes) -> str:
    """Which extractor reads `quote` on its page: "pypdf", "pdfminer", "pdfminer in boxes" or "none"."""
    wanted = squeeze(quote)
    for name, extract in (("pypdf", pypdf_text), ("pdfminer", pdfminer_text)):
        text = "".join(extract(path, page) for page in pages)
        if wanted in text or unhyphened(wanted) in unhyphened(text):
            return name
    if boxes and placed(path, quote, boxes):
        return "pdfminer in boxes"
    return "pdfminer in boxes, but for private letters" if boxes and placed_privately(path, quote, boxes) else "none"


def placed(path: Path, quote: str, boxes: Boxes) -> bool:
    """Whether what pdfminer places inside the boxes is the quote, nothing more and nothing less."""
    inside, wanted = (unhyphened(t) for t in (pdfminer_inside(path, boxes), squeeze(quote)))
    return sorted(inside) == sorted(wanted)


def placed_privately(path: Path, quote: str, boxes: Boxes) -> bool:
    """As `placed` where a font says private code points for letters (the formulas of Hangul documents): no
    extractor knows those, so that their number has to do. What they are is for the pixels to say."""
    inside, wanted = Counter(pdfminer_inside(path, boxes)), Counter(squeeze(quote))
    private = sum(n for c, n in inside.items() if "\ue000" <= c <= "\uf8ff")
    rest = Counter({c: n for c, n in inside.items() if not "\ue000" <= c <= "\uf8ff"})
    return private > 0 and not rest - wanted and (wanted - rest).total() == private


@lru_cache(maxsize=12)
def drawn(path: Path, page: int, dpi: int = DPI) -> Image.Image:
    """The page as pdfium draws it, in grey."""
    with _ONE_AT_A_TIME, pdfium.PdfDocument(path) as document:
        return document[page - 1].render(scale=dpi / 72, grayscale=True).to_pil().convert("L")


def crops(path: Path, boxes: Boxes, dpi: int = DPI, padding: float = 1.0) -> list[Image.Image]:
    """The picture inside each box, `padding` points around it."""
    found = []
    for page, x0, y0, x1, y1 in boxes:
        image, scale = drawn(path, int(page), dpi), dpi / 72
        corners = [
            (v + d) * scale for v, d in zip((x0, y0, x1, y1), (-padding, -padding, padding, padding), strict=True)
        ]
        left, top, right, bottom = (round(c) for c in corners)
        found.append(image.crop((max(0, left), max(0, top), min(image.width, right), min(image.height, bottom))))
    return found


def ink(image: Image.Image) -> float:
    """Share of pixels that stand out from the background, whatever the colours are."""
    pixels = np.asarray(image, dtype=np.int16)
    return float((np.abs(pixels - np.median(pixels)) > 60).mean()) if pixels.size else 0.0


def ink_in_all(path: Path, boxes: Boxes) -> bool:
    return all(ink(image) >= INK for image in crops(path, boxes, padding=0.0))


@dataclass(frozen=True)
class Read:
    """What tesseract reads in the boxes, and how far it is from the quote: edits per character of the quote."""

    text: str
    error: float


def _stacked(pieces: Sequence[Image.Image]) -> Image.Image:
    """Lines under each other with air around them, dark on light: what tesseract's block mode likes."""
    light = [p if np.median(np.asarray(p)) > 110 else ImageOps.invert(p) for p in pieces if p.width and p.height]
    gap = 14
    width = max(p.width for p in light) + 2 * gap
    sheet = Image.new("L", (width, sum(p.height + gap for p in light) + gap), 255)
    top = gap
    for piece in light:
        sheet.paste(piece, (gap, top))
        top += piece.height + gap
    return sheet


def _tesseract(image: Image.Image, languages: str, mode: int) -> str:
    """What it reads, squeezed and without the lines of tables and forms, which it takes for `|` and `_`."""
    return re.sub(r"[|_]", "", squeeze(str(pytesseract.image_to_string(image, lang=languages, config=f"--psm {mode}"))))


def read_back(path: Path, quote: str, boxes: Boxes, enough: float, languages: str = "kor+eng") -> Read:
    """Tesseract on the pixels of the boxes, tried more carefully until the error is `enough`."""
    wanted = re.sub(r"[|_]", "", unhyphened(squeeze(quote)))
    best = Read("", 1.0)
    for dpi, mode, speech in (
        (200, 6, languages),
        (300, 6, languages),
        (300, 7, languages),
        (400, 7, languages),
        (300, 6, "eng"),
    ):
        pieces = crops(path, boxes, dpi)
        if mode == 7:
            text = "".join(_tesseract(_stacked([p]), speech, 7) for p in pieces if p.width and p.height)
        else:
            text = _tesseract(_stacked(pieces), speech, mode)
        error = edits(unhyphened(text), wanted) / max(1, len(wanted))
        best = min(best, Read(text, error), key=lambda r: r.error)
        if best.error <= enough:
            break
    return best


def edits(a: str, b: str) -> int:
    """Levenshtein distance."""
    row = np.arange(len(b) + 1)
    letters = np.array([ord(c) for c in b], dtype=np.int64)
    for i, c in enumerate(a, 1):
        above = np.minimum(row[1:] + 1, row[:-1] + (letters != ord(c)))
        new = np.concatenate(([i], above))
        # An insertion carries on from the left: the running minimum of (value - position), put back.
        steps = np.arange(len(new))
        row = np.minimum.accumulate(new - steps) + steps
    return int(row[-1])
