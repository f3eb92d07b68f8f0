"""The embedded embedder: multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672) run by OpenVINO."""

from __future__ import annotations

import os
import threading
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gakju.errors import ModelFailed
from gakju.models import e5_graph, e5_tokenizer
from gakju.models.e5_weights import E5Weights, unpack
from gakju.protocols import Vectors

QUERY, PASSAGE = "query: ", "passage: "
REQUEST_TOKENS = 512
"""Tokens with padding in one inference. As fast as 1,024 on two cores, and a query waits half as long for its turn."""
PAD_TO = 16
GROUP = 128
"""Activations quantised together. 0 is none: float32 products, for processors without int8 instructions."""


class E5:
    """Thread-safe; loads at first use (about 1.4 s, 0.5 s more the first time ever).

    A text longer than the model's window is cut into windows of 510 tokens; their vectors are averaged,
    weighted by length, before the norm is taken. `cache` holds the tokenizer, keyed by version.
    """

    name = "e5-small-ov-q8-1"
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
        return self._load().embed([unicodedata.normalize("NFC", prefix + t) for t in texts])


class _Loaded:
    def __init__(self, path: Path, cache: Path, threads: int) -> None:
        weights = E5Weights(path)
        self.shape, self.vocabulary = weights.shape, weights.vocabulary
        self.table = weights.blocks("emb.word", self.shape.hidden)
        self.tokenizer = e5_tokenizer.load(weights.vocabulary, cache)
        graph = e5_graph.build(weights)
        try:
            self._compile(graph, threads, GROUP)
        except RuntimeError:
            # Without VNNI (older x86, Arm) dynamic quantisation fails, some versions only at the first inference.
            self._compile(graph, threads, 0)

    def _compile(self, graph: Any, threads: int, group: int) -> None:
        compiled = (
            e5_graph.runtime()
            .Core()
            .compile_model(
                graph,
                "CPU",
                {
                    "INFERENCE_NUM_THREADS": threads,
                    "NUM_STREAMS": threads,
                    "INFERENCE_PRECISION_HINT": "f32",
                    "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(group),
                },
            )
        )
        # A call runs no more at once than there are streams, so that a query is next in line during an ingest.
        self.at_once = threads
        self.idle: Queue[Any] = Queue()
        for _ in range(2 * threads + 2):
            self.idle.put(compiled.create_infer_request())
        self.embed(["warm up", "warm up " * 40])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts that carry their prefix."""
        windows, owners = self._windows(texts)
        lengths = np.array([len(w) for w in windows], np.int64)
        means = np.empty((len(windows), self.shape.hidden), np.float32)
        running: deque[tuple[Any, NDArray[np.int64]]] = deque()
        try:
            for rows in self._batches(lengths):
                inputs = self._inputs([windows[r] for r in rows])
                request = self._request(running, means)
                running.append((request, rows))
                request.start_async(inputs)
            while running:
                self._collect(running, means)
        except RuntimeError as error:
            raise ModelFailed(f"The embedding model failed: {str(error).splitlines()[0]}") from error
        finally:
            for request, _ in running:
                with suppress(RuntimeError):
                    request.wait()
                self.idle.put(request)
        vectors = np.zeros((len(texts), self.shape.hidden), np.float32)
        np.add.at(vectors, owners, means * np.maximum(lengths - 2, 1)[:, None].astype(np.float32))
        unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
        return unit

    def _request(self, running: deque[tuple[Any, NDArray[np.int64]]], means: Vectors) -> Any:
        """An idle request. Never waits for another call's while holding one itself: that could be for ever."""
        while True:
            if len(running) == self.at_once:
                self._collect(running, means)
            try:
                return self.idle.get(block=not running)
            except Empty:
                self._collect(running, means)

    def _collect(self, running: deque[tuple[Any, NDArray[np.int64]]], means: Vectors) -> None:
        request, rows = running[0]
        request.wait()
        means[rows] = request.get_output_tensor(0).data
        running.popleft()
        self.idle.put(request)

    def _windows(self, texts: Sequence[str]) -> tuple[list[list[int]], list[int]]:
        """Token ids with the special ones, and the text that each window is from."""
        size, v = self.shape.positions - 2, self.vocabulary
        windows, owners = [], []
        for number, tokens in enumerate(self.tokenizer.encode(list(texts))):
            for start in range(0, max(len(tokens), 1), size):
                windows.append([v.bos, *tokens[start : start + size], v.eos])
                owners.append(number)
        return windows, owners

    def _batches(self, lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Rows of windows of about the same length, longest first, so that little is padded."""
        order = np.argsort(-lengths, kind="stable")
        at = 0
        while at < len(order):
            padded = _padded(int(lengths[order[at]]), self.shape.positions)
            rows = order[at : at + max(1, REQUEST_TOKENS // padded)]
            at += len(rows)
            yield rows

    def _inputs(self, windows: Sequence[Sequence[int]]) -> dict[str, Any]:
        width = _padded(max(map(len, windows)), self.shape.positions)
        ids = np.full((len(windows), width), self.vocabulary.pad, np.int64)
        mask = np.zeros((len(windows), width), np.int32)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        used, places = np.unique(ids, return_inverse=True)
        return {"embeds": unpack(self.table[used])[places.reshape(ids.shape)], "mask": mask}


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _padded(length: int, most: int) -> int:
    return min(-(-length // PAD_TO) * PAD_TO, most)
