"""What people read, in Korean and English: TOML catalogues `PART.ko.toml` and `PART.en.toml`, same keys in both.

Parts: `errors` (one entry an error code or problem kind), `mistakes` (whole errors, see `explain`), `cli`, `ui`, `web`
(see `retold`) and more. A value is a format string.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from gakju.errors import GakjuError
from gakju.language.particles import particle

Language = Literal["ko", "en"]

_MARK = re.compile(r"(?<=\S)\((은|이|을|과|으로)\)")
_MARKED = re.compile("\ue000(은|이|을|과|으로)")
"""A mark while values are filled in: what looks like one in a value is only text."""

_VALUE = re.compile(r"(?<!\{)\{(\w+)\}")
_LONGEST = 2_000
"""Characters of an error that is looked for among `mistakes`; longer ones hold a text that somebody pasted."""

_REST = "page_detail"
"""The value that is all the rest of a line: what came up at a page, told by `pages`."""


@cache
def catalogue(part: str, language: Language) -> dict[str, str]:
    text = files(__package__).joinpath(f"{part}.{language}.toml").read_text("utf-8")
    return {k: v for k, v in tomllib.loads(text).items() if isinstance(v, str)}


def pick(wanted: str | None) -> Language:
    """`ko-KR` or `ko_KR.UTF-8` is Korean, anything else English."""
    return "ko" if (wanted or "").lower().startswith("ko") else "en"


def say(part: str, key: str, language: Language, **values: object) -> str:
    """The string `key`, filled in; Korean particles written as `이름(은)` follow the word before them."""
    text = catalogue(part, language)[key]
    if language != "ko":
        return text.format(**values)
    filled = _MARK.sub("\ue000\\1", text).format(**values)
    return _MARKED.sub(lambda m: particle(filled[: m.start()], m[1]), filled)


def explain(error: GakjuError, language: Language) -> str:
    """An error in the reader's language: what happened, then the next step.

    Whole where `mistakes` has it, else the words for its code with the English in brackets.
    """
    if language == "en":
        return str(error)
    if whole := told(error.message, error.hint, language):
        return whole
    known = catalogue("errors", language)
    said = known.get(error.code)
    return f"{said} ({error})" if said else str(error)


def told(message: str, hint: str, language: Language) -> str:
    """What `mistakes` says for this message of an error with this hint; "" where it has no such pair."""
    parts = (message, hint) if hint else (message,)
    if sum(map(len, parts)) <= _LONGEST:
        line = "\n".join(" ".join(part.split()) for part in parts)
        for key, pattern in _lines("mistakes", "\n"):
            if found := pattern.fullmatch(line):
                return _said("mistakes", key, language, found)
    return ""


@cache
def _lines(part: str, gap: str, behind: str = "") -> list[tuple[str, re.Pattern[str]]]:
    """Keys with what their English string makes of any values, those with the most words of their own first.

    `gap` stands between message and hint; the pattern `behind` may follow.
    """
    found = []
    for key, text in catalogue(part, "en").items():
        words, names = _parts(text.replace("\n", gap))
        found.append((sum(map(len, words)), key, re.compile(_pattern(words, names) + behind)))
    return [(key, pattern) for _, key, pattern in sorted(found, key=lambda one: -one[0])]


def _parts(text: str) -> tuple[list[str], list[str]]:
    """Of a format string: its own words, and the names of the values between them."""
    split = _VALUE.split(text)
    return [words.format() for words in split[::2]], split[1::2]


def _pattern(words: list[str], names: list[str]) -> str:
    """A value ends at the first place where the words behind it stand, and no other is tried (`(?>`): where these fit,
    what follows fits as well as behind a later one, and a look at a hostile line takes time linear in its length. A dot
    is no line break, so no value goes from a message into its hint.
    """
    made = re.escape(words[0])
    for n, (name, behind) in enumerate(zip(names, words[1:], strict=True), 1):
        value = f"(?P<{name}>.+{'' if name == _REST else '?'}){re.escape(behind)}"
        made += value if n == len(names) else f"(?>{value})"
    return made


def retold(line: str, part: str, language: Language) -> str:
    """A line that was written in English, in the reader's language where `part` has it; else as it is."""
    if language != "en" and len(line) <= _LONGEST:
        for key, pattern in _lines(part, " ", "(?: .*)?"):
            if found := pattern.fullmatch(line):
                return _said(part, key, language, found)
    return line


def _said(part: str, key: str, language: Language, found: re.Match[str]) -> str:
    values = found.groupdict()
    if page := values.get(_REST):
        values[_REST] = retold(page, "pages", language)
    return say(part, key, language, **values)


__all__ = ["Language", "catalogue", "explain", "particle", "pick", "retold", "say", "told"]
