"""Which examples go with a question: the same for all, or its nearest, varied, or balanced over labels."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import Literal, get_args

import numpy as np

from gakju.errors import UsageError
from gakju.protocols import Embedder, Vectors
from gakju.store.questions import Item

Pick = Literal["fixed", "similar", "diverse", "balanced"]
PICKS: tuple[Pick, ...] = get_args(Pick)

VARIETY = 0.5
"""Of maximal marginal relevance: 0 is likeness to the question alone, 1 unlikeness to what is chosen already."""


class Picker:
    """Examples for questions. Vectors are made at first need, once.

    Both sides are embedded as queries, as E5 wants it where two texts of one kind are compared.
    """

    def __init__(
        self, embedder: Callable[[], Embedder], bank: Sequence[Item], questions: Sequence[str], seed: int = 0
    ) -> None:
        self.bank = tuple(bank)
        self._embedder, self._questions = embedder, tuple(questions)
        shuffled = list(range(len(self.bank)))
        random.Random(seed).shuffle(shuffled)  # noqa: S311 (a sample, no secret)
        self._fixed = shuffled

    def pick(self, how: Pick, count: int, question: int) -> list[Item]:
        """`count` examples for the question of that number, as they are sent: the likest one stands last.

        The fixed ones of a smaller count are among those of a larger one. Raises UsageError where there are too few.
        """
        if count > len(self.bank):
            raise UsageError(
                f"{count} examples are wanted and {len(self.bank)} are there.", hint="Add examples, or ask for fewer."
            )
        if not count:
            return []
        if how == "fixed":
            return [self.bank[i] for i in self._fixed[:count]]
        near = self._near[question]
        chosen = {"similar": self._similar, "diverse": self._diverse, "balanced": self._balanced}[how](near, count)
        return [self.bank[i] for i in sorted(chosen, key=lambda i: (near[i], -i))]

    @cached_property
    def _vectors(self) -> Vectors:
        return self._embedder().embed_queries([item.question for item in self.bank])

    @cached_property
    def _near(self) -> Vectors:
        """Shape (questions, bank): cosines."""
        return self._embedder().embed_queries(list(self._questions)) @ self._vectors.T

    def _similar(self, near: Vectors, count: int) -> list[int]:
        return [int(i) for i in np.argsort(-near, kind="stable")[:count]]

    def _diverse(self, near: Vectors, count: int) -> list[int]:
        """Maximal marginal relevance (Carbonell and Goldstein 1998)."""
        chosen: list[int] = []
        closest = np.full(len(near), -1.0, np.float32)
        for _ in range(count):
            value = (1 - VARIETY) * near - VARIETY * (closest if chosen else 0)
            value[chosen] = -np.inf
            best = int(np.argmax(value))
            chosen.append(best)
            closest = np.maximum(closest, self._vectors @ self._vectors[best])
        return chosen

    def _balanced(self, near: Vectors, count: int) -> list[int]:
        """Labels in turn, each with its likest example; the label with the likest of all goes first."""
        by_label: dict[str, list[int]] = {}
        for i in self._similar(near, len(near)):
            by_label.setdefault(label_of(self.bank[i]), []).append(i)
        rounds = zip_longest(*by_label.values())
        return [i for one in rounds for i in one if i is not None][:count]


def label_of(item: Item) -> str:
    return item.label or (item.answers[0] if item.answers else "")
