"""`gakju finetune` on a folder of its own; the trainer is a stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faked_trainer import FAKE, Faked, with_model
from gakju.cli import main
from gakju.labs.finetune import train, tuner
from gakju.labs.finetune.dataset import dumped, example

pytestmark = pytest.mark.model  # its vocabulary is read


@pytest.fixture(autouse=True)
def home(tmp_path: Path, chat_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with_model(tmp_path / "home", chat_weights)
    monkeypatch.setenv("GAKJU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(tuner, "Trainer", lambda *_, **more: Faked(worker=FAKE))
    assert train.Trainer is not tuner.Trainer
    return tmp_path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def file(folder: Path, *more: object) -> str:
    rows = [example(f"text {n * 7919}", ("sports", "travel")[n % 2]) for n in range(60)]
    (folder / "examples.jsonl").write_text(dumped([*rows, *more]), "utf-8")  # type: ignore[list-item]
    return str(folder / "examples.jsonl")


def test_a_check_says_what_is_wrong_and_fails(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("finetune", "check", file(home)) == 0
    assert "51 examples to learn from, 9 held out" in capsys.readouterr().out
    assert run("finetune", "check", file(home, example("who?", "900101-1234567")), "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert [(f["code"], f["lines"]) for f in told["findings"] if f["refuses"]] == [("personal_resident", [61])]


def test_prices_here_and_elsewhere(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("finetune", "price", file(home), "--json") == 0
    told = json.loads(capsys.readouterr().out)["price"]
    assert (told["steps"], told["steps_measured"], told["seconds_a_step"]) == (26, 10, pytest.approx(2, rel=0.9))
    assert run("finetune", "price", file(home), "--model", "openai:gpt-4o-mini") == 0
    said = capsys.readouterr().out
    assert "no new jobs after 2027-01-06" in said
    assert "0.3 dollars for a million tokens of prompts" in said


def test_from_start_to_delete(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("finetune", "list") == 0
    assert "Nothing has been trained yet" in capsys.readouterr().out
    assert run("finetune", "start", file(home), "--name", "topic", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["state"], made["name"], made["in_use"]) == ("done", "topic", False)
    assert run("finetune", "keep", "topic", "--json") == 0
    assert json.loads(capsys.readouterr().out)["model"] == "embedded:qwen2.5-coder-0.5b+topic"
    assert run("finetune", "list") == 0
    assert "topic  done  embedded:qwen2.5-coder-0.5b+topic (in use)" in capsys.readouterr().out
    assert run("finetune", "roll-back", "topic") == 0
    assert run("finetune", "delete", "topic") == 0
    assert run("finetune", "follow", "topic") == 2
    assert "no fine-tuning job 'topic'" in capsys.readouterr().err


def test_what_cannot_be(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("finetune", "check", "none.jsonl") == 2
    assert run("finetune", "check", "set:none") == 2
    assert run("finetune", "start", file(home), "--name", "No Name") == 2
    assert run("finetune", "start", file(home), "--model", "embedded:gpt") == 2
    assert "cannot be fine-tuned here" in capsys.readouterr().err
