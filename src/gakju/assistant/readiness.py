"""Whether a server could answer if it were asked now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gakju.errors import GakjuError
from gakju.models import catalog, fetch

if TYPE_CHECKING:
    from gakju.assistant import Assistant


def ready(assistant: Assistant) -> dict[str, str]:
    """`ok`, or what is in the way, for each of store, library, chat_model and embedder."""
    s = assistant.settings
    return {
        "store": _tried(assistant.store.check),
        "library": _tried(lambda: assistant.parts.index),
        "chat_model": _model(assistant, s.chat_model),
        "embedder": _model(assistant, s.embedder),
    }


def _tried(look: Callable[[], object]) -> str:
    try:
        look()
    except GakjuError as e:
        return str(e)
    return "ok"


def _model(assistant: Assistant, name: str) -> str:
    """A model elsewhere is taken as ready: each look would cost money."""
    provider, _, model = name.partition(":")
    if provider != "embedded":
        return "ok"
    try:
        entry = catalog.entry(model.partition("+")[0])
    except GakjuError as e:
        return str(e)
    there = fetch.present(entry, assistant.settings.models)
    return "ok" if there else f"{entry.name} is not on this machine. Run `gakju models pull {entry.name}`."
