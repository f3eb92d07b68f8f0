"""The page pane: the page a footnote stands on, its words highlighted, the quote to copy, other footnotes beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from gakju.assistant import DEFAULT
from gakju.errors import NotFound
from gakju.types import Document, Footnote
from gakju.ui import pieces, sheet, web
from gakju.ui.plain import plain
from gakju.ui.state import assistant, t


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


def draw(places: Sequence[Footnote], on_close: Callable[[], None] | None = None, *, shelf: str = DEFAULT) -> None:
    """The pane for the open place among `places`. `on_close` adds a close button; pages are saved to `shelf`."""
    if st.session_state.pop("pane_moved", False):
        st.rerun()  # All of it: the mark in the answer moves along.
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
        st.markdown(f"**{plain(document.title)}**")
        web.of_page(document, place, shelf)
        sheet.draw(
            document,
            page,
            sheet.Marked(place.boxes, spans(place, page), place.quote, place.page),
            key="pane-sheet",
            on_turn=lambda to: show(replace(shown, page=to)),
            on_note=(lambda by: _step(shown, by, len(places))) if len(places) > 1 else None,
            # What stands above and below it: for a page of the web two lines more.
            tall="60vh" if on_close is None else f"calc(100vh - {31 if web.mark(document.path) else 25}rem)",
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            download(document, key="pane-download")
            st.page_link(
                st.session_state["pages"]["library"],
                label=t("open_document"),
                icon=":material/open_in_full:",
                query_params={"document": document.id, "page": str(page)},
            )


def _head(shown: Open, count: int, on_close: Callable[[], None] | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        kind = "note_of" if shown.list == "notes" else "evidence_of"
        st.markdown(t(kind, number=shown.index + 1, count=count), width="stretch")
        for icon, label, by in (("arrow_upward", "previous_note", -1), ("arrow_downward", "next_note", 1)):
            if count > 1 and pieces.icon(icon, label, f"pane-{label}"):
                _step(shown, by, count)
                st.rerun()
        if on_close and pieces.icon("close", "close", "pane-close"):
            on_close()


def _step(shown: Open, by: int, count: int) -> None:
    show(replace(shown, index=(shown.index + by) % count, page=None))
    st.session_state["pane_moved"] = True


def spans(place: Footnote, page: int) -> tuple[int, int]:
    """The quote's code points on `page`; empty where it does not reach that page."""
    found = [(s.start, s.end) for s in place.spans if s.page == page]
    if not found and page == place.page:
        found = [(place.start, place.end)]
    return (min(a for a, _ in found), max(b for _, b in found)) if found else (0, 0)


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
