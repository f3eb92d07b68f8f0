"""A way to answer: one arm on one model, and what decides its answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gakju.assistant.talk import PERSONA
from gakju.errors import GakjuError
from gakju.evaluation.answers import said
from gakju.evaluation.match import is_korean
from gakju.labs.compare.plan import Arm
from gakju.labs.fewshot.prompt import UNKNOWN
from gakju.store.questions import Item
from gakju.types import Answer, Done, Message, Usage

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.models.adapters import Adapter
    from gakju.protocols import ChatModel

Json = dict[str, Any]

SETTINGS = ("chunk_tokens", "context", "evidence", "refuse_below", "unsupported", "verifier")
"""What an answer from documents depends on beside the library and the code."""


@dataclass(frozen=True, slots=True)
class Way:
    """`name` tells it from the other ways of its comparison; `instruction` is added to what a model alone is told."""

    name: str
    arm: Arm
    model: str
    instruction: str = ""

    def messages(self, examples: Sequence[Item], question: str) -> list[Message]:
        """What a model alone is sent: the persona, examples as turns, the question."""
        system = "\n".join(filter(None, [self.arm.persona.strip() or PERSONA, self.instruction.strip()]))
        return [Message("system", system), *turns(examples), Message("user", question)]


def turns(examples: Sequence[Item]) -> list[Message]:
    """Each example as a turn; one without an answer is answered with `UNKNOWN`."""
    told: list[Message] = []
    for one in examples:
        unknown = UNKNOWN[is_korean(one.question)]
        answer = one.answers[0] if one.answers else unknown
        told += [Message("user", one.question), Message("assistant", answer)]
    return told


def ways(arms: Sequence[Arm], models: Sequence[str], instruction: str) -> list[Way]:
    """Each arm on its own model, or on each of `models`; no two have the same name."""
    found: list[Way] = []
    for arm in arms:
        for model in [arm.model] if arm.model else models:
            several = len(models) > 1 or (arm.model and arm.model not in models)
            name = f"{arm.title} ({model})" if several and not arm.name else arm.title
            found.append(Way(name, arm, model, instruction))
    names = [way.name for way in found]
    return [
        Way(f"{way.name} #{names[:i].count(way.name) + 1}", way.arm, way.model, instruction)
        if names.count(way.name) > 1
        else way
        for i, way in enumerate(found)
    ]


def weights(assistant: Assistant, model: str) -> str:
    """What an embedded model's answers depend on: the digest of its file, and its adapter, whose id is never used
    again; "" for a model on another machine. Raises UnknownModel, ModelMissing.
    """
    from gakju.models import catalog, fetch

    provider, _, name = model.partition(":")
    if provider != "embedded":
        return ""
    entry = catalog.entry(name.partition("+")[0])
    fetch.require(entry, assistant.settings.models)
    tuned = adapter(assistant, model)
    return f"{entry.sha256}+{tuned.id}" if tuned else entry.sha256


def adapter(assistant: Assistant, model: str) -> Adapter | None:
    """That of `embedded:BASE+NAME`. Raises UnknownModel."""
    from gakju.models.adapters import Adapters

    base, tuned, name = model.removeprefix("embedded:").partition("+")
    if not tuned or not model.startswith("embedded:"):
        return None
    return Adapters(assistant.settings.models).find(base, name)


def missing(assistant: Assistant, way: Way, collection: str) -> str:
    """Why it cannot be run here; "" where it can. Only what is switched off, or not here, is left out like that."""
    try:
        if way.arm.web:
            assistant.web.chosen("web")
        if way.arm.documents and not assistant.documents(collection):
            return f"There is no document in the collection {collection!r}."
        weights(assistant, way.model)
        assistant.parts.chat(way.model)
    except GakjuError as e:
        return str(e)
    return ""


def warm(assistant: Assistant, way: Way) -> None:
    """Load what a first answer needs: its seconds would not be those of an answer."""
    if way.arm.looks:
        assistant.warm()
    if ready := getattr(assistant.parts.chat(way.model), "warm", None):
        ready([Message("system", PERSONA)])


def alone(chat: ChatModel, messages: Sequence[Message], max_tokens: int, seed: int) -> Json:
    """An answer of a model alone, with its usage and seconds. Raises what the model raises."""
    started = time.perf_counter()
    text, usage = "", Usage()
    stream = chat.stream(messages, temperature=0.0, max_tokens=max_tokens, extra={"seed": seed})
    with closing(stream):  # type: ignore[type-var]
        for delta in stream:
            text += delta.text
            usage = delta.usage or usage
    return _reply(text.strip(), False, usage, time.perf_counter() - started)


def looked_up(assistant: Assistant, way: Way, collection: str, examples: Sequence[Item], question: str) -> Json:
    """An answer from documents, the web or both, as a reader gets it."""
    started = time.perf_counter()
    answer: Answer | None = None
    stream = assistant.ask(
        question,
        collection=collection,
        model=way.model,
        history=turns(examples),
        sources=way.arm.sources,
        mode=way.arm.documents,
    )
    for told in stream:
        if isinstance(told, Done):
            answer = told.answer
    assert answer  # an answer always ends with Done
    seconds = time.perf_counter() - started
    reply = _reply(said(answer), answer.refused, answer.usage, seconds)
    notes = [note for claim in answer.claims for note in claim.footnotes]
    places = {(n.document.id, n.document.title, n.document.path, n.page) for n in notes}
    problems = answer.web.problems if answer.web else ()
    return {**reply, "cited": sorted(list(p) for p in places), "problems": list(problems)}


def _reply(text: str, refused: bool, usage: Usage, seconds: float) -> Json:
    return {"text": text, "refused": refused, **usage._asdict(), "seconds": round(seconds, 4)}
