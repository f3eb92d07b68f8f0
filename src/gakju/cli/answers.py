"""`gakju search`, `gakju ask` and `gakju chat`."""

from __future__ import annotations

import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import click

from gakju.cli.meter import Meter
from gakju.cli.terminal import State, command, sound, word
from gakju.errors import GakjuError, ModelFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gakju.client import Backend
    from gakju.types import Answer, AskEvent, Claim, DocumentRef, Evidence, Footnote, Message, WebStep

SOURCES = ["documents", "web", "both", "auto"]

_collection = click.option("--collection", default="default", metavar="NAME", help=word("opt_collection"))
_mode = click.option("--mode", default=None, type=click.Choice(["verbatim", "free"]), help=word("opt_mode"))
_model = click.option("-m", "--model", default="", metavar="PROVIDER:MODEL", help=word("opt_model"))


@command("search", 'gakju search "annual leave" -k 5')
@click.argument("query")
@click.option("-k", default=10, type=click.IntRange(1, 1000), help=word("opt_k"))
@_collection
@click.pass_obj
def search(state: State, query: str, k: int, collection: str) -> int:
    with state.connect() as backend:
        found = backend.search(sound(query), k, collection=collection)
    if state.json:
        state.emit(found)
    for n, hit in enumerate(() if state.json else found, 1):
        place = f"{hit['document']['title']}, {state.say('page', page=hit['page'])}"
        state.out(f"{n}. {place}  ({hit['score']:.3f})\n   {' '.join(hit['text'].split())[:300]}")
    if not found:
        state.note(state.say("search_nothing"))
    return 0 if found else 3


@command("ask", 'gakju ask "How many days of annual leave do I have?"')
@click.argument("question")
@_collection
@_model
@_mode
@click.option("--sources", default=None, type=click.Choice(SOURCES), help=word("opt_sources"))
@click.option("--web", "sources", flag_value="both", help=word("opt_web"))
@click.pass_obj
def ask(state: State, question: str, collection: str, model: str, mode: str | None, sources: str | None) -> int:
    from gakju import wire

    if question == "-":
        question = sys.stdin.read()
    with state.connect(own=_keeps(state, sources)) as backend:
        question = sound(question)
        told = backend.ask(question, collection=collection, model=model, sources=sources or "", mode=mode or "")
        answer = _show(state, told, question.strip())
    if state.json:
        state.emit(wire.answer(answer))
    return 3 if answer.refused else 0


@command("chat", "gakju chat --collection work")
@_collection
@_model
@_mode
@click.option("--sources", default=None, type=click.Choice([*SOURCES, "none"]), help=word("opt_chat_sources"))
@click.option("--web", "sources", flag_value="both", help=word("opt_web"))
@click.pass_obj
def chat(state: State, collection: str, model: str, mode: str | None, sources: str | None) -> int:
    manner = {"model": model, "sources": sources or "", "mode": mode or ""}
    with state.connect(own=_keeps(state, sources)) as backend:
        return _Conversation(state, backend, collection, manner).run()


def _keeps(state: State, sources: str | None) -> bool:
    """Whether the library will be written: what is read of the web is kept in it."""
    return (sources or state.settings.web) in {"web", "both", "auto"}


class _Conversation:
    """Ctrl+C stops an answer; at the prompt, or a second time, it leaves. So does the end of input."""

    def __init__(self, state: State, backend: Backend, collection: str, manner: Mapping[str, str]) -> None:
        self._state = state
        self._backend = backend
        self._collection = collection
        self._manner = manner
        self._history: list[Message] = []

    def run(self) -> int:
        if sys.stdin.isatty():
            with suppress(ImportError):
                import readline  # noqa: F401  (gives input() its line editing)
            self._state.note(self._state.say("chat_hello"))
        while True:
            try:
                question = sound(input(self._state.say("chat_prompt") if sys.stdin.isatty() else "").strip())
            except (EOFError, KeyboardInterrupt):
                return 0
            if question:
                self._turn(question)

    def _turn(self, question: str) -> None:
        from gakju import wire
        from gakju.assistant.talk import HISTORY
        from gakju.language import explain
        from gakju.types import Message

        history = self._history[-2 * HISTORY :]
        told = self._backend.ask(question, collection=self._collection, history=history, **self._manner)
        try:
            answer = _show(self._state, told, question)
        except KeyboardInterrupt:
            self._state.note(self._state.say("chat_stopped"))
            return
        except GakjuError as e:
            # A turn that fails is no reason to lose the conversation.
            self._state.note(explain(e, self._state.language))
            return
        if self._state.json:
            self._state.emit(wire.answer(answer), indent=None)
        if not answer.refused:
            self._history += [Message("user", question), Message("assistant", answer.answer)]


def _show(state: State, told: Iterator[AskEvent], question: str = "") -> Answer:
    """Sentences as they are made, then footnotes; nothing of it where JSON is wanted. What was understood is told
    where it is not `question` as it was typed.
    """
    from gakju.types import ClaimMade, Done, EvidenceFound, WebStep

    notes: dict[tuple[str, int, int, int], Footnote] = {}
    answer: Answer | None = None
    with Meter(state) as meter, closing(told):  # type: ignore[type-var]
        meter.wait(state.say("ask_searching"))
        for step in told:
            match step:
                case WebStep():
                    _web(state, meter, step)
                case EvidenceFound():
                    if step.asked not in {"", question} and not state.json:
                        meter.above(state.say("ask_understood", question=step.asked))
                    meter.wait(state.say("ask_reading", count=len(step.evidence), seconds=f"{step.seconds:.1f}"))
                case ClaimMade() if not state.json:
                    meter.above(_sentence(state, step.claim, notes))
                case Done():
                    answer = step.answer
    if answer is None:
        raise ModelFailed("The answer ended before it was whole.", hint="Ask again.")
    if not state.json:
        _below(state, answer, notes)
    return answer


def _web(state: State, meter: Meter, step: WebStep) -> None:
    """What the web is asked and which sites are read; at the end what went wrong with it."""
    match step.stage:
        case "searching":
            meter.wait(state.say("web_searching", queries=" · ".join(step.queries)))
        case "reading":
            sites = ", ".join(dict.fromkeys(step.sites))
            meter.wait(state.say("web_reading", done=step.done, total=step.total, sites=sites))
        case _:
            from gakju.language import retold

            for line in step.problems:
                state.note(retold(line, "web", state.language))


def _sentence(state: State, claim: Claim, notes: dict[tuple[str, int, int, int], Footnote]) -> str:
    """The claim with its marks `[1]`, and a word where it is not fully supported. New footnotes go to `notes`."""
    marks = ""
    for f in claim.footnotes:
        key = (f.document.id, f.page, f.start, f.end)
        notes.setdefault(key, f)
        marks += f"[{list(notes).index(key) + 1}]"
    text = f"~~{claim.text}~~" if claim.fate == "struck" else claim.text
    told = claim.scored and claim.verdict != "supported" and claim.fate != "removed"
    why = f": {claim.reason}" if claim.reason else ""
    doubt = f" ({state.known('cli', f'verdict_{claim.verdict}')}{why})" if told else ""
    return f"{text}{' ' if marks else ''}{marks}{doubt}"


def _below(state: State, answer: Answer, notes: dict[tuple[str, int, int, int], Footnote]) -> None:
    from gakju.text.links import text_fragment
    from gakju.types import WebRef

    if not answer.claims and not answer.refused:  # the model's own words
        state.out(answer.answer)
    if answer.refused:
        state.out(answer.answer or state.say("ask_refused"))
        if answer.evidence:
            state.out(f"\n{state.say('ask_nearest')}")
    elif notes:
        state.out()
    if not answer.refused and answer.supported_share is not None:
        count = sum(claim.scored for claim in answer.claims)
        state.note(state.say("ask_supported", percent=round(100 * answer.supported_share), count=count))
    quoted: list[Footnote | Evidence] = list(answer.evidence if answer.refused else notes.values())
    for n, found in enumerate(quoted, 1):
        text = getattr(found, "quote", "") or getattr(found, "text", "")
        state.out(f"[{n}] {_place(state, found.document, found.page)} “{' '.join(text.split())}”")
        if isinstance(found.document, WebRef):
            state.out(f"    {text_fragment(found.document.path, text)}")


def _place(state: State, document: DocumentRef, page: int) -> str:
    if read_at := getattr(document, "read_at", ""):
        return f"{document.title}, {state.say('web_read', day=read_at[:10])}"
    return f"{document.title}, {state.say('page', page=page)}"


COMMANDS = [search, ask, chat]
