"""Verdicts by words alone: what there is without a model, and the fake of the tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from gakju.text.morphemes import Morphemes
from gakju.text.normalise import squeeze
from gakju.types import Evidence, Judgement, Verdict
from gakju.verify.compare import Compared, Comparer, is_korean
from gakju.verify.quantities import quantities

SUPPORTED = 0.72
"""Share of the claim's words that must stand in the evidence; found on the cases of tests/test_verify.py."""
PARTIAL = 0.45


class ExactFirst(ABC):
    """What every verifier begins with: nothing bears a claim out without evidence, and a quotation is borne out."""

    def __init__(self, words: Morphemes | Comparer) -> None:
        self._comparer = words if isinstance(words, Comparer) else Comparer(words)

    def judge(self, claim: str, evidence: Sequence[Evidence], *, question: str = "") -> Judgement:
        """The verdict on `claim`, with `reason` in the claim's language where it is not plain support."""
        if not evidence or not squeeze(claim):
            return Judgement("unsupported", 0.0, "근거가 없습니다" if is_korean(claim) else "no evidence")
        texts = [e.text for e in evidence]
        found = self._comparer.compare(claim, texts, question)
        return Judgement("supported", 1.0) if found.quoted else self.left_open(claim, texts, question, found)

    @abstractmethod
    def left_open(self, claim: str, texts: Sequence[str], question: str, found: Compared) -> Judgement:
        """The verdict where the claim is no quotation."""


class LexicalVerifier(ExactFirst):
    """A claim is supported where its content words stand in the evidence and nothing compared exactly differs.

    Paraphrases with other words come out `partial` or `unsupported`. Between languages `partial` at best. Thread-safe.
    """

    def left_open(self, claim: str, texts: Sequence[str], question: str, found: Compared) -> Judgement:
        korean = is_korean(claim)
        wrong = wrongly(found, found.coverage, korean)
        if found.foreign and found.coverage < PARTIAL and (not wrong or not found.wrong):
            said = (
                "문서와 답의 언어가 달라 수만 견줌"
                if korean
                else "another language than the source: only numbers compared"
            )
            return Judgement("partial", 0.6 if quantities(claim) else 0.5, said)
        return wrong or _by_coverage(found.coverage, korean)


_SAID: dict[Verdict, tuple[str, str]] = {
    "supported": ("", ""),
    "partial": ("일부만 문서에서 확인됨", "only partly borne out by the source"),
    "unsupported": ("문서에서 찾지 못함", "not found in the source"),
    "contradicted": ("문서의 말과 어긋남", "the source says otherwise"),
}


def plainly(verdict: Verdict, score: float, korean: bool) -> Judgement:
    """A verdict of which no more can be said than what it is."""
    return Judgement(verdict, round(score, 3), _SAID[verdict][0 if korean else 1])


def wrongly(found: Compared, likeness: float, korean: bool) -> Judgement | None:
    """The verdict where something compared exactly differs; `likeness` in 0..1 tells a denial from another matter."""
    wrong, conflict = (found.opposite, True) if found.opposite and not found.wrong else (found.wrong, found.conflict)
    if wrong:
        verdict: Verdict = "contradicted" if conflict and likeness >= PARTIAL else "unsupported"
        return Judgement(verdict, round(likeness * (0.2 if conflict else 0.3), 3), wrong)
    if found.missing:
        said = ("문서에 없는 이름: " if korean else "not in the source: ") + ", ".join(found.missing)
        return Judgement("unsupported", round(likeness * 0.3, 3), said)
    return None


def _by_coverage(score: float, korean: bool) -> Judgement:
    score = round(score, 3)
    if score >= SUPPORTED:
        return Judgement("supported", score)
    if score >= PARTIAL:
        return Judgement("partial", score, "일부만 문서에 있음" if korean else "only partly in the source")
    return Judgement("unsupported", score, "문서에서 찾지 못함" if korean else "not found in the source")
