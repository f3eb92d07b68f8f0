"""Sentences to claims: the numbers a model pointed at become places in documents; code finds what it left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from gakju.answer.prompt import shown
from gakju.protocols import Verifier
from gakju.types import Claim, Evidence, Footnote, Judgement

_RANK = {"supported": 3, "partial": 2, "contradicted": 1, "unsupported": 0}
MOST = 3
"""Footnotes of one claim."""
FOUND = 4
"""Sentences tried beside the best one, and those looked for on a claim's own account."""
_BETTER = 0.03
"""A sentence that adds less to the score is no footnote."""

Find = Callable[[str], Sequence[Evidence]]
"""A claim to evidence that was looked for on its account."""

_LEANS_KOREAN = re.compile(r"(?:이것|그것|이|그|그녀|이들|그들|해당 [가-힣]{1,6})([은는이가의도])\s")
_SUBJECT_KOREAN = re.compile(r"((?:[^\s,.]+\s){0,4}?[^\s,.]*[가-힣A-Za-z0-9)])(?:은|는|이|가)\s")
_LEANS_ENGLISH = re.compile(r"(?:It|They|He|She|This|These)\s(?=[a-z])")
_SUBJECT_ENGLISH = re.compile(
    r"((?:[\w’'-]+\s){1,6}?)(?=(?:is|are|was|were|has|have|had|can|may|must|will|shall|should|does|do|did)\b)"
)

_COURTESY = re.compile(
    r"(?:네|예|물론(?:입니다|이죠)?|알겠습니다|감사합니다|안녕하세요|안녕하십니까)[,.!\s]*"
    r"(?:[^.!?]{0,30}(?:알려\s?드리겠습니다|답변\s?드리겠습니다|말씀\s?드리겠습니다|설명\s?드리겠습니다))?[.!]?"
    r"|[^.!?\d]{0,40}(?:알려\s?드리겠습니다|답변\s?드리겠습니다|설명\s?드리겠습니다)[.!]?"
    r"|[^.!?\d]{0,30}다음과\s?같습니다[.:]?"
    r"|[^.!?\d]{0,20}도움이\s?되(?:셨|었|시|길)[^.!?\d]{0,20}[.!]?"
    r"|(?:궁금한|더|다른|추가로)[^.!?\d]{0,20}(?:문의|질문|말씀)해[^.!?\d]{0,20}[.!?]?"
    r"|(?:sure|certainly|of course|hello|hi|thank you|thanks(?! to)|okay|great question)\b[^.?\d]{0,40}[.!]?"
    r"|(?:here (?:is|are)|based on the (?:evidence|documents?|context)|the answer is as follows)[^.?\d]{0,60}[.:!]"
    r"|(?:i hope|let me know|feel free|if you have)\b[^\d]{0,80}[.!]",
    re.IGNORECASE,
)


def is_courtesy(sentence: str) -> bool:
    """Whether a sentence says nothing of the documents: a greeting, an announcement, an offer of help."""
    return bool(_COURTESY.fullmatch(sentence.strip()))


def footnote(evidence: Evidence) -> Footnote:
    first = evidence.spans[0]
    return Footnote(
        evidence.document, first.page, evidence.text, evidence.boxes, first.start, first.end, evidence.spans
    )


def standing(sentence: str, before: Sequence[str]) -> str:
    """`sentence` with the pronoun it begins with replaced by what the sentence before speaks of; else as it is.

    이는, 그는, 이것은, It, They, He, She: by rule, where the sentence before begins with its subject.
    """
    if not before:
        return sentence
    if (leans := _LEANS_KOREAN.match(sentence)) and (subject := _SUBJECT_KOREAN.match(before[-1])):
        return f"{subject[1]}{leans[1]} {sentence[leans.end() :].lstrip()}"
    if (leans := _LEANS_ENGLISH.match(sentence)) and (subject := _SUBJECT_ENGLISH.match(before[-1])):
        return f"{subject[1].strip()} {sentence[leans.end() :].lstrip()}"
    return sentence


def claim(
    text: str,
    numbers: Sequence[int],
    evidence: Sequence[Evidence],
    verifier: Verifier,
    question: str,
    *,
    said: str = "",
    find: Find | None = None,
) -> Claim:
    """The verdict on one sentence, with the fewest footnotes that carry it.

    `said` is the sentence as it is judged, where it leans on the one before. Where the sentences pointed at do not
    support it, or none is, others are looked for, in `evidence` and then by `find` for the sentence itself: a small
    model's pointer is often off by one. Numbers without evidence are left out.
    """
    said = said or text

    def judge(used: Sequence[Evidence]) -> Judgement:
        return verifier.judge(said, used, question=question)

    by_number = {e.number: e for e in evidence}
    best = _Carried([by_number[n] for n in numbers if n in by_number][:MOST], judge)
    if best.judged.verdict == "supported":
        best = _fewest(best, judge)
    else:
        best = max(best, _carried(evidence, judge), key=lambda c: c.order)
        if best.judged.verdict != "supported" and find is not None:
            known = {e.text for e in evidence}
            more = [e for e in find(said) if e.text not in known][:FOUND]
            best = max(best, _carried([*best.used, *more], judge), key=lambda c: c.order) if more else best
    judged = best.judged
    notes = () if judged.verdict == "unsupported" else tuple(footnote(e) for e in best.used)
    return Claim(text, judged.verdict, judged.score, notes, judged.reason)


class _Carried:
    """Sentences and what is judged of a claim against them."""

    def __init__(self, used: Sequence[Evidence], judge: Callable[[Sequence[Evidence]], Judgement]) -> None:
        self.used = list(used)
        self.judged = judge(used) if used else Judgement("unsupported", 0.0)

    @property
    def order(self) -> tuple[int, float]:
        return _RANK[self.judged.verdict], self.judged.score


def _carried(evidence: Sequence[Evidence], judge: Callable[[Sequence[Evidence]], Judgement]) -> _Carried:
    """The smallest set that carries a claim, greedily: the best sentence, then what makes a better verdict with it."""
    alone = sorted((_Carried([e], judge) for e in evidence), key=lambda c: c.order, reverse=True)
    best = alone[0] if alone else _Carried([], judge)
    rest = [c.used[0] for c in alone[1:]][:FOUND]
    while best.judged.verdict == "partial" and len(best.used) < MOST and rest:
        wider = max((_Carried([*best.used, e], judge) for e in rest), key=lambda c: c.order)
        if wider.order[0] <= best.order[0] and wider.judged.score < best.judged.score + _BETTER:
            break
        best = wider
        rest = [e for e in rest if e not in best.used]
    return best


def _fewest(carried: _Carried, judge: Callable[[Sequence[Evidence]], Judgement]) -> _Carried:
    """Without what the claim does not need."""
    for e in list(carried.used) if len(carried.used) > 1 else ():
        fewer = _Carried([other for other in carried.used if other is not e], judge)
        if fewer.used and fewer.order[0] == carried.order[0] and fewer.judged.score >= carried.judged.score - _BETTER:
            carried = fewer
    return carried


def meant(picked: Evidence, listed: Sequence[Evidence]) -> tuple[Evidence, Evidence | None]:
    """The sentence or row to quote for `picked`, and the row that names a row's columns where that is listed.

    Retrieval brings the first row of a table right behind a row of it; pointing at it means that row.
    """
    table = sorted((e for e in listed if _same_table(e, picked)), key=lambda e: e.spans[0])
    if len(table) < 2:
        return picked, None
    names = table[0]
    if picked.number == names.number:
        picked = min(table[1:], key=lambda e: abs(e.number - names.number + 0.5))
    return picked, names


def quoted(
    picked: Evidence,
    names: Evidence | None,
    verifier: Verifier,
    question: str,
    whole: Callable[[str], str] = shown,
) -> Claim:
    """`picked` word for word, on one line by `whole`; a table row reads with the `names` of its columns."""
    judged = verifier.judge(picked.text, [picked], question=question)
    used = [picked, names] if names else [picked]
    text = shown(whole(picked.text))
    if names:
        pairs = zip(*([whole(cell) for cell in row.text.split("\t")] for row in (names, picked)), strict=True)
        text = " · ".join(f"{name}: {cell}" for name, cell in pairs if cell.strip())
    return Claim(text, judged.verdict, judged.score, tuple(map(footnote, used)), judged.reason)


def _cells(row: Evidence) -> list[str]:
    return [" ".join(cell.split()) for cell in row.text.split("\t")]


def _same_table(a: Evidence, b: Evidence) -> bool:
    return a.chunk_id == b.chunk_id and "\t" in b.text and len(_cells(a)) == len(_cells(b))
