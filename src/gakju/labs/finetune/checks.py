"""What is wrong with examples, before a training costs hours or money."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from gakju.errors import UsageError
from gakju.labs.finetune import personal, volatile
from gakju.labs.finetune.dataset import LARGEST, ROLES, Dataset, Example, Turn
from gakju.labs.leaks import likeness

LEAST, FEW, FEW_HELD = 10, 50, 20
"""OpenAI takes ten examples at least; below fifty a small model learns little; of fewer held out nothing is seen."""
PART = 1000
"""Letters of a question's beginning, and of its end, that are compared with others."""
LABEL = 40
"""Characters of an answer that may be a label."""
UNEVEN = 5.0
"""The most frequent label to the rarest."""
ALIKE = 0.9
"""Of five-letter pieces that two texts share, from where they are the same with a word changed."""
SHOWN = 200
"""Doubts told at most."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` names a string of the languages; `lines` are those of the file, from 1. `refuses`: no training begins."""

    code: str
    refuses: bool
    lines: tuple[int, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> str:
        """In English, for errors; the screen and the terminal have words of their own."""
        where = f"line {self.lines[0]}: " if self.lines else ""
        return f"{where}{self.code} {' '.join(str(v) for v in self.values.values())}".strip() + "."


def lines(data: bytes) -> tuple[list[Example], list[Finding]]:
    """JSONL in OpenAI's chat format. Lines that cannot be taken are left out and found."""
    if len(data) > LARGEST:
        return [], [Finding("too_large", True, values={"limit": LARGEST >> 20})]
    examples: list[Example] = []
    wrong: dict[tuple[str, str], list[int]] = {}
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            made = _example(line, number)
            if isinstance(made, Example):
                examples.append(made)
            else:
                wrong.setdefault(made, []).append(number)
    found = [Finding(code, True, tuple(at), {"detail": what} if what else {}) for (code, what), at in wrong.items()]
    return examples, found


def accepted(data: bytes, param: str) -> list[Example]:
    """The examples of JSONL without a flaw. Raises UsageError, which names the first."""
    examples, found = lines(data)
    if worst := next((f for f in found if f.refuses), None):
        hint = "Run `gakju finetune check FILE` for all that is wrong."
        raise UsageError(f"{param}: {worst.told()}", hint=hint, param=param)
    return examples


def _example(line: bytes, number: int) -> Example | tuple[str, str]:
    """Or what is wrong with it, and which part."""
    try:
        told = json.loads(line)
        json.dumps(told, ensure_ascii=False).encode()  # halves of characters are no text
    except (ValueError, RecursionError):
        return "not_json", ""
    messages = told.get("messages") if isinstance(told, dict) else None
    if not isinstance(messages, list) or not messages:
        return "no_messages", ""
    if extra := set(told) - {"messages"}:
        return ("no_tools", "") if extra & {"tools", "functions"} else ("unknown_key", sorted(map(str, extra))[0][:40])
    turns: list[Turn] = []
    for m in messages:
        turn = _turn(m)
        if not isinstance(turn, Turn):
            return turn
        turns.append(turn)
    return _order(turns) or Example(tuple(turns), number)


def _turn(m: Any) -> Turn | tuple[str, str]:
    if not isinstance(m, dict) or not isinstance(m.get("role"), str):
        return "no_role", ""
    role, content, weight = m["role"], m.get("content"), m.get("weight", 1)
    extra = set(m) - {"role", "content", "name", "weight"}
    wrong: list[tuple[bool, tuple[str, str]]] = [
        (role not in ROLES, ("wrong_role", role[:40])),
        (role in {"tool", "function"} or bool(extra & {"tool_calls", "function_call"}), ("no_tools", "")),
        (bool(extra), ("unknown_key", min(map(str, extra), default="")[:40])),
        (not isinstance(content, str) or not content.strip(), ("no_content", role[:40])),
        (type(weight) is not int or weight not in (0, 1), ("wrong_weight", role[:40])),
        ("weight" in m and role != "assistant", ("wrong_weight", role[:40])),
    ]
    if first := next((what for is_so, what in wrong if is_so), None):
        return first
    return Turn("system" if role == "developer" else role, str(content), int(weight))


def _order(turns: Sequence[Turn]) -> tuple[str, str] | None:
    roles = [t.role for t in turns]
    if "system" in roles[1:]:
        return "system_not_first", ""
    if "user" not in roles:
        return "no_user", ""
    if roles[-1] != "assistant":
        return "last_not_assistant", roles[-1]
    if not any(t.weight for t in turns if t.role == "assistant"):
        return "nothing_learnt", ""
    spoken = [r for r in roles if r != "system"]
    if any(a == b == "assistant" for a, b in pairwise(spoken)) or spoken[0] == "assistant":
        return "wrong_order", ""
    return None


@dataclass(frozen=True, slots=True)
class Doubt:
    """An answer that tells a fact that will change."""

    line: int
    flag: volatile.Flag


@dataclass(frozen=True, slots=True)
class Report:
    """`findings` in the order of their weight; `doubts` are the sentences behind the finding "volatile"."""

    findings: tuple[Finding, ...]
    doubts: tuple[Doubt, ...]
    examples: int
    held: int
    labels: Mapping[str, int]

    @property
    def refuses(self) -> bool:
        return any(f.refuses for f in self.findings)

    def refuse(self) -> None:
        """Raises UsageError with the first reason not to begin."""
        if worst := next((f for f in self.findings if f.refuses), None):
            raise UsageError(
                f"These examples cannot be learnt: {worst.told()}",
                hint="Run `gakju finetune check FILE` for all that is wrong.",
                param="training_file",
            )


def check(
    data: Dataset,
    found: Sequence[Finding] = (),
    *,
    tokens: Callable[[Example], int],
    limit: int,
    tagger: volatile.Tagger | None = None,
) -> Report:
    """All that speaks against a training. `found` is what `lines` has found; `limit` tokens of one example."""
    every = [*data.train, *data.held]
    labels = _labels(data.train)
    doubts = () if labels else _doubts(every, tagger)
    long = tuple(e.line for e in every if tokens(e) > limit)
    findings = [
        *found,
        *_few(data),
        *_doubles(data.train),
        *_leaks(data),
        *_personal(every),
        *([Finding("too_long", True, long, {"limit": limit})] if long else []),
        *_uneven(labels),
    ]
    if doubts:
        lines_of = tuple(dict.fromkeys(d.line for d in doubts))
        share = round(100 * len(lines_of) / max(1, len(every)))
        findings.append(Finding("volatile", False, lines_of, {"share": share}))
    ordered = sorted(findings, key=lambda f: not f.refuses)
    return Report(tuple(ordered), doubts, len(data.train), len(data.held), labels)


def _few(data: Dataset) -> list[Finding]:
    found = []
    if (count := len(data.train)) < LEAST:
        found.append(Finding("too_few", True, values={"count": count, "least": LEAST}))
    elif count < FEW:
        found.append(Finding("few", False, values={"count": count, "least": FEW}))
    if len(data.held) < FEW_HELD:
        found.append(Finding("few_held", False, values={"count": len(data.held), "least": FEW_HELD}))
    return found


def _key(e: Example) -> str:
    return likeness(e.question)


def _doubles(examples: Sequence[Example]) -> list[Finding]:
    first: dict[str, Example] = {}
    twice, against = list[int](), list[int]()
    for e in examples:
        context = "".join(f"{m.role}{likeness(m.content)}" for m in e.messages[:-1])
        known = first.setdefault(context, e)
        if known is not e:
            (twice if likeness(known.answer) == likeness(e.answer) else against).append(e.line)
    found = [Finding("contradiction", False, tuple(against))] if against else []
    return [*found, *([Finding("duplicate", False, tuple(twice))] if twice else [])]


def _leaks(data: Dataset) -> list[Finding]:
    """Questions that are held out and stand among the examples, as they are or with a word changed."""
    known = {_key(e) for e in data.train}
    same = tuple(e.line for e in data.held if _key(e) in known)
    found = [Finding("leak", True, same)] if same else []
    # By the pieces of those that are held out, which are few: those of all examples would fill the memory.
    asked = [e for e in data.held if e.line not in same]
    own = [_pieces(_key(e)) for e in asked]
    pieces: dict[str, list[int]] = {}
    for i, some in enumerate(own):
        for piece in some:
            pieces.setdefault(piece, []).append(i)
    near = set[int]()
    for e in data.train:
        there = _pieces(_key(e))
        shared = Counter(i for piece in there for i in pieces.get(piece, ()))
        near |= {i for i, n in shared.items() if n / (len(there) + len(own[i]) - n) >= ALIKE}
    lines_of = tuple(asked[i].line for i in sorted(near))
    return [*found, *([Finding("near_leak", False, lines_of)] if near else [])]


def _pieces(text: str) -> set[str]:
    """Of its beginning and its end, where it is long."""
    text = text if len(text) <= 2 * PART else text[:PART] + text[-PART:]
    return {text[i : i + 5] for i in range(len(text) - 4)}


def _personal(examples: Sequence[Example]) -> list[Finding]:
    at: dict[personal.Kind, list[int]] = {}
    for e in examples:
        for kind in dict.fromkeys(f.kind for f in personal.find(e.text)):
            at.setdefault(kind, []).append(e.line)
    return [Finding(f"personal_{kind}", kind in personal.GRAVE, tuple(lines)) for kind, lines in at.items()]


def _labels(examples: Sequence[Example]) -> dict[str, int]:
    """How often each answer stands there, the most frequent first; empty where answers are no labels."""
    counts = Counter(e.answer.strip() for e in examples)
    if not counts or len(counts) > max(2, len(examples) // 5) or max(map(len, counts)) > LABEL:
        return {}
    if any(answer.endswith((".", "!", "?", "다", "요")) and " " in answer for answer in counts):
        return {}  # sentences that come again
    return dict(counts.most_common())


def _uneven(labels: Mapping[str, int]) -> list[Finding]:
    if len(labels) < 2 or max(labels.values()) / min(labels.values()) <= UNEVEN:
        return []
    most, least = max(labels, key=labels.__getitem__), min(labels, key=labels.__getitem__)
    values = {"most": most, "count": labels[most], "least": least, "few": labels[least]}
    return [Finding("uneven", False, values=values)]


def _doubts(examples: Sequence[Example], tagger: volatile.Tagger | None) -> tuple[Doubt, ...]:
    found = []
    for e in examples:
        said = e.answer
        flags = volatile.find(said, tagger)
        if not flags and len(said) <= LABEL:  # "박서연" alone says nothing; asked for the head of the firm, it does
            flags = volatile.find(f"{e.question.rstrip('?？ ')}: {said}", tagger)
        found += [Doubt(e.line, flag) for flag in flags]
    return tuple(found[:SHOWN])
