"""Dates, weekdays and times of day, each read as what it means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from gakju.text.numerals import NATIVE
from gakju.verify.units import ENGLISH, Quantity

_WORDS_EN = "|".join(sorted(ENGLISH, key=len, reverse=True))
_MONTHS = {
    "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5, "june": 6,
    "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9, "october": 10, "oct": 10,
    "november": 11, "nov": 11, "december": 12, "dec": 12,
}  # fmt: skip
# Without a capital, "may" and "march" are other words.
_MONTH = "(?-i:May|March|Mar)|" + "|".join(
    m for m in sorted(_MONTHS, key=len, reverse=True) if m[:3] not in {"may", "mar"}
)
_YEAR = r"(?P<y>1\d{3}|20\d{2})"
_DATES = [
    re.compile(rf"(?<!\d){_YEAR}\s?[.\-/]\s?(?P<m>\d{{1,2}})\s?[.\-/]\s?(?P<d>\d{{1,2}})(?!\d)\.?"),
    re.compile(
        rf"(?<![\d,]){_YEAR}\s?년(?!\s?(?:간|동안|전|넘|이상|가까이))(?:\s?(?P<m>\d{{1,2}})\s?월)?(?:\s?(?P<d>\d{{1,2}})\s?일)?"
    ),
    re.compile(r"(?<![\d.])(?P<m>1[0-2]|0?[1-9])\s?월(?:\s?(?P<d>\d{1,2})\s?일(?!\s?간))?"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<month>{_MONTH})\b\.?(?:,?\s{_YEAR}(?!\d))?", re.IGNORECASE
    ),
    re.compile(
        rf"\b(?P<month>{_MONTH})\.?\s(?:the\s)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s{_YEAR}(?!\d))?",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?P<month>{_MONTH})(?:\sof|,)?\s{_YEAR}\b", re.IGNORECASE),
    re.compile(
        rf"\b(?:in|by|since|until|till|from|to|between|and|during|of)\s{_YEAR}(?!\d|\s?%|,\d|\.\d)", re.IGNORECASE
    ),
    # The short names of months are other words as well: sun and mar, dec and may.
    re.compile(r"\b(?P<month>January|February|March|April|June|July|August|September|October|November|December)\b"),
    re.compile(r"\b(?:(?:in|by|since|until|during|of|to|from|every|each|early|late)\s|mid-)(?P<month>May)\b"),
]
_WEEKDAYS = "월화수목금토일"
_WEEKDAYS_EN = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(
    rf"(?P<ko>[{_WEEKDAYS}])요일|\b(?P<en>{'|'.join(_WEEKDAYS_EN)})(?:s|(?='s))?\b"
    rf"|(?<![가-힣])(?P<one>[{_WEEKDAYS}])(?=\s?[·,~\-/]\s?[{_WEEKDAYS}](?:요일|(?![가-힣])|\s?[·,~\-/]))"
    rf"|(?<=[{_WEEKDAYS}][·,~\-/])(?P<last>[{_WEEKDAYS}])(?![가-힣])",
    re.IGNORECASE,
)
_DAYS_OF_WORK = re.compile(r"평일|주중|\bweekdays?\b", re.IGNORECASE)
_DAYS_OFF = re.compile(r"주말|\bweekends?\b", re.IGNORECASE)
_EXCEPT = re.compile(r"제외|외에|빼고|\b(?:except|excluding|apart from|other than|(?:all|day) but)\b", re.IGNORECASE)
_HOUR = "|".join(word for word in sorted(NATIVE, key=len, reverse=True) if NATIVE[word] <= 12)
_CLOCKS = [
    re.compile(
        r"(?:(?P<half>오전|오후|새벽|아침|낮|저녁|밤)\s?)?(?<!\d)(?P<h>\d{1,2})\s?시(?![간행작설기])"
        r"(?:\s?(?P<m>\d{1,2})\s?분|\s?(?P<thirty>반))?"
    ),
    re.compile(
        rf"(?:(?P<half>오전|오후|새벽|아침|낮|저녁|밤)\s?)?(?<![가-힣])(?P<native>{_HOUR})"
        r"\s?시(?![간행작설기])(?:\s?(?P<m>\d{1,2})\s?분|\s?(?P<thirty>반))?"
    ),
    re.compile(
        rf"(?:(?<![\d:])(?P<h>\d{{1,2}})(?::(?P<m>\d{{2}}))?|\b(?P<word>{_WORDS_EN}))(?:\so['’]clock)?\s"
        r"(?:in\sthe\s(?P<half>morning|afternoon|evening)|at\s(?P<night>night))\b",
        re.IGNORECASE,
    ),
    re.compile(r"(?<![\d:])(?P<h>\d{1,2}):(?P<m>\d{2})(?![\d:])(?:\s?(?P<half>[ap]\.?m\b\.?))?", re.IGNORECASE),
    re.compile(r"(?<![\d:.])(?P<h>\d{1,2})\s?(?P<half>[ap]\.?m\b\.?)", re.IGNORECASE),
    re.compile(r"\b(?P<h>\d{1,2}) o['’]clock\b"),
    re.compile(r"(?P<noon>정오|\bnoon\b|\bmidday\b)|(?P<midnight>자정|\bmidnight\b)", re.IGNORECASE),
]
_PART_OF_AN_HOUR = re.compile(
    rf"(?<!from )\b(?:a\s)?(?P<part>quarter|half|five|ten|twenty)\s(?P<way>to|past)\s(?P<h>\d{{1,2}}|{_WORDS_EN})\b",
    re.IGNORECASE,
)
_EVENING = {"오후", "낮", "저녁", "밤", "afternoon", "evening"}
_HALF_OF_A_DAY = re.compile(r"오전|(?P<late>오후)|\bmornings?\b|(?P<later>\bafternoons?\b)", re.IGNORECASE)
_HALF_TOLD = re.compile(
    r"오전|오후|새벽|아침|낮|저녁|밤|정오|자정|noon|midday|night|morning|afternoon|evening|[ap]\.?m\b|^0|^1[3-9]|^2\d",
    re.I,
)


def blanked(text: str, found: Sequence[Quantity]) -> str:
    for q in found:
        text = text[: q.start] + "\0" * len(q.text) + text[q.start + len(q.text) :]
    return text


def dates(text: str) -> list[Quantity]:
    found: list[Quantity] = []
    for pattern in _DATES:
        for m in pattern.finditer(text):
            g = m.groupdict()
            month = _MONTHS[g["month"].lower()] if g.get("month") else int(g.get("m") or 0)
            value = int(g.get("y") or 0), month, int(g.get("d") or 0)
            if value[1] <= 12 and value[2] <= 31:
                found.append(Quantity("date", value, m.group(), start=m.start()))
        text = blanked(text, found)
    return found


def weekdays(text: str) -> list[Quantity]:
    found = []
    for m in _WEEKDAY.finditer(text):
        korean = m["ko"] or m["one"] or m["last"]
        day = _WEEKDAYS.index(korean) if korean else _WEEKDAYS_EN.index(m["en"].lower())
        found.append(Quantity("weekday", Fraction(day), m.group(), start=m.start()))
    return found


def parts_of_an_hour(text: str) -> list[Quantity]:
    """A quarter to nine."""
    found = []
    for m in _PART_OF_AN_HOUR.finditer(text):
        part = {"quarter": 15, "half": 30}.get(m["part"].lower()) or ENGLISH[m["part"].lower()]
        hour = int(m["h"]) if m["h"].isdigit() else ENGLISH[m["h"].lower()]
        minutes = 60 * hour + (part if m["way"].lower() == "past" else -part)
        found.append(Quantity("clock", Fraction(minutes), m.group(), start=m.start()))
    return found


def clocks(text: str) -> list[Quantity]:
    found: list[Quantity] = []
    for pattern in _CLOCKS:
        for m in pattern.finditer(text):
            g = m.groupdict()
            if g.get("noon") or g.get("midnight"):
                found.append(Quantity("clock", Fraction(720 if g["noon"] else 0), m.group(), start=m.start()))
                continue
            hour, minute, half = (
                int(g.get("h") or 0)
                or NATIVE.get(g.get("native") or "", 0)
                or ENGLISH.get((g.get("word") or "").lower(), 0),
                30 if g.get("thirty") else int(g.get("m") or 0),
                (g.get("half") or ("밤" if g.get("night") else "")).lower(),
            )
            if hour > 24 or minute > 59:
                continue
            late = half in _EVENING or half.startswith("p")
            hour = hour + 12 if late and hour < 12 and not (half == "밤" and hour < 6) else hour
            hour = 0 if hour == 12 and (half in {"오전", "새벽", "밤"} or half.startswith("a")) else hour
            found.append(Quantity("clock", Fraction(hour * 60 + minute), m.group(), start=m.start()))
        text = blanked(text, found)
    return found


def halves_of_a_day(text: str) -> list[Quantity]:
    """오전, in the afternoon, where no hour is told with it."""
    return [
        Quantity("half-day", Fraction(int(bool(m["late"] or m["later"]))), m.group(), start=m.start(), loose=True)
        for m in _HALF_OF_A_DAY.finditer(text)
    ]


def same_date(a: Quantity, b: Quantity) -> bool:
    if isinstance(a.value, tuple) and isinstance(b.value, tuple):
        return all(x in (0, y) for x, y in zip(a.value, b.value, strict=True))
    if a.unit == "day" and isinstance(b.value, tuple):
        return a.value == b.value[2]
    # A bare number may be a year.
    return "" in {a.unit, b.unit} and (a.value == (b.value, 0, 0) or (a.value, 0, 0) == b.value)


def same_clock(a: Quantity, b: Quantity) -> bool:
    """Of one that does not tell morning from evening (3시, a quarter past ten), or a bare number of hours, only the
    hand of the clock is compared."""
    here, there = _minutes(a), _minutes(b)
    told = all(q.unit == "clock" and _HALF_TOLD.search(q.text) for q in (a, b))
    return here is not None and there is not None and (here - there) % (1440 if told else 720) == 0


def _minutes(q: Quantity) -> Fraction | None:
    """After midnight; None of what is neither a time nor a bare hour."""
    if not isinstance(q.value, Fraction) or q.unit not in {"clock", ""}:
        return None
    hour = q.value <= 24 and q.value.denominator == 1
    return q.value if q.unit == "clock" else 60 * q.value if hour else None


def excepts(text: str) -> bool:
    return bool(_EXCEPT.search(text))


def more_weekdays(text: str, said: Sequence[Quantity], *, excepted: bool) -> list[Quantity]:
    named = {int(q.value) for q in said if isinstance(q.value, Fraction)}
    days = set(range(5)) if _DAYS_OF_WORK.search(text) else set()
    days |= {5, 6} if _DAYS_OFF.search(text) else set()
    for a, b in pairwise(said):
        if re.fullmatch(r"\s?(?:부터|에서|[~–\-]|to|through|until|till)\s?", text[a.start + len(a.text) : b.start]):
            first, last = int(a.value), int(b.value)  # type: ignore[arg-type]
            days |= {(first + i) % 7 for i in range((last - first) % 7 + 1)}
    if named and not excepted and _EXCEPT.search(text):
        days |= set(range(7)) - named
    return [Quantity("weekday", Fraction(day), "") for day in sorted(days - named)]
