"""What surrounds every page: navigation, conversations, language."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Literal, NamedTuple

import streamlit as st

from gakju.errors import GakjuError
from gakju.language import explain
from gakju.store import Thread
from gakju.ui import chat, library, pane, pieces
from gakju.ui.plain import plain
from gakju.ui.state import assistant, choose_language, language, t

THREADS = 30
"""Conversations listed in the sidebar, newest first."""


class Place(NamedTuple):
    """A page: `key` is its address and the name of its string; `draw` is its module's function."""

    key: str
    icon: str
    draw: Callable[[], None]
    listed: bool = True
    """Whether the sidebar names it; a page that is not listed has a link elsewhere."""


PLACES = [
    Place("chat", "chat", chat.page),
    Place("library", "library_books", library.page),
]
"""In the order of the sidebar; the first is where one arrives."""


def run() -> None:
    st.set_page_config(page_title=t("name"), page_icon=_svg("mark.svg"), layout="wide")
    pieces.style()
    st.logo(_svg("logo.svg"), size="large", icon_image=_svg("mark.svg"))
    pages = {p.key: _page(p) for p in PLACES}
    st.session_state["pages"] = pages
    chosen = st.navigation(list(pages.values()))
    if "lang" in st.session_state and st.query_params.get("lang") != st.session_state["lang"]:
        st.query_params["lang"] = st.session_state["lang"]  # Other pages' links drop it.
    with st.sidebar:
        here = st.query_params.get("thread") if chosen == pages["chat"] else None
        _threads(pages["chat"], here)
        _language()
    chosen.run()


def _page(place: Place) -> st.Page:
    icon, first = f":material/{place.icon}:", place is PLACES[0]
    shown: Literal["visible", "hidden"] = "visible" if place.listed else "hidden"
    draw = guarded(place.draw)
    return st.Page(draw, title=t(place.key), icon=icon, url_path=place.key, default=first, visibility=shown)


def _svg(name: str) -> str:
    return files("gakju.ui").joinpath("assets", name).read_text("utf-8")


def guarded(draw: Callable[[], None]) -> Callable[[], None]:
    """`draw`, where an expected failure is one clear line and the rest of the screen stays."""

    def page() -> None:
        try:
            draw()
        except GakjuError as e:
            st.error(plain(explain(e, language())), icon=":material/error:")

    page.__name__ = draw.__module__.rpartition(".")[2]
    return page


def _threads(page: st.Page, current: str | None) -> None:
    if st.button(t("new_thread"), icon=":material/edit_square:", width="stretch", key="new_thread"):
        pane.show(None)
        st.switch_page(page)
    found = assistant().store.talks.all(THREADS)
    if not found:
        return
    with st.container(key="threads", gap="xxsmall"):
        st.caption(t("threads"))
        for thread in found:
            _thread(page, thread, thread.id == current)


def _thread(page: st.Page, thread: Thread, current: bool) -> None:
    with st.container(
        horizontal=True,
        vertical_alignment="center",
        gap="xxsmall",
        wrap=False,
        key=f"{'here' if current else 'other'}-{thread.id}",
    ):
        label = plain(thread.title, limit=60) or t("untitled")
        if st.button(label, type="tertiary", width="stretch", key=f"thread-{thread.id}"):
            st.switch_page(page, query_params={"thread": thread.id})
        with st.popover(
            t("thread_more"),
            icon=":material/more_horiz:",
            type="tertiary",
            help=t("thread_more"),
            key=f"icon-more-{thread.id}",
        ):
            if st.button(t("delete_thread"), icon=":material/delete:", type="tertiary", key=f"delete-{thread.id}"):
                _delete(thread, current)


def _delete(thread: Thread, current: bool) -> None:
    a = assistant()
    for turn in a.store.talks.turns(thread.id):
        a.jobs.cancel(turn.job_id)
    a.store.talks.remove(thread.id)
    if current:
        del st.query_params["thread"]
    st.rerun()


def _language() -> None:
    def chosen() -> None:
        choose_language(st.session_state["language"])

    with st.container(key="foot"):
        st.segmented_control(
            t("language"),
            ["ko", "en"],
            default=language(),
            required=True,
            format_func={"ko": "한국어", "en": "English"}.__getitem__,
            key="language",
            on_change=chosen,
            label_visibility="collapsed",
        )
