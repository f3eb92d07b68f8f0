"""Numbers with their units, as a text means them: 1,000원 = 1000원 = 천 원, 2024. 2. 21. = 2024년 2월 21일.

Lengths of time become months, days or seconds; clock times minutes after midnight; dates (year, month, day)
with 0 for what is not said. Business days, calendar days and "twice" stay apart.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from gakju.text.numerals import DAYS, MIXED, NATIVE, NUMBER
from gakju.text.numerals import value as value_of

Value = Fraction | tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Quantity:
    """`value` in the base of `unit`; `bound` is "≥" (at least, more than), "≤" (at most, less than) or "".

    `unit` is "" for a bare number, "date" where `value` is (year, month, day), "clock" for minutes after
    midnight. `text` is how it is written, `start` where it begins in the NFKC form of the text.
    """

    unit: str
    value: Value
    text: str
    bound: str = ""
    start: int = 0


_ENGLISH = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "eighteen": 18,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

# unit as written -> (base unit, factor). Longer spellings are tried first.
_UNITS: dict[str, tuple[str, Fraction]] = {
    spelling: (base, Fraction(str(factor)))
    for base, factor, spellings in [
        ("month", 12, "년|year|years|yr|yrs"),
        ("month", 1, "개월|달|month|months"),
        ("day", 7, "주일|주간|주|week|weeks"),
        ("day", 1, "일간|일|day|days"),
        ("business day", 1, "영업일|근무일|business day|business days|working day|working days"),
        ("second", 3600, "시간|hour|hours|hr|hrs"),
        ("second", 60, "분|minute|minutes|min|mins"),
        ("second", 1, "초|second|seconds|sec|secs"),
        ("KRW", 1, "원|won|KRW"),
        ("USD", 1, "달러|dollar|dollars|USD"),
        ("EUR", 1, "유로|euro|euros|EUR"),
        ("JPY", 1, "엔|yen|JPY"),
        ("%", 1, "%p|%|퍼센트|프로|percent|per cent"),
        ("person", 1, "명|인|사람|분의 1인|people|persons|person|employees"),
        ("time", 1, "회|번|차례|times|time"),
        ("piece", 1, "개|대|가지|pieces|piece|items"),
        ("copy", 1, "부|권|copies|copy|books"),
        ("page", 1, "쪽|페이지|pages|page"),
        ("age", 1, "세|살|years old"),
        ("point", 1, "점|포인트|points|point"),
        ("fold", 1, "배"),
        ("grade", 1, "급|등급|단계"),
        ("article", 1, "조|article"),
        ("paragraph", 1, "항"),
        ("item", 1, "호"),
        ("chapter", 1, "장"),
        ("character", 1, "자|글자|characters|character"),
        ("mm", 10**6, "km|킬로미터|kilometres|kilometers"),
        ("mm", 1000, "m|미터|metres|meters|metre|meter"),
        ("mm", 10, "cm|센티미터"),
        ("mm", 1, "mm|밀리미터"),
        ("g", 1000, "kg|킬로그램|kilograms"),
        ("g", 1, "g|그램|grams"),
        ("g", "1/1000", "mg|밀리그램"),
        ("ml", 1000, "L|l|리터|litres|liters|litre|liter"),
        ("ml", 1, "ml|mL|밀리리터"),
        ("MB", 10**6, "TB"),
        ("MB", 1000, "GB"),
        ("MB", 1, "MB"),
        ("W", 1000, "kW"),
        ("W", 1, "W"),
        ("V", 1, "V"),
        ("Hz", 10**9, "GHz"),
        ("Hz", 1, "Hz"),
        ("dB", 1, "dB"),
        ("°C", 1, "°C|℃|도|degrees"),
        ("inch", 1, "인치|inch|inches"),
    ]
    for spelling in spellings.split("|")
}

_CURRENCY = {"$": "USD", "₩": "KRW", "€": "EUR", "¥": "JPY"}
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
# A unit in Latin letters ends where the word does; a Korean one carries particles.
_UNIT_END = r"(?:(?<=[A-Za-z])(?![A-Za-z])|(?<=[^A-Za-z]))"
_NUMERAL = re.compile(
    rf"(?<![A-Za-z\d.,_])(?<![A-Za-z][-.])(?P<sign>[$₩€¥])?\s?(?:(?P<korean>{MIXED})|(?P<number>{NUMBER}))"
    rf"(?:\s(?P<scale>thousand|million|billion|trillion)\b)?(?![A-Za-z]*\d)(?:[\s-]?(?P<unit>{_UNIT}){_UNIT_END})?"
)
_WORDS_EN = "|".join(sorted(_ENGLISH, key=len, reverse=True))
_ENGLISH_NUMERAL = re.compile(
    rf"\b(?P<word>{_WORDS_EN})(?:-(?P<ones>{_WORDS_EN}))?(?:\s(?P<scale>hundred|thousand|million))?"
    rf"(?:[\s-](?:full\s|calendar\s)?(?P<unit>{_UNIT})\b)?",
    re.IGNORECASE,
)
_COUNTER = "개월|달|주일|주|명|사람|번|차례|회|개|대|가지|부|권|살|시간|배|단계"
_NATIVE_NUMERAL = re.compile(
    rf"(?<![가-힣])(?P<word>{'|'.join(sorted(NATIVE, key=len, reverse=True))})\s?"
    rf"(?P<unit>{_COUNTER})(?![편상표략체쪽])"
)
_DAY_NUMERAL = re.compile(
    rf"(?<![가-힣])(?P<word>{'|'.join(DAYS)}|일주일)(?=[\s,.?]|[에은는이가를을과와동만치씩도로의까부간전안내]|$)"
)
# One syllable alone is another word too often: 사원, 이 일, 구원.
_SINO_NUMERAL = re.compile(
    r"(?<![가-힣\d])(?P<word>(?![일이사오구]\s?[원일년명])[일이삼사오육칠팔구십백천만억]{1,8}?)\s?(?P<unit>원|퍼센트|개월|영업일|일|년|명)"
    r"(?=[\s,.?]|[에은는이가를을과와간만씩도로의까부전안내]|$)"
)
_FRACTION = re.compile(r"(?P<whole>\d+)\s?분의\s?(?P<part>\d+)")
_ONCE = re.compile(r"\b(?P<word>once|twice)\b", re.IGNORECASE)

_MONTHS = {
    "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5, "june": 6,
    "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9, "october": 10, "oct": 10,
    "november": 11, "nov": 11, "december": 12, "dec": 12,
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?P<y>(?:19|20)\d{2})"
_DATES = [
    re.compile(rf"(?<!\d){_YEAR}\s?[.\-/]\s?(?P<m>\d{{1,2}})\s?[.\-/]\s?(?P<d>\d{{1,2}})(?!\d)\.?"),
    re.compile(rf"(?<!\d){_YEAR}\s?년(?!\s?[간동])(?:\s?(?P<m>\d{{1,2}})\s?월)?(?:\s?(?P<d>\d{{1,2}})\s?일)?"),
    re.compile(r"(?<![\d.])(?P<m>1[0-2]|0?[1-9])\s?월(?:\s?(?P<d>\d{1,2})\s?일(?!\s?간))?"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<month>{_MONTH})\b\.?(?:,?\s{_YEAR})?", re.IGNORECASE
    ),
    re.compile(rf"\b(?P<month>{_MONTH})\.?\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s{_YEAR})?", re.IGNORECASE),
    re.compile(rf"\b(?P<month>{_MONTH})\s{_YEAR}\b", re.IGNORECASE),
    re.compile(rf"\b(?:in|by|since|until|from|during|of)\s{_YEAR}\b(?!\s?[\w%])", re.IGNORECASE),
]
_CLOCKS = [
    re.compile(
        r"(?:(?P<half>오전|오후|새벽|아침|낮|저녁|밤)\s?)?(?<!\d)(?P<h>\d{1,2})\s?시(?![간행작설기])"
        r"(?:\s?(?P<m>\d{1,2})\s?분|\s?(?P<thirty>반))?"
    ),
    re.compile(r"(?<![\d:])(?P<h>\d{1,2}):(?P<m>\d{2})(?![\d:])(?:\s?(?P<half>[ap]\.?m\b\.?))?", re.IGNORECASE),
    re.compile(r"(?<![\d:.])(?P<h>\d{1,2})\s?(?P<half>[ap]\.?m\b\.?)", re.IGNORECASE),
]
_EVENING = {"오후", "낮", "저녁", "밤"}

_NO_MORE = r"(?:넘(?:지\s?[않못아]|[을길]\s?수\s?없)|초과(?:할\s?수\s?없|하지\s?[않못아]))"
_DOWN_AFTER = re.compile(rf"\s?(?:이하|미만|이내|or less|or fewer|or under)|\s?[을를이가]?\s?{_NO_MORE}")
_UP_AFTER = re.compile(r"\s?(?:이상|or more|and above|and older|or older)|\s?[을를이가]?\s?(?:초과|넘[는으을은긴])")
_UP_BEFORE = re.compile(
    r"(?:최소|적어도|at least|(?<!no )(?<!not )more than|over|above|no less than)\s?$", re.IGNORECASE
)
_DOWN_BEFORE = re.compile(
    r"(?:최대|많아야|up to|at most|less than|fewer than|below|under|no more than|not more than|within)\s?$",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s?[~–〜/-]\s?|\s(?:to|and)\s")


def quantities(text: str) -> tuple[Quantity, ...]:
    """Every quantity of `text` in order. Digits inside codes (HR-1003, A2, gpt-4o) are no quantities."""
    text = unicodedata.normalize("NFKC", text)
    found: list[Quantity] = []
    left = text
    for read in (_fractions, _dates, _clocks, _numerals, _spelled):
        now = read(left)
        found += now
        for q in now:  # what is read once is blanked, so that no part of it is read again
            left = left[: q.start] + "\0" * len(q.text) + left[q.start + len(q.text) :]
    found.sort(key=lambda q: q.start)
    return tuple(replace(q, bound=_bound(text, q)) for q in _joined(_shared(found, text), text))


def agree(a: Quantity, b: Quantity) -> bool:
    """Whether claim `a` says the same amount as source `b`.

    A bare number agrees with any unit; a date may leave out what the source says, not add to it.
    """
    if a.unit == b.unit == "date" and isinstance(a.value, tuple) and isinstance(b.value, tuple):
        return all(x in (0, y) for x, y in zip(a.value, b.value, strict=True))
    if a.unit == "day" and b.unit == "date" and isinstance(b.value, tuple):
        return a.value == b.value[2]
    if a.unit == b.unit == "clock" and isinstance(a.value, Fraction) and isinstance(b.value, Fraction):
        return a.value % 1440 == b.value % 1440 or (b.value < 720 and a.value == b.value + 720)
    return a.value == b.value and (a.unit == b.unit or not a.unit or not b.unit)


def opposed(a: Quantity, b: Quantity) -> bool:
    """Whether one says "at least" of an amount where the other says "at most"."""
    return bool(a.bound and b.bound and a.bound != b.bound)


def _fractions(text: str) -> list[Quantity]:
    return [
        Quantity("", Fraction(int(m["part"]), int(m["whole"])), m.group(), start=m.start())
        for m in _FRACTION.finditer(text)
        if int(m["whole"])
    ]


def _dates(text: str) -> list[Quantity]:
    found: list[Quantity] = []
    for pattern in _DATES:
        for m in pattern.finditer(text):
            g = m.groupdict()
            month = _MONTHS[g["month"].lower()] if g.get("month") else int(g.get("m") or 0)
            value = int(g.get("y") or 0), month, int(g.get("d") or 0)
            if value[1] <= 12 and value[2] <= 31:
                found.append(Quantity("date", value, m.group(), start=m.start()))
        for q in found:
            text = text[: q.start] + "\0" * len(q.text) + text[q.start + len(q.text) :]
    return found


def _clocks(text: str) -> list[Quantity]:
    found: list[Quantity] = []
    for pattern in _CLOCKS:
        for m in pattern.finditer(text):
            g = m.groupdict()
            hour, minute, half = (
                int(g["h"]),
                30 if g.get("thirty") else int(g.get("m") or 0),
                (g.get("half") or "").lower(),
            )
            if hour > 24 or minute > 59:
                continue
            late = half in _EVENING or half.startswith("p")
            hour = hour + 12 if late and hour < 12 and not (half == "밤" and hour < 6) else hour
            hour = 0 if hour == 12 and (half in {"오전", "새벽", "밤"} or half.startswith("a")) else hour
            found.append(Quantity("clock", Fraction(hour * 60 + minute), m.group(), start=m.start()))
        for q in found:
            text = text[: q.start] + "\0" * len(q.text) + text[q.start + len(q.text) :]
    return found


def _numerals(text: str) -> list[Quantity]:
    found = []
    for m in _NUMERAL.finditer(text):
        value = value_of(m["korean"]) if m["korean"] else Fraction(m["number"].replace(",", ""))
        value *= _SCALES.get(m["scale"] or "", 1)
        sign, unit = m["sign"], m["unit"]
        if sign:
            found.append(Quantity(_CURRENCY[sign], value, m.group().strip(), start=_begin(m)))
        else:
            found.append(_measured(value, unit, m.group().strip(), _begin(m)))
    return found


def _spelled(text: str) -> list[Quantity]:
    found = []
    for m in _ENGLISH_NUMERAL.finditer(text):
        value = Fraction(_ENGLISH[m["word"].lower()] + _ENGLISH.get((m["ones"] or "").lower(), 0))
        value *= _SCALES.get((m["scale"] or "").lower(), 1)
        if m["unit"] or m["word"].lower() != "one":  # "one" alone is mostly a pronoun
            found.append(_measured(value, m["unit"], m.group(), m.start()))
    for m in _NATIVE_NUMERAL.finditer(text):
        found.append(_measured(Fraction(NATIVE[m["word"]]), m["unit"], m.group(), m.start()))
    for m in _DAY_NUMERAL.finditer(text):
        found.append(Quantity("day", Fraction(DAYS.get(m["word"], 7)), m.group(), start=m.start()))
    for m in _SINO_NUMERAL.finditer(text):
        if not any(q.start <= m.start() < q.start + len(q.text) for q in found):
            found.append(_measured(value_of(m["word"]), m["unit"], m.group(), m.start()))
    for m in _ONCE.finditer(text):
        found.append(Quantity("time", Fraction(1 if m["word"].lower() == "once" else 2), m.group(), start=m.start()))
    return found


def _begin(m: re.Match[str]) -> int:
    return m.start() + len(m.group()) - len(m.group().lstrip())


def _measured(value: Fraction, unit: str | None, text: str, start: int) -> Quantity:
    base, factor = _UNITS.get(unit or "") or _UNITS.get((unit or "").lower()) or (unit or "", Fraction(1))
    return Quantity(base, value * factor, text, start=start)


def _shared(found: list[Quantity], text: str) -> list[Quantity]:
    """A range gives its unit to both ends: 4–38 °C, 9~11년."""
    out = list(found)
    for i, (a, b) in enumerate(pairwise(found)):
        gap = text[a.start + len(a.text) : b.start]
        if not a.unit and b.unit not in {"", "date", "clock"} and _RANGE.fullmatch(gap):
            out[i] = _measured(a.value, _unit_of(b), a.text, a.start) if isinstance(a.value, Fraction) else a
    return out


def _unit_of(q: Quantity) -> str:
    """The unit as written at the end of `q.text`."""
    m = re.search(rf"(?:{_UNIT})$", q.text)
    return m.group() if m else q.unit


def _joined(found: list[Quantity], text: str) -> list[Quantity]:
    """Lengths said in two parts become one: 1년 6개월, 1 hour 30 minutes."""
    out: list[Quantity] = []
    for q in found:
        last = out[-1] if out else None
        if (
            last
            and q.unit == last.unit
            and q.unit in {"month", "second"}
            and isinstance(q.value, Fraction)
            and isinstance(last.value, Fraction)
            and re.fullmatch(r" ?|\sand\s", text[last.start + len(last.text) : q.start])
            and q.value < last.value
        ):
            whole = text[last.start : q.start + len(q.text)]
            out[-1] = replace(last, value=last.value + q.value, text=whole)
        else:
            out.append(q)
    return out


def _bound(text: str, q: Quantity) -> str:
    before, after = text[max(0, q.start - 14) : q.start], text[q.start + len(q.text) :]
    if _DOWN_AFTER.match(after) or _DOWN_BEFORE.search(before):
        return "≤"
    return "≥" if _UP_AFTER.match(after) or _UP_BEFORE.search(before) else ""
