"""The library page: what is in it, adding to it, putting it in order."""

from __future__ import annotations

import streamlit as st

from gakju.text.links import site
from gakju.types import Document
from gakju.ui import adding, document, pieces, shelves, web, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, n, name_of, t

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
    shelves.undo()
    adding.form()
    adding.jobs(seen)
    web.watched()
    _stale()
    if documents:
        _list(documents)
    shelves.removed()
    if documents:
        _upkeep()


def _stale() -> None:
    """A library read with other parts than today's says so and offers to read itself again."""
    changed = assistant().parts.index.stale
    if not changed or _reindexing():
        return
    with st.container(border=True, key="stale"):
        st.markdown(t("stale", parts=", ".join(t(f"part_{p}") for p in changed)))
        if st.button(t("reindex"), icon=":material/autorenew:", key="reindex-stale"):
            assistant().submit_reindex()
            st.rerun()


def _reindexing() -> bool:
    return bool(assistant().store.jobs(kinds=["reindex"], states=["queued", "running"]))


def _upkeep() -> None:
    """What the library takes up, and reading all of it again."""
    used = assistant().shelf.storage()
    with st.expander(t("storage", size=words.size(used.total)), icon=":material/hard_drive:"):
        parts = (
            (t("storage_originals"), used.originals),
            (t("storage_index"), used.index),
            (t("storage_database"), used.database),
        )
        st.markdown(" · ".join(f"{name} {words.size(size)}" for name, size in parts))
        st.caption(t("reindex_help"))
        if st.button(t("reindex"), icon=":material/autorenew:", key="reindex", disabled=_reindexing()):
            assistant().submit_reindex()
            st.rerun()


def _list(documents: list[Document]) -> None:
    names = sorted({d.collection for d in documents})
    with st.container(horizontal=True, vertical_alignment="bottom", key="list-tools"):
        wanted = ""
        if len(documents) > 8:
            wanted = st.text_input(t("filter"), key="filter", icon=":material/search:", width=260).strip().casefold()
        shelf: str | None = names[0]
        if len(names) > 1:
            shelf = st.selectbox(
                t("collection"), names, index=None, format_func=name_of, placeholder=t("all"), key="shelf-name",
                width=220,
            )  # fmt: skip
        if shelf:
            shelves.of_collection(shelf)
        if st.session_state.pop("picked", False):
            st.session_state["picking"] = False
        picking = st.toggle(t("pick"), key="picking")
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
    shown = found[first : first + SHOWN]
    if picking:
        _picked(shown)
    with st.container(key="documents", gap=None):
        for d in shown:
            _row(d, several=len(names) > 1, picking=picking)


def _picked(shown: list[Document]) -> None:
    """The documents with a tick on this page of the list, and what to do with them."""

    def all_of_them() -> None:
        for d in shown:
            st.session_state[f"pick-{d.id}"] = st.session_state["pick-all"]

    st.checkbox(t("pick_all"), key="pick-all", on_change=all_of_them)
    shelves.of_many([d for d in shown if st.session_state.get(f"pick-{d.id}")])


def _row(d: Document, several: bool, picking: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"row-{d.id}", gap="small"):
        label = plain(d.title, limit=90) or plain(d.path)
        if picking:
            st.checkbox(t("pick_one", title=label), key=f"pick-{d.id}", label_visibility="collapsed")
        with st.container(gap=None, width="stretch"):
            st.button(f"**{label}**", type="tertiary", key=f"open-{d.id}", on_click=document.show, args=(d.id,))
            st.caption(_facts(d, several))
        if not picking and pieces.icon("delete", "delete", f"delete-{d.id}"):
            shelves.delete([d])


def _facts(d: Document, several: bool) -> str:
    facts = [*([site(d.path)] if web.mark(d.path) else []), *document.facts(d)]
    if several:
        facts.insert(0, plain(name_of(d.collection)))
    if count := sum(p.kind != "ocr" for p in d.problems):
        facts.append(f":orange[{n('problems', count)}]")
    return " · ".join(facts)
