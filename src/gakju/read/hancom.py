"""Formulas of Hangul (HWP) documents: their fonts put Latin letters, digits and signs in the private-use area.

Read off such fonts' glyphs: U+E000 A to Z, U+E034 1 to 9 and 0, U+E0E5 a to z, signs between. What is not
listed stays as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FONTS = (b"hyhwpeq", b"hancomeqn")
_SIGNS = {0x44: "(", 0x45: ")", 0x46: "-", 0x47: "=", 0x48: "+", 0x49: "[", 0x4A: "]", 0x4B: "{", 0x4C: "}", 0x4D: "|"}
_SIGNS |= {0x4F: ":", 0x52: ",", 0x53: ".", 0x54: "/", 0x55: "<", 0x56: ">"}

_FIRST = 0xE000
_TABLE = np.arange(_FIRST, _FIRST + 0x100, dtype=np.int32)
_TABLE[0x00:0x1A] = np.arange(ord("A"), ord("Z") + 1)
_TABLE[0x34:0x3E] = [ord(c) for c in "1234567890"]
_TABLE[0xE5:0xFF] = np.arange(ord("a"), ord("z") + 1)
for _at, _sign in _SIGNS.items():
    _TABLE[_at] = ord(_sign)


def is_formula_font(name: bytes) -> bool:
    return any(each in name.lower() for each in _FONTS)


def decoded(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Code points of a formula font to the characters they show."""
    inside = (codes >= _FIRST) & (codes < _FIRST + len(_TABLE))
    found: NDArray[np.int32] = np.where(inside, _TABLE[np.clip(codes - _FIRST, 0, len(_TABLE) - 1)], codes)
    return found
