"""Whether a premise entails a claim: multilingual-e5-small with low-rank changes and a small classifier.

The pair goes through as one text, "query: question </s> claim </s></s> passage: premise". `entailment.npz` holds what
`bench/fit_verifier.py` learned, half floats: `lN.NAME.up` and `.down` for the upper layers, and the two layers of the
classifier. Everything else comes from the embedder's own file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gakju.errors import ModelFailed
from gakju.models import e5_graph, e5_tokenizer
from gakju.models.e5_weights import E5Weights, unpack
from gakju.models.embed import GROUP, PAD_TO, usable_cores

LEARNED = Path(__file__).with_name("entailment.npz")
PAIR_TOKENS = 224
"""A pair is cut to so many. What is cut is the premise's end."""
CLAIM_TOKENS = 120


class Entailed(NamedTuple):
    """Probabilities that sum to 1."""

    entailed: float
    neutral: float
    denied: float


class Entailment:
    """Thread-safe; loads at first use. `weights` is the embedder's file, or finds it then, where ModelMissing and
    ModelCorrupt are raised. `cache` holds the tokenizer."""

    def __init__(
        self, weights: Path | Callable[[], Path], cache: Path, threads: int = 0, learned: Path = LEARNED
    ) -> None:
        self._find = weights if callable(weights) else lambda: weights
        self._cache, self._threads, self._learned = cache, threads or usable_cores(), learned
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    def entailed(self, claim: str, premise: str, question: str = "") -> Entailed:
        """Raises ModelMissing, ModelCorrupt or ModelFailed."""
        # One at a time, on all threads: two at once take as long together.
        with self._lock:
            if self._loaded is None:
                self._loaded = _Loaded(self._find(), self._cache, self._threads, self._learned)
            try:
                return self._loaded(claim, premise, question)
            except RuntimeError as error:
                raise ModelFailed(f"The entailment model failed: {str(error).splitlines()[0]}") from error


class _Loaded:
    def __init__(self, path: Path, cache: Path, threads: int, learned: Path) -> None:
        weights = E5Weights(path)
        self._vocabulary = replace(weights.vocabulary, pieces=())
        self._table = weights.blocks("emb.word", weights.shape.hidden)
        self._tokenizer = e5_tokenizer.load(weights.vocabulary, cache)
        self._query, self._passage = self._tokenizer.encode(["query:", "passage:"])
        with np.load(learned) as arrays:
            changes = {name: arrays[name] for name in arrays.files}
        self._first, self._last = (
            (changes.pop(f"{name}.w").astype(np.float32), changes.pop(f"{name}.b").astype(np.float32))
            for name in ("first", "last")
        )
        graph = e5_graph.build(weights, changes)
        try:
            self._compile(graph, threads, GROUP)
        except RuntimeError:  # as the embedder: without VNNI no activation is quantised
            self._compile(graph, threads, 0)

    def _compile(self, graph: Any, threads: int, group: int) -> None:
        self._request = e5_graph.compile_graph(graph, threads, group, streams=1).create_infer_request()
        self("warm up", "warm up", "")

    def __call__(self, claim: str, premise: str, question: str) -> Entailed:
        tokens, parts = self._tokens(claim, premise, question)
        pooled = self._states(tokens, parts)
        whole, said, given = pooled
        features = np.concatenate([whole, said, given, np.abs(said - given), said * given])
        inner = self._first[0] @ features + self._first[1]
        scores = self._last[0] @ _gelu(inner) + self._last[1]
        powers = np.exp(scores - scores.max())
        return Entailed(*(powers / powers.sum()).tolist())

    def _tokens(self, claim: str, premise: str, question: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The pair's tokens, and where all, the claim and the premise stand."""
        v = self._vocabulary
        # A lone surrogate is no text to the tokenizer.
        clean = [text.encode("utf-8", "replace").decode() for text in (question, claim, premise)]
        asked, said, given = self._tokenizer.encode(clean)
        tokens = [v.bos, *self._query]
        if asked:
            tokens += [*asked[: CLAIM_TOKENS // 2], v.eos]
        start = len(tokens)
        tokens += said[:CLAIM_TOKENS]
        end = max(len(tokens), start + 1)
        tokens += [v.eos, v.eos, *self._passage]
        low = len(tokens)
        tokens += given[: max(PAIR_TOKENS - low - 1, 16)]
        return [*tokens, v.eos], [(0, len(tokens) + 1), (start, end), (low, max(len(tokens), low + 1))]

    def _states(self, tokens: Sequence[int], parts: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
        """The mean of the last states over each part: shape (parts, hidden)."""
        width = -(-len(tokens) // PAD_TO) * PAD_TO
        ids = np.full(width, self._vocabulary.pad, np.int64)
        ids[: len(tokens)] = tokens
        mask = np.zeros((1, width), np.int32)
        mask[0, : len(tokens)] = 1
        pool = np.zeros((1, len(parts), width), np.float32)
        for row, (start, end) in enumerate(parts):
            pool[0, row, start:end] = 1 / (end - start)
        self._request.infer({"embeds": unpack(self._table[ids])[None], "mask": mask, "pool": pool})
        states: NDArray[np.float32] = self._request.get_output_tensor(0).data[0].copy()
        return states


def _gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """x Φ(x); Φ by Abramowitz and Stegun 7.1.26, off by less than 2e-7."""
    z = np.abs(x) / np.sqrt(2.0)
    t = 1 / (1 + 0.3275911 * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - series * np.exp(-z * z))
    gelu: NDArray[np.float32] = (0.5 * x * (1 + erf)).astype(np.float32)
    return gelu
