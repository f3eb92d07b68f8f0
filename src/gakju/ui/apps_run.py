"""Runs of an app: submitted as jobs, read from the store, so that a reload or a second tab finds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from gakju import apps
from gakju.apps import App
from gakju.errors import NotFound
from gakju.store import Job
from gakju.ui import apps_notes, live, pieces
from gakju.ui import words as said
from gakju.ui.apps_form import words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, cancel, language, n, t

TICK = 0.2
"""Seconds between looks at a run."""
KEPT = 8
"""Earlier runs that are listed."""


def submit(app: App, text: str, values: Mapping[str, Any]) -> Job:
    """Queue a run; uploads are kept first. Raises AppError and what `Apps.submit` raises."""
    a = assistant()
    given = {n: a.keep(v, v.name) if isinstance(v, UploadedFile) else v for n, v in values.items()}
    return apps.of(a).submit(app, text, given, language())


def named(name: str) -> Job | None:
    """The run that the address names, where it is one of this app."""
    try:
        job = assistant().store.job(st.query_params.get("run") or "")
    except NotFound:
        return None
    return job if job.kind == apps.KIND and job.payload["app"] == name else None


def draw(app: App, run: Job) -> None:
    """Live while it runs."""
    with st.container(key="run"):
        pieces.fragment(_run, run_every=None if run.finished else TICK)(app, run.id, run.finished)


def _run(app: App, job_id: str, was_finished: bool) -> None:
    job = assistant().store.job(job_id)
    if job.finished and not was_finished:
        st.rerun()  # It stops ticking.
    if app.heading[language()]:
        st.markdown(f"#### {words(app.heading)}")
    if app.output == "footnotes":
        apps_notes.draw(job, words(app.spinner))
    else:
        text = str(job.result.get("text") or _told(job))
        _text(app, text, "" if job.finished else app.spinner[language()], key=f"written-{job_id}")
    if not job.finished:
        st.button(t("stop"), icon=":material/stop:", key=f"stop-{job_id}", on_click=cancel, args=(job_id,))
    else:
        _end(app, job)


def _told(job: Job) -> str:
    """What has been written so far; each event is read once."""
    kept: dict[str, tuple[int, int, str]] = st.session_state.setdefault("runs", {})
    attempt, seq, text = kept.get(job.id, (job.attempts, 0, ""))
    if attempt != job.attempts:  # taken up again after a kill: all is told anew
        seq, text = 0, ""
    for e in assistant().store.events(job.id, seq):
        seq = e.seq
        if e.kind == "token":
            text += str(e.data["text"])
    kept[job.id] = (job.attempts, seq, text)
    return text


def _text(app: App, text: str, status: str, *, key: str) -> None:
    if app.output == "markdown" and not status:
        with st.container(border=True):
            st.markdown(harmless(text))
        return
    kind = app.output if app.output in {"list", "json"} else "text"
    live.written(text, key=key, status=status, kind=kind)


def harmless(text: str) -> str:
    """A model's Markdown without pictures: to show one would send a request to wherever the text says."""
    return text.replace("![", "!\u2060[")


def _end(app: App, job: Job) -> None:
    if job.state == "failed":
        what, more = said.failure(job.error, language())
        st.error(f"{plain(what)}  \n{plain(more)}" if more else plain(what), icon=":material/error:")
        return
    if job.state == "cancelled":
        st.info(t("phase_stopped"), icon=":material/stop_circle:")
        return
    if cut := int(job.result.get("cut") or 0):
        st.warning(t("app_cut", count=f"{cut:,}"), icon=":material/content_cut:")
    if not job.result.get("refused"):
        st.success(words(app.done), icon=":material/check:")
    st.caption(" · ".join(_facts(job)))


def _facts(job: Job) -> list[str]:
    used = job.result.get("usage") or {}
    found = [said.duration(float(job.result["seconds"]), language())]
    if total := sum(int(v) for v in used.values()):
        found.append(n("tokens", total))
    if model := job.result.get("model"):
        found.append(plain(str(model)))
    return found


def earlier(app: App, shown: Job | None) -> None:
    """Runs of this app before the one on screen, to be looked at again."""
    found = [j for j in assistant().store.jobs(kinds=[apps.KIND], limit=60) if j.payload["app"] == app.name]
    found = [j for j in found if j.state == "done" and (shown is None or j.id != shown.id)][:KEPT]
    if not found:
        return
    with st.expander(t("app_earlier"), icon=":material/history:"):
        for job in found:
            st.button(
                plain(_title(job), limit=70),
                type="tertiary",
                key=f"earlier-{job.id}",
                on_click=st.query_params.__setitem__,
                args=("run", job.id),
            )


def _title(job: Job) -> str:
    when = said.when(job.created_at, st.context.timezone, language())
    words_of = [str(v) for v in job.payload["values"].values() if isinstance(v, str | int | float) and str(v).strip()]
    return " · ".join([when, " / ".join(words_of)])
