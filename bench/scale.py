"""Queries, memory, disk, recall, adding and deleting at 10,000, 100,000 and 1,000,000 chunks.

    python bench/scale.py [--sizes 10000,100000,1000000] [--reuse] [--json FILE]

A library is made of 3,000 real chunks of six sets in BEIR layout, embedded, and of SYNTHETIC ones beyond: the vector
of a real chunk with Gaussian noise (cosine .92 to it) and sentences of three real chunks, of whose words one in forty
is replaced by one of a long tail, so that the vocabulary grows with the square root of the text. Documents have 200
to 1,000 chunks, pages three. Everything goes in through `Index.writer`, glyph boxes included; libraries are kept
between runs (`--home`), and `--reuse` measures those that are there.

Printed for each size: seconds to build; disk; resident memory of a process that only searches; the whole query path
(morphemes, query vector, hybrid search, evidence) over 200 distinct real questions, warm, and its parts; recall@10 of
`Index.nearest` against brute force over the same vectors; seconds from the start of a writer to a new document of 300
chunks being found by word and by vector; and 200 deletions, a search after each: how often a deleted chunk came back.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from common import data, load, percentile, report, scratch, table
from gakju.chunk import Chunker, embedding_text
from gakju.index import Index, rows
from gakju.index.view import FLAT_ROWS
from gakju.text.normalise import nfc
from gakju.text.sentences import sentence_spans
from gakju.types import Block, Box, Chunk, Document, Page, Part, Segment

SETS = {
    "korquad1-dev": 900,
    "ssis-welfare-ko": 460,
    "msmarco-ko": 800,
    "squad2-half": 400,
    "scifact": 300,
    "cranfield": 140,
}
QUESTIONS = {"korquad1-dev": 60, "ssis-welfare-ko": 40, "msmarco-ko": 40, "squad2-half": 40, "scifact": 20}
NOISE = 0.43  # the norm of what is added to a unit vector: cosine .92
FINGERPRINT = {"bench": "scale-1"}
MIB = 1 << 20
SHAPES, STEP = 64, 500

Sentence = tuple[str, list[str]]


@dataclass
class Seeds:
    """Real chunks as sentences with their words, their vectors, and real questions."""

    chunks: list[list[Sentence]]
    vectors: np.ndarray
    questions: list[str]


def models() -> tuple[Any, Any]:
    from platformdirs import user_data_path

    from gakju.models.embed import E5
    from gakju.text.morphemes import Morphemes

    root = user_data_path("gakju") / "models"
    return E5(root / "multilingual-e5-small-q4.bin", root / "cache"), Morphemes()


def entries(folder: Path, file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / file).read_text(encoding="utf-8").splitlines()]


def seeds(home: Path) -> Seeds:
    """Made once (a minute); kept in two files."""
    kept, vectors = home / "seeds.json", home / "seeds.npy"
    if not vectors.exists():
        embedder, morphemes = models()
        chunker = Chunker(embedder.count_tokens, 256)
        rng = random.Random(1)
        texts: list[str] = []
        for name, count in SETS.items():
            corpus = entries(data(f"beir/{name}"), "corpus.jsonl")
            for entry in rng.sample(corpus, min(count, len(corpus))):
                text = nfc(entry["text"])
                page = Page(1, text, (Block("text", 0, len(text)),))
                texts += [embedding_text(c) for c in chunker.chunks(entry["_id"], [page])][:2]
        texts = rng.sample(texts, min(3000, len(texts)))
        parted = [[text[a:b] for a, b in sentence_spans(text)] or [text] for text in texts]
        words = iter(morphemes.many([s for sentences in parted for s in sentences]))
        asked = [
            q["text"] for s, n in QUESTIONS.items() for q in rng.sample(entries(data(f"beir/{s}"), "queries.jsonl"), n)
        ]
        home.mkdir(parents=True, exist_ok=True)
        made = {"chunks": [[(s, next(words)) for s in sentences] for sentences in parted], "questions": asked}
        kept.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
        np.save(vectors, embedder.embed_passages(texts))
    known = json.loads(kept.read_text(encoding="utf-8"))
    return Seeds(known["chunks"], np.load(vectors), known["questions"])


class Mill:
    """Chunks without end: the real ones first, then synthetic ones. The same seed gives the same chunks."""

    def __init__(self, seeds: Seeds, seed: int, real: bool = True) -> None:
        self._seeds = seeds
        self._rng = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._real = len(seeds.chunks) if real else 0
        self._made = 0
        self._drawn = NOISE / 20 * self._noise.standard_normal((4096, seeds.vectors.shape[1])).astype(np.float32)
        self._pool = [sentence for chunk in seeds.chunks for sentence in chunk]

    def take(self, n: int) -> tuple[list[list[Sentence]], np.ndarray]:
        """Sentences with words, and vectors of shape (n, dimensions)."""
        real = min(n, max(0, self._real - self._made))
        chunks = [self._seeds.chunks[self._made + i] for i in range(real)]
        source = np.array([self._rng.randrange(len(self._seeds.chunks)) for _ in range(n - real)], int)
        chunks += [self._mixed(i) for i in source]
        drawn = self._noise.standard_normal((n - real, self._seeds.vectors.shape[1]))
        noisy = self._seeds.vectors[source] + NOISE * drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        vectors = np.concatenate([self._seeds.vectors[self._made : self._made + real], noisy])
        self._made += n
        return chunks, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    def near(self, vector: np.ndarray, n: int) -> np.ndarray:
        """Vectors of `n` parts of the chunk of that vector."""
        first = int(self._noise.integers(len(self._drawn) - n))
        drawn = vector + self._drawn[first : first + n]
        return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)

    def _mixed(self, source: int) -> list[Sentence]:
        own = self._seeds.chunks[source]
        mixed = [self._rng.choice(own)]
        size, wanted = len(mixed[0][0]), sum(len(text) for text, _ in own)
        while size < wanted:
            mixed.append(self._rng.choice(self._pool))
            size += len(mixed[-1][0])
        return [self._rare(sentence) for sentence in mixed]

    def _rare(self, sentence: Sentence) -> Sentence:
        text, words = sentence
        changed = list(words)
        for at in range(self._rng.randrange(40), len(changed), 40):
            # Log-uniform over a million: some are seen often, most once, as names and numbers are.
            word = f"낱말{int(10 ** (6 * self._rng.random()))}"
            text, changed[at] = text.replace(changed[at], word, 1), word
        return text, changed


def spanned(sentences: Sequence[Sentence], length: int) -> tuple[Part, ...]:
    """Sentences joined by blanks as parts of a text of at most `length`."""
    found, at = [], 0
    for text, _ in sentences:
        if at + len(text) > length:
            break
        found.append(Part(at, at + len(text), "text"))
        at += len(text) + 1
    return tuple(found)


@lru_cache(maxsize=1)
def shapes() -> list[np.ndarray]:
    """Glyph boxes of pages, (4000, 4) each, in lines of 80 with uneven advances."""
    rng, found = np.random.default_rng(7), []
    for _ in range(SHAPES):
        width = rng.choice([5.5, 5.5, 2.8, 6.1], 4000)
        x, y = 72 + np.cumsum(width) % 450, 100 + 14 * (np.arange(4000) // 80)
        found.append(np.stack([x, y, x + width, y + 12], axis=1).astype(np.float32))
    return found


def documented(mill: Mill, index: Index, name: str, size: int) -> tuple[np.ndarray, list[list[str]]]:
    """Adds one document of `size` chunks on pages of three; returns their vectors and words."""
    all_vectors, all_words = [], []
    with index.writer(name) as writer:
        for low in range(0, size, 252):
            sentences, vectors = mill.take(min(252, size - low))
            pages, chunks = [], []
            for at in range(0, len(sentences), 3):
                number = (low + at) // 3 + 1
                texts = [" ".join(s for s, _ in own) for own in sentences[at : at + 3]]
                whole, start = "\n".join(texts)[:4000], 0
                whole += " " * (-len(whole) % STEP)
                glyphs = shapes()[number % SHAPES][: len(whole)]
                pages.append(Page(number, whole, (Block("text", 0, len(whole)),), "text", 595, 842, glyphs))
                for i, text in enumerate(texts):
                    end = min(start + len(text), len(whole))
                    boxes = tuple(Box(number, 72, 100 + 14 * n, 522, 112 + 14 * n) for n in range(len(text) // 80 + 1))
                    ordinal = low + at + i
                    here = (Segment(number, start, end, 0),)
                    parts = spanned(sentences[at + i], end - start)
                    own = text[: end - start]
                    chunks.append(Chunk(f"{name}-{ordinal}", name, ordinal, own, ("장", "절"), here, boxes, parts))
                    start = min(end + 1, len(whole))
            words = [[w for _, own in chunk for w in own] for chunk in sentences]
            writer.write(
                pages,
                chunks,
                vectors,
                words,
                [mill.near(v, len(c.parts)) for v, c in zip(vectors, chunks, strict=True)],
            )
            all_vectors.append(vectors)
            all_words += words
        writer.commit(
            Document(
                name, f"문서 {name}", f"/{name}.pdf", "default", name, "application/pdf", 9, -(-size // 3), size, name
            )
        )
    return np.concatenate(all_vectors), all_words


def build(home: Path, size: int, found: Seeds) -> dict[str, Any]:
    """A library of `size` chunks, and how long it took."""
    root = home / str(size)
    shutil.rmtree(root, ignore_errors=True)
    # Each table of glyphs is packed once: packing is no part of what is measured here.
    packed = lru_cache(maxsize=None)(lambda key: PACK(shapes()[key[0]][: key[1]]))
    by_address = {shape.ctypes.data: i for i, shape in enumerate(shapes())}
    rows.pack_glyphs = lambda glyphs: packed((by_address[glyphs.ctypes.data], len(glyphs)))
    index, mill, rng = Index(root, FINGERPRINT, 384), Mill(found, size), random.Random(size)
    index.recover()
    started, done, number = time.monotonic(), 0, 0
    while done < size:
        count = min(rng.randint(200, 1000), size - done)
        number += 1
        documented(mill, index, f"d{number:05}", count)
        done += count
        if number % 20 == 0:
            print(f"{size}: {done} in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    rows_in = time.monotonic() - started
    index.optimise()
    index.close(0)
    seconds = time.monotonic() - started
    settings = json.loads((index._now().folder / "vectors.json").read_text()) if size >= FLAT_ROWS else {}
    rows.pack_glyphs = PACK
    return {
        "documents": number,
        "rows_in_s": round(rows_in, 1),
        "build_s": round(seconds, 1),
        "peak_mib": round(peak()),
        "vectors": settings,
    }


PACK = rows.pack_glyphs


def peak() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident() -> int:
    return round(psutil.Process().memory_info().rss / MIB)


def timed(call: Callable[[], Any], times: list[float]) -> Any:
    started = time.perf_counter()
    result = call()
    times.append(1000 * (time.perf_counter() - started))
    return result


def search(home: Path, size: int, questions: Sequence[str]) -> dict[str, Any]:
    """In a process of its own: latencies, memory, recall."""
    from gakju.retrieve import Retriever

    memory = {"start": resident()}
    embedder, morphemes = models()
    morphemes.words(questions[0])
    queries = np.concatenate([embedder.embed_queries([q]) for q in questions])
    memory["models"] = resident()
    index = Index(home / str(size), FINGERPRINT, 384)
    retriever = Retriever(index, embedder, morphemes)
    for q in questions[:40]:
        retriever.evidence(q, retriever.search(q, 8), 6)
    parts: dict[str, list[float]] = {p: [] for p in ("whole", "words", "embed", "bm25", "dense", "search", "evidence")}
    retriever = Retriever(index, embedder, morphemes)  # nothing remembered of the questions
    for q in questions:
        started = time.perf_counter()
        hits = timed(lambda q=q: retriever.search(q, 8), parts["search"])
        timed(lambda q=q, hits=hits: retriever.evidence(q, hits, 6), parts["evidence"])
        parts["whole"].append(1000 * (time.perf_counter() - started))
    memory["searching"] = resident()
    for q in questions:
        words = timed(lambda q=q: morphemes.words(q), parts["words"])
        vector = timed(lambda q=q: embedder.embed_queries([q])[0], parts["embed"])
        timed(lambda words=words: index.matching(words, 50), parts["bm25"])
        timed(lambda vector=vector: index.nearest(vector, 50), parts["dense"])
    spread = {
        name: {"p50": round(percentile(v, 0.5), 1), "p95": round(percentile(v, 0.95), 1)} for name, v in parts.items()
    }
    return {"ms": spread, "memory_mib": memory, **recall(index, queries)}


def recall(index: Index, queries: np.ndarray) -> dict[str, Any]:
    """Share of the ten nearest by brute force that `nearest` has among its first ten."""
    best = [(np.empty(0, np.float32), np.empty(0, str))] * len(queries)
    for ids, vectors in stored(index):
        scores = queries @ vectors.T
        for i, own in enumerate(scores):
            top = np.argpartition(-own, min(10, len(own) - 1))[:10]
            values, names = np.concatenate([best[i][0], own[top]]), np.concatenate([best[i][1], ids[top]])
            order = np.argsort(-values)[:10]
            best[i] = values[order], names[order]
    shares = [
        len({c.id for c, _ in index.nearest(q, 10)} & set(names.tolist())) / 10
        for q, (_, names) in zip(queries, best, strict=True)
    ]
    deep = [
        len({c.id for c, _ in index.nearest(q, 50)[:10]} & set(names.tolist())) / 10
        for q, (_, names) in zip(queries, best, strict=True)
    ]
    return {"recall@10": round(float(np.mean(shares)), 4), "recall@10_of_50": round(float(np.mean(deep)), 4)}


def stored(index: Index) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids and vectors as the table has them, by parts."""
    scan = index._now()._chunks.search().select(["id", "vector"]).to_batches(20_000)
    for batch in scan:
        vectors = batch.column("vector").flatten().to_numpy().reshape(-1, 384)
        yield np.array(batch.column("id").to_pylist()), vectors


def change(home: Path, size: int, found: Seeds, deletes: int = 200) -> dict[str, Any]:
    """In a process of its own: one document added, then small ones deleted between searches."""
    index = Index(home / str(size), FINGERPRINT, 384)
    index.recover()
    index.nearest(found.vectors[0], 10)
    mill = Mill(found, size + 1, real=False)
    started = time.monotonic()
    vectors, words = documented(mill, index, "fresh", 300)
    by_vector = index.nearest(vectors[-1], 1)[0][0].id == "fresh-299"
    by_word = "fresh-299" in {c.id for c, _ in index.matching(words[-1], 10)}
    seconds = time.monotonic() - started
    index.delete("fresh")
    for left in [d.id for d in index.documents() if d.id.startswith("small")]:  # by a run that was stopped
        index.delete(left)
    small = {f"small{n:03}": documented(mill, index, f"small{n:03}", 5) for n in range(deletes)}
    returned, lost, times = 0, 0, []
    names = list(small)
    for at, name in enumerate(names):
        timed(lambda name=name: index.delete(name), times)
        gone = set(names[: at + 1])
        for other in (name, names[(at + 1) % len(names)]):
            own, terms = small[other]
            hits = [c.document_id for c, _ in [*index.nearest(own[0], 10), *index.matching(terms[0], 10)]]
            returned += sum(hit in gone for hit in hits)
            lost += other not in gone and other not in hits
    return {
        "add_found_s": round(seconds, 2),
        "add_found": by_vector and by_word,
        "deletes": deletes,
        "deleted_returned": returned,
        "kept_lost": lost,
        "delete_ms_p50": round(percentile(times, 0.5), 1),
    }


def apart(call: Callable[..., dict[str, Any]], *given: Any) -> dict[str, Any]:
    """`call` in a fresh process, so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(call, given)


def disk(folder: Path) -> int:
    return round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / MIB)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--home", type=Path, default=scratch("scale"))
    parser.add_argument("--reuse", action="store_true", help="build only those that are not there")
    parser.add_argument("--only", default="build,search,change", help="of these, some")
    parser.add_argument("--json", type=Path, dest="out", help="write everything as JSON here")
    args = parser.parse_args()
    found, busy, result = seeds(args.home), load(), {}
    for size in map(int, args.sizes.split(",")):
        kept = args.home / f"{size}.json"
        own: dict[str, Any] = {}
        if args.reuse and kept.exists():
            own |= json.loads(kept.read_text())
        elif "build" in args.only:
            own |= apart(build, args.home, size, found)
            own["disk_mib"] = disk(args.home / str(size))
            kept.write_text(json.dumps(own))
        if "search" in args.only:
            own |= apart(search, args.home, size, found.questions)
        if "change" in args.only:
            own |= apart(change, args.home, size, found)
        print(f"{size} chunks")
        table(own.items())
        result[str(size)] = own
    report("scale", {"load": busy, "synthetic": True, "sizes": result}, args.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
