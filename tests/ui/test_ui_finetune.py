"""Fine-tuning on the screen, where no model of this machine can learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fronts import opened
from gakju.assistant import Assistant
from gakju.models.fakes import FakeChat
from gakju.store.questions import Item
from gakju.ui import state


def script() -> None:
    from gakju.ui import finetune

    finetune.page()


@pytest.fixture
def assistant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Assistant]:
    with opened(tmp_path / "home", FakeChat(["x"])) as one:
        one.settings.language = "en"
        one.store.questions.put("rules", [Item(f"i{n}", f"Question {n * 7919}?", (f"Answer {n}",)) for n in range(60)])
        monkeypatch.setattr(state, "_held", [one])
        yield one


def test_a_hosted_model_is_trained_without_one_of_this_machine(assistant: Assistant) -> None:
    shown = AppTest.from_function(script, default_timeout=120).run()
    assert not shown.exception
    assert [i.value.partition(".")[0] for i in shown.info] == [
        "The file of a model to fine-tune here is not there yet",
        "Write the model to train: openai:NAME or azure:NAME",
    ]
    shown = AppTest.from_function(script, default_timeout=120)
    shown.session_state["ft-base"] = "openai:gpt-4o-mini"
    shown.session_state["ft-source"] = "set:rules"
    shown.run()
    assert not shown.exception
    assert [h.value for h in shown.subheader] == ["1 · Examples", "2 · Check", "3 · Price", "4 · Train"]
    assert any("no new jobs after" in w.value for w in shown.warning)
    assert shown.button(key="ft_start").label == "Start training"
