"""Verdicts without generation: exact comparisons, and a small entailment model for everything they cannot see."""

from __future__ import annotations

import logging
import math
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gakju.errors import GakjuError
from gakju.text.morphemes import Morphemes
from gakju.text.normalise import squeeze
from gakju.types import Evidence, Judgement
from gakju.verify.compare import Compared, Comparer, is_korean
from gakju.verify.lexical import PARTIAL, LexicalVerifier, nothing, wrongly

log = logging.getLogger(__name__)

Entails = Callable[[str, str, str], tuple[float, float, float]]
"""(claim, premise, question) to the probabilities of entailed, neutral and denied."""

FEATURES = ("entailed", "coverage", "span", "strange")
_SENTENCE = re.compile(r"[.!?。][\"'”’)\]]*\s*$|[가-힣](?:다|요|까|죠)\s*$")
"""What stands for itself: the head is told the question only with a claim that needs it ("15일"). HaluEval's false
answers are sentences and its true ones are not, so that a sentence with a question would always look false."""
PREMISE = 600
"""Characters of evidence that are read together with a claim; the sentences most like it first."""
_SURE = 0.9
"""So sure that a claim is entailed that yes and no, told by rule, or a name that only the analyser takes for one, is
not held against it."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic from `FEATURES` to the probability that a claim is supported, and where its verdicts part."""

    bias: float
    weights: tuple[float, ...]
    supported: float
    partial: float
    denied: float

    def score(self, features: Sequence[float]) -> float:
        total = self.bias + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


@cache
def calibration() -> Calibration:
    """`calibration.toml`, made by `bench/fit_verdicts.py`."""
    found = tomllib.loads(Path(__file__).with_name("calibration.toml").read_text("utf-8"))
    return Calibration(
        found["bias"],
        tuple(found["weights"][name] for name in FEATURES),
        found["supported"],
        found["partial"],
        found["denied"],
    )


class LocalVerifier:
    """A sentence quoted word for word is supported, at no cost. What differs exactly decides; else the score does.

    Where the entailment model cannot be had, words alone are judged by (`LexicalVerifier`). Thread-safe.
    """

    def __init__(self, morphemes: Morphemes, entails: Entails) -> None:
        self._comparer = Comparer(morphemes)
        self._words = LexicalVerifier(self._comparer)
        self._entails = entails
        self._told = False

    def judge(self, claim: str, evidence: Sequence[Evidence], *, question: str = "") -> Judgement:
        """The verdict on `claim`, with `reason` in the claim's language where it is not plain support."""
        korean = is_korean(claim)
        if not evidence or not squeeze(claim):
            return nothing(korean)
        texts = [e.text for e in evidence]
        found = self._comparer.compare(claim, texts, question)
        if found.quoted:
            return Judgement("supported", 1.0)
        try:
            likely = self._likely(claim, texts, question)
        except GakjuError as error:
            if not self._told:
                log.warning("claims are judged by words alone: %s", error)
                self._told = True
            return self._words.judge(claim, evidence, question=question)
        return self._verdict(found, likely, features(found, likely), korean)

    def features(self, claim: str, texts: Sequence[str], question: str) -> tuple[Compared, tuple[float, ...]]:
        """What the score is worked out from, for who fits it."""
        found = self._comparer.compare(claim, texts, question)
        return found, features(found, self._likely(claim, texts, question))

    def _likely(self, claim: str, texts: Sequence[str], question: str) -> tuple[float, float, float]:
        return self._entails(claim, self._premise(claim, texts), "" if _SENTENCE.search(claim) else question)

    def _premise(self, claim: str, texts: Sequence[str]) -> str:
        """Evidence in its own order; where it is too long, what is least like the claim is left out."""
        if sum(map(len, texts)) <= PREMISE:
            return " ".join(texts)
        order = sorted(range(len(texts)), key=lambda i: -self._comparer.coverage(claim, texts[i]))
        kept: list[int] = []
        left = PREMISE
        for i in order:
            if len(texts[i]) <= left or not kept:
                kept.append(i)
                left -= len(texts[i])
        return " ".join(texts[i] for i in sorted(kept))

    def _verdict(
        self, found: Compared, likely: tuple[float, float, float], values: Sequence[float], korean: bool
    ) -> Judgement:
        entailed, _, denied = likely
        fit = calibration()
        score = fit.score(values)
        sure = entailed >= _SURE
        softened = found if not sure else found.without_opposite()
        likeness = max(found.coverage, entailed, denied) if found.foreign else found.coverage
        if wrong := wrongly(softened, likeness, korean):
            return Judgement(wrong.verdict, round(min(wrong.score, score), 3), wrong.reason)
        score = round(score, 3)
        if score >= fit.supported:
            return Judgement("supported", score)
        return _doubted(found, score, denied, sure, korean)


def _doubted(found: Compared, score: float, denied: float, sure: bool, korean: bool) -> Judgement:
    """Where the score does not reach support. The head alone makes words that are all there doubtful, no more: of true
    sentences said otherwise it denies three times as many as the words do (bench/verifier.py)."""
    fit = calibration()
    if found.strange and not sure:
        said = ("문서에 없는 이름: " if korean else "not in the source: ") + ", ".join(found.strange)
        return Judgement("unsupported", score, said)
    if score >= fit.partial or (found.coverage >= PARTIAL and not found.foreign):
        said = "일부만 문서에서 확인됨" if korean else "only partly borne out by the source"
        return Judgement("partial", score, said)
    if denied >= fit.denied:
        return Judgement("contradicted", score, "문서의 말과 어긋남" if korean else "the source says otherwise")
    return Judgement("unsupported", score, "문서에서 찾지 못함" if korean else "not found in the source")


def features(found: Compared, likely: tuple[float, float, float]) -> tuple[float, ...]:
    """In the order of `FEATURES`; the probability as log odds, ±6 at most."""
    return _odds(likely[0]), found.coverage, float(found.span), float(bool(found.strange))


def _odds(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return max(-6.0, min(6.0, math.log(p / (1 - p))))
