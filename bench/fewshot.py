"""Do examples in the prompt help a small model, and do chosen ones help more than fixed ones?

    python bench/fewshot.py [--set sib-ko,sib-en,nsmc] [--model 0.5b|1.5b] [--questions N]
        [--counts 0,1,4,8] [--json FILE]

SIB-200 (Adelani et al. 2024, seven topics) in Korean and English: test items against the train split as the bank.
NSMC (film reviews, two labels): the first 2,000 reviews of the file are the bank, tests are drawn from the others.
Test items are drawn by a fixed seed; the instruction is the lab's own and was settled on the dev split of SIB-200
and on reviews of the bank. None, one, four and eight examples, fixed for all questions or the likest of each.
Answers are bound to the labels by a grammar. Every answer is kept: a second run asks nothing, a stopped one goes on.
With `--dev` it asks dev items (of NSMC: reviews of the bank) instead, for whoever changes the prompt.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path
from typing import Any

import common
from gakju.assistant import Assistant
from gakju.labs.fewshot import KIND, FewShot, Plan, Ready
from gakju.settings import load
from gakju.store.questions import Item

MODELS = {"0.5b": "embedded:qwen2.5-coder-0.5b", "1.5b": "embedded:qwen2.5-coder-1.5b"}
SETS = {"sib-ko": "sib200_kor_Hang", "sib-en": "sib200_eng_Latn", "nsmc": "nsmc_4k.tsv"}
QUESTIONS = {"0.5b": 200, "1.5b": 60}
COUNTS = {"0.5b": (0, 1, 4, 8), "1.5b": (0, 4)}
BANK = 2000
SENTIMENT = {"0": "부정", "1": "긍정"}


def main() -> None:
    given = arguments()
    home = common.prepared(given.home or common.scratch("fewshot"))
    found: dict[str, Any] = {}
    settings = load(home=home, context=4096, slots=1)
    with Assistant(settings) as assistant:
        lab = FewShot(assistant)
        for left in assistant.store.jobs(kinds=[KIND], states=["queued", "running"]):
            assistant.jobs.cancel(left.id)  # of a run that was stopped; its answers are kept
        for name in given.sets:
            print(f"{name}, {MODELS[given.model]}", flush=True)
            found[name] = measured(assistant, lab, plan_of(assistant, name, given))
            shown(found[name])
    told = {"model": MODELS[given.model], "dev": given.dev, "sets": found}
    common.report("fewshot", told, given.json)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", dest="sets", type=lambda text: text.split(","), default=list(SETS))
    parser.add_argument("--model", choices=MODELS, default="0.5b")
    parser.add_argument("--questions", type=int)
    parser.add_argument("--counts", type=lambda text: tuple(map(int, text.split(","))))
    parser.add_argument("--picks", type=lambda text: text.split(","), default=["fixed", "similar"])
    parser.add_argument("--instruction", default="")
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def plan_of(assistant: Assistant, name: str, given: argparse.Namespace) -> Plan:
    """Puts the sets into the store, where the same ones change nothing."""
    bank, tests = sib(SETS[name], given.dev) if name.startswith("sib") else nsmc(given.dev)
    random.Random(0).shuffle(tests)
    examples = assistant.store.questions.put(f"{name} examples{' dev' if given.dev else ''}", bank)
    asked = assistant.store.questions.put(f"{name} test{' dev' if given.dev else ''}", tests)
    return Plan(
        examples=examples.id,
        test=asked.id,
        model=MODELS[given.model],
        counts=given.counts or COUNTS[given.model],
        picks=tuple(given.picks),
        limit=min(len(tests), given.questions or QUESTIONS[given.model]),
        instruction=given.instruction,
        max_tokens=12,
        drop_leaks=True,
    )


def sib(folder: str, dev: bool) -> tuple[list[Item], list[Item]]:
    splits = []
    for split in ("train", "dev" if dev else "test"):
        rows = lines(common.data(f"classify/{folder}") / f"{split}.tsv")
        splits.append([Item(f"{split}-{row[0]}", row[2], (row[1],)) for row in rows])
    return splits[0], splits[1]


def nsmc(dev: bool) -> tuple[list[Item], list[Item]]:
    rows = [row for row in lines(common.data("classify/nsmc_4k.tsv")) if len(row) == 3 and row[1].strip()]
    items = [Item(row[0], row[1], (SENTIMENT[row[2]],)) for row in rows]
    return (items[: BANK // 2], items[BANK // 2 : BANK]) if dev else (items[:BANK], items[BANK:])


def lines(path: Path) -> list[list[str]]:
    """By line feed alone: reviews hold other characters that Python takes for a line's end."""
    return [line.rstrip("\r").split("\t") for line in path.read_text("utf-8").split("\n")[1:] if line.strip()]


def measured(assistant: Assistant, lab: FewShot, plan: Plan) -> dict[str, Any]:
    started = time.perf_counter()
    job = lab.submit(plan)
    for event in assistant.jobs.follow(job.id):
        if event.kind == "cell":
            print(f"  {event.data}", flush=True)
    job = assistant.store.job(job.id)
    if job.state != "done":
        raise SystemExit(f"The run ended as {job.state}: {job.error}")
    kept = {name: job.result[name] for name in ("cells", "pairs", "labels", "instruction", "examples", "dropped")}
    return {**kept, "same_label": same_label(lab.ready(plan)), "seconds": round(time.perf_counter() - started, 1)}


def same_label(ready: Ready) -> dict[str, float]:
    """Of each way to pick, the share of examples that have the question's label: what likeness can give away."""
    found = {}
    for cell in ready.plan.cells:
        if cell.n:
            pairs = [(i, e) for i in range(len(ready.tests)) for e in ready.picker.pick(cell.pick, cell.n, i)]
            same = sum(ready.tests[i].answers == example.answers for i, example in pairs)
            found[str(cell)] = round(same / len(pairs), 4)
    return found


def shown(result: dict[str, Any]) -> None:
    common.table(
        (
            f"{cell['pick']} {cell['n']}",
            f"{cell['accuracy']:.3f} [{cell['ci'][0]:.3f}, {cell['ci'][1]:.3f}]  {cell['prompt_tokens']} tokens"
            f"  {cell['p50_ms']} ms",
        )
        for cell in result["cells"]
    )
    common.table((f"{pair['cell']} - {pair['against']}", pair) for pair in result["pairs"])
    common.table((f"{cell}: examples of the same label", share) for cell, share in result["same_label"].items())


if __name__ == "__main__":
    main()
