"""What travels between the parent and a worker: frames of JSON and raw bytes, never pickled objects."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from gakju import errors
from gakju.types import Block, Page, Problem

_HEAD = struct.Struct("<II")
_LARGEST = 256 << 20
"""Bytes of one part of a frame; a page of the most characters takes 8 MB."""


class WireError(Exception):
    """What arrived is no frame."""


def send(stream: IO[bytes], header: Mapping[str, Any], raw: bytes = b"") -> None:
    """Writes one frame and flushes."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    stream.write(_HEAD.pack(len(text), len(raw)))
    stream.write(text)
    stream.write(raw)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next frame, or None where the other side is gone. Raises WireError."""
    head = _exactly(stream, _HEAD.size)
    if head is None:
        return None
    lengths = _HEAD.unpack(head)
    if max(lengths) > _LARGEST:
        raise WireError(f"a frame of {max(lengths)} bytes")
    text, raw = (_exactly(stream, n) for n in lengths)
    if text is None or raw is None:
        return None
    try:
        header = json.loads(text.decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise WireError("a frame without JSON") from error
    if not isinstance(header, dict):
        raise WireError("a frame without an object")
    return header, raw


def _exactly(stream: IO[bytes], count: int) -> bytes | None:
    parts = []
    while count:
        part = stream.read(count)
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def page_to_frame(page: Page) -> tuple[dict[str, Any], bytes]:
    header = {
        "number": page.number,
        "text": page.text,
        "blocks": [list(b) for b in page.blocks],
        "status": page.status,
        "size": [page.width, page.height],
        "problems": [[p.page, p.kind, p.detail] for p in page.problems],
    }
    return {"page": header}, page.glyphs.astype("<f4", copy=False).tobytes()


def page_from_frame(header: Mapping[str, Any], raw: bytes) -> Page:
    """Raises WireError where the parts do not fit together."""
    try:
        width, height = header["size"]
        page = Page(
            int(header["number"]),
            str(header["text"]),
            tuple(Block(*b) for b in header["blocks"]),
            header["status"],
            float(width),
            float(height),
            np.frombuffer(raw, "<f4").reshape(-1, 4),
            tuple(Problem(*p) for p in header["problems"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"a page that makes no sense: {error}") from error
    if len(page.glyphs) not in {0, len(page.text)}:
        raise WireError("a page with more or fewer boxes than characters")
    return page


_ERRORS = {
    each.__name__: each
    for each in (
        errors.BrokenFile,
        errors.LimitExceeded,
        errors.PasswordRequired,
        errors.ReadError,
        errors.UnsupportedFormat,
    )
}


def error_to_frame(error: errors.GakjuError) -> dict[str, Any]:
    name = type(error).__name__
    return {"error": {"kind": name if name in _ERRORS else "ReadError", "message": error.message, "hint": error.hint}}


def error_from_frame(header: Mapping[str, Any]) -> errors.ReadError:
    kind = _ERRORS.get(str(header.get("kind")), errors.ReadError)
    return kind(str(header.get("message", "")), hint=str(header.get("hint", "")))
