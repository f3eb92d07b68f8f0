"""glibc's heap, kept small in a process of many threads. On other systems nothing here does anything."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

ARENAS = 2
"""glibc would make eight a core; what is freed in one serves no other. Each thread has a small cache beside them."""
_ARENA_MAX = -8
"""`M_ARENA_MAX` of malloc.h."""


def confine() -> None:
    """For threads still to come: no more arenas than `ARENAS`."""
    if made := _libc("mallopt"):
        made(_ARENA_MAX, ARENAS)


def trim() -> None:
    """Give what is free back to the system."""
    if made := _libc("malloc_trim"):
        made(ctypes.c_size_t(0))


def _libc(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
