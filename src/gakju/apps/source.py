"""An app's file: YAML read as plain data, each value with its line.

The file may come from a stranger. Only mappings, lists and scalars are taken: no tags, anchors or aliases, nothing
deeper or longer than an app needs, and no word becomes a date or a truth value by its look (`no` is a word).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gakju.errors import UsageError
from gakju.language import Language, say

LONGEST = 64 << 10
"""Bytes of a file."""
DEEPEST = 8
MOST = 2000
"""Values of a file."""

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: `code` is a key of the catalogue `apps`, `place` a path in the file, `fields.2.type`."""

    code: str
    line: int = 1
    place: str = ""
    values: tuple[tuple[str, str], ...] = ()

    def said(self, language: Language) -> str:
        """One line, without its number."""
        values = dict(self.values)
        if wanted := values.get("wanted"):
            values["wanted"] = say("apps", f"wanted_{wanted}", language)
        text = say("apps", self.code, language, **values)
        return say("apps", "place", language, place=self.place, said=text) if self.place else f"{text}."

    def told(self, language: Language) -> str:
        """With its line, where it has one."""
        said = self.said(language)
        return say("apps", "line", language, line=self.line, said=said) if self.line else said


class AppError(UsageError):
    """A file that is no app, or a form filled in wrongly: `troubles` has everything, in the order of the file."""

    def __init__(self, troubles: Sequence[Trouble], *, name: str = "", param: str = "app") -> None:
        self.troubles = tuple(troubles)
        self.name = name
        super().__init__(self.told("en"), param=param)

    def told(self, language: Language) -> str:
        """The first trouble, and how many more."""
        more = f" (+{len(self.troubles) - 1})" if len(self.troubles) > 1 else ""
        return (f"{self.name}: " if self.name else "") + self.troubles[0].told(language) + more


def trouble(code: str, line: int, **values: object) -> AppError:
    return AppError([Trouble(code, line, "", tuple((k, str(v)) for k, v in values.items()))])


def read(text: str) -> tuple[Any, dict[Path, int]]:
    """The data of a YAML document, and the line (from 1) of each value by its path. Raises AppError."""
    import yaml

    if len(text.encode("utf-8", "replace")) > LONGEST:
        raise trouble("big", 1, kib=LONGEST >> 10)
    try:
        reader = _Reader(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), yaml)
        return reader.document(), reader.lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = error.problem or error.context or "not understood"
        raise trouble("yaml", mark.line + 1 if mark else 1, detail=said) from None
    except (yaml.YAMLError, UnicodeEncodeError):  # a character that no text has
        raise trouble("character", _bad_line(text)) from None


def _bad_line(text: str) -> int:
    found = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


class _Reader:
    """Events to values. Depth is bounded before Python's stack is."""

    def __init__(self, events: Any, yaml: Any) -> None:
        self._events, self._yaml = events, yaml
        self._seen = 0
        self.lines: dict[Path, int] = {}

    def document(self) -> Any:
        y = self._yaml
        value: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, y.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise trouble("one_app", event.start_mark.line + 1)
            elif not isinstance(event, y.StreamStartEvent | y.StreamEndEvent | y.DocumentEndEvent):
                value = self._value(event, ())
        return value

    def _value(self, event: Any, path: Path) -> Any:
        y = self._yaml
        line = event.start_mark.line + 1
        self.lines[path] = line
        self._seen += 1
        if isinstance(event, y.AliasEvent) or event.anchor:
            raise trouble("anchors", line)
        if event.tag:
            raise trouble("tags", line)
        if len(path) > DEEPEST or self._seen > MOST:
            raise trouble("deep", line)
        if isinstance(event, y.ScalarEvent):
            return event.value if event.style else _scalar(event.value)
        return self._mapping(path) if isinstance(event, y.MappingStartEvent) else self._list(path)

    def _list(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), self._yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), self._yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            if not isinstance(event, self._yaml.ScalarEvent):
                raise trouble("key_word", line)
            key = event.value
            if key in found:
                raise trouble("twice", line, name=key[:40])
            found[key] = self._value(next(self._events), (*path, key))
            self.lines[(*path, key)] = line
        return found


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text) and len(text) < 20:
        return float(text) if set(text) & set(".eE") else int(text)
    return text
