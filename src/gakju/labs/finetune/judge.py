"""What a training has given and what it has spoilt: base and tuned side by side, on the same questions."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gakju.assistant import DEFAULT
from gakju.errors import UsageError
from gakju.evaluation import match
from gakju.labs.finetune.dataset import Example
from gakju.types import Message, Progress

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.jobs import Context
    from gakju.labs.finetune.tuner import Tuner
    from gakju.protocols import ChatModel

MOST = 100
"""Held-out examples asked of each model."""
SHORT = 40
"""Characters of an expected answer that must be met exactly; of a longer one, most words."""
ALIKE = 0.5
BESIDE = 5
"""Held-out questions that the library is asked too, for what an answer of it takes."""
FILES = "judged.jsonl", "judged.json"
"""Of a tuning's folder: answers as they come, and rows once all are there."""
Side = Literal["base", "tuned"]
SIDES: tuple[Side, Side] = "base", "tuned"

Json = dict[str, Any]
Pay = Callable[[str, Callable[[], Json]], Json]
"""Asks a model of that name, and puts what it used to account."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`kind` is "held" or "general"; a general question is met where one of its answers stands in what was said."""

    kind: str
    messages: tuple[Message, ...]
    answers: tuple[str, ...]

    @property
    def question(self) -> str:
        return self.messages[-1].content

    def right(self, said: str) -> bool:
        korean = any("가" <= c <= "힣" for c in "".join(self.answers))
        if self.kind == "general":
            inside = any(a.casefold() in said.casefold() for a in self.answers if len(a) > 3)
            return inside or match.holds(said, self.answers, korean=korean)
        if len(self.answers[0]) <= SHORT:
            return match.exact(said, self.answers, korean=korean) == 1
        return match.f1(said, self.answers, korean=korean) >= ALIKE


@cache
def general() -> tuple[Asked, ...]:
    """Twenty questions of no subject, in both languages: a model that was not spoilt answers as it did."""
    text = files(__package__).joinpath("general.tsv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(Asked("general", (Message("user", r["question"]),), tuple(r["answers"].split("|"))) for r in rows)


def held_out(examples: Sequence[Example]) -> list[Asked]:
    """The conversation before the last answer, which is expected."""
    found = []
    for e in examples[:MOST]:
        before = tuple(Message(m.role, m.content) for m in e.messages[:-1])  # type: ignore[arg-type]
        found.append(Asked("held", before, (e.answer,)))
    return found


def _free(_: str, ask: Callable[[], Json]) -> Json:
    return ask()


def ask(
    questions: Sequence[Asked],
    models: dict[Side, ChatModel],
    kept: Path,
    tell: Callable[[int, int], None],
    pay: Pay = _free,
) -> list[Json]:
    """A row a question: `kind`, `question`, `expected`, and of each side `said`, `right`, `tokens`, `seconds`.

    What was answered is kept in `kept`: a judgement that was broken off goes on.
    """
    rows: list[Json] = [
        {"kind": q.kind, "question": q.question, "expected": q.answers[0]} for q in questions
    ]  # fmt: skip
    known = {(d["side"], d["at"]): d for d in _lines(kept)}
    done = 0
    with kept.open("a", encoding="utf-8") as file:
        file.write("\n")  # after a line that a kill has cut
        for at, question in enumerate(questions):
            for side in SIDES:
                if (side, at) not in known:
                    told = pay(models[side].name, partial(_answer, models[side], question))
                    known[side, at] = {"side": side, "at": at, **told}
                    file.write(json.dumps(known[side, at], ensure_ascii=False) + "\n")
                    file.flush()
                told = known[side, at]
                answer = {k: told[k] for k in ("said", "prompt", "answer", "seconds")}
                rows[at][side] = {**answer, "right": question.right(told["said"])}
                done += 1
                tell(done, 2 * len(questions))
    return rows


def _answer(model: ChatModel, question: Asked) -> Json:
    began, text, prompt, answer = time.perf_counter(), "", 0, 0
    limit = 16 + 2 * max(len(a) for a in question.answers) if question.kind == "held" else 64
    for delta in model.stream(question.messages, max_tokens=min(limit, 512)):
        text += delta.text
        if delta.usage:
            prompt, answer = delta.usage.prompt_tokens, delta.usage.completion_tokens
    return {"said": text, "prompt": prompt, "answer": answer, "seconds": round(time.perf_counter() - began, 3)}


def run(tuner: Tuner, context: Context) -> Json:
    """The job: base and tuned on what was held out and on general questions; told as `judged` of the tuning."""
    a, tuning = tuner.assistant, tuner.get(context.payload["tuning"])
    names = tuner.models(tuning)
    if names is None:
        raise UsageError(f"{tuning.id} has no model any more.")
    folder = tuner.folder(tuning.id)
    questions = [*held_out(tuner.examples(tuning.id).held), *general()]

    def tell(done: int, total: int) -> None:
        context.progress(Progress("judging", done, total, "answers"))

    def pay(model: str, answer: Callable[[], Json]) -> Json:
        a.accounts.check_maker(tuning.owner)
        told = answer()
        a.accounts.spend(model, told["prompt"], told["answer"], key_id=tuning.owner, seconds=told["seconds"])
        return told

    models: dict[Side, ChatModel] = {"base": a.parts.chat(names[0]), "tuned": a.parts.chat(names[1])}
    rows = ask(questions, models, folder / FILES[0], tell, pay)
    told = summary(rows)
    told["verdict"] = verdict(told)
    told["retrieval"] = beside(a, questions, context.check, tuning.owner)
    (folder / FILES[1]).write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    a.store.tunings.set(tuning.id, judged=told)
    return told


def beside(
    assistant: Assistant, questions: Sequence[Asked], check: Callable[[], None], key_id: str = ""
) -> Json | None:
    """What the library takes for an answer, by the first questions that were held out; None where it is empty.

    It goes to the account of `key_id`.
    """
    if not assistant.documents(DEFAULT):
        return None
    seconds, tokens = [], []
    for question in [q for q in questions if q.kind == "held"][:BESIDE]:
        check()
        assistant.accounts.check_maker(key_id)
        began = time.perf_counter()
        answer = assistant.answer(question.question)
        used, took = answer.usage, time.perf_counter() - began
        assistant.accounts.spend(answer.model, *used, key_id=key_id, seconds=took)
        seconds.append(took)
        tokens.append(used.prompt_tokens + used.completion_tokens)
    if not seconds:
        return None
    p50 = round(sorted(seconds)[len(seconds) // 2], 3)
    return {"asked": len(seconds), "p50_seconds": p50, "tokens": round(sum(tokens) / len(tokens), 1)}


def _lines(path: Path) -> Iterator[Json]:
    if path.exists():
        for line in path.read_text("utf-8", "replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:  # a line of a process that was killed, or an empty one
                continue


@dataclass(frozen=True, slots=True)
class Means:
    """Means of one model over questions of one kind."""

    right: int
    asked: int
    prompt_tokens: float
    answer_tokens: float
    p50_seconds: float


def summary(rows: Sequence[Json]) -> Json:
    """By kind and side the figures; `gained` and `lost` count questions that only one side has right."""
    told: Json = {}
    for kind in ("held", "general"):
        mine = [r for r in rows if r["kind"] == kind]
        if not mine:
            continue
        told[kind] = {side: asdict(_side([r[side] for r in mine])) for side in SIDES}
        told[kind]["gained"] = sum(r["tuned"]["right"] and not r["base"]["right"] for r in mine)
        told[kind]["lost"] = sum(r["base"]["right"] and not r["tuned"]["right"] for r in mine)
    return told


def _side(answers: Sequence[Json]) -> Means:
    n = len(answers)

    def mean(key: str) -> float:
        return round(sum(float(a[key]) for a in answers) / n, 1)

    seconds = sorted(a["seconds"] for a in answers)
    return Means(sum(a["right"] for a in answers), n, mean("prompt"), mean("answer"), seconds[n // 2])


def verdict(told: Json) -> str:
    """A key of the languages: whether to keep it."""
    held, other = told.get("held"), told.get("general")
    if not held:
        return "judge_nothing"
    better, worse = held["gained"], held["lost"]
    if other and other["lost"] - other["gained"] > other["base"]["asked"] * 0.1:
        return "judge_forgot"
    if better + worse == 0:
        return "judge_same"
    if better <= worse:
        return "judge_worse"
    return "judge_better" if _sign(better, worse) < 0.05 else "judge_unsure"


def _sign(a: int, b: int) -> float:
    """Two-sided sign test on the questions where they differ (McNemar's, exact)."""
    from math import comb

    n, k = a + b, min(a, b)
    return float(min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n))
