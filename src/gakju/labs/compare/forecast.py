"""What a comparison will take, before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gakju.answer import prompt
from gakju.errors import GakjuError, UsageError
from gakju.labs import tokenizer
from gakju.labs.compare.plan import Budget
from gakju.types import Message

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.labs.compare import Ready
    from gakju.labs.compare.ways import Way

Json = dict[str, Any]

SENTENCE = 60
"""Tokens of an evidence sentence, about: the median of the real documents of the benchmark."""
SAMPLE = 50
SPEEDS = {"0.5b": (120.0, 27.0), "1.5b": (60.0, 11.0)}
"""Prompt and answer tokens a second of embedded models by size, measured on two cores (shared/DESIGN.md); what is
not known is taken as the slower."""
HOSTED = (5000.0, 50.0)
LOOKING = 0.3
"""Seconds of finding evidence and of checking an answer, together."""
ROUND_TRIP = 0.7
WEB = 8.0
"""Seconds that the web is looked at for one question, about."""


def estimate(assistant: Assistant, ready: Ready) -> Json:
    """`ways`: of each the tokens, money and seconds of what is not remembered; and the sums of all.

    `tokens`, and `money` with them, are what answers of a model alone take at most, `max_tokens` each, and what those
    from documents take about; None where a model has no price.
    """
    rows = [_way(assistant, ready, way) for way in ready.ways]
    money = [row["money"] for row in rows]
    return {
        "ways": rows,
        "tokens": sum(row["prompt_tokens"] + row["completion_tokens"] for row in rows),
        "money": None if None in money else round(sum(money), 6),
        "minutes": round(sum(row["seconds"] for row in rows) / 60, 1),
        "remembered": sum(row["remembered"] for row in rows),
        "questions": sum(row["questions"] for row in rows),
    }


def _way(assistant: Assistant, ready: Ready, way: Way) -> Json:
    why = ready.missing.get(way.name, "")
    remembered = 0 if why else ready.remembered(way)
    asked = 0 if why else len(ready.items) - remembered
    each = _prompt(assistant, ready, way)
    written = _written(ready, way)
    row: Json = {
        "name": way.name,
        "arm": way.arm.model_dump(mode="json"),
        "why": why,
        "questions": len(ready.items),
        "remembered": remembered,
        "prompt_tokens": round(each * asked),
        "completion_tokens": round(written * asked),
    }
    return {
        **row,
        "money": money(assistant, way.model, row["prompt_tokens"], row["completion_tokens"]),
        "seconds": round(asked * _seconds(way, each, written), 1),
    }


def money(assistant: Assistant, model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
    """0 for an embedded model; None for another one without a price in settings."""
    if model.startswith("embedded:"):
        return 0.0
    if model not in assistant.settings.prices:
        return None
    return assistant.accounts.price(model, prompt_tokens, completion_tokens)


def _prompt(assistant: Assistant, ready: Ready, way: Way) -> float:
    """Tokens of a question's prompt, the mean of some."""
    settings = assistant.settings
    some = ready.items[:: max(1, len(ready.items) // SAMPLE)]
    fixed = list(ready.bank[: way.arm.shots])  # which ones are chosen is not known yet; they are about as long

    def size(messages: Sequence[Message]) -> float:
        try:
            return tokenizer.prompt_tokens(messages, way.model, settings)[0]
        except GakjuError:  # a vocabulary that is not here
            return sum(prompt.tokens(m.content) for m in messages)

    if not way.arm.looks:
        return sum(size(way.messages(fixed, item.question)) for item in some) / len(some)
    evidence = SENTENCE * settings.evidence
    if way.arm.documents == "free" or not way.model.startswith("embedded:"):
        return prompt.tokens(prompt.WRITE) / 2 + evidence + size(way.messages(fixed, some[0].question))
    return evidence / 2  # verbatim asks the model for some questions only


def _written(ready: Ready, way: Way) -> float:
    if not way.arm.looks:
        return ready.plan.max_tokens
    return 150.0 if way.arm.documents == "free" or not way.model.startswith("embedded:") else 4.0


def _seconds(way: Way, asked: float, written: float) -> float:
    embedded = way.model.startswith("embedded:")
    known = [speed for size, speed in SPEEDS.items() if size in way.model.lower()]
    reading, writing = (known or [SPEEDS["1.5b"]])[0] if embedded else HOSTED
    took = asked / reading + written / writing + (0.0 if embedded else ROUND_TRIP)
    return took + LOOKING + (WEB if way.arm.web else 0.0)


def within(told: Json, budget: Budget) -> None:
    """Raises UsageError where what is estimated is more than the budget."""
    if budget.money is not None and told["money"] is None:
        names = ", ".join(row["name"] for row in told.get("ways", ()) if row["money"] is None)
        raise UsageError(f"What it costs is not known: {names}.", hint="Set `prices` for its model, or drop the limit.")
    for name, limit in budget.model_dump().items():
        if limit is not None and told[name] > limit:
            raise UsageError(
                f"The comparison takes about {told[name]:,.6g} {name}; its budget is {limit:,.6g}.",
                hint="Ask fewer questions (`limit`), leave out a way, or raise `budget`.",
                param=f"budget.{name}",
            )
