"""Where a search looks, when that is more or less than one collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gakju.types import Document, Hit

if TYPE_CHECKING:
    from gakju.retrieve import Retriever

WEB = "@web"
"""The collection of pages read to answer questions. No other can have the name, and no list shows it."""

_MOST = 4096
"""Chunks looked through for documents that are wanted among many that are not."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Collections, in them `documents` only where those are given; `k` chunks of at least that score (0..1)."""

    collections: tuple[str, ...]
    documents: tuple[str, ...] | None = None
    k: int = 8
    at_least: float = 0.0


def search_in(
    retriever: Retriever, documents: Callable[[str], Iterable[Document]], query: str, scope: Scope
) -> list[Hit]:
    """Chunks, best first. `documents` gives those of a collection.

    Scores are relative to one search, so several collections are searched as one, and not each on its own.
    """
    alone = scope.collections[0] if len(scope.collections) == 1 else None
    if alone is not None and scope.documents is None:
        found = retriever.search(query, scope.k, alone)
    else:
        here = {d.id for name in scope.collections for d in documents(name)}
        wanted = here if scope.documents is None else here & set(scope.documents)
        found = _among(retriever, query, alone, wanted, scope.k)
    return [hit for hit in found if hit.score >= scope.at_least]


def _among(retriever: Retriever, query: str, collection: str | None, wanted: Set[str], k: int) -> list[Hit]:
    depth = max(50, k)
    while wanted:
        hits = retriever.search(query, depth, collection, among=wanted)
        if len(hits) >= k or depth >= min(_MOST, retriever.size(collection)):
            return hits[:k]
        depth *= 4
    return []
