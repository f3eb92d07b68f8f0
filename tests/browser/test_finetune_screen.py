"""Fine-tuning in a real browser, from a file to a model in use; the trainer is a stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest
from screens import Screen, until

from faked_trainer import faked, with_model
from gakju.labs.finetune.dataset import dumped, example

pytestmark = [pytest.mark.browser, pytest.mark.model]


def test_from_a_file_to_a_model_in_use(screen: Screen, visit, tmp_path: Path, chat_weights: Path) -> None:
    home = screen.assistant.settings.home
    with_model(home, chat_weights)
    lab = faked(screen.assistant)
    rows = [example(f"문장 {n * 7919}", ("운동", "정치")[n % 2]) for n in range(60)]
    (tmp_path / "bad.jsonl").write_text(dumped([*rows, example("누구?", "900101-1234567")]), "utf-8")
    (tmp_path / "good.jsonl").write_text(dumped(rows), "utf-8")
    page = visit("/finetune")
    page.get_by_text("예시가 한 줄에 하나씩").wait_for()
    upload = page.locator('input[type="file"]').first
    upload.set_input_files(tmp_path / "bad.jsonl")
    page.get_by_text("주민등록번호가 있습니다").wait_for()
    assert page.get_by_role("button", name="학습 시작").count() == 0
    upload.set_input_files(tmp_path / "good.jsonl")
    page.get_by_role("button", name="학습 시작").wait_for()
    name = page.get_by_role("textbox", name="이름")
    name.fill("topic")
    name.press("Enter")
    page.get_by_role("button", name="학습 시작").click()
    page.get_by_role("button", name="쓰기로 하기").wait_for()
    (made,) = lab.all()
    assert (made.name, made.state, made.recipe["examples"]) == ("topic", "done", 51)
    page.get_by_role("button", name="쓰기로 하기").click()
    page.get_by_role("button", name="전 것으로 되돌리기").wait_for()
    until(lambda: lab.adapters.find(made.base, "topic").name == "topic")
