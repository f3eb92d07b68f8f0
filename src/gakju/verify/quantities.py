"""Numbers with their units, as a text means them: 1,000원 = 1000원 = 천 원, 2024. 2. 21. = 2024년 2월 21일.

Lengths of time become months, days or seconds; clock times minutes after midnight; dates (year, month, day)
with 0 for what is not said; parts of a whole percent. Business days, calendar days and "twice" stay apart.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from gakju.text.numerals import DAYS, MIXED, NUMBER
from gakju.text.numerals import value as value_of
from gakju.verify.rates import between, rates, shares, spans, terms
from gakju.verify.units import CURRENCY, ENGLISH, NATIVE, SCALES, UNCOUNTED, UNITS, Quantity
from gakju.verify.when import (
    blanked,
    clocks,
    dates,
    excepts,
    halves_of_a_day,
    more_weekdays,
    parts_of_an_hour,
    same_clock,
    same_date,
    weekdays,
)

_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
# A unit in Latin letters ends where the word does. A Korean one carries particles; before another syllable it is the
# beginning of another word (5점포, 10대학): then the number has no unit, and agrees with any.
_PARTICLE = "은는이가을를과와도만치씩로으의에까부간전안내후당마쯤정짜째입인였여중밖라며고하기초미반동남"
_UNIT_END = rf"(?:(?<=[가-힣])(?![가-힣])|(?<=[가-힣])(?=[{_PARTICLE}])|(?<=[A-Za-z23])(?![A-Za-z\d])|(?<=[%p]))"
_AND_HALF = r"(?:(?<=[년달월주일간])(?P<half>\s?반(?=[이가을은의에만쯤과]|[^가-힣]|$)))?"
_NUMERAL = re.compile(
    rf"(?<![A-Za-z\d.,_])(?<![A-Za-z][-.])(?P<sign>[$₩€¥])?\s?(?:(?P<korean>{MIXED})|(?P<number>{NUMBER}))"
    rf"(?:\s(?P<scale>thousand|million|billion|trillion)\b)?(?:(?:st|nd|rd|th)\b)?"
    rf"(?!(?![ckm]?m[23](?![A-Za-z\d]))[A-Za-z]*\d)(?:여(?=\s?[가-힣]))?"
    rf"(?:[\s-]?(?P<unit>{_UNIT}){_UNIT_END}{_AND_HALF})?"
)
_WORDS_EN = "|".join(sorted(ENGLISH, key=len, reverse=True))
_ENGLISH_NUMERAL = re.compile(
    rf"\b(?P<word>{_WORDS_EN})(?:-(?P<ones>{_WORDS_EN}))?(?:\s(?P<scale>hundred|thousand|million|billion))?(?!\w)"
    rf"(?:[\s-](?:full\s|calendar\s|or\s(?:more|fewer|less)\s)?(?P<unit>{_UNIT})\b)?",
    re.IGNORECASE,
)
# One and a half days, an hour and a half, half an hour.
_A_SPAN_OF_TIME = re.compile(
    rf"\b(?:least|most|within|after|for|in)\san?\s(?P<unit>{_UNIT})\b"
    rf"|\ban?\s(?P<before>{_UNIT})\s(?=(?:in advance|before|beforehand|later|ago|earlier|ahead|long)\b)",
    re.IGNORECASE,
)
_HALVES_EN = [
    re.compile(rf"\b(?P<n>{_WORDS_EN}|\d{{1,9}})\sand\sa\shalf(?:\s(?P<unit>{_UNIT})\b)?", re.IGNORECASE),
    re.compile(rf"\b(?P<n>an?|{_WORDS_EN}|\d{{1,9}})\s(?P<unit>{_UNIT})\sand\sa\shalf\b", re.IGNORECASE),
    re.compile(rf"\bhalf\san?\s(?P<unit>{_UNIT})\b", re.IGNORECASE),
]
_ONE_OF_A_UNIT = re.compile(rf"\b(?:an?|the)\s(?P<unit>{_UNIT})\b", re.IGNORECASE)
_COUNTER = (
    "개월|달|주일|주|명|사람|번|차례|회|개|대|가지|부|권|살|시간|배|단계|표|자리|마리|잔|층|곳|군데|종류|종|석|벌|병|통|채|척|그루|송이|"
    "켤레|쌍|칸|줄|장|편|곡|골|끼|조각|알|과목|학기|학년|학점|문제|문항|해"
)
_NATIVE = "|".join(sorted(NATIVE, key=len, reverse=True))
# Without a space most would be other words: 세대, 두통, 세척.
_JOINED = "개월|달|주일|명|사람|번|차례|개|가지|권|살|시간|단계"
# Of 한번, that is "once upon a time" as well, nothing is said; 네 and 열 are words of other meanings too.
_NATIVE_NUMERAL = re.compile(
    rf"(?<![가-힣])(?!한번)(?P<word>{_NATIVE})(?:(?P<unit>(?:{_JOINED})|\s(?:{_COUNTER}))(?:(?![가-힣])|(?=[{_PARTICLE}])){_AND_HALF}"
    rf"|(?<!(?<![가-힣])한)(?<!(?<![가-힣])[네석넉])\s(?=[가-힣])(?!\s수\s?[있없는도가]))"
)
_NOT_A_RATE = re.compile(r"\s?(?:전|후|뒤|이내|안|이상|이하|동안|간|넘|씩)")
_DAY_NUMERAL = re.compile(
    rf"(?<![가-힣])(?P<word>{'|'.join(DAYS)}|일주일)(?=[\s,.?]|[에은는이가를을과와동만치씩도로의까부간전안내마]|$)"
)
# One syllable alone is another word too often (사원, 이 일, 구원), and so is one before a counter (사회, 만점, 구분).
_SINO_NUMERAL = re.compile(
    r"(?<![가-힣\d])(?:(?P<word>(?![일이사오구]\s?(?:[원일명]|년(?!\s?(?:동안|이내|안에|뒤|후|전|마다|간|만에))))[일이삼사오육칠팔구십백천만억]{1,8}?)\s?(?P<unit>원|퍼센트|개월|영업일|일|년|명)"
    r"|(?P<more>[일이삼사오육칠팔구]?[십백천][일이삼사오육칠팔구십백천만억]{1,7}|[이삼사오육칠팔구][십백천]|[백천만억](?=\s(?!세)))\s?"
    r"(?P<counter>분|초|시간|층|쪽|권|개|미터|킬로미터|킬로그램|도|배|주|학점|점|세|인|회|부|대|석))"
    rf"(?=[\s,.?]|[{_PARTICLE}]|$)"
)
_DIGITS = r"(?:\d{1,3}(?:,\d{3}){1,2}|\d{1,9})"
_FRACTION = re.compile(
    rf"(?<![\d,.])(?:(?P<whole>{_DIGITS})|(?P<word>(?<![가-힣])[이삼사오육칠팔구십백천만]{{1,4}}))\s?분의\s?"
    rf"(?:(?P<part>{_DIGITS}(?:\.\d{{1,4}})?)(?!\d)|(?P<parts>[일이삼사오육칠팔구십]{{1,3}}?)(?=[\s,.]|[{_PARTICLE}]|$))"
)
_PARTS_EN = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "tenth": 10}
_FRACTION_EN = re.compile(
    rf"\b(?P<part>an?|one|two|three|four|five)[\s-](?P<whole>quarter(?!\s?-?finals?|\s(?:hour|past|to\s\d))|{'|'.join(_PARTS_EN)})s?"
    r"(?:(?<=s)|(?=\s(?:of|to|is|are|was|were|goes?|for|as|in|after|before|since|last|this|and|while|from|on|at|between|during|over|within|when|if|but|or|by|more|less|lower|higher|smaller|larger)\b|[,.;]|$))\b",
    re.IGNORECASE,
)
_HALF = re.compile(
    r"절반|반값|과반|\bhalv(?:e[sd]|ing)\b|(?<![\w-])half(?!-|\s(?:an?|past|hour|term|board)\b)", re.IGNORECASE
)
_ONCE = re.compile(
    r"\b(?:(?P<once>once)|(?P<twice>twice|doubl(?:e[ds]?|ing))|tripl(?:e[ds]?|ing))\b|(?P<ko>[갑곱]절)", re.IGNORECASE
)

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


@lru_cache(2048)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Every quantity of `text` in order. Digits inside codes (HR-1003, A2, gpt-4o) are no quantities."""
    text = unicodedata.normalize("NFKC", text)
    found: list[Quantity] = []
    left = text
    for read in (
        parts_of_an_hour,
        terms,
        _halves,
        _fractions,
        dates,
        weekdays,
        clocks,
        halves_of_a_day,
        _numerals,
        _spelled,
    ):
        now = read(left)
        found += now
        left = blanked(left, now)  # no part of what is read once is read again
    found.sort(key=lambda q: q.start)
    joined = _joined(_shared(found, text), text)
    return tuple(replace(q, unit=q.unit or _thing(text, q), bound=_bound(text, q)) for q in joined)


_THING = re.compile(
    r"(?!\s?(?:and|or|to|of|in|on|at|by|for|from|is|are|was|were|has|have|the|an?|but|with|after|before|per|times|than|more|"
    r"or|out|may|can|must|will)\b)\s[a-z]{3,}\b"
    rf"(?!\s(?:{_UNIT})\b)"
)


def _thing(text: str, q: Quantity) -> str:
    """What a number that has no unit counts, if it counts anything: 14 countries are not 14 days."""
    year = isinstance(q.value, Fraction) and 1000 <= q.value < 2100
    return "thing" if _THING.match(text[q.start + len(q.text) :]) and not q.loose and not year else ""


def implied(text: str, claim: str = "") -> tuple[Quantity, ...]:
    """What a source says besides: the days between two weekdays or beside those excepted, 20일 as 5월 20일 where
    5월 3일 stands before it, one hour where it says "an hour". A `claim` that excepts days must name the same."""
    text = unicodedata.normalize("NFKC", text)
    found = quantities(text)
    out = [_measured(Fraction(1), m["unit"], m.group(), m.start()) for m in _ONE_OF_A_UNIT.finditer(text)]
    out += [Quantity(unit, value, "") for unit, value in sorted(rates(text))] + [share for share, _ in shares(text)]
    out += between(found) + spans(text)
    year = month = 0
    for q in found:
        if isinstance(q.value, tuple):
            y, m, d = q.value
            if not y or not m:
                out.append(replace(q, value=(y or year, m or (month if d else 0), d)))
            if year and y > year:
                out.append(Quantity("month", Fraction(12 * (y - year)), ""))
            year, month = y or year, m or month
        elif month and q.unit in {"day", ""} and 1 <= q.value <= 31 and q.value.denominator == 1:
            out.append(replace(q, unit="date", value=(year, month, int(q.value))))
    return (
        *out,
        *more_weekdays(text, [q for q in found if q.unit == "weekday"], excepted=excepts(claim)),
    )


def without(text: str, sign: str = " ") -> str:
    """A text in NFKC with `sign` in the place of each quantity."""
    for q in reversed(quantities(text)):
        text = text[: q.start] + sign + text[q.start + len(q.text) :]
    return text


def agree(a: Quantity, b: Quantity) -> bool:
    """Whether claim `a` says the same amount as source `b`.

    A bare number agrees with any unit; a date may leave out what the source says, not add to it.
    """
    units = {a.unit, b.unit}
    if "date" in units:
        return same_date(a, b)
    if not isinstance(a.value, Fraction) or not isinstance(b.value, Fraction):
        return False
    if "clock" in units:
        return same_clock(a, b)
    if units == {"%"}:
        return _same_share(a.value, b.value, "" if b.bound else a.bound)
    if units in _SCALED:
        return a.value * _SCALED_BY.get(a.unit, 1) == b.value * _SCALED_BY.get(b.unit, 1)
    return a.value == b.value and (len(units) == 1 or "" in units or not units & UNCOUNTED)


_SCALED = ({"day", "second"}, {"%", "time"}, {"%", "fold"}, {"time", "fold"})
_SCALED_BY = {"day": 86400, "time": 100, "fold": 100}


def opposed(a: Quantity, b: Quantity) -> bool:
    """Whether one says "at least" of an amount where the other says "at most"."""
    return bool(a.bound and b.bound and a.bound != b.bound)


def _fractions(text: str) -> list[Quantity]:
    found = []
    for m in _FRACTION.finditer(text):
        whole, part = (value_of(m[a] or m[b]) for a, b in (("whole", "word"), ("part", "parts")))
        if whole:
            found.append(Quantity("%", 100 * part / whole, m.group(), start=m.start()))
    for m in _FRACTION_EN.finditer(text):
        parts = ENGLISH.get(m["part"].lower(), 1)
        found.append(
            Quantity("%", Fraction(100 * parts, _PARTS_EN[m["whole"].lower()]), m.group(), start=m.start(), loose=True)
        )
    return found + [Quantity("%", Fraction(50), m.group(), start=m.start(), loose=True) for m in _HALF.finditer(text)]


def _halves(text: str) -> list[Quantity]:
    found: list[Quantity] = []
    for pattern in _HALVES_EN:
        for m in pattern.finditer(text):
            said = (m.groupdict().get("n") or "").lower()
            whole = ENGLISH.get(said) or (int(said) if said.isdigit() else int(said in {"a", "an"}))
            found.append(_measured(whole + Fraction(1, 2), m["unit"], m.group(), m.start()))
        text = blanked(text, found)
    return found


def _numerals(text: str) -> list[Quantity]:
    found = []
    for m in _NUMERAL.finditer(text):
        value = value_of(m["korean"]) if m["korean"] else Fraction(m["number"].replace(",", ""))
        value = value * SCALES.get(m["scale"] or "", 1) + (Fraction(1, 2) if m["half"] else 0)
        sign, unit = m["sign"], m["unit"]
        if sign:
            found.append(Quantity(CURRENCY[sign], value, m.group().strip(), start=_begin(m)))
        else:
            found.append(_measured(value, unit, m.group().strip(), _begin(m)))
    return found


def _spelled(text: str) -> list[Quantity]:
    found = []
    for m in _ENGLISH_NUMERAL.finditer(text):
        word = m["word"].lower()
        value = Fraction(ENGLISH[word] + ENGLISH.get((m["ones"] or "").lower(), 0))
        value *= SCALES.get((m["scale"] or "").lower(), 1)
        if m["unit"] or word != "one":  # "one" alone is mostly a pronoun
            loose = word == "one" or word.endswith(("th", "third"))
            found.append(replace(_measured(value, m["unit"], m.group(), m.start()), loose=loose))
    for m in _NATIVE_NUMERAL.finditer(text):
        value = NATIVE[m["word"]] + Fraction(1 if m["half"] else 0, 2)
        # One month is an amount, 한 달에 and 한 번 are "a month", "once".
        span = m["unit"] and m["unit"].strip() in {"개월", "달", "주", "주일", "시간", "해"}
        loose = m["word"] == "한" and not m["half"] and not (span and _NOT_A_RATE.match(text[m.end() :]))
        found.append(
            replace(_measured(Fraction(value), (m["unit"] or "").strip(), m.group().rstrip(), m.start()), loose=loose)
        )
    for m in _A_SPAN_OF_TIME.finditer(text):
        found.append(_measured(Fraction(1), m["unit"] or m["before"], m.group(), m.start()))
    for m in _DAY_NUMERAL.finditer(text):
        found.append(Quantity("day", Fraction(DAYS.get(m["word"], 7)), m.group(), start=m.start()))
    for m in _SINO_NUMERAL.finditer(text):
        if not any(q.start <= m.start() < q.start + len(q.text) for q in found):
            word, unit = m["word"] or m["more"], m["unit"] or m["counter"]
            found.append(_measured(value_of(word), unit, m.group(), m.start()))
    for m in _ONCE.finditer(text):
        times = Fraction(1 if m["once"] else 2 if m["twice"] or m["ko"] else 3)
        loose = m.group().lower() != "twice"
        found.append(Quantity("fold" if m["ko"] else "time", times, m.group(), start=m.start(), loose=loose))
    return found


def _begin(m: re.Match[str]) -> int:
    return m.start() + len(m.group()) - len(m.group().lstrip())


def _measured(value: Fraction, unit: str | None, text: str, start: int) -> Quantity:
    base, factor = UNITS.get(unit or "") or UNITS.get((unit or "").lower()) or (unit or "", Fraction(1))
    return Quantity(base, value * factor, text, start=start)


def _shared(found: list[Quantity], text: str) -> list[Quantity]:
    """A range gives its unit to both ends: 4–38 °C, 9~11년."""
    out = list(found)
    for i, (a, b) in enumerate(pairwise(found)):
        gap = text[a.start + len(a.text) : b.start]
        if not a.unit and b.unit not in {"", "date", "clock"} and _RANGE.fullmatch(gap):
            out[i] = _measured(a.value, _unit_of(b), a.text, a.start) if isinstance(a.value, Fraction) else a
    return out


def _same_share(a: Fraction, b: Fraction, bound: str) -> bool:
    """In percent: more than half of 54. A share that has no end, a third, is 33 as well."""
    if bound:
        return a <= b if bound == "≥" else a >= b
    endless = any(10**9 % one.denominator and other.denominator == 1 for one, other in ((a, b), (b, a)))
    return a == b or (endless and abs(a - b) < 1)


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
