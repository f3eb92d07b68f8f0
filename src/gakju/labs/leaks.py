"""Questions that stand twice, and test questions that stand among the examples: both make a measurement worthless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gakju.errors import UsageError
from gakju.store.questions import Item
from gakju.text.normalise import squeeze

_MARKS = re.compile(r"[\W_]+")
_SHOWN = 3


def likeness(question: str) -> str:
    """Texts with the same are one question: normal forms, white space, case and marks aside."""
    folded = squeeze(question)
    return _MARKS.sub("", folded) or folded


@dataclass(frozen=True, slots=True)
class Leaks:
    """`doubles` are pairs among the examples, `leaks` pairs of an example and a test question that are the same."""

    doubles: tuple[tuple[Item, Item], ...]
    leaks: tuple[tuple[Item, Item], ...]

    def __bool__(self) -> bool:
        return bool(self.doubles or self.leaks)

    def refuse(self) -> None:
        """Raises UsageError, which names some of them, where there are any."""
        if self.leaks:
            raise UsageError(
                f"{_told(self.leaks, 'test question stands', 'test questions stand')} among the examples too:"
                f" {_named(self.leaks)}.",
                hint="Whoever shows the answer measures nothing: drop them from the examples (--drop-leaks does).",
            )
        if self.doubles:
            raise UsageError(
                f"{_told(self.doubles, 'example stands', 'examples stand')} there twice: {_named(self.doubles)}.",
                hint="Keep one of each (--drop-leaks does).",
            )


def find(examples: Iterable[Item], tests: Iterable[Item]) -> Leaks:
    seen: dict[str, Item] = {}
    doubles = []
    for item in examples:
        first = seen.setdefault(likeness(item.question), item)
        if first is not item:
            doubles.append((first, item))
    leaks = [(seen[key], test) for test in tests if (key := likeness(test.question)) in seen]
    return Leaks(tuple(doubles), tuple(leaks))


def without(examples: Sequence[Item], tests: Iterable[Item]) -> tuple[Item, ...]:
    """The examples that are no test question, one of each, in order."""
    asked = {likeness(test.question) for test in tests}
    kept: dict[str, Item] = {}
    for item in examples:
        if (key := likeness(item.question)) not in asked:
            kept.setdefault(key, item)
    return tuple(kept.values())


def _told(pairs: Sequence[object], one: str, many: str) -> str:
    return f"{len(pairs):,} {one if len(pairs) == 1 else many}"


def _named(pairs: Sequence[tuple[Item, Item]]) -> str:
    shown = "; ".join(f"{first.id} = {second.id} ({second.question[:60]!r})" for first, second in pairs[:_SHOWN])
    return shown + (f"; {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else "")
