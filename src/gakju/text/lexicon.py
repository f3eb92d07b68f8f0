"""A reader's own words: names of products, abbreviations, and what else they are called.

They come on top of what Kiwi says, never in its place: a word that is added today is found tomorrow in documents
indexed yesterday, by its parts, and one Kiwi (300 MB) serves every collection.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gakju.text.canonical import canonical

_SIGNS = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class Word:
    """`also` are other names for the same thing."""

    word: str
    also: tuple[str, ...] = ()


class Lexicon:
    """The words of one collection, ready to be looked for."""

    def __init__(self, words: Iterable[Word] = ()) -> None:
        self._names = {term_of(word.word): (word.word, *word.also) for word in words}
        # By first letter, so that most places of a text are passed by at once.
        self._patterns: dict[str, list[tuple[re.Pattern[str], str]]] = defaultdict(list)
        for name, term in sorted(((n, t) for t, names in self._names.items() for n in names), key=_longest_first):
            spelt = term_of(name)
            self._patterns[spelt[0]].append((_pattern(spelt), term))
        first = "".join(map(re.escape, self._patterns))
        self._starts = re.compile(rf"(?<![^\W_])[{first}]") if first else None

    def terms(self, text: str) -> list[str]:
        """The index's term of each word that `text` (of `canonical`) holds, under whichever name, in order."""
        found, end = [], 0
        for start in self._starts.finditer(text) if self._starts else ():
            for pattern, term in self._patterns[start.group()] if start.start() >= end else ():
                if match := pattern.match(text, start.start()):
                    found.append(term)
                    end = match.end()
                    break
        return found

    def names(self, term: str) -> tuple[str, ...]:
        """All names of the word that has this term, its own first."""
        return self._names[term]


def term_of(word: str) -> str:
    """How the index spells a word: without spaces and signs. "" where it is nothing else."""
    return _SIGNS.sub("", canonical(word))


def _longest_first(named: tuple[str, str]) -> tuple[int, str]:
    return -len(named[0]), named[0]


def _pattern(spelt: str) -> re.Pattern[str]:
    """Spaces and signs between its letters do not matter; a particle may follow Hangul, nothing a Latin word."""
    end = r"(?![a-z\d])" if spelt[-1].isascii() else ""
    return re.compile(r"[^\w\n]?".join(map(re.escape, spelt)) + end)
