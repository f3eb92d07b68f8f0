"""Question sets and the N-shot lab in a real browser, with a fake model."""

from __future__ import annotations

from pathlib import Path

import pytest
from screens import Screen, until

from gakju.labs import questions

pytestmark = pytest.mark.browser

LINES = [
    ("축구 경기가 열렸다", "운동"),
    ("국회가 법을 고쳤다", "정치"),
    ("농구 대회가 끝났다", "운동"),
    ("선거를 한다", "정치"),
]


def test_a_file_becomes_two_sets_and_a_measurement(screen: Screen, visit, tmp_path: Path) -> None:
    screen.chat._script = lambda messages: "운동"
    rows = "\n".join(f"{question},{label}" for question, label in LINES)
    (tmp_path / "news.csv").write_text(f"question,answers\n{rows}\n", "utf-8")
    page = visit("/questions")
    page.get_by_text("질문 모음이 아직 없습니다").wait_for()
    page.get_by_role("button", name="파일 더하기").click()
    page.locator('input[type="file"]').set_input_files(tmp_path / "news.csv")
    page.get_by_role("button", name="더하기", exact=True).click()
    page.get_by_role("heading", name="news").wait_for()
    store = screen.assistant.store.questions
    assert [i.question for i in store.get("news").items] == [question for question, _ in LINES]
    page.get_by_role("button", name="질문 빼기").first.click()
    until(lambda: len(store.get("news").items) == 3)

    bank, tests = questions.of(screen.assistant).split("news", 1)
    page = visit("/fewshot")
    page.get_by_role("button", name="4", exact=True).click()
    page.get_by_role("button", name="재기").click()
    page.get_by_text("확실한 것").wait_for()
    (job,) = screen.assistant.store.jobs(kinds=["fewshot"])
    plan = job.result["plan"]
    assert (plan["test"], plan["examples"]) == (tests.id, bank.id)
    rows = page.locator("table").first.locator("tbody tr")
    until(
        lambda: [row.split("\t")[0].strip() for row in rows.all_inner_texts()] == ["예시 없음", "고정 1", "비슷한 것 1"]
    )
