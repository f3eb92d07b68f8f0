"""One document: its pages as drawn and as read, its chunks, its problems."""

from __future__ import annotations

import streamlit as st

from gakju.errors import NotFound
from gakju.types import Box, Chunk, Document
from gakju.ui import adding, pane, pieces, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, n, t

CHUNKS = 20
"""Chunks a page of the list."""


def show(document_id: str | None) -> None:
    """Go to a document, or back to the list. In the address, so that a reload stays there."""
    if document_id:
        st.query_params["document"] = document_id
    else:
        st.query_params.pop("document", None)


def page(document_id: str) -> None:
    try:
        d = assistant().document(document_id)
    except NotFound:
        st.warning(t("no_document"))
        _back()
        return
    _back()
    st.title(plain(d.title) or plain(d.path))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(" · ".join(facts(d)), width="stretch")
        pane.download(d, key="download")
    if d.problems:
        with st.expander(t("problems"), icon=":material/info:"):
            adding.problems(d)
    views = {"pages": t("view_pages"), "chunks": t("view_chunks")}
    view = st.segmented_control(
        t("view"), list(views), default="pages", required=True, format_func=views.__getitem__, key="view",
        label_visibility="collapsed",
    )  # fmt: skip
    if view == "chunks":
        _chunks(d)
    else:
        st.fragment(_pages)(d)


def facts(d: Document) -> list[str]:
    """How large it is and since when it is here."""
    added = words.when(d.added_at, st.context.timezone, language())
    return [n("pages", d.pages), n("chunks", d.chunks), words.size(d.bytes), added]


def _back() -> None:
    st.button(t("back"), icon=":material/arrow_back:", type="tertiary", key="back", on_click=show, args=(None,))


def _pages(d: Document) -> None:
    number = st.pagination(d.pages, key=f"page-{d.id}") if d.pages > 1 else 1
    marked: tuple[Box, ...] = ()
    drawn, read = st.columns(2, gap="medium")
    with drawn:
        pane.picture(d, number, marked, (0, 0), key="document")
    with read:
        text = assistant().page(d.id, number)
        st.caption(t("as_read"))
        if text.text.strip():
            pieces.passage(text.text, 0, 0, label=t("page_text", page=number), height=720, key="as-read")
        else:
            st.info(t("no_words"))
        adding.problems(text)


def _chunks(d: Document) -> None:
    chunks = assistant().chunks(d.id)
    pages = -(-len(chunks) // CHUNKS)
    first = (st.pagination(pages, key=f"chunks-{d.id}") - 1) * CHUNKS if pages > 1 else 0
    with st.container(key="chunks"):
        for c in chunks[first : first + CHUNKS]:
            _chunk(c)


def _chunk(c: Chunk) -> None:
    numbers = words.ranges(s.page for s in c.segments)
    path = " › ".join(plain(h, limit=60) for h in c.headings)
    st.caption(f"{t('chunk', number=c.ordinal + 1, pages=numbers)}{' · ' if path else ''}{path}")
    pieces.passage(c.text, 0, 0, label=t("chunk", number=c.ordinal + 1, pages=numbers), key=f"chunk-{c.id}")
