"""Pictures of pages with the quoted words marked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw

from gakju.assistant.parts import Parts
from gakju.types import Box

MARK = (255, 226, 77)
"""Multiplied into the page, so that black words stay black: a marker pen's yellow."""
PADDING = 1.5
"""Points around a line's box."""


def page_image(parts: Parts, document_id: str, number: int, width: int, highlight: Sequence[Box]) -> bytes | None:
    """PNG bytes, or None for a document without drawn pages. Raises NotFound, ReadError."""
    document = parts.index.document(document_id)
    if document.media_type != "application/pdf":
        return None
    page = parts.index.page(document_id, number)
    secret = parts.index.secret(document_id)
    png = _drawn(parts, parts.blobs.path(document.digest), number, width, tuple(secret.split("\n")) if secret else ())
    boxes = [b for b in highlight if b.page == number]
    if not boxes or not page.width:
        return png
    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    scale = image.width / page.width
    layer = Image.new("RGB", image.size, "white")
    draw = ImageDraw.Draw(layer)
    for b in boxes:
        corners = [(v + d) * scale for v, d in zip(b[1:], (-PADDING, -PADDING, PADDING, PADDING), strict=True)]
        draw.rounded_rectangle(corners, radius=2 * scale, fill=MARK)
    out = io.BytesIO()
    ImageChops.multiply(image, layer).save(out, "PNG", compress_level=1)
    return out.getvalue()


@lru_cache(maxsize=64)
def _drawn(parts: Parts, path: Path, number: int, width: int, passwords: tuple[str, ...]) -> bytes:
    return parts.reader.render(path, number, width=width, passwords=passwords)
