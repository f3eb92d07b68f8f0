"""Whether an answer is right, by the kind of task."""

from __future__ import annotations

from gakju.evaluation import match
from gakju.labs.fewshot.prompt import Task, as_object
from gakju.store.questions import Item
from gakju.text.normalise import squeeze


def score(task: Task, item: Item, said: str) -> float:
    """1 right, 0 wrong; for the fields of an object the share that is right.

    A label is compared whole, case and white space aside; an extraction as SQuAD and KorQuAD compare; a free answer
    is right where it holds a right one, and a refusal where there is none.
    """
    if task.kind == "classification":
        return float(squeeze(said) == squeeze(item.answers[0]))
    refused = refuses(task, said)
    if not item.answers or refused:
        return float(refused and not item.answers)
    if task.fields:
        return max(_fields(said, answer) for answer in item.answers)
    korean = match.is_korean(item.question) or match.is_korean(item.answers[0])
    if task.kind == "extraction":
        return match.exact(said, item.answers, korean=korean)
    return float(match.holds(said, item.answers, korean=korean))


def refuses(task: Task, said: str) -> bool:
    """Whether it says that it does not know, in the words it was told, and nothing else of length."""
    text, unknown = squeeze(said), squeeze(task.unknown)
    return not text or (unknown in text and len(text) <= 2 * len(unknown))


def _fields(said: str, right: str) -> float:
    told, wanted = as_object(said) or {}, as_object(right) or {}
    if not wanted:
        return 0.0
    return sum(squeeze(told.get(name, "")) == squeeze(value) for name, value in wanted.items()) / len(wanted)
