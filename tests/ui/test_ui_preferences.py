"""The privacy statement says what is so, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gakju.settings import Settings
from gakju.ui import state


def script() -> None:
    from gakju.ui import preferences

    preferences._privacy()


def said(monkeypatch: pytest.MonkeyPatch, home: Path, **given: object) -> str:
    class Held:
        settings = Settings(home=home, language="en", **given)

    monkeypatch.setattr(state, "_held", [Held])
    shown = AppTest.from_function(script, default_timeout=120).run()
    assert not shown.exception
    return str(shown.markdown[0].value).replace("\\", "")


def test_the_privacy_statement_names_where_text_goes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here = said(monkeypatch, tmp_path, web="off")
    assert "in the data folder on this machine only" in here
    assert "search engine" not in here
    away = said(
        monkeypatch,
        tmp_path,
        web="auto",
        database="postgresql+psycopg://me:secret@db.example:5432/gakju",
        traces="http://me:secret@traces.example:4318",
    )
    assert "in the database at db.example" in away
    assert "on this machine only" not in away
    assert "go to traces.example" in away
    assert "search engine" in away
    assert "secret" not in away
    assert "never whole documents" not in said(monkeypatch, tmp_path, offline=True)
