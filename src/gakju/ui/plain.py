"""Foreign text (documents, models, file names, people) in places that Streamlit reads as Markdown."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_JOIN = "\u2060"
"""Word joiner: no width, no break, no meaning."""
_LATE = re.compile(r"(?<=:)|(?<=@)|(?<=www)(?=\.)|(?<=[<>~=-])(?=[<>~=-])", re.IGNORECASE)
"""Icons, emoji codes, bare links and arrows are made from text after escapes are gone; a joiner breaks each."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def plain(text: str, *, limit: int = 0) -> str:
    """`text` on one line so that Markdown shows its characters and does nothing; cut after `limit` characters."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    if limit and len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    return _PUNCTUATION.sub(r"\\\1", _LATE.sub(_JOIN, line))
