"""What does fine-tuning a small model on this machine give, cost and spoil?

A running `gakju up`, spoken to through the openai SDK alone. SIB-200's Korean sentences have one of seven topics: 300
of its training sentences are uploaded and learnt by the embedded 0.5B model (LoRA, CPU), 48 of its dev sentences watch
over it. At two fifths of the steps the server is killed with SIGKILL, started again, and has to go on by itself. Then
its 204 test sentences are asked of three models, the prompt that names the labels in all of them: the base, the base
with eight examples (one of each label and one more) and the tuned model; base and tuned in turn, on one engine.
Answers are cached: a second run asks nothing again. Also: an unknown adapter must be refused, and 20 general questions
tell what was forgotten. `--trial` measures ten steps alone.

    python bench/finetune.py --json out.json          all of it; goes on where it was broken off
    python bench/finetune.py --gpu                    seconds a step of random weights of the same shape, no server

Needs an interpreter with the extra `finetune`: this one, or $GAKJU_TRAINER_PYTHON.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import GAKJU, data, environment, load, prepared, report, scratch, table
from gakju.labs.finetune.judge import general as questions

BASE = "embedded:qwen2.5-coder-0.5b"
NAME = "topics-ko"
TRAIN, DEV, SHOTS, KILL_AT = 300, 48, 8, 0.4

Json = dict[str, Any]


def rows(name: str) -> list[tuple[str, str]]:
    """(text, label)."""
    path = data("classify/sib200_kor_Hang") / f"{name}.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return [(r["text"], r["category"]) for r in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def stratified(found: Sequence[tuple[str, str]], count: int, seed: int) -> list[tuple[str, str]]:
    """`count` of them, labels as often as they are, drawn by chance."""
    chance = random.Random(seed)
    by_label: dict[str, list[tuple[str, str]]] = {}
    for row in chance.sample(list(found), len(found)):
        by_label.setdefault(row[1], []).append(row)
    order = sorted(
        ((i + 0.5) / len(group), label, row) for label, group in by_label.items() for i, row in enumerate(group)
    )
    picked = [row for _, _, row in order][:count]
    chance.shuffle(picked)
    return picked


def labels() -> list[str]:
    return sorted({label for _, label in rows("train")})


def system() -> str:
    return "글의 주제를 다음 가운데 하나로만 답하세요: " + ", ".join(labels())


def prompt(text: str, shots: Sequence[tuple[str, str]] = ()) -> list[Json]:
    told = [{"role": "system", "content": system()}]
    for shown, label in shots:
        told += [{"role": "user", "content": shown}, {"role": "assistant", "content": label}]
    return [*told, {"role": "user", "content": text}]


def jsonl(found: Sequence[tuple[str, str]]) -> bytes:
    lines = [{"messages": [*prompt(text), {"role": "assistant", "content": label}]} for text, label in found]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def eight() -> list[tuple[str, str]]:
    """One of each label, and one more; of the training sentences that are learnt."""
    found: dict[str, tuple[str, str]] = {}
    rest = []
    for row in stratified(rows("train"), TRAIN, 0):
        if row[1] in found:
            rest.append(row)
        else:
            found[row[1]] = row
    return [*found.values(), *rest][:SHOTS]


# The server


def home_of(folder: Path) -> Path:
    """A data folder with the shared model files, and adapters of its own."""
    own = folder / "models"
    shared = prepared(folder / "shared") / "models"
    own.mkdir(parents=True, exist_ok=True)
    for path in shared.iterdir():
        if path.is_file() and not (own / path.name).exists():
            (own / path.name).symlink_to(path.resolve())
    return folder


@contextmanager
def server(home: Path) -> Iterator[tuple[Any, subprocess.Popen[str]]]:
    """A client of the openai SDK, and the process."""
    import openai

    given = environment(home)
    python = os.environ.get("GAKJU_TRAINER_PYTHON")
    given |= {"GAKJU_TRAINER_PYTHON": python} if python else {}
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [str(GAKJU), "up", "--port", "0", "--json"], env=given, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert process.stdout
            url = json.loads(process.stdout.readline())["url"]
            yield openai.OpenAI(base_url=f"{url}/v1", api_key="none", timeout=900, max_retries=0), process
        finally:
            process.terminate()
            process.wait(60)


def trained(home: Path) -> Json:
    """The job's end, with what happened on the way; only the first call trains."""
    path = home / "state.json"
    state: Json = json.loads(path.read_text()) if path.exists() else {}

    def keep(**told: Any) -> None:
        state.update(told)
        path.write_text(json.dumps(state))

    while state.get("status") not in {"succeeded", "failed", "cancelled"}:
        with server(home) as (client, process):
            if "job" not in state:
                files = {"training_file": stratified(rows("train"), TRAIN, 0), "validation_file": rows("dev")[:DEV]}
                ids = {
                    kind: client.files.create(file=(f"{kind}.jsonl", jsonl(found)), purpose="fine-tune").id
                    for kind, found in files.items()
                }
                job = client.fine_tuning.jobs.create(
                    model=BASE, suffix=NAME, seed=0, hyperparameters={"n_epochs": state.get("epochs", 1)}, **ids
                )
                keep(job=job.id, began=time.time(), load=load())
            watch(client, process, state, keep)
    return state


def watch(client: Any, process: subprocess.Popen[str], state: Json, keep: Any) -> None:
    """Until the job has ended, or the server was killed on purpose."""
    while True:
        time.sleep(3)
        job = client.fine_tuning.jobs.retrieve(state["job"])
        events = client.fine_tuning.jobs.list_events(state["job"], limit=1000).data
        steps = [e.data["step"] for e in events if e.message.startswith("Step") and "training" in e.message]
        total = next((int(e.message.split(" of ")[1]) for e in events if " of " in e.message), 0)
        saved = any(e.message.startswith("Checkpoint") for e in events)
        if job.status in {"succeeded", "failed", "cancelled"}:
            losses = [
                [e.data.get("step"), e.data.get("train_loss"), e.data.get("valid_loss")] for e in events if e.data
            ]
            keep(status=job.status, model=job.fine_tuned_model, wall=round(time.time() - state["began"]),
                 resumed=[e.message for e in events if "goes on" in e.message], losses=losses[::-1],
                 error=job.error.message if job.error else "", tokens=job.trained_tokens)  # fmt: skip
            return
        if total and "killed_at" not in state and saved and max(steps, default=0) >= KILL_AT * total:
            keep(killed_at=max(steps))
            process.send_signal(signal.SIGKILL)
            process.wait()
            return


# Asking


class Asked:
    """Answers by model and question, kept on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self._known = {(d["kind"], d["text"]): d for d in map(json.loads, lines)}

    def get(self, client: Any, kind: str, model: str, text: str, messages: list[Json], limit: int) -> Json:
        if (kind, text) not in self._known:
            began = time.perf_counter()
            told = client.chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=limit)
            usage = told.usage
            found = {
                "kind": kind, "text": text, "said": told.choices[0].message.content or "",
                "prompt": usage.prompt_tokens,
                "answer": usage.completion_tokens, "seconds": round(time.perf_counter() - began, 3),
            }  # fmt: skip
            self._known[kind, text] = found
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found, ensure_ascii=False) + "\n")
        return self._known[kind, text]


def right(said: str, label: str) -> bool:
    return said.strip().strip(".").casefold() == label.casefold()


def interval(hits: Sequence[bool]) -> list[float]:
    """Wilson's, 95 %."""
    n, z = len(hits), 1.959964
    p = sum(hits) / n
    middle, half = (p + z * z / 2 / n), z * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    return [round((middle - half) / (1 + z * z / n), 3), round((middle + half) / (1 + z * z / n), 3)]


def paired(better: Sequence[bool], worse: Sequence[bool]) -> list[float]:
    """Difference of two accuracies on the same questions, with a bootstrap interval, 95 %."""
    chance, n = random.Random(0), len(better)
    found = [int(a) - int(b) for a, b in zip(better, worse, strict=True)]
    draws = sorted(sum(chance.choices(found, k=n)) / n for _ in range(4000))
    return [round(sum(found) / n, 3), round(draws[99], 3), round(draws[3899], 3)]


def judged(home: Path, state: Json) -> Json:
    asked, shots = Asked(home / "asked.jsonl"), eight()
    test = rows("test")
    kinds = {"base": (BASE, ()), "tuned": (state["model"], ()), "8-shot": (BASE, shots)}
    found: dict[str, list[tuple[Json, bool]]] = {kind: [] for kind in kinds}
    general: dict[str, list[bool]] = {"base": [], "tuned": []}
    with server(home) as (client, _):
        refused = unknown(client)
        for order in (("base", "tuned"), ("8-shot",)):  # eight examples once in the cache stay there
            for text, label in test:
                for kind in order:
                    model, given = kinds[kind]
                    told = asked.get(client, kind, model, text, prompt(text, given), 12)
                    found[kind].append((told, right(told["said"], label)))
        for q in questions():
            for kind, hits in general.items():
                messages = [{"role": "user", "content": q.question}]
                hits.append(
                    q.right(asked.get(client, f"general {kind}", kinds[kind][0], q.question, messages, 64)["said"])
                )
    told = {kind: figures(list(map(tuple, answers))) for kind, answers in found.items()}
    hits = {kind: [ok for _, ok in answers] for kind, answers in found.items()}
    return {
        "unknown_adapter": refused,
        "test": told,
        "tuned_minus_base": paired(hits["tuned"], hits["base"]),
        "tuned_minus_8_shot": paired(hits["tuned"], hits["8-shot"]),
        "general": {kind: f"{sum(ok)}/{len(ok)}" for kind, ok in general.items()},
    }


def figures(answers: Sequence[tuple[Any, ...]]) -> Json:
    hits, n = [ok for _, ok in answers], len(answers)
    known = {label.casefold() for label in labels()}
    return {
        "accuracy": round(sum(hits) / n, 3),
        "ci": interval(hits),
        "no_label": sum(t["said"].strip().strip(".").casefold() not in known for t, _ in answers),
        "prompt_tokens": round(sum(t["prompt"] for t, _ in answers) / n, 1),
        "answer_tokens": round(sum(t["answer"] for t, _ in answers) / n, 1),
        "p50_seconds": sorted(t["seconds"] for t, _ in answers)[n // 2],
    }


def unknown(client: Any) -> str:
    import openai

    try:
        client.chat.completions.create(model=f"{BASE}+nobody", messages=[{"role": "user", "content": "hi"}])
    except openai.NotFoundError as error:
        return f"{error.status_code} {error.code}"
    return "answered"


# Steps alone


def steps(folder: Path, count: int, shape: Mapping[str, Any] | None) -> Json:
    """`count` steps of the trainer by itself, on the same rows; with `shape` on random weights."""
    from gakju.labs.finetune.dataset import example
    from gakju.labs.finetune.recipe import Recipe
    from gakju.labs.finetune.train import Trainer
    from gakju.models import catalog, fetch

    folder.mkdir(parents=True, exist_ok=True)
    config: Json = {**Recipe(epochs=1).json(), "most_steps": count}
    if shape:
        chance = random.Random(0)
        learnt = [{"ids": chance.choices(range(1000), k=90), "learn": [[86, 90]]} for _ in range(TRAIN)]
        (folder / "rows.json").write_text(json.dumps({"train": learnt, "held": []}))
        config["shape"] = dict(shape)
    else:
        from gakju.labs.finetune.rows import Format

        entry = catalog.entry(BASE.partition(":")[2])
        weights = fetch.require(entry, home_of(folder.parent) / "models")
        made = Format(weights).rows(example(t, label, system()) for t, label in stratified(rows("train"), TRAIN, 0))
        (folder / "rows.json").write_text(json.dumps({"train": [r.json() for r in made], "held": []}))
        config["weights"] = str(weights)
    told: list[Json] = []
    trainer = Trainer(os.environ.get("GAKJU_TRAINER_PYTHON", ""), threads=0 if shape else len(os.sched_getaffinity(0)))
    end = trainer.run(folder, config, told.append, lambda: "")
    taken = [t for t in told if t["event"] == "step"][1:]  # the first one warms up
    start = next(t for t in told if t["event"] == "start")
    return {
        "device": start["device"],
        "seconds_a_step": sorted(t["seconds"] for t in taken)[len(taken) // 2],
        "cpu_seconds_a_step": sorted(t["cpu"] for t in taken)[len(taken) // 2],
        "tokens_a_step": round(sum(t["tokens"] for t in taken) / len(taken)),
        "load_seconds": start["load_seconds"],
        "gib": round(end["memory"] / 2**30, 2),
        "load": load(),
    }


QWEN_HALF = {
    "model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896, "intermediate_size": 4864,
    "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": True,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=scratch("finetune"))
    parser.add_argument("--trial", action="store_true", help="ten steps alone")
    parser.add_argument("--gpu", action="store_true", help="thirty steps of random weights of the same shape")
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--json", dest="out", type=Path)
    args = parser.parse_args()
    if args.trial or args.gpu:
        result = {"steps": steps(args.home / "steps", 30 if args.gpu else 10, QWEN_HALF if args.gpu else None)}
    else:
        state = trained(home_of(args.home))
        kept = ("status", "model", "wall", "killed_at", "resumed", "tokens", "load", "error")
        result = {"training": {k: state.get(k) for k in kept} | {"losses": state.get("losses")}}
        if state["status"] == "succeeded" and not args.train_only:
            result |= judged(args.home, state)
    table((k, {x: y for x, y in v.items() if x != "losses"} if isinstance(v, dict) else v) for k, v in result.items())
    report("finetune", result, args.out)
    return 0 if result.get("training", {}).get("status", "succeeded") == "succeeded" else 1


if __name__ == "__main__":
    sys.exit(main())
