"""What the entailment head learns from: the sets under `grounded`, cut by context, and examples made from their texts.

Every example is (question, claim, premise, allowed), `allowed` the verdicts that may be true: of a hallucinated
answer nobody says whether the context denies it. A context, with all that is asked of it, lies in one part only.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from gakju.text.sentences import sentence_spans
from gakju.verify.quantities import quantities

SETS = ("klue_nli_dev", "kornli_xnli", "halueval_qa")
ENTAILED, NEUTRAL, DENIED = 0, 1, 2
_LABELS = {
    "entailment": (ENTAILED,),
    "right_answer": (ENTAILED,),
    "neutral": (NEUTRAL,),
    "contradiction": (DENIED,),
    "hallucinated_answer": (NEUTRAL, DENIED),
}


class Example(NamedTuple):
    question: str
    claim: str
    premise: str
    allowed: tuple[int, ...]
    source: str


def examples(folder: Path, name: str) -> list[Example]:
    lines = (folder / f"{name}.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Example(r["question"], r["answer"], r["context"], _LABELS[r["orig_label"]], name) for r in rows]


def part(premise: str) -> str:
    """`train` (70 %), `calibrate` (10 %) or `test` (20 %), by the context alone."""
    place = int(hashlib.sha256(premise.strip().encode()).hexdigest()[:8], 16) % 100
    return "train" if place < 70 else "calibrate" if place < 80 else "test"


def parallel(folder: Path) -> list[tuple[str, str]]:
    """The train split of SIB-200: Korean and English of the same sentence."""
    found: list[dict[str, str]] = []
    for name in ("sib200_kor_Hang", "sib200_eng_Latn"):
        with (folder / name / "train.tsv").open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            found.append({r["index_id"]: r["text"] for r in rows})
    korean, english = found
    return [(korean[key], english[key]) for key in korean if key in english]


def made(own: Sequence[Example], pairs: Sequence[tuple[str, str]], seed: int) -> list[Example]:
    """Examples made from the contexts of each set of `own` apart, and from parallel sentences."""
    pick = random.Random(seed)
    out = []
    for name in sorted({e.source for e in own}):
        kept = [e for e in own if e.source == name]
        contexts = sorted({e.premise for e in kept if len(e.premise) >= 25})
        new = list(_from(contexts, pick)) + list(_spans([e for e in kept if e.question], pick))
        out += [e._replace(source=f"made from {name}") for e in new]
    new = list(_from([text for both in pairs for text in both], pick))
    sentences = [text for both in pairs for text in both]
    new += list(_across(pairs, Words(sentences), pick))
    out += [e._replace(source="made from sib200") for e in new]
    pick.shuffle(out)
    return out


def _from(texts: Sequence[str], pick: random.Random) -> Iterator[Example]:
    sentences = [s for text in texts for s in _sentences(text) if len(s) >= 20]
    words = Words(sentences)
    for s in sentences:
        yield from _of_sentence(s, sentences, words, pick)
    for text in texts:
        yield from _of_passage(text, sentences, pick)


def _sentences(text: str) -> list[str]:
    # HaluEval joins paragraphs without a space.
    text = re.sub(r"(?<=[a-z)][.])(?=[A-Z])", " ", text)
    return [text[a:b].strip() for a, b in sentence_spans(text)]


def _example(claim: str, premise: str, *allowed: int) -> Example:
    return Example("", claim, premise, allowed, "made")


def _of_sentence(s: str, sentences: Sequence[str], words: Words, pick: random.Random) -> Iterator[Example]:
    """One or two of: a number, a name, yes and no turned round; a shorter, a politer form; another sentence."""
    kinds: list[tuple[float, Callable[[], str | None], tuple[int, ...]]] = [
        (0.6, lambda: number_swapped(s, pick), (DENIED,)),
        (0.35, lambda: negated(s), (DENIED,)),
        (0.35, lambda: words.swapped(s, pick), (NEUTRAL, DENIED)),
        (0.25, lambda: exchanged(s, pick), (NEUTRAL, DENIED)),
        (0.35, lambda: restyled(s), (ENTAILED,)),
        (0.35, lambda: shortened(s, pick), (ENTAILED,)),
        (0.08, lambda: s, (ENTAILED,)),
        (0.1, lambda: pick.choice(sentences), (NEUTRAL,)),
    ]
    for chance, make, allowed in kinds:
        if pick.random() < chance and (claim := make()) and (claim != s or allowed == (ENTAILED,)):
            premise = s
            if pick.random() < 0.4:
                others = [pick.choice(sentences) for _ in range(pick.randint(1, 2))]
                others.insert(pick.randint(0, len(others)), s)
                premise = " ".join(others)
            yield _example(claim, premise, *allowed)
    if pick.random() < 0.3 and (turned := negated(s) or number_swapped(s, pick)):
        # Changed on both sides: that a sentence was changed, or says no, must not tell.
        yield _example(restyled(turned) or shortened(turned, pick) or turned, turned, ENTAILED)


def _of_passage(text: str, sentences: Sequence[str], pick: random.Random) -> Iterator[Example]:
    own = [s for s in _sentences(text) if len(s) >= 20]
    if len(own) < 2:
        return
    chosen = pick.choice(own)
    if pick.random() < 0.4:
        yield _example(restyled(chosen) or shortened(chosen, pick) or chosen, text, ENTAILED)
    if pick.random() < 0.3:
        yield _example(chosen, " ".join(s for s in own if s != chosen), NEUTRAL)
    if pick.random() < 0.2:
        yield _example(pick.choice(sentences), text, NEUTRAL)
    if pick.random() < 0.3 and (claim := number_swapped(chosen, pick) or negated(chosen)):
        yield _example(claim, text, DENIED)


def _across(pairs: Sequence[tuple[str, str]], words: Words, pick: random.Random) -> Iterator[Example]:
    """A claim in one language, its evidence in the other."""
    for here, there in pairs:
        for claim, premise in ((here, there), (there, here)):
            if pick.random() < 0.7:
                short = shortened(claim, pick) if pick.random() < 0.3 else None
                yield _example(short or claim, premise, ENTAILED)
            if pick.random() < 0.5 and (wrong := negated(claim)):
                yield _example(wrong, premise, DENIED)
            if pick.random() < 0.4 and (wrong := number_swapped(claim, pick)):
                yield _example(wrong, premise, DENIED)
            if pick.random() < 0.4 and (wrong := words.swapped(claim, pick)):
                yield _example(wrong, premise, NEUTRAL, DENIED)
            if pick.random() < 0.4:
                other = pick.choice(pairs)
                yield _example(claim, other[1] if premise == there else other[0], NEUTRAL)


_NAME_EN = re.compile(r"(?<![.\w] )\b[A-Z][a-z]+(?: [A-Z][a-z]+){0,2}\b|\b(?:19|20)\d\d\b")


def _spans(asked: Sequence[Example], pick: random.Random) -> Iterator[Example]:
    """Against telling by length: a name of the context that is no answer, and the sentence that holds the answer."""
    for e in asked:
        if e.allowed != (ENTAILED,):
            continue
        names = [
            n for n in _NAME_EN.findall(e.premise) if n not in e.claim and e.claim not in n and n not in e.question
        ]
        if names and pick.random() < 0.4:
            yield Example(e.question, pick.choice(names), e.premise, (NEUTRAL, DENIED), "made")
        holding = [s for s in _sentences(e.premise) if e.claim in s and len(e.claim) > 3]
        if len(holding) == 1 and pick.random() < 0.5:
            claim = restyled(holding[0]) or holding[0]
            yield Example(e.question, claim, e.premise, (ENTAILED,), "made")
            if pick.random() < 0.3:
                rest = " ".join(s for s in _sentences(e.premise) if s not in holding)
                yield Example(e.question, claim, rest, (NEUTRAL,), "made")


_DIGITS = re.compile(r"(?<![\d.,A-Za-z])\d[\d,]*(?:\.\d+)?")


def number_swapped(s: str, pick: random.Random) -> str | None:
    found = [q for q in quantities(s) if _DIGITS.search(q.text)]
    if not found:
        return None
    q = pick.choice(found)
    at = s.find(q.text)
    numbers = list(_DIGITS.finditer(q.text))
    if at < 0 or not numbers:
        return None
    m = pick.choice(numbers)
    old = float(m.group().replace(",", ""))
    new = old
    while new == old or new <= 0:
        new = pick.choice([old + pick.randint(-9, 9), old * 2, old + 10, old // 2, old * 10])
    shown = f"{new:.1f}" if "." in m.group() else f"{int(new):,}" if "," in m.group() else str(int(new))
    return s[: at + m.start()] + shown + s[at + m.end() :] if shown != m.group() else None


_NEGATIONS = [
    (r"(\w)니다\.?$", None),
    (r"이다\.?$", "이 아니다."),
    (r"있다\.?$", "없다."),
    (r"없다\.?$", "있다."),
    (r"지 않았다\.?$", "았다."),
    (r"했다\.?$", "하지 않았다."),
    (r"한다\.?$", "하지 않는다."),
    (r"됐다\.?$", "되지 않았다."),
    (r"되었다\.?$", "되지 않았다."),
    (r"된다\.?$", "되지 않는다."),
    (r"였다\.?$", "가 아니었다."),
    (r"(?<=[가-힣])는다\.?$", "지 않는다."),
]
_POLITE = [
    ("이 아닙니다", "입니다"), ("없습니다", "있습니다"), ("있습니다", "없습니다"), ("하지 않았습니다", "했습니다"),
    ("했습니다", "하지 않았습니다"), ("하지 않습니다", "합니다"), ("합니다", "하지 않습니다"),
    ("되지 않습니다", "됩니다"), ("됩니다", "되지 않습니다"), ("되었습니다", "되지 않았습니다"),
    ("이었습니다", "이 아니었습니다"), ("였습니다", "가 아니었습니다"), ("입니다", "이 아닙니다"),
]  # fmt: skip
_ENGLISH_NOT = re.compile(r"\b(is|are|was|were|can|could|will|would|should|must|has been|have been|had been)\b(?! not)")


def negated(s: str) -> str | None:
    """The sentence with its main verb turned round, by rule; None where no rule fits."""
    if re.search(r"[가-힣]", s):
        bare = s.rstrip(". ")
        for ending, other in _POLITE:
            if bare.endswith(ending):
                return bare[: -len(ending)] + other + "."
        for pattern, other in _NEGATIONS:
            if other and re.search(pattern, s):
                return re.sub(pattern, other, s)
        return None
    if " not " in s:
        return s.replace(" not ", " ", 1)
    m = _ENGLISH_NOT.search(s)
    if not m:
        return None
    first, *rest = m.group().split()
    return s[: m.start()] + " ".join([first, "not", *rest]) + s[m.end() :]


_STYLES = [
    ("이다", "입니다"), ("있다", "있습니다"), ("없다", "없습니다"), ("했다", "했습니다"), ("한다", "합니다"),
    ("된다", "됩니다"), ("되었다", "되었습니다"), ("됐다", "됐습니다"), ("였다", "였습니다"), ("않는다", "않습니다"),
    ("않았다", "않았습니다"),
]  # fmt: skip


def restyled(s: str) -> str | None:
    """Plain Korean said politely and the other way round; English with its opening phrase at the end."""
    bare = s.rstrip(". ")
    for plain, polite in _STYLES:
        if bare.endswith(polite):
            return bare[: -len(polite)] + plain + "."
        if bare.endswith(plain):
            return bare[: -len(plain)] + polite + "."
    m = re.fullmatch(r"((?:In|On|At|After|Before|During|When|As|With|By) [^,]{5,60}), (\w.+)", bare)
    return f"{m[2][0].upper()}{m[2][1:]} {m[1][0].lower()}{m[1][1:]}." if m else None


def shortened(s: str, pick: random.Random) -> str | None:
    """Without what stands in brackets or before the first comma, or without an adverbial word."""
    bracket = re.sub(r"\s?\([^()]*\)", "", s)
    if bracket != s and len(bracket) > 10:
        return bracket
    if re.search(r"[가-힣]", s):
        words = s.split()
        light = [i for i, w in enumerate(words[:-1]) if re.search(r"(?:에서|부터|까지|으로|에는|에)$", w)]
        if len(words) < 5 or not light:
            return None
        at = pick.choice(light)
        return " ".join(words[:at] + words[at + 1 :])
    m = re.search(r", (?:which|who|and|where|when|but|because) ", s)
    return s[: m.start()] + "." if m and m.start() > 25 else None


_EOJEOL = re.compile(r"^([가-힣]{2,6})(은|는|이|가|을|를|에서|의|에게|에|로|으로|와|과)$")
_CAPITALS = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]+)*")


class Words:
    """Words of sentences by the particle behind them, names where the language has capitals."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._korean: dict[str, list[str]] = {}
        self._english: list[str] = []
        for s in sentences:
            self._english += _CAPITALS.findall(s)
            for w in s.split():
                if m := _EOJEOL.match(w):
                    self._korean.setdefault(m[2], []).append(m[1])

    def swapped(self, s: str, pick: random.Random) -> str | None:
        """With one word replaced by one that another sentence has in the same role."""
        words = s.split()
        places = [(i, m) for i, w in enumerate(words) if (m := _EOJEOL.match(w))]
        if places:
            i, m = pick.choice(places)
            other = pick.choice(self._korean[m[2]])
            if other in s:
                return None
            words[i] = other + m[2]
            return " ".join(words)
        names = list(_CAPITALS.finditer(s))
        if not names or not self._english:
            return None
        name, other = pick.choice(names), pick.choice(self._english)
        return None if other in s else s[: name.start()] + other + s[name.end() :]


def exchanged(s: str, pick: random.Random) -> str | None:
    """Two words of the sentence in each other's place: who did it to whom, which number is whose."""
    words = s.split()
    places = [(i, m) for i, w in enumerate(words) if (m := _EOJEOL.match(w)) and m[2] in "은는이가을를에서"]
    pairs = [(a, b) for a, b in pairwise(places) if {a[1][2], b[1][2]} & set("은는이가") and a[1][1] != b[1][1]]
    if pairs:
        (i, a), (j, b) = pick.choice(pairs)
        words[i], words[j] = b[1] + a[2], a[1] + b[2]
        return " ".join(words)
    names = list(_CAPITALS.finditer(s))
    if len(names) < 2 or names[0].group() == names[-1].group():
        return None
    a, b = names[0], names[-1]
    return s[: a.start()] + b.group() + s[a.end() : b.start()] + a.group() + s[b.end() :]
