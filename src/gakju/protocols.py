"""The seams. Each has two real implementations and one conformance suite under tests/conformance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gakju.types import Delta, Evidence, Freshness, Judgement, Message, Page, WebResult

Vectors = NDArray[np.float32]
Spans = Sequence[tuple[int, int]]
"""`(start, end)` in code points of one text, in order and not overlapping."""


class Embedder(Protocol):
    """Texts to unit vectors. Queries and passages are embedded by different methods on purpose."""

    name: str
    """Enters the index's fingerprint: whatever changes the vectors changes the name."""
    dimensions: int

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimensions), float32, L2 norm 1. Any length; order kept."""
        ...

    def embed_parts(self, texts: Sequence[str], spans: Sequence[Spans]) -> tuple[Vectors, list[Vectors]]:
        """As `embed_passages`, and of each text the unit vectors of its spans, shape (len(spans[i]), dimensions)."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """As `embed_passages`, with the query side's prefix."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text in the embedder's own vocabulary, without prefix or special tokens."""
        ...


class ChatModel(Protocol):
    """Messages to streamed text. Closing the iterator stops the generation on the model's side."""

    name: str
    """`provider:model`, as in settings."""
    context: int
    """Tokens that prompt and answer may have together."""

    def stream(
        self,
        messages: Sequence[Message],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> Iterator[Delta]:
        """Pieces in order; the last has `usage`. `extra` goes to the backend as it is (a grammar, say).

        Raises ModelMissing, ModelFailed, ContextTooLong or NetworkError.
        """
        ...


class Reading(Protocol):
    """A document being read: what is known at once, and its pages as they come."""

    title: str
    media_type: str
    page_count: int

    def __iter__(self) -> Iterator[Page]:
        """Pages in order, each once; memory does not grow with their number. Raises ReadError."""
        ...


class Reader(Protocol):
    """One file to pages."""

    version: str
    """Enters the index's fingerprint."""

    def open(
        self, path: Path, *, name: str, passwords: Sequence[str] = (), ocr: bool = True
    ) -> AbstractContextManager[Reading]:
        """`path` holds the bytes; `name` is the file's own name, for its suffix and messages.

        Raises ReadError with one clear line. Leaving the context stops the work and frees its process.
        """
        ...


class Verifier(Protocol):
    """A claim and the sentences it rests on, to a verdict."""

    def judge(self, claim: str, evidence: Sequence[Evidence], *, question: str = "") -> Judgement:
        """Without evidence the verdict is `unsupported`."""
        ...


class WebSearch(Protocol):
    """A query to names of pages."""

    name: str

    def search(self, query: str, *, count: int = 10, language: str = "", freshness: Freshness = "") -> list[WebResult]:
        """At most `count`, best first; `language` is "ko", "en", … or "" for any. What it gives has http(s) URLs.

        Raises NetworkError or RateLimited with a line that names the engine; no key is ever in it.
        """
        ...
