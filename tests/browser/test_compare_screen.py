"""The comparison in a real browser: nothing to compare yet, chosen and started, followed, told."""

from __future__ import annotations

from pathlib import Path

import pytest
from screens import Screen, until

from gakju.store.questions import Item

pytestmark = pytest.mark.browser


def test_a_comparison_is_started_followed_and_kept(screen: Screen, visit, tmp_path: Path) -> None:
    page = visit("/compare")
    page.get_by_role("heading", name="아직 질문 모음이 없습니다").wait_for()
    items = [Item("a", "<b>어디를 보나요?", ("1",)), Item("b", "사장님은 누구인가요?", ())]
    screen.assistant.store.questions.put("시험 묶음", items)
    page.reload()
    start = page.get_by_role("button", name="견주기", exact=True)
    start.wait_for()
    page.get_by_text("There is no document in the collection").first.wait_for()
    screen.chat.go.clear()
    start.click()
    page.get_by_text("모델만: 6개 중 0개").wait_for()
    screen.chat.go.set()
    page.locator(".compare-table", has_text="돌리지 않음").wait_for()
    page.get_by_text("견줄 것이 없습니다.").wait_for()
    picture = page.locator(".st-key-compare-picture svg")
    until(lambda: picture.evaluate("drawn => drawn.getBoundingClientRect().width") > 500)
    with page.expect_download() as kept:
        page.get_by_role("button", name="보고서 내려받기").click()
    kept.value.save_as(tmp_path / "report.html")
    report = (tmp_path / "report.html").read_text("utf-8")
    assert "&lt;b&gt;어디를 보나요?" in report
    page.get_by_role("button", name="새로 견주기").click()
    start.wait_for()
    page.get_by_role("button", name="끝남").wait_for()
    until(lambda: "run=" not in page.url)
