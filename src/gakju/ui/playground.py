"""The playground: turns and parameters on one side, what one or two models make of them below; nothing is kept."""

from __future__ import annotations

from dataclasses import asdict
from itertools import count
from typing import Any, cast
from urllib.parse import urlsplit

import streamlit as st

from gakju.errors import GakjuError
from gakju.labs import playground as lab
from gakju.labs.playground import Playground, Request, Role, Run
from gakju.language import explain
from gakju.ui import live, pieces, playground_run
from gakju.ui.plain import plain
from gakju.ui.state import assistant, language, t

ROLES: tuple[Role, ...] = ("system", "user", "assistant")
SCHEMA = """{
  "type": "object",
  "properties": {"title": {"type": "string"}, "points": {"type": "array", "items": {"type": "string"}}},
  "required": ["title", "points"]
}"""
HISTORY = 12

_ids = count(1)


class Desk:
    """What lies on one visitor's playground; in the session, so that other pages can be visited in between."""

    def __init__(self) -> None:
        self.turns: list[tuple[int, Role, str]] = []
        """(id, role, text); the id is the key of its area."""
        self.request = Request(())
        self.models: list[str] = []
        self.version = 0
        """Changes when the widgets shall start anew from `request`."""
        self.runs: list[Run] = []
        self.history: list[Run] = []
        self.set([("system", ""), ("user", "")])

    def set(self, turns: list[tuple[Role, str]]) -> None:
        self.turns = [(next(_ids), role, text) for role, text in turns]
        self.version += 1


def desk() -> Desk:
    found: Desk = st.session_state.setdefault("playground", Desk())
    return found


def page() -> None:
    live.style("playground")
    with st.container(key="playground"):
        st.title(t("playground"))
        st.markdown(t("play_intro"))
        pieces.fragment(_desk)()


def _desk() -> None:
    d = desk()
    talk, knobs = st.columns([3, 2], gap="large")
    with talk:
        _turns(d)
    with knobs:
        models, request = _knobs(d)
    d.models, d.request = models, request
    with talk:
        _window(d)
        _buttons(d)
        if len(d.runs) == 1:
            playground_run.results(d)
    if len(d.runs) > 1:  # Two want the whole width.
        playground_run.results(d)
    _code(d)
    playground_run.history(d)


# Turns


def _turns(d: Desk) -> None:
    names = {role: t(f"role_{role}") for role in ROLES}
    for i, (key, role, text) in enumerate(d.turns):
        with st.container(key=f"turn-{key}", gap="xxsmall"):
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="xxsmall"):
                chosen = st.selectbox(
                    t("play_role"), ROLES, index=ROLES.index(role), format_func=names.__getitem__,
                    key=f"role-{key}", label_visibility="collapsed", width=150,
                )  # fmt: skip
                st.space("stretch")
                if pieces.icon("arrow_upward", "play_up", f"up-{key}", disabled=i == 0):
                    _swap(d, i, i - 1)
                if pieces.icon("arrow_downward", "play_down", f"down-{key}", disabled=i == len(d.turns) - 1):
                    _swap(d, i, i + 1)
                if pieces.icon("close", "play_remove", f"remove-{key}", disabled=len(d.turns) == 1):
                    del d.turns[i]
                    st.rerun(scope="fragment")
            said = live.area(
                f"{names[chosen]} {i + 1}", key=f"said-{key}", start=text, rows=2 if chosen == "system" else 4,
                longest=200_000, placeholder=t(f"play_{chosen}"), hidden=True,
            )  # fmt: skip
        d.turns[i] = (key, chosen, said)
    if st.button(t("play_add"), icon=":material/add:", type="tertiary", key="play_add"):
        d.turns.append((next(_ids), "assistant" if d.turns[-1][1] == "user" else "user", ""))
        st.rerun(scope="fragment")


def _swap(d: Desk, a: int, b: int) -> None:
    d.turns[a], d.turns[b] = d.turns[b], d.turns[a]
    st.rerun(scope="fragment")


# Parameters


def _knobs(d: Desk) -> tuple[list[str], Request]:
    known = Playground(assistant()).models()
    start = [m for m in d.models if m in known] or known[:1]
    v = d.version
    first = st.selectbox(t("play_model"), known, index=known.index(start[0]), key=f"model-{v}")
    models = [first]
    if st.toggle(t("play_compare"), value=len(start) > 1, key=f"compare-{v}"):
        index = known.index(start[1]) if len(start) > 1 else min(1, len(known) - 1)
        models.append(st.selectbox(t("play_second"), known, index=index, key=f"second-{v}"))
    r = d.request
    sides = st.columns(2)
    given: dict[str, Any] = {}
    given["temperature"] = sides[0].slider("temperature", 0.0, 2.0, r.temperature, 0.1, key=f"temperature-{v}")
    given["top_p"] = sides[1].slider("top_p", 0.0, 1.0, r.top_p, 0.05, key=f"top_p-{v}")
    given["max_tokens"] = sides[0].number_input("max_tokens", 1, 100_000, r.max_tokens, key=f"max_tokens-{v}")
    given["seed"] = sides[1].number_input(
        "seed", 0, 2**31 - 1, r.seed, key=f"seed-{v}", placeholder=t("play_any"), help=t("play_seed")
    )
    with st.expander(t("play_more"), icon=":material/tune:"):
        given |= _more(r, v)
    return models, Request(tuple((role, text) for _, role, text in d.turns), **given)


def _more(r: Request, v: int) -> dict[str, Any]:
    given: dict[str, Any] = {}
    stops = st.text_area("stop", "\n".join(r.stop), height=68, key=f"stop-{v}", help=t("play_stop"))
    given["stop"] = tuple(line for line in stops.split("\n") if line)[:4]
    given["presence"] = st.slider("presence_penalty", -2.0, 2.0, r.presence, 0.1, key=f"presence-{v}")
    given["frequency"] = st.slider("frequency_penalty", -2.0, 2.0, r.frequency, 0.1, key=f"frequency-{v}")
    formats = {"text": t("play_text"), "json": "JSON", "schema": t("play_schema")}
    chosen = st.segmented_control(
        "response_format", list(formats), default=r.format, required=True, format_func=formats.__getitem__,
        key=f"format-{v}",
    )  # fmt: skip
    given["format"] = chosen
    if chosen == "schema":
        start = r.schema or SCHEMA
        given["schema"] = live.area(t("play_schema"), key=f"schema-{v}", start=start, rows=7, mono=True)
    if st.toggle("logprobs", value=r.top_logprobs is not None, key=f"logprobs-{v}", help=t("play_logprobs")):
        others = 5 if r.top_logprobs is None else r.top_logprobs
        given["top_logprobs"] = st.slider("top_logprobs", 0, 20, others, key=f"top_logprobs-{v}")
    return given


# Running


def _window(d: Desk) -> None:
    """How much of the model's window the prompt and the longest answer take."""
    for model in d.models:
        number, exact, context = lab.window(d.request.turns, model, assistant())
        about = "" if exact else f"{t('tokens_guess')} "
        said = t("play_window", prompt=f"{about}{number:,}", answer=f"{d.request.max_tokens:,}", context=f"{context:,}")
        if len(d.models) > 1:
            said = f"{plain(model)}: {said}"
        st.progress(min(1.0, (number + d.request.max_tokens) / context), text=said)
        if number + d.request.max_tokens > context:
            st.warning(t("play_too_long"), icon=":material/straighten:")


def _buttons(d: Desk) -> None:
    busy = any(not run.over for run in d.runs)
    with st.container(horizontal=True):
        if st.button(t("play_run"), icon=":material/play_arrow:", type="primary", disabled=busy, key="play_run"):
            _run(d)
        if st.button(t("play_clear"), icon=":material/ink_eraser:", type="tertiary", key="play_clear"):
            d.set([("system", ""), ("user", "")])
            st.rerun(scope="fragment")


def _run(d: Desk) -> None:
    ground = Playground(assistant())
    started: list[Run] = []
    try:
        for model in d.models:
            started.append(ground.start(model, d.request))
    except GakjuError as e:
        for run in started:  # nobody would see them, or could stop them
            ground.stop(run)
        st.error(plain(explain(e, language())), icon=":material/error:")
        return
    d.history = [*(r for r in d.runs if r.over), *d.history][:HISTORY]
    d.runs = started
    st.rerun()


def _code(d: Desk) -> None:
    with st.expander(t("play_code"), icon=":material/code:"):
        where = urlsplit(st.context.url or "http://127.0.0.1:8080/")
        base, key = f"{where.scheme}://{where.netloc}/v1", assistant().settings.keys
        try:
            curl = lab.as_curl(base, d.models[0], d.request, key=key)
            python = lab.as_python(base, d.models[0], d.request, key=key)
        except GakjuError as e:
            st.markdown(plain(explain(e, language())))
            return
        shell, program = st.tabs(["curl", "Python (openai)"])
        shell.code(curl, language=None, wrap_lines=True)
        program.code(python, language=None, wrap_lines=True)


def restore(d: Desk, run: Run) -> None:
    """Put an earlier request back on the desk."""
    d.request, d.models = run.request, [run.model]
    d.set([(cast(Role, role), text) for role, text in asdict(run.request)["turns"]])


def go_on(d: Desk, run: Run) -> None:
    """The answer becomes a turn, with room for the next question."""
    d.set([*((role, text) for _, role, text in d.turns if text.strip()), ("assistant", run.text), ("user", "")])
