"""The chat page: a conversation, its answers as they are written, and the pages their footnotes stand on."""

from __future__ import annotations

import json
from functools import partial
from importlib.resources import files
from pathlib import Path

import streamlit as st

from gakju.assistant import DEFAULT
from gakju.errors import GakjuError, NotFound
from gakju.language import explain
from gakju.store import Thread
from gakju.store import Turn as Row
from gakju.types import Footnote
from gakju.ui import pane, pieces, turns, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, n, t
from gakju.ui.turns import Turn

SHOWN = 20
"""Turns drawn at once; older ones come at a click."""

TICK = 0.2
"""Seconds between looks at a running answer."""


def page() -> None:
    thread = _thread()
    rows = assistant().store.talks.turns(thread.id) if thread else []
    shown = pane.current()
    if shown and all(r.id != shown.turn for r in rows):
        pane.show(None)
        shown = None
    beside = shown is not None and not shown.narrow
    with st.container(key="split-open" if beside else "split"):
        talk, side = st.columns([5, 6], gap="medium")
    with talk, st.container(key="talk"):
        if rows:
            _conversation(rows)
        else:
            _welcome()
    if shown:
        row = next(r for r in rows if r.id == shown.turn)
        if beside:
            with side:
                _beside(row)
        else:
            st.dialog(t("pane"), on_dismiss=_close)(_pane)(row)
    _input(thread)


def _thread() -> Thread | None:
    wanted = st.query_params.get("thread")
    if not wanted:
        return None
    try:
        return assistant().store.talks.get(wanted)
    except NotFound:
        del st.query_params["thread"]
        return None


def _conversation(rows: list[Row]) -> None:
    count = st.session_state.get("shown_turns", SHOWN)
    if len(rows) > count and st.button(t("earlier"), icon=":material/history:", type="tertiary"):
        st.session_state["shown_turns"] = count + SHOWN
        st.rerun()
    for row in rows[-count:]:
        try:
            running = not assistant().store.job(row.job_id).finished
        except NotFound:
            continue
        st.fragment(_turn, run_every=TICK if running else None)(row, row is rows[-1], running, pane.current())


def _turn(row: Row, last: bool, was_running: bool, was_open: pane.Open | None) -> None:
    shown = _read(row)
    if was_running and not shown.running:
        st.rerun()  # The whole page once more: this turn stops ticking, its buttons change.
    opened = pane.current()
    if opened != was_open:
        st.rerun()  # A mark was clicked: its page stands outside this turn.
    mark = opened.mark if opened and opened.turn == row.id else ""
    pieces.turn(shown, mark, partial(_opened, row.id))
    if shown.running and shown.phase != "stopping":
        st.button(
            t("stop"),
            icon=":material/stop:",
            key=f"stop-{row.id}",
            on_click=cancel,
            args=(row.job_id,),
        )
    elif shown.phase == "failed":
        said, more = words.failure(shown.error, language())
        st.error(f"{plain(said)}  \n{plain(more)}" if more else plain(said), icon=":material/error:")
    again = last and shown.phase in {"failed", "stopped"}
    if again and st.button(t("retry"), icon=":material/refresh:", key=f"retry-{row.id}"):
        _retry(row)
        st.rerun()


def _read(row: Row) -> Turn:
    return turns.read(assistant().store, row, st.session_state.setdefault("folds", {}))


def cancel(job_id: str) -> None:
    assistant().jobs.cancel(job_id)


def _opened(row_id: int, told: pieces.Opened) -> None:
    pane.show(pane.Open(row_id, str(told["list"]), int(told["index"]), bool(told["narrow"])))


def _retry(row: Row) -> None:
    job = assistant().store.job(row.job_id)
    p = job.payload
    assistant().submit_ask(row.question, collection=p["collection"], model=p["model"], thread=p["thread"])


def _places(shown: Turn, kind: str) -> tuple[Footnote, ...]:
    return shown.notes if kind == "notes" else tuple(map(turns.footnote, shown.evidence))


@st.fragment
def _beside(row: Row) -> None:
    _pane(row, closable=True)


def _pane(row: Row, closable: bool = False) -> None:
    if shown := pane.current():
        pane.draw(_places(_read(row), shown.list), _shut if closable else None)


def _close() -> None:
    pane.show(None)


def _shut() -> None:
    _close()
    st.rerun()


def _welcome() -> None:
    documents = assistant().documents()
    st.title(t("welcome"))
    if not documents:
        st.markdown(t("welcome_empty"))
        st.page_link(st.session_state["pages"]["library"], label=t("add_first"), icon=":material/upload_file:")
        return
    st.markdown(t("welcome_text", documents=n("documents", len(documents))))
    if any(Path(d.path).name in SAMPLES for d in documents):
        with st.container(key="examples", gap="xsmall"):
            for i, question in enumerate(_examples()):
                st.button(
                    plain(question), key=f"example-{i}", width="stretch", on_click=_ask, args=(question, None, DEFAULT)
                )


SAMPLES = {"handbook.ko.pdf", "manual.en.pdf"}


def _examples() -> list[str]:
    found: dict[str, list[str]] = json.loads(files("gakju").joinpath("samples", "examples.json").read_text("utf-8"))
    return found[language()]


def _input(thread: Thread | None) -> None:
    collection = thread.collection if thread else DEFAULT
    names = sorted(assistant().collections())
    if thread is None and len(names) > 1:
        with st.bottom:
            start = names.index(DEFAULT) if DEFAULT in names else 0
            collection = st.selectbox(t("ask_in"), names, index=start, key="ask_in", format_func=name_of, width=280)
    if question := st.chat_input(t("ask_placeholder"), key="question", max_chars=4000):
        _ask(question, thread, collection)
        st.rerun()


def name_of(collection: str) -> str:
    """A collection as people read it."""
    return t("collection_default") if collection == DEFAULT else collection


def _ask(question: str, thread: Thread | None, collection: str) -> None:
    if not question.strip():
        return
    try:
        thread = thread or assistant().start_thread(question, collection)
        assistant().submit_ask(question, collection=collection, thread=thread.id)
    except GakjuError as e:
        st.toast(plain(explain(e, language())), icon=":material/error:")
        return
    pane.show(None)
    st.query_params["thread"] = thread.id
