"""Which way to take: intervals, the Pareto front, a recommendation that names its doubt, the report of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gakju.labs.compare import measure, report
from gakju.labs.compare.measure import Answers
from gakju.labs.compare.picture import svg
from gakju.labs.compare.plan import Arm
from gakju.labs.compare.ways import Way, ways
from gakju.labs.compare.words import sentence
from gakju.store.questions import Item

ITEMS = [Item(f"q{i}", f"질문 {i}?", ("정답",) if i < 30 else ()) for i in range(40)]


def answers(name: str, right: int, seconds: float, money: float | None = 0.0, arm: Arm | None = None) -> Answers:
    """The first `right` questions are answered rightly; the rest, and those without an answer, wrongly."""
    said = ["정답" if i < right else "오답" for i in range(len(ITEMS))]
    replies = [
        {"text": t, "refused": False, "prompt_tokens": 10, "completion_tokens": 2, "seconds": seconds} for t in said
    ]
    setup = {"machine_seconds": None, "about": False, "person_minutes": 0.0, "examples": 0}
    way = Way(name, arm or Arm(name=name), "fake")
    return Answers(way, ITEMS, replies, [(1, 2)] * len(ITEMS), money, setup, 0)


def result(*found: Answers) -> dict[str, Any]:
    rows, against = [measure.told(one) for one in found], measure.pairs(found)
    cost = measure.cost_of(rows)
    names = [one.way.name for one in found]
    return {
        "plan": {"name": "시험", "seed": 3, "example_minutes": 2.0},
        "questions": {"count": 40, "without_answer": 10, "digest": "ab" * 32},
        "library": {"digest": "cd" * 32},
        "made": {"gakju": "1", "code": "c", "machine": "m", "cores": 2, "ended": "2026-11-23T10:00:00"},
        "ways": rows,
        "pairs": against,
        "cost": cost,
        "front": measure.front(rows, cost),
        "advice": measure.advice(rows, against, cost),
        "items": [
            {
                "id": i.id,
                "question": f"<u>{i.question}",
                "answers": list(i.answers),
                "said": dict.fromkeys(names, "<b>말"),
                "refused": [],
                "right": names[:1],
            }
            for i in ITEMS[:2]
        ],
    }


TWO = answers("best", 30, 9.0), answers("weak", 0, 0.5)


def test_a_row_tells_shares_with_intervals_and_means() -> None:
    row = measure.told(answers("a", 20, 1.5, money=0.4))
    assert (row["accuracy"], row["refused_rightly"], row["refused_wrongly"]) == (0.5, 0.0, 0.0)
    assert row["accuracy_ci"] == pytest.approx([0.35, 0.65], abs=0.03)
    assert (row["supported"], row["sentences"], row["money"], row["p95_ms"]) == (0.5, 80, 10.0, 1500.0)


def test_the_cheapest_of_those_that_are_not_told_apart_is_taken() -> None:
    told = result(answers("slow", 29, 9.0), answers("quick", 28, 1.0), answers("weak", 5, 0.5))
    assert told["advice"] == {"take": "quick", "best": "slow", "alike": ["slow"], "worse": ["weak"], "cost": "seconds"}
    assert told["front"] == ["slow", "quick", "weak"]
    english = sentence(told, "en")
    assert english.startswith("Take ‘quick’: it was right on 70 % of the questions")
    assert "‘slow’ was right more often (72 %), but the intervals do not tell the two apart" in english
    assert "Doubt: it cannot be told apart from ‘slow’." in english
    assert "With 40 questions, 10 of them without an answer, a difference of less than" in english
    assert "wrong on 11 of 40" in english
    assert sentence(told, "ko").startswith("‘quick’을 쓰세요. 질문의 70 %를 맞혔고")


def test_with_few_questions_the_cheapest_is_not_taken_for_being_cheap() -> None:
    told = result(answers("best", 26, 9.0), answers("close", 24, 5.0), answers("weak", 23, 0.5))
    assert told["advice"]["take"] == "close"
    assert told["advice"]["alike"] == ["best", "weak"]


def test_one_that_is_apart_from_all_is_told_so() -> None:
    told = result(answers("best", 30, 9.0), answers("weak", 5, 0.5))
    assert (told["advice"]["take"], told["advice"]["alike"]) == ("best", [])
    assert "told apart from all the others" in sentence(told, "en")


@pytest.mark.parametrize(("count", "apart"), [(3, False), (5, False), (8, True)])
def test_a_few_questions_that_fall_out_alike_prove_nothing(count: int, apart: bool) -> None:
    some = [replace(one, items=ITEMS[:count], replies=one.replies[:count], borne=one.borne[:count]) for one in TWO]
    (pair,) = measure.pairs(some)
    assert (pair["difference"], pair["wide_ci"], pair["apart"]) == (1.0, [1.0, 1.0], apart)
    told = result(*some) | {"questions": {"count": count, "without_answer": 0, "digest": ""}}
    assert f"less than about {round(100 / count)} points" in sentence(told, "en")


def test_a_beaten_way_is_not_on_the_front() -> None:
    told = result(answers("a", 20, 1.0), answers("b", 20, 2.0), answers("c", 10, 1.0), answers("d", 25, 3.0))
    assert told["front"] == ["a", "d"]


def test_money_is_the_cost_where_every_way_has_a_price() -> None:
    assert result(answers("a", 20, 1.0, 0.1), answers("b", 20, 2.0, 0.0))["cost"] == "money"
    assert result(answers("a", 20, 1.0, 0.1), answers("b", 20, 2.0, None))["cost"] == "seconds"
    assert result(answers("a", 20, 1.0, 0.0), answers("b", 20, 2.0, 0.0))["cost"] == "seconds"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_report_is_one_page_that_asks_for_nothing(language: Any) -> None:
    told = result(answers("<i>a", 20, 1.0, None), answers("b", 1, 2.0, arm=Arm(documents="free", shots=2)))
    told["ways"].append({"name": "web", "arm": {"web": True}, "model": "m", "state": "not run", "why": "<off>"})
    page = report.page(told, language)
    assert f'<html lang="{language}">' in page
    assert "<i>a" not in page
    assert "<b>말" not in page
    assert "<off>" not in page
    assert "<u>" not in page
    assert "&lt;i&gt;a" in page
    assert "&lt;off&gt;" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert "default-src 'none'" in page
    assert page.count("<details>") == 2
    assert ("문서, 자유롭게 작성 + 예시 2개" in page) is (language == "ko")


def test_the_picture_numbers_each_way_and_spreads_far_costs() -> None:
    told = result(answers("a", 20, 0.1), answers("b", 30, 9.0))
    drawn = svg(told, "en")
    assert drawn.count("<circle") == 4
    assert "log scale" in drawn
    assert "log scale" not in svg(result(answers("a", 20, 1.0), answers("b", 30, 2.0)), "en")
    assert svg({**told, "ways": []}, "en") == ""


def test_no_two_ways_have_one_name() -> None:
    arms = [Arm(), Arm(documents="free"), Arm(model="m+tuned"), Arm(name="x"), Arm(name="x", shots=1)]
    assert [way.name for way in ways(arms, ["m"], "")] == [
        "plain",
        "documents free",
        "plain (m+tuned)",
        "x #1",
        "x #2",
    ]
    assert [way.name for way in ways(arms[:1], ["m", "n"], "")] == ["plain (m)", "plain (n)"]


def test_the_picture_has_ground_and_ink_of_its_own_only_on_paper() -> None:
    told = result(*TWO)
    assert "<rect" in svg(told, "ko")
    assert "color:#334155" in svg(told, "ko")
    assert "<rect" not in svg(told, "ko", paper=False)
    assert "#334155" not in svg(told, "ko", paper=False)
