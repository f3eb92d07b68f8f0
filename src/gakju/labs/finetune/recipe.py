"""How a model is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gakju.errors import UsageError

_BOUNDS: Mapping[str, tuple[float, float]] = {
    "epochs": (1, 50),
    "batch": (1, 64),
    "rate": (1e-6, 1e-2),
    "rank": (1, 64),
    "alpha": (1, 256),
    "dropout": (0, 0.5),
    "patience": (0, 100),
    "seed": (0, 2**31 - 1),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """LoRA on every matrix of attention and of the feed-forward layers, AdamW, a linear rise and fall of `rate`.

    `patience`: evaluations without a better loss on held-out examples before it ends early; 0 never does. Two
    evaluations an epoch. The defaults are what taught a 0.5B model seven labels from three hundred examples.
    """

    epochs: int = 2
    batch: int = 4
    rate: float = 3e-4
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.05
    patience: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} must be between {low:g} and {high:g}.", param=f"hyperparameters.{name}")

    def json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Recipe:
        """From what `json` gave."""
        return cls(**{f.name: told[f.name] for f in fields(cls) if f.name in told})
