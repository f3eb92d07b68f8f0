"""Apps, tokens and the playground in a real browser; the poem with the real model, everything else with a fake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from screens import Screen, until

from gakju import apps
from gakju.apps.shelf import shipped

pytestmark = pytest.mark.browser

POEM = "눈이 온다\n마당에 온다"


@pytest.fixture
def poet(server: Screen, tmp_path: Path, chat_weights: Path) -> Iterator[Screen]:
    """The screen over an assistant with the real chat model."""
    from gakju.assistant import Assistant
    from gakju.models.fakes import FakeEmbedder
    from gakju.settings import Settings
    from gakju.ui import state

    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "models").symlink_to(chat_weights.parent)
    settings = Settings(home=tmp_path / "home", chat_model="embedded:qwen2.5-coder-0.5b", context=2048)
    with Assistant(settings, embedder=FakeEmbedder()) as assistant:
        server.assistant = assistant
        state.hold(assistant)
        yield server


def source(page: Any) -> Any:
    return page.get_by_label("앱 파일(YAML)")


@pytest.mark.model
def test_the_poet_greets_spins_writes_and_is_done(poet: Screen, visit) -> None:
    page = visit("/apps", language="en-US")
    page.get_by_role("button", name="AI Poet").click()
    page.get_by_role("heading", name="AI Poet").wait_for()
    name = page.get_by_label("Your name")
    name.fill("Kim")
    name.press("Enter")
    page.get_by_text("Hello Kim.").wait_for()
    page.get_by_label("Subject of the poem").fill("First snow")
    page.get_by_label("Contents of the poem").fill("My grandmother in the yard")
    page.get_by_role("button", name="Write the poem").click()
    page.get_by_text("Writing your poem. One moment please…").wait_for()
    page.get_by_text("Done!").wait_for(timeout=240_000)
    page.get_by_role("heading", name="AI generated poem").wait_for()
    job = poet.assistant.store.jobs(kinds=["app"])[0]
    assert job.result["text"].strip()
    until(lambda: page.locator(".written .text").inner_text().split() == job.result["text"].split())
    assert job.result["model"] == "embedded:qwen2.5-coder-0.5b"


def test_a_run_survives_a_reload_and_can_be_stopped(screen: Screen, visit) -> None:
    screen.chat._script = [POEM]
    screen.chat.go.clear()
    page = visit("/apps?app=poet")
    page.get_by_label("시의 주제").fill("첫눈")
    page.get_by_role("button", name="시 쓰기").click()
    page.get_by_text("시를 쓰고 있습니다").wait_for()
    page.reload()
    page.get_by_text("시를 쓰고 있습니다").wait_for()
    until(lambda: page.get_by_label("시의 주제").input_value() == "첫눈")
    page.get_by_role("button", name="중지").click()
    page.get_by_text("중지했습니다.").wait_for()
    until(lambda: screen.chat.closed == 1)
    screen.chat.go.set()
    page.get_by_role("button", name="시 쓰기").click()
    page.get_by_text("시가 완성되었습니다!").wait_for()
    until(lambda: page.locator(".written .text").inner_text() == POEM)


def test_an_empty_form_names_the_field(screen: Screen, visit) -> None:
    page = visit("/apps?app=poet")
    page.get_by_role("button", name="시 쓰기").click()
    page.get_by_text("채워 주세요.").wait_for()
    assert screen.assistant.store.jobs(kinds=["app"]) == []


def test_an_app_is_made_checked_tried_saved_and_run(screen: Screen, visit) -> None:
    screen.chat._script = ["- 바다\n- 산"]
    page = visit("/apps")
    page.get_by_role("button", name="새 앱").click()
    page.get_by_role("heading", name="앱 고치기").wait_for()
    text = source(page).input_value()
    assert text.startswith("name: my-app")
    source(page).fill(text.replace("type: number", "type: numbr").replace("내 앱", "여행 앱"))
    page.get_by_text("다음 가운데 하나여야 합니다").wait_for()
    page.get_by_text("잘못된 곳이 없어지면 양식을 보여 줍니다").wait_for()
    until(lambda: page.get_by_role("button", name="저장").is_disabled())
    source(page).fill(text.replace("내 앱", "여행 앱").replace("name: my-app", "name: trips"))
    preview = page.locator(".st-key-preview")
    preview.get_by_role("heading", name="여행 앱").wait_for()
    preview.get_by_label("주제").fill("여름")
    preview.get_by_role("button", name="실행").click()
    preview.get_by_text("다 되었습니다.").wait_for()
    until(lambda: preview.locator(".written li").all_inner_texts() == ["바다", "산"])
    assert screen.chat.calls[0].messages[-1].content == "여름에 대한 아이디어를 3가지, 한 줄에 하나씩 써 주세요."
    page.get_by_role("button", name="저장").click()
    shelf = apps.of(screen.assistant).shelf
    until(lambda: [e.name for e in shelf.all() if e.own] == ["trips"])
    page.locator(".st-key-preview").wait_for(state="detached")
    page.get_by_label("주제").fill("겨울")
    page.get_by_role("button", name="실행").click()
    page.get_by_text("다 되었습니다.").wait_for()
    until(lambda: len(screen.chat.calls) == 2)

    page.get_by_role("button", name="이 앱으로 할 수 있는 일").click()
    with page.expect_download() as got:
        page.get_by_role("button", name="내려받아 나눠 쓰기").click()
    assert Path(got.value.path()).read_text("utf-8") == shelf.get("trips").text
    page.get_by_role("button", name="앱 삭제").click()
    page.get_by_role("button", name="AI 시인").wait_for()
    assert [e.name for e in shelf.all() if e.own] == []
    page.get_by_text("‘여행 앱’을 삭제했습니다").wait_for()
    page.reload()
    page.get_by_text("삭제한 앱 1개").click()
    page.get_by_role("button", name="되돌리기").click()
    page.get_by_role("heading", name="여행 앱").wait_for()
    assert [e.name for e in shelf.all() if e.own] == ["trips"]


def test_a_shared_file_is_taken_or_its_line_is_named(screen: Screen, visit, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.yaml", tmp_path / "good.yaml"
    bad.write_text("name: x\ntitle: !!python/object/apply:os.system [ls]\n", "utf-8")
    good.write_text(shipped()["email"].text, "utf-8")
    page = visit("/apps")
    page.get_by_role("button", name="파일에서 가져오기").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(bad)
    page.get_by_text("태그(!)는 쓸 수 없습니다").wait_for()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(good)
    page.get_by_role("heading", name="격식 있는 이메일").wait_for()
    until(lambda: "app=email-2" in page.url)


def test_a_document_is_summed_up_and_its_footnote_opens_the_page(stocked: Screen, visit) -> None:
    stocked.chat._script = ["취업규칙은 모두에게 적용됩니다. [1]"]
    page = visit("/apps?app=summary")
    page.get_by_role("combobox", name="보관함에서").click()
    page.get_by_role("option", name="구름갈피").click()
    page.get_by_role("button", name="요약하기").click()
    page.get_by_text("요약했습니다.").or_(page.locator(".note").first).first.wait_for()
    job = stocked.assistant.store.jobs(kinds=["app"])[0]
    until(lambda: stocked.assistant.store.job(job.id).state == "done")
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.locator(".note").first.click()
    page.get_by_role("dialog").get_by_text("구름갈피 취업규칙").first.wait_for()


def test_tokens_are_counted_as_one_types(screen: Screen, visit) -> None:
    page = visit("/tokenizer", width=390, scheme="dark")
    page.locator(".tokens .row span").first.wait_for()
    box = page.get_by_role("textbox", name="글")
    box.fill("안녕 뷁\n<b>x</b>")
    page.locator(".tokens .newline").wait_for()
    until(lambda: "<b" in page.locator(".tokens .row").inner_text())
    until(lambda: page.locator(".tokens .whole .bytes").all_inner_texts() == ["20 EB", "B7", "81"])
    assert page.locator(".tokens .whole .character").inner_text() == "뷁"
    page.locator(".tokens .row").focus()
    page.keyboard.press("ArrowRight")
    until(lambda: "14307" in page.locator(".tokens .detail").inner_text())
    page.get_by_text("cl100k (GPT-4)").first.click()
    until(lambda: len(page.locator(".tokens .whole .bytes").all_inner_texts()) == 7)


def test_a_whole_document_is_counted(stocked: Screen, visit) -> None:
    from gakju.labs import tokenizer

    page = visit("/tokenizer")
    page.get_by_text("문서", exact=True).click()
    page.get_by_text("쪽당 토큰").wait_for()
    first = stocked.assistant.documents()[0]
    total = sum(tokenizer.document(stocked.assistant, first, "o200k_base").tokens)
    until(lambda: page.get_by_test_id("stMetricValue").first.inner_text() == f"{total:,}")


def test_the_playground_asks_shows_stops_and_goes_on(screen: Screen, visit) -> None:
    screen.chat._script = ["서울입니다.", "부산입니다."]
    page = visit("/playground")
    page.get_by_role("button", name="실행").click()
    page.get_by_text("사용자 차례에 물어볼 말을 적으세요.").first.wait_for()
    asked = page.get_by_label("사용자 2")
    asked.fill("한국의 수도는?")
    page.get_by_text("물음 약").wait_for()
    page.get_by_role("button", name="실행").click()
    page.get_by_text("이 답에 이어서 묻기").wait_for()
    until(lambda: page.locator(".written .text").inner_text() == "서울입니다.")
    page.get_by_text("같은 요청을 코드로").click()
    page.get_by_text("curl -N").wait_for()
    until(lambda: "한국의 수도는?" in page.get_by_test_id("stCode").first.inner_text())

    page.get_by_role("button", name="이 답에 이어서 묻기").click()
    page.get_by_label("모델 2").wait_for()
    until(lambda: page.get_by_label("모델 2").input_value() == "서울입니다.")
    screen.chat.go.clear()
    page.get_by_label("사용자 3").fill("둘째 도시는?")
    page.get_by_role("button", name="실행").click()
    page.locator(".written .status").wait_for()
    page.get_by_role("button", name="중지").click()
    page.get_by_text("중지했습니다.").wait_for()
    until(lambda: screen.chat.closed == 1)
    assert [m.role for m in screen.chat.calls[0].messages] == ["user"]
    page.get_by_text("지난 요청").click()
    page.get_by_role("button", name="한국의 수도는?").click()
    until(lambda: page.get_by_label("사용자 2").input_value() == "한국의 수도는?")
