"""Answers of Gakju and of LangChain's retrieval chain to the same questions, scored alike; every answer is kept.

    python bench/answers.py [RUN…] [--n 200] [--sets NAME…] [--json FILE] [--read FOLDER] [--show]

RUN is WHO:MODEL, WHO one of verbatim, free, langchain; MODEL a name of `gakju models list`, qwen2.5-coder-0.5b unless
told; `free:qwen2.5-coder-0.5b:60` asks 60 questions instead of N. Without one: verbatim, free and langchain.
The sets are korquad1-dev and squad2-half, all passages indexed. Questions: those on even lines of queries.jsonl (the
odd ones are for development), shuffled with seed 0, the first N; a larger N keeps those of a smaller one.

It is hours of generation on two cores: whatever was answered is kept (`--keep`) and a run goes on where it was.
Gakju's answers are kept by what decides them (`gakju.evaluation.answers`). LangChain's chain runs in an environment of
bench/peers/setup.sh (`--envs`) with the same weights on Gakju's engine behind `gakju up`: see peers/answers.py.

Told for each run: the measures of gakju.evaluation.answer_scores with 95 % intervals; and against LangChain, on the
questions that both were asked, how many times its F1 is had and what part of its unsupported answers. Unsupported is
judged by the set and not by Gakju's verdicts: the answer neither holds a known one (nor stands in one, nor is nearly
the same) nor stands in a passage known to hold the answer. That is kind to quotations, since a wrong span of the right
passage is not unsupported: so wrong answers are told as well, and answers of both were read by hand (answers_read/).
`--show` asks nothing, it scores what is kept.
`--read` writes 50 answers of each run to read by hand.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np

from common import GAKJU, HERE, data, environment, load, prepared, report, scratch
from gakju.assistant.parts import Parts
from gakju.evaluation import answers
from gakju.evaluation.answer_scores import Scored, curve, passages, scored, summary
from gakju.evaluation.answers import Answered
from gakju.evaluation.datasets import Asked, RetrievalSet, asked, retrieval_set
from gakju.evaluation.statistics import ratio_interval
from gakju.settings import Settings
from gakju.types import Progress

SETS = "korquad1-dev", "squad2-half"
SMALL = "qwen2.5-coder-0.5b"
READ = 50
REFUSE_BELOW = Settings.model_fields["refuse_below"].default


class Run(NamedTuple):
    who: str
    model: str
    count: int

    @property
    def name(self) -> str:
        return f"{self.who} {self.model.removeprefix('qwen2.5-coder-')}"


def runs(given: Sequence[str], count: int) -> list[Run]:
    found = []
    for text in given or ("verbatim", "free", "langchain"):
        who, model, own = [*text.split(":"), "", ""][:3]
        found.append(Run(who, model or SMALL, int(own or count)))
    return found


def sample(one: RetrievalSet) -> list[Asked]:
    """Every question of an even line, counted from 0, in the order they are asked in."""
    lines = (one.folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    even = {json.loads(line)["_id"] for line in [x for x in lines if x.strip()][::2]}
    found = [question for question in asked(one, "dev") if question.id in even]
    random.Random(0).shuffle(found)
    return found


def ours(run: Run, one: RetrievalSet, keep: Path, refuse_below: float, *, ask: bool) -> list[Answered]:
    questions = sample(one)[: run.count]
    model = f"embedded:{run.model}"
    options = {"model": model, "mode": run.who}
    settings = Settings(home=prepared(keep / "home"), refuse_below=refuse_below)
    with closing(Parts(settings)) as parts:
        kept = answers.Run(keep, one, answers.decisive(parts, one, options))
        if ask and any(q.id not in kept.answers for q in questions):
            with answers.opened(parts, one, keep, model, tell) as assistant:
                answers.evaluate(assistant, kept, questions, tell, **options)
        return [kept.answers[q.id] for q in questions if q.id in kept.answers]


def tell(step: Progress) -> None:
    print(f"{step.stage} {step.done}/{step.total} {step.unit}", flush=True)


def langchain(run: Run, one: RetrievalSet, keep: Path, envs: Path, *, ask: bool) -> list[Answered]:
    questions = sample(one)[: run.count]
    lines = keep / "langchain" / run.model / f"{one.name}.jsonl"
    have = {a.id: a for a in read(lines)}
    if ask and any(q.id not in have for q in questions):
        with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as url:
            ids = Path(folder) / "ids"
            ids.write_text("".join(f"{q.id}\n" for q in questions), encoding="utf-8")
            script = [envs / "langchain" / "bin" / "python", HERE / "peers" / "answers.py", one.folder, "--ids", ids]
            where = ["--url", f"{url}/v1", "--model", f"embedded:{run.model}", "--out", lines]
            subprocess.run(list(map(str, [*script, *where])), check=True)
        have = {a.id: a for a in read(lines)}
    return [have[q.id] for q in questions if q.id in have]


def read(lines: Path) -> list[Answered]:
    if not lines.exists():
        return []
    whole = lines.read_text(encoding="utf-8").rpartition("\n")[0]
    return [Answered.of(json.loads(line)) for line in whole.splitlines() if line]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a `gakju up` with an empty library."""
    log = folder / "log"
    command = [str(GAKJU), "up", "--port", "0"]
    with log.open("w") as out, subprocess.Popen(command, env=environment(prepared(folder)), stdout=out) as server:
        try:
            url = ""
            while not url:
                time.sleep(0.5)
                if server.poll() is not None:
                    raise SystemExit("gakju up has ended.")
                url = next((w for w in log.read_text().split() if w.startswith("http://127")), "").rstrip("/")
            while httpx.get(f"{url}/healthz", trust_env=False).status_code != 200:
                time.sleep(0.5)
            yield url
        finally:
            server.terminate()


def against(one: Mapping[str, Scored], other: Mapping[str, Scored]) -> dict[str, Any]:
    """How many times F1, and what part of unsupported answers, on the questions of both, with 95 % intervals."""
    both = [name for name in one if name in other]
    if not both:
        return {}
    told: dict[str, Any] = {"both_asked": len(both)}
    pairs = {
        "f1": [(one[n].f1, other[n].f1) for n in both],
        "f1_answerable": [(one[n].f1, other[n].f1) for n in both if one[n].question.answerable],
        "unsupported_answers": [(bad(one[n], False), bad(other[n], False)) for n in both],
        "wrong_answers": [(wrong(one[n]), wrong(other[n])) for n in both],
        "unsupported_answers_all": [(bad(one[n], True), bad(other[n], True)) for n in both],
    }
    for name, values in pairs.items():
        mine, theirs = np.array(values, np.float64).T
        if theirs.sum():
            low, high = ratio_interval(mine, theirs)
            told[name] = {"times": round(float(mine.sum() / theirs.sum()), 3), "ci": [round(low, 3), round(high, 3)]}
        told.setdefault(name, {}).update(ours=round(float(mine.mean()), 4), langchain=round(float(theirs.mean()), 4))
    return told


def strays(scores: Sequence[Scored]) -> int | None:
    """Words of verbatim answers that stand in none of their quotes: counted here, not by the product's own function."""
    verbatim = [s.answered for s in scores if s.answered.foreign is not None]
    words = [(word, " ".join(a.quotes)) for a in verbatim for word in re.findall(r"\w+", a.answer)]
    return sum(word not in quotes for word, quotes in words) if verbatim else None


def bad(one: Scored, everywhere: bool) -> float:
    """1 for an answer that the set does not bear out; `everywhere`: also where the question has no answer."""
    return float(not one.answered.refused and not one.grounded and (everywhere or one.question.answerable))


def wrong(one: Scored) -> float:
    """1 for an answer that is not right, wherever its words stand."""
    return float(not one.answered.refused and not one.right)


COLUMNS = (
    *(
        "questions",
        "f1",
        "exact",
        "f1_answerable",
        "exact_answerable",
        "answered",
        "citation_hit",
        "quote_hit",
        "right",
    ),
    *("unsupported_by_gold", "unsupported_by_gold_all", "unsupported_rate", "refusal_precision", "refusal_recall"),
    *("foreign_words", "stray_words", "p50_ms"),
)


def show(told: Mapping[str, Mapping[str, Any]]) -> None:
    for name, of_runs in told.items():
        print(f"\n{name}")
        for measure in COLUMNS:
            cells = []
            for one in of_runs.values():
                low, high = one["ci"].get(measure, (None, None))
                value = "–" if one[measure] is None else str(one[measure])
                cells.append(f"{value}" + ("" if low is None else f" ({low:g}–{high:g})"))
            print(f"  {measure:<24}" + "".join(f"{cell:<30}" for cell in cells))
        print(f"  {'':<24}" + "".join(f"{run:<30}" for run in of_runs))
        for run, one in of_runs.items():
            for point in one["curve"]:
                print(f"  {run}: {point}")
            for measure, ratio in one.get("against", {}).items():
                if measure != "both_asked":
                    print(f"  {run} / langchain, {one['against']['both_asked']} questions: {measure} {ratio}")


def write_read(folder: Path, of_run: str, name: str, scores: Sequence[Scored]) -> None:
    """Answers only, the first of the run, to be judged by a reader."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}-{of_run.replace(' ', '-')}.tsv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t")
        rows.writerow(["id", "question", "known", "answer", "right", "grounded", "verdicts"])
        for s in [s for s in scores if not s.answered.refused][:READ]:
            known = " / ".join(s.question.answers)
            said = " ".join(s.answered.answer.split())
            rows.writerow([s.question.id, s.question.text, known, said, s.right, s.grounded, *s.answered.verdicts])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--keep", type=Path, default=scratch("answers"))
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "envs")
    parser.add_argument("--refuse-below", type=float, default=REFUSE_BELOW, help="0 answers all, for the whole curve")
    parser.add_argument("--show", action="store_true", help="ask nothing")
    parser.add_argument("--read", type=Path, help="write answers here to read by hand")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    told: dict[str, dict[str, Any]] = {}
    busy = load()
    for name in args.sets:
        one = retrieval_set(data(f"beir/{name}"), "dev")
        texts, by_id = passages(one), {q.id: q for q in sample(one)}
        found: dict[str, dict[str, Scored]] = {}
        for run in runs(args.runs, args.n):
            if run.who == "langchain":
                got = langchain(run, one, args.keep, args.envs, ask=not args.show)
            else:
                got = ours(run, one, args.keep, args.refuse_below, ask=not args.show)
            found[run.name] = {a.id: scored(by_id[a.id], a, texts) for a in got}
        told[name] = {}
        for label, scores in found.items():
            if not scores:
                continue
            listed = list(scores.values())
            told[name][label] = {**summary(listed), "stray_words": strays(listed), "curve": curve(listed)}
            peer = found.get(f"langchain {label.split()[1]}") or found.get("langchain 0.5b")
            if peer and not label.startswith("langchain"):
                told[name][label]["against"] = against(scores, peer)
            if args.read:
                write_read(args.read, label, name, listed)
    show(told)
    report("answers", {"load": busy, "cores_used": os.cpu_count(), "sets": told}, args.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
