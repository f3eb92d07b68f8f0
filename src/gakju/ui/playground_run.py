"""What models made of a request: written live, with probabilities of each token, and earlier requests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import streamlit as st

from gakju.labs.playground import Piece, Playground, Run
from gakju.labs.tokenizer import Token, visible
from gakju.ui import live, pieces, words
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t

if TYPE_CHECKING:
    from gakju.ui.playground import Desk

TICK = 0.2
TONES = ((0.9, "p4"), (0.6, "p3"), (0.3, "p2"), (0.1, "p1"), (0.0, "p0"))
"""From how much probability on a token has which colour."""


def results(d: Desk) -> None:
    """Live while one of them runs."""
    busy = any(not run.over for run in d.runs)
    pieces.fragment(_runs, run_every=TICK if busy else None)(d, busy)


def _runs(d: Desk, was_busy: bool) -> None:
    if was_busy and all(run.over for run in d.runs):
        st.rerun()  # It stops ticking, and the button can be pressed again.
    with st.container(key="answers"):
        for i, (side, run) in enumerate(zip(st.columns(len(d.runs), gap="large"), d.runs, strict=True)):
            with side:
                _one(d, run, i)


def _one(d: Desk, run: Run, i: int) -> None:
    st.markdown(f"**{plain(run.model)}**")
    status = ""
    if not run.over:
        status = t("play_waiting", position=run.position) if run.position else t("phase_writing")
    if run.over and run.pieces:
        _probabilities(run, i)
    live.written(run.text, key=f"answer-{i}", status=status)
    if not run.over:
        st.button(
            t("stop"), icon=":material/stop:", key=f"play-stop-{i}", on_click=Playground(assistant()).stop, args=(run,)
        )
        return
    if run.state == "failed":
        what, more = words.failure(run.error, language())
        st.error(f"{plain(what)}  \n{plain(more)}" if more else plain(what), icon=":material/error:")
    elif run.state == "stopped":
        st.info(t("phase_stopped"), icon=":material/stop_circle:")
    st.caption(" · ".join(_facts(run)))
    if run.text and st.button(t("play_go_on"), icon=":material/reply:", type="tertiary", key=f"play-go-on-{i}"):
        from gakju.ui.playground import go_on

        go_on(d, run)
        st.rerun()


def _facts(run: Run) -> list[str]:
    found = [f"{run.seconds:.1f} s"]
    if run.first is not None:
        found.append(t("play_first", seconds=f"{run.first:.2f}"))
    if run.usage:
        asked, said = int(run.usage.get("prompt_tokens") or 0), int(run.usage.get("completion_tokens") or 0)
        found.append(t("play_usage", asked=f"{asked:,}", said=f"{said:,}"))
        if price := assistant().settings.prices.get(run.model):
            found.append(t("play_cost", money=f"{(asked * price[0] + said * price[1]) / 1e6:.6f}"))
    if run.speed:
        found.append(t("play_speed", speed=f"{run.speed:.1f}"))
    if run.finish:
        found.append(plain(run.finish))
    return found


def _probabilities(run: Run, i: int) -> None:
    st.caption(t("play_colours"))
    live.tokens(
        [_item(p) for p in run.pieces[:1500]],
        label=t("tokens_label", count=f"{len(run.pieces):,}"),
        hint=t("tokens_hint"),
        key=f"logprobs-{i}",
    )


def _item(piece: Piece) -> live.Item:
    shown, look = visible(Token(0, piece.raw))
    p = math.exp(min(0.0, piece.logprob))
    tone = next(tone for least, tone in TONES if p >= least)
    facts = t("play_probability", percent=f"{p:.1%}", log=f"{piece.logprob:.2f}".replace("-", "−"))
    others = tuple(f"{visible(Token(0, raw))[0]} {math.exp(min(0.0, log)):.1%}" for raw, log in piece.others)
    return live.Item(shown, look, tone, "", facts, others)


def history(d: Desk) -> None:
    """Requests of this visit before those on screen; a click puts one back."""
    if not d.history:
        return
    from gakju.ui.playground import restore

    with st.expander(t("play_history"), icon=":material/history:"):
        st.caption(t("play_history_text"))
        for i, run in enumerate(d.history):
            asked = next((text for role, text in reversed(run.request.turns) if role == "user" and text.strip()), "")
            label = " · ".join([run.model, asked, run.text])
            st.button(plain(label, limit=90), type="tertiary", key=f"play-history-{i}", on_click=restore, args=(d, run))
