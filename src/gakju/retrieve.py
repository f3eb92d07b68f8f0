"""A question to chunks, and chunks to the sentences that may answer it, before any model speaks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, pairwise

from gakju.index import Index
from gakju.protocols import Embedder, Vectors
from gakju.text.lexicon import Lexicon
from gakju.text.morphemes import Morphemes
from gakju.text.normalise import fold, squeeze
from gakju.text.sentences import LIST_MARK, sentence_spans
from gakju.types import Chunk, Evidence, Found, Hit, Page

RETRIEVERS = ("bm25", "dense")

# How deep each retriever looks, whatever k is: fusion needs to see what the other found.
_DEPTH = 50
_CHUNKS = 8
# What `evidence` embeds: so many sentences, of this much UTF-8 each and in all. A token is 4 to 5 bytes in Korean and
# in English, and two cores embed 9,000 tokens a second: about 0.1 s.
_EMBEDDED, _SENTENCE_BYTES, _ALL_BYTES = 24, 600, 3_200
# An introduction ("as follows:") takes its list along up to this many characters.
_WITH_LIST = 400

# Weights of a sentence's parts, round numbers set by hand; bench/fit_strength.py prints hit@1, 3 and 6 for them.
_LIKENESS, _OVERLAP, _CHUNK = 1.0, 0.75, 0.5

# What a question's word counts where only a heading above the sentence has it.
_HEADED = 0.5

# Words that carry a question's form and not its matter.
_FORM_WORDS = """
what when where who whom whose which why how is are was were be been do does did can could will would should
the a an of in on at to for from by with and or that this these those it its there have has had
무엇 무어 뭐 언제 어디 누구 누가 왜 어떻 어떠하 어떤 어느 얼마 몇 것 거 수 등 때 중 있 없 하 되 이 그 저 알 알리
말 말하 가능 방법 설명 경우 무슨 대하 관하 위하 따르
"""
_FORM = frozenset(_FORM_WORDS.split())
_LISTS = re.compile(
    r"(?:[:：]|다음(?:과|의|\s)[^.]{0,20}같[^.]{0,6}\.|다음 각 [호목][^.]{0,40}\."
    r"|(?:as follows|the following)[^.]{0,20}[.:])$"
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence or row of a chunk. A row is judged together with its table's first row."""

    hit: Hit
    start: int
    end: int
    header: tuple[int, int] | None = None
    context: str = ""
    under: str = ""
    """The headings it stands under."""
    overlap: float = 0.0
    likeness: float = 0.0

    @property
    def text(self) -> str:
        return self.hit.chunk.text[self.start : self.end]

    @property
    def judged(self) -> str:
        return f"{self.context}\n{self.text}" if self.context else self.text


class Retriever:
    """Safe to share between threads, as its parts are."""

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        morphemes: Morphemes,
        lexicon: Callable[[str | None], Lexicon | None] = lambda _collection: None,
    ) -> None:
        """`lexicon` has the reader's own words of a collection."""
        self._index = index
        self._embedder = embedder
        self._morphemes = morphemes
        self._lexicon = lexicon
        # `evidence` follows `search` for the same question.
        self._query_vector = lru_cache(maxsize=16)(self._embedded)

    def _embedded(self, query: str) -> Vectors:
        vector: Vectors = self._embedder.embed_queries([query])[0]
        return vector

    def search(
        self,
        query: str,
        k: int = 10,
        collection: str | None = "default",
        retrievers: Sequence[str] = RETRIEVERS,
    ) -> list[Hit]:
        """The best `k` chunks, best first, one of each text. `None` searches every collection.

        Scores are in 0..1 within one search. Vectors are left out while the library awaits a re-index for
        another embedder.
        """
        depth = max(_DEPTH, k)
        found: dict[str, list[tuple[Chunk, float]]] = {}
        if "bm25" in retrievers:
            words = self._morphemes.asked(query, self._lexicon(collection))
            found["bm25"] = self._index.matching(_matter(words), depth, collection)
        if "dense" in retrievers and "embedder" not in self._index.stale:
            found["dense"] = self._index.nearest(self._query_vector(query), depth, collection)
        chunks = {chunk.id: chunk for pairs in found.values() for chunk, _ in pairs}
        parts = {name: {chunk.id: score for chunk, score in pairs} for name, pairs in found.items()}
        trust = {"bm25": _covered(_matter(words), found["bm25"])} if "bm25" in found else {}
        scores = fused(parts, trust)
        hits, seen = [], set()
        documents = {document.id: document for document in self._index.documents(collection)}
        for name in sorted(scores, key=lambda name: (-scores[name], name)):
            chunk = chunks[name]
            same = squeeze(chunk.text)
            if same not in seen and chunk.document_id in documents:
                seen.add(same)
                own = {retriever: of[name] for retriever, of in parts.items() if name in of}
                hits.append(Hit(chunk, documents[chunk.document_id].ref, scores[name], own))
        return hits[:k]

    def evidence(self, query: str, hits: Sequence[Hit], n: int) -> Found:
        """The `n` sentences of the best hits most likely to hold the answer, verbatim, with their places."""
        if not hits or n < 1:
            return Found((), 0.0)
        best = hits[:_CHUNKS]
        keys = [(hit.chunk.document_id, s.page) for hit in best for s in hit.chunk.segments]
        pages = self._index.pages(keys)
        candidates = [candidate for hit in best for candidate in _candidates(hit, pages)]
        terms = _terms(self._morphemes.words(query))
        judged = self._judged(query, candidates, terms)
        if not judged:
            return Found((), 0.0)
        ranked = sorted(judged, key=_score, reverse=True)
        chosen: list[_Candidate] = []
        for candidate in ranked:
            wanted = [_with_list(candidate, candidates)]
            if candidate.header:  # a row says little without the names of its columns
                wanted.append(replace(candidate, start=candidate.header[0], end=candidate.header[1]))
            chosen += [one for one in wanted if not any(_covers(other, one) for other in chosen)]
        sentences = tuple(_evidence(number, candidate, pages) for number, candidate in enumerate(chosen[:n], 1))
        weighed = features(ranked, terms)
        return Found(sentences, strength(weighed), weighed)

    def _judged(
        self, query: str, candidates: Sequence[_Candidate], terms: Mapping[str, re.Pattern[str]]
    ) -> list[_Candidate]:
        """The most promising by words and chunk, with their overlap (0..1) and likeness (cosine)."""
        folded = [_searched(candidate) for candidate in candidates]
        held = [{term for term, pattern in terms.items() if pattern.search(text)} for text in folded]
        above = {c.under: fold(c.under) for c in candidates}
        headed = {u: {term for term, pattern in terms.items() if pattern.search(text)} for u, text in above.items()}
        # Rare among the candidates is telling: what all of them say does not choose between them.
        weights = {t: _tells(t) * math.log(1 + len(held) / (1 + sum(t in own for own in held))) for t in terms}
        total = sum(weights.values()) or 1.0
        weighed = [
            replace(c, overlap=sum(weights[t] * (1.0 if t in own else _HEADED) for t in own | headed[c.under]) / total)
            for c, own in zip(candidates, held, strict=True)
        ]
        promising = sorted(weighed, key=lambda c: _OVERLAP * c.overlap + _CHUNK * c.hit.score, reverse=True)
        echo = squeeze(query)
        unique: dict[str, _Candidate] = {}
        for candidate in promising:
            same = squeeze(candidate.judged)
            if same not in echo:  # repeats the question and answers nothing
                unique.setdefault(same, candidate)
        texts = list(_within_budget(c.judged for c in unique.values()))
        if not texts:
            return []
        vectors = self._embedder.embed_passages(texts)
        likeness = vectors @ self._query_vector(query)
        return [replace(c, likeness=float(near)) for c, near in zip(unique.values(), likeness, strict=False)]


def _searched(candidate: _Candidate) -> str:
    """The text in which a question's words are looked for; once more without line breaks, which part Korean words."""
    text = fold(candidate.judged)
    return f"{text} {text.replace(chr(10), '')}" if "\n" in text else text


def _within_budget(texts: Iterable[str]) -> Iterator[str]:
    spent = 0
    for text in islice(texts, _EMBEDDED):
        shown = text.encode()[:_SENTENCE_BYTES].decode(errors="ignore")
        spent += len(shown.encode())
        if spent > _ALL_BYTES:
            return
        yield shown


def fused(parts: Mapping[str, Mapping[str, float]], trust: Mapping[str, float] | None = None) -> dict[str, float]:
    """The mean over retrievers of min-max scores, by chunk id; what a retriever did not find is 0 there.

    `trust` weighs a retriever, 1 where it is not named. On the sets measured an equal-weight sum is better than
    reciprocal rank fusion.
    """
    weights = {name: (trust or {}).get(name, 1.0) for name in parts}
    total = sum(weights.values()) or 1.0
    scores: dict[str, float] = {}
    for retriever, found in parts.items():
        low, high = (min(found.values()), max(found.values())) if found else (0.0, 0.0)
        for name, score in found.items():
            share = (score - low) / (high - low) if high > low else 1.0
            scores[name] = scores.get(name, 0.0) + share * weights[retriever] / total
    return scores


def _tells(word: str) -> float:
    """A code or a number names the very thing asked for; a word of form tells little."""
    if word in _FORM:
        return 0.3
    return 2.0 if any(c.isdigit() for c in word) else 1.0


def _matter(words: Sequence[str]) -> list[str]:
    """The words that carry a question's matter; all of them where it has only form."""
    return [word for word in words if word not in _FORM] or list(words)


def _covered(words: Sequence[str], found: Sequence[tuple[Chunk, float]]) -> float:
    """The largest share of the question's words that one of the best lexical hits holds, at least a tenth.

    A question in another language than its document, or a paraphrase, matches by chance words only.
    """
    terms = _terms(words)
    texts = [fold("\n".join((*chunk.headings, chunk.text))) for chunk, _ in found[:3]]
    shares = [sum(bool(pattern.search(text)) for pattern in terms.values()) / len(terms) for text in texts if terms]
    return max([0.1, *shares])


def _score(candidate: _Candidate) -> float:
    return (_LIKENESS * _spread(candidate.likeness) + _OVERLAP * candidate.overlap + _CHUNK * candidate.hit.score) / (
        _LIKENESS + _OVERLAP + _CHUNK
    )


def _spread(likeness: float) -> float:
    """E5's cosines of unlike and like texts lie in .7 to .95; spread over 0..1."""
    return min(1.0, max(0.0, (likeness - 0.7) / 0.25))


def features(ranked: Sequence[_Candidate], terms: Mapping[str, re.Pattern[str]]) -> tuple[float, ...]:
    """What `strength` weighs, each in 0..1: likeness of the best sentences, the share of the question's words in the
    best sentence, and likeness of its chunk.
    """
    best = ranked[0]
    matter = [terms[word] for word in _matter(list(terms))]
    text, above = _searched(best), fold(best.under)
    found = [1.0 if p.search(text) else _HEADED if p.search(above) else 0.0 for p in matter]
    shared = sum(found) / (len(matter) or 1)
    around = best.hit.parts.get("dense", best.likeness)
    return _spread(max(c.likeness for c in ranked[:3])), shared, _spread(around)


# Fitted by bench/fit_strength.py on 2026-11-23; two of three questions were taken to have an answer. The figures
# and what was tried are in bench/LOG.md.
_INTERCEPT = -6.56
_WEIGHTS = (3.55, 4.25, 3.44)


def strength(values: Sequence[float]) -> float:
    """A logistic over `features`: how likely the evidence holds the answer."""
    return 1.0 / (1.0 + math.exp(-(_INTERCEPT + sum(w * v for w, v in zip(_WEIGHTS, values, strict=True)))))


def _terms(words: Sequence[str]) -> dict[str, re.Pattern[str]]:
    """A pattern for each distinct word of the question, over folded text.

    Korean stems are looked for as they are; numbers whole; Latin words by their stem at a word's beginning.
    """
    patterns = {}
    for word in dict.fromkeys(words):
        literal = re.escape(word)
        if word[0].isdigit():
            patterns[word] = re.compile(rf"(?<![\d.]){literal}(?![\da-z])")
        elif word.isascii():
            stem = re.sub(r"(?:ies|es|s|ed|ing|ly|y|e)$", "", word) if len(word) > 3 else word
            tail = "" if len(word) > 3 else r"(?![a-z\d])"
            patterns[word] = re.compile(rf"(?<![a-z\d]){re.escape(stem)}{tail}")
        else:
            patterns[word] = re.compile(literal)
    return patterns


def _candidates(hit: Hit, pages: Mapping[tuple[str, int], Page]) -> list[_Candidate]:
    """Sentences, rows and items of a chunk; headings and first rows of tables only where there is nothing else."""
    chunk = hit.chunk
    rows, headings = _blocks(chunk, pages, "row"), _blocks(chunk, pages, "heading")
    edges = sorted({0, len(chunk.text), *(at for span in (*rows, *headings) for at in span)})
    body: list[_Candidate] = []
    labels: list[_Candidate] = []
    header: tuple[int, int] | None = None
    path = list(chunk.headings)
    for low, high in pairwise(edges):
        if (low, high) in headings:
            path.append(chunk.text[low:high])
        under = "\n".join(path[-3:])
        spans = [(low + start, low + end) for start, end in sentence_spans(chunk.text[low:high])]
        if (low, high) in rows and spans:
            row = spans[0][0], spans[-1][1]
            if header or (low == 0 and _is_split_table(chunk)):
                context = chunk.text[slice(*header)] if header else chunk.headings[-1]
                body.append(_Candidate(hit, *row, header, context, under))
            else:
                header = row
                labels.append(_Candidate(hit, *row, under=under))
            continue
        header = None if spans else header
        kind = labels if (low, high) in headings else body
        kind += [_Candidate(hit, start, end, under=under) for start, end in spans if end - start > 1]
    return body or labels


def _blocks(chunk: Chunk, pages: Mapping[tuple[str, int], Page], kind: str) -> set[tuple[int, int]]:
    """Code points of the chunk's text that blocks of `kind` take up."""
    found = set()
    for s in chunk.segments:
        page = pages.get((chunk.document_id, s.page))
        for block in page.blocks if page else ():
            if block.kind == kind and block.start < s.end and s.start < block.end:
                shift = s.at - s.start
                found.add((shift + max(block.start, s.start), shift + min(block.end, s.end)))
    return found


def _is_split_table(chunk: Chunk) -> bool:
    """Whether the chunk begins amid a table: then its first row is the last of `headings`, cells parted by bars."""
    return bool(chunk.headings) and " | " in chunk.headings[-1]


def _with_list(candidate: _Candidate, candidates: Sequence[_Candidate]) -> _Candidate:
    """An introduction together with the items that follow it, up to a length."""
    if not _LISTS.search(candidate.text):
        return candidate
    end = candidate.end
    for other in candidates:
        follows = other.hit is candidate.hit and other.start >= end
        if follows and LIST_MARK.match(other.text + " ") and other.end - candidate.start <= _WITH_LIST:
            end = other.end
        elif follows:
            break
    return replace(candidate, end=end)


def _covers(one: _Candidate, other: _Candidate) -> bool:
    return one.hit is other.hit and one.start <= other.start and other.end <= one.end


def _evidence(number: int, candidate: _Candidate, pages: Mapping[tuple[str, int], Page]) -> Evidence:
    chunk = candidate.hit.chunk
    spans = chunk.spans(candidate.start, candidate.end)
    boxes = tuple(
        box
        for span in spans
        if (page := pages.get((chunk.document_id, span.page)))
        for box in page.boxes(span.start, span.end)
    )
    return Evidence(number, candidate.text, candidate.hit.document, chunk.id, spans, boxes, round(_score(candidate), 4))
