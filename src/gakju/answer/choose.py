"""The span of the evidence that answers a question: a linear weighing of what speaks for each.

`spans.json` holds the weights, by language and by feature; bench/fit_spans.py fits them and says on what. A softmax
over all spans gives the chance of each; what `confidence` makes of it says how likely the best one is right.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from gakju.answer.asked import SENTENCE, Asked
from gakju.answer.pieces import Tagger
from gakju.answer.spans import Span, fits, spans
from gakju.types import Evidence

LOOKED_AT = 4
"""Sentences that spans are taken from."""
CONFIDENCE = ("chance", "mass", "strength", "share", "near", "repeats")
"""Of the best span: its chance, that of all spans it meets, log odds of the evidence's strength, and its features."""
_UNFITTING = 0.3
"""What is left of the confidence where a figure is asked for and none is there."""
_MORE = 0.35
"""A further span of a list has at least this much of the best one's chance."""
_LIST = re.compile(
    r"무엇무엇|누구누구|어디어디|모두|각각|(?:두|세|네|[2-9])\s?(?:가지|명|곳|개|사람)[은는을의]|들은\s?(?:누구|무엇|어디)?"
    r"|종류|\b(?:which|what|who) (?:two|three|four|five|are|were)\b|\blist\b|\bname (?:the )?(?:two|three|four)\b",
    re.IGNORECASE,
)


_TIME = re.compile(r"년|개월|달|주|일|시간|분|초")
_TIMES = re.compile(r"(?:\d|[한두세네일이삼사오육칠팔구십])\s?(?:년|개월|달|주|영업일|일|시간|분|초)|반년")
_UNIT = re.compile(r"\d[\d.,]*\s?[가-힣%]{0,4}$")
_BOUND = re.compile(r"\s?(?:이상|이하|미만|초과|이내)(?!적)(?:\s\d[\d.,]*\s?[가-힣%]{0,4}?\s?(?:이하|미만|이내))?")


@dataclass(frozen=True, slots=True)
class Choice:
    """The spans that answer, best first, all of `evidence`'s sentences; `confidence` in 0..1 that they do."""

    picked: tuple[tuple[Evidence, Span], ...]
    confidence: float


@cache
def weights() -> dict[str, dict[str, float]]:
    return json.loads(files("gakju.answer").joinpath("spans.json").read_text("utf-8"))  # type: ignore[no-any-return]


def wants_span(asked: Asked, question: str) -> bool:
    """Whether a name, a number or a phrase answers `question`; a reason, a way or yes and no wants a sentence."""
    if asked.kind in SENTENCE or asked.defines:
        return False
    if asked.kind != "what" or asked.case:
        return True
    if asked.korean:
        return bool(re.search(r"무엇|무슨|어떤|어떠한|어느|뭐|뭘|[가-힣](?:은|는)\s?\?\s*$", question))
    return bool(re.search(r"\b(?:what|which)\b", question, re.IGNORECASE))


def choose(
    question: str,
    asked: Asked,
    evidence: Sequence[Evidence],
    strength: float,
    tagger: Tagger,
    whole: Callable[[str], str] = str,
) -> Choice:
    """Nothing is picked where the evidence has no span at all. `whole` puts words together that line ends part."""
    looked = [e for e in evidence if "\t" not in e.text][:LOOKED_AT]
    texts = [whole(e.text) for e in looked]
    found = spans(texts, [e.score for e in looked], asked, tagger)
    if not found:
        return Choice((), 0.0)
    own = weights()["ko" if asked.korean else "en"]
    weighed = [sum(own.get(name, 0.0) * value for name, value in span.features.items()) for span in found]
    high = max(weighed)
    chances = [math.exp(w - high) for w in weighed]
    ranked = sorted(zip(chances, found, strict=True), key=lambda one: -one[0])
    # Others still count against the best one: where they are likelier, it is in doubt.
    fitting = [one for one in ranked if _fit(asked, one[1])]
    ranked = fitting or ranked
    if _TIME.fullmatch(asked.counter):
        ranked = [one for one in ranked if _TIMES.search(one[1].text)] or ranked
    best = ranked[0][1]
    picked = [best]
    if _LIST.search(question):
        for chance, span in ranked[1:20]:
            alike = span.sentence == best.sentence and not any(_meet(span, other) for other in picked)
            if alike and chance >= _MORE * ranked[0][0] and len(picked) < 4:
                picked.append(span)
        picked.sort(key=lambda span: span.start)
    sure = confidence(signs(found, weighed, strength, found.index(best)), asked.korean)
    sure = sure if fitting else sure * _UNFITTING
    return Choice(tuple((looked[s.sentence], bounded(texts[s.sentence], s)) for s in picked), sure)


def bounded(text: str, span: Span) -> Span:
    """A number of `text` with the bound that follows: 15일 이내, 6개월 이상 12개월 미만."""
    end = span.end
    if _UNIT.search(span.text) and (bound := _BOUND.match(text, end)):
        end = bound.end()
    return span if end == span.end else replace(span, end=end, text=text[span.start : end])


def _fit(asked: Asked, span: Span) -> bool:
    """A name with a figure in it is no number."""
    return fits(asked, span.text) and not (asked.number and {"c=latin", "c=caps"} & span.features.keys())


def _meet(one: Span, other: Span) -> bool:
    return one.sentence == other.sentence and one.start < other.end and other.start < one.end


def signs(found: Sequence[Span], weighed: Sequence[float], strength: float, at: int | None = None) -> list[float]:
    """What tells a right answer from a wrong one, in the order of CONFIDENCE; `weighed` as `found`. The answer is the
    one at `at`, the heaviest where that is None.
    """
    at = max(range(len(found)), key=weighed.__getitem__) if at is None else at
    best, high = found[at], weighed[at]
    chances = [math.exp(w - high) for w in weighed]
    total = sum(chances)
    mass = sum(chance for chance, span in zip(chances, found, strict=True) if _meet(span, best)) / total
    strength = min(max(strength, 0.001), 0.999)
    own = best.features
    return [1 / total, mass, math.log(strength / (1 - strength)), own["share"], own["near"], own["repeats"]]


def confidence(signs: Sequence[float], korean: bool) -> float:
    """A logistic over `signs`: how likely the best span answers."""
    own = weights()["confidence_ko" if korean else "confidence_en"]
    weighed = own["one"] + sum(own[name] * value for name, value in zip(CONFIDENCE, signs, strict=True))
    return 1 / (1 + math.exp(-weighed))
