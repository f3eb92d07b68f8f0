"""The N-shot lab: do examples in the prompt help on these questions, how many, which ones, and at what price?

    lab = FewShot(assistant)
    job = lab.submit(Plan(examples="bank", test="questions", counts=(0, 1, 4), picks=("fixed", "similar")))

A run is a job. Every answer is kept by what decides it (model, messages, options), so that a run that was stopped
goes on, and the same run again asks nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gakju.assistant.generate import collection_of, resolve
from gakju.errors import ContextTooLong, NotFound, RateLimited, UsageError
from gakju.labs import leaks, tokenizer
from gakju.labs.asking import AT_ONCE, each
from gakju.labs.fewshot.measure import Asked, pairs
from gakju.labs.fewshot.pick import PICKS, Pick, Picker
from gakju.labs.fewshot.plan import MOST, TESTS, Cell, Plan, as_plan
from gakju.labs.fewshot.prompt import Kind, Part, Task, parts, task
from gakju.labs.fewshot.score import score
from gakju.labs.leaks import Leaks
from gakju.labs.once import once
from gakju.store import Job
from gakju.store.questions import Item, QuestionSet
from gakju.store.replies import key_of
from gakju.types import Message, Progress, Usage

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.jobs import Context
    from gakju.protocols import ChatModel

KIND = "fewshot"
_SHOWN = 500
"""Characters of an answer that a result holds."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """A plan with its sets read and checked; `plan` names the model, and the sets by id and version."""

    plan: Plan
    task: Task
    bank: tuple[Item, ...]
    tests: tuple[Item, ...]
    picker: Picker
    dropped: int = 0
    """Examples left out: test questions, or there twice."""

    def messages(self, cell: Cell, question: int) -> list[Message]:
        """What is sent for the test question of that number."""
        chosen = self.picker.pick(cell.pick, cell.n, question) if cell.n else []  # type: ignore[arg-type]
        return self.task.messages(chosen, self.tests[question].question)


class FewShot:
    """The N-shot runs of one assistant. Thread-safe."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._lock = threading.Lock()
        self._last: tuple[str, Picker] | None = None
        assistant.jobs.serve(KIND, self._run, 1)

    def submit(self, plan: Plan) -> Job:
        """Queue a run; its result is what `_run` gives. Raises what `payload` does."""
        return self._assistant.submit(KIND, self.payload(plan))

    def payload(self, plan: Plan) -> Json:
        """What its job is queued with. Raises UsageError for sets that leak or do not fit the task, NotFound,
        UnknownModel, QuotaSpent, RateLimited.
        """
        a = self._assistant
        if (waiting := a.store.waiting(KIND)) > a.settings.queue:
            raise RateLimited(f"{waiting} runs wait already.", hint="Try again in a while.", retry_after=30)
        a.accounts.check()
        ready = self.ready(plan)
        return {"plan": ready.plan.model_dump(mode="json"), "model": ready.plan.model}

    def runs(self, limit: int = 50) -> list[Job]:
        """Newest first."""
        return self._assistant.store.jobs(kinds=[KIND], limit=limit)

    def ready(self, plan: Plan) -> Ready:
        """Raises what `payload` does of sets and models."""
        a = self._assistant
        model = resolve(a, plan.model or a.settings.chat_model)
        if collection_of(model) is not None:
            raise UsageError(f"{model!r} answers from documents.", hint="Name a chat model.", param="model")
        test = a.store.questions.get(plan.test, plan.test_version)
        tests = test.confirmed[: plan.limit or TESTS]
        if not tests:
            raise UsageError(f"{test.name!r} has no confirmed question.", hint="Confirm some, or choose another set.")
        if len(test.confirmed) > TESTS and not plan.limit:
            raise UsageError(f"{test.name!r} has {len(test.confirmed):,} questions.", hint=f"Set limit, up to {TESTS}.")
        most = max(plan.counts)
        shots = self._examples(plan, test) if most else None
        bank = shots.confirmed if shots else ()
        whole = len(bank)
        if plan.drop_leaks:
            bank = leaks.without(bank, tests)
        leaks.find(bank, tests).refuse()
        if len(bank) < most:
            raise UsageError(
                f"{most} examples are wanted and {len(bank)} are there.", hint="Add some, or ask for fewer."
            )
        # By id: another set may be called so when it is its turn.
        meant = {"model": model, "test": test.id, "test_version": test.version}
        meant |= {"examples": shots.id, "examples_version": shots.version} if shots else {}
        named = plan.model_copy(update=meant)
        asked = task(plan.kind, [*bank, *tests], plan.instruction, plan.max_tokens)
        return Ready(named, asked, bank, tests, self._picker(bank, tests, plan.seed), whole - len(bank))

    def _examples(self, plan: Plan, test: QuestionSet) -> QuestionSet:
        if not plan.examples:
            raise UsageError("There are no examples to choose from.", hint="Name a question set, or ask for 0 only.")
        found = self._assistant.store.questions.get(plan.examples, plan.examples_version)
        if found.id == test.id and found.version == test.version:
            raise UsageError(
                f"{test.name!r} would be examples and test at once.", hint="Split it: gakju questions split."
            )
        return found

    def _picker(self, bank: Sequence[Item], tests: Sequence[Item], seed: int) -> Picker:
        """The last one is kept: its vectors take seconds."""
        key = key_of([i.question for i in bank], [i.id for i in bank], [i.question for i in tests], seed)
        with self._lock:
            if self._last is None or self._last[0] != key:
                embedder = self._assistant.parts
                self._last = key, Picker(lambda: embedder.embedder, bank, [i.question for i in tests], seed)
            return self._last[1]

    # Before it starts

    def shown(self, ready: Ready, cell: Cell, question: int = 0) -> tuple[list[Part], bool]:
        """The prompt as it is sent, with the tokens of each part, and whether they are exact. Raises NotFound."""
        if question >= len(ready.tests):
            raise NotFound(f"There is no test question {question}.", hint=f"They are 0 to {len(ready.tests) - 1}.")
        return parts(ready.messages(cell, question), ready.plan.model, self._assistant.settings)

    def prompt(self, plan: Plan, pick: Pick, n: int, question: int) -> Json:
        """The same as the API and the commands show it; `bound` is what binds the answer."""
        ready = self.ready(plan)
        found, exact = self.shown(ready, Cell(pick, n), question)
        return {
            "parts": [part._asdict() for part in found],
            "exact": exact,
            "bound": ready.task.bound(ready.plan.model),
            "model": ready.plan.model,
        }

    def estimate(self, ready: Ready) -> list[Json]:
        """Of each cell: prompt tokens a question, and of the whole run tokens and money, about; None without a price.

        From mean lengths, so that nothing is embedded for it.
        """
        settings = self._assistant.settings
        model = ready.plan.model
        encoding = tokenizer.vocabulary(tokenizer.vocabulary_of(model)[0], settings)

        def size(messages: Sequence[Message]) -> int:
            return tokenizer.prompt_tokens(messages, model, settings)[0]

        def mean(texts: Sequence[str]) -> float:
            few = texts[:: max(1, len(texts) // 200)]
            return float(np.mean([len(encoding.encode_ordinary(text)) for text in few]))

        empty = Item("", "", ("",))
        base = size(ready.task.messages([], "")) + mean([t.question for t in ready.tests])
        turn = size(ready.task.messages([empty], "")) - size(ready.task.messages([], ""))
        each = turn + mean([f"{i.question}{ready.task.answer(i)}" for i in ready.bank]) if ready.bank else 0.0
        said = mean([ready.task.answer(t) for t in ready.tests])
        found = []
        for cell in ready.plan.cells:
            tokens = base + each * cell.n
            asked = len(ready.tests)
            money = self._money(model, round(tokens * asked), round(said * asked))
            found.append(
                {
                    "pick": cell.pick,
                    "n": cell.n,
                    "prompt_tokens": round(tokens, 1),
                    "tokens": round(tokens * asked),
                    "money": money,
                }
            )
        return found

    def _money(self, model: str, asked: int, said: int) -> float | None:
        if model.startswith("embedded:"):
            return 0.0
        return self._assistant.accounts.price(model, asked, said) if model in self._assistant.settings.prices else None

    # The run

    def _run(self, context: Context) -> Json:
        plan = as_plan(context.payload["plan"])
        ready = self.ready(plan)
        chat = self._assistant.parts.chat(plan.model)
        key_id = self._assistant.store.keys.maker(context.job.id)
        asked: list[Asked] = []
        cells: list[Json] = []
        for number, cell in enumerate(plan.cells):
            tell = _teller(context, number, cell, ready)
            try:
                one = self._cell(ready, cell, chat, key_id, tell)
            except ContextTooLong as e:  # the larger ones alone do not fit
                cells.append({"pick": cell.pick, "n": cell.n, "error": str(e)})
            else:
                asked.append(one)
                cells.append(one.told())
            context.emit("cell", cells[-1])
        return {
            "plan": plan.model_dump(mode="json"),
            "labels": list(ready.task.labels),
            "instruction": ready.task.instruction,
            "examples": len(ready.bank),
            "dropped": ready.dropped,
            "cells": cells,
            "pairs": pairs(asked),
            "items": _items(ready, asked),
        }

    def _cell(self, ready: Ready, cell: Cell, chat: ChatModel, key_id: str, tell: Callable[[int], None]) -> Asked:
        tell(0)
        prompts = [ready.messages(cell, i) for i in range(len(ready.tests))]
        named = _named(chat)
        keys = [self._key(ready, named, messages) for messages in prompts]
        replies = self._assistant.store.replies
        known = replies.get(keys)
        tell(done := len([key for key in keys if key in known]))
        missing = {key: messages for key, messages in zip(keys, prompts, strict=True) if key not in known}

        def ask(pair: tuple[str, Sequence[Message]]) -> tuple[str, Json]:
            reply = self._ask(pair[1], ready.task, chat, key_id)
            replies.put(pair[0], reply)
            return pair[0], reply

        at_once = 1 if chat.name.startswith("embedded:") else AT_ONCE
        with closing(each(ask, missing.items(), at_once=at_once)) as asked:
            for key, reply in asked:
                known[key] = reply
                tell(done := done + 1)
        found = [known[key] for key in keys]
        said = [ready.task.said(reply["text"]) for reply in found]
        scores = np.array([score(ready.task, item, text) for item, text in zip(ready.tests, said, strict=True)])
        tokens = (sum(r[side] for r in found) for side in ("prompt_tokens", "completion_tokens"))
        return Asked(cell, scores, found, said, self._money(ready.plan.model, *tokens))

    def _key(self, ready: Ready, model: str, messages: Sequence[Message]) -> str:
        told = [[m.role, m.content] for m in messages]
        return key_of(KIND, model, told, ready.task.bound(model), ready.task.max_tokens)

    def _ask(self, messages: Sequence[Message], task: Task, chat: ChatModel, key_id: str) -> Json:
        accounts = self._assistant.accounts
        accounts.check_maker(key_id)
        started = time.perf_counter()
        text, usage = "", Usage()
        stream = chat.stream(messages, max_tokens=task.max_tokens, extra=task.bound(chat.name))
        with closing(stream):  # type: ignore[type-var]
            for delta in stream:
                text += delta.text
                usage = delta.usage or usage
        took = time.perf_counter() - started
        accounts.spend(chat.name, *usage, key_id=key_id, seconds=took)
        return {"text": text, **usage._asdict(), "seconds": round(took, 4)}


def of(assistant: Assistant) -> FewShot:
    """The N-shot lab of an assistant, which from then on runs its jobs."""
    return once(FewShot, assistant)


def _named(chat: ChatModel) -> str:
    """A tuned model with the id of its adapter: one trained anew under the same name answers anew."""
    adapter: Callable[[], str] = getattr(chat, "adapter", str)
    return f"{chat.name}#{tuned}" if (tuned := adapter()) else chat.name


def _teller(context: Context, number: int, cell: Cell, ready: Ready) -> Callable[[int], None]:
    """Tells how many questions of a cell have their answer; raises Cancelled."""
    whole = len(ready.tests) * len(ready.plan.cells)

    def tell(done: int) -> None:
        context.progress(Progress("asking", number * len(ready.tests) + done, whole, "questions", item=str(cell)))

    return tell


def _items(ready: Ready, asked: Sequence[Asked]) -> list[Json]:
    """A row a test question: what each cell that was measured said, and how right it was."""
    return [
        {
            "id": item.id,
            "question": item.question[:_SHOWN],
            "answers": list(item.answers),
            "said": [one.said[i][:_SHOWN] for one in asked],
            "scores": [round(float(one.scores[i]), 4) for one in asked],
        }
        for i, item in enumerate(ready.tests)
    ]


__all__ = [
    "KIND",
    "MOST",
    "PICKS",
    "TESTS",
    "Asked",
    "Cell",
    "FewShot",
    "Item",
    "Kind",
    "Leaks",
    "Part",
    "Pick",
    "Picker",
    "Plan",
    "Ready",
    "Task",
    "as_plan",
    "leaks",
    "of",
]
