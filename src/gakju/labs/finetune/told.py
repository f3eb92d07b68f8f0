"""Fine-tuning as JSON, for the API and the command line; and examples from wherever they are named."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gakju.errors import UsageError
from gakju.labs.finetune import checks, dataset, hosted, price
from gakju.labs.finetune.dataset import Dataset, Example, split
from gakju.labs.finetune.recipe import Recipe
from gakju.labs.finetune.tuner import LOCAL, Tuner

if TYPE_CHECKING:
    from gakju.labs.finetune.checks import Finding, Report
    from gakju.store import Tuning

Json = dict[str, Any]
CHATS = "chats"


def tuning(tuner: Tuner, t: Tuning, *, log: bool = False) -> Json:
    """With `log` also what the trainer told, and the rows of its judgement."""
    adapter = tuner.adapter(t) if t.place == LOCAL else None
    told = {k: v for k, v in asdict(t).items() if k not in {"recipe", "told", "owner"}}
    told |= {"recipe": dict(t.recipe), **t.told, "in_use": bool(adapter and adapter.name)}
    if adapter:
        told["model"], told["bytes"] = adapter.model, adapter.bytes
    return {**told, "log": tuner.log(t.id), "rows": tuner.judged(t.id)} if log else told


def report(found: Report) -> Json:
    return {
        "refused": found.refuses,
        "examples": found.examples,
        "held": found.held,
        "labels": dict(found.labels),
        "findings": [
            {"code": f.code, "refuses": f.refuses, "lines": list(f.lines), "values": dict(f.values)}
            for f in found.findings
        ],
        "volatile": [{"line": d.line, **asdict(d.flag)} for d in found.doubts],
    }


def gathered(tuner: Tuner, source: str, data: bytes | None, system: str = "") -> tuple[list[Example], list[Finding]]:
    """Of JSONL, or of `set:NAME`, `chats` or `collection:NAME`. Raises NotFound, UsageError."""
    if data is not None:
        return checks.lines(data)
    kind, _, name = source.partition(":")
    a = tuner.assistant
    if kind == "set" and name:
        return dataset.from_questions(a.store.questions.get(name), system), []
    if kind == CHATS:
        return dataset.from_talks(a, system=system), []
    if kind == "collection" and name:
        return dataset.from_documents(a, name, system=system), []
    raise UsageError(
        "There are no examples.", hint="Give a file of JSONL, set:NAME, chats or collection:NAME.", param="source"
    )


class Request:
    """What is to be learnt, by which model: for a check, a price or a training.

    `held` is JSONL of examples to judge by; without it a share is held out.
    """

    def __init__(
        self,
        tuner: Tuner,
        source: str = "",
        data: bytes | None = None,
        held: bytes | None = None,
        *,
        model: str,
        system: str = "",
        recipe: Recipe | None = None,
    ) -> None:
        self.tuner, self.model, self.recipe = tuner, model, recipe or Recipe()
        examples, self.found = gathered(tuner, source, data, system)
        kept = None
        if held is not None:
            kept, found = checks.lines(held)
            self.found += found
        self.data: Dataset = split(examples, kept, seed=self.recipe.seed)

    @property
    def local(self) -> bool:
        return self.model.removeprefix("embedded:").partition(":")[1] == ""

    def check(self, *, closely: bool = True) -> Report:
        return self.tuner.check(self.data, self.found, base=self.model if self.local else "", closely=closely)

    def price(self) -> Json:
        """Of a hosted training at once: `{"price": …}`; of one on this machine a job that tries ten steps."""
        self.check(closely=False).refuse()
        if self.local:
            return {"job": self.tuner.submit_price(self.data, base=self.model, recipe=self.recipe).id}
        ends = {"ends": hosted.ENDS.isoformat()} if hosted.winding_down(self.model) else {}
        return {"price": self.hosted_price(), **ends}

    def hosted_price(self) -> Json:
        from gakju.labs.tokenizer import prompt_tokens
        from gakju.types import Message

        model = self.model.rpartition("#")[2] if "#" in self.model else self.model.partition(":")[2]
        settings = self.tuner.assistant.settings
        sizes = [
            prompt_tokens([Message(m.role, m.content) for m in e.messages], f"openai:{model}", settings)[0]  # type: ignore[arg-type]
            for e in self.data.train
        ]
        return price.hosted(model, sizes, self.recipe.epochs).json()

    def start(self, name: str = "", *, owner: str = "") -> Tuning:
        self.check(closely=False).refuse()
        if not self.local:
            wanted = {"epochs": self.recipe.epochs, "seed": self.recipe.seed}
            return self.tuner.submit_hosted(self.data, model=self.model, name=name, owner=owner, **wanted)
        return self.tuner.submit_data(self.data, base=self.model, recipe=self.recipe, name=name, owner=owner)
