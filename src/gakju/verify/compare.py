"""A claim beside the sentences it rests on: words in common, numbers, codes, names, quantifiers, yes or no.

No model and no index statistics. A swap of two words that both stand in the evidence is not seen, and between Korean
and another language only numbers can be compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gakju.text.morphemes import Morphemes
from gakju.text.normalise import squeeze
from gakju.verify.names import ANYTHING, DAY_OR_MONTH, EMPTY, latin_names, neighbours, replaced_at_start, shortened
from gakju.verify.polarity import (
    OPENING,
    clauses,
    complementary,
    conditions,
    corrected,
    is_negative,
    of_nouns,
    pieces,
    sides,
)
from gakju.verify.quantities import agree, implied, opposed, quantities, without
from gakju.verify.rates import rates, shares
from gakju.verify.units import Quantity

_ASKED = 0.3
"""Weight of a word that only repeats the question: it says little about the answer."""
_REMEMBERED = 4096
"""Texts whose words are kept."""
_ALIKE = 0.55
"""Share of a clause's words that make it speak of the same matter."""

_ALLOWED = frozenset(["allow", "allowed", "permit", "permitted", "허용", "허용하", "허용되", "허가", "허가하"])
_NUMBER = re.compile(r"[\d.,%]+")
_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z]+[-_.]?\d[A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)*|\d+[A-Za-z]+\d[A-Za-z0-9]*)"
)
_HANGUL = re.compile(r"[가-힣]")
_TILL = re.compile(r"까지|부터|\b(?:until|till|from)\b")
_UNLESS = re.compile(r"\bunless\b", re.IGNORECASE)
_THAN = re.compile(r"보다|\bthan\b")
_MOST = re.compile(r"가장|제일|최대|최고|\b(?:most|\w{3,}est)\b")
_ENDINGS = re.compile(r"(?:ies|es|s|ed|ing|ly|d|en|e|y|ment|ation|ion)$")


Opposite = Literal["", "negated", "contrary"]


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
    """Names that stand neither in the evidence nor in the question; Korean ones where they take another's place."""
    strange: tuple[str, ...] = ()
    """Korean names that do not, as the analyser takes them, and a first word that replaces another: either may err."""
    opposite: str = ""
    """That a clause is affirmed here and denied there, or said of all here and of some there, in words."""
    foreign: bool = False
    """No evidence is in the claim's language."""

    span: bool = False
    """As `quoted`, but so short that it says little by itself: a name, a number."""

    polar: Opposite = ""
    """How `opposite` is known by rule: a clause is negated, or says a contrary with all other words the same."""

    exchanged: tuple[str, ...] = ()
    """Words that stand where the source has another between the same neighbours: another name, or the same in other
    words."""

    def without_opposite(self) -> Compared:
        return replace(self, opposite="")


class Comparer:
    """Thread-safe. A few milliseconds a claim; evidence seen before is not analysed again."""

    def __init__(self, morphemes: Morphemes) -> None:
        self._morphemes = morphemes
        self._known: dict[str, frozenset[str]] = {}

    def compare(self, claim: str, texts: Sequence[str], question: str = "") -> Compared:
        if any(_quoted(claim, text) for text in texts):
            return Compared(True, 1.0)
        self._contents([claim, question, *texts])
        korean = is_korean(claim)
        coverage = self._coverage(claim, texts, question)
        wrong, conflict = _numbers(claim, texts, question, korean)
        foreign = all(is_korean(t) != korean for t in texts)
        strange, replaced = self._strange(claim, texts, question) if korean and not foreign else ((), False)
        if not korean and not foreign:
            strange = replaced_at_start(claim, texts, question)
        missing = () if foreign and korean else tuple(latin_names(claim, texts, question))
        exchanged, plainly = ((), False) if foreign else self._exchanged(claim, texts, question)
        if plainly:
            missing += tuple(name for name in exchanged if name not in missing)
        opposite = ""
        polar: Opposite = ""
        if coverage >= _ALIKE and not foreign:
            polar = self._opposite(claim, texts)
            if polar:
                opposite = "답과 문서의 긍정·부정이 반대" if korean else "the source says the opposite"
            else:
                opposite = _quantified(claim, texts, korean)
        return Compared(
            False,
            min(coverage, 1.0),
            wrong,
            conflict,
            missing + strange if replaced else missing,
            strange,
            opposite,
            foreign,
            any(_quoted(claim, text, 2) for text in texts),
            polar,
            exchanged,
        )

    def coverage(self, claim: str, text: str) -> float:
        return self._coverage(claim, [text], "")

    def _strange(self, claim: str, texts: Sequence[str], question: str) -> tuple[tuple[str, ...], bool]:
        """Korean names that neither the evidence nor the question holds, and whether they stand in another's place:
        whether the sentence that is most like the claim has a name that the claim has not."""
        have = squeeze(" ".join([*texts, question]))
        new = tuple(n for n in self._tagged_names(claim) if squeeze(n) not in have and not shortened(n, have))
        if not new:
            return (), False
        said = squeeze(claim)
        nearest = max(texts, key=lambda text: self._coverage(claim, [text], ""))
        return new, any(squeeze(n) not in said and not shortened(n, said) for n in self._tagged_names(nearest))

    def _exchanged(self, claim: str, texts: Sequence[str], question: str) -> tuple[tuple[str, ...], bool]:
        """The one word of the claim that the source lacks, where it stands as another does there; and whether it ends
        as that one does (총무과, 인사과) or begins the claim, all else being word for word in the source."""
        have = frozenset().union(*(self._content(text) for text in [*texts, question] if text))
        absent = [w for w in self._content(claim) if not _stands(w, have)]
        if not 0 < len(absent) <= 2:
            return (), False
        said = squeeze(claim).casefold()
        given = {key: word for text in texts for key, word in neighbours(text).items() if word.casefold() not in said}
        for key, word in neighbours(claim).items():
            other = given.get(key)
            own = self._content(word)
            if not other or {other, word} & ANYTHING or shortened(word, other) or shortened(other, word):
                continue
            if own and set(absent) <= own:
                return (word,), bool(_HANGUL.search(word)) and word[-1] == other[-1]
        first, _, rest = claim.rstrip(".").partition(" ")
        inside = len(rest.split()) > 2 and any(f" {rest}".casefold() in text.casefold() for text in texts)
        if inside and first.isascii() and set(absent) <= self._content(first):
            return (first,), True
        return (), False

    def _tagged_names(self, text: str) -> list[str]:
        found = (form for _, _, tag, form in self._morphemes.tagged(text) if tag == "NNP" and len(form) > 1)
        return list(dict.fromkeys(name for name in found if not DAY_OR_MONTH.fullmatch(name)))

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

    def _content(self, text: str) -> frozenset[str]:
        """The words that say something, numbers and their units left out: those are compared exactly."""
        return self._contents([text])[0]

    def _contents(self, texts: Sequence[str]) -> list[frozenset[str]]:
        """`_content` of each; what is new goes to the analyser at once, which is slow to begin."""
        found = {text: self._known.get(text) for text in texts}
        new = [text for text, words in found.items() if words is None]
        # A digit in its place: the particle behind it still tells Kiwi what stands before.
        bare = [without(unicodedata.normalize("NFKC", text), "0") for text in new]
        for text, analysed in zip(new, self._morphemes.many(bare) if new else (), strict=True):
            words = frozenset(w for w in analysed if w not in EMPTY and not _NUMBER.fullmatch(w))
            # The index's words hold a compound beside its parts: here it would count twice.
            found[text] = frozenset(w for w in words if not _parts(w, words))
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        self._known |= {text: found[text] or frozenset() for text in new}
        return [found[text] or frozenset() for text in texts]

    def _opposite(self, claim: str, texts: Sequence[str]) -> Opposite:
        """Whether a clause of the claim has its like in the evidence only with the other polarity."""
        own, given = clauses(claim), [one for text in texts for one in pieces(text)]
        supposes = [part for text in texts for part in conditions(text)]
        plain, instead = corrected(claim)
        replaced = [corrected(text) for text in texts]
        dropped = [one for _, out in replaced for one in out]
        rest = [text for text, _ in replaced]
        self._contents([part for part, _ in (*own, *given)] + supposes + [plain, *dropped, *rest, *instead])
        if dropped and self._taken(plain, dropped, rest):
            return "contrary"
        nouns = [of_nouns(text) for text in texts]
        for what, denied in of_nouns(claim).items() if not is_negative(claim) else ():
            there = set().union(*(one.get(what, set()) for one in nouns))
            if there and not there & denied:
                return "contrary"
        said = [_Said(part, self._content(part), no) for part, no in given]
        supposed = frozenset().union(*map(self._content, supposes))
        for part, negative in own:
            words = self._content(part)
            if not words or not said:
                continue
            if (contrary := self._contrary(part, said)) is not None:
                if contrary:
                    return "contrary"
                continue
            alike = [(sum(_stands(w, one.words) for w in words) / len(words), one) for one in said]
            best = max(share for share, _ in alike)
            near = [one for share, one in alike if share >= max(_ALIKE, best - 0.25)]
            if any(one.negative != negative and _otherwise(part, one.text) for one in said):
                continue
            if near and all(one.negative != negative for one in near) and not _elsewhere(words, negative, near, said):
                return "negated"
            if not negative and not _numbered(part, said) and _mixed(words, said, supposed):
                return "negated"
        return ""

    def _contrary(self, part: str, said: Sequence[_Said]) -> bool | None:
        """Whether the source's clauses with all other words of `part` affirm the contrary; None where none has them."""
        own, numbers = sides(part), quantities(part)
        told: list[bool] = []
        elided: list[bool] = []
        if not own or any(_otherwise(part, one.text) or _UNLESS.search(one.text) for one in said):
            return None
        for one in said:
            other = sides(one.text)
            shared = [i for i in own if i in other]
            if not shared or (OPENING in shared and _TILL.search(part + one.text)):
                continue
            told_by = " ".join(own[i][1] for i in shared)
            words = self._content(part) - _ALLOWED - self._content(told_by)
            words = frozenset(
                w for w in words if w not in told_by and not any(s in w for s in told_by.split() if len(s) > 1)
            )
            given = quantities(one.text)
            apart = numbers and given and not any(agree(q, s) for q in numbers for s in given)
            same = [own[i][0] == other[i][0] for i in shared]
            if words and not apart and all(_stands(w, one.words) for w in words):
                told += same
            # What a clause lacks may be its subject, said before.
            elif 2 * sum(_stands(w, one.words) for w in words) > len(words) and not apart:
                elided += same if all(_stands(w, one.words | said[0].words) for w in words) else []
        told = told or elided
        return not any(told) if told else None

    def _taken(self, claim: str, dropped: Sequence[str], rest: Sequence[str]) -> bool:
        """Whether a claim affirms what the source says something is not: water, where it says: fat, not water."""
        kept = frozenset().union(*map(self._content, rest))
        denied = frozenset(w for one in dropped for w in self._content(one) if not _stands(w, kept))
        return bool(denied & self._content(claim)) and not is_negative(claim)


@dataclass(frozen=True, slots=True)
class _Said:
    """A clause of the source."""

    text: str
    words: frozenset[str]
    negative: bool


def _otherwise(part: str, given: str) -> bool:
    """Whether a clause that denies and one that affirms may both be true: nothing is larger, this is the largest."""
    shared = any(agree(q, s) for q in quantities(part) for s in quantities(given))
    if shared and complementary(part, given):
        return True
    return any(_THAN.search(a) and _MOST.search(b) for a, b in ((part, given), (given, part)))


def _numbered(part: str, said: Sequence[_Said]) -> bool:
    """Whether the numbers of `part` stand in a clause that affirms, and in none that denies."""
    own = [q for q in quantities(part) if q.bound]
    held = {one.negative for one in said for s in quantities(one.text) if any(agree(q, s) for q in own)}
    return bool(own) and held == {False}


def _elsewhere(words: frozenset[str], negative: bool, near: Sequence[_Said], said: Sequence[_Said]) -> bool:
    """Whether what the nearest clauses lack stands in a later one that agrees: not allowed in the yard, where a source
    says: allowed in the hall but not in the yard."""
    have = frozenset().union(*(one.words for one in near))
    agreeing = frozenset().union(*(one.words for one in said[1:] if one.negative == negative))
    left = [w for w in words if not _stands(w, have)]
    return bool(left) and all(_stands(w, agreeing) for w in left)


def _mixed(words: frozenset[str], said: Sequence[_Said], supposed: frozenset[str]) -> bool:
    """Whether a claim that affirms has all its words in the source, but some only where a later clause denies:
    allowed in the hall but not in the yard, said as: allowed in the yard."""
    affirmed = frozenset().union(said[0].words, *(one.words for one in said if not one.negative))
    denied = frozenset().union(*(one.words for one in said[1:] if one.negative)) - _ALLOWED - supposed
    left = [w for w in words if not _stands(w, affirmed)]
    left = [w for w in left if w not in _ALLOWED]
    return bool(left) and len(left) < len(words) and all(_stands(w, denied) for w in left)


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
    parts = [(r.start, end) for r, end in shares(claim) if any(agree(r, s) for s in source)]
    for q in quantities(claim):
        if any(start <= q.start < end for start, end in parts):
            continue
        same = [(s, text) for text in texts for s in quantities(text) if agree(q, s)]
        if same:
            if all(opposed(q, s) and _denied(claim, q) == _denied(text, s) for s, text in same):
                return _unlike(q, same[0][0], korean), True
            continue
        if any(agree(q, s) for text in texts for s in implied(text, claim)):
            continue
        others = [s for s in source if s.unit == q.unit]
        if others and (q.unit not in {"", "time"} or not q.loose):
            return _unlike(q, _nearest(q, others), korean), True
        if not q.loose and not any(agree(q, a) for a in asked):
            what = "날" if q.unit in {"date", "weekday"} else "수"
            return (f"문서에 없는 {what}: {q.text}" if korean else f"{q.text} is not in the source"), False
    often = rates(claim)
    given = frozenset().union(*map(rates, texts))
    if often and given and not often & (given | {(s.unit, s.value) for s in source}):
        return ("답과 문서의 주기가 다름" if korean else "the source says how often otherwise"), True
    source_codes = _codes(texts)
    known = {*source_codes, *_codes([question])}
    absent = sorted(shown for code, shown in _codes([claim]).items() if code not in known)
    if absent:
        listed = ", ".join(absent)
        return (f"문서에 없는 번호: {listed}" if korean else f"{listed} is not in the source"), bool(source_codes)
    return "", False


def _denied(text: str, q: Quantity) -> bool:
    """Whether the clause that holds `q` is negative: under 18 no entry, 18 at least."""
    return any(no for clause, no in clauses(unicodedata.normalize("NFKC", text)) if q.text in clause)


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


def _codes(texts: Iterable[str]) -> dict[str, str]:
    """As they are compared (gpt-4o is GPT4o), and as they are written."""
    bare = [without(unicodedata.normalize("NFKC", text)) for text in texts]
    return {re.sub(r"[-_.]", "", m.group()).upper(): m.group() for text in bare for m in _CODE.finditer(text)}


def _stands(word: str, have: frozenset[str]) -> bool:
    """Whether `word` or its compound, part or other ending is among `have`."""
    if word in have:
        return True
    if _HANGUL.search(word):
        return (len(word) >= 2 and any(word in h for h in have)) or _parts(word, have)
    stem = _stem(word)
    return len(stem) >= 2 and any(_stem(h) == stem for h in have)


def _parts(word: str, have: frozenset[str]) -> bool:
    """A compound stands where two words that make it up do: 출산휴가 for 출산 and 휴가."""
    return len(word) >= 3 and any(word[:i] in have and word[i:] in have for i in range(1, len(word)))


def _stem(word: str) -> str:
    if len(word) > 4:
        return _ENDINGS.sub("", word)
    return (word[:-1] if word.endswith("ed") else word.rstrip("s")).rstrip("e")
