"""What every list of OpenAI's API has: an order, a limit, and a place to go on from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from gakju.errors import UsageError

Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16, description="Up to 16 notes of the program's own."),
]


class Paging(BaseModel):
    """Newest first unless told otherwise; `after` and `before` are ids."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: str = ""
    before: str = ""


Paged = Annotated[Paging, Query()]


def listed(items: Sequence[dict[str, Any]], paging: Paging) -> dict[str, Any]:
    """A page of `items`, which come oldest first. Raises UsageError for an id that is not among them."""
    ordered = list(items) if paging.order == "asc" else list(reversed(items))
    if paging.after:
        ordered = ordered[_at(ordered, paging.after, "after") + 1 :]
    page = ordered[: paging.limit]
    if paging.before:
        ordered = ordered[: _at(ordered, paging.before, "before")]
        page = ordered[-paging.limit :]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(ordered) > len(page),
    }


def _at(items: Sequence[dict[str, Any]], wanted: str, param: str) -> int:
    for place, item in enumerate(items):
        if item["id"] == wanted:
            return place
    raise UsageError(f"{param}: there is no {wanted!r} in this list.", param=param)


def epoch(stamp: str) -> int:
    """Seconds since 1970 of an ISO time."""
    return int(datetime.fromisoformat(stamp).timestamp())


def counted(statuses: Sequence[str]) -> dict[str, int]:
    """`file_counts` of a vector store or a batch."""
    count: Callable[[str], int] = list(statuses).count
    names = ("in_progress", "completed", "failed", "cancelled")
    return {**{name: count(name) for name in names}, "total": len(statuses)}
