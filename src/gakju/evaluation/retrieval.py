"""A retrieval set in a library of its own, asked through the search that users have."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gakju.assistant import Assistant
from gakju.assistant.parts import Parts
from gakju.chunk import embedding_text, part_spans
from gakju.errors import LibraryError
from gakju.evaluation.datasets import Passage, RetrievalSet
from gakju.evaluation.metrics import mrr, ndcg, quantile_ms, recall
from gakju.evaluation.statistics import Values, interval, paired_p
from gakju.index import Index, Whole
from gakju.settings import Settings
from gakju.store import now
from gakju.types import Block, Document, Page, Progress

RETRIEVERS: Mapping[str, tuple[str, ...]] = {"hybrid": ("bm25", "dense"), "bm25": ("bm25",), "dense": ("dense",)}
"""What each name asks of `Assistant.search`."""

METRICS = ("ndcg@10", "recall@10", "recall@100", "mrr@10")
MAIN = "ndcg@10"
"""The metric that intervals and comparisons are of."""

# Chunks asked for to rank documents, of which several may be of one; recall is looked at down to the 100th.
_DEPTH = 200
# Chunks asked for where time is taken: as many as `gakju search` shows.
_SHOWN = 10
# Documents whose chunks are embedded together, and written in one commit.
_BATCH, _COMMIT = 64, 512

Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One retriever on one set. `values` holds each of METRICS, `seconds` the time of a search for ten, by query."""

    queries: tuple[str, ...]
    values: Mapping[str, Values]
    seconds: Values

    def summary(self) -> dict[str, Any]:
        """Means, an interval of the main one (95 %), and times of a search."""
        means = {name: round(float(values.mean()), 4) for name, values in self.values.items()}
        return {
            **means,
            "queries": len(self.queries),
            "seconds": round(float(self.seconds.sum()), 2),
            "p50_ms": quantile_ms(self.seconds, 0.5),
            "p95_ms": quantile_ms(self.seconds, 0.95),
            f"{MAIN}_ci": [round(edge, 4) for edge in interval(self.values[MAIN])],
        }


def report(measured: Mapping[str, Measured]) -> dict[str, dict[str, Any]]:
    """Each retriever's summary under its name; beside hybrid the others get `p_vs_hybrid`, of the main metric."""
    told = {name: one.summary() for name, one in measured.items()}
    for name in told.keys() - {"hybrid"} if "hybrid" in told else ():
        p = paired_p(measured["hybrid"].values[MAIN], measured[name].values[MAIN])
        told[name]["p_vs_hybrid"] = round(p, 4)
    return told


def picked(data: RetrievalSet, count: int | None, seed: int) -> dict[str, str]:
    """`count` queries of the set by chance, the same for the same seed; all of them where there are no more."""
    names = sorted(data.queries)
    if count is not None and count < len(names):
        names = random.Random(seed).sample(names, count)  # noqa: S311 (a sample, no secret)
    return {name: data.queries[name] for name in names}


def evaluate(
    assistant: Assistant,
    data: RetrievalSet,
    queries: Mapping[str, str],
    retrievers: Sequence[str] = ("hybrid",),
    tell: Tell = lambda _: None,
    *,
    depth: int = _DEPTH,
    timed: bool = True,
) -> dict[str, Measured]:
    """By retriever, in the order given. Documents rank by their best chunk; `assistant` holds the set's corpus.

    Measures beyond rank 10 want a `depth` of 200 chunks. A search that is `timed` is one as it is shown, besides.
    """
    done, total = 0, len(queries) * len(retrievers)
    found = {}
    for retriever in retrievers:
        parts = RETRIEVERS[retriever]
        assistant.search("warm 준비", _DEPTH, retrievers=parts)  # what loads at first use is no query's fault
        values, seconds = np.zeros((len(queries), len(METRICS))), np.zeros(len(queries))
        for i, (name, text) in enumerate(queries.items()):
            if timed:
                started = time.perf_counter()
                assistant.search(text, _SHOWN, retrievers=parts)
                seconds[i] = time.perf_counter() - started
            hits = assistant.search(text, depth, retrievers=parts)
            values[i] = _judged(list(dict.fromkeys(hit.document.id for hit in hits)), data.relevant[name])
            done += 1
            tell(Progress("evaluating", done, total, "queries", f"{data.name}, {retriever}"))
        found[retriever] = Measured(tuple(queries), dict(zip(METRICS, values.T, strict=True)), seconds)
    return found


def _judged(ranked: Sequence[str], relevant: Mapping[str, int]) -> tuple[float, ...]:
    """In the order of METRICS."""
    return ndcg(ranked, relevant), recall(ranked, relevant, 10), recall(ranked, relevant, 100), mrr(ranked, relevant)


@contextmanager
def library(
    parts: Parts, data: RetrievalSet, folder: Path, tell: Tell = lambda _: None, **given: object
) -> Iterator[Assistant]:
    """An assistant on the set's corpus, in a data folder of its own under `folder`.

    Its embedder is that of `parts`, and so are its settings; other parts are `given` as `Parts` takes them. What an
    earlier run has put there is used again where the corpus and the library's fingerprint are the same.
    Raises ModelMissing, UsageError, LibraryError.
    """
    home = folder / f"{data.name}-{data.digest()[:12]}"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise LibraryError(f"{home} cannot be made: {e.strerror}.", hint="Choose another folder.") from e
    settings: Settings = parts.settings.model_copy(update={"home": home})
    shared = {"embedder": parts.embedder, "morphemes": parts.morphemes, **given}
    with Assistant(settings, own=True, **shared) as assistant:
        index = assistant.parts.index
        target = index.rebuild() if index.stale else index
        fill(assistant.parts, target, data, tell)
        if target is not index:
            index.switch(target)
        yield assistant


def fill(parts: Parts, index: Index, data: RetrievalSet, tell: Tell = lambda _: None) -> int:
    """Adds what `index` lacks of the corpus, each passage a document of one page. Returns how many were added."""
    known = {document.id for document in index.documents()}
    missing = (passage for passage in data.corpus() if passage.id not in known)
    total, done = max(0, data.size() - len(known)), 0
    waiting: list[Whole] = []
    while batch := list(islice(missing, _BATCH)):
        waiting += _made(parts, batch)
        done += len(batch)
        if len(waiting) >= _COMMIT:
            index.add(waiting)
            waiting = []
        tell(Progress("embedding", done, total, "documents", data.name))
    index.add(waiting)
    if done:
        index.optimise()
    return done


def _made(parts: Parts, passages: Sequence[Passage]) -> list[Whole]:
    """Chunks, words and vectors of a batch, by one call of each model, as an ingest makes them."""
    pages = [Page(1, p.text, (Block("text", 0, len(p.text)),)) for p in passages]
    chunks = [list(parts.chunker.chunks(p.id, [page])) for p, page in zip(passages, pages, strict=True)]
    texts = [embedding_text(c, p.title) for p, own in zip(passages, chunks, strict=True) for c in own]
    spans = [part_spans(c, text) for c, text in zip((c for own in chunks for c in own), texts, strict=True)]
    with ThreadPoolExecutor(1, thread_name_prefix="words") as side:
        analysed = side.submit(parts.morphemes.many, texts)
        vectors, of_parts = parts.embedder.embed_parts(texts, spans)
        words = analysed.result()
    made, at, added = [], 0, now()
    for passage, page, own in zip(passages, pages, chunks, strict=True):
        span = slice(at, at := at + len(own))
        size = len(passage.text.encode())
        document = Document(
            passage.id, passage.title or passage.id, "", "default", passage.id, "text/plain", size, 1, len(own), added
        )
        made.append(Whole(document, [page], own, vectors[span], words[span], of_parts[span]))
    return made
