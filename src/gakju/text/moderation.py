"""What stands in a text that a program may not want to pass on: by rules, on this machine.

`moderation.toml` holds a pattern a line for each of OpenAI's categories. A rule finds plain words in English and
Korean; it understands nothing, and what is said by hints it misses. Personal data is found by its form.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

MATCHED = 0.9
"""The score of a category whose rule matched; a rule knows no more or less."""


class Personal(NamedTuple):
    """Personal data at code points `start:end`; never the data itself."""

    kind: str
    start: int
    end: int


@cache
def rules() -> dict[str, re.Pattern[str]]:
    """A pattern for each category, in the order of the file."""
    said = tomllib.loads(files("gakju.text").joinpath("moderation.toml").read_text("utf-8"))
    return {name: re.compile("|".join(f"(?:{p})" for p in patterns)) for name, patterns in said.items()}


def scores(text: str) -> dict[str, float]:
    """0 or `MATCHED` for each category."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().replace("’", "'").split())
    return {name: MATCHED if pattern.search(plain) else 0.0 for name, pattern in rules().items()}


_PERSONAL = {
    "resident_number": re.compile(r"(?<!\d)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-–\s]?[1-8]\d{6}(?!\d)"),
    "card_number": re.compile(r"(?<![\d-])(?:\d{4}[- ]?){3}\d{4}(?![\d-])"),
    "phone_number": re.compile(r"(?<![\d.-])(?:\+82[- ]?|0)1[016789][- .]?\d{3,4}[- .]?\d{4}(?![\d-])"),
    "email": re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"),
    "passport": re.compile(r"(?<![A-Z0-9])[MSRODG]\d{3}[A-Z0-9]\d{4}(?![A-Z0-9])"),
}


def personal(text: str) -> list[Personal]:
    """Numbers of people, cards and phones, addresses of mail; in order."""
    found = [Personal(kind, *m.span()) for kind, m in _matches(text) if kind != "card_number" or _luhn(m.group())]
    return sorted(found, key=lambda p: p.start)


def _matches(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for kind, pattern in _PERSONAL.items():
        for match in pattern.finditer(text):
            yield kind, match


def _luhn(number: str) -> bool:
    """ISO/IEC 7812: what a card's number adds up to."""
    digits = [int(c) for c in reversed(number) if c.isdigit()]
    doubled = sum(d if n % 2 == 0 else d * 2 - 9 * (d > 4) for n, d in enumerate(digits))
    return doubled % 10 == 0
