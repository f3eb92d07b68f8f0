"""The reader's own words of each collection: kept, checked, handed to whoever looks for words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from gakju.errors import UsageError
from gakju.store import Store
from gakju.text.lexicon import Lexicon, Word, term_of
from gakju.types import Document

MOST, LONGEST, NAMES = 1_000, 64, 10
"""Words of a collection, characters of a name, names of a word."""


class OwnWords:
    """A question meets a changed list at once, a document when it is read next."""

    def __init__(self, store: Store, documents: Callable[[str], list[Document]]) -> None:
        self._store = store
        self._documents = documents

    def get(self, collection: str) -> tuple[Word, ...]:
        return self._store.words.get(collection).words

    def put(self, collection: str, words: Iterable[Word]) -> None:
        """In place of those there were. Raises UsageError."""
        kept = [Word(_name(w.word), tuple(dict.fromkeys(map(_name, w.also)))) for w in words]
        if len(kept) > MOST:
            raise UsageError(f"{len(kept)} words are too many for one collection.", hint=f"Keep to {MOST}.")
        seen: set[str] = set()
        for word in kept:
            names = [term_of(name) for name in (word.word, *word.also)]
            if len(names) > NAMES:
                raise UsageError(f"{word.word!r} has {len(names)} names.", hint=f"Keep to {NAMES}.")
            for name in names:
                if name in seen:
                    raise UsageError(f"{name!r} is there twice.", hint="Name each word once.")
                seen.add(name)
        self._store.words.put(collection, kept)

    def waiting(self, collection: str) -> int:
        """Documents that do not know the words as they are now; a re-index tells them."""
        known = self._store.words.get(collection)
        return sum(known.misses(d.added_at) for d in self._documents(collection)) if known.changed_at else 0

    def lexicon(self, collection: str | None) -> Lexicon:
        """Of a collection, or of all together."""
        if collection is not None:
            return _lexicon(self.get(collection))
        return _lexicon(tuple(dict.fromkeys(w for known in self._store.words.all().values() for w in known.words)))


def _name(given: str) -> str:
    name = " ".join(given.split())
    if len(name) > LONGEST or len(term_of(name)) < 2:
        raise UsageError(f"{name[:LONGEST]!r} is no word to keep.", hint=f"Use 2 to {LONGEST} letters or digits.")
    return name


@lru_cache(maxsize=64)
def _lexicon(words: tuple[Word, ...]) -> Lexicon:
    return Lexicon(words)
