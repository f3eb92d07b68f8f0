"""A prompt with examples: what never changes first, the question last, so that an engine reads its beginning once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gakju.errors import UsageError
from gakju.evaluation.match import is_korean
from gakju.labs import tokenizer
from gakju.store.questions import Item
from gakju.types import Message

if TYPE_CHECKING:
    from gakju.settings import Settings

Kind = Literal["classification", "extraction", "answer"]

LABELS = 100
"""Of one task: a prompt names them all."""

UNKNOWN = {True: "알 수 없음", False: "unknown"}
"""What a question without an answer is answered with; by whether the questions are Korean."""

_TOLD: dict[Kind, dict[bool, str]] = {
    "classification": {
        True: "글을 다음 가운데 하나로 분류한다: {labels}. 이름만 답한다.",
        False: "Classify the text as one of: {labels}. Answer with the name only.",
    },
    "extraction": {
        True: "글에서 찾는 것을 글에 적힌 그대로 뽑는다. 다른 말은 쓰지 않는다. 글에 없으면 '{unknown}'이라고 답한다.",
        False: "Extract what is wanted from the text, word for word, and write nothing else."
        " Answer '{unknown}' where the text does not hold it.",
    },
    "answer": {
        True: "질문에 짧게 답한다. 모르면 '{unknown}'이라고 답한다.",
        False: "Answer the question briefly. Answer '{unknown}' where you do not know.",
    },
}
_OBJECT = {
    True: "글에서 {fields}을(를) 뽑아 JSON 객체로 답한다.",
    False: "Extract {fields} from the text. Answer with a JSON object.",
}


class Part(NamedTuple):
    """A part of a prompt as it is sent. `kind`: instruction, example, question, or format for what the chat format
    adds; `share` of all tokens, 0..1.
    """

    kind: str
    role: str
    text: str
    tokens: int
    share: float


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is asked to do with each question. `fields` are those of the JSON object that an extraction
    answers with; `labels` those that a classification may answer with. `unknown` is a refusal's text.
    """

    kind: Kind
    instruction: str
    labels: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    unknown: str = UNKNOWN[False]
    max_tokens: int = 64

    def messages(self, examples: Sequence[Item], question: str) -> list[Message]:
        """The instruction, each example as a turn, then the question."""
        said = [Message("system", self.instruction)]
        for example in examples:
            said += [Message("user", example.question), Message("assistant", self.answer(example))]
        return [*said, Message("user", question)]

    def answer(self, example: Item) -> str:
        """What the model is shown as the right answer."""
        return example.answers[0] if example.answers else self.unknown

    def bound(self, model: str) -> dict[str, Any]:
        """What binds an answer to a label or to the object's fields: a grammar for the embedded engine, a schema for
        others; {} for free text.
        """
        if self.kind == "classification":
            if model.startswith("embedded:"):
                choices = " | ".join(json.dumps(label, ensure_ascii=False) for label in self.labels)
                return {"grammar": f"root ::= {choices}"}
            return _format("label", {"label": {"type": "string", "enum": list(self.labels)}})
        if self.fields:
            return _format("fields", {name: {"type": "string"} for name in self.fields})
        return {}

    def said(self, text: str) -> str:
        """What a model answered: of an object with a label alone, the label."""
        text = text.strip()
        if self.kind == "classification" and text.startswith("{"):
            try:
                return str(json.loads(text)["label"])
            except (ValueError, KeyError, TypeError, RecursionError):
                return text
        return text


def _format(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"response_format": {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}}


def task(kind: Kind, items: Sequence[Item], instruction: str = "", max_tokens: int = 64) -> Task:
    """The task that examples and tests make: their labels or fields, told in their language.

    `{labels}`, `{fields}` and `{unknown}` in an instruction are replaced. Raises UsageError for a classification
    with an item that has no label, with one label, or with too many.
    """
    korean = sum(is_korean(item.question) for item in items[:50]) * 2 > len(items[:50])
    labels = _labels(items) if kind == "classification" else ()
    fields = _fields(items) if kind == "extraction" else ()
    # A label must not be cut short: at most a token a byte, and what a JSON object adds.
    max_tokens = max(max_tokens, *(len(label.encode()) + 16 for label in labels)) if labels else max_tokens
    told = instruction.strip() or (_OBJECT if fields else _TOLD[kind])[korean]
    given = {"labels": ", ".join(labels), "fields": ", ".join(fields), "unknown": UNKNOWN[korean]}
    for name, value in given.items():  # not str.format: a person's text may hold braces
        told = told.replace(f"{{{name}}}", value)
    return Task(kind, told, labels, fields, UNKNOWN[korean], max_tokens)


def _labels(items: Sequence[Item]) -> tuple[str, ...]:
    if wrong := [item for item in items if len(item.answers) != 1 or not item.answers[0].strip()]:
        raise UsageError(
            f"{len(wrong)} items have no label, or several: {wrong[0].id} ({wrong[0].question[:60]!r}).",
            hint="In a classification `answers` is the label alone.",
        )
    labels = tuple(sorted({item.answers[0] for item in items}))
    if not 1 < len(labels) <= LABELS:
        raise UsageError(f"The items have {len(labels)} labels.", hint=f"A classification has 2 to {LABELS}.")
    return labels


def _fields(items: Sequence[Item]) -> tuple[str, ...]:
    """Of the objects that all answers are; () where one is plain text."""
    found: dict[str, None] = {}
    for item in items:
        for answer in item.answers[:1]:
            told = as_object(answer)
            if told is None:
                return ()
            found |= dict.fromkeys(told)
    return tuple(found)


def as_object(text: str) -> dict[str, str] | None:
    """A JSON object with its values as text, or None."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    return {str(k): v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in told.items()}


def parts(messages: Sequence[Message], model: str, settings: Settings) -> tuple[list[Part], bool]:
    """Of a prompt, in order, and whether the tokens are exact. Raises ModelMissing.

    A part's tokens are those of its text; "format" is what the chat format adds around all of them.
    """
    name, _ = tokenizer.vocabulary_of(model)
    encoding = tokenizer.vocabulary(name, settings)
    total, exact = tokenizer.prompt_tokens(messages, model, settings)
    sizes = [len(encoding.encode_ordinary(m.content)) for m in messages]
    kinds = ["question" if i == len(messages) - 1 else "example" for i in range(len(messages))]
    kinds = ["instruction" if m.role == "system" else kind for m, kind in zip(messages, kinds, strict=True)]
    rest = max(0, total - sum(sizes))
    whole = max(1, sum(sizes) + rest)
    found = [
        Part(kind, m.role, m.content, size, size / whole) for kind, m, size in zip(kinds, messages, sizes, strict=True)
    ]
    return [*found, Part("format", "", "", rest, rest / whole)], exact
