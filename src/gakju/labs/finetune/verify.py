"""Whether the engine, with an adapter, says what the trainer's model said: log probabilities side by side.

Right answers do not show it. An adapter whose rows were in a wrong order still answered most questions as it should,
with log probabilities 1.4 apart in the mean; a right one is .13 apart, which is the engine's own arithmetic.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gakju.errors import ModelFailed

if TYPE_CHECKING:
    from gakju.models.chat import EmbeddedChat

FAR = 0.6
"""Mean distance in natural logarithms, above which an adapter is refused."""
FLOOR = -12.0
"""What is told for a token that is not among the likeliest: both sides are cut there."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Mean |Δ log probability| over `tokens` of held-out answers: of the engine with the adapter to the trainer's
    tuned model, and to its base.
    """

    tuned: float
    base: float
    tokens: int

    @property
    def good(self) -> bool:
        return self.tokens == 0 or self.tuned <= FAR

    def json(self) -> dict[str, Any]:
        return {k: round(v, 3) for k, v in asdict(self).items()}


def checked(model: EmbeddedChat, reference: Path) -> Compared:
    """Raises ModelFailed where the engine says other things than the trainer."""
    found = compared(model, reference)
    if not found.good:
        raise ModelFailed(
            f"The engine does not say what the trainer said: {found.tuned:.2f} apart in mean log probability.",
            hint="Please report it; the base model is unharmed.",
        )
    return found


def compared(model: EmbeddedChat, reference: Path) -> Compared:
    """Tokens that the engine tells no probabilities of are left out."""
    tuned, base = [], []
    for row in json.loads(reference.read_text("utf-8")):
        for i, (there, without) in enumerate(zip(row["tuned"], row["base"], strict=True)):
            at = row["start"] + i
            told = model.next_tokens(row["ids"][:at])
            if told:  # none where an answer stops within a character
                here = max(FLOOR, told.get(row["ids"][at], FLOOR))
                tuned.append(abs(here - max(FLOOR, there)))
                base.append(abs(here - max(FLOOR, without)))
    count = len(tuned)
    return Compared(sum(tuned) / max(1, count), sum(base) / max(1, count), count)
