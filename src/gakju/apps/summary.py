"""The sentences that carry a whole document, as evidence: near to what all of it says, and not to each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gakju.answer.claims import quoted
from gakju.errors import BrokenFile
from gakju.types import Answer, AskEvent, Chunk, ClaimMade, Done, Evidence, EvidenceFound, Found, Token, Usage

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.protocols import Verifier

MOST = 240
"""Sentences that are embedded: of a longer document every second, third, … one."""
SHORTEST, LONGEST = 12, 400
"""Characters of a sentence that can stand for a document."""
DIVERSITY = 0.5
"""How much being unlike those chosen counts beside being like the whole (maximal marginal relevance)."""
FOCUS = 0.6
"""How much a wish of the reader counts beside the document itself."""


class _Sentence(NamedTuple):
    chunk: Chunk
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.chunk.text[self.start : self.end]


def salient(assistant: Assistant, document_id: str, count: int, focus: str = "") -> Found:
    """At most `count` sentences in the document's order, numbered from 1. Raises NotFound, BrokenFile."""
    document = assistant.document(document_id)
    sentences = list(_sentences(assistant.chunks(document_id)))
    if not sentences:
        raise BrokenFile(f"{document.title} has no sentence to sum up.", hint="Choose another document.")
    step = -(-len(sentences) // MOST)
    sentences = sentences[::step]
    vectors = assistant.parts.embedder.embed_passages([s.text for s in sentences])
    middle = vectors.mean(axis=0)
    score = vectors @ (middle / (np.linalg.norm(middle) or 1.0))
    if focus:
        score = (1 - FOCUS) * score + FOCUS * (vectors @ assistant.parts.embedder.embed_queries([focus])[0])
    chosen = _diverse(vectors, score, count)
    return Found(
        tuple(_evidence(assistant, n, sentences[i], document_id, score[i]) for n, i in enumerate(chosen, 1)), 1.0
    )


def _sentences(chunks: list[Chunk]) -> Iterator[_Sentence]:
    seen = set()
    for chunk in chunks:
        for part in chunk.parts:
            text = " ".join(chunk.text[part.start : part.end].split())
            if part.kind == "text" and SHORTEST <= len(text) <= LONGEST and text not in seen:
                seen.add(text)
                yield _Sentence(chunk, part.start, part.end)


def _diverse(vectors: np.ndarray, score: np.ndarray, count: int) -> list[int]:
    """Indices of the chosen, in order. Carbonell and Goldstein, SIGIR 1998."""
    chosen: list[int] = []
    like = np.zeros(len(vectors), np.float32)
    while len(chosen) < min(count, len(vectors)):
        worth = (1 - DIVERSITY) * score - DIVERSITY * like
        worth[chosen] = -np.inf
        best = int(worth.argmax())
        chosen.append(best)
        like = np.maximum(like, vectors @ vectors[best])
    return sorted(chosen)


def _evidence(assistant: Assistant, number: int, s: _Sentence, document_id: str, score: float) -> Evidence:
    spans = s.chunk.spans(s.start, s.end)
    boxes = tuple(b for span in spans for b in assistant.page(document_id, span.page).boxes(span.start, span.end))
    return Evidence(
        number, s.text, assistant.document(document_id).ref, s.chunk.id, spans, boxes, round(float(score), 4)
    )


def quotes(question: str, found: Found, verifier: Verifier, model: str) -> Iterator[AskEvent]:
    """The sentences themselves as the answer: what a small model would only spoil."""
    yield EvidenceFound(found.sentences, 0.0)
    claims = []
    for e in found.sentences:
        claims.append(made := quoted(e, None, verifier, question))
        yield Token(("\n" if len(claims) > 1 else "") + made.text)
        yield ClaimMade(made)
    text = "\n".join(c.text for c in claims)
    yield Done(Answer(question, text, False, tuple(claims), found.sentences, {}, Usage(), model))
