"""Examples in the prompt: two question sets, what to try and what it will take; live progress; then what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from gakju.errors import GakjuError
from gakju.labs import fewshot
from gakju.labs.fewshot import KIND, PICKS, Cell, Plan, Ready, as_plan
from gakju.labs.playground import Playground
from gakju.language import explain
from gakju.store import Job
from gakju.store.questions import QuestionSet
from gakju.ui import fewshot_result, pieces
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, named_run, t
from gakju.ui.tokenizer import table

KEPT = 10
"""Earlier runs that are listed."""
COUNTS = (0, 1, 2, 4, 8, 16, 32)
KINDS = ("classification", "extraction", "answer")


def page() -> None:
    with st.container(key="shelf"):
        st.title(t("fewshot"))
        st.markdown(t("fewshot_intro"))
        run = named_run(KIND)
        if run:
            fewshot_result.draw(run)
        else:
            _form()
        _earlier(run)


# What to measure


def _form() -> None:
    sets = {one.id: one for one in assistant().store.questions.all() if one.confirmed}
    if not sets:
        with st.container(border=True, key="fewshot-empty"):
            st.markdown(f"#### {t('fewshot_empty')}")
            st.markdown(t("fewshot_empty_how"))
            st.page_link(st.session_state["pages"]["questions"], label=t("fewshot_to_sets"), icon=":material/quiz:")
        return

    def named(key: str) -> str:
        return f"{sets[key].name} ({len(sets[key].confirmed):,})"

    left, right = st.columns(2, gap="medium")
    test = left.selectbox(t("fewshot_test"), list(sets), format_func=named, key="fewshot-test")
    others = [key for key in sets if key != test]
    examples = right.selectbox(t("fewshot_examples"), others, format_func=named, key="fewshot-examples")
    told = {"test": test, "examples": examples or "", **_wanted(*(sets[key] for key in (test, examples) if key))}
    if not told["counts"] or not told["picks"]:
        st.info(t("fewshot_choose"), icon=":material/rule:")
        return
    try:
        plan = as_plan(told)
        ready = fewshot.of(assistant()).ready(plan)
    except GakjuError as e:
        st.warning(plain(explain(e, language())), icon=":material/rule:")
        return
    _estimate(ready)
    if st.button(t("fewshot_start"), icon=":material/play_arrow:", type="primary", key="fewshot-start"):
        _submit(plan)
    # Not an expander: what is in one is worked out though nobody opens it, and vectors of a bank take seconds.
    if st.toggle(t("fewshot_prompt"), key="fewshot-prompt"):
        pieces.fragment(_prompt)(plan)


def _likely(sets: Sequence[QuestionSet]) -> str:
    """Few short answers that come again are labels."""
    said = [item.answers for one in sets for item in one.confirmed]
    if all(len(answers) == 1 and len(answers[0]) <= 40 for answers in said) and len(set(said)) * 2 <= len(said):
        return "classification"
    return "answer"


def _wanted(*sets: QuestionSet) -> dict[str, Any]:
    kinds = {kind: t(f"fs_kind_{kind}") for kind in KINDS}
    picks = {pick: t(f"fs_pick_{pick}") for pick in PICKS}
    kind = st.segmented_control(
        t("fewshot_kind"), KINDS, default=_likely(sets), required=True, format_func=kinds.__getitem__,
        key=f"fewshot-kind-{sets[0].id}",
    )  # fmt: skip
    left, right = st.columns(2, gap="medium")
    counts = left.pills(t("fewshot_counts"), COUNTS, selection_mode="multi", default=[0, 1, 4], key="fewshot-counts")
    chosen = right.pills(
        t("fewshot_picks"), PICKS, selection_mode="multi", default=["fixed", "similar"],
        format_func=picks.__getitem__, key="fewshot-picks", help=t("fewshot_picks_help"),
    )  # fmt: skip
    left, right = st.columns(2, gap="medium")
    model = left.selectbox(t("fewshot_model"), Playground(assistant()).models(), key="fewshot-model")
    limit = right.number_input(
        t("fewshot_limit"), 1, fewshot.TESTS, None, placeholder=t("fewshot_all"), key="fewshot-limit"
    )
    instruction = st.text_area(
        t("fewshot_instruction"), placeholder=t("fewshot_own"), max_chars=10_000, height=68, key="fewshot-instruction"
    )
    drop = st.toggle(t("fewshot_drop"), key="fewshot-drop")
    return {
        "kind": kind,
        "counts": counts,
        "picks": chosen,
        "model": model,
        "limit": limit,
        "instruction": instruction,
        "drop_leaks": drop,
    }


def _estimate(ready: Ready) -> None:
    try:
        rows = fewshot.of(assistant()).estimate(ready)
    except GakjuError as e:  # The model's file is not here: the job says so too.
        st.warning(plain(explain(e, language())), icon=":material/download:")
        return
    st.markdown(f"**{t('fewshot_estimate')}**")
    heads = [t(h) for h in ("fewshot_cell", "fewshot_tokens_each", "fewshot_tokens_all", "fewshot_money")]
    cells = [
        [
            fewshot_result.name(row["pick"], row["n"]),
            f"{row['prompt_tokens']:,.0f}",
            f"{row['tokens']:,}",
            fewshot_result.money(row["money"]),
        ]
        for row in rows
    ]
    table(heads, cells)


def _submit(plan: Plan) -> None:
    try:
        job = fewshot.of(assistant()).submit(plan)
    except GakjuError as e:
        st.error(plain(explain(e, language())), icon=":material/error:")
        return
    st.query_params["run"] = job.id
    st.rerun()


# The prompt


def _prompt(plan: Plan) -> None:
    lab = fewshot.of(assistant())
    ready = lab.ready(plan)
    picks = {pick: t(f"fs_pick_{pick}") for pick in plan.picks}
    left, middle, right = st.columns(3)
    pick = left.selectbox(t("fewshot_prompt_pick"), plan.picks, format_func=picks.__getitem__, key="fewshot-shown-pick")
    count = middle.selectbox(
        t("fewshot_prompt_n"), sorted(plan.counts), index=len(plan.counts) - 1, key="fewshot-shown"
    )
    number = right.number_input(t("fewshot_prompt_question"), 1, len(ready.tests), 1, key="fewshot-shown-question")
    try:
        parts, exact = lab.shown(ready, Cell(pick, count), int(number) - 1)
    except GakjuError as e:
        st.warning(plain(explain(e, language())), icon=":material/download:")
        return
    heads = [t(h) for h in ("fewshot_part", "fewshot_text", "tokens_count", "fewshot_share")]
    rows = [[t(f"fs_part_{p.kind}"), p.text, f"{p.tokens:,}", f"{p.share:.0%}"] for p in parts]
    table(heads, rows, left=2)
    if not exact:
        st.caption(t("fewshot_guess"))


def _earlier(shown: Job | None) -> None:
    found = [j for j in fewshot.of(assistant()).runs(30) if shown is None or j.id != shown.id][:KEPT]
    if not found:
        return
    with st.expander(t("fewshot_earlier"), icon=":material/history:"):
        for job in found:
            st.button(
                plain(fewshot_result.title(job), limit=90), type="tertiary", key=f"earlier-{job.id}",
                on_click=st.query_params.__setitem__, args=("run", job.id),
            )  # fmt: skip
