"""A claim and the sentences it rests on, to a verdict: by words, numbers, names and yes or no.

No model and no index statistics: a claim is supported where its content words stand in the evidence, every
number, date, code and Latin name is the same, and no clause says the opposite. Paraphrases with other words
come out `partial` or `unsupported`; a swap of two words that both stand in the evidence is not seen. Between
Korean and another language only numbers can be compared: the verdict is `partial` at best.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from gakju.text.morphemes import Morphemes
from gakju.text.normalise import squeeze
from gakju.types import Evidence, Judgement, Verdict
from gakju.verify.polarity import clauses, is_negative
from gakju.verify.quantities import Quantity, agree, opposed, quantities

__all__ = ["LexicalVerifier"]

SUPPORTED = 0.72
"""Share of the claim's words that must stand in the evidence; found on the cases of tests/test_verify.py."""
PARTIAL = 0.45
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


class LexicalVerifier:
    """Thread-safe. A few milliseconds a claim; evidence seen before is not analysed again."""

    def __init__(self, morphemes: Morphemes) -> None:
        self._morphemes = morphemes
        self._content = lru_cache(4096)(self._analysed)

    def judge(self, claim: str, evidence: Sequence[Evidence], *, question: str = "") -> Judgement:
        """The verdict on `claim`, with `reason` in the claim's language where it is not plain support."""
        korean = bool(_HANGUL.search(claim))
        texts = [e.text for e in evidence]
        if not texts or not squeeze(claim):
            return Judgement("unsupported", 0.0, "근거가 없습니다" if korean else "no evidence")
        if any(_quoted(claim, text) for text in texts):
            return Judgement("supported", 1.0)
        score = self._coverage(claim, texts, question)
        wrong, conflict = _numbers(claim, texts, question, korean)
        if not wrong and score < PARTIAL and all(bool(_HANGUL.search(t)) != korean for t in texts):
            said = (
                "문서와 답의 언어가 달라 수만 견줌"
                if korean
                else "another language than the source: only numbers compared"
            )
            return Judgement("partial", 0.6 if quantities(claim) else 0.5, said)
        missing = _names(claim, texts, question)
        if not wrong and score >= _ALIKE and self._opposite(claim, texts):
            wrong, conflict = ("답과 문서의 긍정·부정이 반대" if korean else "the source says the opposite"), True
        if wrong:
            verdict: Verdict = "contradicted" if conflict and score >= PARTIAL else "unsupported"
            return Judgement(verdict, round(min(score, 1.0) * (0.2 if conflict else 0.3), 3), wrong)
        if missing:
            said = ("문서에 없는 이름: " if korean else "not in the source: ") + ", ".join(missing)
            return Judgement("unsupported", round(score * 0.3, 3), said)
        return _by_coverage(score, korean)

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


def _by_coverage(score: float, korean: bool) -> Judgement:
    score = round(min(score, 1.0), 3)
    if score >= SUPPORTED:
        return Judgement("supported", score)
    if score >= PARTIAL:
        return Judgement("partial", score, "일부만 문서에 있음" if korean else "only partly in the source")
    return Judgement("unsupported", score, "문서에서 찾지 못함" if korean else "not found in the source")


def _quoted(claim: str, text: str) -> bool:
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
        len(small) >= 8
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
