"""A claim beside the sentences it rests on: words in common, numbers, codes, names, quantifiers, yes or no.

No model and no index statistics. A swap of two words that both stand in the evidence is not seen, and between Korean
and another language only numbers can be compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from gakju.text.morphemes import Morphemes
from gakju.text.normalise import squeeze
from gakju.verify.polarity import clauses, is_negative
from gakju.verify.quantities import Quantity, agree, opposed, quantities

_ASKED = 0.3
"""Weight of a word that only repeats the question: it says little about the answer."""
_ALIKE = 0.55
"""Share of a clause's words that make it speak of the same matter."""

# Words that carry no claim of their own.
_EMPTY_WORDS = """
하 되 있 이 것 수 경우 때 등 및 그 저 이것 그것 더 또 또한 따르 대하 관하 통하 위하 의하 말 날 시 곳 년 월 일 중
다음 각 해당 모두 매우 네 예 아니 아니하 아니요 않 못 안 없 가능 가능하 불가 불가능 불가능하 금지 불필요 예외
제외 제외하 주 받 드리 알리 정도 내 후 전 간 최소 최대 이상 이하 당
the a an of to in on at for and or is are was were be been being it its this that these those with by from as
will shall may can could would should must do does did has have had not no never yes you your they their there
which who whom if when than then so such any all each per also only up about into out over under between
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_NUMBER = re.compile(r"[\d.,%]+")
_CODE = re.compile(r"(?<![A-Za-z0-9])(?:[A-Za-z]+[-_.]?\d[A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)*|\d+[A-Za-z]+\d\w*)")
_NAME = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Za-z&]+(?:[-.][A-Za-z]+)*")
_HANGUL = re.compile(r"[가-힣]")
_SENTENCE_START = re.compile(r"(?:^|(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)[.!?]\s+|[“\"(])$")
_ENDINGS = re.compile(r"(?:ies|es|s|ed|ing|ly|d|e|y|ment|ation|ion)$")


@dataclass(frozen=True, slots=True)
class Compared:
    """What the words of a claim and of its evidence have to do with each other."""

    quoted: bool
    """The claim is a piece of the evidence, word for word, and nothing beside it turns it round."""
    coverage: float
    """Share of its content words that stand in the evidence, those weighing less that only repeat the question."""
    wrong: str = ""
    """What is wrong with a number or a code, in words of the claim's language."""
    conflict: bool = False
    """Whether the evidence gives another one; else it gives none."""
    missing: tuple[str, ...] = ()
    """Latin names that stand neither in the evidence nor in the question."""
    strange: tuple[str, ...] = ()
    """Korean names that do not, as the analyser takes them: it errs."""
    opposite: str = ""
    """That a clause is affirmed here and denied there, or said of all here and of some there, in words."""
    foreign: bool = False
    """No evidence is in the claim's language."""

    span: bool = False
    """As `quoted`, but so short that it says little by itself: a name, a number."""

    def without_opposite(self) -> Compared:
        return replace(self, opposite="")


class Comparer:
    """Thread-safe. A few milliseconds a claim; evidence seen before is not analysed again."""

    def __init__(self, morphemes: Morphemes) -> None:
        self._morphemes = morphemes
        self._content = lru_cache(4096)(self._analysed)

    def compare(self, claim: str, texts: Sequence[str], question: str = "") -> Compared:
        if any(_quoted(claim, text) for text in texts):
            return Compared(True, 1.0)
        korean = is_korean(claim)
        coverage = self._coverage(claim, texts, question)
        wrong, conflict = _numbers(claim, texts, question, korean)
        foreign = all(is_korean(t) != korean for t in texts)
        opposite = ""
        if coverage >= _ALIKE and not foreign:
            if self._opposite(claim, texts):
                opposite = "답과 문서의 긍정·부정이 반대" if korean else "the source says the opposite"
            else:
                opposite = _quantified(claim, texts, korean)
        return Compared(
            False,
            min(coverage, 1.0),
            wrong,
            conflict,
            () if foreign and korean else tuple(_names(claim, texts, question)),
            self._strange(claim, texts, question) if korean and not foreign else (),
            opposite,
            foreign,
            any(_quoted(claim, text, 2) for text in texts),
        )

    def coverage(self, claim: str, text: str) -> float:
        return self._coverage(claim, [text], "")

    def _strange(self, claim: str, texts: Sequence[str], question: str) -> tuple[str, ...]:
        have = squeeze(" ".join([*texts, question]))
        names = (form for _, _, tag, form in self._morphemes.tagged(claim) if tag == "NNP" and len(form) > 1)
        return tuple(dict.fromkeys(n for n in names if squeeze(n) not in have))

    def _coverage(self, claim: str, texts: Sequence[str], question: str) -> float:
        """Share of the claim's content words, weighted, that stand in the evidence."""
        wanted = self._content(claim)
        have = frozenset().union(*(self._content(t) for t in texts))
        asked = self._content(question) if question else frozenset()
        source = [q for t in texts for q in quantities(t)]
        # A number that agrees is as good as a word; one that does not is judged on its own.
        numbers = sum(any(agree(q, s) for s in source) for q in quantities(claim))
        weights = {w: _ASKED if w in asked and (numbers or wanted - asked) else 1.0 for w in wanted}
        found = numbers + sum(v for w, v in weights.items() if _stands(w, have))
        return found / ((numbers + sum(weights.values())) or 1.0)

    def _analysed(self, text: str) -> frozenset[str]:
        """The words that say something, numbers and their units left out: those are compared exactly."""
        bare = unicodedata.normalize("NFKC", text)
        for q in reversed(quantities(text)):
            # A digit in its place: the particle behind it still tells Kiwi what stands before.
            bare = bare[: q.start] + "0" + bare[q.start + len(q.text) :]
        words = frozenset(w for w in self._morphemes.words(bare) if w not in _EMPTY and not _NUMBER.fullmatch(w))
        # The index's words hold a compound beside its parts: here it would count twice.
        return frozenset(w for w in words if not _parts(w, words))

    def _opposite(self, claim: str, texts: Sequence[str]) -> bool:
        """Whether a clause of the claim has its like in the evidence only with the other polarity."""
        said = [(self._content(part), no) for text in texts for part, no in clauses(text)]
        for part, negative in clauses(claim):
            words = self._content(part)
            if not words:
                continue
            alike = [(sum(_stands(w, have) for w in words) / len(words), no) for have, no in said]
            best = max(share for share, _ in alike)
            if best >= _ALIKE and all(no != negative for share, no in alike if share >= max(_ALIKE, best - 0.15)):
                return True
        return False


def is_korean(text: str) -> bool:
    return bool(_HANGUL.search(text))


def _quoted(claim: str, text: str, least: int = 8) -> bool:
    """Whether the claim is a piece of the text, word for word, that no negation before or behind it turns round."""
    small, whole = squeeze(claim).rstrip(".!?。"), squeeze(text)
    at = whole.find(small)
    if at < 0:
        return False
    if small == whole.rstrip(".!?。"):
        return True
    end = at + len(small)
    before, after = whole[:at], whole[end : end + 8]
    cut = (before[-1:] + small[:1]).isdigit() or (small[-1:] + after[:1]).isdigit()
    return (
        len(small) >= least
        and not cut
        and not is_negative(after)
        and not before.endswith(("not", "no", "never", "안", "못"))
    )


def _numbers(claim: str, texts: Sequence[str], question: str, korean: bool) -> tuple[str, bool]:
    """What is wrong with the claim's numbers, in words, and whether the source gives another one."""
    source = [q for text in texts for q in quantities(text)]
    asked = quantities(question)
    for q in quantities(claim):
        same = [s for s in source if agree(q, s)]
        if same:
            if all(opposed(q, s) for s in same):
                return _unlike(q, same[0], korean), True
            continue
        others = [s for s in source if s.unit == q.unit]
        if others:
            return _unlike(q, _nearest(q, others), korean), True
        if not any(agree(q, a) for a in asked):
            return (f"문서에 없는 수: {q.text}" if korean else f"{q.text} is not in the source"), False
    source_codes = _codes(texts)
    absent = sorted(c for c in _codes([claim]) if c not in source_codes and c not in _codes([question]))
    if absent:
        listed = ", ".join(absent)
        return (f"문서에 없는 번호: {listed}" if korean else f"{listed} is not in the source"), bool(source_codes)
    return "", False


# Of all, of some, of none, of this only. What one sentence says of all the other may not say of some.
_QUANTIFIERS = {
    "all": re.compile(
        r"모두|모든|전부|전체|항상|언제나|누구나|전원|\b(?:all|every|always|entire|everyone|each)\b", re.I
    ),
    "some": re.compile(r"일부|몇몇|때때로|가끔|\b(?:some|sometimes|partly|several|occasionally)\b", re.I),
    "most": re.compile(r"대부분|대체로|주로|\b(?:most|mostly|usually|generally)\b", re.I),
}


def _quantified(claim: str, texts: Sequence[str], korean: bool) -> str:
    """Why not, where the claim speaks of all and the source of some, or the other way round."""
    said = {kind: m.group() for kind, pattern in _QUANTIFIERS.items() if (m := pattern.search(claim))}
    given = {kind: m.group() for t in texts for kind, pattern in _QUANTIFIERS.items() if (m := pattern.search(t))}
    if not said or not given or set(said) & set(given):
        return ""
    here, there = next(iter(said.values())), next(iter(given.values()))
    return f"답은 '{here}', 문서는 '{there}'" if korean else f"'{here}' in the answer, '{there}' in the source"


def _nearest(said: Quantity, others: Sequence[Quantity]) -> Quantity:
    """The number a reader would set against `said`: written with the same unit and bound."""
    written = said.text.lstrip("0123456789.,")
    return max(others, key=lambda s: (s.text.endswith(written), s.bound == said.bound))


def _unlike(said: Quantity, source: Quantity, korean: bool) -> str:
    if korean:
        return f"답은 {_shown(said, korean)}, 문서는 {_shown(source, korean)}"
    return f"{_shown(said, korean)} in the answer, {_shown(source, korean)} in the source"


def _shown(q: Quantity, korean: bool) -> str:
    if not q.bound:
        return q.text
    if korean:
        return q.text + (" 이상" if q.bound == "≥" else " 이하")
    return ("at least " if q.bound == "≥" else "at most ") + q.text


def _codes(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(m.group().upper() for t in texts for m in _CODE.finditer(unicodedata.normalize("NFKC", t)))


def _names(claim: str, texts: Sequence[str], question: str) -> list[str]:
    """Latin names of the claim that stand neither in the evidence nor in the question."""
    have = " ".join([*texts, question]).casefold()
    return [
        m.group()
        for m in _NAME.finditer(claim)
        if m.group().casefold() not in have
        and m.group().casefold() not in _EMPTY
        and not _SENTENCE_START.search(claim[: m.start()])
    ]


def _stands(word: str, have: frozenset[str]) -> bool:
    """Whether `word` or its compound, part or other ending is among `have`."""
    if word in have:
        return True
    if _HANGUL.search(word):
        return (len(word) >= 2 and any(word in h for h in have)) or _parts(word, have)
    stem = _stem(word)
    return len(stem) >= 3 and any(_stem(h) == stem for h in have)


def _parts(word: str, have: frozenset[str]) -> bool:
    """A compound stands where two words that make it up do: 출산휴가 for 출산 and 휴가."""
    return len(word) >= 3 and any(word[:i] in have and word[i:] in have for i in range(1, len(word)))


def _stem(word: str) -> str:
    return _ENDINGS.sub("", word) if len(word) > 4 else word.rstrip("s")
