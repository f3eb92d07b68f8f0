"""Does a page's text say what the page shows? Fonts without a usable ToUnicode map give nonsense."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

from gakju.read.glyphs import Glyphs

_BAD_SHARE = 0.3
_UNMAPPED_SHARE = 0.4


def is_garbled(glyphs: Glyphs) -> bool:
    """Control and unassigned code points, glyphs without a map, Korean bytes read as Latin-1, or private-use
    code points with little else: formulas set in such fonts do not spoil the prose around them.
    """
    count = len(glyphs.codes)
    if count < 4:
        return False
    kinds = Counter(map(_kind, glyphs.text()))
    bad = kinds["broken"] / count
    if bad > _BAD_SHARE or (glyphs.unmapped > _UNMAPPED_SHARE and bad > 0.02):
        return True
    if kinds["private"] > _BAD_SHARE * count and kinds["letter"] < max(60, 0.25 * count):
        return True
    return kinds["latin-1"] >= 10 and kinds["latin-1"] > kinds["letter"]


@lru_cache(maxsize=4096)
def _kind(c: str) -> str:
    if "\u00a1" <= c <= "\u00ff":
        return "latin-1"
    if c in "\x02\xad\ufffe":  # hyphens at line ends, as pdfium marks them
        return "mark"
    category = unicodedata.category(c)
    if c == "\ufffd" or category in {"Cn", "Cc", "Cs"}:
        return "broken"
    return "private" if category == "Co" else "letter" if c.isalpha() else "mark"
