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
from gakju.types import Judgement
from gakju.verify.compare import Compared, is_korean
from gakju.verify.lexical import PARTIAL, ExactFirst, LexicalVerifier, plainly, wrongly

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
"""So sure that a claim is entailed that a name that only the analyser takes for one is not held against it."""
_SAME_WORDS = 0.95
"""Yes and no, told by rule, are held against a claim whose words are nearly all in the evidence. With other words "not
paid by the 20th" is "paid late", and the head takes a "not" for a denial too often to ask it."""


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


class LocalVerifier(ExactFirst):
    """A sentence quoted word for word is supported, at no cost. What differs exactly decides; else the score does.

    Where the entailment model cannot be had, words alone are judged by (`LexicalVerifier`). Thread-safe.
    """

    def __init__(self, morphemes: Morphemes, entails: Entails) -> None:
        super().__init__(morphemes)
        self._words = LexicalVerifier(self._comparer)
        self._entails = entails
        self._told = False

    def left_open(self, claim: str, texts: Sequence[str], question: str, found: Compared) -> Judgement:
        try:
            likely = self._likely(claim, texts, question)
        except GakjuError as error:
            if not self._told:
                log.warning("claims are judged by words alone: %s", error)
                self._told = True
            return self._words.left_open(claim, texts, question, found)
        return self._verdict(found, likely, features(found, likely), is_korean(claim))

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
        opposed = found.coverage >= _SAME_WORDS if found.polar == "negated" else found.polar == "contrary" or not sure
        softened = found if opposed else found.without_opposite()
        likeness = max(found.coverage, entailed, denied) if found.foreign else found.coverage
        if wrong := wrongly(softened, likeness, korean):
            return Judgement(wrong.verdict, round(min(wrong.score, score), 3), wrong.reason)
        if score >= fit.supported:
            return plainly("supported", score, korean)
        return _doubted(found, score, denied, sure, korean)


def _doubted(found: Compared, score: float, denied: float, sure: bool, korean: bool) -> Judgement:
    """Where the score does not reach support. The head alone makes words that are all there doubtful, no more: of true
    sentences said otherwise it denies three times as many as the words do (bench/verifier.py)."""
    fit = calibration()
    if (names := found.strange or found.exchanged) and not sure:
        said = ("문서에 없는 이름: " if korean else "not in the source: ") + ", ".join(names)
        return Judgement("unsupported", round(score, 3), said)
    if score >= fit.partial or (found.coverage >= PARTIAL and not found.foreign):
        return plainly("partial", score, korean)
    return plainly("contradicted" if denied >= fit.denied else "unsupported", score, korean)


def features(found: Compared, likely: tuple[float, float, float]) -> tuple[float, ...]:
    """In the order of `FEATURES`; the probability as log odds, ±6 at most."""
    return _odds(likely[0]), found.coverage, float(found.span), float(bool(found.strange))


def _odds(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return max(-6.0, min(6.0, math.log(p / (1 - p))))
