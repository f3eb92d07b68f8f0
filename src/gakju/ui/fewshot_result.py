"""A run of the N-shot lab, under way or over: figures as they come, the picture, what is sure, each question."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from gakju.errors import NotFound
from gakju.labs.fewshot import PICKS
from gakju.labs.fewshot.picture import svg
from gakju.store import Job
from gakju.ui import pieces, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, cancel, language, t
from gakju.ui.tokenizer import table

TICK = 0.5
"""Seconds between looks at a run."""
SURE = 0.05
"""A p below this is told as more than chance."""
A_PAGE = 20
"""Questions shown at once."""


def draw(run: Job) -> None:
    """Live while it runs."""
    st.button(t("fewshot_new"), icon=":material/arrow_back:", type="tertiary", key="fewshot-new", on_click=_leave)
    st.markdown(f"**{plain(title(run))}**")
    pieces.fragment(_run, run_every=None if run.finished else TICK)(run.id, run.finished)


def _leave() -> None:
    st.query_params.pop("run", None)


def title(job: Job) -> str:
    plan = job.payload["plan"]
    sets = [_set_name(plan[side]) for side in ("test", "examples") if plan[side]]
    at = words.when(job.created_at, st.context.timezone, language())
    return " · ".join([at, " ← ".join(sets), str(plan["model"])])


def _set_name(set_id: str) -> str:
    try:
        return assistant().store.questions.get(set_id).name
    except NotFound:
        return set_id


def name(pick: str, n: int) -> str:
    told = t(f"fs_pick_{pick}")
    return f"{told} {n}" if n else told


def money(amount: float | None) -> str:
    return "–" if amount is None else "0" if not amount else f"{amount:.6g}"


def _run(job_id: str, was_finished: bool) -> None:
    job = assistant().store.job(job_id)
    if job.finished and not was_finished:
        st.rerun()  # It stops ticking.
    cells = job.result.get("cells") or [e.data for e in assistant().store.events(job.id) if e.kind == "cell"]
    if not job.finished:
        _progress(job)
    elif job.state == "failed":
        what, more = words.failure(job.error, language())
        st.error(f"{plain(what)}  \n{plain(more)}" if more else plain(what), icon=":material/error:")
    elif job.state == "cancelled":
        st.info(t("fewshot_stopped"), icon=":material/stop_circle:")
    if cells:
        _cells(cells)
    if job.state == "done":
        _pairs(job.result["pairs"])
        _items(job)
        st.download_button(
            t("fewshot_download"), data=json.dumps(job.result, ensure_ascii=False, indent=1), mime="application/json",
            file_name="fewshot.json", icon=":material/download:", on_click="ignore", key="fewshot-download",
        )  # fmt: skip


def _progress(job: Job) -> None:
    done, total = int(job.progress.get("done") or 0), int(job.progress.get("total") or 0)
    with st.container(horizontal=True, vertical_alignment="center"):
        if total:
            pick, _, n = str(job.progress.get("item") or "0").rpartition(" ")
            cell = name(pick or "none", int(n))
            st.markdown(t("fewshot_asking", cell=plain(cell), done=f"{done:,}", total=f"{total:,}"), width="stretch")
        else:
            st.markdown(t("fewshot_waiting"), width="stretch")
        st.button(t("stop"), icon=":material/stop:", key=f"stop-{job.id}", on_click=cancel, args=(job.id,))
    st.progress(done / total if total else 0.0)


def _cells(cells: Sequence[Mapping[str, Any]]) -> None:
    heads = [t("fewshot_cell"), t("fewshot_accuracy"), t("fewshot_interval"), t("fewshot_tokens_each")]
    table([*heads, t("fewshot_money_1000"), t("fewshot_latency")], [_row(cell) for cell in cells])
    for cell in cells:
        if "error" in cell:
            st.caption(f"{name(cell['pick'], cell['n'])}: {plain(cell['error'])}")
    if sum("error" not in cell for cell in cells) > 1:
        names = {pick: t(f"fs_pick_{pick}") for pick in ("none", *PICKS)}
        drawn = svg(cells, t("fewshot_tokens_each"), t("fewshot_accuracy"), names, paper=False)
        pieces.picture(drawn, label=t("fewshot_picture"), key="fewshot-picture")
        st.caption(t("fewshot_picture"))


def _row(cell: Mapping[str, Any]) -> list[str]:
    first = name(cell["pick"], cell["n"])
    if "error" in cell:
        return [first, *["–"] * 5]
    low, high = (f"{100 * edge:.0f}" for edge in cell["ci"])
    return [
        first,
        f"{100 * cell['accuracy']:.1f} %",
        f"{low}\u2060–\u2060{high}",
        f"{cell['prompt_tokens']:,.0f}",
        money(cell["money"]),
        f"{cell['p50_ms'] / 1000:.2f} s",
    ]


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> None:
    if not pairs:
        return
    st.subheader(t("fewshot_sure"))
    clear = [pair for pair in pairs if pair["p"] < SURE]
    for pair in clear:
        st.markdown(f":material/check: {_pair(pair)}")
    if not clear:
        st.markdown(t("fewshot_none_clear"))
    if open_ones := [pair for pair in pairs if pair["p"] >= SURE]:
        with st.expander(t("fewshot_open", count=len(open_ones)), icon=":material/help:"):
            for pair in open_ones:
                st.markdown(_pair(pair))


def _pair(pair: Mapping[str, Any]) -> str:
    low, high = (_points(edge) for edge in pair["ci"])
    one, other = (plain(name(*cell)) for cell in (pair["cell"], pair["against"]))
    facts = {"difference": _points(pair["difference"]), "low": low, "high": high, "p": f"{pair['p']:.3f}"}
    return t("fewshot_pair", one=one, other=other, **facts)


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _items(job: Job) -> None:
    items = job.result["items"]
    cells = [cell for cell in job.result["cells"] if "error" not in cell]
    with st.expander(t("fewshot_items"), icon=":material/checklist:"):
        pages = max(1, -(-len(items) // A_PAGE))
        at = 1
        if pages > 1:
            at = int(st.number_input(t("set_page", pages=pages), 1, pages, key=f"items-{job.id}", width=200))
        heads = [t("set_question"), t("fewshot_right"), *(name(cell["pick"], cell["n"]) for cell in cells)]
        rows = []
        for item in items[A_PAGE * (at - 1) : A_PAGE * at]:
            said = [
                f"{'✓' if s == 1 else '✗'} {text[:80]}" for s, text in zip(item["scores"], item["said"], strict=True)
            ]
            right = " / ".join(item["answers"]) or t("set_refusal")
            rows.append([item["question"][:200], right[:120], *said])
        table(heads, rows, left=len(heads))
