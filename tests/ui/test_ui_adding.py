"""What became of files, where several of a batch have one name or are one document."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from gakju.store import Job
from gakju.types import Added, Document, Problem
from gakju.ui import state

LOCKED = Added("a.pdf", None, 0, 0, 0.1, "failed", (Problem(None, "password_required", ""),), error="locked")
PROBLEM = Problem(1, "garbled", "")
GARBLED = Added("b.pdf", "d1", 1, 1, 0.1, "partial", (PROBLEM,))
DOCUMENT = Document("d1", "b", "b.pdf", "default", "x", "", 9, 1, 1, "2026-11-23T00:00:00", (PROBLEM,))
FILES = [{"path": name, "digest": str(n) * 64} for n, name in enumerate(("a.pdf", "a.pdf", "b.pdf", "b.pdf"))]


def script() -> None:
    import streamlit as st

    from gakju.ui import adding

    adding._files(st.session_state["job"], st.session_state["results"])


def test_files_of_one_name_are_mended_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    held = SimpleNamespace(
        settings=SimpleNamespace(language="en"),
        store=SimpleNamespace(jobs=lambda **_: []),
        document=lambda _: DOCUMENT,
        submit_add=lambda files, **options: given.append((files, options["passwords"])),
    )
    monkeypatch.setattr(state, "_held", [held])
    payload = {"files": FILES, "collection": "default", "ocr": False}
    shown = AppTest.from_function(script, default_timeout=120)
    shown.session_state["job"] = Job("j", "add", "done", payload, {}, {}, {}, 1, False, "", "")
    shown.session_state["results"] = [LOCKED, LOCKED, GARBLED, GARBLED]
    shown.run()
    assert not shown.exception
    assert [b.label for b in shown.button] == ["Add again with password"] * 2 + ["Read again with OCR"] * 2
    shown.text_input[1].set_value("secret")
    shown.button[1].click().run()
    assert given == [([FILES[1]], ["secret"])]
