"""The conversations in the sidebar, and what can be done with one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from gakju.errors import NotFound
from gakju.store import Thread
from gakju.ui import export, pane, pieces, turns, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t

MOST = 100
"""Conversations listed; older ones are found by their words."""
FINDABLE = 6
"""From so many on there is a field to find one."""


def draw(page: st.Page, here: str | None) -> None:
    if st.button(t("new_thread"), icon=":material/edit_square:", width="stretch", key="new_thread"):
        pane.show(None)
        st.switch_page(page)
    talks, wanted = assistant().store.talks, st.session_state.get("find", "")
    found = talks.all(MOST, wanted)
    if not found and not wanted and not st.session_state.get("removed"):
        return
    if told := pieces.talks(_data(found, wanted, here)):
        _act(page, told, here)


def _data(found: Sequence[Thread], wanted: str, here: str | None) -> dict[str, Any]:
    removed = st.session_state.get("removed")
    return {
        "groups": _groups(found),
        "here": here or "",
        "wanted": wanted,
        "findable": bool(wanted) or len(found) >= FINDABLE,
        "none": t("no_threads") if wanted and not found else "",
        "undo": t("thread_removed", title=_short(removed[1])) if removed else "",
        "words": {
            "title": t("threads"),
            "find": t("find_thread"),
            "more": t("thread_more"),
            "rename": t("rename"),
            "pin": t("pin"),
            "unpin": t("unpin"),
            "export": t("export"),
            "delete": t("delete_thread"),
            "undo": t("undo"),
            "shut": t("close"),
        },
    }


def _short(title: str) -> str:
    return title if len(title) <= 24 else title[:23].rstrip() + "…"


def _groups(found: Sequence[Thread]) -> list[dict[str, Any]]:
    """Pinned ones, then by the day they were gone on with last, in the visitor's zone."""
    zone = words.zone(st.context.timezone)
    today = datetime.now(zone).date()
    borders = [("day_today", today), ("day_yesterday", today - timedelta(1)), ("day_week", today - timedelta(7))]
    groups: dict[str, list[dict[str, Any]]] = {}
    for thread in found:
        day = datetime.fromisoformat(thread.updated_at).astimezone(zone).date()
        when = next((t(name) for name, border in borders if day >= border), t("day_before"))
        item = {
            "id": thread.id,
            "title": " ".join(thread.title.split()) or t("untitled"),
            "pinned": thread.pinned,
            "href": f"/?thread={thread.id}&lang={language()}",
        }
        groups.setdefault(t("pinned") if thread.pinned else when, []).append(item)
    return [{"title": title, "items": items} for title, items in groups.items()]


def _act(page: st.Page, told: pieces.Act, here: str | None) -> None:
    talks, thread_id = assistant().store.talks, str(told.get("id", ""))
    match told.get("kind"):
        case "open":
            pane.show(None)
            st.session_state.pop("shown_turns", None)
            st.switch_page(page, query_params={"thread": thread_id})
        case "rename" if title := " ".join(str(told.get("text", "")).split())[:120]:
            talks.rename(thread_id, title)
        case "pin" | "unpin" as kind:
            talks.pin(thread_id, kind == "pin")
        case "delete":
            _remove(thread_id)
            if thread_id == here:
                pane.show(None)
                st.switch_page(page)
        case "undo" if removed := st.session_state.pop("removed", None):
            talks.restore(removed[0])
        case "shut":
            st.session_state.pop("removed", None)
        case "find":
            st.session_state["find"] = str(told.get("text", ""))[:100].strip()
        case "export":
            pieces.dialog(t("export"), _export)(thread_id)
            return
    st.rerun()


def _remove(thread_id: str) -> None:
    a = assistant()
    try:
        thread = a.store.talks.get(thread_id)
    except NotFound:
        return
    for turn in a.store.talks.turns(thread_id):
        a.jobs.cancel(turn.job_id)
    a.store.talks.forget()
    a.store.talks.remove(thread_id)
    st.session_state["removed"] = (thread_id, thread.title)


def _export(thread_id: str) -> None:
    a = assistant()
    try:
        thread = a.store.talks.get(thread_id)
    except NotFound:  # Deleted in another tab.
        st.caption(t("no_threads"))
        return
    rows = a.store.talks.turns(thread_id)
    said = [turns.read(a.store, row, {}) for row in rows]
    name = export.file_name(thread.title)
    st.markdown(f"**{plain(thread.title, limit=90)}**")
    kinds = [("html", "text/html", t("export_html"), "language"), ("md", "text/markdown", t("export_md"), "notes")]
    if export.font():
        kinds.insert(1, ("pdf", "application/pdf", t("export_pdf"), "picture_as_pdf"))
    for kind, mime, label, icon in kinds:
        st.download_button(
            label,
            data=lambda kind=kind: export.WRITERS[kind](thread.title, said, language()),  # type: ignore[misc]
            file_name=f"{name}.{kind}",
            mime=mime,
            icon=f":material/{icon}:",
            width="stretch",
            on_click="ignore",
            key=f"export-{kind}",
        )
    st.caption(t("export_help") if export.font() else t("export_no_font"))
