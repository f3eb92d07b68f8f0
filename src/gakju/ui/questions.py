"""The question sets: the shelf of them, one set with its questions to look at, confirm, change and take away."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from gakju.assistant import DEFAULT
from gakju.errors import GakjuError, NotFound
from gakju.labs import questions
from gakju.labs.question_files import FORMS, MEDIA, clean, form_of
from gakju.labs.questions import MOST, PROPOSE
from gakju.language import explain
from gakju.store import Job
from gakju.store.questions import Item, QuestionSet, item_id
from gakju.ui import pieces, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, cancel, language, n, name_of, t

TICK = 0.5
"""Seconds between looks at a job."""
A_PAGE = 25
"""Questions shown at once."""
EXAMPLE = (
    '{"question": "연차휴가는 며칠인가?", "answers": ["15일"], "gold": [{"document": "취업규칙.pdf", "page": 3}]}\n'
)


def show(set_id: str = "") -> None:
    """Go to a set, or with nothing back to all of them. In the address, for reloads."""
    if set_id:
        st.query_params["set"] = set_id
    else:
        st.query_params.pop("set", None)


def page() -> None:
    with st.container(key="shelf"):
        if not (wanted := st.query_params.get("set")):
            _shelf()
            return
        st.button(t("questions"), icon=":material/arrow_back:", type="tertiary", key="back", on_click=show)
        try:
            found = assistant().store.questions.get(wanted)
        except NotFound:
            st.warning(t("set_gone"))
            return
        _set(found)


# The shelf


def _shelf() -> None:
    st.title(t("questions"))
    st.markdown(t("questions_intro"))
    with st.container(horizontal=True):
        with st.popover(t("set_upload"), icon=":material/upload_file:", key="set-upload"):
            _upload()
        with st.popover(t("set_propose"), icon=":material/auto_awesome:", type="tertiary", key="set-propose"):
            _propose()
        with st.popover(t("set_liked"), icon=":material/thumb_up:", type="tertiary", key="set-liked"):
            _liked()
    _undo()
    running = [j.id for j in _jobs() if not j.finished]
    pieces.fragment(_board, run_every=TICK if running else None)(running)
    sets = assistant().store.questions.all()
    if not sets:
        with st.container(border=True, key="sets-empty"):
            st.markdown(f"#### {t('sets_empty')}")
            st.markdown(t("sets_empty_how"))
            st.code(EXAMPLE.strip(), language=None, wrap_lines=True)
        return
    with st.container(key="cards", gap="small"):
        for one in sets:
            _card(one)


def _card(one: QuestionSet) -> None:
    with st.container(border=True, gap="xxsmall", key=f"card-{one.id}"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.button(
                f"**{plain(one.name)}**", icon=":material/quiz:", type="tertiary", key=f"set-open-{one.id}",
                on_click=show, args=(one.id,),
            )  # fmt: skip
            if waiting := len(one.items) - len(one.confirmed):
                st.badge(t("set_waiting", count=f"{waiting:,}"), color="orange")
        st.caption(_facts(one))


def _facts(one: QuestionSet) -> str:
    at = words.when(one.updated_at, st.context.timezone, language())
    return " · ".join([n("questions", len(one.items)), t("set_version", version=one.version), at])


def _upload() -> None:
    given = st.file_uploader(
        t("set_file"), type=["jsonl", "csv", "tsv"], key=f"set-file-{st.session_state.get('set-files', 0)}",
        help=t("set_file_help"),
    )  # fmt: skip
    start = given.name.rpartition(".")[0][:100] if given else ""
    name = st.text_input(t("set_name"), start, max_chars=100, key=f"set-name-{start}")
    st.caption(t("set_name_help"))
    if st.button(t("set_add"), type="primary", key="set-add", disabled=given is None) and given:
        try:
            made = questions.of(assistant()).load(clean(name), given.getvalue(), form_of(given.name))
        except GakjuError as e:
            _failed(e)
            return
        st.session_state["set-files"] = st.session_state.get("set-files", 0) + 1
        show(made.id)
        st.rerun()


def _propose() -> None:
    a = assistant()
    collections = list(a.collections()) or [DEFAULT]
    st.markdown(t("propose_intro"))
    collection = st.selectbox(t("collection"), collections, format_func=name_of, key="propose-collection")
    count = st.number_input(t("propose_count"), 1, MOST, 10, key="propose-count")
    name = st.text_input(t("set_name"), t("propose_name"), max_chars=100, key="propose-name")
    if st.button(t("propose_start"), type="primary", key="propose-start"):
        try:
            questions.of(a).propose(clean(name), count=count, collection=collection)
        except GakjuError as e:
            _failed(e)
            return
        st.rerun()


def _liked() -> None:
    st.markdown(t("liked_intro"))
    name = st.text_input(t("set_name"), t("liked_name"), max_chars=100, key="liked-name")
    if st.button(t("liked_make"), type="primary", key="liked-make"):
        try:
            made = questions.of(assistant()).from_feedback(clean(name))
        except GakjuError as e:
            _failed(e)
            return
        show(made.id)
        st.rerun()


def _failed(error: GakjuError) -> None:
    st.error(plain(explain(error, language())), icon=":material/error:")


def _undo() -> None:
    """What was removed last can be had back."""
    if not (gone := st.session_state.get("set-gone")):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="set-gone-bar"):
        st.markdown(t("set_removed", name=plain(gone[1])))
        undo = st.button(t("undo"), type="tertiary", icon=":material/undo:", key="set-undo")
        if pieces.icon("close", "close", "set-gone-shut"):
            del st.session_state["set-gone"]
            st.rerun()
    if undo:
        try:
            assistant().store.questions.restore(gone[0])
        except GakjuError as e:  # another set has its name now: renamed, it gives way
            _failed(e)
            return
        del st.session_state["set-gone"]
        st.rerun()


# Questions that are being proposed


def _jobs() -> list[Job]:
    return assistant().store.jobs(kinds=[PROPOSE], limit=10)


def _board(running: list[str]) -> None:
    found = _jobs()
    if [j.id for j in found if not j.finished] != running:
        st.rerun()
    watched: set[str] = st.session_state.setdefault("proposals", set())
    for job in found:
        if not job.finished:
            watched.add(job.id)
            with st.container(border=True, key=f"job-{job.id}"):
                _running(job)
    last = next((j for j in found if j.finished), None)
    if last and last.id in watched and not running:
        _finished(last)


def _running(job: Job) -> None:
    done, total = int(job.progress.get("done") or 0), int(job.payload["count"])
    with st.container(horizontal=True, vertical_alignment="center"):
        about = t("propose_running", name=plain(job.payload["name"]), done=done, total=total)
        st.markdown(about, width="stretch")
        st.button(t("stop"), key=f"stop-{job.id}", on_click=cancel, args=(job.id,), type="tertiary")
    st.progress(min(1.0, done / total))


def _finished(job: Job) -> None:
    if job.state == "failed":
        what, more = words.failure(job.error, language())
        st.error(f"{plain(what)}  \n{plain(more)}" if more else plain(what), icon=":material/error:")
    elif job.state == "cancelled":
        st.info(t("propose_stopped"), icon=":material/stop_circle:")
    elif job.result.get("proposed"):
        st.success(t("propose_done", count=job.result["proposed"], passages=job.result["passages"]))
    else:
        st.warning(t("propose_nothing", passages=job.result["passages"]), icon=":material/info:")


# One set


def _set(found: QuestionSet) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.title(plain(found.name), width="stretch")
        _menu(found)
    versions = [number for number, _ in assistant().store.questions.versions(found.id)]
    shown = found
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(versions) > 1:
            version = st.selectbox(
                t("set_versions"), versions, format_func=lambda v: t("set_version", version=v),
                key=f"version-{found.id}-{found.version}", width=180,
            )  # fmt: skip
            shown = assistant().store.questions.get(found.id, version)
        st.caption(_facts(shown))
    newest = shown.version == found.version
    waiting = len(shown.items) - len(shown.confirmed)
    kept = shown.items
    if waiting:
        _to_confirm(shown, waiting, newest=newest)
        if st.toggle(t("set_only_waiting", count=f"{waiting:,}"), key="only-waiting"):
            kept = tuple(item for item in shown.items if item.state == "proposed")
    first = 0
    if len(kept) > A_PAGE:
        pages = -(-len(kept) // A_PAGE)
        first = A_PAGE * (int(st.number_input(t("set_page", pages=pages), 1, pages, key="set-page", width=200)) - 1)
    for item in kept[first : first + A_PAGE]:
        _item(found, item, newest=newest)


def _to_confirm(found: QuestionSet, waiting: int, *, newest: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="to-confirm"):
        st.markdown(t("set_confirm_what", count=f"{waiting:,}"), width="stretch")
        if newest and st.button(t("set_confirm_all"), icon=":material/done_all:", key="confirm-all"):
            questions.of(assistant()).confirm(found.id)
            st.rerun()


def _item(found: QuestionSet, item: Item, *, newest: bool) -> None:
    with st.container(border=True, gap="xxsmall", key=f"item-{item.id}"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="xxsmall"):
            st.markdown(f"**{plain(item.question)}**", width="stretch")
            if newest:
                _actions(found, item)
        st.markdown(" / ".join(map(plain, item.answers)) or f"*{t('set_refusal')}*")
        if facts := _about(item):
            st.caption(" · ".join(facts))


def _actions(found: QuestionSet, item: Item) -> None:
    sets = questions.of(assistant())
    if item.state == "proposed" and pieces.icon("check", "set_confirm", f"confirm-{item.id}"):
        sets.confirm(found.id, [item.id])
        st.rerun()
    if pieces.icon("edit", "set_edit", f"edit-{item.id}"):
        pieces.dialog(t("set_edit"), _edit)(found.id, item)
    if pieces.icon("close", "set_drop", f"drop-{item.id}"):
        sets.change(found.id, [], [item.id])
        st.rerun()


def _about(item: Item) -> list[str]:
    found = [t("set_proposed")] if item.state == "proposed" else []
    found += [t("place", title=plain(g.document), page=g.page) for g in item.gold]
    return found + [plain(text) for text in (item.label, item.note) if text]


def _edit(set_id: str, item: Item) -> None:
    question = st.text_area(t("set_question"), item.question, max_chars=10_000, key=f"question-{item.id}")
    answers = st.text_area(t("set_answers"), "\n".join(item.answers), help=t("set_answers_help"), key=f"a-{item.id}")
    label = st.text_input(t("set_label"), item.label, max_chars=2000, key=f"label-{item.id}")
    note = st.text_input(t("set_note"), item.note, max_chars=2000, key=f"note-{item.id}")
    if st.button(t("save"), type="primary", key=f"save-{item.id}", disabled=not question.strip()):
        lines = tuple(line for given in answers.splitlines() if (line := clean(given).strip()))
        if answers == "\n".join(item.answers):  # one of several lines stays one
            lines = item.answers
        text = clean(question).strip()
        changed = replace(item, question=text, answers=lines, label=clean(label), note=clean(note), state="confirmed")
        questions.of(assistant()).change(set_id, [changed])
        st.rerun()


def _menu(found: QuestionSet) -> None:
    with st.popover(
        t("set_more"), icon=":material/more_horiz:", type="tertiary", key="icon-more-set", help=t("set_more")
    ):
        for form in FORMS:
            try:
                data = questions.of(assistant()).export(found.id, form)
            except GakjuError:  # CSV cannot hold every answer
                continue
            st.download_button(
                t("set_download", form=form.upper()), data=data, file_name=f"questions.{form}", mime=MEDIA[form],
                icon=":material/download:", type="tertiary", on_click="ignore", key=f"download-{form}",
            )  # fmt: skip
        if st.button(t("set_add_one"), icon=":material/add:", type="tertiary", key="add-one"):
            pieces.dialog(t("set_add_one"), _new)(found.id)
        if st.button(t("set_split"), icon=":material/call_split:", type="tertiary", key="split"):
            pieces.dialog(t("set_split"), _split)(found)
        if st.button(t("rename"), icon=":material/edit:", type="tertiary", key="rename-set"):
            pieces.dialog(t("rename"), _rename)(found)
        if st.button(t("delete"), icon=":material/delete:", type="tertiary", key="delete-set"):
            st.session_state["set-gone"] = assistant().store.questions.remove(found.id), found.name
            show()
            st.rerun()


def _new(set_id: str) -> None:
    question = st.text_area(t("set_question"), max_chars=10_000, key="new-question")
    answers = st.text_area(t("set_answers"), help=t("set_answers_help"), key="new-answers")
    if st.button(t("save"), type="primary", key="new-save", disabled=not question.strip()):
        text = clean(question).strip()
        lines = tuple(line for given in answers.splitlines() if (line := clean(given).strip()))
        questions.of(assistant()).add(set_id, [Item(item_id(text), text, lines)])
        st.rerun()


def _split(found: QuestionSet) -> None:
    st.markdown(t("set_split_what", name=plain(found.name)))
    whole = max(2, len(found.confirmed))
    tests = st.number_input(t("set_split_tests"), 1, whole - 1, max(1, whole // 3), key="split-tests")
    if st.button(t("set_split"), type="primary", key="split-yes"):
        try:
            questions.of(assistant()).split(found.id, tests)
        except GakjuError as e:
            _failed(e)
            return
        show()
        st.rerun()


def _rename(found: QuestionSet) -> None:
    name = st.text_input(t("set_name"), found.name, max_chars=100, key="rename-name")
    if st.button(t("save"), type="primary", key="rename-save"):
        try:
            assistant().store.questions.rename(found.id, clean(name))
        except GakjuError as e:
            _failed(e)
            return
        st.rerun()
