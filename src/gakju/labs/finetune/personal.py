"""Data of persons that a model must not learn: it repeats what it has learnt to whoever asks.

A Korean resident's number is one by its date and sex digit (its check digit says nothing since 2020), a card's by its
length and Luhn's sum; account numbers are known by their form and the words beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["resident", "card", "account", "phone", "email", "passport"]
GRAVE: frozenset[Kind] = frozenset(["resident", "card", "account", "passport"])

_RESIDENT = re.compile(r"(?<!\d)(\d{2})(\d{2})(\d{2})\s?[-–]?\s?([1-8])\d{6}(?!\d)")
_CARD = re.compile(
    r"(?<![\d-])\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}(?![\d-])|(?<![\d-])3[47]\d{2}[ -]?\d{6}[ -]?\d{5}(?![\d-])"
)
_ACCOUNT = re.compile(r"(?<![\d-])\d{2,6}-\d{2,6}-\d{2,8}(?:-\d{1,3})?(?![\d-])|(?<![\d-])\d{10,14}(?![\d-])")
_BANK = re.compile(
    r"계좌|예금주|입금|송금|은행|농협|신협|우체국|뱅크|\b(?:account|iban|bank|deposit to|transfer to)\b", re.IGNORECASE
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_PHONE = re.compile(
    r"(?<![\d-])(?:\+?82[ -]?|0)(?:2|1[016789]|[3-6][1-5]|70|50\d)[ .)-]?\d{3,4}[ .-]?\d{4}(?![\d-])"
    r"|(?<![\d-])\+\d{1,3}[ -]\d[\d -]{6,12}\d(?![\d-])"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_PASSPORT = re.compile(r"(?<![A-Z0-9])[MSRGD]\d{3}[A-Z]?\d{4,5}(?![A-Z0-9])")


class Found(NamedTuple):
    """`start` and `end` in the text; the data itself is never told again."""

    kind: Kind
    start: int
    end: int


def find(text: str) -> list[Found]:
    """In order, none within another."""
    found: list[Found] = []
    for one in sorted(_all(text), key=lambda f: (f.start, -f.end)):
        if not found or one.start >= found[-1].end:
            found.append(one)
    return found


def _all(text: str) -> Iterator[Found]:
    taken: list[tuple[int, int]] = []

    def tell(kind: Kind, match: re.Match[str]) -> Iterator[Found]:
        if not any(a < match.end() and match.start() < b for a, b in taken):
            taken.append(match.span())
            yield Found(kind, *match.span())

    for match in _RESIDENT.finditer(text):
        if 1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31:
            yield from tell("resident", match)
    for match in _CARD.finditer(text):
        if luhn(re.sub(r"\D", "", match[0])):
            yield from tell("card", match)
    for match in _PHONE.finditer(text):
        yield from tell("phone", match)
    for match in _EMAIL.finditer(text):
        yield from tell("email", match)
    for match in _IBAN.finditer(text):
        yield from tell("account", match)
    for match in _ACCOUNT.finditer(text):
        digits = sum(c.isdigit() for c in match[0])
        near = text[max(0, match.start() - 30) : match.end() + 20]
        if 10 <= digits <= 16 and _BANK.search(near):
            yield from tell("account", match)
    for match in _PASSPORT.finditer(text):
        if re.search(r"여권|passport", text[max(0, match.start() - 30) : match.end() + 10], re.IGNORECASE):
            yield from tell("passport", match)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = 0
    for i, c in enumerate(reversed(digits)):
        n = int(c) * (2 if i % 2 else 1)
        total += n - 9 if n > 9 else n
    return total % 10 == 0
