"""What surrounds every page: navigation, conversations, language."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Literal, NamedTuple

import streamlit as st

from gakju.ui import (
    apps,
    chat,
    compare,
    fewshot,
    finetune,
    library,
    pieces,
    playground,
    preferences,
    questions,
    search,
    threads,
    tokenizer,
    welcome,
)
from gakju.ui.state import choose_language, language, t


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
    Place("search", "manage_search", search.page),
    Place("apps", "apps", apps.page),
    Place("playground", "science", playground.page),
    Place("tokenizer", "toll", tokenizer.page),
    Place("questions", "quiz", questions.page),
    Place("fewshot", "format_list_numbered", fewshot.page),
    Place("finetune", "model_training", finetune.page),
    Place("compare", "leaderboard", compare.page),
    Place("settings", "settings", preferences.page, listed=False),
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
        threads.draw(pages["chat"], here)
        _foot()
    chosen.run()
    if chosen == pages["chat"]:
        welcome.tour()


def _page(place: Place) -> st.Page:
    icon, first = f":material/{place.icon}:", place is PLACES[0]
    shown: Literal["visible", "hidden"] = "visible" if place.listed else "hidden"
    draw = pieces.guarded(place.draw)
    return st.Page(draw, title=t(place.key), icon=icon, url_path=place.key, default=first, visibility=shown)


def _svg(name: str) -> str:
    return files("gakju.ui").joinpath("assets", name).read_text("utf-8")


def _foot() -> None:
    with st.container(key="foot", gap="xxsmall"):
        st.page_link(st.session_state["pages"]["settings"], label=t("settings"), icon=":material/settings:")
        if st.button(t("tour"), icon=":material/explore:", type="tertiary", key="take_tour"):
            st.session_state["tour"] = True
            st.switch_page(st.session_state["pages"]["chat"])
        _language()


def _language() -> None:
    def chosen() -> None:
        choose_language(st.session_state["language"])

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
