"""What is said of time and of parts without a number: how often, which quarter, 반년; and one of three."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from gakju.verify.units import ENGLISH, NATIVE, UNITS, Quantity

Rate = tuple[str, Fraction]
"""The base unit of a time and how much of it."""

_NATIVE = "|".join(sorted(NATIVE, key=len, reverse=True))
_WORDS_EN = "|".join(word for word in sorted(ENGLISH, key=len, reverse=True) if ENGLISH[word] <= 12)
_TIMES_EN = r"(?P<unit>second|minute|hour|day|week|month|year|decade|fortnight)"
_TIMES_KO = r"(?P<unit>시간|분|초|개월|달|주일|주|일|년|해)"
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 4, "final": 4, "1st": 1, "2nd": 2, "3rd": 3}
_TERMS = [
    (
        "quarter",
        re.compile(
            rf"\b(?P<n>{'|'.join(_ORDINALS)}|4th)\s(?:\w+\s)?quarter(?!s|\s?-?final|\sof\san?\s)|\bQ(?P<q>[1-4])\b",
            re.I,
        ),
    ),
    ("quarter", re.compile(r"(?P<n>[1-4])\s?(?:/\s?4\s?|사\s?)?분기")),
    ("half-year", re.compile(r"(?P<n>[상하])반기|\b(?P<en>first|second)\shalf\sof\s(?:the\syear|\d{4})", re.I)),
    ("month", re.compile(r"(?<![가-힣])(?P<span>반\s?년|반\s?해|사반세기|반세기)")),
]
_SPANS = {"반년": 6, "반해": 6, "사반세기": 300, "반세기": 600}
# How often: in words of their own, and 매주, 달마다, a week, every two weeks, 하루에 두 번.
_FREQUENT: list[tuple[re.Pattern[str], Rate]] = [
    (re.compile(pattern, re.IGNORECASE), (unit, Fraction(n)))
    for pattern, unit, n in [
        (r"매일|날마다|일일|\bdaily\b|\bevery (?:morning|evening|night)\b", "day", 1),
        (r"격일|하루걸러|\bevery other day\b", "day", 2),
        (r"매주|(?<![가-힣])주(?:간)?\s?(?=\d+\s?[회번일시]|[한두세네]\s?(?:번|차례))|\bweekly\b", "day", 7),
        (r"격주|\bevery other week\b|\bfortnightly\b", "day", 14),
        (r"매월|매달|다달이|(?<![가-힣])월(?:간)?\s?(?=\d+\s?[회번]|[한두세네]\s?(?:번|차례))|\bmonthly\b", "month", 1),
        (r"격월|\bevery other month\b", "month", 2),
        (r"매\s?분기|분기(?:마다|별|에 한)|\bquarterly\b|\b(?:each|every|a|per) quarter\b", "month", 3),
        (r"반기(?:마다|별|에 한)|\bhalf-yearly\b", "month", 6),
        (
            r"매년|매해|해마다|(?<![가-힣])연(?:간)?\s?(?=\d|[한두세네]\s?(?:번|차례))|\byearly\b|\bannual(?:ly)?\b",
            "month",
            12,
        ),
        (r"시속|\bhourly\b", "second", 3600),
        (r"분속", "second", 60),
        (r"초속", "second", 1),
    ]
]
_EVERY = [
    re.compile(rf"\b(?:per|each|every)\s(?:(?P<n>\d{{1,3}}|{_WORDS_EN})\s)?{_TIMES_EN}s?\b", re.IGNORECASE),
    re.compile(
        rf"(?<![가-힣\d])(?:(?P<n>\d{{1,3}}|{_NATIVE})\s?)?{_TIMES_KO}"
        r"(?:마다|에\s(?=(?:최대\s|최소\s)?(?:\d{1,3}|[한두세네]|다섯|여섯)\s?(?:번|회|차례)))"
    ),
    re.compile(
        r"(?P<unit>하루|일주일|이틀|사흘)(?:마다|에\s(?=(?:최대\s|최소\s)?(?:\d{1,3}|[한두세네]|다섯|여섯)\s?(?:번|회|차례)))"
    ),
    re.compile(
        rf"\b(?:once|twice|times)\s(?:an?|in)\s(?:(?P<n>\d{{1,3}}|{_WORDS_EN})\s)?{_TIMES_EN}s?\b", re.IGNORECASE
    ),
]
_DAYS = {"하루": 1, "이틀": 2, "사흘": 3, "일주일": 7}
_NUMBER = rf"\d{{1,6}}|{_NATIVE}|{_WORDS_EN}"
_COUNTER = r"(?:\s?(?:명|사람|개|곳|대|마리|가구|집|건))?"
_SHARES = [
    re.compile(
        rf"(?<![가-힣\d,.])(?P<whole>{_NUMBER}){_COUNTER}\s?(?:중|가운데)(?:에서?|의)?\s(?P<part>{_NUMBER}){_COUNTER}"
        r"(?=[은는이가을를의에과와만꼴씩\s.,]|$)"
    ),
    re.compile(
        rf"\b(?P<part>{_NUMBER})\s(?:in|(?:out\s)?of)\s(?:every\s)?(?P<whole>{_NUMBER})(?=\s[a-z]+s?\b|[.,]|$)",
        re.IGNORECASE,
    ),
]


_FROM_TO = re.compile(
    rf"\b(?:from|between)\s(?P<a>\d{{1,2}}|{_WORDS_EN})\s(?:to|and|until)\s(?P<b>\d{{1,2}}|{_WORDS_EN})(?=\s(?:on|in|at)\b|[.,;]|$)",
    re.I,
)


def terms(text: str) -> list[Quantity]:
    """Quarters and halves of a year by their number, and 반년."""
    found = []
    for unit, pattern in _TERMS:
        for m in pattern.finditer(text):
            g = {k: v.lower() for k, v in m.groupdict().items() if v}
            if "span" in g:
                value = _SPANS[g["span"].replace(" ", "")]
            else:
                said = g.get("n") or g.get("q") or g.get("en") or ""
                value = _ORDINALS.get(said) or {"상": 1, "하": 2}.get(said) or int(said[0])
            found.append(Quantity(unit, Fraction(value), m.group(), start=m.start()))
    return found


def rates(text: str) -> frozenset[Rate]:
    """How often something is said to be: every so many days, months or seconds."""
    found = {rate for pattern, rate in _FREQUENT if pattern.search(text)}
    for pattern in _EVERY:
        for m in pattern.finditer(text):
            g = m.groupdict()
            if m["unit"] in _DAYS:
                found.add(("day", Fraction(_DAYS[m["unit"]])))
                continue
            base, factor = UNITS[m["unit"].lower()]
            found.add((base, factor * (_value(g["n"]) if g.get("n") else 1)))
    return frozenset(found)


def shares(text: str) -> list[tuple[Quantity, int]]:
    """One in three, 열 명 중 세 명: in percent, each with where it ends."""
    found = []
    for pattern in _SHARES:
        for m in pattern.finditer(text):
            whole, part = _value(m["whole"]), _value(m["part"])
            if 0 < part < whole:
                found.append((Quantity("%", 100 * part / whole, m.group(), start=m.start()), m.end()))
    return found


def between(found: Sequence[Quantity]) -> list[Quantity]:
    """The time between two times of day that follow each other, and how many days of the week are named."""
    out = []
    for a, b in pairwise(found):
        if a.unit == b.unit == "clock" and isinstance(a.value, Fraction) and isinstance(b.value, Fraction):
            out.append(Quantity("second", 60 * ((b.value - a.value) % 1440), ""))
    for q in found:
        length = {"quarter": 3, "half-year": 6}.get(q.unit, 0)
        if length and isinstance(q.value, Fraction):
            out += [Quantity("date", (0, length * (int(q.value) - 1) + i, 0), "") for i in range(1, length + 1)]
            out.append(Quantity("month", Fraction(length), ""))
        elif q.unit == "clock" and isinstance(q.value, Fraction):
            out.append(Quantity("half-day", Fraction(int(q.value >= 720)), ""))
        elif q.unit == "%" and isinstance(q.value, Fraction):
            out.append(Quantity("fold", 1 + q.value / 100, ""))
    named = {q.value for q in found if q.unit == "weekday"}
    return out + ([Quantity("time", Fraction(len(named)), "")] if len(named) > 1 else [])


def spans(text: str) -> list[Quantity]:
    """From ten to two: four hours."""
    return [Quantity("second", 3600 * ((_value(m["b"]) - _value(m["a"])) % 12), "") for m in _FROM_TO.finditer(text)]


def _value(word: str) -> Fraction:
    known = NATIVE.get(word) or ENGLISH.get(word.lower())
    return Fraction(known or int(word))
