"""The real trainer, on a model small enough to make here: what it learns, that a kill loses nothing, what it writes.

Needs the extra `finetune` in this environment, or in the one whose Python GAKJU_TRAINER_PYTHON names; without either
these are skipped, since torch alone weighs a gigabyte.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gakju.errors import Cancelled, UsageError
from gakju.labs.finetune.train import Trainer, Wish, log

SHAPE = {
    "model_type": "qwen2", "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True, "initializer_range": 0.3,
}  # fmt: skip
CONFIG: dict[str, Any] = {
    "shape": SHAPE, "epochs": 8, "batch": 4, "rate": 0.02, "rank": 4, "alpha": 8, "dropout": 0.1, "patience": 0,
    "seed": 3, "save_seconds": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    trainer = Trainer(os.environ.get("GAKJU_TRAINER_PYTHON", ""), threads=1)
    try:
        trainer.check(0)
    except UsageError as error:
        pytest.skip(f"{error} (gakju[finetune] is no part of `make test`)")
    return trainer


def rows(folder: Path) -> Path:
    """Eight prompts whose answer is their first token."""
    folder.mkdir()
    made = [{"ids": [n, 9, 9, n % 7, n + 20, 1], "learn": [[4, 6]]} for n in range(10, 26)]
    (folder / "rows.json").write_text(json.dumps({"train": made, "held": made[:4]}))
    return folder


def losses(folder: Path, event: str = "step") -> list[float]:
    return [e["loss"] for e in log(folder) if e["event"] == event]


@pytest.fixture(scope="module")
def whole(trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that nothing disturbed."""
    folder = rows(tmp_path_factory.mktemp("runs") / "whole")
    end = trainer.run(folder, CONFIG, lambda _: None, lambda: "")
    assert (end["why"], end["step"]) == ("done", 32)
    return folder


def test_it_learns(whole: Path) -> None:
    assert losses(whole)[-1] < 0.7 * losses(whole)[0]
    held = losses(whole, "eval")
    assert min(held) < 0.8 * held[0]


def test_its_reference_is_of_the_best_state(whole: Path) -> None:
    told = json.loads((whole / "reference.json").read_text())
    assert len(told) == 4
    assert [len(r["tuned"]) for r in told] == [2] * 4
    best = min(losses(whole, "eval"))
    mean = -sum(sum(r["tuned"]) for r in told) / 8
    assert mean == pytest.approx(best, abs=1e-3)
    assert all(r["base"] != r["tuned"] for r in told)


def test_killed_and_taken_up_it_learns_the_same(trainer: Trainer, whole: Path, tmp_path: Path) -> None:
    folder, seen = rows(tmp_path / "killed"), []

    def wish() -> Wish:
        return "quit" if sum(e["event"] == "checkpoint" for e in seen) > 9 else ""

    with pytest.raises(Cancelled):  # "quit" is SIGKILL
        trainer.run(folder, CONFIG, seen.append, wish)
    assert not (folder / "adapter").exists()
    begun = len(losses(folder))
    trainer.run(folder, CONFIG, seen.append, lambda: "")
    start = [e for e in log(folder) if e["event"] == "start"][1]
    assert start["resumed"]
    assert 9 < start["step"] <= begun
    assert losses(folder) == pytest.approx(losses(whole), abs=1e-4)
    assert [e["step"] for e in log(folder) if e["event"] == "step"] == list(range(1, 33))


def test_stopped_it_writes_what_it_has(trainer: Trainer, tmp_path: Path) -> None:
    folder, seen = rows(tmp_path / "stopped"), []
    end = trainer.run(folder, {**CONFIG, "epochs": 50}, seen.append, lambda: "stop" if len(seen) > 5 else "")
    assert end["why"] == "stopped"
    assert 0 < end["step"] < 200
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()


def test_it_ends_early_where_it_learns_by_heart(trainer: Trainer, tmp_path: Path) -> None:
    folder = rows(tmp_path / "early")
    told = json.loads((folder / "rows.json").read_text())
    told["held"] = [{"ids": [n, 9, 9, 3, 63 - n, 2], "learn": [[4, 6]]} for n in range(10, 14)]
    (folder / "rows.json").write_text(json.dumps(told))
    end = trainer.run(folder, {**CONFIG, "epochs": 50, "patience": 2}, lambda _: None, lambda: "")
    assert end["why"] == "early"
    assert end["best_step"] < end["step"] < 200


def test_a_trial_leaves_nothing(trainer: Trainer, tmp_path: Path) -> None:
    folder, seen = rows(tmp_path / "trial"), []
    end = trainer.run(folder, {**CONFIG, "most_steps": 3}, seen.append, lambda: "")
    assert [e["event"] for e in seen] == ["start", "step", "step", "step", "eval", "end"]
    assert end["memory"] > 1 << 26
    assert sorted(p.name for p in folder.iterdir()) == ["rows.json", "trial.json"]


def test_the_adapter_of_a_model_of_this_shape_fits_its_base(
    trainer: Trainer, whole: Path, tmp_path: Path, chat_weights: Path
) -> None:
    from gakju.errors import ModelFailed

    broken = shutil.copytree(whole / "adapter", tmp_path / "adapter")
    with pytest.raises(ModelFailed, match="does not fit the base"):
        trainer.convert(broken, chat_weights, tmp_path / "out.gguf")
