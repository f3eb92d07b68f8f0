"""What flows through Gakju: pages, chunks, hits, evidence, claims, answers.

Provenance is typed from the PDF's character boxes to the highlight on the screen. Offsets are Unicode
code points in a page's NFC text; boxes are PDF points from the top left of the page as shown
(rotation applied); pages count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Box(NamedTuple):
    """A rectangle on a page, in PDF points from the top left of the page as shown."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


class Span(NamedTuple):
    """Code points `start:end` of one page's text."""

    page: int
    start: int
    end: int


PageStatus = Literal["ok", "no_text", "garbled", "ocr"]
BlockKind = Literal["heading", "text", "row", "header", "footer"]


class Block(NamedTuple):
    """Code points `start:end` of a page that belong together; a table row is one block.

    `level` is 1 for the highest heading and 0 where `kind` is not "heading".
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a reader of the document must know. `page` is None for the whole file."""

    page: int | None
    kind: str
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One page (or section, sheet, slide) of a document in reading order.

    `glyphs` has shape (len(text), 4), float32, x0 y0 x1 y1 of each code point in points from the top
    left; NaN where a code point has no place (a line break). Shape (0, 4) where the format has no
    layout; then `width` and `height` are 0.
    """

    number: int
    text: str
    blocks: tuple[Block, ...]
    status: PageStatus = "ok"
    width: float = 0.0
    height: float = 0.0
    glyphs: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 4), np.float32))
    problems: tuple[Problem, ...] = ()

    def boxes(self, start: int, end: int) -> tuple[Box, ...]:
        """One box a line for the code points `start:end`, in reading order; () without layout."""
        if not len(self.glyphs):
            return ()
        g = self.glyphs[start:end]
        g = g[~np.isnan(g[:, 0])]
        lines: list[list[float]] = []
        for x0, y0, x1, y1 in g.tolist():
            last = lines[-1] if lines else None
            # The same line: vertical overlap of half the smaller height, and no jump back to the left.
            if last and min(y1, last[3]) - max(y0, last[1]) > 0.5 * min(y1 - y0, last[3] - last[1]) and x1 >= last[0]:
                last[:] = min(last[0], x0), min(last[1], y0), max(last[2], x1), max(last[3], y1)
            else:
                lines.append([x0, y0, x1, y1])
        return tuple(Box(self.number, *(round(v, 2) for v in line)) for line in lines)


class Segment(NamedTuple):
    """Where a part of a chunk stands: `chunk.text[at : at + end - start] == page.text[start:end]`."""

    page: int
    start: int
    end: int
    at: int


class Part(NamedTuple):
    """A sentence, row, item or heading of a chunk, `chunk.text[start:end]`: what evidence is chosen from."""

    start: int
    end: int
    kind: BlockKind


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is embedded and found. Ends at sentence, row and heading borders.

    `headings` is the path of headings above it, outermost first; `boxes` one box a line; `parts` in order, all of
    its text but the white space between them.
    """

    id: str
    document_id: str
    ordinal: int
    text: str
    headings: tuple[str, ...]
    segments: tuple[Segment, ...]
    boxes: tuple[Box, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def page(self) -> int:
        """The first page the chunk stands on."""
        return self.segments[0].page

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """The page spans of `text[start:end]`, in order; one a segment touched."""
        found = []
        for s in self.segments:
            low, high = max(start, s.at), min(end, s.at + s.end - s.start)
            if low < high:
                found.append(Span(s.page, s.start + low - s.at, s.start + high - s.at))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """The document as a footnote names it."""

    id: str
    title: str
    path: str


@dataclass(frozen=True, slots=True)
class WebRef(DocumentRef):
    """A page of the web as it was read: `path` is its URL, `published` the date it gives itself, or ""."""

    read_at: str
    published: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document in the library. `digest` is the SHA-256 of the original, in hex; sizes in bytes.

    A page of the web has its URL as `path`, the time it was read as `added_at` and, where it tells them, a date and a
    language ("ko").
    """

    id: str
    title: str
    path: str
    collection: str
    digest: str
    media_type: str
    bytes: int
    pages: int
    chunks: int
    added_at: str
    problems: tuple[Problem, ...] = ()
    published: str = ""
    language: str = ""

    @property
    def ref(self) -> DocumentRef:
        if self.path.startswith(("http://", "https://")):
            return WebRef(self.id, self.title, self.path, self.added_at, self.published)
        return DocumentRef(self.id, self.title, self.path)


AddStatus = Literal["added", "unchanged", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one file given to `add`. `partial`: added, but some pages could not be read."""

    path: str
    document_id: str | None
    pages: int
    chunks: int
    seconds: float
    status: AddStatus
    problems: tuple[Problem, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found. `parts` holds the score of each retriever that found it."""

    chunk: Chunk
    document: WebRef | DocumentRef
    score: float
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence of a document that may answer the question; `number` is what the model points at."""

    number: int
    text: str
    document: WebRef | DocumentRef
    chunk_id: str
    spans: tuple[Span, ...]
    boxes: tuple[Box, ...]
    score: float

    @property
    def page(self) -> int:
        return self.spans[0].page


@dataclass(frozen=True, slots=True)
class Found:
    """Evidence for a question, best first and numbered from 1; `strength` in 0..1 that it holds the answer.

    `features` are what `strength` was worked out from, for who fits it.
    """

    sentences: tuple[Evidence, ...]
    strength: float
    features: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Footnote:
    """The place that carries a claim. `start` and `end` are code points of `page`'s text.

    Where the quote runs over a page border, `end` is the end of its part on `page` and `boxes` and
    `spans` name every page.
    """

    document: WebRef | DocumentRef
    page: int
    quote: str
    boxes: tuple[Box, ...]
    start: int
    end: int
    spans: tuple[Span, ...] = ()


Verdict = Literal["supported", "partial", "unsupported", "contradicted"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verifier's word on one claim: `score` in 0..1 that it is supported, and why, in words."""

    verdict: Verdict
    score: float
    reason: str = ""


Fate = Literal["kept", "struck", "removed", "regenerated"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer with its verdict and footnotes.

    A courtesy is shown and not `scored`. `fate` is what became of the sentence: one that the documents do not carry
    is shown struck through, or `text` tells that it was removed, or it was written again.
    """

    text: str
    verdict: Verdict
    score: float
    footnotes: tuple[Footnote, ...]
    reason: str = ""
    scored: bool = True
    fate: Fate = "kept"


class Usage(NamedTuple):
    """Tokens of one generation, as the model counts them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Claims with footnotes, or a refusal with the nearest passages as `evidence`.

    `timings` are seconds from the question: evidence, first_token, verdict, total. `web` tells how the web was looked
    at. `asked` is the question as it was understood, standing alone. `confidence` in 0..1 that the documents answer
    it: below the setting `refuse_below` the answer is a refusal. `supported_share` of the scored sentences written
    are supported, None where there are none. `mode` is "verbatim" or "free".
    """

    question: str
    answer: str
    refused: bool
    claims: tuple[Claim, ...]
    evidence: tuple[Evidence, ...]
    timings: Mapping[str, float]
    usage: Usage
    model: str
    web: WebStep | None = None
    asked: str = ""
    confidence: float = 0.0
    supported_share: float | None = None
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation as a chat model takes it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed generation; the last one carries `usage`.

    `top` are log probabilities of the likeliest tokens in this place, where they were asked for and are told.
    """

    text: str
    usage: Usage | None = None
    top: Mapping[str, float] = field(default_factory=dict)


Freshness = Literal["", "day", "week", "month", "year"]
"""How old a page may be that a search engine names; "" for any age."""


@dataclass(frozen=True, slots=True)
class WebResult:
    """What a search engine says of a page nobody has read yet. `published` is a date or ""."""

    url: str
    title: str
    snippet: str
    engine: str
    published: str = ""


@dataclass(frozen=True, slots=True)
class WebStep:
    """How far the web has been looked at. `why` names the rule that asked for it, `queries` what engines were asked,
    `sites` the hosts of the pages, `done` of `total` pages read. `problems` are lines for people.
    """

    stage: Literal["searching", "reading", "read", "skipped"]
    why: str = ""
    queries: tuple[str, ...] = ()
    done: int = 0
    total: int = 0
    sites: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


# What an answer streams, in this order: WebStep where the web is looked at, EvidenceFound, then Token and ClaimMade
# mixed, then Done.


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """`asked` is the question that was searched for: a follow-up made to stand alone."""

    evidence: tuple[Evidence, ...]
    seconds: float
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    text: str


@dataclass(frozen=True, slots=True)
class ClaimMade:
    claim: Claim


@dataclass(frozen=True, slots=True)
class Done:
    answer: Answer


AskEvent = WebStep | EvidenceFound | Token | ClaimMade | Done


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one job: `stage` names the work, `done` of `total` in `unit`; `seconds_left` None if unknown."""

    stage: str
    done: int = 0
    total: int | None = None
    unit: str = ""
    item: str = ""
    seconds_left: float | None = None
