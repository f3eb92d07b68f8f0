"""Numbers, units, dates and clock times, each read as what it means."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gakju.verify.quantities import agree, opposed, quantities

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
    ("10분의 1", [("", Fraction(1, 10))]),
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
        ("6시", "오후 6시", False),
        ("오후 6시", "6시", True),
        ("17:00", "오후 5시", True),
    ],
)
def test_agreement(claim, source, same):
    assert agree(one(claim), one(source)) is same


def test_opposed_bounds():
    assert opposed(one("14자 이상"), one("14자 이하"))
    assert not opposed(one("14자 이상"), one("14자"))
