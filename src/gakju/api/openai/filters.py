"""Filters over the attributes of files: comparisons, joined by `and` and `or`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Value = str | bool | float


class Comparison(BaseModel):
    """`key` of a file's attributes against `value`; a file without the attribute matches `ne` and `nin` only."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: str
    value: Value | list[Value]


class Compound(BaseModel):
    type: Literal["and", "or"]
    filters: Annotated[list[Comparison | Compound], Field(min_length=1, max_length=64)]


Filter = Comparison | Compound


def matcher(given: Filter) -> Callable[[Mapping[str, Any]], bool]:
    """Whether attributes pass."""
    if isinstance(given, Compound):
        parts = [matcher(part) for part in given.filters]
        join = all if given.type == "and" else any
        return lambda attributes: join(part(attributes) for part in parts)
    return lambda attributes: _holds(given, attributes.get(given.key))


def _holds(given: Comparison, found: Value | None) -> bool:
    if given.type in {"ne", "nin"}:
        return not _among(found, given.value)
    if given.type in {"eq", "in"}:
        return _among(found, given.value)
    wanted = given.value
    if isinstance(found, str) != isinstance(wanted, str) or found is None or isinstance(wanted, list):
        return False
    less, equal = found < wanted, found == wanted  # type: ignore[operator]
    return {"gt": not (less or equal), "gte": not less, "lt": less, "lte": less or equal}[given.type]


def _among(found: Value | None, wanted: Value | list[Value]) -> bool:
    values = wanted if isinstance(wanted, list) else [wanted]
    # True is no 1 here, as it is none in JSON.
    return any(found == v and isinstance(found, bool) == isinstance(v, bool) for v in values)
