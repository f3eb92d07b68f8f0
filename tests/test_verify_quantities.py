"""Numbers, units, dates and clock times, each read as what it means."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from gakju.verify.polarity import corrected, of_nouns, sides
from gakju.verify.quantities import agree, implied, opposed, quantities
from gakju.verify.rates import rates

VALUES = [
    ("1,000원", [("KRW", 1000)]),
    ("1000 원", [("KRW", 1000)]),
    ("천 원", [("KRW", 1000)]),
    ("₩1,000", [("KRW", 1000)]),
    ("３만 ５천 원", [("KRW", 35_000)]),
    ("5,000만 원까지", [("KRW", 50_000_000)]),
    ("5천만 원", [("KRW", 50_000_000)]),
    ("1억 2천만원", [("KRW", 120_000_000)]),
    ("3조 원", [("KRW", 3 * 10**12)]),
    ("제3조 제2항", [("article", 3), ("paragraph", 2)]),
    ("$80 또는 80달러", [("USD", 80), ("USD", 80)]),
    ("$30.3 billion", [("USD", Fraction(303, 10) * 10**9)]),
    ("39 euros each", [("EUR", 39)]),
    ("15일", [("day", 15)]),
    ("십오 일", [("day", 15)]),
    ("이틀과 사흘", [("day", 2), ("day", 3)]),
    ("일주일에 1주", [("day", 7), ("day", 7)]),
    ("5영업일 전", [("business day", 5)]),
    ("eight working days", [("business day", 8)]),
    ("1년 6개월", [("month", 18)]),
    ("한 달", [("month", 1)]),
    ("1시간 30분", [("second", 5400)]),
    ("1 hour and 30 minutes", [("second", 5400)]),
    ("thirty-five minutes", [("second", 2100)]),
    ("3.5% 또는 3.5퍼센트", [("%", Fraction(7, 2)), ("%", Fraction(7, 2))]),
    ("2024. 2. 21.", [("date", (2024, 2, 21))]),
    ("2024년 2월 21일", [("date", (2024, 2, 21))]),
    ("2024-02-21", [("date", (2024, 2, 21))]),
    ("21 February 2024", [("date", (2024, 2, 21))]),
    ("Feb 21, 2024", [("date", (2024, 2, 21))]),
    ("2월 21일", [("date", (0, 2, 21))]),
    ("7월과 8월", [("date", (0, 7, 0)), ("date", (0, 8, 0))]),
    ("since 2019", [("date", (2019, 0, 0))]),
    ("오전 9시 30분부터 오후 6시까지", [("clock", 570), ("clock", 1080)]),
    ("밤 10시, 낮 12시 반", [("clock", 1320), ("clock", 750)]),
    ("18:30 or 6:30 p.m.", [("clock", 1110), ("clock", 1110)]),
    ("7 a.m.", [("clock", 420)]),
    ("3회, 세 번, three times, twice", [("time", 3), ("time", 3), ("time", 3), ("time", 2)]),
    ("두 명과 12명", [("person", 2), ("person", 12)]),
    ("만 62세", [("age", 62)]),
    ("4–38 °C", [("°C", 4), ("°C", 38)]),
    ("50/60 Hz", [("Hz", 50), ("Hz", 60)]),
    ("9~11년", [("month", 108), ("month", 132)]),
    ("1.6 litres, 1,600 ml", [("ml", 1600), ("ml", 1600)]),
    ("10km, 10,000 m", [("mm", 10**7), ("mm", 10**7)]),
    ("64GB", [("MB", 64_000)]),
    ("10분의 1", [("%", 10)]),
    ("two-thirds of the staff, a quarter to schools", [("%", Fraction(200, 3)), ("%", 25)]),
    ("절반, half of them", [("%", 50), ("%", 50)]),
    ("an hour and a half", [("second", 5400)]),
    ("one and a half days", [("day", Fraction(3, 2))]),
    ("half an hour", [("second", 1800)]),
    ("a quarter to nine, half past 2", [("clock", 525), ("clock", 150)]),
    ("한 해, 두 해", [("month", 12), ("month", 24)]),
    ("half price, 반값", [("%", 50), ("%", 50)]),
    ("두 시간 반과 1년 반", [("second", 9000), ("month", 18)]),
    ("약 26,219㎢입니다", [("mm2", 26219 * 10**12)]),
    ("120 m3, 60 km/h", [("mm3", 120 * 10**9), ("mm/h", 60 * 10**6)]),
    ("5자리와 다섯 자리", [("digit", 5), ("digit", 5)]),
    ("한 표, 1표, 두 표", [("vote", 1), ("vote", 1), ("vote", 2)]),
    ("세 나라의 협정", [("", 3)]),
    ("3점포와 10대학", [("", 3), ("", 10)]),
    ("30여 명", [("person", 30)]),
    ("삼십 분", [("second", 1800)]),
    ("seventeen years", [("month", 204)]),
    ("the 18th century", [("thing", 18)]),
    ("1443년에", [("date", (1443, 0, 0))]),
    ("1500년 전", [("month", 18000)]),
    ("in 1978 by two brothers", [("date", (1978, 0, 0)), ("thing", 2)]),
    ("오후 두 시 반", [("clock", 870)]),
    ("정오 or midnight", [("clock", 720), ("clock", 0)]),
    ("화요일과 Thursdays", [("weekday", 1), ("weekday", 3)]),
    ("월·수·금요일", [("weekday", 0), ("weekday", 2), ("weekday", 4)]),
    ("Nobody under 18 may enter, they march 3 miles", [("", 18), ("mile", 3)]),
    ("at least a day in advance, a month later, an hour", [("day", 1), ("month", 1)]),
    ("1.5 vacation days", [("", Fraction(3, 2))]),
    ("in mid-May, two or more years", [("date", (0, 5, 0)), ("month", 24)]),
    ("만 배, 천 명", [("fold", 10000), ("person", 1000)]),
    ("한번 제출한 서류", []),
    ("세대, 두통, 세척, 사회 구분 만점", []),
    ("HR-1003, A2 Plus, E4, gpt-4o, R600a", []),
    ("사원이 이 일을 한다", []),
    ("one of them", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[t or "empty" for t, _ in VALUES])
def test_a_quantity_has_its_unit_and_value_in_order(text, expected):
    assert [(q.unit, q.value) for q in quantities(text)] == expected


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("14자 이상", "≥"),
        ("14자 이하", "≤"),
        ("8시간을 넘긴", "≥"),
        ("12시간을 넘을 수 없다", "≤"),
        ("12시간을 초과할 수 없다", "≤"),
        ("12시간을 초과하지 않는다", "≤"),
        ("12시간을 초과하면", "≥"),
        ("최대 3명", "≤"),
        ("at least 15 kg", "≥"),
        ("no more than 15 kg", "≤"),
        ("up to 50 ml", "≤"),
        ("15 kg", ""),
    ],
)
def test_a_bound_says_at_least_or_at_most(text, bound):
    assert [q.bound for q in quantities(text)] == [bound]


def one(text):
    (found,) = quantities(text)
    return found


@pytest.mark.parametrize(
    ("claim", "source", "same"),
    [
        ("2월 21일", "2024. 2. 21.", True),
        ("2024. 2. 21.", "2월 21일", False),
        ("21일", "2024. 2. 21.", True),
        ("2024년 2월 21일", "2023. 2. 21.", False),
        ("18개월", "1년 6개월", True),
        ("15", "15일", True),
        ("15일", "15", True),
        ("15일", "15명", False),
        ("15일", "10일", False),
        ("6시", "오후 6시", True),
        ("06:00", "오후 6시", False),
        ("오후 7시", "오전 7시", False),
        ("10 p.m.", "ten in the evening", True),
        ("3개월", "석 달", True),
        ("0.15%", "1,000분의 1.5", True),
        ("33%", "a third of it", True),
        ("34.5%", "a third of it", False),
        ("25bp", "0.25%포인트", True),
        ("6개월", "반년", True),
        ("the third quarter", "1분기", False),
        ("the first quarter", "1분기", True),
        ("오후 6시", "6시", True),
        ("17:00", "오후 5시", True),
        ("24시간", "하루", True),
        ("1978년", "1978", True),
        ("1978년 5월", "1978", False),
        ("절반", "50%", True),
        ("150%", "one and a half times", True),
        ("300 seats", "300 people", True),
        ("300일", "300명", False),
        ("14 days", "14 countries", False),
        ("14 people", "14 patients", True),
        ("12개", "열두 줄", True),
        ("열 컵", "10컵", True),
        ("a quarter past ten", "22:15", True),
        ("more than half of it", "54%", True),
        ("more than half of it", "45%", False),
        ("2015", "the 2015 election", True),
        ("Monday", "월요일", True),
        ("Monday", "화요일", False),
    ],
)
def test_agreement(claim, source, same):
    assert agree(one(claim), one(source)) is same


@pytest.mark.parametrize(
    ("text", "claim", "more"),
    [
        ("5월 3일부터 20일까지", "", [(0, 5, 3), (0, 5, 20)]),
        ("2024년 3월 2일부터 5월 20일까지", "", [(2024, 5, 20)]),
        ("월요일부터 목요일까지", "", [2, 1, 2]),
        ("매주 두 번", "", [7]),
        ("열 명 중 세 명", "", [30]),
        ("from 7 a.m. to 7 p.m.", "", [43_200, 0, 1]),
        ("2분기", "", [(0, 4, 0), (0, 5, 0), (0, 6, 0), 3]),
        ("open from ten to two on Saturdays", "", [14_400]),
        ("평일", "", [0, 1, 2, 3, 4]),
        ("from 1954 to 1979", "", [(1954, 0, 0), (1979, 0, 0), 300]),
        ("Every day except Monday", "", [1, 1, 2, 3, 4, 5, 6]),
        ("Every day except Monday", "every day except Friday", [1]),
        ("Parcels come on Monday, but letters do not", "", []),
        ("It takes an hour", "", [3600]),
    ],
)
def test_a_source_implies_days_between_and_parts_said_before(text, claim, more):
    assert [q.value for q in implied(text, claim)] == more


def test_a_word_that_may_be_no_amount_is_loose():
    assert [q.loose for q in quantities("한 달에 2만 원, 한 달 전")] == [True, False, False]
    assert [q.loose for q in quantities("한 사람, 두 사람, one day, the third floor, 절반")] == [
        True,
        False,
        True,
        True,
        True,
    ]


def test_opposed_bounds():
    assert opposed(one("14자 이상"), one("14자 이하"))
    assert not opposed(one("14자 이상"), one("14자"))


@pytest.mark.parametrize("text", ["9" * 20_000 + "x", "1분의 " + "9" * 5000, "9" * 5000 + " and a half days"])
def test_endless_digits_are_no_amount_and_cost_nothing(text: str) -> None:
    began = time.process_time()
    assert all(len(q.text) < 40 for q in quantities(text))
    assert time.process_time() - began < 1


@pytest.mark.parametrize("text", ["가" * 20_000, ", not a" * 3000, "하지 " * 6000, "without a " * 3000])
def test_endless_words_take_no_time_to_tell_yes_from_no(text: str) -> None:
    began = time.process_time()
    for read in (sides, of_nouns, corrected, rates):
        read(text)
    assert time.process_time() - began < 2
