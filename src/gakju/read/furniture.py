"""Headers and footers: what stands at the edge of a page and again at the same height nearby."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from gakju.read.layout import Piece

Kind = Literal["header", "footer"]

_EDGE = 0.12  # of the page's height
_LONGEST = 160  # characters; a longer line is text
_NEIGHBOURS = 2  # pages either way, so that left and right pages may differ

_NUMBER = re.compile(r"\d+|\b[ivxlc]{1,6}\b")
_PAGE_NUMBER = re.compile(r"^\W*(page|쪽|p\.?)?\s*\d{1,4}\s*(쪽|페이지)?(\s*(of|/|중)\s*\d{1,4})?\W*$", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edge:
    """A line near the top or bottom: its place among the page's pieces, and what it is known by."""

    piece: int
    kind: Kind
    key: str
    at: float
    lone_number: bool


@dataclass(slots=True)
class Sheet(Generic[T]):
    """A page waiting for its neighbours; `kinds` is filled in when it leaves `recognised`."""

    page: T
    edges: list[Edge]
    kinds: dict[int, Kind] = field(default_factory=dict)


def edges_of(pieces: list[Piece], width: float, height: float) -> list[Edge]:
    """The lines that may be headers or footers. `width` and `height` are those of the page as shown."""
    found = []
    for number, piece in enumerate(pieces):
        if piece.ruled or len(piece.text) > _LONGEST or not piece.text:
            continue
        # The reading frame of turned text starts elsewhere.
        low, span = {0: (0.0, height), 1: (-width, width), 2: (-height, height), 3: (0.0, width)}.get(
            piece.turn, (0, 0)
        )
        at = (piece.line.middle - low) / span if span else 0.5
        kind: Kind
        if at < _EDGE:
            kind = "header"
        elif at > 1 - _EDGE:
            kind = "footer"
        else:
            continue
        key = "".join(_NUMBER.sub("#", piece.text.casefold()).split())
        numbered = bool(_PAGE_NUMBER.match(piece.text))
        if numbered or _LETTER.search(key):
            lone = numbered and not _EDGE / 1.5 < at < 1 - _EDGE / 1.5
            found.append(Edge(number, kind, f"{piece.turn}:{key}", at, lone))
    return found


def recognised(sheets: Iterable[Sheet[T]]) -> Iterator[Sheet[T]]:
    """The same sheets in order, a few pages behind, with `kinds` filled in."""
    window: deque[Sheet[T]] = deque()
    ahead = 0  # sheets in the window not yet given out
    for sheet in sheets:
        window.append(sheet)
        ahead += 1
        if ahead > _NEIGHBOURS:
            yield _marked(window, len(window) - ahead)
            ahead -= 1
            if len(window) - ahead > _NEIGHBOURS:
                window.popleft()
    while ahead:
        yield _marked(window, len(window) - ahead)
        ahead -= 1


def _marked(window: deque[Sheet[T]], at: int) -> Sheet[T]:
    sheet = window[at]
    others = [e for n, s in enumerate(window) if n != at and abs(n - at) <= _NEIGHBOURS for e in s.edges]
    for edge in sheet.edges:
        again = any(e.key == edge.key and e.kind == edge.kind and abs(e.at - edge.at) < 0.02 for e in others)
        if again or edge.lone_number:
            sheet.kinds[edge.piece] = edge.kind
    return sheet
