"""A question to chunks, and chunks to the sentences that may answer it, before any model speaks."""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from gakju.index import Index
from gakju.protocols import Embedder, Vectors
from gakju.text.canonical import canonical
from gakju.text.lexicon import Lexicon
from gakju.text.morphemes import Morphemes
from gakju.text.normalise import squeeze
from gakju.text.sentences import LIST_MARK
from gakju.types import Chunk, Evidence, Found, Hit, Page

if TYPE_CHECKING:
    from gakju.index.rows import Stored
    from gakju.index.view import View

RETRIEVERS = ("bm25", "dense")

# How deep each retriever looks, whatever k is: fusion needs to see what the other found.
_DEPTH = 40
_CHUNKS = 8
# An introduction ("as follows:") takes its list along up to this many characters.
_WITH_LIST = 400
# What words say weighs this much beside what vectors say, where a passage holds all words of the question.
_WORDS = 0.8
# More chunks of one document than this stand behind other documents' that are at least half as good.
_OF_ONE = 4
# Two chunks that share this much of their words are copies.
_COPY = 0.9

# Weights of a sentence's parts, round numbers set by hand; bench/fit_strength.py prints hit@1, 3 and 6 for them.
_LIKENESS, _OVERLAP, _CHUNK = 2.0, 0.75, 0.5

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
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_JOINED = re.compile(r"(?<=[a-z])(?=\d)")
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
    likeness: float
    """Cosine to the question, of the sentence in its place."""
    header: tuple[int, int] | None = None
    context: str = ""
    under: str = ""
    """The headings it stands under."""
    overlap: float = 0.0

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
        self._asked = lru_cache(maxsize=16)(morphemes.asked)
        # Both libraries leave Python alone while they search.
        self._side = ThreadPoolExecutor(2, thread_name_prefix="words")

    def _embedded(self, query: str) -> Vectors:
        vector: Vectors = self._embedder.embed_queries([query])[0]
        return vector

    def search(
        self,
        query: str,
        k: int = 10,
        collection: str | None = "default",
        retrievers: Sequence[str] = RETRIEVERS,
        *,
        among: Set[str] | None = None,
    ) -> list[Hit]:
        """The best `k` chunks, best first, one of each text. `None` searches every collection. Chunks are looked for
        in all of it, and given of the documents `among` these ids only.

        Scores are in 0..1 within one search. Vectors are left out while the library awaits a re-index for
        another embedder.
        """
        depth = max(_DEPTH, k)
        view = self._index.view(collection)
        by_words = self._side.submit(self._matching, view, query, collection, depth) if "bm25" in retrievers else None
        near = dict[int, float]()
        dense = "dense" in retrievers and "embedder" not in self._index.stale
        if dense:
            near = view.nearest(self._query_vector(query), depth)
        lexical, found, *words = by_words.result() if by_words else ({}, {}, [], [])
        found = found | view.take([row for row in near if row not in found])
        lexical = {row: score for row, score in lexical.items() if row in found}
        likeness = {row: score for row, score in near.items() if row in found}
        if lexical and near:
            likeness |= self._likeness(query, found)
        trust = _covered(words, [found[row].chunk for row in islice(lexical, 3)])
        scores = fused(lexical, likeness, trust, {*islice(lexical, _DEPTH), *islice(near, _DEPTH)})

        def hit(row: int) -> Hit:
            chunk = found[row].chunk
            own = {"bm25": lexical.get(row), "dense": near.get(row), "sentence": likeness.get(row) if dense else None}
            parts = {name: score for name, score in own.items() if score is not None}
            return Hit(chunk, view.documents[chunk.document_id].ref, scores[row], parts)

        # Before copies are left out: the one that is wanted must not go for one that is not.
        wanted = [row for row in scores if among is None or found[row].chunk.document_id in among]
        best = sorted(wanted, key=lambda row: (-scores[row], found[row].id))
        return _spread_out(islice(_distinct(map(hit, best)), 2 * k), k)

    def size(self, collection: str | None) -> int:
        """Chunks that there are to be found."""
        return sum(d.chunks for d in self._index.documents(collection))

    def _matching(
        self, view: View, query: str, collection: str | None, depth: int
    ) -> tuple[dict[int, float], dict[int, Stored], list[str], list[str]]:
        """What words find, fetched; and the words: those that the question says, and those that it may mean."""
        words, more = self._asked(query, self._lexicon(collection))
        scores = view.matching(_matter([*words, *more]), depth)
        return scores, view.take(list(scores)), words, more

    def _likeness(self, query: str, found: Mapping[int, Stored]) -> dict[int, float]:
        """The cosine of each chunk's best part. It says more than the whole chunk's, and words' finds have it too."""
        vector = self._query_vector(query)
        return {row: float((stored.parts @ vector).max()) for row, stored in found.items() if len(stored.parts)}

    def evidence(self, query: str, hits: Sequence[Hit], n: int, collection: str | None = "default") -> Found:
        """The `n` sentences of the best hits most likely to hold the answer, verbatim, with their places."""
        if not hits or n < 1:
            return Found((), 0.0)
        best = hits[:_CHUNKS]
        vectors = self._index.part_vectors([hit.chunk for hit in best])
        vector = self._query_vector(query)
        candidates = [c for hit in best for c in _candidates(hit, vectors.get(hit.chunk.id), vector)]
        # Which sentences are best is nearly known by now; reading their pages takes as long as judging them. Of twice
        # as many one question in seven wants another page, of `n` every second one.
        likely = sorted(candidates, key=lambda c: -_score(c))[: 2 * n]
        ahead = self._side.submit(self._index.layouts, _places(likely))
        terms = _terms(self._asked(query, self._lexicon(collection))[0])
        judged = _judged(query, candidates, terms)
        if not judged:
            return Found((), 0.0)
        ranked = sorted(judged, key=_score, reverse=True)
        chosen: list[_Candidate] = []
        for candidate in ranked:
            wanted = [_with_list(candidate, candidates)]
            if candidate.header:  # a row says little without the names of its columns
                wanted.append(replace(candidate, start=candidate.header[0], end=candidate.header[1]))
            chosen += [one for one in wanted if not any(_covers(other, one) for other in chosen)]
            if len(chosen) >= n:
                break
        pages = ahead.result()
        if missing := [place for place in _places(chosen[:n]) if place not in pages]:
            pages |= self._index.layouts(missing)
        sentences = tuple(_evidence(number, candidate, pages) for number, candidate in enumerate(chosen[:n], 1))
        weighed = features(ranked, terms)
        return Found(sentences, strength(weighed), weighed)


def _judged(query: str, candidates: Sequence[_Candidate], terms: Mapping[str, re.Pattern[str]]) -> list[_Candidate]:
    """With their overlap, 0..1; without what only repeats the question, and one of each text."""
    folded = [_searched(candidate) for candidate in candidates]
    held = [{term for term, pattern in terms.items() if pattern.search(text)} for text in folded]
    above = {c.under: _plain(c.under) for c in candidates}
    headed = {u: {term for term, pattern in terms.items() if pattern.search(text)} for u, text in above.items()}
    # Rare among the candidates is telling: what all of them say does not choose between them.
    weights = {t: _tells(t) * math.log(1 + len(held) / (1 + sum(t in own for own in held))) for t in terms}
    total = sum(weights.values()) or 1.0
    echo = squeeze(query)
    unique: dict[str, _Candidate] = {}
    for candidate, own in zip(candidates, held, strict=True):
        same = squeeze(candidate.judged)
        if same not in echo:
            shared = sum(weights[t] * (1.0 if t in own else _HEADED) for t in own | headed[candidate.under])
            unique.setdefault(same, replace(candidate, overlap=shared / total))
    return list(unique.values())


def _plain(text: str) -> str:
    """As words are spelt, numbers without commas."""
    return _THOUSANDS.sub("", canonical(text))


def _searched(candidate: _Candidate) -> str:
    """The text in which a question's words are looked for; once more without line breaks, which part Korean words."""
    text = _plain(candidate.judged)
    return f"{text} {text.replace(chr(10), '')}" if "\n" in text else text


def fused(
    lexical: Mapping[int, float], likeness: Mapping[int, float], trust: float = 1.0, among: Collection[int] = ()
) -> dict[int, float]:
    """Scores, 1 at best, by row: of BM25 where words found it, and of cosines of whatever was found.

    Each is spread from 0 to 1 over the rows of `among`, or all; `trust` in 0..1 weighs BM25. What words did not
    find is taken to have half the score of the last that they did.
    """
    share = _WORDS * trust if likeness else 1.0
    scores = dict.fromkeys([*lexical, *likeness], 0.0)
    total = (share if lexical else 0.0) + (1.0 if likeness else 0.0)
    for found, lowest, weight in ((lexical, 0.5 if likeness else 1.0, share), (likeness, 1.0, 1.0)):
        seen = [score for row, score in found.items() if not among or row in among]
        high, low = max(seen, default=0.0), lowest * min(seen, default=0.0)
        for row, score in found.items():
            spread = (score - low) / (high - low) if high > low else 1.0
            scores[row] += max(0.0, spread) * weight / total
    return scores


def _distinct(hits: Iterable[Hit]) -> Iterator[Hit]:
    """In order, without copies of what came before; copies with a word changed are copies."""
    exact: set[str] = set()
    lately: deque[set[str]] = deque(maxlen=8)  # what is nearly alike scores nearly alike
    for hit in hits:
        same, words = squeeze(hit.chunk.text), set(hit.chunk.text.split())
        if same in exact or any(len(words & other) >= _COPY * len(words | other) for other in lately):
            continue
        exact.add(same)
        lately.append(words)
        yield hit


def _spread_out(hits: Iterable[Hit], k: int) -> list[Hit]:
    """The first `k`, where one document does not crowd out others that are nearly as good. `hits` come best first,
    and are taken no further than it needs.
    """
    first: list[Hit] = []
    rest: list[Hit] = []
    counts: Counter[str] = Counter()
    for hit in hits:
        counts[hit.document.id] += 1
        good = hit.score >= 0.5 * (first[0] if first else hit).score
        (first if good and counts[hit.document.id] <= _OF_ONE else rest).append(hit)
        if len(first) == k or (not good and len(first) + len(rest) >= k):
            break
    return [*first, *rest][:k]


def _tells(word: str) -> float:
    """A code or a number names the very thing asked for; a word of form tells little."""
    if word in _FORM:
        return 0.3
    return 2.0 if any(c.isdigit() for c in word) else 1.0


def _matter(words: Sequence[str]) -> list[str]:
    """The words that carry a question's matter; all of them where it has only form."""
    return [word for word in words if word not in _FORM] or list(words)


def _covered(asked: Iterable[Sequence[str]], chunks: Sequence[Chunk]) -> float:
    """The largest share of a wording's words that one of the best lexical hits holds, at least a tenth.

    A question in another language than its document, or a paraphrase, matches by chance words only.
    """
    texts = [_plain("\n".join((*chunk.headings, chunk.text))) for chunk in chunks]
    wordings = [terms.values() for words in asked if (terms := _terms(_matter(words)))]
    shares = [sum(bool(p.search(text)) for p in own) / len(own) for own in wordings for text in texts]
    return max([0.1, *shares])


def held(words: Sequence[str], chunk: Chunk) -> dict[str, bool]:
    """Which of a question's words the chunk or a heading above it holds, by word; without words of form."""
    text = _plain("\n".join((*chunk.headings, chunk.text)))
    return {word: bool(pattern.search(text)) for word, pattern in _terms(_matter(words)).items()}


def _score(candidate: _Candidate) -> float:
    return (_LIKENESS * _spread(candidate.likeness) + _OVERLAP * candidate.overlap + _CHUNK * candidate.hit.score) / (
        _LIKENESS + _OVERLAP + _CHUNK
    )


def _spread(likeness: float) -> float:
    """E5's cosines of unlike and like texts lie in .7 to .95; spread over 0..1."""
    return min(1.0, max(0.0, (likeness - 0.7) / 0.25))


def features(ranked: Sequence[_Candidate], terms: Mapping[str, re.Pattern[str]]) -> tuple[float, ...]:
    """What `strength` weighs, each in 0..1: likeness of the nearest sentence, and the share of the question's words
    in the best one.
    """
    best = ranked[0]
    matter = [terms[word] for word in _matter(list(terms))]
    text, above = _searched(best), _plain(best.under)
    found = [1.0 if p.search(text) else _HEADED if p.search(above) else 0.0 for p in matter]
    return _spread(max(c.likeness for c in ranked)), sum(found) / (len(matter) or 1)


# Fitted by bench/fit_strength.py on 2026-11-23; two of three questions were taken to have an answer. The figures
# and what was tried are in bench/LOG.md.
_INTERCEPT = -7.38
_WEIGHTS = (7.12, 5.70)


def strength(values: Sequence[float]) -> float:
    """A logistic over `features`: how likely the evidence holds the answer."""
    return 1.0 / (1.0 + math.exp(-(_INTERCEPT + sum(w * v for w, v in zip(_WEIGHTS, values, strict=True)))))


def _terms(words: Sequence[str]) -> dict[str, re.Pattern[str]]:
    """A pattern for each distinct word of the question, over plain text.

    Korean stems are looked for as they are; numbers whole; Latin words by their stem at a word's beginning.
    """
    patterns = {}
    for word in dict.fromkeys(words):
        literal = re.escape(word)
        if word[0].isdigit():
            patterns[word] = re.compile(rf"(?<![\d.]){literal}(?![\da-z])")
        elif _JOINED.search(word):  # ppr9087 is how the index spells PPR-9087
            patterns[word] = re.compile(rf"(?<![a-z\d]){_JOINED.sub('[-_./ ]?', word)}(?![a-z\d])")
        elif word.isascii():
            stem = re.sub(r"(?:ies|es|s|ed|ing|ly|y|e)$", "", word) if len(word) > 3 else word
            tail = "" if len(word) > 3 else r"(?![a-z\d])"
            patterns[word] = re.compile(rf"(?<![a-z\d]){re.escape(stem)}{tail}")
        else:
            patterns[word] = re.compile(literal)
    return patterns


def _candidates(hit: Hit, vectors: Vectors | None, query: Vectors) -> list[_Candidate]:
    """Sentences, rows and items of a chunk; headings and first rows of tables only where there is nothing else."""
    chunk = hit.chunk
    around = hit.parts.get("dense", 0.0)
    known = vectors is not None and len(vectors) == len(chunk.parts)
    likeness = (vectors @ query).tolist() if known and vectors is not None else [around] * len(chunk.parts)
    body: list[_Candidate] = []
    labels: list[_Candidate] = []
    header: tuple[int, int] | None = None
    path = list(chunk.headings)
    for part, near in zip(chunk.parts, likeness, strict=True):
        span = part.start, part.end
        if part.kind == "heading":
            path.append(chunk.text[slice(*span)])
        under = "\n".join(path[-3:])
        if part.kind != "row":
            header = None
            (labels if part.kind == "heading" else body).append(_Candidate(hit, *span, near, under=under))
        elif header or (part.start == 0 and _is_split_table(chunk)):
            context = chunk.text[slice(*header)] if header else chunk.headings[-1]
            body.append(_Candidate(hit, *span, near, header, context, under))
        else:
            header = span
            labels.append(_Candidate(hit, *span, near, under=under))
    return [c for c in body or labels if c.end - c.start > 1]


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


def _places(candidates: Iterable[_Candidate]) -> list[tuple[str, int]]:
    """The pages they stand on, as `Index.layouts` asks for them."""
    return [(c.hit.chunk.document_id, span.page) for c in candidates for span in c.hit.chunk.spans(c.start, c.end)]


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
