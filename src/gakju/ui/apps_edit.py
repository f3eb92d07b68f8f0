"""The editor of an app: its file on one side, checked while one writes; its form on the other."""

from __future__ import annotations

from importlib.resources import files

import streamlit as st

from gakju import apps
from gakju.apps import AppError, Entry, Trouble
from gakju.errors import GakjuError
from gakju.language import explain
from gakju.ui import live
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t


def blank() -> str:
    """A first app to go on from, under a name that is free."""
    text = files("gakju.apps").joinpath("blank.yaml").read_text("utf-8")
    return apps.renamed(text, apps.of(assistant()).shelf.free("my-app"))


def bare(trouble: Trouble) -> str:
    """A trouble without its place."""
    return Trouble(trouble.code, 0, "", trouble.values).said(language())


def page(entry: Entry) -> None:
    from gakju.ui import apps as shown

    st.title(t("app_edit_title"))
    file, form = st.columns([1, 1], gap="large")
    with file:
        text, app = _file(entry)
    with form, st.container(border=True, key="preview"):
        st.caption(t("app_preview"))
        if app is None:
            st.markdown(t("app_no_preview"))
            return
        st.subheader(plain(app.title[language()]))
        if app.description[language()]:
            st.markdown(plain(app.description[language()]))
        shown.fill_and_run(app, text, key="preview-")


def _file(entry: Entry) -> tuple[str, apps.App | None]:
    """The file as it stands in the editor, and the app it is."""
    wrong = st.session_state.get("app_wrong", ())
    text = live.area(
        t("app_file"), key=f"app-source-{entry.name}", start=entry.text, rows=30, longest=60_000, mono=True, wrong=wrong
    )
    app = None
    troubles: tuple[Trouble, ...] = ()
    try:
        app = apps.parse(text)
    except AppError as e:
        troubles = e.troubles
    lines = tuple(dict.fromkeys(x.line for x in troubles))
    if lines != tuple(wrong):
        st.session_state["app_wrong"] = lines
        st.rerun()
    for trouble in troubles[:8]:
        st.error(plain(trouble.told(language())), icon=":material/error:")
    if not troubles:
        st.success(t("app_fine"), icon=":material/check:")
    _buttons(entry, text, bool(troubles))
    return text, app


def _buttons(entry: Entry, text: str, wrong: bool) -> None:
    from gakju.ui import apps as shown

    with st.container(horizontal=True):
        if st.button(t("app_save"), type="primary", disabled=wrong or text == entry.text, key="app_save"):
            try:
                app = apps.of(assistant()).shelf.put(text, replaces=entry.name)
            except GakjuError as e:
                st.error(plain(explain(e, language())))
                return
            st.toast(t("app_saved"), icon=":material/check:")
            shown.show(app.name)
            st.rerun()
        st.button(t("app_leave"), key="app_leave", on_click=shown.show, args=(entry.name,))
    with st.expander(t("app_help"), icon=":material/help:"):
        st.markdown(t("app_help_text"))
