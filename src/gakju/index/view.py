"""The chunks of a generation at one version: what one search sees, from its first look to the last chunk fetched."""

from __future__ import annotations

import math
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lancedb.background_loop import LOOP
from lancedb.query import MatchQuery

from gakju.errors import GakjuError, LibraryError, StorageFull
from gakju.index import rows
from gakju.protocols import Vectors
from gakju.types import Chunk, Document

_QUERY_WORDS = 128
# Chunks: 20 MB of vectors of parts.
_REMEMBERED = 1_000
# A filter that leaves fewer rows than this is cheaper to scan than to look for in the index, and exact.
FLAT_ROWS = 3_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the documents table says at one version: the complete in order of arrival, and the rest."""

    version: int
    documents: Mapping[str, Document]
    hidden: frozenset[str]
    chunks: Mapping[str, int] = field(default_factory=dict)
    """How many each collection has."""
    removed: Mapping[str, tuple[Document, str]] = field(default_factory=dict)
    """Those of the hidden that can come back, each with the time of its removal."""

    @property
    def litter(self) -> frozenset[str]:
        """What was begun and not finished, or is on its way out."""
        return self.hidden - self.removed.keys()


@dataclass(frozen=True, slots=True)
class Seen:
    """The chunks table at one version (an asynchronous one), and the vectors of parts that searches in it have
    fetched lately."""

    version: int
    table: Any
    dimensions: int
    columns: Sequence[str]
    """What `rows.Stored` wants."""
    parts: dict[str, Vectors] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Probing:
    """How the vector index is asked. Set by measurement when it is built (see `upkeep`)."""

    probes: int
    """Partitions looked into."""
    pool: int
    """Candidates by their short codes that are scored again by their vectors."""


class View:
    """Thread-safe. Chunks go by row numbers, which hold within this view only."""

    def __init__(
        self,
        seen: Seen,
        shelf: Shelf,
        collection: str | None,
        probing: Probing | None,
        folder: Path,
    ) -> None:
        """`probing` is None where there is no vector index."""
        self.documents = shelf.documents
        """By id, of every collection."""
        self._at = seen
        self._shelf = shelf
        self._collection = collection
        self._probing = probing
        self._folder = folder
        total = sum(shelf.chunks.values())
        self._rows = total if collection is None else shelf.chunks.get(collection, 0)
        self._share = self._rows / total if total else 1.0

    def nearest(self, vector: Vectors, k: int) -> dict[int, float]:
        """Cosine similarity of the `k` rows nearest to `vector`, shape (dimensions,), best first."""
        if vector.shape != (self._at.dimensions,):
            raise LibraryError(
                f"The library holds vectors of {self._at.dimensions} numbers, the model gives {vector.shape}.",
                hint="Run `gakju docs reindex`.",
            )
        query = self._at.table.query().nearest_to(vector).column("vector").distance_type("cosine")
        if self._probing is None or self._rows <= FLAT_ROWS:
            query = query.bypass_vector_index()
        else:
            # What a filter leaves lies in any partition: the fewer rows, the more have to be looked into.
            query = query.nprobes(math.ceil(self._probing.probes / max(self._share, 1e-6)))
            query = query.refine_factor(max(1, math.ceil(self._probing.pool / k)))
        return {row: 1.0 - distance for row, distance in self._found(query, k, "_distance")}

    def matching(self, words: Sequence[str], k: int) -> dict[int, float]:
        """BM25 of the `k` rows that match `words` (of `Morphemes.words`) best, best first."""
        terms = list(dict.fromkeys(" ".join(words).split()))[:_QUERY_WORDS]
        if not terms:
            return {}
        query = self._at.table.query().nearest_to_text(MatchQuery(" ".join(terms), "words"))
        return dict(self._found(query, k, "_score"))

    def take(self, numbers: Sequence[int]) -> dict[int, rows.Stored]:
        """The chunks of rows, in the order given, with the vectors of their parts.

        A row whose document was begun or deleted since is left out.
        """
        if not numbers:
            return {}
        with translated(self._folder, "reading chunks"):
            query = self._at.table.take_row_ids(list(numbers)).with_row_id()
            taken = awaited(query.select(self._at.columns).to_arrow()).to_pylist()
        found = {row["_rowid"]: rows.Stored(row, self._at.dimensions) for row in taken}
        kept = {number: found[number] for number in numbers if number in found and self._seen(found[number])}
        if len(self._at.parts) > _REMEMBERED:
            self._at.parts.clear()
        self._at.parts.update((stored.id, stored.parts) for stored in kept.values())
        return kept

    def chunks(self, scores: Mapping[int, float]) -> list[tuple[Chunk, float]]:
        """Rows with a score as chunks with it, in the same order."""
        return [(stored.chunk, scores[number]) for number, stored in self.take(list(scores)).items()]

    def _seen(self, stored: rows.Stored) -> bool:
        document = self.documents.get(stored.document_id)
        return document is not None and self._collection in {None, document.collection}

    def _found(self, query: Any, k: int, score: str) -> list[tuple[int, float]]:
        conditions = []
        if self._share < 1.0:
            conditions.append(f"collection = {quoted(self._collection or '')}")
        if self._shelf.hidden:
            conditions.append(f"document_id NOT IN ({', '.join(map(quoted, sorted(self._shelf.hidden)))})")
        if conditions:
            query = query.where(" AND ".join(conditions))
        with translated(self._folder, "searching"):
            found = awaited(query.limit(k).with_row_id().select([score]).to_arrow())
        return list(zip(found.column("_rowid").to_pylist(), found.column(score).to_pylist(), strict=True))


def awaited(coming: Coroutine[Any, Any, Any]) -> Any:
    """What a call of an asynchronous table gives. LanceDB's synchronous tables run the same calls on the same loop, in
    several turns each: 1 to 1.5 ms of processor time more a query.
    """
    return LOOP.run(coming)


@contextmanager
def translated(folder: Path, doing: str) -> Iterator[None]:
    """LanceDB's errors, which are OSError, RuntimeError or ValueError by turns, as ours."""
    try:
        yield
    except GakjuError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        text = str(error)
        if any(sign in text for sign in ("No space left", "os error 28", "Disk quota", "os error 122")):
            raise StorageFull(
                f"The disk is full while {doing} in {folder}.", hint="Free some space, then run it again."
            ) from error
        first = text.strip().splitlines()[0][:300] if text.strip() else type(error).__name__
        raise LibraryError(
            f"The library in {folder} failed while {doing}: {first}", hint="Run `gakju doctor` to check it."
        ) from error


def quoted(text: str) -> str:
    """As a literal of a filter."""
    return "'" + text.replace("'", "''") + "'"
