"""The library page: what is in it, adding to it, taking out of it."""

from __future__ import annotations

import streamlit as st

from gakju.types import Document
from gakju.ui import adding, document, pieces, words
from gakju.ui.chat import name_of
from gakju.ui.plain import plain
from gakju.ui.state import assistant, n, t

SHOWN = 30
"""Documents a page of the list."""


def page() -> None:
    wanted = st.query_params.get("document")
    if wanted:
        document.page(wanted)
        return
    with st.container(key="shelf"):
        _shelf()


def _shelf() -> None:
    seen = adding.mark()
    documents = assistant().documents()
    st.title(t("library"))
    if documents:
        facts = [n("documents", len(documents)), n("pages", sum(d.pages for d in documents))]
        st.caption(" · ".join([*facts, words.size(sum(d.bytes for d in documents))]))
    else:
        st.markdown(t("library_empty"))
    adding.form()
    adding.jobs(seen)
    _stale()
    if documents:
        _list(documents)


def _stale() -> None:
    """A library read with other parts than today's says so and offers to read itself again."""
    changed = assistant().parts.index.stale
    if not changed or any(j.kind == "reindex" for j in assistant().store.jobs(states=["queued", "running"])):
        return
    with st.container(border=True, key="stale"):
        st.markdown(t("stale", parts=", ".join(t(f"part_{p}") for p in changed)))
        if st.button(t("reindex"), icon=":material/autorenew:"):
            assistant().submit_reindex()
            st.rerun()


def _list(documents: list[Document]) -> None:
    names = sorted({d.collection for d in documents})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = ""
        if len(documents) > 8:
            wanted = st.text_input(t("filter"), key="filter", icon=":material/search:", width=320).strip().casefold()
        shelf = None
        if len(names) > 1:
            shelf = st.selectbox(
                t("collection"),
                names,
                index=None,
                format_func=name_of,
                placeholder=t("all"),
                key="shelf-name",
                width=220,
            )
    found = [
        d
        for d in reversed(documents)
        if (not shelf or d.collection == shelf) and wanted in f"{d.title} {d.path}".casefold()
    ]
    if not found:
        st.caption(t("none_found"))
        return
    pages = -(-len(found) // SHOWN)
    first = (st.pagination(pages, key="shelf-page") - 1) * SHOWN if pages > 1 else 0
    with st.container(key="documents", gap=None):
        for d in found[first : first + SHOWN]:
            _row(d, several=len(names) > 1)


def _row(d: Document, several: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"row-{d.id}", gap="small"):
        with st.container(gap=None, width="stretch"):
            label = plain(d.title, limit=90) or plain(d.path)
            st.button(f"**{label}**", type="tertiary", key=f"open-{d.id}", on_click=document.show, args=(d.id,))
            st.caption(_facts(d, several))
        if pieces.icon("delete", "delete", f"delete-{d.id}"):
            st.dialog(t("delete_title"))(_confirm)(d)


def _facts(d: Document, several: bool) -> str:
    facts = [*document.facts(d)]
    if several:
        facts.insert(0, plain(name_of(d.collection)))
    if count := sum(p.kind != "ocr" for p in d.problems):
        facts.append(f":orange[{n('problems', count)}]")
    return " · ".join(facts)


def _confirm(d: Document) -> None:
    st.markdown(t("delete_ask", title=plain(d.title)))
    with st.container(horizontal=True):
        if st.button(t("delete"), type="primary", key="delete_yes"):
            assistant().delete(d.id)
            st.query_params.pop("document", None)
            st.toast(t("deleted", title=plain(d.title, limit=60)), icon=":material/check:")
            st.rerun()
        if st.button(t("keep"), key="delete_no"):
            st.rerun()
