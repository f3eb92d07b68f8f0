"""The comparison: which remedy works on these questions, and at what price.

    compared = compare.of(assistant)
    job = compared.submit(as_plan({"questions": "faq", "arms": ["plain", {"documents": "verbatim"}]}))

A run is a job. Every answer is kept by what decides it, so that a run that was stopped or killed goes on, and the same
run again asks nothing. `report.page(job.result, "ko")` makes one HTML file of it.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gakju.assistant.generate import collection_of, resolve
from gakju.assistant.scope import Scope
from gakju.errors import ModelError, NetworkError, RateLimited, Refused, UsageError
from gakju.evaluation.answers import code
from gakju.labs import leaks
from gakju.labs.asking import AT_ONCE, each
from gakju.labs.compare import judge, measure, setup
from gakju.labs.compare.forecast import estimate, money, within
from gakju.labs.compare.measure import Answers
from gakju.labs.compare.plan import Arm, Budget, Plan, as_plan, digest, load, loads
from gakju.labs.compare.refusal import refuses
from gakju.labs.compare.ways import SETTINGS, Way, alone, looked_up, missing, turns, warm, ways, weights
from gakju.labs.fewshot.pick import Picker
from gakju.labs.once import once
from gakju.store import Job, now
from gakju.store.questions import Item, QuestionSet, as_item
from gakju.store.replies import key_of
from gakju.types import Evidence, Message, Progress

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.jobs import Context

KIND = "compare"
ANSWERS = 20_000
"""Of one comparison: all are in its result."""
VERSION = 1
"""Of what a remembered answer is; a change of it asks all again."""
_CODE = ("answer", "chunk.py", "retrieve.py", "text", "verify")
"""Parts of the package that an answer from documents depends on."""
_SHOWN = 600
"""Characters of an answer that a result holds."""
_FOUND = 4
"""Sentences of the documents that a sentence of an answer is checked against."""

Json = dict[str, Any]


@dataclass
class Ready:
    """A plan with its sets read and checked. `missing` says why a way cannot be run, by its name; `sets` are the ids
    of question sets by their field of the plan.
    """

    plan: Plan
    asked: Json
    items: tuple[Item, ...]
    bank: tuple[Item, ...]
    ways: tuple[Way, ...]
    missing: Mapping[str, str]
    shelf: Json
    picker: Picker
    keys: Callable[[Ready, Way], list[str]]
    known: Callable[[Sequence[str]], Mapping[str, Json]]
    sets: Mapping[str, str]
    made: dict[str, list[str]] = field(default_factory=dict)

    def examples(self, way: Way, question: int) -> list[Item]:
        return self.picker.pick(way.arm.pick, way.arm.shots, question) if way.arm.shots else []

    def messages(self, way: Way, question: int) -> list[Message]:
        return way.messages(self.examples(way, question), self.items[question].question)

    def keys_of(self, way: Way) -> list[str]:
        """What each of its answers is kept by."""
        if way.name not in self.made:
            self.made[way.name] = self.keys(self, way)
        return self.made[way.name]

    def remembered(self, way: Way) -> int:
        """Answers that need not be asked for. Nothing is embedded for it: examples by likeness count as not known."""
        if self.plan.fresh or (way.arm.shots and way.arm.pick != "fixed" and way.name not in self.made):
            return 0
        return len(self.known(self.keys_of(way)))


@dataclass
class _Spent:
    """What this run has asked for, against its budget, before a kill too."""

    budget: Budget
    tokens: int = 0
    money: float = 0.0
    seconds: float = 0.0
    """Of answers before a kill."""
    started: float = field(default_factory=time.monotonic)

    def add(self, reply: Mapping[str, Any], cost: float | None) -> None:
        """Raises UsageError once the budget is spent."""
        self.tokens += reply["prompt_tokens"] + reply["completion_tokens"]
        self.money += cost or 0.0
        minutes = (self.seconds + time.monotonic() - self.started) / 60
        used = {"tokens": self.tokens, "money": self.money, "minutes": minutes}
        for name, limit in self.budget.model_dump().items():
            if limit is not None and used[name] > limit:
                raise UsageError(
                    f"The comparison has used {used[name]:,.6g} {name}; its budget is {limit:,.6g}.",
                    hint="What was answered is kept: raise `budget` and start it again.",
                    param=f"budget.{name}",
                )


class Comparisons:
    """The comparisons of one assistant. Thread-safe."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        assistant.jobs.serve(KIND, self._run, 1)

    # Before it starts

    def submit(self, plan: Plan, *, any_server: bool = False) -> Job:
        """Queue a run; its result is what `_run` gives. Raises what `payload` does."""
        given = self.payload(plan, any_server=any_server)
        return self._assistant.submit(KIND, given, collection=plan.collection)

    def payload(self, plan: Plan, *, any_server: bool = False) -> Json:
        """What its job is queued with. `any_server`: models may be any server's address.

        Raises UsageError for sets that leak, arms that fit nothing and an estimate over the budget; NotFound,
        UnknownModel, QuotaSpent, RateLimited.
        """
        a = self._assistant
        if (waiting := a.store.waiting(KIND)) > a.settings.queue:
            raise RateLimited(f"{waiting} comparisons wait already.", hint="Try again in a while.", retry_after=30)
        a.accounts.check()
        ready = self.ready(plan, any_server=any_server)
        told = estimate(a, ready)
        within(told, plan.budget)
        # By id: another set may be called so when it is its turn.
        meant = ready.plan.model_copy(update=dict(ready.sets))
        return {"plan": meant.model_dump(mode="json"), "estimate": told, "any_server": any_server}

    def runs(self, limit: int = 50) -> list[Job]:
        """Newest first."""
        return self._assistant.store.jobs(kinds=[KIND], limit=limit)

    def estimate(self, plan: Plan, *, any_server: bool = False) -> Json:
        """Tokens, money and minutes, by way and in all. Raises what `payload` does of sets and models."""
        return estimate(self._assistant, self.ready(plan, any_server=any_server))

    def ready(self, plan: Plan, *, any_server: bool = False) -> Ready:
        """Raises what `payload` does of sets and models."""
        a = self._assistant
        found, bank = self._set(plan.questions, plan.questions_version), self._bank(plan)
        items = found.confirmed[: plan.limit]
        asked = _asked_of(found, items)
        leaks.find(bank.confirmed, items).refuse()
        plan = plan.model_copy(update={**_called("questions", found), **_called("examples", bank)})
        named = [resolve(a, name, any_server=any_server) for name in plan.models or (a.settings.chat_model,)]
        arms = [arm.model_copy(update={"model": self._named(arm.model, any_server)}) for arm in plan.arms]
        every = tuple(ways(arms, list(dict.fromkeys(named)), plan.instruction))
        for way in every:
            if collection_of(way.model) is not None or way.model.startswith("app:"):
                raise UsageError(f"{way.model!r} is no chat model.", hint="Use an arm with `documents`.", param="model")
        if (count := len(items) * len(every)) > ANSWERS:
            raise UsageError(f"{count:,} answers are wanted; up to {ANSWERS:,} are taken.", hint="Set `limit`.")
        plan = plan.model_copy(update={"models": tuple(named), "arms": tuple(arms)})
        whys = {way.name: why for way in every if (why := missing(a, way, plan.collection))}
        if len(whys) == len(every):
            name, why = next(iter(whys.items()))
            raise UsageError(f"No arm can be run. {name}: {why}", hint="Mend one of them.")
        shelf = setup.library(a, plan.collection)
        picker = Picker(lambda: a.parts.embedder, bank.confirmed, [i.question for i in items], plan.seed)
        sets = {name: one.id for name, one in (("questions", found), ("examples", bank)) if one.id}
        known = a.store.replies.get
        return Ready(plan, asked, items, bank.confirmed, every, whys, shelf, picker, self._keys, known, sets)

    def _named(self, model: str, any_server: bool) -> str:
        return resolve(self._assistant, model, any_server=any_server) if model else ""

    def _bank(self, plan: Plan) -> QuestionSet:
        """Empty where no arm shows examples. Raises UsageError, NotFound."""
        most = max(arm.shots for arm in plan.arms)
        if not most:
            return _given(())
        if not plan.examples:
            raise UsageError("There are no examples to choose from.", hint="Name a question set as `examples`.")
        found = self._set(plan.examples, plan.examples_version)
        if (count := len(found.confirmed)) < most:
            raise UsageError(f"{most} examples are wanted and {count} are there.", hint="Add some.")
        return found

    def _set(self, given: str | Sequence[Mapping[str, Any]], number: int | None) -> QuestionSet:
        return self._assistant.store.questions.get(given, number) if isinstance(given, str) else _given(given)

    def _keys(self, ready: Ready, way: Way) -> list[str]:
        a, plan, arm = self._assistant, ready.plan, way.arm
        same: list[Any] = [KIND, VERSION, way.model, weights(a, way.model), plan.seed]
        if arm.looks:
            settings = a.settings.model_dump(mode="json", include=set(SETTINGS))
            same += [arm.sources, arm.documents, plan.collection, ready.shelf["digest"], code(_CODE), settings]
        else:
            same += [plan.max_tokens]
        found = []
        for i, item in enumerate(ready.items):
            told = [*turns(ready.examples(way, i)), Message("user", item.question)]
            sent = told if arm.looks else ready.messages(way, i)
            found.append(key_of(*same, [[m.role, m.content] for m in sent]))
        return found

    # The run

    def _run(self, context: Context) -> Json:
        plan = as_plan(context.payload["plan"])
        ready = self.ready(plan, any_server=context.payload["any_server"])
        a, began = self._assistant, now()
        spent = _Spent(plan.budget)
        found: list[Answers] = []
        rows: dict[str, Json] = {}
        for number, way in enumerate(ready.ways):
            why = ready.missing.get(way.name, "")
            try:
                if not why:
                    found.append(self._way(context, ready, way, number, spent))
            except (ModelError, NetworkError, Refused) as e:  # the others go on; what it answered is kept
                why = str(e)
            if why:
                known = {"name": way.name, "model": way.model, "arm": way.arm.model_dump(mode="json")}
                rows[way.name] = {**known, "state": "not run", "why": why}
            else:
                rows[way.name] = measure.told(found[-1])
            context.emit("way", rows[way.name])
        done = [row for row in rows.values() if row["state"] == "done"]
        against, cost = measure.pairs(found), measure.cost_of(done)
        return {
            "plan": ready.plan.model_dump(mode="json"),
            "plan_digest": digest(ready.plan),
            "questions": ready.asked,
            "library": ready.shelf,
            "made": {**_machine(a), "began": began, "ended": now(), "job": context.job.id},
            "ways": list(rows.values()),
            "pairs": against,
            "cost": cost,
            "front": measure.front(done, cost),
            "advice": measure.advice(done, against, cost),
            "items": _items(ready, found),
        }

    def _way(self, context: Context, ready: Ready, way: Way, number: int, spent: _Spent) -> Answers:
        a, plan = self._assistant, ready.plan
        whole, before = len(ready.items) * len(ready.ways), number * len(ready.items)

        def tell(done: int) -> None:
            context.progress(Progress("comparing", before + done, whole, "questions", item=way.name))

        tell(0)
        keys = ready.keys_of(way)
        known = dict(a.store.replies.get(keys))
        own = {key: reply for key, reply in known.items() if reply.get("job") == context.job.id}
        if plan.fresh:  # what this very job asked before it was stopped stands
            known = dict(own)

        def cost(reply: Mapping[str, Any]) -> float | None:
            return money(a, way.model, reply["prompt_tokens"], reply["completion_tokens"])

        for reply in own.values():
            spent.seconds += reply["seconds"]
            spent.add(reply, cost(reply))
        recalled = len(known)
        missing = [i for i, key in enumerate(keys) if key not in known]
        if missing:
            warm(a, way)
        at_once = 1 if way.model.startswith("embedded:") or way.arm.looks else AT_ONCE
        with closing(each(self._asker(context, ready, way, keys), missing, at_once=at_once)) as asked:
            for i, reply in asked:
                known[keys[i]] = reply
                tell(len(known))
                spent.add(reply, cost(reply))
        replies = [known[key] for key in keys]
        used = (sum(r[side] for r in replies) for side in ("prompt_tokens", "completion_tokens"))
        borne = [self._borne(ready, item, r, context.check) for item, r in zip(ready.items, replies, strict=True)]
        costs = setup.setup(a, plan, way, len(ready.bank), ready.shelf)
        return Answers(way, ready.items, replies, borne, money(a, way.model, *used), costs, recalled)

    def _asker(
        self, context: Context, ready: Ready, way: Way, keys: Sequence[str]
    ) -> Callable[[int], tuple[int, Json]]:
        """Asks the question of a number, keeps the answer and puts it to account."""
        a, plan, job = self._assistant, ready.plan, context.job.id
        key_id = a.store.keys.maker(job)

        def ask(i: int) -> tuple[int, Json]:
            a.accounts.check_maker(key_id)
            if way.arm.looks:
                question = ready.items[i].question
                reply = looked_up(a, way, plan.collection, ready.examples(way, i), question)
            else:
                reply = alone(a.parts.chat(way.model), ready.messages(way, i), plan.max_tokens, plan.seed)
            reply["job"] = job
            a.store.replies.put(keys[i], reply)
            tokens = reply["prompt_tokens"], reply["completion_tokens"]
            a.accounts.spend(way.model, *tokens, key_id=key_id, seconds=reply["seconds"])
            return i, reply

        return ask

    def _borne(
        self, ready: Ready, item: Item, reply: Mapping[str, Any], check: Callable[[], None]
    ) -> tuple[int, int] | None:
        """How much of an answer the documents bear out; None for a refusal, and where there are no documents."""
        a, text = self._assistant, reply["text"]
        if reply["refused"] or refuses(text) or not ready.shelf["documents"]:
            return None
        check()
        scope = Scope((ready.plan.collection,))
        key = key_of(KIND, "borne", VERSION, text, item.question, ready.shelf["digest"], code(_CODE), _FOUND)
        if kept := a.store.replies.get([key]).get(key):
            return kept["supported"], kept["sentences"]

        def find(query: str) -> Sequence[Evidence]:
            return a.parts.retriever.evidence(query, a.search_in(query, scope), _FOUND).sentences

        borne = judge.borne_out(text, item.question, find, a.parts.verifier)
        a.store.replies.put(key, borne._asdict())
        return borne


def _given(told: Sequence[Mapping[str, Any]]) -> QuestionSet:
    """Items that stand in the plan itself, as a set that has no name."""
    return QuestionSet("", "", 0, "", "", tuple(map(as_item, told)))


def _called(field: str, found: QuestionSet) -> Json:
    return {field: found.name, f"{field}_version": found.version} if found.id else {}


def _asked_of(found: QuestionSet, items: Sequence[Item]) -> Json:
    """Raises UsageError for a set that cannot be asked."""
    if not items:
        raise UsageError("The question set has no confirmed question.", hint="Confirm some, or choose another.")
    if len({item.id for item in items}) < len(items):
        raise UsageError("Two questions have the same id.", hint="Give each its own.")
    return {
        "name": found.name,
        "version": found.version or None,
        "digest": sha256(repr(tuple(items)).encode()).hexdigest(),
        "count": len(items),
        "without_answer": sum(not item.answers for item in items),
    }


def _items(ready: Ready, found: Sequence[Answers]) -> list[Json]:
    """A row a question: what each way that was run said, and whether it was right, by its name."""
    judged = [(one.way.name, one.replies, one.refused, one.right) for one in found]
    return [
        {
            "id": item.id,
            "question": item.question[:_SHOWN],
            "answers": list(item.answers),
            "label": item.label,
            "said": {name: replies[i]["text"][:_SHOWN] for name, replies, _, _ in judged},
            "refused": [name for name, _, refused, _ in judged if refused[i]],
            "right": [name for name, _, _, right in judged if right[i]],
        }
        for i, item in enumerate(ready.items)
    ]


def _machine(assistant: Assistant) -> Json:
    return {
        "gakju": version("gakju"),
        "code": code(_CODE),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": assistant.parts.threads,
    }


def of(assistant: Assistant) -> Comparisons:
    """The comparisons of an assistant, which from then on runs their jobs."""
    return once(Comparisons, assistant)


__all__ = ["KIND", "Arm", "Budget", "Comparisons", "Plan", "Ready", "Way", "as_plan", "load", "loads", "of"]
