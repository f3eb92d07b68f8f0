"""The pages beside the one on screen, drawn before anyone turns to them."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

from gakju.types import Document
from gakju.ui import state

PIXELS = 1000
"""Width of a page's picture: sharp on a phone's screen and in a column, and quick to draw."""

_KEPT = 32

_one = ThreadPoolExecutor(1, thread_name_prefix="ahead")
"""One at a time: what a reader waits for now goes first."""
_drawn: OrderedDict[tuple[str, int], Future[bytes | None]] = OrderedDict()


def draw(document: Document, page: int) -> None:
    """Draw the next two pages and the previous one in the background; `page` too, to which a reader comes back."""
    for number in (page + 1, page + 2, page - 1, page):
        key = document.id, number
        if 1 <= number <= document.pages and key not in _drawn:
            _drawn[key] = _one.submit(_draw, *key)
    while len(_drawn) > _KEPT:
        _drawn.popitem(last=False)


def ready(document: Document, page: int) -> bytes | None:
    """The picture of a page that was drawn ahead, without any waiting; None where there is none."""
    made = _drawn.get((document.id, page))
    return made.result() if made and made.done() and not made.exception() else None


def _draw(document_id: str, page: int) -> bytes | None:
    return state.assistant().page_image(document_id, page, width=PIXELS)
