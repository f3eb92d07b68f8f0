"""The comparison: a question set, ways to answer it and what it will take; live progress; then what came of it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from gakju.errors import GakjuError
from gakju.labs import compare
from gakju.labs.compare import KIND, Plan, as_plan
from gakju.labs.compare.words import shown
from gakju.labs.playground import Playground
from gakju.language import explain
from gakju.store import Job
from gakju.store.questions import QuestionSet
from gakju.ui import compare_result, live, pieces, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, cancel, language, named_run, t

TICK = 0.5
"""Seconds between looks at a run."""
KEPT = 10
"""Earlier runs that are listed."""
ARMS: dict[str, Any] = {
    "plain": {},
    "persona": {},
    "shots_1": {"shots": 1},
    "shots_2": {"shots": 2},
    "shots_4": {"shots": 4},
    "shots_8": {"shots": 8},
    "verbatim": {"documents": "verbatim"},
    "free": {"documents": "free"},
    "free_shots": {"documents": "free", "shots": 2},
    "web": {"web": True},
}
"""What can be chosen here; a file given to `gakju compare` says more."""


def page() -> None:
    live.style("compare")
    with st.container(key="compare"):
        st.title(t("compare"))
        st.markdown(t("compare_intro"))
        if run := named_run(KIND):
            _run(run)
        else:
            _form()
        _earlier(run)


# What to compare


def _form() -> None:
    sets = [one for one in assistant().store.questions.all() if one.confirmed]
    if not sets:
        with st.container(border=True, key="compare-empty"):
            st.markdown(f"#### {t('compare_empty')}")
            st.markdown(t("compare_empty_how"))
            if link := st.session_state.get("pages", {}).get("questions"):
                st.page_link(link, label=t("compare_to_sets"), icon=":material/quiz:")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        told = _chosen(sets)
    with right:
        plan = _limits(told)
        _start(plan)


def _chosen(sets: list[QuestionSet]) -> dict[str, Any]:
    by_id = {one.id: one for one in sets}

    def named(key: str) -> str:
        return f"{by_id[key].name} ({len(by_id[key].confirmed):,})"

    asked = st.selectbox(t("compare_set"), list(by_id), format_func=named, key="compare-set")
    models = Playground(assistant()).models()
    chosen = st.multiselect(t("compare_models"), models, default=models[:1], max_selections=8, key="compare-models")
    names = {key: t(f"arm_{key}") for key in ARMS}
    start = ["plain", "verbatim", "free"]
    arms = st.pills(
        t("compare_arms"), list(ARMS), selection_mode="multi", default=start, format_func=names.__getitem__,
        key="compare-arms",
    )  # fmt: skip
    told: dict[str, Any] = {"questions": asked, "models": chosen, "arms": [dict(ARMS[key]) for key in arms]}
    if "persona" in arms:
        text = st.text_area(t("compare_persona"), t("compare_persona_start"), max_chars=10_000, key="compare-persona")
        told["arms"][arms.index("persona")] = {"persona": text}
    if any(arm.get("shots") for arm in told["arms"]):
        others = [key for key in by_id if key != asked]
        told["examples"] = st.selectbox(
            t("compare_examples"), others, format_func=named, key="compare-examples", help=t("compare_examples_help")
        )
    return told


def _limits(told: dict[str, Any]) -> dict[str, Any]:
    limit = st.number_input(
        t("compare_limit"),
        1,
        2000,
        None,
        placeholder=t("compare_all"),
        key="compare-limit",
        help=t("compare_limit_help"),
    )
    minutes = st.number_input(t("compare_minutes"), 1, 10_000, 120, key="compare-minutes")
    longest = st.number_input(t("compare_longest"), 8, 4096, 96, key="compare-longest", help=t("compare_longest_help"))
    return {**told, "limit": limit, "max_tokens": longest, "budget": {"minutes": float(minutes)}}


def _start(told: dict[str, Any]) -> None:
    if not told["arms"] or not told["models"]:
        st.info(t("compare_choose"), icon=":material/rule:")
        return
    if "examples" in told and not told["examples"]:
        st.info(t("compare_no_examples"), icon=":material/rule:")
        return
    lab = compare.of(assistant())
    try:
        plan = as_plan(told)
        estimate = lab.estimate(plan)
    except GakjuError as e:
        st.warning(plain(explain(e, language())), icon=":material/rule:")
        return
    money = t("compare_unpriced") if estimate["money"] is None else f"{estimate['money']:g}"
    facts = {"tokens": f"{estimate['tokens']:,}", "minutes": f"{estimate['minutes']:g}", "money": plain(money)}
    counts = {"known": f"{estimate['remembered']:,}", "count": f"{estimate['questions']:,}"}
    st.markdown(t("compare_estimate", **facts, **counts))
    for row in estimate["ways"]:
        if row["why"]:
            st.caption(f"{plain(shown(row, language()))}: {plain(row['why'])}")
    if st.button(t("compare_start"), icon=":material/play_arrow:", type="primary", key="compare-start"):
        _submit(plan)


def _submit(plan: Plan) -> None:
    try:
        job = compare.of(assistant()).submit(plan)
    except GakjuError as e:
        st.error(plain(explain(e, language())), icon=":material/error:")
        return
    st.query_params["run"] = job.id
    st.rerun()


# A run


def _run(job: Job) -> None:
    pieces.fragment(_live, run_every=None if job.finished else TICK)(job.id, job.finished)
    if st.button(t("compare_new"), icon=":material/add:", type="tertiary", key="compare-new"):
        del st.query_params["run"]
        st.rerun()


def _live(job_id: str, was_finished: bool) -> None:
    job = assistant().store.job(job_id)
    if job.finished and not was_finished:
        st.rerun()  # It stops ticking.
    if job.state == "done":
        compare_result.draw(job)
    elif job.state == "failed":
        what, more = words.failure(job.error, language())
        st.error(f"{plain(what)}  \n{plain(more)}" if more else plain(what), icon=":material/error:")
    elif job.state == "cancelled":
        st.info(t("compare_stopped"), icon=":material/stop_circle:")
    else:
        _progress(job)


def _progress(job: Job) -> None:
    done, total = int(job.progress.get("done") or 0), int(job.progress.get("total") or 0)
    said = t("compare_waiting")
    if total:
        names = {row["name"]: shown(row, language()) for row in job.payload["estimate"]["ways"]}
        way = names.get(str(job.progress.get("item")), "")
        said = t("compare_asking", way=plain(way), done=f"{done:,}", total=f"{total:,}")
    st.progress(done / total if total else 0.0, text=said)
    rows = [e.data for e in assistant().store.events(job.id) if e.kind == "way"]
    if rows:
        compare_result.table({"ways": rows})
    st.button(t("stop"), icon=":material/stop:", key=f"stop-{job.id}", on_click=cancel, args=(job.id,))


def _earlier(here: Job | None) -> None:
    jobs = [job for job in compare.of(assistant()).runs(KEPT) if not here or job.id != here.id]
    if not jobs:
        return
    st.markdown(f"#### {t('compare_earlier')}")
    for job in jobs:
        day = words.when(job.created_at, st.context.timezone, language())
        facts = [day, t(f"compare_state_{job.state}"), str(job.payload["plan"]["name"])]
        name = " · ".join(filter(None, facts))
        if st.button(plain(name), icon=":material/leaderboard:", type="tertiary", key=f"earlier-{job.id}"):
            st.query_params["run"] = job.id
            st.rerun()
