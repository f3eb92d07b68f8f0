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
from gakju.assistant.ingest import LeftOut
from gakju.errors import GakjuError, NotFound
from gakju.language import explain
from gakju.store import Job
from gakju.types import Added, Document
from gakju.ui import pieces, shelves, web, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, cancel, language, n, name_of, t

TICK = 0.7
"""Seconds between looks at running jobs."""

MENDED_BY_OCR = frozenset(["no_text", "garbled"])
"""Problems of pages whose words are pictures, or may as well be."""

MENDED_BY_READING = MENDED_BY_OCR | {"page_failed", "ocr_missing"}

FOLDED = 6
"""Files of a job beyond which those without a problem are folded away."""

NEXT = 3
"""Files in line that are shown as they wait; more are folded away."""

LISTED = 50
"""Files in line that can be cancelled one by one."""

COLOURS = {"added": "green", "unchanged": "gray", "partial": "orange", "failed": "red", "cancelled": "gray"}
ICONS = {
    "added": "check_circle", "unchanged": "equal", "partial": "error", "failed": "cancel", "cancelled": "block",
}  # fmt: skip


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
        web.form(collection)


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
    pieces.fragment(_board, run_every=TICK if seen else None)(seen, finished)


def _jobs() -> list[Job]:
    return assistant().store.jobs(kinds=["add", "pages", "reindex"], limit=20)


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
    return job.state != "done" or any(_status(r) in {"partial", "failed"} for r in _results(job))


def _results(job: Job) -> list[Added]:
    if job.kind == "reindex":
        return []
    told = job.result.get("files") or [e.data for e in assistant().store.events(job.id) if e.kind == "file"]
    return [wire.load(Added, f) for f in told]


def _running(job: Job) -> None:
    p = job.progress
    stage, item = p.get("stage") or "queued", plain(str(p.get("item") or ""), limit=80)
    done, total = int(p.get("done") or 0), int(p.get("total") or 0)
    results = _results(job)
    files = dict(enumerate(job.payload.get("files", ())))
    several, begun = len(files) > 1, len(results) + (stage != "queued")
    left_out = assistant().store.left_out(job.id) if several else set()
    with st.container(horizontal=True, vertical_alignment="center"):
        head = f"**{t(f'stage_{stage}')}** {item}" if item else f"**{t(f'stage_{stage}')}**"
        st.markdown(head, width="stretch")
        if several and begun - 1 in files.keys() - left_out and stage != "queued":
            _leave_out(job, begun - 1, "cancel_this", "skip_next")
        st.button(
            t("cancel_all" if several else "cancel"), key=f"cancel-{job.id}", on_click=cancel, args=(job.id,),
            type="tertiary", icon=":material/close:",
        )  # fmt: skip
    st.progress(min(1.0, done / total) if total else 0.0, text=_counted(p, done, total))
    _files(job, results)
    _waiting(job, [i for i in files if i >= begun and i not in left_out])


def _waiting(job: Job, places: list[int]) -> None:
    """The files that come next, each of which can be cancelled."""
    names = [plain(_name(job, i), limit=40) for i in places[:NEXT]]
    if len(places) > NEXT:
        label = t("waiting_more", names=", ".join(names), count=len(places))
        with st.expander(label, key=f"waiting-{job.id}"):
            _line(job, places[:LISTED])
    elif places:
        st.caption(t("waiting"))
        _line(job, places)


def _line(job: Job, places: list[int]) -> None:
    with st.container(gap="xxsmall", key=f"line-{job.id}"):
        for i in places:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(plain(_name(job, i), limit=80), width="stretch")
                _leave_out(job, i, "cancel_file", "close")


def _leave_out(job: Job, place: int, label: str, icon: str) -> None:
    if pieces.icon(icon, label, f"leave-{job.id}-{place}", file=plain(_name(job, place), limit=80)):
        assistant().jobs.leave_out(job.id, place)
        st.rerun(scope="fragment")


def _name(job: Job, place: int) -> str:
    return str(job.payload["files"][place]["path"]).rpartition("/")[2]


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
    well = [i for i, r in enumerate(results) if r.status in {"added", "unchanged"} and not r.problems]
    for i, added in enumerate(results):
        if i not in well or len(results) <= FOLDED:
            _file(job, i, added)
    if well and len(results) > FOLDED:
        label = t("went_well", files=n("files", len(well)))
        with st.expander(label, icon=":material/check_circle:", key=f"went-well-{job.id}"):
            for i in well:
                _file(job, i, results[i])


def _summary(job: Job, results: list[Added]) -> str:
    if job.state == "cancelled":
        return t("add_cancelled", count=sum(r.status in {"added", "partial"} for r in results))
    if job.kind == "reindex":
        return t("reindexed") if job.state == "done" else t("reindex_failed")
    counts = {s: sum(_status(r) == s for r in results) for s in COLOURS}
    return " · ".join(t(f"sum_{s}", count=n) for s, n in counts.items() if n) or t("sum_none")


def _status(added: Added) -> str:
    """As it is shown: what was cancelled has not failed."""
    return "cancelled" if any(p.kind == LeftOut.code for p in added.problems) else added.status


def _file(job: Job, number: int, added: Added) -> None:
    """`number` is the place of the file in its batch, of which others may have its name."""
    name = plain(added.path.rpartition("/")[2], limit=80)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        status = _status(added)
        st.badge(t(f"status_{status}"), icon=f":material/{ICONS[status]}:", color=COLOURS[status])  # type: ignore[arg-type]
        facts = f" · {n('pages', added.pages)}" if added.document_id else ""
        st.markdown(f"{name}{facts}", width="stretch")
    if status == "cancelled":
        return
    if added.problems:
        problems(added)
    elif added.error:
        st.caption(plain(added.error))
    if any(p.kind == "password_required" for p in added.problems):
        _password(job, number)
    elif added.document_id and job.finished:
        with suppress(NotFound):
            mend(assistant().document(added.document_id), key=f"{job.id}-{number}")


def problems(found: Added | Any) -> None:
    """What a reader must know of a file, a line a kind: what, on which pages, what mends it."""
    # Where a button mends it, how to mend it by hand is not for here.
    told = [replace(p, detail="") if p.kind in MENDED_BY_READING else p for p in found.problems]
    for what, pages, detail in words.problems(told, language()):
        where = t("on_page" if pages.isdigit() else "on_pages", pages=pages) if pages else ""
        line = f"{plain(what)} {where}".rstrip()
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


def _password(job: Job, number: int) -> None:
    """The same file once more, with its password; the upload was kept for it."""
    files = job.payload.get("files", ())
    if number >= len(files):  # of pages of the web
        return
    form = st.form(f"password-{job.id}-{number}", border=False)
    with form, st.container(horizontal=True, vertical_alignment="bottom"):
        password = st.text_input(t("password"), type="password", width=260)
        again = st.form_submit_button(t("add_again"), icon=":material/lock_open:")
    if again and password:
        assistant().submit_add(
            [files[number]], collection=job.payload["collection"], passwords=[password], ocr=job.payload["ocr"]
        )
        st.rerun()
