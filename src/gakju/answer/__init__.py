"""A question and its evidence to an answer: claims with footnotes, or a refusal.

A model never writes a page number or a quote. It points at numbered evidence sentences; code resolves the
numbers, and a number that does not exist goes nowhere. `Answer.answer` holds no marks: fronts draw them from
the claims' footnotes. Tokens are a preview of the same text; a courtesy that they showed is no claim.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from gakju.answer import prompt
from gakju.answer.claims import claim, is_courtesy, meant, quoted
from gakju.answer.followup import standalone
from gakju.answer.marks import Display, Sentence, Splitter
from gakju.protocols import ChatModel, Verifier
from gakju.types import (
    Answer,
    AskEvent,
    Claim,
    ClaimMade,
    Done,
    Evidence,
    EvidenceFound,
    Found,
    Message,
    Token,
    Usage,
)

__all__ = ["PREFIX", "compose", "standalone"]

PREFIX = (Message("system", prompt.POINT),)
"""How every prompt to an embedded model begins; reading it ahead saves its time at the first question."""

_SURE = 0.1
"""How far ahead, in `Evidence.score`, the best sentence stands alone."""

_NOT_FOUND = {
    True: "문서에서 이 질문의 답을 찾지 못했습니다. 가장 가까운 부분을 함께 보여 드립니다.",
    False: "I could not find the answer to this in your documents. The nearest passages are shown below.",
}
_NOT_HELD = {
    True: "답으로 쓴 문장이 문서로 뒷받침되지 않아 답하지 않습니다. 가장 가까운 부분을 함께 보여 드립니다.",
    False: "What was written is not supported by your documents, so it is no answer. The nearest passages are below.",
}


@dataclass(slots=True)
class _Turn:
    """One question being answered."""

    question: str
    found: Found
    verifier: Verifier
    started: float
    claims: list[Claim] = field(default_factory=list)
    text: str = ""
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    timings: dict[str, float] = field(default_factory=dict)

    def clock(self, name: str) -> float:
        """Seconds since the question, kept under `name` the first time."""
        return self.timings.setdefault(name, round(time.perf_counter() - self.started, 4))

    def token(self, text: str) -> Iterator[AskEvent]:
        if text:
            self.clock("first_token")
            yield Token(text)

    def add(self, made: Claim, gap: str = " ") -> ClaimMade:
        self.text += (gap if self.text else "") + made.text
        self.claims.append(made)
        return ClaimMade(made)

    def done(self, refusal: str = "") -> Done:
        self.clock("total")
        return Done(
            Answer(
                self.question,
                refusal or self.text,
                bool(refusal),
                tuple(self.claims),
                self.found.sentences,
                self.timings,
                self.usage,
                self.model,
            )
        )


def compose(
    question: str,
    found: Found,
    chat: Callable[[], ChatModel],
    verifier: Verifier,
    *,
    history: Sequence[Message] = (),
    refuse_below: float,
    started: float | None = None,
) -> Iterator[AskEvent]:
    """Evidence at once, then tokens and claims, then the whole answer; closing it stops the model.

    `chat` is called only where the evidence is at least `refuse_below` strong. `started` is the
    `time.perf_counter()` of the question, from which timings count. A claim that the evidence does not carry is
    kept with its verdict; where none is carried the answer is a refusal. Raises what the model raises.
    """
    turn = _Turn(question, found, verifier, time.perf_counter() if started is None else started)
    yield EvidenceFound(found.sentences, turn.clock("evidence"))
    in_korean = prompt.korean(question)
    if not found.sentences or found.strength < refuse_below:
        yield turn.done(_NOT_FOUND[in_korean])
        return
    model = chat()
    turn.model = model.name
    yield from _point(turn, model) if _only_points(model) else _write(turn, model, history)
    if not turn.claims:
        yield turn.done(_NOT_FOUND[in_korean])
    elif all(c.verdict in {"unsupported", "contradicted"} for c in turn.claims):
        yield turn.done(_NOT_HELD[in_korean])
    else:
        yield turn.done()


def _only_points(model: ChatModel) -> bool:
    """Embedded models are small and invent when they write; they may only choose what is quoted."""
    return model.name.startswith("embedded:")


def _point(turn: _Turn, model: ChatModel) -> Iterator[AskEvent]:
    """The retriever's best sentence word for word, and a second one that the model points at.

    Measured with the 0.5B on 36 questions: the model alone picks right as often as the retriever (22), both
    in this order hold the answer in 27, the retriever's two best in 25. So the best is quoted without waiting,
    and alone where it is `_SURE`ly ahead (11 of 12 right).
    """
    messages, listed = prompt.pointing(turn.question, turn.found.sentences, model.context)
    best, names = meant(listed[0], listed)
    yield from _quote(turn, best, names)
    others = [e for e in listed if meant(e, listed)[0] is not best and e is not names]
    if others and best.score - others[0].score < _SURE:
        said = "".join(_streamed(turn, model, messages, max_tokens=8, extra=_numbers_only(others)))
        picked = re.search(r"\d+", said)
        for e in others:
            if picked and e.number == int(picked.group()):
                yield from _quote(turn, *meant(e, listed))


def _quote(turn: _Turn, picked: Evidence, names: Evidence | None) -> Iterator[AskEvent]:
    made = quoted(picked, names, turn.verifier, turn.question)
    yield from turn.token(("\n" if turn.claims else "") + made.text)
    yield turn.add(made, "\n")


def _numbers_only(choices: Sequence[Evidence]) -> dict[str, Any]:
    """A llama.cpp grammar whose language is one mark."""
    numbers = " | ".join(f'"{e.number}"' for e in choices)
    return {"grammar": f'root ::= "[" ({numbers}) "]"'}


def _write(turn: _Turn, model: ChatModel, history: Sequence[Message]) -> Iterator[AskEvent]:
    """Sentences in the model's words, each judged as it ends."""
    messages, listed = prompt.writing(turn.question, turn.found.sentences, history, model.context)
    limit = min(prompt.ANSWER_TOKENS, model.context // 4)
    display, splitter, held = Display(), Splitter(), ""
    with closing(_streamed(turn, model, messages, max_tokens=limit)) as stream:
        for piece in stream:
            held += piece
            if prompt.NOTHING.startswith(held.strip(" \n.")):  # it may become the word for "nothing found"
                continue
            yield from turn.token(display.feed(held))
            yield from _made(turn, splitter.feed(held), listed)
            held = ""
    if held.strip(" \n.") != prompt.NOTHING:
        yield from turn.token(display.feed(held) + display.end())
        yield from _made(turn, [*splitter.feed(held), *splitter.end()], listed)


def _made(turn: _Turn, sentences: Sequence[Sentence], listed: Sequence[Evidence]) -> Iterator[AskEvent]:
    for s in sentences:
        if (s.numbers or not is_courtesy(s.text)) and s.text.strip(" .") != prompt.NOTHING:
            yield turn.add(claim(s.text, s.numbers, listed, turn.verifier, turn.question), s.gap)


def _streamed(turn: _Turn, model: ChatModel, messages: Sequence[Message], **options: Any) -> Generator[str, None, None]:
    """The pieces of a generation; its usage goes to `turn`. Closing it stops the model."""
    stream = model.stream(messages, temperature=0.0, **options)
    try:
        for delta in stream:
            turn.usage = delta.usage or turn.usage
            if delta.text:
                yield delta.text
    finally:
        stop = getattr(stream, "close", None)
        if stop:
            stop()
