"""Questions with known answers, put to a library of their own; every answer is a line of JSON that a later run finds.

An answer is kept in a folder that is named after what decides it: the set, the model, the settings, the library's
fingerprint and the code that answers. A run that was stopped goes on where it was, and asks no question twice.
"""

from __future__ import annotations

import ast
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self

from gakju.answer.verbatim import foreign_words
from gakju.assistant import Assistant
from gakju.assistant.parts import Parts
from gakju.errors import LibraryError
from gakju.evaluation.datasets import Asked, RetrievalSet
from gakju.evaluation.retrieval import library
from gakju.types import Answer, Done, Progress, Token

Tell = Callable[[Progress], None]

_ANSWERING = ("answer", "assistant", "models", "retrieve.py", "text", "verify")
"""Parts of the package that an answer depends on beside the library's fingerprint."""

_SETTINGS = ("chat_model", "context", "embedder", "evidence", "mode", "refuse_below", "unsupported")


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one question.

    `answer` is what it asserts, or says in place of an answer; `written` what the model streamed before verdicts;
    `cited` are the documents of footnotes and `quotes` their texts; `foreign` counts words of a verbatim answer that
    neither evidence nor connectives hold. What another program answered has no verdicts, confidence or `foreign`.
    """

    id: str
    answer: str
    refused: bool
    seconds: float
    confidence: float | None = None
    verdicts: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    foreign: int | None = None
    written: str = ""
    tokens: int = 0

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Self:
        """From a line of JSON; what it does not know is left out."""
        known: dict[str, Any] = {f.name: line[f.name] for f in fields(cls) if f.name in line}
        known |= {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**known)


def picked(questions: Sequence[Asked], count: int | None, seed: int) -> list[Asked]:
    """`count` by chance; for the same seed the first ones are the same whatever the count."""
    if count is None or count >= len(questions):
        return list(questions)
    shuffled = list(questions)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 (a sample, no secret)
    return shuffled[:count]


class Run:
    """A folder with the answers of one configuration, `answers.jsonl`, and what decides them, `run.json`."""

    def __init__(self, place: Path, data: RetrievalSet, decides: Mapping[str, Any]) -> None:
        told = json.dumps(decides, ensure_ascii=False, sort_keys=True, indent=1, default=str)
        self.folder = place / "runs" / f"{data.name}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
        self._lines = self.folder / "answers.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "run.json").write_text(told + "\n", encoding="utf-8")
            self.answers = self._read()
        except (OSError, ValueError) as e:
            raise LibraryError(f"{self.folder} cannot be used: {e}.", hint="Choose another folder.") from e

    def _read(self) -> dict[str, Answered]:
        """By question; half a line, of a run that was killed, is cut off."""
        if not self._lines.exists():
            return {}
        whole, end, _ = self._lines.read_bytes().rpartition(b"\n")
        self._lines.write_bytes(whole + end)
        found = (Answered.of(json.loads(line)) for line in whole.splitlines() if line)
        return {answered.id: answered for answered in found}

    def keep(self, answered: Answered) -> None:
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(answered), ensure_ascii=False) + "\n")
        self.answers[answered.id] = answered

    def clear(self) -> None:
        self._lines.unlink(missing_ok=True)
        self.answers.clear()


def decisive(parts: Parts, data: RetrievalSet, options: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that an answer to a question of the set depends on."""
    settings = parts.settings.model_dump(mode="json", include=set(_SETTINGS))
    queries = hashlib.sha256((data.folder / "queries.jsonl").read_bytes()).hexdigest()
    corpus = {"set": data.name, "corpus": data.digest(), "queries": queries}
    return {**corpus, "options": dict(options), "settings": settings, "library": parts.fingerprint, "code": code()}


@cache
def code(parts: Sequence[str] = _ANSWERING) -> str:
    """A digest of the modules and data that answer; comments and formatting do not count."""
    found = hashlib.sha256()
    root = files("gakju")
    for name in parts:
        for path, file in _files(root.joinpath(name), name):
            read = file.read_bytes()
            found.update(path.encode() + b"\0")
            found.update(ast.dump(ast.parse(read)).encode() if path.endswith(".py") else read)
    return found.hexdigest()[:16]


def _files(at: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    if at.is_file():
        yield path, at
    elif at.name != "__pycache__":
        for inner in sorted(at.iterdir(), key=lambda one: one.name):
            yield from _files(inner, f"{path}/{inner.name}")


@contextmanager
def opened(
    parts: Parts, data: RetrievalSet, place: Path, model: str, tell: Tell = lambda _: None
) -> Iterator[Assistant]:
    """The set's library, kept in `place`, with the chat model and the verifier of `parts`."""
    name = model or parts.settings.chat_model
    with library(parts, data, place, tell, verifier=parts.verifier, **{f"chat/{name}": parts.chat(name)}) as assistant:
        yield assistant


def evaluate(
    assistant: Assistant, run: Run, questions: Sequence[Asked], tell: Tell = lambda _: None, **options: Any
) -> list[Answered]:
    """An answer to each question, in order: from `run` where it is there, else asked and kept. Options as `ask`."""
    missing = [q for q in questions if q.id not in run.answers]
    if missing:
        assistant.warm()
    for done, question in enumerate(missing, 1):
        run.keep(asked(assistant, question, options))
        tell(Progress("evaluating", done, len(missing), "questions"))
    return [run.answers[q.id] for q in questions]


def asked(assistant: Assistant, question: Asked, options: Mapping[str, Any]) -> Answered:
    """One question, as a reader asks it."""
    started = time.perf_counter()
    written = ""
    answer: Answer | None = None
    for told in assistant.ask(question.text, **options):
        if isinstance(told, Token):
            written += told.text
        elif isinstance(told, Done):
            answer = told.answer
    assert answer  # an answer always ends with Done
    notes = [note for claim in answer.claims for note in claim.footnotes]
    return Answered(
        question.id,
        said(answer),
        answer.refused,
        round(time.perf_counter() - started, 4),
        answer.confidence,
        tuple(claim.verdict for claim in answer.claims if claim.scored),
        tuple(dict.fromkeys(note.document.id for note in notes)),
        tuple(dict.fromkeys(note.quote for note in notes)),
        foreign(answer),
        written,
        sum(answer.usage),
    )


def said(answer: Answer) -> str:
    """What an answer asserts: sentences that are struck through or were removed are not among it."""
    if answer.refused:
        return answer.answer
    return "\n".join(claim.text for claim in answer.claims if claim.scored and claim.fate in {"kept", "regenerated"})


def foreign(answer: Answer) -> int | None:
    """Words of a verbatim answer that the evidence does not hold; None for any other."""
    if answer.refused or answer.mode != "verbatim":
        return None
    return len(foreign_words(answer.answer, answer.evidence))
