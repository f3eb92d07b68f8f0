"""The page pane: the page a footnote stands on, its words highlighted, the quote to copy, other footnotes beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from gakju.errors import GakjuError, NotFound
from gakju.language import explain
from gakju.types import Box, Document, Footnote
from gakju.ui import ahead, pieces
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t


@dataclass(frozen=True, slots=True)
class Open:
    """What the pane shows: place `index` of a turn's `list`, on its own page unless `page` says another."""

    turn: int
    list: str
    index: int
    narrow: bool
    page: int | None = None

    @property
    def mark(self) -> str:
        return f"{self.list}-{self.index}"


def current() -> Open | None:
    shown: Open | None = st.session_state.get("open")
    return shown


def show(shown: Open | None) -> None:
    st.session_state["open"] = shown


def _turn_to(page: int) -> None:
    if shown := current():
        show(replace(shown, page=page))
        st.rerun(scope="fragment")


def draw(places: Sequence[Footnote], on_close: Callable[[], None] | None = None) -> None:
    """The pane for the open place among `places`. `on_close` adds a close button."""
    shown = current()
    if shown is None or not 0 <= shown.index < len(places):
        return
    place = places[shown.index]
    with st.container(key="pane", gap="xsmall"):
        _head(shown, len(places), on_close)
        try:
            document = assistant().document(place.document.id)
        except NotFound:
            st.warning(t("document_gone", title=plain(place.document.title)))
            st.code(place.quote, language=None, wrap_lines=True)
            return
        page = shown.page or place.page
        _turning(document, page, place)
        with st.container(key="sheet-large" if st.session_state.get("large") else "sheet"):
            picture(document, page, place.boxes, spans(place, page), key="pane")
        pieces.reveal(_height(document, page, place), f"{shown.mark} {page} {st.session_state.get('large')}")
        st.code(place.quote, language=None, wrap_lines=True)
        download(document, key="pane-download")


def _head(shown: Open, count: int, on_close: Callable[[], None] | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        kind = "note_of" if shown.list == "notes" else "evidence_of"
        st.markdown(t(kind, number=shown.index + 1, count=count), width="stretch")
        for icon, label, by in (("arrow_upward", "previous_note", -1), ("arrow_downward", "next_note", 1)):
            if count > 1 and pieces.icon(icon, label, f"pane-{label}"):
                show(replace(shown, index=(shown.index + by) % count, page=None))
                st.rerun()  # All of it: the mark in the answer moves along.
        if on_close and pieces.icon("close", "close", "pane-close"):
            on_close()


def _turning(document: Document, page: int, place: Footnote) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(document.title)}**", width="stretch")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content", wrap=False):
            large = st.session_state.get("large", False)
            if pieces.icon("zoom_out" if large else "zoom_in", "smaller" if large else "larger", "pane-zoom"):
                st.session_state["large"] = not large
                st.rerun(scope="fragment")
            if page != place.page and pieces.icon("undo", "back_to_quote", "pane-home"):
                _turn_to(place.page)
            if pieces.icon("chevron_left", "previous_page", "pane-left", disabled=page <= 1):
                _turn_to(page - 1)
            st.markdown(t("page_of", page=page, pages=document.pages), width="content")
            if pieces.icon("chevron_right", "next_page", "pane-right", disabled=page >= document.pages):
                _turn_to(page + 1)


def _height(document: Document, page: int, place: Footnote) -> float | None:
    """How far down the page its first marked line stands, 0 to 1; None where there is none."""
    tops = [b.y0 for b in place.boxes if b.page == page]
    if not tops:
        return None
    height = assistant().page(document.id, page).height
    return min(tops) / height if height else None


def spans(place: Footnote, page: int) -> tuple[int, int]:
    """The quote's code points on `page`; empty where it does not reach that page."""
    found = [(s.start, s.end) for s in place.spans if s.page == page]
    if not found and page == place.page:
        found = [(place.start, place.end)]
    return (min(a for a, _ in found), max(b for _, b in found)) if found else (0, 0)


def picture(document: Document, page: int, boxes: Sequence[Box], span: tuple[int, int], *, key: str) -> None:
    """The page as drawn with `boxes` marked, or its text with `span` marked where a format has no drawn pages."""
    try:
        png = assistant().page_image(document.id, page, width=ahead.PIXELS, highlight=tuple(boxes))
        if png is None:
            text = assistant().page(document.id, page).text
            pieces.passage(text, *span, label=t("page_text", page=page), height=560, key=f"{key}-text")
        else:
            st.image(png, width="stretch", alt=t("page_alt", title=document.title, page=page))
            ahead.draw(document, page)
    except GakjuError as e:
        st.error(plain(explain(e, language())))


def download(document: Document, *, key: str) -> None:
    """The original under its own name; read only when asked for."""
    path, name = assistant().original(document.id), Path(document.path).name
    st.download_button(
        t("download"),
        data=path.read_bytes,
        file_name=name,
        mime=document.media_type or None,
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key=key,
    )
