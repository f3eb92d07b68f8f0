"""What a training costs before it begins, and what its model costs afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

TRIAL_STEPS = 10

TRAINING: Mapping[str, tuple[float, float, float]] = {
    "gpt-4.1-nano": (1.5, 0.2, 0.8),
    "gpt-4.1-mini": (5.0, 0.8, 3.2),
    "gpt-4.1": (25.0, 3.0, 12.0),
    "gpt-4o-mini": (3.0, 0.3, 1.2),
    "gpt-4o": (25.0, 3.75, 15.0),
}
"""Dollars for a million tokens of training, and then of prompts and answers of the tuned model, as OpenAI published
them in 2025. Azure asks for hours of a deployment as well. What is asked today stands on their pages."""

SLOWER = 1.1
"""Of an answer with an adapter to one without, measured with the embedded engine."""


@dataclass(frozen=True, slots=True)
class HostedPrice:
    """`billed` tokens are those of every epoch; money in dollars, None where the model's price is not known."""

    model: str
    tokens: int
    epochs: int
    billed: int
    money: float | None
    prompt_million: float | None
    answer_million: float | None

    def json(self) -> dict[str, Any]:
        return asdict(self)


def hosted(model: str, sizes: Sequence[int], epochs: int) -> HostedPrice:
    """`sizes`: tokens of each example. Dated names ("gpt-4o-mini-2024-07-18") cost what their family does."""
    family = next((f for f in sorted(TRAINING, key=len, reverse=True) if model == f or model.startswith(f"{f}-2")), "")
    training, prompt, answer = TRAINING.get(family, (None, None, None))
    tokens = sum(sizes)
    money = None if training is None else round(tokens * epochs * training / 1e6, 4)
    return HostedPrice(model, tokens, epochs, tokens * epochs, money, prompt, answer)


@dataclass(frozen=True, slots=True)
class LocalPrice:
    """Of a training on this machine. Seconds, bytes; `steps_measured` is 0 where nothing was tried."""

    tokens: int
    epochs: int
    steps: int
    steps_measured: int
    seconds_a_step: float
    seconds: float
    memory: int
    device: str
    base_bytes: int
    adapter_bytes: int

    @property
    def hours(self) -> float:
        return self.seconds / 3600

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "hours": round(self.hours, 3)}


def local(
    told: Sequence[Mapping[str, Any]], sizes: Sequence[int], held: Sequence[int], recipe: Any, base_bytes: int
) -> LocalPrice:
    """From what a trial told: its lines `start`, `step`, `eval` and `end`.

    A step's time goes by its tokens; the first one warms up and is left out. Held-out examples are read through twice
    an epoch and once before. Checkpoints are a second a minute.
    """
    start, end = (next(t for t in told if t["event"] == kind) for kind in ("start", "end"))
    steps = [t for t in told if t["event"] == "step"]
    counted = steps[1:] or steps
    each = sum(t["seconds"] for t in counted) / max(1, sum(t["tokens"] for t in counted))
    tokens = sum(sizes) * recipe.epochs
    evaluated = next((t["seconds"] for t in told if t["event"] == "eval"), each * sum(held) / 3)
    seconds = start["load_seconds"] + tokens * each * 61 / 60 + evaluated * (2 * recipe.epochs + 1)
    total = -(-len(sizes) // recipe.batch) * recipe.epochs
    return LocalPrice(
        tokens=tokens,
        epochs=recipe.epochs,
        steps=total,
        steps_measured=len(steps),
        seconds_a_step=round(each * tokens / max(1, total), 2),
        seconds=round(seconds, 1),
        memory=int(end["memory"]),
        device=str(start["device"]),
        base_bytes=base_bytes,
        adapter_bytes=4 * int(start["parameters"]),
    )
