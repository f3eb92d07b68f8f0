"""Server-sent events of OpenAI's API, read strictly."""

from __future__ import annotations

import json
from typing import Any


def parsed(body: str) -> tuple[list[dict[str, Any]], list[str]]:
    """(chunks, comments). Nothing else may be in the stream, and nothing after `[DONE]`."""
    chunks, comments, done = [], [], False
    assert body.endswith("\n\n")
    for block in body[:-2].split("\n\n"):
        assert not done, f"after the end: {block}"
        assert "\n" not in block
        assert "\r" not in block
        if block.startswith(": "):
            comments.append(block[2:])
        elif block == "data: [DONE]":
            done = True
        else:
            assert block.startswith("data: {")
            chunks.append(json.loads(block[6:]))
    assert done or "error" in chunks[-1]
    return chunks, comments


def text(chunks: list[dict[str, Any]], index: int = 0) -> str:
    """What a choice says."""
    deltas = [c["delta"] for chunk in chunks for c in chunk["choices"] if c["index"] == index]
    return "".join(d.get("content") or "" for d in deltas)
