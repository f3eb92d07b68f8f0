"""Where a search looks, when that is more or less than one collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gakju.types import Hit

if TYPE_CHECKING:
    from gakju.retrieve import Retriever

_MOST = 4096
"""Chunks looked through for documents that are wanted among many that are not."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Collections, in them `documents` only where those are given; `k` chunks of at least that score (0..1)."""

    collections: tuple[str, ...]
    documents: tuple[str, ...] | None = None
    k: int = 8
    at_least: float = 0.0


def search_in(retriever: Retriever, query: str, scope: Scope) -> list[Hit]:
    """Chunks, best first. Scores of several collections are compared as they are, each in 0..1 within its own."""
    found = [hit for name in scope.collections for hit in _search(retriever, query, name, scope)]
    if len(scope.collections) > 1:
        found.sort(key=lambda hit: -hit.score)
    return [hit for hit in found if hit.score >= scope.at_least][: scope.k]


def _search(retriever: Retriever, query: str, collection: str, scope: Scope) -> list[Hit]:
    if scope.documents is None:
        return retriever.search(query, scope.k, collection)
    wanted, depth = frozenset(scope.documents), max(50, scope.k)
    while wanted:
        hits = retriever.search(query, depth, collection)
        kept = [hit for hit in hits if hit.chunk.document_id in wanted]
        if len(kept) >= scope.k or len(hits) < depth or depth >= _MOST:
            return kept[: scope.k]
        depth *= 4
    return []
