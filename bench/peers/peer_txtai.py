"""txtai: Embeddings(hybrid=True), the rest at its defaults. It cuts no text: a document, or a page, is one entry.

Its own PDF reader (Textractor) needs Java or docling, which downloads models: pypdf reads here, a page a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import sets
from pypdf import PdfReader
from txtai import Embeddings

VARIANTS = ("txtai",)
METHOD: str | None = None


class Peer:
    def __init__(self, weights: str, variant: str) -> None:
        self._embeddings = Embeddings(
            path=weights,
            hybrid=True,
            instructions={"query": "query: ", "data": "passage: "},
            gpu=False,
            **({"method": METHOD} if METHOD else {}),
        )
        self._variant = variant
        self._owners: list[str] = []

    def read(self, path: Path) -> list[sets.Entry]:
        pages = [sets.Entry(str(path), page.extract_text()) for page in PdfReader(path).pages]
        return [page for page in pages if page.text.strip()]

    def documents(self, entries: Iterable[sets.Entry]) -> list[sets.Entry]:
        return list(entries)

    def add(self, documents: list[sets.Entry]) -> int:
        rows = list(enumerate((entry.text for entry in documents), len(self._owners)))
        self._owners += [entry.id for entry in documents]
        self._embeddings.upsert(rows)
        return len(rows)

    def ready(self, candidates: int) -> dict[str, Callable[[str], list[str]]]:
        def search(question: str) -> list[str]:
            return [self._owners[int(number)] for number, _ in self._embeddings.search(question, candidates)]

        return {self._variant: search}
