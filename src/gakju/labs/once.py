"""One lab of a kind for an assistant, whoever asks for it first: each serves jobs, and must do so once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from gakju.assistant import Assistant

T = TypeVar("T")

_lock = threading.Lock()


def once(kind: type[T], assistant: Assistant) -> T:
    """`kind(assistant)`, made at the first call."""
    with _lock:
        made: dict[type, Any] = assistant.labs
        if kind not in made:
            made[kind] = kind(assistant)  # type: ignore[call-arg]
        found: T = made[kind]
        return found
