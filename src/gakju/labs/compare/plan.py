"""What is compared, from one file: a question set, the ways to answer, the models, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gakju.assistant import DEFAULT
from gakju.errors import UsageError
from gakju.labs import question_files
from gakju.labs.fewshot import MOST, Pick
from gakju.labs.question_files import Line
from gakju.store.questions import Item

QUESTIONS = 2000
ARMS = 24
BYTES = 4 << 20
"""Of a plan's file, and of a question file it names."""
_HINT = "See gakju compare --help for an example."

Short = Annotated[str, Field(max_length=200)]
Items = tuple[dict[str, Any], ...]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Arm(_Strict):
    """One way to answer. What is not given is left out: an arm of nothing is the plain model.

    `persona` is the system prompt of a model alone; `shots` examples stand before the question, chosen by `pick`;
    `documents` answers from the library in that mode; `web` from the web, besides or alone. A fine-tuned model is a
    `model` of that name. `shots` with `documents: free` are given as earlier turns of the conversation.
    """

    name: Short = ""
    model: Short = ""
    persona: Annotated[str, Field(max_length=10_000)] = ""
    shots: Annotated[int, Field(ge=0, le=MOST)] = 0
    pick: Pick = "similar"
    documents: Literal["", "verbatim", "free"] = ""
    web: bool = False

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        return {} if given == "plain" else given

    @model_validator(mode="after")
    def _fits(self) -> Arm:
        if self.persona and self.looks:
            raise ValueError("a persona is for a model alone: answers from documents have an instruction of their own")
        if self.shots and self.looks and self.documents != "free":
            raise ValueError("examples go with documents in the mode free only: no model writes in verbatim")
        return self

    @property
    def looks(self) -> bool:
        """Whether it answers from something beside the model."""
        return bool(self.documents) or self.web

    @property
    def sources(self) -> str:
        """As `store.Sources`."""
        return ("both" if self.documents else "web") if self.web else "documents" if self.documents else "none"

    @property
    def title(self) -> str:
        """What it is called where it was given no name."""
        parts = ["persona"] if self.persona else []
        parts += [f"documents {self.documents}"] if self.documents else []
        parts += ["web"] if self.web else []
        parts += [f"{self.shots}-shot {self.pick}"] if self.shots else []
        return self.name or " + ".join(parts) or "plain"


class Budget(_Strict):
    """What a comparison may cost, estimated before it starts and watched while it runs; None is no limit."""

    tokens: Annotated[int, Field(ge=1)] | None = None
    money: Annotated[float, Field(ge=0)] | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None


class Plan(_Strict):
    """`questions` and `examples` are question sets by name or id, or their items; `models` are tried by every arm
    that names none, the default model where there are none. `max_tokens` is for a model alone: an answer from
    documents has a length of its own. `example_minutes` is what writing one example is taken to cost a person.
    `fresh` asks all again.
    """

    name: Short = ""
    questions: Annotated[str, Field(min_length=1, max_length=200)] | Items
    questions_version: Annotated[int, Field(ge=1)] | None = None
    examples: Short | Items = ""
    examples_version: Annotated[int, Field(ge=1)] | None = None
    collection: Short = DEFAULT
    models: Annotated[tuple[Short, ...], Field(max_length=8)] = ()
    arms: Annotated[tuple[Arm, ...], Field(min_length=1, max_length=ARMS)]
    instruction: Annotated[str, Field(max_length=10_000)] = ""
    max_tokens: Annotated[int, Field(ge=1, le=4096)] = 96
    seed: int = 0
    limit: Annotated[int, Field(ge=1, le=QUESTIONS)] | None = None
    example_minutes: Annotated[float, Field(ge=0)] = 2.0
    budget: Budget = Budget()
    fresh: bool = False

    @field_validator("questions", "examples")
    @classmethod
    def _items(cls, given: str | Items) -> str | Items:
        if isinstance(given, str):
            return given
        if not 0 < len(given) <= QUESTIONS:
            raise ValueError(f"between 1 and {QUESTIONS:,} questions are taken")
        return tuple(_line(told, number) for number, told in enumerate(given, 1))


def _line(told: Mapping[str, Any], number: int) -> dict[str, Any]:
    """As a line of a file: an answer is no row of letters, a question without an id gets the one that follows."""
    try:
        return question_files.line(Line.model_validate(told).item())
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"question {number}: {where[:100]}: {first['msg']}") from None


def as_plan(told: Mapping[str, Any]) -> Plan:
    """Raises UsageError that names what is wrong."""
    try:
        return Plan.model_validate(told)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{where or 'The plan'}: {said}.", hint=_HINT, param=where) from None


def loads(text: str) -> dict[str, Any]:
    """A plan as YAML. Raises UsageError."""
    if len(text.encode()) > BYTES:
        raise UsageError(f"The plan is larger than {BYTES >> 20} MiB.", hint=_HINT)
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):  # a short file could grow without end
            raise UsageError("The plan has aliases (*name).", hint="Write out what they stand for.")
        told = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as e:
        mark = getattr(e, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise UsageError(f"The plan is no YAML{where}.", hint=_HINT) from None
    if not isinstance(told, dict):
        raise UsageError("The plan is no mapping of names to values.", hint=_HINT)
    return {str(k): v for k, v in told.items()}


def load(path: Path) -> Plan:
    """A plan's file; files of questions that it names, beside it, are read into it. Raises UsageError."""
    told = loads(_text(path))
    for name in ("questions", "examples"):
        given = told.get(name)
        if isinstance(given, str) and given.endswith((".jsonl", ".csv")):
            told[name] = [question_files.line(item) for item in _file(path.parent / given)]
    told.setdefault("name", path.stem)
    return as_plan(told)


def _file(path: Path) -> Sequence[Item]:
    """A question set as JSON lines or CSV."""
    return question_files.parse(_bytes(path), question_files.form_of(path.name))


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text in UTF-8.", hint=_HINT) from None


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > BYTES:
            raise UsageError(f"{path} is larger than {BYTES >> 20} MiB.", hint="Give a part of it.")
        return path.read_bytes()
    except OSError as e:
        raise UsageError(f"{path} cannot be read: {e.strerror}.", hint="Check the name.") from e


def digest(value: BaseModel) -> str:
    """SHA-256 in hex of what it says."""
    return sha256(value.model_dump_json().encode()).hexdigest()
