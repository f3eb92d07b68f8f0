"""The remedies against each other: 60 questions about the real Korean documents, by `compare_ko.yaml`.

Every remedy answers the same questions with the embedded 0.5B model and is judged alike. Then the same file again, from
what is remembered, and a part of it asked anew: the table has to be the same, and what differs is told. It can be
stopped at any time and goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import common

PLAN = common.HERE / "compare_ko.yaml"
PART = 15
"""Questions that are asked anew, of each way."""
TUNED = "documents-ko"
TIMES = ("seconds", "p50_ms", "p95_ms", "recalled", "setup")
"""What a second asking may change."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--out", type=Path, help="folder for the reports and the picture")
    parser.add_argument("--home", type=Path, default=common.scratch("compare"))
    parser.add_argument("--plan", type=Path, default=PLAN)
    parser.add_argument("--tune", action="store_true", help="teach a model other questions, as one more way")
    parser.add_argument("--limit", type=int, help="only the first so many questions; kinds are spread evenly")
    parser.add_argument("--part", type=int, default=PART, help="questions asked anew; 0 leaves that out")
    given = parser.parse_args()

    from gakju.assistant import Assistant
    from gakju.labs import compare

    plan = compare.load(given.plan)
    if given.limit:
        plan = plan.model_copy(update={"limit": given.limit})
    home = common.prepared(given.home)
    if given.tune:
        arm = compare.Arm(name="fine-tuned", model=tuned(home, plan.models[0]))
        plan = plan.model_copy(update={"arms": (*plan.arms, arm)})
    with Assistant.open(home) as assistant:
        index(assistant)
        lab = compare.of(assistant)
        estimated = lab.estimate(plan)
        print(json.dumps({k: v for k, v in estimated.items() if k != "ways"}), flush=True)
        first = run(assistant, lab, plan)
        again = run(assistant, lab, plan)
        table(first)
        anew = fresh(assistant, lab, plan, first, given.part) if given.part else {}
    from gakju.labs.compare import picture, report

    same = figures(first) == figures(again) and first["advice"] == again["advice"]
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        for language in ("ko", "en"):
            (given.out / f"compare.{language}.html").write_text(report.page(first, language), "utf-8")
        (given.out / "compare.svg").write_text(picture.svg(first, "ko"), "utf-8")
        (given.out / "compare.result.json").write_text(json.dumps(first, ensure_ascii=False, indent=1), "utf-8")
    result = {
        "estimated": {k: estimated[k] for k in ("tokens", "money", "minutes", "remembered")},
        "ways": first["ways"],
        "advice": first["advice"],
        "sentence": {language: report.sentence(first, language) for language in ("ko", "en")},
        "apart": [p for p in first["pairs"] if p["apart"]],
        "questions": first["questions"],
        "library": first["library"],
        "same_again_from_memory": same,
        "asked_anew": anew,
    }
    common.report("compare", result, given.json)


def tuned(home: Path, base: str) -> str:
    """The model that has learnt the Korean questions of real_pdfs.jsonl, which are none of the 60, and their answers.

    Needs an interpreter with the extra `finetune`: this one, or $GAKJU_TRAINER_PYTHON. Trained once.
    """
    name = f"{base}+{TUNED}"
    gakju = [common.GAKJU, "finetune", "--home", str(home), "--json"]
    if name in subprocess.run([*gakju, "list"], capture_output=True, text=True, check=True).stdout:
        return name
    with (common.HERE / "questions/real_pdfs.jsonl").open(encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["lang"] == "ko"]
    turns = [(("user", row["question"]), ("assistant", row["answer"])) for row in rows]
    lines = [{"messages": [{"role": role, "content": said} for role, said in pair]} for pair in turns]
    examples = home / "examples.jsonl"
    examples.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    start = ["start", str(examples), "--model", base, "--name", TUNED, "--epochs", "5"]
    made = json.loads(subprocess.run([*gakju, *start], capture_output=True, text=True, check=True).stdout)
    subprocess.run([*gakju, "keep", made["id"]], check=True)
    return name


def index(assistant: Any) -> None:
    here = {d.title for d in assistant.documents()} | {Path(d.path).name for d in assistant.documents()}
    missing = [path for path in common.real_pdfs() if path.name not in here]
    if missing:
        assistant.add(missing)


def run(assistant: Any, lab: Any, plan: Any) -> dict[str, Any]:
    """One run, told as it goes."""
    for left in lab.runs():  # of a process that was stopped: what it asked for is remembered
        assistant.jobs.cancel(left.id)
    job = lab.submit(plan)
    last = ""
    for event in assistant.jobs.follow(job.id):
        told = f"{event.data.get('item', '')} {event.data.get('done', '')}/{event.data.get('total', '')}"
        if event.kind == "progress" and event.data.get("item") and told != last:
            last = told
            print(told, flush=True)
    done = assistant.store.job(job.id)
    if done.state != "done":
        raise SystemExit(f"{done.state}: {done.error}")
    return done.result


def figures(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [{k: v for k, v in way.items() if k not in TIMES} for way in result["ways"]]


def fresh(assistant: Any, lab: Any, plan: Any, first: dict[str, Any], count: int) -> dict[str, Any]:
    """The first questions asked anew: which answers differ from those of the first time, and which verdicts."""
    part = run(assistant, lab, plan.model_copy(update={"limit": count, "fresh": True}))
    old = {item["id"]: item for item in first["items"]}
    ways = [way["name"] for way in part["ways"] if way["state"] == "done"]
    said = dict.fromkeys(ways, 0)
    right = dict.fromkeys(ways, 0)
    for item in part["items"]:
        for name in ways:
            said[name] += item["said"][name] != old[item["id"]]["said"][name]
            right[name] += (name in item["right"]) != (name in old[item["id"]]["right"])
    return {"questions": len(part["items"]), "other_words": said, "other_verdict": right}


def table(result: dict[str, Any]) -> None:
    head = ("way", "right", "95 %", "F1", "borne out", "refused ok", "refused wrong", "in", "out", "p50 ms", "p95 ms")
    print(" | ".join(head))
    for way in result["ways"]:
        if way["state"] != "done":
            print(f"{way['name']} | not run: {way['why']}")
            continue
        edges = "–".join(f"{edge:.2f}" for edge in way["accuracy_ci"])
        shown = ("f1", "supported", "refused_rightly", "refused_wrongly", "prompt_tokens", "completion_tokens")
        rest = [*(way[name] for name in shown), way["p50_ms"], way["p95_ms"]]
        print(" | ".join([way["name"], f"{way['accuracy']:.3f}", edges, *map(str, rest)]))


if __name__ == "__main__":
    main()
