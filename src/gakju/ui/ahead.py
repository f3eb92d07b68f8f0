"""The pages beside the one on screen, drawn before anyone turns to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from gakju.errors import GakjuError
from gakju.types import Document
from gakju.ui import state

PIXELS = 1000
"""Width of a page's picture: sharp on a phone's screen and in a column, and quick to draw."""

_one = ThreadPoolExecutor(1, thread_name_prefix="ahead")
"""One at a time: what a reader waits for now goes first."""


def draw(document: Document, page: int) -> None:
    """Draw the next and the previous page into the assistant's cache, in the background."""
    for number in (page + 1, page - 1):
        if 1 <= number <= document.pages:
            _one.submit(_draw, document.id, number)


def _draw(document_id: str, page: int) -> None:
    with suppress(GakjuError):
        state.assistant().page_image(document_id, page, width=PIXELS)
