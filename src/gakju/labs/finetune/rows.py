"""Examples as the trainer takes them: token numbers of the model's own format, and which of them are learnt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gakju.errors import UsageError
from gakju.models.vocabulary import embedded_vocabulary, marks

if TYPE_CHECKING:
    from gakju.labs.finetune.dataset import Example

SYSTEM = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
"""What the embedded models' template says where nobody speaks as the system."""


@dataclass(frozen=True, slots=True)
class Row:
    """`learn`: spans `(start, end)` of `ids` that the loss counts: what the assistant says, and where it ends."""

    ids: tuple[int, ...]
    learn: tuple[tuple[int, int], ...]

    def json(self) -> dict[str, list[int] | list[list[int]]]:
        return {"ids": list(self.ids), "learn": [list(s) for s in self.learn]}

    @property
    def learnt(self) -> int:
        return sum(end - start for start, end in self.learn)


class Format:
    """ChatML, as Qwen2.5's template writes it, in the numbers of one GGUF file."""

    def __init__(self, weights: Path) -> None:
        self._words, found = embedded_vocabulary(weights), marks(weights)
        if "<|im_start|>" not in found or "<|im_end|>" not in found:
            raise UsageError(f"{weights.name} is of a kind that cannot be fine-tuned here.")
        self._start, self._end = found["<|im_start|>"], found["<|im_end|>"]

    def row(self, example: Example) -> Row:
        """Every answer of the assistant is learnt, but those of weight 0."""
        ids: list[int] = []
        learn = []
        told = [(m.role, m.content, m.weight) for m in example.messages]
        if told[0][0] != "system":
            told.insert(0, ("system", SYSTEM, 0))
        for role, content, weight in told:
            ids.append(self._start)
            if role == "assistant":
                ids += self._encoded("assistant\n")
                begun = len(ids)
                ids += [*self._encoded(content), self._end]
                if weight:
                    learn.append((begun, len(ids)))
            else:
                ids += [*self._encoded(f"{role}\n{content}"), self._end]
            ids += self._encoded("\n")
        end = learn[-1][1] if learn else len(ids)  # what follows the last answer teaches nothing
        return Row(tuple(ids[:end]), tuple(learn))

    def rows(self, examples: Iterable[Example]) -> list[Row]:
        return [self.row(e) for e in examples]

    def _encoded(self, text: str) -> Sequence[int]:
        return self._words.encode_ordinary(text)
