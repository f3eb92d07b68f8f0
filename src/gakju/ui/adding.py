"""Adding documents: the form, the jobs as they run, what became of each file and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from gakju import wire
from gakju.assistant import DEFAULT
from gakju.errors import GakjuError, NotFound
from gakju.language import explain
from gakju.store import Job
from gakju.types import Added, Document
from gakju.ui import shelves, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, cancel, language, n, name_of, t

TICK = 0.7
"""Seconds between looks at running jobs."""

MENDED_BY_OCR = frozenset(["no_text", "garbled"])
"""Problems of pages whose words are pictures, or may as well be."""

MENDED_BY_READING = MENDED_BY_OCR | {"page_failed", "ocr_missing"}

FOLDED = 6
"""Files of a job beyond which those without a problem are folded away."""

COLOURS = {"added": "green", "unchanged": "gray", "partial": "orange", "failed": "red"}
ICONS = {"added": "check_circle", "unchanged": "equal", "partial": "error", "failed": "cancel"}


def form() -> None:
    """Files in, a job out. The uploader is a new one after each batch, so that it is empty again."""
    batch = st.session_state.setdefault("batch", 0)
    with st.container(border=True, key="add"):
        folder = st.session_state.get("folder", False)
        files: list[UploadedFile] = st.file_uploader(
            t("upload_folder" if folder else "upload"),
            accept_multiple_files="directory" if folder else True,
            key=f"upload-{batch}-{folder}",
            help=t("upload_help"),
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.popover(t("options"), icon=":material/tune:", type="tertiary"):
                collection, password, ocr = _options()
            if files and st.button(
                t("add", files=n("files", len(files))), type="primary", icon=":material/add:", key="add_files"
            ):
                _submit(files, collection, password, ocr)


def _options() -> tuple[str, str, bool]:
    st.toggle(t("whole_folder"), key="folder")
    collection = st.selectbox(
        t("collection"),
        shelves.names(),
        format_func=name_of,
        accept_new_options=True,
        key="add_collection",
        help=t("collection_help"),
    )
    password = st.text_input(t("password"), type="password", key="add_password", help=t("password_help"))
    ocr = st.toggle(t("ocr"), value=assistant().settings.ocr, key="add_ocr", help=t("ocr_help"))
    return collection or DEFAULT, password, ocr


def _submit(files: list[UploadedFile], collection: str, password: str, ocr: bool) -> None:
    a = assistant()
    try:
        kept = [a.keep(f, f.name) for f in files]
        a.submit_add(kept, collection=collection, passwords=[password] if password else [], ocr=ocr)
    except GakjuError as e:
        st.error(plain(explain(e, language())), icon=":material/error:")
        return
    st.session_state["batch"] += 1
    st.rerun()


def jobs(seen: tuple[object, ...], *, finished: bool = True) -> None:
    """Running jobs, then the last finished one until it is put away. From the store, so that a reload keeps them.

    `seen` is what `mark` said before the documents were listed: what ends meanwhile draws the page anew.
    """
    st.fragment(_board, run_every=TICK if seen else None)(seen, finished)


def _jobs() -> list[Job]:
    return assistant().store.jobs(kinds=["add", "reindex"], limit=20)


def mark() -> tuple[object, ...]:
    """Changes when a job ends or a file is done: the moments at which the list of documents changes."""
    return tuple((j.id, j.state, len(_results(j))) for j in _jobs() if not j.finished)


def _board(seen: tuple[object, ...], finished: bool) -> None:
    if mark() != seen:
        st.rerun()
    found = _jobs()
    watched = st.session_state.setdefault("watched", set())
    for job in reversed([j for j in found if not j.finished]):
        watched.add(job.id)
        with st.container(border=True, key=f"job-{job.id}"):
            _running(job)
    away = st.session_state.setdefault("put_away", set())
    last = next((j for j in found if j.finished), None)
    if finished and last and last.id not in away and not seen and (last.id in watched or _wants_a_look(last)):
        with st.container(border=True, key=f"job-{last.id}"):
            _finished(last)


def _wants_a_look(job: Job) -> bool:
    return job.state != "done" or any(r.status in {"partial", "failed"} for r in _results(job))


def _results(job: Job) -> list[Added]:
    if job.kind != "add":
        return []
    told = job.result.get("files") or [e.data for e in assistant().store.events(job.id) if e.kind == "file"]
    return [wire.load(Added, f) for f in told]


def _running(job: Job) -> None:
    p = job.progress
    stage, item = p.get("stage") or "queued", plain(str(p.get("item") or ""), limit=80)
    done, total = int(p.get("done") or 0), int(p.get("total") or 0)
    with st.container(horizontal=True, vertical_alignment="center"):
        head = f"**{t(f'stage_{stage}')}** {item}" if item else f"**{t(f'stage_{stage}')}**"
        st.markdown(head, width="stretch")
        st.button(
            t("cancel"), key=f"cancel-{job.id}", on_click=cancel, args=(job.id,), type="tertiary",
            icon=":material/close:",
        )  # fmt: skip
    st.progress(min(1.0, done / total) if total else 0.0, text=_counted(p, done, total))
    results = _results(job)
    _files(job, results)
    waiting = [f["path"].rpartition("/")[2] for f in job.payload.get("files", ())[len(results) + (stage != "queued") :]]
    if waiting:
        names = ", ".join(plain(name, limit=40) for name in waiting[:3])
        st.caption(t("waiting" if len(waiting) <= 3 else "waiting_more", names=names, count=len(waiting)))


def _counted(p: Mapping[str, Any], done: int, total: int) -> str:
    parts = []
    if total and p.get("unit") in {"pages", "files", "documents"}:
        parts.append(t(f"count_{p['unit']}", done=done, total=total))
    if p.get("seconds_left"):
        parts.append(t("left", time=words.duration(float(p["seconds_left"]), language())))
    return " · ".join(parts) or t("working")


def _finished(job: Job) -> None:
    results = _results(job)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{_summary(job, results)}**", width="stretch")
        if st.button(t("put_away"), key=f"away-{job.id}", icon=":material/close:", type="tertiary"):
            st.session_state["put_away"].add(job.id)
            st.rerun()
    if job.state == "failed":
        said, more = words.failure(job.error, language())
        st.error(f"{plain(said)}  \n{plain(more)}" if more else plain(said), icon=":material/error:")
    _files(job, results)


def _files(job: Job, results: list[Added]) -> None:
    """Files with problems first; many that went well are folded away."""
    well = [r for r in results if r.status in {"added", "unchanged"} and not r.problems]
    for added in results:
        if added not in well or len(results) <= FOLDED:
            _file(job, added)
    if well and len(results) > FOLDED:
        with st.expander(t("went_well", files=n("files", len(well))), icon=":material/check_circle:"):
            for added in well:
                _file(job, added)


def _summary(job: Job, results: list[Added]) -> str:
    if job.state == "cancelled":
        return t("add_cancelled", count=sum(r.status in {"added", "partial"} for r in results))
    if job.kind == "reindex":
        return t("reindexed") if job.state == "done" else t("reindex_failed")
    counts = {s: sum(r.status == s for r in results) for s in COLOURS}
    return " · ".join(t(f"sum_{s}", count=n) for s, n in counts.items() if n) or t("sum_none")


def _file(job: Job, added: Added) -> None:
    name = plain(added.path.rpartition("/")[2], limit=80)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(t(f"status_{added.status}"), icon=f":material/{ICONS[added.status]}:", color=COLOURS[added.status])  # type: ignore[arg-type]
        facts = f" · {n('pages', added.pages)}" if added.document_id else ""
        st.markdown(f"{name}{facts}", width="stretch")
    if added.problems:
        problems(added)
    elif added.error:
        st.caption(plain(added.error))
    if any(p.kind == "password_required" for p in added.problems):
        _password(job, added)
    elif added.document_id and job.finished:
        with suppress(NotFound):
            mend(assistant().document(added.document_id), key=job.id)


def problems(found: Added | Any) -> None:
    """What a reader must know of a file, a line a kind: what, on which pages, what mends it."""
    # Where a button mends it, how to mend it by hand is not for here.
    told = [replace(p, detail="") if p.kind in MENDED_BY_READING else p for p in found.problems]
    for what, pages, detail in words.problems(told, language()):
        line = f"{plain(what)} {t('on_pages', pages=pages)}" if pages else plain(what)
        st.caption(f"{line}  \n{plain(detail)}" if detail else line)


def mend(d: Document, *, key: str = "document") -> None:
    """Buttons for what can be done about pages that could not be read; nothing where that is nothing."""
    kinds = {p.kind for p in d.problems}
    if not kinds & MENDED_BY_READING:
        return
    label = "mend_ocr" if kinds & MENDED_BY_OCR else "reread"
    busy = any(
        f.get("digest") == d.digest
        for j in assistant().store.jobs(kinds=["add"], states=["queued", "running"])
        for f in j.payload["files"]
    )
    if st.button(t(label), icon=":material/document_scanner:", key=f"mend-{key}-{d.id}", disabled=busy):
        try:
            assistant().shelf.reread([d.id], ocr=True)
        except GakjuError as e:
            st.error(plain(explain(e, language())), icon=":material/error:")
            return
        st.rerun()


def _password(job: Job, added: Added) -> None:
    """The same file once more, with its password; the upload was kept for it."""
    given = next((f for f in job.payload["files"] if f["path"] == added.path), None)
    if given is None or job.payload.get("mended") == added.path:
        return
    form = st.form(f"password-{job.id}-{added.path}", border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom"):
        password = st.text_input(t("password"), type="password", width=260)
        again = st.form_submit_button(t("add_again"), icon=":material/lock_open:")
    if again and password:
        assistant().submit_add(
            [given], collection=job.payload["collection"], passwords=[password], ocr=job.payload["ocr"]
        )
        st.rerun()
