from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from gakju.web.when import come, language, newer, queries, wish

KNOWN = "연차휴가는 15일이다. Gakju 취업규칙"


@pytest.mark.parametrize(
    ("question", "why", "freshness"),
    [
        ("연차휴가는 며칠인가요?", "", ""),
        ("오늘 서울 날씨 어때?", "time", "day"),
        ("최근 바뀐 최저임금은?", "time", "year"),
        ("이번 주 환율 알려줘", "time", "week"),
        ("이번 주제는 무엇인가", "", ""),
        ("What is the latest Python release?", "time", "year"),
        ("2027년 최저임금은 얼마야?", "cutoff", ""),
        ("2019년 최저임금은 얼마야?", "", ""),
        ("연차휴가를 인터넷에서 찾아봐", "asked", ""),
        ("please search the web for leave rules", "asked", ""),
        ("사내에서 LanceDB 쓰나요?", "name", ""),
        ("Gakju 취업규칙이 뭐야", "", ""),
        ("'노란봉투법'이 뭐야?", "name", ""),
    ],
)
def test_the_rule_that_asks_for_the_web(question: str, why: str, freshness: str) -> None:
    assert wish(question, known=KNOWN) == (why, freshness)


def test_weak_evidence_asks_for_it() -> None:
    assert wish("연차휴가는 며칠인가요?", known=KNOWN, strength=0.1, enough=0.3).why == "weak"
    assert wish("연차휴가는 며칠인가요?", known=KNOWN, strength=0.3, enough=0.3).why == ""


def test_a_year_the_library_knows_does_not() -> None:
    assert wish("2027년 최저임금은?", known="2027년 최저임금 고시").why == ""


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("2027년 최저임금은 얼마인가요?", ["2027년 최저임금"]),
        ("최저임금에 대해 자세히 알려 주세요.", ["최저임금"]),
        ("인터넷에서 최저임금 고시를 찾아 줘", ["최저임금 고시를"]),
        ("Can you tell me about the minimum wage?", ["the minimum wage"]),
        ("뭐야?", ["뭐야?"]),
        ("LanceDB 2026년 새 기능은 무엇인가요?", ["LanceDB 2026년 새 기능", "LanceDB 2026"]),
        ("PC 가격은?", ["PC 가격은"]),
    ],
)
def test_what_an_engine_is_asked(question: str, expected: list[str]) -> None:
    assert queries(question) == expected


def test_the_language_an_engine_is_told() -> None:
    assert [language(q) for q in ("최저임금", "minimum wage", "LanceDB란?")] == ["ko", "en", "ko"]


@pytest.mark.parametrize(
    ("dates", "cited", "expected"),
    [
        (["2026-08-05", "2024-01-01"], ["2024-01-01"], "2026-08-05"),
        (["2026-08-05"], ["2026-08-05"], ""),
        (["2026-08-05"], ["2026-07-30"], "2026-08-05"),
        (["2026-08-25"], ["2026-08-05"], ""),
        ([], ["2026-08-05"], ""),
        (["2026-08-05"], [], ""),
    ],
)
def test_a_newer_source_is_told(dates: list[str], cited: list[str], expected: str) -> None:
    assert newer(dates, cited) == expected


def test_a_day_is_known_once_it_has_begun_somewhere() -> None:
    today = datetime.now(UTC).date()
    assert come(str(today)) == str(today)
    assert come(str(today + timedelta(days=3))) == ""
    assert come("") == ""


def test_a_question_of_nothing_but_signs_is_put_at_once() -> None:
    began = time.process_time()
    assert queries("?" * 10_000 + "x") == ["?" * 10_000 + "x"]
    assert queries("연차휴가는 며칠인가요?!  ") == ["연차휴가는 며칠"]
    assert time.process_time() - began < 1
