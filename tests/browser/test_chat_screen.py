"""A conversation on the screen: branches, manners, files, threads, export, the first run and the settings page."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from screens import Screen, behind, fits, say, until

from gakju.store import Feedback

pytestmark = pytest.mark.browser

QUESTION = "카페에서 재택근무를 해도 되나요?"
OTHER = "배우자 출산휴가는 며칠인가요?"


def ask(page: Any, question: str) -> None:
    say(page, question)
    page.locator("p.question", has_text=question).last.wait_for()


def settled(page: Any) -> None:
    page.locator(".busy").wait_for(state="detached")
    page.locator(".foot").last.wait_for()


def manner(page: Any, number: int) -> None:
    page.locator(".st-key-manner button").nth(number).click()


def test_an_edited_question_is_a_branch_and_the_old_one_is_a_click_away(stocked: Screen, visit) -> None:
    page = visit()
    ask(page, QUESTION)
    settled(page)
    ask(page, "출장비 정산은 언제까지 해야 하나요?")
    settled(page)
    page.locator(".asking").first.hover()
    page.get_by_role("button", name="질문 고치기").first.click()
    field = page.get_by_role("textbox", name="질문 고치기")
    field.fill(OTHER)
    field.press("Enter")
    page.get_by_text("2/2").wait_for()
    settled(page)
    until(lambda: page.locator("p.question").all_inner_texts() == [OTHER])
    page.get_by_role("button", name="앞의 것").click()
    page.get_by_text("1/2").wait_for()
    until(lambda: page.locator("p.question").count() == 2)
    page.reload()
    page.get_by_text("1/2").wait_for()
    until(lambda: page.locator("p.question").first.inner_text() == QUESTION)


def test_an_answer_is_copied_rated_and_says_what_it_took(stocked: Screen, visit) -> None:
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, QUESTION)
    settled(page)
    facts = page.locator(".facts").inner_text()
    claims = page.locator(".claim").count()
    assert f"근거 있는 문장 {claims}/{claims}" in facts
    assert re.search(r"[\d.]+초", facts)
    assert re.search(r"[\d,]+토큰", facts)
    page.get_by_role("button", name="복사").click()
    page.get_by_role("button", name="복사했습니다").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"\[1\]\n\n\[1\] 구름갈피 취업규칙 및 복리후생 안내 · \d+쪽: “", copied)
    page.get_by_role("button", name="아쉬운 답").click()
    note = page.get_by_role("textbox", name="무엇이 아쉬웠나요?")
    note.fill("근거가 <b>모자람</b>")
    note.press("Enter")
    page.get_by_text("남긴 말: 근거가 <b>모자람</b>").wait_for()
    thread = stocked.assistant.store.talks.all()[0]
    assert list(stocked.assistant.store.talks.ratings(thread.id).values()) == [Feedback(-1, "근거가 <b>모자람</b>")]


def test_the_model_alone_takes_persona_and_preset_and_is_said_to_be_unchecked(stocked: Screen, visit) -> None:
    stocked.chat._script = lambda messages: f"{messages[0].content} | {messages[-1].content}"
    page = visit()
    manner(page, 0)
    page.get_by_text("모델만", exact=True).last.click()
    page.get_by_role("heading", name="모델과 이야기하기").wait_for()
    page.keyboard.press("Escape")
    manner(page, 1)
    page.get_by_label("페르소나").fill("너는 시인이다.")
    page.get_by_label("페르소나").press("Control+Enter")
    until(lambda: bool(page.get_by_label("지금 설정을 프리셋으로").count()))
    page.get_by_label("지금 설정을 프리셋으로").fill("시인")
    page.get_by_role("button", name="저장", exact=True).click()
    until(lambda: "시인" in stocked.assistant.store.talks.presets())
    page.keyboard.press("Escape")
    ask(page, "봄을 노래해 줘")
    page.get_by_text("문서로 확인하지 않은 답입니다").wait_for()
    settled(page)
    until(lambda: page.locator(".tail").inner_text() == "너는 시인이다. | 봄을 노래해 줘")
    assert page.locator(".note, .evidence").count() == 0
    assert stocked.assistant.store.talks.presets()["시인"].persona == "너는 시인이다."


def test_an_attached_file_is_read_and_then_asked(stocked: Screen, visit, tmp_path: Path, monkeypatch) -> None:
    paper = tmp_path / "출장 규정.txt"
    paper.write_text("국내 출장의 하루 식비는 삼만 원이다. 숙박비는 영수증으로 정산한다.", "utf-8")
    hold, parts = threading.Event(), stocked.assistant.parts
    embed = parts.embedder.embed_passages
    monkeypatch.setattr(parts.embedder, "embed_passages", lambda texts: hold.wait(200) and embed(texts))
    page = visit()
    page.get_by_test_id("stChatInput").locator("input[type=file]").set_input_files(paper)
    page.get_by_text("출장 규정.txt").wait_for()
    ask(page, "하루 식비는 얼마인가요?")
    page.get_by_text("파일을 읽는 중입니다").wait_for()
    page.reload()
    page.get_by_text("파일을 읽는 중입니다").wait_for()
    hold.set()
    page.locator(".note").first.wait_for()
    settled(page)
    assert "삼만 원" in page.locator(".claim").first.inner_text()
    assert {e.inner_text() for e in page.locator(".passage .where").all()} <= {"출장 규정 · 1쪽", ""}
    page.get_by_role("button", name="출장 규정", exact=True).click()
    page.get_by_role("button", name="출장 규정", exact=True).wait_for(state="detached")
    assert stocked.assistant.store.talks.all()[0].manner.files == ()


def test_a_question_that_is_refused_stays_to_be_asked_again(stocked: Screen, visit, monkeypatch) -> None:
    from gakju.errors import RateLimited

    def full() -> None:
        raise RateLimited("32 questions wait already.", hint="Ask again in a while.")

    page = visit()
    with monkeypatch.context() as patch:
        patch.setattr(stocked.assistant.accounts, "check", full)
        box = page.get_by_test_id("stChatInputTextArea")
        say(page, QUESTION)
        page.get_by_text("이미 질문 32개가 차례를 기다리고 있습니다. 잠시 뒤에 다시 물어보세요.").wait_for()
    assert stocked.assistant.store.talks.all() == []
    until(lambda: box.input_value() == QUESTION)
    page.locator('[data-testid="stChatInputSubmitButton"]:enabled').wait_for()
    box.press("Enter")
    page.locator("p.question", has_text=QUESTION).wait_for()
    settled(page)


def test_switching_threads_while_one_is_written_loses_nothing(stocked: Screen, visit) -> None:
    page = visit()
    ask(page, OTHER)
    settled(page)
    page.get_by_role("button", name="새 대화").click()
    page.get_by_role("heading", name="문서에 물어보세요").wait_for()
    stocked.chat.name = "fake:talker"
    stocked.chat.go.clear()
    ask(page, QUESTION)
    page.locator(".tail").wait_for()
    page.get_by_test_id("stSidebarContent").get_by_role("link", name=OTHER).click()
    page.locator("p.question", has_text=OTHER).wait_for()
    page.locator(".busy").wait_for(state="detached")  # while the other is still being written
    stocked.chat.go.set()
    page.get_by_test_id("stSidebarContent").get_by_role("link", name=QUESTION).click()
    page.locator("p.question", has_text=QUESTION).wait_for()
    settled(page)
    until(lambda: page.locator("p.question").count() == 1)


def test_a_thread_survives_a_restart_of_the_server(server: Screen, samples: Path, tmp_path: Path, visit) -> None:
    import shutil

    shutil.copytree(samples, tmp_path / "home")
    with behind(server, tmp_path / "home") as one:
        one.chat.name = "fake:talker"
        one.chat.go.clear()
        page = visit()
        ask(page, QUESTION)
        page.locator(".tail").wait_for()
        address = page.url.removeprefix(one.url)
    with behind(server, tmp_path / "home"):
        page = visit(address)
        page.locator("p.question", has_text=QUESTION).wait_for()
        settled(page)
        until(lambda: page.locator(".claim").count() > 0)


def test_threads_are_found_renamed_pinned_and_exported(stocked: Screen, visit) -> None:
    talks = stocked.assistant.store.talks
    ids = [talks.add(f"대화 {n}", "default").id for n in range(7)]
    talks.say(ids[3], "우주 여행 경비는?", "none", {})
    page = visit()
    page.locator(".find").fill("우주")
    until(lambda: page.locator(".talks a").all_inner_texts() == ["대화 3"])
    page.locator(".talks li").hover()
    page.locator(".more").click()
    page.get_by_role("menuitem", name="이름 바꾸기").click()
    page.get_by_role("textbox", name="이름 바꾸기").fill("<b>출장</b>")
    page.get_by_role("textbox", name="이름 바꾸기").press("Enter")
    until(lambda: talks.get(ids[3]).title == "<b>출장</b>")
    page.locator(".talks a", has_text="<b>출장</b>").wait_for()  # a list that is drawn anew shuts its menus
    page.locator(".find").fill("")
    until(lambda: page.locator(".talks a").count() == 7)
    page.get_by_role("button", name="더 보기: 대화 2").click()
    page.get_by_role("menuitem", name="고정하기").click()
    page.get_by_role("heading", name="고정").wait_for()
    until(lambda: page.locator(".talks a").first.inner_text() == "대화 2")
    page.get_by_role("button", name="더 보기: <b>출장</b>").click()
    page.get_by_role("menuitem", name="내보내기").click()
    with page.expect_download() as told:
        page.get_by_role("button", name="마크다운").click()
    assert told.value.suggested_filename == "b 출장 b.md"
    assert "우주 여행 경비는?" in told.value.path().read_text("utf-8").replace("\\", "")


def test_the_first_run_begins_with_samples_and_a_tour(screen: Screen, visit) -> None:
    page = visit(width=390)
    page.get_by_role("button", name="예시 문서로 시작하기").click()
    page.locator(".st-key-examples button").first.wait_for()
    until(lambda: page.locator(".st-key-examples button").count() == 3)
    wide = visit(language="en-US")
    idle = wide.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
    idle.wait_for()
    wide.get_by_role("button", name="60-second tour").click()
    card = wide.get_by_role("dialog", name="Ask here")
    card.wait_for()
    card.get_by_role("button", name="Next").click()
    wide.get_by_role("dialog", name="Where to look").wait_for()
    wide.keyboard.press("Escape")
    wide.locator(".card").wait_for(state="detached")
    wide.locator(".st-key-tour-card").wait_for(state="detached")  # the page was told that it was left
    idle.wait_for()
    wide.get_by_role("button", name="60-second tour").click()
    card.wait_for()


def test_a_key_is_written_and_never_shown(stocked: Screen, visit) -> None:
    page = visit("/settings")
    page.get_by_role("tab", name="다른 곳의 모델").click()
    field = page.get_by_label("OpenAI 키")
    field.fill("sk-geheim")
    field.press("Enter")
    page.get_by_text("키가 저장되어 있습니다.").wait_for()
    until(lambda: page.get_by_label("OpenAI 키").input_value() == "")
    assert "geheim" not in page.content()
    assert stocked.assistant.settings.openai_api_key.get_secret_value() == "sk-geheim"
    page.get_by_role("button", name="키 지우기").click()
    page.get_by_text("키가 저장되어 있습니다.").wait_for(state="detached")
    page.get_by_role("tab", name="정보", exact=True).click()
    page.get_by_text(re.compile(r"^각주 [\d.]+ · Apache-2.0$")).wait_for()


@pytest.mark.parametrize("path", ["/", "/settings"])
def test_no_new_page_is_wider_than_a_phone(stocked: Screen, visit, path: str) -> None:
    page = visit(path, width=390)
    page.get_by_role("heading").first.wait_for()
    fits(page)
