"""What a model is to learn: conversations, as lines of JSON in OpenAI's chat format, and where they come from."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gakju.labs.leaks import likeness
from gakju.labs.questions import answered

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.store.questions import QuestionSet

LARGEST = 64 << 20
"""Bytes of a file of examples."""
HELD = 0.15
"""Share that is held out where no file of test examples is given."""
MOST_HELD = 200
SHORTEST = 80
"""Characters of a passage that is worth an example."""
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


@dataclass(frozen=True, slots=True)
class Turn:
    """`weight` 0: an answer that is read and not learnt."""

    role: str
    content: str
    weight: int = 1

    def json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"role": self.role, "content": self.content}
        return told if self.weight or self.role != "assistant" else {**told, "weight": 0}


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation; `line` of its file, from 1."""

    messages: tuple[Turn, ...]
    line: int = 0

    @property
    def question(self) -> str:
        """What is asked last before the last answer."""
        asked = [m.content for m in self.messages if m.role == "user"]
        return asked[-1] if asked else ""

    @property
    def answer(self) -> str:
        said = [m.content for m in self.messages if m.role == "assistant"]
        return said[-1] if said else ""

    @property
    def text(self) -> str:
        return "\n".join(m.content for m in self.messages)

    def json(self) -> dict[str, Any]:
        return {"messages": [m.json() for m in self.messages]}


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples to learn from, and those that are held out to judge by."""

    train: tuple[Example, ...]
    held: tuple[Example, ...]


def example(question: str, answer: str, system: str = "", line: int = 0) -> Example:
    first = (Turn("system", system),) if system.strip() else ()
    return Example((*first, Turn("user", question), Turn("assistant", answer)), line)


def dumped(examples: Iterable[Example]) -> str:
    """JSONL."""
    return "".join(json.dumps(e.json(), ensure_ascii=False) + "\n" for e in examples)


def split(examples: Sequence[Example], held: Sequence[Example] | None = None, *, seed: int = 0) -> Dataset:
    """Holds out a share by chance, of every short answer alike, unless `held` is given.

    Examples that ask the same stay on one side.
    """
    if held is not None:
        return Dataset(tuple(examples), tuple(held[:MOST_HELD]))
    groups: dict[str, list[Example]] = {}
    for e in examples:
        groups.setdefault(likeness(e.question), []).append(e)
    kinds: dict[str, list[list[Example]]] = {}
    for group in groups.values():
        kinds.setdefault(group[0].answer if len(group[0].answer) <= 40 else "", []).append(group)
    chance, out = random.Random(seed), set()  # noqa: S311
    wanted = min(MOST_HELD, round(len(groups) * HELD))
    shuffled = [chance.sample(kinds[k], len(kinds[k])) for k in sorted(kinds)]
    # Of each kind its share; the largest remainders fill up.
    shares = [wanted * len(k) / max(1, len(groups)) for k in shuffled]
    takes = [int(s) for s in shares]
    for i in sorted(range(len(shares)), key=lambda i: takes[i] - shares[i])[: wanted - sum(takes)]:
        takes[i] += 1
    for kind, take in zip(shuffled, takes, strict=True):
        out |= {id(e) for group in kind[:take] for e in group}
    return Dataset(tuple(e for e in examples if id(e) not in out), tuple(e for e in examples if id(e) in out))


def from_questions(found: QuestionSet, system: str = "") -> list[Example]:
    """Of confirmed items with an expected answer."""
    made = []
    for i, item in enumerate(found.confirmed, 1):
        if item.answers:
            made.append(example(item.question, item.answers[0], system, i))
    return made


def from_talks(assistant: Assistant, *, liked: bool = True, system: str = "") -> list[Example]:
    """Of conversations: each question with its answer, with `liked` only those that someone called good."""
    store, made = assistant.store, list[Example]()
    for thread in store.talks.all(limit=10_000):
        good = {job for job, told in store.talks.ratings(thread.id).items() if told.value > 0}
        for turn in store.talks.turns(thread.id):
            if liked and turn.job_id not in good:
                continue
            question, said, result = answered(assistant, turn)
            if question.strip() and said.strip() and not result.get("refused"):
                made.append(example(question, said.strip(), system, len(made) + 1))
    return made


def from_documents(assistant: Assistant, collection: str, *, most: int = 200, system: str = "") -> list[Example]:
    """What stands under a heading, asked for by the heading: it teaches a manner of writing more than facts."""
    made: list[Example] = []
    for document in assistant.documents(collection):
        for chunk in assistant.chunks(document.id):
            if len(made) == most:
                return made
            if chunk.headings and len(chunk.text) >= SHORTEST:
                made.append(example(" > ".join(chunk.headings), chunk.text.strip(), system, len(made) + 1))
    return made
