"""An app's form with what was filled in before, whatever that was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gakju.ui import state


def script() -> None:
    import streamlit as st

    from gakju import apps
    from gakju.ui import apps_form

    app = apps.parse(st.session_state["file"])
    st.session_state["values"] = apps_form.draw(app, key="f", given=st.session_state["given"])


def drawn(file: str, given: dict[str, Any]) -> AppTest:
    shown = AppTest.from_function(script, default_timeout=120)
    shown.session_state["file"], shown.session_state["given"] = file, given
    shown.run()
    assert not shown.exception
    return shown


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [SimpleNamespace(id="d1", title="취업규칙", path="rules.pdf")]
    held = SimpleNamespace(settings=SimpleNamespace(language="ko"), documents=lambda: documents)
    monkeypatch.setattr(state, "_held", [held])


SUMMARY = """
name: sum
title: Sum
fields: [{name: document, type: file, label: Document}]
messages: [{role: user, content: "Sum up {document}"}]
output: footnotes
"""
NUMBER = """
name: count
title: Count
fields: [{name: n, type: number, label: N, min: 1, max: 10, step: 1, default: 3}]
messages: [{role: user, content: "{n}"}]
"""


def test_a_run_with_an_upload_is_shown_again_once_there_are_documents() -> None:
    """A run keeps its upload as a mapping, which no list of ids holds."""
    shown = drawn(SUMMARY, {"document": {"path": "a.pdf", "digest": "0" * 64}})
    assert shown.session_state["values"] == {"document": None}
    assert drawn(SUMMARY, {"document": "d1"}).session_state["values"] == {"document": "d1"}


def test_a_run_from_before_the_limits_were_narrowed_starts_anew() -> None:
    assert drawn(NUMBER, {"n": 7}).session_state["values"] == {"n": 7}
    assert drawn(NUMBER, {"n": 70}).session_state["values"] == {"n": 3}
