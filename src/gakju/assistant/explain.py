"""Why a question finds what it finds: the words it was taken for, every score on the way, and what a page lacks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gakju.assistant.scope import Scope, search_in
from gakju.chunk import embedding_text
from gakju.errors import UsageError
from gakju.types import Chunk, Document, Found, Hit

if TYPE_CHECKING:
    from gakju.assistant import Assistant

DEEP = 300
"""How far down the ranking an expected page is looked for."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A hit at `rank`, from 1. `words` are the question's: whether the chunk or a heading above it holds each."""

    rank: int
    hit: Hit
    words: Mapping[str, bool]

    @property
    def coverage(self) -> float:
        """Share of the question's words, 0..1."""
        return sum(self.words.values()) / len(self.words) if self.words else 0.0


@dataclass(frozen=True, slots=True)
class Explained:
    """A search laid open. `asked` are the words of the question, `added` what it may have meant besides.

    `found.strength` below `refuse_below` is a refusal; `seconds` is what search and evidence took.
    """

    question: str
    asked: tuple[str, ...]
    added: tuple[str, ...]
    hits: tuple[Ranked, ...]
    found: Found
    refuse_below: float
    seconds: float

    @property
    def refused(self) -> bool:
        return not self.hits or self.found.strength < self.refuse_below


@dataclass(frozen=True, slots=True)
class Expected:
    """What became of a page that should have been found: its chunks as they rank, best first.

    `ranked` is empty where none is among the best `DEEP`; then `chunks` still tells which words each holds.
    """

    ranked: tuple[Ranked, ...]
    chunks: tuple[tuple[Chunk, Mapping[str, bool]], ...]
    depth: int


@dataclass(frozen=True, slots=True)
class PartWords:
    """Code points `start:end` of a chunk's text, one of its parts, and the words the index has of them."""

    start: int
    end: int
    words: tuple[str, ...]


def explain(assistant: Assistant, question: str, scope: Scope) -> Explained:
    """As `Assistant.ask` searches, up to the model. Raises UsageError for an empty question."""
    question = question.strip()
    if not question:
        raise UsageError("The question is empty.", hint="Ask something.")
    retriever, started = assistant.parts.retriever, time.perf_counter()
    hits = search_in(retriever, assistant.documents, question, scope)
    found = retriever.evidence(question, hits, assistant.settings.evidence)
    seconds = time.perf_counter() - started
    asked, added = _words(assistant, question, scope)
    return Explained(
        question, asked, added, tuple(_ranked(hits, asked)), found, assistant.settings.refuse_below, round(seconds, 4)
    )


def expected(assistant: Assistant, question: str, document: Document, page: int) -> Expected:
    """How a page fares for a question among all of its collection. Raises NotFound."""
    asked, _ = _words(assistant, question, Scope((document.collection,)))
    chunks = on_page(assistant.chunks(document.id), page)
    wanted = {chunk.id for chunk in chunks}
    hits = assistant.search(question, DEEP, collection=document.collection)
    ranked = tuple(r for r in _ranked(hits, asked) if r.hit.chunk.id in wanted)
    return Expected(ranked, tuple((chunk, _held(asked, chunk)) for chunk in chunks), len(hits))


def on_page(chunks: Sequence[Chunk], page: int) -> list[Chunk]:
    """Those that stand on it, if only in part."""
    return [chunk for chunk in chunks if any(s.page == page for s in chunk.segments)]


def indexed(assistant: Assistant, document: Document, chunks: Sequence[Chunk]) -> list[tuple[str, list[PartWords]]]:
    """Of each chunk what is indexed before its text (title, headings), and its parts with their words.

    The index takes a chunk as one text; a compound over the border of two parts is the one thing that differs.
    """
    own = assistant.parts.lexicon(document.collection)
    texts = [chunk.text[part.start : part.end] for chunk in chunks for part in chunk.parts]
    words = iter(assistant.parts.morphemes.many(texts, own) if texts else [])
    before = [embedding_text(chunk, document.title) for chunk in chunks]
    return [
        (
            text[: len(text) - len(chunk.text)].strip(),
            [PartWords(part.start, part.end, tuple(next(words))) for part in chunk.parts],
        )
        for chunk, text in zip(chunks, before, strict=True)
    ]


def _words(assistant: Assistant, question: str, scope: Scope) -> tuple[tuple[str, ...], tuple[str, ...]]:
    own = assistant.parts.lexicon(scope.collections[0] if len(scope.collections) == 1 else None)
    asked, added = assistant.parts.morphemes.asked(question, own)
    return tuple(dict.fromkeys(asked)), tuple(added)


def _ranked(hits: Sequence[Hit], asked: Sequence[str]) -> list[Ranked]:
    return [Ranked(rank, hit, _held(asked, hit.chunk)) for rank, hit in enumerate(hits, 1)]


def _held(asked: Sequence[str], chunk: Chunk) -> Mapping[str, bool]:
    from gakju.retrieve import held

    return held(asked, chunk)
