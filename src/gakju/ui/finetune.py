"""Fine-tuning in steps: examples, what speaks against them, a price, a training, a judgement, and into use."""

from __future__ import annotations

from typing import Any

import streamlit as st

from gakju.errors import GakjuError
from gakju.labs import finetune
from gakju.labs.finetune import hosted, told
from gakju.labs.finetune.checks import Report
from gakju.labs.finetune.recipe import Recipe
from gakju.labs.finetune.tuner import Tuner
from gakju.language import explain, say
from gakju.ui import finetune_run, pieces
from gakju.ui.plain import plain
from gakju.ui.state import assistant, cancel, language, name_of, t

TICK = 0.5
SHOWN = 40
"""Sentences and lines that are listed."""
FILE, CHATS = "file", "chats"


def page() -> None:
    with st.container(key="finetune"):
        st.title(t("finetune"))
        st.markdown(t("ft_intro"))
        tuner = finetune.of(assistant())
        if run := st.query_params.get("run"):
            finetune_run.draw(tuner, run)
        else:
            if not tuner.bases():
                st.info(t("ft_no_base"), icon=":material/download:")
                if link := st.session_state.get("pages", {}).get("settings"):
                    st.page_link(link, label=t("settings"), icon=":material/settings:")
            _steps(tuner)
        finetune_run.all_(tuner)


def word(key: str, **values: object) -> str:
    """A string that the terminal shows too."""
    return say("finetune", key, language(), **values)


def _steps(tuner: Tuner) -> None:
    st.subheader(f"1 · {t('ft_examples')}")
    given = _examples(tuner)
    if given is None:
        with st.container(border=True, key="ft-empty"):
            st.markdown(t("ft_empty"))
            st.code(
                '{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}',
                language=None, wrap_lines=True,
            )  # fmt: skip
        return
    st.subheader(f"2 · {t('ft_check')}")
    report = _checked(given)
    if report.refuses:
        return
    st.subheader(f"3 · {t('ft_price')}")
    _price(given)
    st.subheader(f"4 · {t('ft_train')}")
    _start(given)


# Examples


def _examples(tuner: Tuner) -> told.Request | None:
    sets = {f"set:{one.name}": one.name for one in assistant().store.questions.all() if one.confirmed}
    names = {FILE: t("ft_file"), **{k: t("ft_set", name=v) for k, v in sets.items()}, CHATS: t("ft_chats")}
    names |= {f"collection:{c}": t("ft_collection", name=name_of(c)) for c in assistant().collections()}
    left, right = st.columns(2, gap="large")
    with left:
        source = st.selectbox(t("ft_source"), list(names), format_func=names.__getitem__, key="ft-source")
        data = held = None
        if source == FILE:
            file = st.file_uploader(t("ft_upload"), ["jsonl"], key="ft-upload")
            data = file.getvalue() if file else None
            with st.expander(t("ft_held"), icon=":material/fact_check:"):
                other = st.file_uploader(t("ft_held_help"), ["jsonl"], key="ft-held")
                held = other.getvalue() if other else None
    with right:
        models = [f"embedded:{b}" for b in tuner.bases()]
        model = st.selectbox(
            t("ft_base"), models, key="ft-base", help=t("ft_base_help"), accept_new_options=True,
            placeholder=t("ft_base_none"),
        )  # fmt: skip
        system = ""
        if source != FILE:
            system = st.text_area(t("ft_system"), key="ft-system", height=68, max_chars=4000, help=t("ft_system_help"))
    if not model:
        st.info(t("ft_base_choose"), icon=":material/cloud:")
    if not model or (source == FILE and data is None):
        return None
    epochs = int(st.session_state.get("ft-epochs", Recipe().epochs))
    return told.Request(
        tuner, "" if source == FILE else source, data, held, model=model, system=system,
        recipe=Recipe(epochs=epochs),
    )  # fmt: skip


# What speaks against them


def _checked(given: told.Request) -> Report:
    report = given.check()
    st.markdown(word("counted", examples=f"{report.examples:,}", held=f"{report.held:,}"))
    if report.labels:
        labels = [f"{plain(name)} {count}" for name, count in list(report.labels.items())[:SHOWN]]
        st.caption(" · ".join(labels))
    for finding in report.findings:
        values = {k: plain(v) if isinstance(v, str) else v for k, v in finding.values.items()}
        said = word(f"found_{finding.code}", **values)
        if finding.lines:
            lines = ", ".join(map(str, finding.lines[:12])) + (" …" if len(finding.lines) > 12 else "")
            said += f" ({word('lines', lines=lines)})"
        (st.error if finding.refuses else st.warning)(said, icon=None)
    if not report.findings:
        st.success(word("fine"), icon=":material/check:")
    if report.doubts:
        with st.expander(t("ft_volatile", count=f"{len(report.doubts):,}"), icon=":material/update:"):
            for doubt in report.doubts[:SHOWN]:
                why = word(f"volatile_{doubt.flag.kind}")
                st.markdown(f"{doubt.line}. {plain(doubt.flag.text, limit=300)}  \n:small[{why}]")
    return report


# The price


def _price(given: told.Request) -> None:
    if not given.local:
        price = given.hosted_price()
        money = "?" if price["money"] is None else f"{price['money']:.2f}"
        st.markdown(
            word(
                "price_hosted", tokens=f"{price['billed']:,}", epochs=price["epochs"], money=money,
                model=plain(price["model"]),
            )
        )  # fmt: skip
        if price["prompt_million"] is not None:
            st.markdown(
                word("price_hosted_after", prompt=price["prompt_million"], answer=price["answer_million"])
            )  # fmt: skip
        if hosted.winding_down(given.model):
            st.warning(word("winding_down"), icon=":material/event_busy:")
        return
    # A price is of the examples it was measured with: another file, model or number of epochs asks for its own.
    mine = given.model, given.recipe, hash(given.data)
    job_id, of = st.session_state.get("ft-price", ("", None))
    job_id = job_id if of == mine or _running(job_id) else ""
    if st.button(t("ft_try"), icon=":material/timer:", key="ft_try", disabled=_running(job_id), help=t("ft_try_help")):
        try:
            st.session_state["ft-price"] = given.price()["job"], mine
        except GakjuError as e:
            st.error(plain(explain(e, language())), icon=":material/error:")
            return
        st.rerun()
    if job_id:
        finished = not _running(job_id)
        pieces.fragment(_trial, run_every=None if finished else TICK)(job_id, finished)


def _running(job_id: str) -> bool:
    return bool(job_id) and not assistant().store.job(job_id).finished


def _trial(job_id: str, was_finished: bool) -> None:
    job = assistant().store.job(job_id)
    if job.finished and not was_finished:
        st.rerun()
    if not job.finished:
        finetune_run.progress(job)
        st.button(t("stop"), icon=":material/stop:", key="ft_price_stop", on_click=cancel, args=(job_id,))
    elif job.state == "done":
        for line in price_lines(job.result):
            st.markdown(line)
    else:
        finetune_run.failed(job)


def price_lines(p: dict[str, Any]) -> list[str]:
    """What a training on this machine takes, in sentences."""
    hours, minutes = round(p["seconds"] / 3600, 2), max(1, round(p["seconds"] / 60))
    device = {"cpu": "CPU", "cuda": "GPU"}.get(p["device"], p["device"])
    return [
        word(
            "price_local", hours=hours, minutes=minutes, steps=p["steps"], each=p["seconds_a_step"],
            tried=p["steps_measured"], device=device,
        ),
        word("price_memory", gib=round(p["memory"] / 2**30, 1)),
        word("price_after", base=round(p["base_bytes"] / 2**20), adapter=round(p["adapter_bytes"] / 2**20)),
    ]  # fmt: skip


# Begin


def _start(given: told.Request) -> None:
    left, right = st.columns(2, gap="large")
    name = left.text_input(t("ft_name"), key="ft-name", max_chars=40, help=t("ft_name_help")).strip().lower()
    right.number_input(t("ft_epochs"), 1, 50, Recipe().epochs, key="ft-epochs", help=t("ft_epochs_help"))
    if not given.local:
        st.warning(t("ft_leaves"), icon=":material/cloud_upload:")
    if st.button(t("ft_start"), icon=":material/model_training:", type="primary", key="ft_start"):
        try:
            made = given.start(name)
        except GakjuError as e:
            st.error(plain(explain(e, language())), icon=":material/error:")
            return
        st.query_params["run"] = made.id
        st.rerun()
