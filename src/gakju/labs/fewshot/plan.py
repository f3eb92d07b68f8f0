"""What an N-shot run is told, and the cells it measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gakju.errors import UsageError
from gakju.labs.fewshot.pick import Pick
from gakju.labs.fewshot.prompt import Kind

TESTS = 2000
"""Questions of one run."""
MOST = 64
"""Examples of one prompt."""


class Plan(BaseModel):
    """`examples` and `test` are question sets by name or id; without a version the newest. `counts` are numbers of
    examples, 0 for none; `limit` asks the first so many test questions. With `drop_leaks` examples that are test
    questions, or stand twice, are left out instead of refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    test: Annotated[str, Field(min_length=1, max_length=200, description="Question set: its name or id.")]
    examples: Annotated[str, Field(max_length=200, description="The bank of examples: a question set too.")] = ""
    kind: Kind = "classification"
    model: Annotated[str, Field(max_length=200, description="The default model where it is empty.")] = ""
    picks: Annotated[tuple[Pick, ...], Field(min_length=1)] = ("fixed", "similar")
    counts: Annotated[tuple[Annotated[int, Field(ge=0, le=MOST)], ...], Field(min_length=1, max_length=12)] = (
        0,
        1,
        4,
        8,
    )
    instruction: Annotated[str, Field(max_length=10_000)] = ""
    limit: Annotated[int, Field(ge=1, le=TESTS)] | None = None
    seed: int = 0
    max_tokens: Annotated[int, Field(ge=1, le=4096)] = 64
    drop_leaks: bool = False
    test_version: Annotated[int, Field(ge=1)] | None = None
    examples_version: Annotated[int, Field(ge=1)] | None = None

    @field_validator("picks", "counts")
    @classmethod
    def _once(cls, given: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(given))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Without examples first, then by pick and count: fixed ones before those that change with each question."""
        found = [Cell("none", 0)] if 0 in self.counts else []
        found += [Cell(pick, n) for pick in sorted(self.picks, key=_order) for n in sorted(self.counts) if n]
        return tuple(found)


def _order(pick: Pick) -> bool:
    return pick != "fixed"


class Cell(NamedTuple):
    """One way to prompt: `pick` is "none" where `n` is 0."""

    pick: str
    n: int

    def __str__(self) -> str:
        return f"{self.pick} {self.n}" if self.n else "0"


def as_plan(told: Mapping[str, Any]) -> Plan:
    """Raises UsageError that names what is wrong."""
    try:
        return Plan(**told)
    except ValidationError as e:
        first = next(iter(e.errors(include_url=False, include_input=False)))
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{where}: {first['msg']}.", hint="See gakju fewshot run --help.", param=where) from None
