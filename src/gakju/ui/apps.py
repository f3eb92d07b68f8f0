"""The apps page: a shelf of apps, one of them to fill in and run, its file to edit."""

from __future__ import annotations

import streamlit as st

from gakju import apps
from gakju.apps import App, AppError, Entry
from gakju.apps.form import Words
from gakju.apps.source import LONGEST
from gakju.errors import GakjuError, NotFound
from gakju.language import explain
from gakju.ui import apps_edit, apps_form, apps_run, live, pieces
from gakju.ui import words as told
from gakju.ui.apps_form import words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t


def show(name: str = "", *, edit: bool = False, run: str = "") -> None:
    """Go to an app, its editor, one of its runs, or with nothing back to the shelf. In the address, for reloads."""
    for key, value in {"app": name, "edit": "1" if edit else "", "run": run}.items():
        if value:
            st.query_params[key] = value
        else:
            st.query_params.pop(key, None)


def page() -> None:
    live.style("apps")
    wanted = st.query_params.get("app")
    with st.container(key="editor" if st.query_params.get("edit") else "shelf"):
        if not wanted:
            _shelf()
            return
        st.button(t("apps"), icon=":material/arrow_back:", type="tertiary", key="back", on_click=show)
        try:
            entry = apps.of(assistant()).shelf.get(wanted)
        except NotFound:
            st.warning(t("app_gone"))
            return
        if st.query_params.get("edit") and entry.own:
            apps_edit.page(entry)
        else:
            _app(entry)


# The shelf


def _shelf() -> None:
    st.title(t("apps"))
    st.markdown(t("apps_intro"))
    with st.container(horizontal=True):
        if st.button(t("app_new"), icon=":material/add:", key="app_new"):
            _made(apps_edit.blank())
        with st.popover(t("app_import"), icon=":material/upload_file:", type="tertiary", key="app_import"):
            _import()
    _undo()
    entries = apps.of(assistant()).shelf.all()
    own = [e for e in entries if e.own]
    with st.container(key="cards", gap="small"):
        for entry in [*own, *(e for e in entries if not e.own)]:
            _card(entry)
    _removed()


def _card(entry: Entry) -> None:
    app, title = entry.app, _title(entry)
    sign = apps_form.icon(app) if app else ":material/error:"
    with st.container(border=True, gap="xxsmall", key=f"card-{entry.name}"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.button(
                f"**{title}**", icon=sign, type="tertiary", key=f"app-open-{entry.name}", on_click=show,
                args=(entry.name,),
            )  # fmt: skip
            if entry.own:
                st.badge(t("app_own"), color="gray")
        if app is None:
            st.caption(t("app_broken"))
        elif app.description[language()]:
            st.caption(words(app.description))


def _made(text: str) -> None:
    """Keep a new app and open its editor."""
    shelf = apps.of(assistant()).shelf
    app = shelf.put(text)
    show(app.name, edit=True)
    st.rerun()


def _import() -> None:
    given = st.file_uploader(t("app_file"), type=["yaml", "yml"], key=f"app-file-{st.session_state.get('imported', 0)}")
    if given is None:
        return
    shelf = apps.of(assistant()).shelf
    text = given.getvalue()[: LONGEST + 1].decode("utf-8", "replace")
    try:
        app = apps.parse(text, name=given.name)
        text = apps.renamed(text, shelf.free(app.name))
        name = shelf.put(text).name
    except AppError as e:
        for trouble in e.troubles[:8]:
            st.error(plain(trouble.told(language())))
        return
    except GakjuError as e:
        st.error(plain(explain(e, language())))
        return
    st.session_state["imported"] = st.session_state.get("imported", 0) + 1
    show(name)
    st.rerun()


# One app


def _app(entry: Entry) -> None:
    app = entry.app
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.title(_title(entry), width="stretch")
        _menu(entry)
    if app is None:
        assert entry.error
        for trouble in entry.error.troubles[:8]:
            st.error(plain(trouble.told(language())))
        return
    if app.description[language()]:
        st.markdown(words(app.description))
    fill_and_run(app, entry.text)


def fill_and_run(app: App, text: str, *, key: str = "") -> None:
    """The form, its button, and the run that the address names. `text` is the app's file."""
    run = apps_run.named(app.name)
    values = apps_form.draw(app, key=f"field-{key}{app.name}", given=run.payload["values"] if run else {})
    if st.button(words(app.run), type="primary", icon=":material/play_arrow:", key=f"run-{app.name}"):
        try:
            job = apps_run.submit(app, text, values)
        except AppError as e:
            labels = {f.name: f.label for f in app.fields}
            for trouble in e.troubles:
                label = labels.get(trouble.place, Words(ko=trouble.place, en=trouble.place))[language()]
                st.error(plain(f"{label}: {apps_edit.bare(trouble)}"), icon=":material/error:")
        except GakjuError as e:
            st.error(plain(explain(e, language())), icon=":material/error:")
        else:
            st.query_params["run"] = job.id
            st.rerun()
    if run:
        apps_run.draw(app, run)
    apps_run.earlier(app, run)


def _menu(entry: Entry) -> None:
    with st.popover(
        t("app_more"), icon=":material/more_horiz:", type="tertiary", key="icon-more-app", help=t("app_more")
    ):
        if entry.own:
            st.button(
                t("app_edit"), icon=":material/edit:", type="tertiary", key="app_edit", on_click=show,
                args=(entry.name,), kwargs={"edit": True},
            )  # fmt: skip
        if st.button(t("app_duplicate"), icon=":material/content_copy:", type="tertiary", key="app_duplicate"):
            _made(apps.renamed(entry.text, apps.of(assistant()).shelf.free(entry.name)))
        st.download_button(
            t("app_download"), data=entry.text, file_name=f"{entry.name}.yaml", mime="application/yaml",
            icon=":material/download:", type="tertiary", on_click="ignore", key="app_download",
        )  # fmt: skip
        if entry.own and st.button(t("app_delete"), icon=":material/delete:", type="tertiary", key="app_delete"):
            st.session_state["app-deleted"] = apps.of(assistant()).shelf.delete(entry.name), _title(entry)
            show()
            st.rerun()


# What was deleted


def _undo() -> None:
    """What this visitor deleted last, and the way back."""
    if gone := st.session_state.get("app-deleted"):
        file, title = gone
        if pieces.undo(t("deleted", title=title), "app-deleted"):
            _restore(file)


def _removed() -> None:
    """Whatever can still be had back, whoever deleted it."""
    if not (found := apps.of(assistant()).shelf.removed()):
        return
    with st.expander(t("app_removed", count=len(found)), icon=":material/restore_from_trash:", key="removed-apps"):
        st.caption(t("app_removed_help"))
        for gone in found:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"removed-{gone.file}"):
                when = t("removed_at", day=told.when(gone.at, st.context.timezone, language()))
                st.markdown(f"**{_title(gone.entry)}**  \n:small[{plain(when)}]", width="stretch")
                if st.button(t("restore"), icon=":material/undo:", type="tertiary", key=f"restore-{gone.file}"):
                    _restore(gone.file)


def _restore(file: str) -> None:
    st.session_state.pop("app-deleted", None)
    try:
        show(apps.of(assistant()).shelf.restore(file))
    except NotFound:  # in another tab
        st.toast(t("app_gone"), icon=":material/info:")
    st.rerun()


def _title(entry: Entry) -> str:
    return words(entry.app.title) if entry.app else plain(entry.name)
