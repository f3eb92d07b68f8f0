"""Where a question is written: the line itself, its files, and how the conversation is held."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from gakju.assistant import DEFAULT, SUFFIXES, machine, talk
from gakju.errors import GakjuError, NotFound
from gakju.language import explain
from gakju.store import Manner, Thread
from gakju.store import Turn as Row
from gakju.ui import pane
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, name_of, t

LONGEST_PERSONA = 4000
STEPS = {"download": "step_download", "key": "step_key", "endpoint": "step_endpoint", "offline": "step_offline"}


def draw(thread: Thread | None) -> None:
    held = manner(thread)
    with st.bottom, st.container(key="manner", horizontal=True, gap="xsmall", vertical_alignment="center"):
        _sources(thread, held)
        _model(thread, held)
        _files(thread, held)
    placeholder = t("ask_placeholder" if held.sources in {"documents", "auto"} else "ask_model")
    st.chat_input(
        placeholder,
        key="question",
        max_chars=4000,
        accept_file="multiple",
        file_type=sorted(s.removeprefix(".") for s in SUFFIXES),
        on_submit=_asked,  # Before the page is drawn, so that it is drawn once.
        args=(thread,),
    )


def _asked(thread: Thread | None) -> None:
    told: Any = st.session_state["question"]
    if told and not ask(told.text, thread, told.files):
        st.session_state["question"] = told.text  # to be asked again


def manner(thread: Thread | None) -> Manner:
    if thread:
        return thread.manner
    usual = Manner(sources="auto" if _by_itself() else "documents")
    held: Manner = st.session_state.setdefault("manner", usual)
    return held


def _by_itself() -> bool:
    """Whether the web is looked at where a question seems to need it."""
    s = assistant().settings
    return s.web == "auto" and not s.offline


def _change(thread: Thread | None, **values: Any) -> None:
    if thread:
        with suppress(NotFound):  # Deleted in another tab; the next run says so.
            assistant().store.talks.hold(thread.id, **values)
    else:
        st.session_state["manner"] = replace(manner(None), **values)


def _collection(thread: Thread | None) -> str:
    return thread.collection if thread else st.session_state.get("collection", DEFAULT)


# Asking


def ask(question: str, thread: Thread | None, files: Sequence[UploadedFile] = ()) -> bool:
    """A turn more, in a new conversation where there is none yet. False where nothing was asked."""
    question = question.strip() or (t("about_files") if files else "")
    if not question:
        return False
    a, held, collection = assistant(), manner(thread), _collection(thread)
    made = thread is None
    try:
        if files:
            held = replace(held, sources="documents")
        kept = [a.keep(f, f.name) for f in files]
        if thread is None:
            thread = a.start_thread(question, collection, held)
        elif files:
            a.store.talks.hold(thread.id, sources="documents")
        waits = a.submit_add(kept, collection=collection).id if kept else ""
        a.submit_ask(question, collection=collection, thread=thread.id, manner=held, waits=waits)
    except GakjuError as e:
        if made and thread:
            a.store.talks.remove(thread.id)
        st.toast(plain(explain(e, language())), icon=":material/error:")
        return False
    pane.show(None)
    st.query_params["thread"] = thread.id
    return True


def again(thread: Thread, row: Row, question: str) -> None:
    """Another version of a turn: the same words or new ones, as the conversation is held now."""
    a = assistant()
    if not question.strip():
        return
    try:
        p = a.store.job(row.job_id).payload
        a.submit_ask(
            question.strip(),
            collection=p["collection"],
            thread=thread.id,
            manner=a.store.talks.get(thread.id).manner,
            after=row.parent,
            waits=_files_again(p.get("waits", "")),
        )
    except GakjuError as e:
        st.toast(plain(explain(e, language())), icon=":material/error:")
        return
    pane.show(None)


def _files_again(job_id: str) -> str:
    """Files that were stopped on their way in are sent once more; those that are in need no waiting."""
    if not job_id:
        return ""
    job = assistant().store.job(job_id)
    if job.state == "done" and any(f["document_id"] for f in job.result.get("files", ())):
        return ""
    p = job.payload
    return assistant().submit_add(p["files"], collection=p["collection"], ocr=p["ocr"]).id


# How the conversation is held


def _sources(thread: Thread | None, held: Manner) -> None:
    """Documents and of which collection, the web where it is allowed, or the model alone."""
    key, collection = _key(thread), _collection(thread)
    choices = {
        **({"auto": (t("source_auto"), t("source_auto_help"), "auto_mode")} if _by_itself() else {}),
        "documents": (t("source_documents"), t("source_documents_help"), "menu_book"),
        "both": (t("source_both"), t("source_both_help"), "travel_explore"),
        "web": (t("source_web"), t("source_web_help"), "public"),
        "none": (t("source_none"), t("source_none_help"), "forum"),
    }
    s = assistant().settings
    if s.web == "off" or s.offline:  # A switch that could not be turned would only be in the way.
        choices = {name: choice for name, choice in choices.items() if name in {"documents", "none", held.sources}}
    now = held.sources if held.sources in choices else "documents"
    alone = now in {"none", "web"}
    title, _, icon = choices[now]
    label = plain(name_of(collection), limit=24) if now == "documents" else title
    with st.popover(label, icon=f":material/{icon}:", type="tertiary"):
        st.radio(
            t("source"),
            list(choices),
            index=list(choices).index(now),
            format_func=lambda name: choices[name][0],
            captions=[help for _, help, _ in choices.values()],
            key=f"sources-{key}",
            on_change=lambda: _change(thread, sources=st.session_state[f"sources-{key}"]),
        )
        names = sorted({*assistant().collections(), collection})
        if not alone and len(names) > 1:
            st.selectbox(
                t("ask_in"),
                names,
                index=names.index(collection),
                key=f"ask-in-{key}",
                format_func=name_of,
                on_change=_move,
                args=(thread, f"ask-in-{key}"),
            )


def _move(thread: Thread | None, key: str) -> None:
    chosen = st.session_state[key]
    if thread is None:
        st.session_state["collection"] = chosen
        return
    assistant().store.talks.move(thread.id, chosen)
    _change(thread, files=())  # They lie in another collection.


def _model(thread: Thread | None, held: Manner) -> None:
    """The model; where its words are its own, its persona and temperature; presets of all of it."""
    key = _key(thread)
    offered = {o.name: o for o in machine.offered(assistant())}
    now = held.model or assistant().settings.chat_model
    here = offered.get(now) or machine.Offered(now)

    def named(name: str) -> str:
        o = offered[name]
        said = short(o)
        return f"{said} ({t('not_ready')})" if o.step else said

    with st.popover(
        plain(short(here), limit=28),
        icon=":material/error:" if here.step else ":material/tune:",
        type="tertiary",
    ):
        names = list(dict.fromkeys([now, *offered]))
        offered.setdefault(now, here)
        chosen = st.selectbox(t("model"), names, index=0, format_func=named, key=f"model-{key}-{now}")
        if step := offered[chosen].step:
            st.caption(t(STEPS[step]))
            st.page_link(st.session_state["pages"]["settings"], label=t("to_settings"), icon=":material/settings:")
        elif chosen != now:
            _change(thread, model=chosen)
            st.rerun()
        if held.sources != "none" and talk.verbatim(assistant(), now):
            st.caption(t("voice_verbatim"))
        else:
            _voice(thread, held)
        _presets(thread, held)


def short(offered: machine.Offered) -> str:
    """A model's name as people say it: a file's title without what its bytes are."""
    return offered.label.partition(",")[0].removesuffix("-Instruct") or offered.name.partition(":")[2] or offered.name


def _voice(thread: Thread | None, held: Manner) -> None:
    key, place = _key(thread), _slider(thread, held.sources)
    st.text_area(
        t("persona"),
        value=held.persona,
        key=f"persona-{key}",
        placeholder=t("persona_example"),
        max_chars=LONGEST_PERSONA,
        height=110,
        on_change=lambda: _change(thread, persona=st.session_state[f"persona-{key}"].strip()),
    )
    st.slider(
        t("temperature"),
        0.0,
        1.5,
        value=talk.warmth(held.temperature, held.sources),
        step=0.1,
        key=place,
        help=t("temperature_help"),
        on_change=lambda: _change(thread, temperature=st.session_state[place]),
    )
    if held.sources != "none":
        st.caption(t("voice_written"))


def _slider(thread: Thread | None, sources: str) -> str:
    """A slider each for talks with and without sources: what is usual differs."""
    return f"temperature-{_key(thread)}-{'alone' if sources == 'none' else 'from'}"


def _presets(thread: Thread | None, held: Manner) -> None:
    key = _key(thread)
    known = assistant().store.talks.presets()
    if known:
        with st.container(horizontal=True, vertical_alignment="bottom", wrap=False, gap="xsmall"):
            chosen = st.selectbox(
                t("presets"), list(known), index=None, key=f"preset-{key}", placeholder=t("preset_choose"),
                on_change=lambda: _load(thread, st.session_state[f"preset-{key}"]),
            )  # fmt: skip
            if chosen:
                st.button(t("delete"), key=f"preset-drop-{key}", type="tertiary", on_click=_drop, args=(thread, chosen))
    with st.form(f"preset-new-{key}", border=False, clear_on_submit=True):
        with st.container(horizontal=True, vertical_alignment="bottom", wrap=False, gap="xsmall"):
            name = st.text_input(t("preset_name"), max_chars=40, key=f"preset-name-{key}")
            kept = st.form_submit_button(t("preset_keep"))
        if kept and name.strip():
            assistant().store.talks.keep_preset(name.strip(), held)
            st.rerun()


def _load(thread: Thread | None, name: str | None) -> None:
    found = assistant().store.talks.presets().get(name or "")
    if found is None:
        return
    key = _key(thread)
    _change(thread, model=found.model, sources=found.sources, persona=found.persona, temperature=found.temperature)
    st.session_state[f"sources-{key}"] = found.sources
    st.session_state[f"persona-{key}"] = found.persona
    st.session_state[_slider(thread, found.sources)] = talk.warmth(found.temperature, found.sources)


def _drop(thread: Thread | None, name: str) -> None:
    assistant().store.talks.drop_preset(name)
    st.session_state.pop(f"preset-{_key(thread)}", None)


def _files(thread: Thread | None, held: Manner) -> None:
    """Answers come from these documents only, until the reader says otherwise."""
    if not held.files or held.sources == "none":
        return
    titles = []
    for document in held.files:
        with suppress(NotFound):
            titles.append(assistant().document(document).title)
    name = plain(titles[0], limit=22) if len(titles) == 1 else t("only_files", count=len(held.files))
    st.button(
        name, icon=":material/close:", icon_position="right", type="tertiary", key="only-files",
        help=t("only_files_help"), on_click=lambda: _change(thread, files=()),
    )  # fmt: skip


def _key(thread: Thread | None) -> str:
    return thread.id if thread else "new"
