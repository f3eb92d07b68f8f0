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
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, get_args

from gakju.answer import prompt
from gakju.answer.asked import asked as asked_of
from gakju.answer.cells import cells
from gakju.answer.choose import Choice, choose, wants_span
from gakju.answer.claims import FOUND, Find, claim, footnote, is_courtesy, meant, quoted, standing
from gakju.answer.followup import standalone
from gakju.answer.marks import Display, Sentence, Splitter
from gakju.answer.mend import CONTRARY, TOKENS, Unsupported, mended, removed
from gakju.answer.pieces import Tagger
from gakju.answer.refusal import Looked, not_found, not_held
from gakju.answer.spans import fits
from gakju.answer.verbatim import joined
from gakju.errors import UsageError
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
    Judgement,
    Message,
    Token,
    Usage,
)

__all__ = ["FOUND", "PREFIX", "Looked", "Mode", "Unsupported", "checked_mode", "compose", "mode_for", "standalone"]

Mode = Literal["auto", "verbatim", "free"]

PREFIX = (Message("system", prompt.POINT),)
"""How every prompt to an embedded model begins; reading it ahead saves its time at the first question."""

_SURE = 0.1
"""How far ahead, in `Evidence.score`, the best sentence stands alone."""

_DOUBT = 0.45
"""An answer less likely right than this is shown as partly supported: its words stand there, it may not be what was
asked."""
_CLEAR = 0.55
"""A span at least so likely right is not looked past for a cell of a table."""
_UNSURE = {
    True: "출처에 있는 말이지만 이 질문의 답인지 확실하지 않음",
    False: "the source says so, but it may not answer this",
}


Whole = Callable[[str], str]
"""A sentence to the same on one line."""


@dataclass(slots=True)
class _Turn:
    """One question being answered."""

    question: str
    found: Found
    verifier: Verifier
    started: float
    unsupported: Unsupported = "strike"
    find: Find | None = None
    tagger: Tagger | None = None
    whole: Whole = prompt.shown
    voice: tuple[str, float] = ("", 0.0)
    asked: str = ""
    mode: str = ""
    confidence: float = 0.0
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
        self.clock("verdict")
        shown = f"~~{made.text}~~" if made.fate == "struck" else made.text
        self.text += (gap if self.text else "") + shown
        self.claims.append(made)
        return ClaimMade(made)

    def done(self, refusal: str = "") -> Done:
        self.clock("total")
        scored = [c for c in self.claims if c.scored]
        share = sum(c.verdict == "supported" for c in scored) / len(scored) if scored else None
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
                asked=self.asked or self.question,
                confidence=round(self.confidence, 4),
                supported_share=None if share is None else round(share, 4),
                mode=self.mode,
            )
        )


def checked_mode(mode: str) -> Mode:
    """Raises UsageError."""
    if mode not in get_args(Mode):
        raise UsageError(f"{mode!r} is no mode of answering.", hint="Use auto, verbatim or free.")
    return mode  # type: ignore[return-value]


def mode_for(mode: Mode, model: str) -> Mode:
    """What "auto" is for the model of that name: verbatim for embedded ones."""
    return mode if mode != "auto" else "verbatim" if model.startswith("embedded:") else "free"


def compose(
    question: str,
    found: Found,
    chat: Callable[[], ChatModel],
    verifier: Verifier,
    *,
    history: Sequence[Message] = (),
    refuse_below: float,
    started: float | None = None,
    asked: str = "",
    mode: Mode = "auto",
    unsupported: Unsupported = "strike",
    tagger: Tagger | None = None,
    whole: Whole = prompt.shown,
    find: Find | None = None,
    looked: Looked = "documents",
    reading: Callable[[], bool] = lambda: False,
    voice: tuple[str, float] = ("", 0.0),
) -> Iterator[AskEvent]:
    """Evidence at once, then tokens and claims, then the whole answer; closing it stops the model.

    `chat` is called only where the evidence is at least `refuse_below` strong. `started` is the
    `time.perf_counter()` of the question, from which timings count; `asked` the question made to stand alone.
    "auto" is verbatim for embedded models; `tagger` knows morphemes, without it whole sentences are quoted; `whole`
    puts a sentence on one line, with the words that line ends part. `find` looks for evidence of a sentence that was
    written. A sentence that the evidence does not carry is struck through, removed or written again; where none is
    carried the answer is a refusal, which tells where was `looked`, and whether documents are still on their way in
    (`reading`). `voice`, a persona and a temperature, is how a model writes, not what it may say; a verbatim answer
    has no words of its own and so none. Raises what the model raises.
    """
    turn = _Turn(question, found, verifier, time.perf_counter() if started is None else started)
    turn.unsupported, turn.find, turn.tagger, turn.whole, turn.asked = unsupported, find, tagger, whole, asked
    turn.confidence = found.strength if found.sentences else 0.0
    turn.voice = voice
    yield EvidenceFound(found.sentences, turn.clock("evidence"), asked or question)

    def nothing() -> str:
        return not_found(question, looked, shown=bool(found.sentences), reading=reading())

    if not found.sentences or found.strength < refuse_below:
        yield turn.done(nothing())
        return
    model = chat()
    turn.model = model.name
    turn.mode = mode_for(mode, model.name)
    if turn.mode == "free":
        yield from _write(turn, model, history)
    else:
        yield from _verbatim(turn, model, refuse_below)
    yield turn.done(_refusal(turn, refuse_below, looked, nothing))


def _refusal(turn: _Turn, refuse_below: float, looked: Looked, nothing: Callable[[], str]) -> str:
    """What is said in place of claims that do not carry an answer; "" where they do."""
    scored = [c for c in turn.claims if c.scored]
    if turn.mode == "free":
        turn.confidence = min(turn.confidence, max((c.score for c in scored), default=0.0))
    if scored and all(c.verdict in CONTRARY for c in scored):
        return not_held(turn.question, looked)
    return nothing() if not scored or turn.confidence < refuse_below else ""


def _verbatim(turn: _Turn, model: ChatModel, refuse_below: float) -> Iterator[AskEvent]:
    """The cell or span that answers, with its row or sentence as the footnote; whole sentences where a question wants
    one, or nothing less is found.
    """
    question, evidence = turn.asked or turn.question, turn.found.sentences
    wanted = asked_of(question, turn.tagger) if turn.tagger is not None else None
    if turn.tagger is not None and wanted is not None and wants_span(wanted, question):
        choice = Choice((), 0.0)
        if "\t" not in evidence[0].text or not fits(wanted, evidence[0].text):
            choice = choose(question, wanted, evidence, turn.found.strength, turn.tagger, turn.whole)
        named = cells(question, wanted, evidence, turn.tagger, turn.whole) if choice.confidence < _CLEAR else None
        if named:
            yield from _told(turn, named.texts, named.evidence, turn.confidence)
            return
        if choice.picked:
            turn.confidence = min(turn.confidence, choice.confidence)
            if turn.confidence >= refuse_below:
                texts, used = [span.text for _, span in choice.picked], [e for e, _ in choice.picked]
                yield from _told(turn, texts, used, choice.confidence)
            return
    yield from _point(turn, model)


def _told(turn: _Turn, texts: Sequence[str], used: Sequence[Evidence], confidence: float) -> Iterator[AskEvent]:
    text = joined(texts)
    notes = tuple(footnote(e) for e in dict.fromkeys(used))
    judged = Judgement("supported", round(confidence, 3))
    if confidence < _DOUBT:
        judged = Judgement("partial", judged.score, _UNSURE[prompt.korean(turn.question)])
    yield from turn.token(text)
    yield turn.add(Claim(text, judged.verdict, judged.score, notes, judged.reason))


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
    made = quoted(picked, names, turn.verifier, turn.question, turn.whole)
    yield from turn.token(("\n" if turn.claims else "") + made.text)
    yield turn.add(made, "\n")


def _numbers_only(choices: Sequence[Evidence]) -> dict[str, Any]:
    """A llama.cpp grammar whose language is one mark."""
    numbers = " | ".join(f'"{e.number}"' for e in choices)
    return {"grammar": f'root ::= "[" ({numbers}) "]"'}


def _write(turn: _Turn, model: ChatModel, history: Sequence[Message]) -> Iterator[AskEvent]:
    """Sentences in the model's words, each judged as it ends."""
    persona, temperature = turn.voice
    messages, listed = prompt.writing(turn.question, turn.found.sentences, history, model.context, persona)
    limit = min(prompt.ANSWER_TOKENS, model.context // 4)
    display, splitter, held = Display(), Splitter(), ""
    with closing(_streamed(turn, model, messages, max_tokens=limit, temperature=temperature)) as stream:
        for piece in stream:
            held += piece
            if prompt.NOTHING.startswith(held.strip(" \n.")):  # it may become the word for "nothing found"
                continue
            yield from turn.token(display.feed(held))
            yield from _made(turn, model, splitter.feed(held), listed)
            held = ""
    if held.strip(" \n.") != prompt.NOTHING:
        yield from turn.token(display.feed(held) + display.end())
        yield from _made(turn, model, [*splitter.feed(held), *splitter.end()], listed)


def _made(
    turn: _Turn, model: ChatModel, sentences: Sequence[Sentence], listed: Sequence[Evidence]
) -> Iterator[AskEvent]:
    for s in sentences:
        if s.text.strip(" .") == prompt.NOTHING:
            continue
        if not s.numbers and is_courtesy(s.text):
            yield turn.add(Claim(s.text, "unsupported", 0.0, (), scored=False), s.gap)
            continue
        before = [c.text for c in turn.claims if c.scored and c.fate == "kept"]
        said = standing(s.text, before)
        made = claim(s.text, s.numbers, listed, turn.verifier, turn.question, said=said, find=turn.find)
        if made.verdict in CONTRARY:
            made = _bad(turn, model, made, listed)
        yield turn.add(made, s.gap)


def _bad(turn: _Turn, model: ChatModel, made: Claim, listed: Sequence[Evidence]) -> Claim:
    """What becomes of a sentence that the evidence does not carry."""
    if turn.unsupported == "remove":
        return removed(made)
    if turn.unsupported == "regenerate":
        say = partial(_said, turn, model)
        again = mended(made, turn.question, listed, turn.verifier, turn.find, say, model.context)
        if again is not None:
            return again
    return replace(made, fate="struck")


def _said(turn: _Turn, model: ChatModel, messages: Sequence[Message]) -> str:
    return "".join(_streamed(turn, model, messages, max_tokens=TOKENS))


def _streamed(turn: _Turn, model: ChatModel, messages: Sequence[Message], **options: Any) -> Generator[str, None, None]:
    """The pieces of a generation; its usage goes to `turn`. Closing it stops the model."""
    stream = model.stream(messages, **{"temperature": 0.0, **options})
    try:
        for delta in stream:
            if delta.usage:
                turn.usage = Usage(*map(sum, zip(turn.usage, delta.usage, strict=True)))
            if delta.text:
                yield delta.text
    finally:
        stop = getattr(stream, "close", None)
        if stop:
            stop()
