"""An app's answer with footnotes: drawn as a turn of a conversation is, its pages in a window of their own."""

from __future__ import annotations

from functools import partial
from zlib import crc32

import streamlit as st

from gakju.store import Job
from gakju.store import Turn as Row
from gakju.ui import pane, pieces, telling, turns
from gakju.ui.state import assistant, t


def draw(job: Job, status: str) -> None:
    """Live or done; `status` is said while it is being written."""
    row = _row(job)
    shown = turns.read(assistant().store, row, st.session_state.setdefault("folds", {}))
    opened = pane.current()
    mark = opened.mark if opened and opened.turn == row.id else ""
    data = telling.turn(shown, row, opened=mark, last=False, rated=None)
    data |= {"question": None, "foot": None, "error": None}
    if shown.running:
        data["status"] = {"said": status, "busy": True, "part": None, "stop": ""}
    pieces.turn(f"notes-{job.id}", data, partial(_opened, row.id), lambda _act: None)
    if mark and opened:
        places = shown.notes if opened.list == "notes" else tuple(map(turns.footnote, shown.evidence))
        pieces.dialog(t("pane"), pane.draw, on_dismiss=_closed, width="large")(places)


def _row(job: Job) -> Row:
    """A run as the turn that it is not: its number is its own."""
    return Row(-crc32(job.id.encode()), "", job.id, job.created_at)


def _opened(row_id: int, told: pieces.Opened) -> None:
    pane.show(pane.Open(row_id, str(told["list"]), int(told["index"]), bool(told["narrow"])))


def _closed() -> None:
    pane.show(None)
