"""BM25 (Robertson and others 1994, with k1 1.5 and b .75, Lucene's IDF) over word tokens, Hangul as bigrams.

Needs numpy alone. The yardstick that a search without any model is measured by.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import sets

VARIANTS = ("bm25-bigrams",)
K1, B = 1.5, 0.75
_WORD = re.compile(r"[가-힣]+|[^\W가-힣]+")


def tokens(text: str) -> list[str]:
    """Runs of Hangul as overlapping pairs of syllables (a single syllable as itself), other words in lower case."""
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if "가" <= word[0] <= "힣" and len(word) > 1:
            found += [word[at : at + 2] for at in range(len(word) - 1)]
        else:
            found.append(word)
    return found


class Peer:
    """Whole documents: no chunks, no model."""

    def __init__(self, weights: str, variant: str) -> None:
        self._variant = variant
        self._entries: list[tuple[str, Counter[str]]] = []

    def read(self, path: Path) -> list[sets.Entry]:
        from pypdf import PdfReader

        return [sets.Entry(str(path), page.extract_text()) for page in PdfReader(path).pages]

    def documents(self, entries: Iterable[sets.Entry]) -> list[sets.Entry]:
        return list(entries)

    def add(self, documents: list[sets.Entry]) -> int:
        self._entries += [(entry.id, Counter(tokens(entry.text))) for entry in documents]
        return len(documents)

    def ready(self, candidates: int) -> dict[str, Callable[[str], list[str]]]:
        lengths = np.array([sum(words.values()) for _, words in self._entries], np.float32)
        norm = K1 * (1 - B + B * lengths / lengths.mean())
        places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, (_, words) in enumerate(self._entries):
            for word, times in words.items():
                places[word].append((number, times))
        weights: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # type: ignore[type-arg]
        for word, found in places.items():
            rows, times = np.array(found).T
            rarity = math.log(1 + (len(self._entries) - len(rows) + 0.5) / (len(rows) + 0.5))
            weights[word] = rows, rarity * times * (K1 + 1) / (times + norm[rows])

        def search(question: str) -> list[str]:
            scores = np.zeros(len(self._entries), np.float32)
            for word in tokens(question):
                if word in weights:
                    rows, gains = weights[word]
                    scores[rows] += gains
            best = np.argsort(-scores, kind="stable")[:candidates]
            return [self._entries[n][0] for n in best if scores[n] > 0]

        return {self._variant: search}
