"""Deterministic models for tests, discriminative enough that a wrong order or a swapped method shows."""

from __future__ import annotations

import itertools
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gakju.errors import ContextTooLong
from gakju.models.embed import embedded_apart
from gakju.protocols import Spans, Vectors
from gakju.types import Delta, Message, Usage

_WORD = re.compile(r"\w+|[^\w\s]")


class FakeEmbedder:
    """Each word and each pair of letters has a random direction: texts that share them are near.

    A query and the same passage are near, but not the same.
    """

    name = "fake-embedder-1"

    def __init__(self, dimensions: int = 64) -> None:
        self.dimensions = dimensions
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        """(side, texts) of every call, side "passage" or "query"."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed("passage", texts)

    def embed_parts(self, texts: Sequence[str], spans: Sequence[Spans]) -> tuple[Vectors, list[Vectors]]:
        return embedded_apart(self.embed_passages, texts, spans)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed("query", texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_WORD.findall(t)) for t in texts]

    def _embed(self, side: str, texts: Sequence[str]) -> Vectors:
        self.calls.append((side, tuple(texts)))
        return np.stack([self._vector(side, t) for t in texts]) if texts else np.empty((0, self.dimensions), np.float32)

    def _vector(self, side: str, text: str) -> Vectors:
        total = 0.3 * self._direction(f"side {side}")
        for word in _WORD.findall(unicodedata.normalize("NFC", text).casefold()):
            total += self._direction(f"word {word}")
            for pair in itertools.pairwise(word):
                total += 0.5 * self._direction("pair " + "".join(pair))
        unit: Vectors = (total / np.linalg.norm(total)).astype(np.float32)
        return unit

    def _direction(self, key: str) -> Vectors:
        drawn = np.random.default_rng(zlib.crc32(key.encode("utf-8", "replace"))).standard_normal(self.dimensions)
        direction: Vectors = (drawn / np.sqrt(self.dimensions)).astype(np.float32)
        return direction


@dataclass(frozen=True, slots=True)
class Call:
    """What a FakeChat was asked."""

    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int | None
    stop: tuple[str, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


Reply = str | Exception
Script = Callable[[Sequence[Message]], Reply] | Sequence[Reply]


class FakeChat:
    """Replies by `script`: a function of the messages, or replies in order, the last one again and again.

    An exception as a reply is raised. Words and marks count as tokens. `closed` counts the answers whose
    reader left before their end.
    """

    def __init__(self, script: Script, *, name: str = "fake:chat", context: int = 8192, piece: int = 3) -> None:
        self.name, self.context, self.piece = name, context, piece
        self.calls: list[Call] = []
        self.closed = 0
        self._script = script

    def stream(
        self,
        messages: Sequence[Message],
        *,
        temperature: float = 0.0,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> Iterator[Delta]:
        self.calls.append(Call(tuple(messages), temperature, max_tokens, tuple(stop), dict(extra or {})))
        prompt = sum(len(_WORD.findall(m.content)) for m in messages)
        if prompt >= self.context:
            raise ContextTooLong(f"The prompt is longer than {self.name} can take.")
        text = self._reply(messages)
        for mark in stop:
            text = text.partition(mark)[0]
        words = list(_WORD.finditer(text))
        room = min(self.context - prompt, len(words) if max_tokens is None else max_tokens)
        if room < len(words):
            text = text[: words[room].start()]
        try:
            for at in range(0, len(text), self.piece):
                yield Delta(text[at : at + self.piece])
        except GeneratorExit:
            self.closed += 1
            raise
        yield Delta("", Usage(prompt, len(_WORD.findall(text))))

    def _reply(self, messages: Sequence[Message]) -> str:
        if callable(self._script):
            reply = self._script(messages)
        else:
            reply = self._script[min(len(self.calls), len(self._script)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply
