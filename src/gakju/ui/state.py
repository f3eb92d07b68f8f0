"""What every page needs: the assistant, the visitor's language, the words."""

from __future__ import annotations

from typing import cast

import streamlit as st

from gakju.assistant import DEFAULT, Assistant
from gakju.errors import NotFound
from gakju.language import Language, pick, say
from gakju.store import Job

_held: list[Assistant] = []
"""Streamlit runs the script in threads of this process; a module is the one place they share."""


def hold(assistant: Assistant) -> None:
    _held[:] = [assistant]


def assistant() -> Assistant:
    return _held[0]


def language() -> Language:
    """The switch, else the setting, else the browser."""
    chosen = st.query_params.get("lang") or st.session_state.get("lang") or assistant().settings.language
    return cast(Language, chosen) if chosen in {"ko", "en"} else pick(st.context.locale)


def choose_language(chosen: Language) -> None:
    st.session_state["lang"] = st.query_params["lang"] = chosen


def n(kind: str, count: int) -> str:
    """`count` of "pages", "chunks", "files", "documents", "problems" or "tokens", in words."""
    return t(f"n_{kind}_one" if count == 1 else f"n_{kind}", count=f"{count:,}")


def t(key: str, **values: object) -> str:
    """The screen's string `key` in the visitor's language. `values` must be safe where it is shown: see `plain`."""
    return say("ui", key, language(), **values)


def name_of(collection: str) -> str:
    """A collection as people read it."""
    return t("collection_default") if collection == DEFAULT else collection


def named_run(kind: str) -> Job | None:
    """The run of a lab that the address names."""
    try:
        job = assistant().store.job(st.query_params.get("run") or "")
    except NotFound:
        return None
    return job if job.kind == kind else None


def cancel(job_id: str) -> None:
    assistant().jobs.cancel(job_id)
