"""Code points to NFC with ligatures spelt out, boxes and blocks kept in step."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np

from gakju.read.glyphs import Floats, Ints
from gakju.types import Block

_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}


def composed(codes: Ints, boxes: Floats, blocks: Sequence[Block]) -> tuple[str, tuple[Block, ...], Floats]:
    """Text in NFC. A composed character's box holds those of its parts; a ligature's box is shared out."""
    text = "".join(map(chr, codes.tolist()))
    if unicodedata.is_normalized("NFC", text) and not np.isin(codes, list(_LIGATURES)).any():
        return text, tuple(blocks), boxes
    parts: list[str] = []
    places: list[Floats] = []
    moved = np.zeros(len(text) + 1, np.int64)
    total = 0
    for start, end in _clusters(text):
        out = "".join(_LIGATURES.get(ord(c), c) for c in text[start:end]) if end - start == 1 else text[start:end]
        out = unicodedata.normalize("NFC", out)
        moved[start:end] = total
        total += len(out)
        moved[end] = total
        parts.append(out)
        places.append(_shared(boxes[start:end], len(out), spread=end - start == 1))
    blocks = [b._replace(start=int(moved[b.start]), end=int(moved[b.end])) for b in blocks]
    return "".join(parts), tuple(blocks), np.concatenate(places)


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Stretches that compose only within themselves."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not _joins(text[at]):
            yield start, at
            start = at


def _joins(c: str) -> bool:
    """May compose with what stands before it: combining marks, Hangul vowels and finals."""
    return (
        unicodedata.combining(c) > 0
        or "\u1160" <= c <= "\u11ff"
        or (c > "\u02ff" and unicodedata.category(c)[0] == "M")
    )


def _shared(boxes: Floats, count: int, *, spread: bool) -> Floats:
    """`count` boxes from those of a cluster: side by side where one glyph gives several, else their hull."""
    if not count:
        return np.empty((0, 4), np.float32)
    if len(boxes) == count:
        return boxes
    seen = boxes[~np.isnan(boxes[:, 0])]
    if not len(seen):
        return np.full((count, 4), np.nan, np.float32)
    hull = np.concatenate([seen[:, :2].min(axis=0), seen[:, 2:].max(axis=0)])
    out = np.tile(hull, (count, 1)).astype(np.float32)
    if spread and count > 1:
        cuts = np.linspace(hull[0], hull[2], count + 1)
        out[:, 0], out[:, 2] = cuts[:-1], cuts[1:]
    return out
