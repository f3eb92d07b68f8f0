"""A trainer for tests that need none: it speaks as the real one does, and writes no adapter that works."""

from __future__ import annotations

from pathlib import Path

from gakju.assistant import Assistant
from gakju.labs import finetune
from gakju.labs.finetune.train import Trainer
from gakju.labs.finetune.tuner import Tuner

FAKE = Path(__file__).parent / "labs" / "finetune" / "fake_worker.py"


class Faked(Trainer):
    """Everything of the trainer but what it learns and what it writes."""

    def check(self, weights: int) -> None: ...

    def convert(self, adapter: Path, base: Path, out: Path) -> None:
        assert adapter.is_dir()
        out.write_bytes(b"GGUF, nearly")


def with_model(home: Path, weights: Path) -> None:
    """The chat model's file is in this data folder too, and adapters have a folder of their own."""
    models = home / "models"
    models.mkdir(parents=True, exist_ok=True)
    for path in weights.parent.glob(weights.name + "*"):
        if not (models / path.name).exists():
            (models / path.name).symlink_to(path)


def faked(assistant: Assistant) -> Tuner:
    assistant.labs[Tuner] = Tuner(assistant, Faked(worker=FAKE))
    return finetune.of(assistant)
