"""Before the first question: what to do here, the sample library, questions to click, the tour."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import streamlit as st

from gakju.assistant import machine
from gakju.ui import composer, pieces
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, n, t

SAMPLES = {"handbook.ko.pdf", "manual.en.pdf"}
TICK = 0.7


def draw() -> None:
    held = composer.manner(None)
    if held.sources == "none":
        st.title(t("welcome_alone"))
        st.markdown(t("welcome_alone_text"))
        return
    documents = assistant().documents()
    adding = _adding()
    st.title(t("welcome"))
    if documents:
        st.markdown(t("welcome_text", documents=n("documents", len(documents))))
    elif not adding:
        _empty()
    if adding:
        pieces.fragment(_progress, run_every=TICK)()
    if any(Path(d.path).name in SAMPLES for d in documents):
        with st.container(key="examples", gap="xsmall"):
            for i, question in enumerate(_examples()):
                st.button(plain(question), key=f"example-{i}", width="stretch", on_click=_ask, args=(question,))


def _ask(question: str) -> None:
    composer.ask(question, None)


def _empty() -> None:
    st.markdown(t("welcome_empty"))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if st.button(t("samples"), type="primary", icon=":material/auto_stories:", key="samples"):
            assistant().submit_add(machine.sample_files())
            st.rerun()
        st.page_link(st.session_state["pages"]["library"], label=t("add_first"), icon=":material/upload_file:")


def _adding() -> bool:
    return bool(assistant().store.jobs(kinds=["add"], states=["queued", "running"], limit=1))


def _progress() -> None:
    """What is on its way in; the page anew once it is there."""
    found = assistant().store.jobs(kinds=["add"], states=["queued", "running"], limit=1)
    if not found:
        st.rerun()
    p = found[0].progress
    total, done = p.get("total"), p.get("done") or 0
    st.progress(min(1.0, done / total) if total else 0.0, text=plain(f"{t('phase_adding')} {p.get('item') or ''}"))


def _examples() -> list[str]:
    found: dict[str, list[str]] = json.loads(files("gakju").joinpath("samples", "examples.json").read_text("utf-8"))
    return found[language()]


# The tour


def tour() -> None:
    """Five steps beside what they are about, left with a key or a click; drawn while somebody takes it."""
    if not st.session_state.get("tour"):
        return
    steps = [
        ('[data-testid="stChatInput"]', t("tour_ask"), t("tour_ask_text")),
        (".st-key-manner", t("tour_manner"), t("tour_manner_text")),
        ('[class*="st-key-turn-"], .st-key-examples', t("tour_notes"), t("tour_notes_text")),
        ('[data-testid="stSidebarNav"]', t("tour_library"), t("tour_library_text")),
        (".st-key-foot", t("tour_end"), t("tour_end_text")),
    ]
    data = {
        "steps": [{"at": at, "title": title, "text": text} for at, title, text in steps],
        "words": {"next": t("next"), "back": t("previous"), "leave": t("tour_leave"), "done": t("tour_done")},
    }
    if pieces.tour(data):
        st.session_state["tour"] = False
        st.rerun()
