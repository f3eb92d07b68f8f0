"""A page to look at: drawn with its words over it, or as text; turned, enlarged and copied from by mouse or keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import streamlit as st
from streamlit.runtime import get_instance

from gakju.errors import GakjuError
from gakju.language import explain
from gakju.types import Box, Document, Page
from gakju.ui import ahead, pieces
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t

_GAP = 2.5
"""Glyphs of one line that are further apart than so many times its height stand in columns of their own."""


class Marked(NamedTuple):
    """What is shown of a page: `boxes` marked, `span` of its text likewise, `quote` below; `home` is its page."""

    boxes: Sequence[Box] = ()
    span: tuple[int, int] = (0, 0)
    quote: str = ""
    home: int | None = None


class Area(NamedTuple):
    """A part of the page with a border and a name to press; `boxes` are its lines."""

    id: str
    name: str
    label: str
    boxes: Sequence[Box]
    here: bool = False


def draw(
    document: Document,
    number: int,
    marked: Marked | None = None,
    *,
    key: str,
    on_turn: Callable[[int], None],
    on_note: Callable[[int], None] | None = None,
    areas: Sequence[Area] = (),
    on_choose: Callable[[str], None] | None = None,
    tall: str = "min(46rem, calc(100vh - 15rem))",
) -> None:
    """Page `number`. `on_turn` gets the page wanted, `on_note` 1 or -1, `on_choose` the id of an area.

    `tall` is CSS for the most height it takes.
    """
    marked = marked or Marked()
    try:
        page = assistant().page(document.id, number)
        png = assistant().page_image(document.id, number, width=ahead.PIXELS, highlight=tuple(marked.boxes))
    except GakjuError as e:
        st.error(plain(explain(e, language())), icon=":material/error:")
        return

    def told(name: str, act: Callable[[Any], None] | None, value: str) -> Callable[[], None]:
        def changed() -> None:
            if act and (given := st.session_state[key].get(name)):
                act(given[value])

        return changed

    data = {
        **_place(document, page, png, marked, key),
        "areas": [_area(a, number) for a in areas] if png else [],
        "ahead": {
            n: _served(image, f"{key}-{n}") for n in (number - 1, number + 1) if (image := ahead.ready(document, n))
        },
        "notes": on_note is not None,
        "tall": tall,
    }
    pieces.component("sheet")(
        key=key,
        data=data,
        on_turn_change=told("turn", on_turn, "page"),
        on_note_change=told("note", on_note, "by"),
        on_choose_change=told("choose", on_choose, "id"),
    )
    if png:
        ahead.draw(document, number)


def _place(document: Document, page: Page, png: bytes | None, marked: Marked, key: str) -> dict[str, Any]:
    start, end = marked.span
    here = [b for b in marked.boxes if b.page == page.number]
    return {
        "src": _served(png, key) if png else "",
        "alt": t("page_alt", title=document.title, page=page.number),
        "width": page.width,
        "height": page.height,
        "lines": lines(page) if png else [],
        "text": None if png else {"before": page.text[:start], "quote": page.text[start:end], "after": page.text[end:]},
        "page": page.number,
        "pages": document.pages,
        "home": marked.home,
        "at": min(b.y0 for b in here) / page.height if here and page.height else None,
        "left": min(b.x0 for b in here) / page.width if here and page.width else None,
        "mark": f"{document.id} {page.number} {marked.span} {marked.quote[:40]}",
        "quote": marked.quote,
        "words": _words(page.number, document.pages),
    }


def _served(png: bytes, key: str) -> str:
    """The picture's address for this visitor, for as long as the page that shows it."""
    return get_instance().media_file_mgr.add(png, "image/png", f"sheet-{key}")


def _words(number: int, pages: int) -> Mapping[str, str]:
    return {
        "back": t("previous_page"),
        "on": t("next_page"),
        "home": t("back_to_quote"),
        "out": t("smaller"),
        "fit": t("fit"),
        "in": t("larger"),
        "number": t("page_number"),
        "of": t("of_pages", pages=pages),
        "said": t("page_of", page=number, pages=pages),
        "keys": t("sheet_keys"),
        "sheet": t("sheet"),
        "copy": t("copy_quote"),
        "copied": t("copied"),
    }


def _area(area: Area, page: int) -> dict[str, Any]:
    return {
        "id": area.id,
        "name": area.name,
        "label": area.label,
        "here": area.here,
        "rects": outlines([b for b in area.boxes if b.page == page]),
    }


def lines(page: Page) -> list[tuple[float, float, float, float, str]]:
    """The page's text as drawn: x0, y0, x1, y1 in points and the words of each line, or of its part of a column."""
    found: list[tuple[float, float, float, float, str]] = []
    inside = False
    for character, (x0, y0, x1, y1) in zip(page.text, page.glyphs.tolist(), strict=False):
        if math.isnan(x0):  # no place
            inside = inside and character != "\n"
            if inside and character.isspace():
                found[-1] = (*found[-1][:4], found[-1][4] + " ")
            continue
        last = found[-1] if inside else None
        level = last and min(y1, last[3]) - max(y0, last[1]) > 0.5 * min(y1 - y0, last[3] - last[1])
        if last and level and last[0] <= x1 and x0 - last[2] < _GAP * (y1 - y0):
            edges = min(x0, last[0]), min(y0, last[1]), max(x1, last[2]), max(y1, last[3])
            found[-1] = (*edges, last[4] + character)
        else:
            found.append((x0, y0, x1, y1, character))
            inside = True
    return [(round(a, 1), round(b, 1), round(c, 1), round(d, 1), text.rstrip()) for a, b, c, d, text in found]


def outlines(boxes: Sequence[Box]) -> list[tuple[float, float, float, float]]:
    """Borders around lines: one for each run of lines that stand below each other, so columns stay apart."""
    found: list[list[float]] = []
    for _, x0, y0, x1, y1 in boxes:
        last = found[-1] if found else None
        if last and x0 < last[2] and x1 > last[0] and y1 >= last[1]:
            last[:] = min(last[0], x0), min(last[1], y0), max(last[2], x1), max(last[3], y1)
        else:
            found.append([x0, y0, x1, y1])
    return [(round(a - 2, 1), round(b - 2, 1), round(c + 2, 1), round(d + 2, 1)) for a, b, c, d in found]
