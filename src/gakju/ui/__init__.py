"""The screen: Streamlit pages that call the Assistant and look at jobs. No logic lives here.

`app(assistant)` gives an ASGI application; mount it last and enter its lifespan:

    ui = app(assistant)
    api = FastAPI(lifespan=ui.lifespan())
    api.mount("/", ui)

Who may reach it is the business of what mounts it: `gakju.api.guard` turns foreign pages away.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from gakju.assistant import Assistant
from gakju.ui import state, theme

log = logging.getLogger("gakju.ui")


def app(assistant: Assistant, login: Mapping[str, Any] | None = None) -> st.App:
    """The screen of one assistant. Streamlit serves one script a process, so call it once.

    `login` are the secrets of Streamlit's own login, where people sign in by it.
    """
    theme.configure(assistant.settings)
    state.hold(assistant)
    return st.App(Path(__file__).with_name("pages.py"), secrets=login, on_script_error=_log_script_error)


def _log_script_error(error: Exception) -> None:
    """Full in the log, generic on the screen: a traceback may hold a document's text."""
    log.error("a page failed", exc_info=error)


__all__ = ["app"]
