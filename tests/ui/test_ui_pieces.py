"""Pieces that draw by themselves."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from gakju import ui
from gakju.ui import state


def script() -> None:
    from gakju.errors import NotFound
    from gakju.ui import pieces

    def gone(name: str) -> None:
        raise NotFound(f"There is no document {name!r}.")

    pieces.fragment(gone)("a*b*")
    pieces.dialog("삭제", gone)("c")


def test_what_draws_by_itself_says_what_is_expected_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit catches what a fragment raises before a guard around the page can."""
    monkeypatch.setattr(state, "_held", [SimpleNamespace(settings=SimpleNamespace(language="en"))])
    shown = AppTest.from_function(script, default_timeout=120).run()
    assert [e.value.replace("\\", "") for e in shown.error] == [
        "There is no document 'a*b*'.",
        "There is no document 'c'.",
    ]
    assert not shown.exception


def test_every_part_that_draws_by_itself_is_guarded() -> None:
    bare = [path.name for path in Path(ui.__file__).parent.glob("*.py") if "st.fragment" in path.read_text("utf-8")]
    assert bare == ["pieces.py"]


def table() -> None:
    from gakju.ui import tokenizer

    tokenizer.table(["a", "b"], [["x|y", "1"]])


def test_a_bar_in_a_cell_stays_in_it() -> None:
    """One backslash before it: a second one would make a border of it."""
    assert (
        AppTest.from_function(table, default_timeout=120).run().markdown[0].value
        == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"
    )
