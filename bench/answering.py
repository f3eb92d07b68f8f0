"""How long until the first verdict, and until the whole verified answer, with the embedded 0.5B?

    python bench/answering.py [--home DIR] [--modes verbatim free] [--questions 20] [--json FILE]

Korean and English questions over the 18 real documents (an empty data folder is filled with them first), in this
process, models loaded and the prompts' beginning read before. Told for each mode: seconds to the evidence, the first
verdict and the whole answer, how many were refused, the share of supported sentences, and in verbatim mode the words
that neither the evidence nor the connectives hold.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from common import load, prepared, questions, real_pdfs, report, scratch, spread, table
from gakju.answer.verbatim import foreign_words
from gakju.assistant import Assistant


def measured(assistant: Assistant, mode: str, asked: list[str]) -> dict[str, Any]:
    busy = load()
    told = [assistant.answer(question, mode=mode) for question in asked]
    answered = [a for a in told if not a.refused]
    shares = [a.supported_share for a in answered if a.supported_share is not None]
    figures: dict[str, Any] = {
        "load": busy,
        "questions": len(told),
        "refused": len(told) - len(answered),
        "supported_share": round(sum(shares) / len(shares), 3) if shares else None,
    }
    for name in ("evidence", "verdict", "total"):
        if times := [a.timings[name] for a in answered if name in a.timings]:
            figures[name] = spread(times)
    if mode == "verbatim":
        figures["foreign_words"] = sum(len(foreign_words(a.answer, a.evidence)) for a in answered)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=scratch("answering"))
    parser.add_argument("--modes", nargs="+", default=["verbatim", "free"], choices=["verbatim", "free"])
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    listed = [q["question"] for q in questions()]
    asked = listed[:: max(1, len(listed) // args.questions)][: args.questions]
    with Assistant.open(prepared(args.home)) as assistant:
        if not assistant.documents():
            assistant.add(real_pdfs())
        assistant.warm()
        assistant.answer(asked[-1])
        result = {mode: measured(assistant, mode, asked) for mode in args.modes}
    table(result.items())
    report("answering", result, args.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
