"""A turn of a conversation: answered from documents, after files that came with it were read, or by a model alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gakju import wire
from gakju.assistant.scope import Scope
from gakju.errors import BrokenFile, ContextTooLong
from gakju.protocols import ChatModel
from gakju.store import Manner, Turn
from gakju.types import Answer, AskEvent, Done, Message, Token, Usage

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.jobs import Context

HISTORY = 3
"""Turns of a conversation that a question to the documents sees."""

PERSONA = "You are a helpful assistant. Answer in the language of the question."
"""What a model without documents is told where nobody wrote something else."""

LONGEST = 1500
"""Tokens of an answer without documents."""


def warmth(temperature: float | None, sources: str) -> float:
    """The temperature that was chosen, else the usual one of those `store.Sources`."""
    return temperature if temperature is not None else 0.7 if sources == "none" else 0.0


def voice(manner: Manner | None, sources: str) -> tuple[str, float]:
    """The persona and the temperature for answers from those `store.Sources`."""
    manner = manner or Manner()
    return manner.persona, warmth(manner.temperature, sources)


def verbatim(a: Assistant, model: str) -> bool:
    """Whether a model's answers from sources hold their words alone, and so follow no persona."""
    from gakju.answer import mode_for

    return mode_for(a.settings.mode, model or a.settings.chat_model) == "verbatim"


def payload(manner: Manner | None, waits: str) -> dict[str, Any]:
    """What a turn's job is told of how its conversation is held."""
    manner = manner or Manner()
    return {
        "sources": manner.sources,
        "persona": manner.persona,
        "temperature": manner.temperature,
        "waits": waits,
    }


def run(a: Assistant, context: Context) -> dict[str, Any]:
    """The handler of "ask" and "attach" jobs: events as `wire.event` has them, the answer as the result."""
    p = context.payload
    where = wire.load(Scope, p["scope"]) if p.get("scope") else None
    if p.get("waits"):
        where = _after_files(a, context)
    given = [wire.load(Message, m) for m in p.get("history", ())]
    sources = p.get("sources", "")
    manner = Manner(persona=p.get("persona", ""), temperature=p.get("temperature"))
    if sources == "none":
        started = time.perf_counter()
        history = _said(a, context.job.id) if p["thread"] else given
        model = a.parts.chat(p["model"])
        stream = alone(model, p["question"], history, *voice(manner, sources), started=started)
    else:
        history = _answered(a, context.job.id) if p["thread"] else given
        stream = a.ask(
            p["question"],
            collection=p["collection"],
            model=p["model"],
            history=history,
            scope=where,
            sources=sources,
            mode=p.get("mode", ""),
            manner=manner,
        )
    result: dict[str, Any] = {}
    try:
        for told in stream:
            kind, data = wire.event(told)
            context.emit(kind, data)
            if kind == "done":
                result = data
            context.check()
    finally:
        stream.close()  # type: ignore[attr-defined]
    maker = a.store.keys.maker(context.job.id)
    took = float(result["timings"].get("total") or 0)
    a.accounts.spend(result["model"], **result["usage"], key_id=maker, seconds=took)
    return result


def alone(
    model: ChatModel,
    question: str,
    history: Sequence[Message],
    persona: str = "",
    temperature: float = 0.7,
    *,
    started: float | None = None,
) -> Iterator[AskEvent]:
    """The model's own words, checked against nothing: tokens, then an answer without claims and evidence.

    Of `history` as much as fits, the latest first. Raises ContextTooLong and what the model raises.
    """
    from gakju.answer.prompt import tokens

    started = time.perf_counter() if started is None else started
    limit = min(LONGEST, model.context // 2)
    system = Message("system", persona.strip() or PERSONA)
    room = model.context - limit - tokens(system.content) - tokens(question) - 64
    if room < 0:
        raise ContextTooLong("The question and the persona do not fit the model.", hint="Shorten one of them.")
    kept: list[Message] = []
    for message in reversed(history):
        room -= tokens(message.content) + 8
        if room < 0:
            break
        kept.insert(0, message)
    while kept and kept[0].role != "user":
        kept.pop(0)
    messages = [system, *kept, Message("user", question)]
    text, usage, timings = "", Usage(), dict[str, float]()
    stream = model.stream(messages, temperature=temperature, max_tokens=limit)
    try:
        for delta in stream:
            usage = delta.usage or usage
            if delta.text:
                timings.setdefault("first_token", round(time.perf_counter() - started, 4))
                text += delta.text
                yield Token(delta.text)
    finally:
        if stop := getattr(stream, "close", None):
            stop()
    timings["total"] = round(time.perf_counter() - started, 4)
    yield Done(Answer(question, text.strip(), False, (), (), timings, usage, model.name))


def _answered(a: Assistant, job_id: str) -> list[Message]:
    """The turns that a question to the documents may lean on; a refusal tells nothing."""
    messages: list[Message] = []
    for turn in a.store.talks.before(job_id)[-HISTORY:]:
        result = a.store.job(turn.job_id).result
        if result and not result["refused"]:
            messages += [Message("user", turn.question), Message("assistant", result["answer"])]
    return messages


def _said(a: Assistant, job_id: str) -> list[Message]:
    """The whole branch, with what was written before somebody stopped it."""
    messages: list[Message] = []
    for turn in a.store.talks.before(job_id):
        if text := _text(a, turn):
            messages += [Message("user", turn.question), Message("assistant", text)]
    return messages


def _text(a: Assistant, turn: Turn) -> str:
    job = a.store.job(turn.job_id)
    if job.result:
        return str(job.result["answer"])
    return "".join(e.data["text"] for e in a.store.events(job.id) if e.kind == "token").strip()


def _after_files(a: Assistant, context: Context) -> Scope:
    """Where to look once the files that came with the question are read. Raises BrokenFile where none could be."""
    p = context.payload
    for _ in a.jobs.follow(p["waits"], heartbeat=0.5):
        if context.cancelled:
            # Who stops the question no longer wants its files; a closing process hands both back.
            if a.store.job(context.job.id).cancel:
                a.jobs.cancel(p["waits"])
            context.check()
    context.check()
    added = a.store.job(p["waits"]).result.get("files", ())
    here = [f["document_id"] for f in added if f["document_id"]]
    if not here:
        why = "; ".join(f"{f['path']}: {f['error']}" for f in added if f["error"])
        raise BrokenFile(why or "The files were not added.", hint="The documents page shows how to mend them.")
    manner = a.store.talks.get(p["thread"]).manner
    files = tuple(dict.fromkeys((*manner.files, *here)))
    a.store.talks.hold(p["thread"], files=files)
    return Scope((p["collection"],), files)
