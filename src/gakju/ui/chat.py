"""The chat page: a conversation, its answers as they are written, and the pages their footnotes stand on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from gakju.assistant import DEFAULT
from gakju.errors import GakjuError, NotFound
from gakju.language import explain
from gakju.store import Feedback, Thread
from gakju.store import Turn as Row
from gakju.types import Footnote
from gakju.ui import composer, pane, pieces, telling, turns, welcome
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t
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
        if thread and rows:
            _conversation(thread, rows)
        else:
            welcome.draw()
    if shown:
        row = next(r for r in rows if r.id == shown.turn)
        if beside:
            with side:
                _beside(row)
        else:
            pieces.dialog(t("pane"), _pane, on_dismiss=_close)(row)
    composer.draw(thread)


def _thread() -> Thread | None:
    wanted = st.query_params.get("thread")
    if not wanted:
        return None
    try:
        return assistant().store.talks.get(wanted)
    except NotFound:
        del st.query_params["thread"]
        return None


def _conversation(thread: Thread, rows: list[Row]) -> None:
    count = st.session_state.get("shown_turns", SHOWN)
    if len(rows) > count and st.button(t("earlier"), icon=":material/history:", type="tertiary"):
        st.session_state["shown_turns"] = count + SHOWN
        st.rerun()
    ratings = assistant().store.talks.ratings(thread.id)
    for row in rows[-count:]:
        try:
            shown = _read(row)
        except NotFound:
            continue
        draw = partial(_turn, thread, row, row is rows[-1], ratings.get(row.job_id))
        if shown.running:
            ticking = partial(_ticking, row, draw, pane.current())
            pieces.fragment(ticking, run_every=TICK, key=f"ticking-{row.job_id}")()
        else:
            draw(shown)


def _ticking(row: Row, draw: Callable[[Turn], None], was_open: pane.Open | None) -> None:
    """A turn that is being answered, looked at again and again, alone."""
    shown = _read(row)
    # The whole page once more where the turn has ended, or a mark was clicked whose page stands outside it.
    if not shown.running or pane.current() != was_open:
        st.rerun()
    draw(shown)


def _turn(thread: Thread, row: Row, last: bool, rated: Feedback | None, shown: Turn) -> None:
    opened = pane.current()
    mark = opened.mark if opened and opened.turn == row.id else ""
    data = telling.turn(shown, row, opened=mark, last=last, rated=rated)
    pieces.turn(f"turn-{row.job_id}", data, partial(_opened, row.id), partial(_told, thread, row))


def _read(row: Row) -> Turn:
    return turns.read(assistant().store, row, st.session_state.setdefault("folds", {}))


def _opened(row_id: int, told: pieces.Opened) -> None:
    pane.show(pane.Open(row_id, str(told["list"]), int(told["index"]), bool(told["narrow"])))


def _told(thread: Thread, row: Row, told: pieces.Act) -> None:
    try:
        _act(thread, row, told)
    except GakjuError as e:
        st.toast(plain(explain(e, language())), icon=":material/error:")


def _act(thread: Thread, row: Row, told: pieces.Act) -> None:
    """What a turn's own buttons do. What comes from a browser is looked at before it is believed."""
    talks = assistant().store.talks
    match told.get("kind"):
        case "stop":
            assistant().jobs.cancel(row.job_id)
        case "again":
            composer.again(thread, row, row.question)
        case "edit":
            composer.again(thread, row, str(told.get("text", ""))[:4000])
        case "version" if told.get("turn") in row.versions:
            pane.show(None)
            talks.show(thread.id, int(told["turn"]))
        case "rate" if told.get("value") in {1, -1}:
            talks.rate(row.job_id, Feedback(int(told["value"]), str(told.get("note", ""))[:500]))
        case "rate":
            talks.rate(row.job_id, None)


def _places(shown: Turn, kind: str) -> tuple[Footnote, ...]:
    return shown.notes if kind == "notes" else tuple(map(turns.footnote, shown.evidence))


@pieces.fragment
def _beside(row: Row) -> None:
    _pane(row, closable=True)


def _pane(row: Row, closable: bool = False) -> None:
    if shown := pane.current():
        shelf = assistant().store.job(row.job_id).payload.get("collection", DEFAULT)
        pane.draw(_places(_read(row), shown.list), _shut if closable else None, shelf=shelf)


def _close() -> None:
    pane.show(None)


def _shut() -> None:
    _close()
    st.rerun()
