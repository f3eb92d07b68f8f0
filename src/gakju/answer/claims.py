"""Sentences to claims: the numbers a model pointed at become places in documents; code finds what it left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gakju.answer.prompt import shown
from gakju.protocols import Verifier
from gakju.types import Claim, Evidence, Footnote, Judgement

_RANK = {"supported": 3, "partial": 2, "contradicted": 1, "unsupported": 0}
MOST = 3
"""Footnotes of one claim."""

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


def claim(text: str, numbers: Sequence[int], evidence: Sequence[Evidence], verifier: Verifier, question: str) -> Claim:
    """The verdict on one sentence, with the footnotes that carry it.

    Where the sentences pointed at do not support it, or none is, the best one or two are looked for: a small
    model's pointer is often off by one. Numbers without evidence are left out.
    """
    by_number = {e.number: e for e in evidence}
    pointed = [by_number[n] for n in numbers if n in by_number][:MOST]
    judged = verifier.judge(text, pointed, question=question) if pointed else Judgement("unsupported", 0.0)
    if judged.verdict != "supported":
        other, used = _best(text, evidence, verifier, question)
        if not pointed or _order(other) > _order(judged):
            judged, pointed = other, used
    if judged.verdict == "unsupported":
        pointed = []
    notes = tuple(footnote(e) for e in pointed)
    return Claim(text, judged.verdict, judged.score, notes, judged.reason)


def _order(judged: Judgement) -> tuple[int, float]:
    return _RANK[judged.verdict], judged.score


def _best(
    text: str, evidence: Sequence[Evidence], verifier: Verifier, question: str
) -> tuple[Judgement, list[Evidence]]:
    """The sentence that carries `text` best, with a second one where only both do."""
    alone = [(verifier.judge(text, [e], question=question), [e]) for e in evidence]
    best = max(alone, key=lambda found: _order(found[0]))
    if best[0].verdict != "partial":
        return best
    first = best[1][0]
    pairs = [
        (verifier.judge(text, [first, e], question=question), [first, e]) for e in evidence if e.number != first.number
    ]
    return max([best, *(p for p in pairs if p[0].verdict == "supported")], key=lambda found: _order(found[0]))


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


def quoted(picked: Evidence, names: Evidence | None, verifier: Verifier, question: str) -> Claim:
    """`picked` word for word; a table row reads with the `names` of its columns."""
    judged = verifier.judge(picked.text, [picked], question=question)
    used = [picked, names] if names else [picked]
    text = shown(picked.text)
    if names:
        pairs = zip(_cells(names), _cells(picked), strict=True)
        text = " · ".join(f"{name}: {cell}" for name, cell in pairs if cell)
    return Claim(text, judged.verdict, judged.score, tuple(map(footnote, used)), judged.reason)


def _cells(row: Evidence) -> list[str]:
    return [" ".join(cell.split()) for cell in row.text.split("\t")]


def _same_table(a: Evidence, b: Evidence) -> bool:
    return a.chunk_id == b.chunk_id and "\t" in b.text and len(_cells(a)) == len(_cells(b))
