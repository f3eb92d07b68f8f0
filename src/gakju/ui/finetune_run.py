"""One training on the screen, live or over, and the list of all."""

from __future__ import annotations

from typing import Any

import streamlit as st

from gakju.errors import GakjuError, NotFound
from gakju.labs.finetune.tuner import LOCAL, Tuner, can_resume
from gakju.language import explain, say
from gakju.store import Job, Tuning
from gakju.ui import pieces, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, cancel, language, t

TICK = 1.0
"""Seconds between looks at a training."""
ROWS = 200


def word(key: str, **values: object) -> str:
    return say("finetune", key, language(), **values)


def draw(tuner: Tuner, name: str) -> None:
    """The training that the address names."""
    try:
        tuning = tuner.get(name)
    except NotFound:
        st.query_params.pop("run", None)
        st.rerun()
    st.button(t("ft_back"), icon=":material/arrow_back:", type="tertiary", key="ft_back", on_click=_leave)
    job = tuner.job(tuning)
    busy = job is not None and not job.finished
    pieces.fragment(_live, run_every=TICK if busy else None)(tuner, tuning.id, busy)


def _leave() -> None:
    st.query_params.pop("run", None)


def _live(tuner: Tuner, tuning_id: str, was_busy: bool) -> None:
    tuning = tuner.get(tuning_id)
    job = tuner.job(tuning)
    if was_busy and (job is None or job.finished):
        st.rerun()  # It stops ticking.
    with st.container(border=True, key="ft-run"):
        title = plain(tuning.name or tuning.id)
        st.markdown(f"#### {title}")
        st.caption(" · ".join(facts(tuning)))
        if job is not None and not job.finished:
            progress(job)
            st.button(
                t("ft_stop"), icon=":material/stop:", key="ft_stop", on_click=_stop, args=(tuner, tuning.id),
                help=t("ft_stop_help"),
            )  # fmt: skip
        elif job is not None and tuning.state == "failed":
            failed(job)
        elif tuning.state == "cancelled":
            st.info(t("ft_stopped"), icon=":material/stop_circle:")
        _plot(tuner, tuning)
        if left := tuning.told.get("left"):
            st.warning(word("left", files=plain(", ".join(left))), icon=":material/cloud_off:")
        if tuning.finished:
            _after(tuner, tuning)


def facts(tuning: Tuning) -> list[str]:
    """A line about it."""
    found = [word(f"state_{tuning.state}"), plain(tuning.base)]
    found.append(word("counted", examples=tuning.recipe.get("examples", 0), held=tuning.recipe.get("held", 0)))
    if seconds := tuning.told.get("seconds"):
        found.append(words.duration(float(seconds), language()))
    return found


def progress(job: Job) -> None:
    done, total = int(job.progress.get("done") or 0), int(job.progress.get("total") or 0)
    key = {"trying": "ft_trying", "judging": "ft_judging"}.get(str(job.progress.get("stage")), "ft_training")
    said = t(key, done=f"{done:,}", total=f"{total:,}") if total else t("ft_loading")
    if job.state == "queued":
        said = t("ft_waiting")
    st.progress(min(1.0, done / total) if total else 0.0, text=said)


def failed(job: Job) -> None:
    if job.state == "cancelled":
        st.info(t("ft_stopped"), icon=":material/stop_circle:")
        return
    what, more = words.failure(job.error, language())
    st.error(f"{plain(what)}  \n{plain(more)}" if more else plain(what), icon=":material/error:")


def _stop(tuner: Tuner, tuning_id: str) -> None:
    tuner.cancel(tuning_id)


def _plot(tuner: Tuner, tuning: Tuning) -> None:
    """Loss by step: of what is learnt, and of what was held out."""
    lines = [e for e in tuner.log(tuning.id) if e.get("event") in {"step", "eval"} and e.get("loss") is not None]
    if len(lines) < 2:
        return
    learnt, held = t("ft_loss"), t("ft_loss_held")
    by_step: dict[int, dict[str, float]] = {}
    for e in lines:
        by_step.setdefault(int(e["step"]), {})[learnt if e["event"] == "step" else held] = float(e["loss"])
    steps = sorted(by_step)
    columns = {name: [by_step[s].get(name) for s in steps] for name in (learnt, held)}
    columns[held] = _joined(steps, columns[held])
    colours: list[Any] = ["#0f766e", "#b45309"]
    used = {name: values for name, values in columns.items() if any(v is not None for v in values)}
    st.line_chart(
        {t("ft_step"): steps, **used}, x=t("ft_step"), y=list(used), x_label=t("ft_step"), y_label=t("ft_loss_axis"),
        height=320, color=colours[: len(used)],
    )  # fmt: skip


def _joined(steps: list[int], values: list[float | None]) -> list[float | None]:
    """A straight line through the few points that are known."""
    known = [(s, v) for s, v in zip(steps, values, strict=True) if v is not None]
    found: list[float | None] = []
    for step in steps:
        before = max((p for p in known if p[0] <= step), default=None)
        after = min((p for p in known if p[0] >= step), default=None)
        if before is None or after is None:
            found.append(None)
        else:
            share = (step - before[0]) / max(1, after[0] - before[0])
            found.append(before[1] + share * (after[1] - before[1]))
    return found


# Judge, keep, give back, delete


def _after(tuner: Tuner, tuning: Tuning) -> None:
    adapter = tuner.adapter(tuning) if tuning.place == LOCAL else None
    model = adapter.model if adapter else str(tuning.told.get("model") or "")
    if model:
        st.markdown(t("ft_model"))
        st.code(model, language=None)
    elif tuning.told.get("tuned"):
        st.info(t("ft_deploy", name=plain(str(tuning.told["tuned"]))), icon=":material/rocket_launch:")
    _judgement(tuner, tuning, can=bool(model))
    with st.container(horizontal=True):
        loose = not adapter.name if adapter else bool(model and tuning.name not in assistant().settings.aliases)
        if loose and _button("ft_keep", "bookmark_add", primary=True):
            _do(lambda: tuner.use(tuning.id))
        if adapter and adapter.name and _button("ft_roll_back", "undo"):
            name = adapter.name
            _do(lambda: tuner.roll_back(name))
        if can_resume(tuning) and _button("ft_resume", "play_arrow"):
            _do(lambda: tuner.resume(tuning.id))
        with st.popover(t("ft_delete"), icon=":material/delete:"):
            st.markdown(t("ft_delete_sure"))
            if _button("ft_delete_yes", "delete_forever"):
                st.query_params.pop("run", None)
                _do(lambda: tuner.delete(tuning.id))


def _button(key: str, icon: str, *, primary: bool = False) -> bool:
    return st.button(t(key), icon=f":material/{icon}:", key=key, type="primary" if primary else "secondary")


def _do(act: object) -> None:
    try:
        act()  # type: ignore[operator]
    except GakjuError as e:
        st.error(plain(explain(e, language())), icon=":material/error:")
        return
    st.rerun(scope="app")


def _judgement(tuner: Tuner, tuning: Tuning, *, can: bool) -> None:
    job = _judging(tuning)
    if job and not job.finished:
        pieces.fragment(_ticking, run_every=TICK)(job.id)
        return
    if job and job.state == "failed":
        failed(job)
    judged = tuning.told.get("judged")
    if judged:
        verdict = str(judged["verdict"])
        (st.success if verdict == "judge_better" else st.warning)(word(verdict))
        st.table(_figures(judged), hide_index=True)
        if beside := judged.get("retrieval"):
            st.caption(word("judged_retrieval", tokens=beside["tokens"], seconds=beside["p50_seconds"]))
        rows = tuner.judged(tuning.id)[:ROWS]
        with st.expander(t("ft_rows"), icon=":material/compare:"):
            st.dataframe([_row(r) for r in rows], hide_index=True)
    if can and _button("ft_judge_again" if judged else "ft_judge", "balance", primary=not judged):
        _do(lambda: tuner.submit_judge(tuning.id))


def _judging(tuning: Tuning) -> Job | None:
    found = assistant().store.jobs(kinds=["judge"], limit=50)
    return next((j for j in found if j.payload.get("tuning") == tuning.id), None)


def _ticking(job_id: str) -> None:
    job = assistant().store.job(job_id)
    if job.finished:
        st.rerun(scope="app")
    progress(job)
    st.button(t("stop"), icon=":material/stop:", key="ft_judge_stop", on_click=cancel, args=(job_id,))


def _figures(judged: dict[str, dict[str, dict[str, float]]]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for kind in ("held", "general"):
        for side in ("base", "tuned") if kind in judged else ():
            s = judged[kind][side]
            rows.append(
                {
                    t("ft_asked"): word(f"judged_{kind}"),
                    t("ft_side"): word(side),
                    t("ft_right"): f"{s['right']:.0f} / {s['asked']:.0f}",
                    t("ft_tokens"): f"{s['prompt_tokens'] + s['answer_tokens']:.0f}",
                    t("ft_seconds"): f"{s['p50_seconds']:.1f}",
                }
            )
    return rows


def _row(r: dict[str, object]) -> dict[str, object]:
    sides = {word(side): _said(r[side]) for side in ("base", "tuned")}
    return {t("ft_question"): str(r["question"])[:300], t("ft_expected"): str(r["expected"])[:200], **sides}


def _said(side: object) -> str:
    assert isinstance(side, dict)
    return f"{'✓' if side['right'] else '✗'} {str(side['said'])[:200]}"


# All


def all_(tuner: Tuner) -> None:
    """Every training, newest first; the one on screen left out."""
    shown = st.query_params.get("run")
    found = [x for x in reversed(tuner.all()) if x.id != shown]
    if not found:
        return
    st.subheader(t("ft_all"))
    for tuning in found:
        adapter = tuner.adapter(tuning) if tuning.place == LOCAL else None
        used = f" · **{word('in_use')}**" if adapter and adapter.name else ""
        with st.container(border=True, key=f"ft-{tuning.id}"):
            st.button(
                plain(tuning.name or tuning.id), type="tertiary", key=f"open-{tuning.id}",
                on_click=st.query_params.__setitem__, args=("run", tuning.id),
            )  # fmt: skip
            st.caption(" · ".join(facts(tuning)) + used)
