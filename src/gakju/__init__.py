"""Gakju (각주): answers from your own documents, with a footnote under every sentence.

from gakju import Assistant

with Assistant.open("my-library") as gakju:
    gakju.add(["handbook.pdf"])
    answer = gakju.answer("연차휴가는 며칠인가요?")
    for claim in answer.claims:
        print(claim.text, claim.verdict, [(f.document.title, f.page, f.quote) for f in claim.footnotes])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.errors import GakjuError
    from gakju.settings import Settings
    from gakju.types import Added, Answer, Box, Claim, Document, Evidence, Footnote, Hit, Judgement, Message, Page

__all__ = [
    "Added",
    "Answer",
    "Assistant",
    "Box",
    "Claim",
    "Document",
    "Evidence",
    "Footnote",
    "GakjuError",
    "Hit",
    "Judgement",
    "Message",
    "Page",
    "Settings",
]

_HOMES = {"Assistant": "gakju.assistant", "GakjuError": "gakju.errors", "Settings": "gakju.settings"}


def __getattr__(name: str) -> object:
    """Names load when first used, so that the command line starts quickly."""
    if name not in __all__:
        raise AttributeError(f"module 'gakju' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "gakju.types")), name)
