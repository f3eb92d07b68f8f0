"""The embedded embedder: multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672) run by OpenVINO."""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gakju.errors import ModelFailed
from gakju.models import e5_graph, e5_tokenizer
from gakju.models.e5_weights import E5Weights, unpack
from gakju.protocols import Spans, Vectors

QUERY, PASSAGE = "query: ", "passage: "
REQUEST_TOKENS = 512
"""Tokens with padding in one inference. As fast as 2,048 on two cores, and a query waits a quarter as long."""
PAD_TO, POOLS_TO = 16, 8
SHORT, SHORT_TO = 64, 4
"""Up to so many tokens, a question say, padding goes in smaller steps: of 20 tokens 12 more would be a quarter."""
GROUP = 128
"""Activations quantised together: 384 is 6 % faster and twice as far from float32. 0 is none: float32 products, for
processors without int8 instructions."""


class E5:
    """Thread-safe; loads at first use (about 1.4 s, 0.5 s more the first time ever).

    A text longer than the model's window is cut into windows of 510 tokens; their vectors are averaged,
    weighted by length, before the norm is taken. `cache` holds the tokenizer, keyed by version.

    The vector of a part is the mean over its tokens after the whole text went through the model ("late chunking",
    Günther et al. 2024, arXiv:2409.04701): it costs nothing more, and the part knows what it stands in.
    """

    name = "e5-small-ov-q8-3"
    dimensions = 384

    def __init__(self, weights: Path | Callable[[], Path], cache: Path, threads: int = 0) -> None:
        """`weights` is the file, or finds it at first use, where ModelMissing and ModelCorrupt are raised.

        `threads` 0 takes every core this process may use.
        """
        self._find = weights if callable(weights) else lambda: weights
        self._cache = cache
        self._threads = threads or usable_cores()
        self._loading = threading.Lock()
        self._loaded: _Loaded | None = None

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(PASSAGE, texts)

    def embed_parts(self, texts: Sequence[str], spans: Sequence[Spans]) -> tuple[Vectors, list[Vectors]]:
        loaded = self._load()
        return loaded.embed([list(_pieces(PASSAGE, text, own)) for text, own in zip(texts, spans, strict=True)])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(QUERY, texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        tokens = self._load().tokenizer.encode([unicodedata.normalize("NFC", t) for t in texts])
        return [len(t) for t in tokens]

    def load(self) -> None:
        """Makes the first call as quick as the next."""
        self._load()

    def _load(self) -> _Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = _Loaded(self._find(), self._cache, self._threads)
            return self._loaded

    def _embed(self, prefix: str, texts: Sequence[str]) -> Vectors:
        return self._load().embed([[(unicodedata.normalize("NFC", prefix + t), False)] for t in texts])[0]


Piece = tuple[str, bool]
"""Some of a text, and whether it is a part that wants a vector of its own."""


def _pieces(prefix: str, text: str, spans: Spans) -> Iterator[Piece]:
    """All of `prefix + text`, cut at the borders of its parts."""
    at, before = 0, prefix
    for start, end in spans:
        yield unicodedata.normalize("NFC", before + text[at:start]), False
        yield unicodedata.normalize("NFC", text[start:end]), True
        at, before = end, ""
    yield unicodedata.normalize("NFC", before + text[at:]), False


def embedded_apart(
    embed: Callable[[Sequence[str]], Vectors], texts: Sequence[str], spans: Sequence[Spans]
) -> tuple[Vectors, list[Vectors]]:
    """`Embedder.embed_parts` for a model that gives one vector a text: each part is a text of its own."""
    parts = [text[start:end] for text, own in zip(texts, spans, strict=True) for start, end in own]
    vectors = embed([*texts, *parts])
    borders = np.cumsum([len(own) for own in spans])[:-1]
    return vectors[: len(texts)], np.split(vectors[len(texts) :], borders) if texts else []


@dataclass(frozen=True, slots=True)
class _Window:
    """Token ids with the special ones; `pools` are (row of the result, first token, after the last)."""

    tokens: list[int]
    pools: list[tuple[int, int, int]]


class _Loaded:
    def __init__(self, path: Path, cache: Path, threads: int) -> None:
        weights = E5Weights(path)
        self.shape = weights.shape
        # The tokenizer has the pieces, too: 20 MB.
        self.vocabulary = replace(weights.vocabulary, pieces=())
        self.table = weights.blocks("emb.word", self.shape.hidden)
        self.tokenizer = e5_tokenizer.load(weights.vocabulary, cache)
        graph = e5_graph.build(weights)
        try:
            self._compile(graph, threads, GROUP)
        except RuntimeError:
            # Without VNNI (older x86, Arm) dynamic quantisation fails, some versions only at the first inference.
            self._compile(graph, threads, 0)

    def _compile(self, graph: Any, threads: int, group: int) -> None:
        compiled = e5_graph.compile_graph(graph, threads, group)
        self._idle: Queue[Any] = Queue()
        for _ in range(2 * threads + 2):
            self._idle.put(compiled.create_infer_request())
        # No more at once than there are streams, whoever calls, so that a query is next in line during an ingest.
        self._feeders = ThreadPoolExecutor(threads, thread_name_prefix="embed")
        self.embed([[("warm up", True)], [("warm up " * 40, False)]])

    def embed(self, texts: Sequence[Sequence[Piece]]) -> tuple[Vectors, list[Vectors]]:
        """Unit vectors of texts that carry their prefix, and of the parts of each."""
        windows, counts = self._windows(texts)
        ends = np.cumsum(counts)
        sums = np.zeros((int(ends[-1]) if texts else 0, self.shape.hidden), np.float32)
        batches = list(self._batches(windows))
        try:
            # What fits into one request waits for nobody's batches.
            many = len(batches) > 1
            pooled = self._feeders.map(self._infer, batches) if many else map(self._infer, batches)
            for batch, vectors in zip(batches, pooled, strict=True):
                for window, rows in zip(batch, vectors, strict=True):
                    for (row, start, end), vector in zip(window.pools, rows, strict=False):
                        sums[row] += vector * np.float32(end - start)
        except RuntimeError as error:
            raise ModelFailed(f"The embedding model failed: {str(error).splitlines()[0]}") from error
        unit: Vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-12))
        starts = ends - counts
        return unit[starts], [unit[start + 1 : end] for start, end in zip(starts, ends, strict=True)]

    def _infer(self, batch: Sequence[_Window]) -> NDArray[np.float32]:
        """Shape (windows, most pools of a window, hidden)."""
        inputs = self._inputs(batch)
        request = self._idle.get()
        try:
            request.infer(inputs)
            pooled: NDArray[np.float32] = request.get_output_tensor(0).data.copy()
            return pooled
        finally:
            self._idle.put(request)

    def _windows(self, texts: Sequence[Sequence[Piece]]) -> tuple[list[_Window], NDArray[np.int64]]:
        """What the model sees, and how many vectors each text wants: its own, then its parts'."""
        size, v = self.shape.positions - 2, self.vocabulary
        flat = iter(self.tokenizer.encode([piece for text in texts for piece, _ in text]))
        windows: list[_Window] = []
        counts = np.empty(len(texts), np.int64)
        row = 0
        for number, text in enumerate(texts):
            tokens: list[int] = []
            parts: list[tuple[int, int]] = []
            for _, is_part in text:
                start = len(tokens)
                tokens += next(flat)
                if is_part:
                    parts.append((start, len(tokens)))
            for start in range(0, max(len(tokens), 1), size):
                own = tokens[start : start + size]
                # Places count from the window's first token, which is the special one.
                pools = [(row, 0, len(own) + 2)]
                for part, (low, high) in enumerate(parts, 1):
                    if low < start + size and start < high:
                        pools.append((row + part, max(low - start, 0) + 1, min(high - start, size) + 1))
                windows.append(_Window([v.bos, *own, v.eos], pools))
            counts[number] = 1 + len(parts)
            row += 1 + len(parts)
        return windows, counts

    def _batches(self, windows: list[_Window]) -> Iterator[list[_Window]]:
        """Windows of about the same length, longest first, so that little is padded."""
        order = sorted(windows, key=lambda window: -len(window.tokens))
        at = 0
        while at < len(order):
            padded = _padded(len(order[at].tokens), self.shape.positions)
            batch = order[at : at + max(1, REQUEST_TOKENS // padded)]
            at += len(batch)
            yield batch

    def _inputs(self, batch: Sequence[_Window]) -> dict[str, Any]:
        width = _padded(max(len(window.tokens) for window in batch), self.shape.positions)
        ids = np.full((len(batch), width), self.vocabulary.pad, np.int64)
        mask = np.zeros((len(batch), width), np.int32)
        # In steps: each shape that is new costs the runtime time and memory.
        pools = -(-max(len(window.pools) for window in batch) // POOLS_TO) * POOLS_TO
        pool = np.zeros((len(batch), pools, width), np.float32)
        for row, window in enumerate(batch):
            ids[row, : len(window.tokens)] = window.tokens
            mask[row, : len(window.tokens)] = 1
            for at, (_, start, end) in enumerate(window.pools):
                pool[row, at, start:end] = 1 / (end - start)
        used, places = np.unique(ids, return_inverse=True)
        return {"embeds": unpack(self.table[used])[places.reshape(ids.shape)], "mask": mask, "pool": pool}


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _padded(length: int, most: int) -> int:
    step = SHORT_TO if length <= SHORT else PAD_TO
    return min(-(-length // step) * step, most)
