"""Are footnotes true? 100 questions to 18 real documents; every footnote and evidence sentence is checked.

Verbatim: the quote, without white space, in its page's text as pypdf reads it, or pdfminer, or as pdfminer
reads what lies inside the boxes (a table's row, which the first two may order otherwise).
Pixels: each box has ink and the height of a line; the boxes cut out of the page that pdfium draws are read
by tesseract (kor+eng), and the error is at most 15 % (English) or 25 % (Korean) of the quote's characters.
Where tesseract fails (formulas, a table's short cells), it is told whether pdfminer, which places characters
on its own, places inside the boxes the quote's and no other: a weaker proof, counted apart.
Spans: the page's stored text between start and end is the quote.
Also told: refusals, answers found, and the time to evidence, to the first words and to the end.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import readback
from common import load, prepared, questions, rate, real_pdfs, report, scratch, spread, squeeze, table
from gakju.assistant import Assistant
from gakju.types import Answer, Box, Done, Evidence, EvidenceFound, Span, Token

TOLERANCE = {"en": 0.15, "ko": 0.25}
PLACES = "pdfminer's places"


@dataclass
class Quoted:
    """One place that a footnote or an evidence sentence names."""

    path: Path
    document_id: str
    quote: str
    spans: Sequence[Span]
    boxes: Sequence[Box]
    kinds: set[str] = field(default_factory=set)

    @property
    def pages(self) -> list[int]:
        return sorted({s.page for s in self.spans})

    @property
    def language(self) -> str:
        return "ko" if re.search("[가-힣]", self.quote) else "en"


@dataclass
class Asked:
    """A question with what came back, and when (seconds from the question)."""

    question: dict[str, Any]
    answer: Answer
    evidence_at: float
    token_at: float | None
    total: float


def open_library(home: Path) -> tuple[Assistant, dict[str, Path]]:
    """A library of the 18 documents, added if missing; and where each document's file is, by id."""
    assistant = Assistant.open(prepared(home), ocr=True)
    wanted = real_pdfs()
    have = {Path(d.path).name for d in assistant.documents()}
    if missing := [p for p in wanted if p.name not in have]:
        print(f"Adding {len(missing)} documents to {home} …", flush=True)
        for added in assistant.add(missing):
            print(f"  {added.status:<9} {Path(added.path).name}: {added.pages} pages, {added.seconds:.1f} s")
    files = {p.name: p for p in wanted}
    by_id = {d.id: files[Path(d.path).name] for d in assistant.documents() if Path(d.path).name in files}
    return assistant, by_id


def ask(assistant: Assistant, question: dict[str, Any], model: str) -> Asked:
    started = time.perf_counter()
    evidence_at, token_at = 0.0, None
    for told in assistant.ask(question["question"], model=model):
        now = time.perf_counter() - started
        if isinstance(told, EvidenceFound):
            evidence_at = now
        elif isinstance(told, Token) and token_at is None and told.text.strip():
            token_at = now
        elif isinstance(told, Done):
            return Asked(question, told.answer, evidence_at, token_at, now)
    raise AssertionError("an answer always ends with Done")


def collect(asked: Sequence[Asked], files: dict[str, Path]) -> list[Quoted]:
    """Every footnote and evidence sentence once, with what it was used as."""
    found: dict[tuple[Any, ...], Quoted] = {}

    def note(kind: str, document_id: str, quote: str, spans: Sequence[Span], boxes: Sequence[Box]) -> None:
        key = (document_id, tuple(spans), tuple(boxes), quote)
        made = found.setdefault(key, Quoted(files[document_id], document_id, quote, spans, boxes))
        made.kinds.add(kind)

    for a in asked:
        for e in a.answer.evidence:
            note("evidence", e.document.id, e.text, e.spans, e.boxes)
        for claim in a.answer.claims:
            for f in claim.footnotes:
                spans = f.spans or (Span(f.page, f.start, f.end),)
                note("footnote", f.document.id, f.quote, spans, f.boxes)
    return list(found.values())


def span_fault(assistant: Assistant, q: Quoted) -> str:
    texts = [assistant.page(q.document_id, s.page).text[s.start : s.end] for s in q.spans]
    if len(texts) == 1:
        return "" if texts[0] == q.quote else f"span holds {texts[0][:60]!r}"
    return "" if squeeze("".join(texts)) == squeeze(q.quote) else f"spans hold {''.join(texts)[:60]!r}"


def box_faults(assistant: Assistant, q: Quoted) -> list[str]:
    """Boxes without ink, off the page, or too high to be a line of it."""
    import numpy as np

    if not q.boxes:
        return ["no boxes"]
    faults = []
    for box, image in zip(q.boxes, readback.crops(q.path, q.boxes, padding=0.0), strict=True):
        page = assistant.page(q.document_id, box.page)
        own = np.concatenate([page.glyphs[s.start : s.end] for s in q.spans if s.page == box.page])
        line = float(np.nanmedian(own[:, 3] - own[:, 1]))
        if box.x0 < -1 or box.y0 < -1 or box.x1 > page.width + 1 or box.y1 > page.height + 1:
            faults.append(f"off the page: {tuple(box)}")
        if box.y1 - box.y0 > 3 * max(line, 6):
            faults.append(f"{box.y1 - box.y0:.0f} pt high where a glyph has {line:.0f}: {tuple(box)}")
        if readback.ink(image) < readback.INK:
            faults.append(f"no ink: {tuple(box)}")
    return faults


def check(assistant: Assistant, q: Quoted) -> dict[str, Any]:
    """One record: what each check says, with enough to look at a failure."""
    scanned = all(assistant.page(q.document_id, p).status == "ocr" for p in q.pages)
    return {
        "document": q.path.name,
        "page": q.pages[0],
        "quote": q.quote,
        "boxes": [list(b) for b in q.boxes],
        "kinds": sorted(q.kinds),
        "language": q.language,
        "verbatim": "ocr page" if scanned else readback.verbatim_by(q.path, q.quote, q.pages, q.boxes),
        "span": span_fault(assistant, q),
        "box": box_faults(assistant, q),
    }


def read_pixels(q: Quoted) -> dict[str, Any]:
    if not q.boxes:
        return {}
    limit = TOLERANCE[q.language]
    read = readback.read_back(q.path, q.quote, q.boxes, limit)
    by = "tesseract" if read.error <= limit else "none"
    if by == "none" and readback.ink_in_all(q.path, q.boxes) and readback.placed(q.path, q.quote, q.boxes):
        by = PLACES
    return {"read": read.text, "error": round(read.error, 3), "pixels": by}


def found_in(evidence: Sequence[Evidence], q: dict[str, Any], *, page: bool) -> bool:
    return any(
        Path(e.document.path).name == q["document"] and (not page or q["page"] in {s.page for s in e.spans})
        for e in evidence
    )


def answers(asked: Sequence[Asked]) -> dict[str, Any]:
    """How well the questions went."""
    n = len(asked)

    def share(test: list[bool]) -> str:
        return rate(sum(test), n)

    wanted = [squeeze(a.question["answer"]) for a in asked]
    pairs = list(zip(asked, wanted, strict=True))
    return {
        "answered": share([not a.answer.refused for a in asked]),
        "refused": share([a.answer.refused for a in asked]),
        "answer in evidence@1": share([any(w in squeeze(e.text) for e in a.answer.evidence[:1]) for a, w in pairs]),
        "answer in evidence@6": share([any(w in squeeze(e.text) for e in a.answer.evidence[:6]) for a, w in pairs]),
        "answer in the answer": share([not a.answer.refused and w in squeeze(a.answer.answer) for a, w in pairs]),
        "right document@1": share([found_in(a.answer.evidence[:1], a.question, page=False) for a in asked]),
        "right document@6": share([found_in(a.answer.evidence[:6], a.question, page=False) for a in asked]),
        "right page@1": share([found_in(a.answer.evidence[:1], a.question, page=True) for a in asked]),
        "right page@6": share([found_in(a.answer.evidence[:6], a.question, page=True) for a in asked]),
        "answers with a footnote": share([any(c.footnotes for c in a.answer.claims) for a in asked]),
        "verdicts": dict(Counter(c.verdict for a in asked for c in a.answer.claims)),
        "seconds to evidence": spread([a.evidence_at for a in asked]),
        "seconds to first token": spread([a.token_at for a in asked if a.token_at is not None]),
        "seconds in all": spread([a.total for a in asked]),
    }


def truths(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The rates this script is for, over unique quotes."""
    texts = [r for r in records if r["verbatim"] != "ocr page"]
    good = [r for r in texts if r["verbatim"] != "none"]
    read = [r for r in records if "pixels" in r]
    notes = [r for r in records if "footnote" in r["kinds"]]

    def pixels(some: Sequence[dict[str, Any]]) -> str:
        seen = [r["pixels"] for r in some if "pixels" in r]
        return f"{rate(seen.count('tesseract'), len(seen))}, and {seen.count(PLACES)} by {PLACES}"

    return {
        "unique quotes": len(records),
        "of them in footnotes": len(notes),
        "read by": dict(Counter(r["verbatim"] for r in records)),
        "verbatim": rate(len(good), len(texts)),
        "verbatim, footnotes": rate(sum(r in good for r in notes), sum(r in texts for r in notes)),
        "spans right": rate(sum(not r["span"] for r in records), len(records)),
        "boxes sound": rate(sum(not r["box"] for r in records), len(records)),
        "pixels": pixels(read),
        "pixels, footnotes": pixels(notes),
        **{f"pixels, {x}": pixels([r for r in read if r["language"] == x]) for x in TOLERANCE},
    }


def check_questions(listed: Sequence[dict[str, Any]]) -> list[str]:
    """Questions whose answer is not on the page named, as pypdf or pdfminer reads it."""
    files = {p.name: p for p in real_pdfs()}
    wrong = []
    for q in listed:
        if readback.verbatim_by(files[q["document"]], q["answer"], [q["page"]], ()) == "none":
            wrong.append(f"{q['document']} p. {q['page']}: {q['answer']!r}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=scratch("footnotes"), help="data folder to use or fill")
    parser.add_argument("--questions", type=Path, help="JSON lines; bench/questions/real_pdfs.jsonl")
    parser.add_argument("--only", type=int, help="ask only the first N")
    parser.add_argument("--model", default="", help="provider:model; the default one")
    parser.add_argument("--no-pixels", action="store_true", help="leave tesseract out")
    parser.add_argument("--check-questions", action="store_true", help="only check that answers stand on their pages")
    parser.add_argument("--out", type=Path, help="write everything as JSON here")
    args = parser.parse_args()
    listed = questions(args.questions)[: args.only]
    if args.check_questions:
        wrong = check_questions(listed)
        print(*wrong, f"{len(listed) - len(wrong)} of {len(listed)} answers stand on their pages.", sep="\n")
        return bool(wrong)
    assistant, files = open_library(args.home)
    with assistant:
        assistant.warm()
        busy = load()
        asked = [ask(assistant, q, args.model) for q in listed]
        told = answers(asked)
        print(f"\n{len(asked)} questions, load before {busy}")
        table(told.items())
        quotes = collect(asked, files)
        records = [check(assistant, q) for q in quotes]
    if not args.no_pixels:
        with ThreadPoolExecutor(2) as pool:
            for record, read in zip(records, pool.map(read_pixels, quotes), strict=True):
                record.update(read)
    truth = truths(records)
    print("\nFootnotes and evidence")
    table(truth.items())
    bad = [r for r in records if r["verbatim"] == "none" or r["span"] or r["box"] or r.get("pixels") == "none"]
    for r in bad[:40]:
        print("  ✗", json.dumps({k: r[k] for k in r if k not in {"boxes", "kinds"}}, ensure_ascii=False)[:400])
    report(
        "footnotes",
        {
            "load": busy,
            "answers": told,
            "truth": truth,
            "details": {
                "bad": bad,
                "asked": [
                    {
                        **a.question,
                        "given": a.answer.answer,
                        "refused": a.answer.refused,
                        "evidence": [
                            [Path(e.document.path).name, e.page, round(e.score, 3), e.text] for e in a.answer.evidence
                        ],
                        "seconds": [round(a.evidence_at, 3), a.token_at and round(a.token_at, 3), round(a.total, 3)],
                    }
                    for a in asked
                ],
            },
        },
        args.out,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
