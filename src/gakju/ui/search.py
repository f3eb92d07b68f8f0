"""The search page: a question in, passages out, and why each was found; why a page was not."""

from __future__ import annotations

import streamlit as st

from gakju.assistant import DEFAULT, Scope
from gakju.assistant.explain import expected, explain
from gakju.types import Document
from gakju.ui import finds
from gakju.ui.plain import plain
from gakju.ui.state import assistant, name_of, t


def page() -> None:
    with st.container(key="shelf"):
        _page()


def _page() -> None:
    st.title(t("search"))
    documents = assistant().documents()
    if not documents:
        st.markdown(t("search_empty"))
        st.page_link(st.session_state["pages"]["library"], label=t("add_first"), icon=":material/upload_file:")
        return
    st.markdown(t("search_help"))
    question, collection, only = _asked(documents)
    wanted = _expected(documents, collection)
    if not question.strip():
        return
    scope = Scope((collection,), (only.id,) if only else None)
    told = explain(assistant(), question, scope)
    fared = finds.expectation(expected(assistant(), question, *wanted), *wanted) if wanted else None
    if not told.hits and not fared:
        st.caption(t("nothing_found"))
        return
    finds.results(told, fared, key="results", on_open=_keep)
    if place := st.session_state.pop("search-open", None):
        found = {name: str(place[name]) for name in ("document", "page", "mark", "chunk") if place[name]}
        st.switch_page(st.session_state["pages"]["library"], query_params=found)


def _keep(place: finds.Place) -> None:
    st.session_state["search-open"] = place


def _asked(documents: list[Document]) -> tuple[str, str, Document | None]:
    """The question, its collection, and the one document it is asked of, if any. The question is in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        question = st.text_input(
            t("search_question"), value=st.query_params.get("q", ""), key="search-question", icon=":material/search:",
            max_chars=1000,
        )  # fmt: skip
        names = sorted({d.collection for d in documents}, key=lambda name: (name != DEFAULT, name))
        collection = names[0]
        if len(names) > 1:
            chosen = st.selectbox(t("collection"), names, format_func=name_of, key="search-in", width=200)
            collection = chosen or collection
        here = [d for d in documents if d.collection == collection]
        only = None
        if len(here) > 1:
            only = st.selectbox(
                t("document_one"), here, index=None, format_func=_title, placeholder=t("all"), key="search-document",
                width=240,
            )  # fmt: skip
    if question.strip():
        st.query_params["q"] = question
    return question, collection, only


def _expected(documents: list[Document], collection: str) -> tuple[Document, int] | None:
    """The page that somebody thinks should be found."""
    with st.expander(t("expected"), icon=":material/help:"):
        st.caption(t("expected_help"))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            here = [d for d in documents if d.collection == collection]
            document = st.selectbox(
                t("document_one"),
                here,
                index=None,
                format_func=_title,
                placeholder=t("choose"),
                key="expected-document",
            )
            most = document.pages if document else 1
            number = st.number_input(t("page_number"), 1, most, key=f"expected-page-{most}", width=140)
    return (document, int(number)) if document else None


def _title(d: Document) -> str:
    return plain(d.title, limit=60) or plain(d.path, limit=60)
