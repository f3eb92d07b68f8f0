"""What people do on the screen, in a real browser, on real documents; only the models are fakes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from screens import HANDBOOK, Screen, fits, say, until

from gakju.ui import turns

pytestmark = pytest.mark.browser

HANDBOOK_TITLE = "구름갈피 취업규칙 및 복리후생 안내"
DEFAULT_MODELS = {"qwen2.5-coder-0.5b", "multilingual-e5-small"}
QUESTION = "카페에서 재택근무를 해도 되나요?"


def ask(page: Any, question: str = QUESTION) -> None:
    say(page, question)


def answered(page: Any) -> None:
    page.locator(".note").first.wait_for()
    page.locator(".busy").wait_for(state="detached")


def last_turn(screen: Screen) -> turns.Turn:
    store = screen.assistant.store
    row = store.talks.turns(store.talks.all()[0].id)[-1]
    return turns.read(store, row, {})


def picture(page: Any) -> Image.Image:
    image = page.locator(".st-key-pane img")
    image.wait_for()
    # A picture that has just been replaced is gone from the server.
    got: list[Any] = []

    def there() -> bool:
        got[:] = [page.request.get(image.evaluate("i => i.src"))]
        return bool(got[0].ok)

    until(there)
    return Image.open(io.BytesIO(got[0].body())).convert("RGB")


def yellow(image: Image.Image) -> set[tuple[int, int]]:
    """The highlighted points of a page, on a grid of one pixel in four."""
    step = 2
    data = image.load()
    return {
        (x, y)
        for x in range(0, image.width, step)
        for y in range(0, image.height, step)
        if (p := data[x, y])[0] > 200 and p[1] > 180 and p[2] < 140
    }


def test_from_an_empty_library_to_the_highlighted_words(screen: Screen, visit) -> None:
    page = visit()
    page.get_by_role("link", name="첫 문서 추가하기").click()
    page.get_by_text("문서는 이 컴퓨터를 떠나지 않습니다").wait_for()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(HANDBOOK)
    page.get_by_role("button", name="파일 1개 추가").click()
    page.get_by_role("button", name=HANDBOOK_TITLE).wait_for()
    assert [d.title for d in screen.assistant.documents()] == [HANDBOOK_TITLE]

    page.get_by_role("link", name="대화", exact=True).click()
    ask(page)
    page.locator("details.evidence").wait_for()
    answered(page)
    turn = last_turn(screen)
    assert turn.claims
    until(lambda: page.locator(".claim").count() == len(turn.claims))
    assert page.locator(".claim").first.inner_text().startswith(turn.claims[0].text[:10])

    page.locator(".note").first.click()
    image = picture(page)
    note = turn.notes[0]
    until(lambda: page.locator(".st-key-pane pre").inner_text() == note.quote)
    until(lambda: page.locator('.note[aria-current="true"]').first.inner_text() == "1")
    points = screen.assistant.page(note.document.id, note.page)
    scale, edge = image.width / points.width, 3.0
    boxes = [b for b in note.boxes if b.page == note.page]
    assert boxes
    inside = yellow(image)
    for b in boxes:
        middle = round((b.y0 + b.y1) / 2 * scale / 2) * 2
        assert any((x, middle) in inside for x in range(round(b.x0 * scale / 2) * 2, int(b.x1 * scale), 2))
    for x, y in inside:
        at = (x / scale, y / scale)
        assert any(b.x0 - edge <= at[0] <= b.x1 + edge and b.y0 - edge <= at[1] <= b.y1 + edge for b in boxes)


def test_the_pane_turns_pages_and_goes_through_the_footnotes(stocked: Screen, visit) -> None:
    page = visit()
    page.get_by_role("button", name=QUESTION).click()
    answered(page)
    turn = last_turn(stocked)
    page.locator(".note").first.click()
    first = turn.notes[0]
    number = page.get_by_label("쪽 번호")
    until(lambda: number.input_value() == str(first.page))
    page.get_by_role("button", name="다음 쪽").click()
    page.get_by_alt_text(f"{first.page + 1}쪽").wait_for()
    until(lambda: not yellow(picture(page)))
    until(lambda: number.input_value() == str(first.page + 1))
    page.get_by_role("button", name="근거가 있는 쪽으로").click()
    page.get_by_alt_text(f", {first.page}쪽").wait_for()
    until(lambda: bool(yellow(picture(page))))

    page.locator("details.evidence summary").click()
    page.locator(".passage").last.click()
    page.get_by_text(f"근거 {len(turn.evidence)} / {len(turn.evidence)}").wait_for()
    page.get_by_role("button", name="다음 각주").click()
    page.get_by_text(f"근거 1 / {len(turn.evidence)}").wait_for()
    chosen, told = page.locator('.passage[aria-current="true"] .quote'), turn.evidence[0].text.split()
    until(lambda: chosen.inner_text().split() == told)
    page.get_by_role("button", name="닫기").click()
    page.locator(".st-key-pane").wait_for(state="detached")


def test_reload_and_a_second_tab_find_the_running_answer(stocked: Screen, visit) -> None:
    stocked.chat.go.clear()
    page = visit()
    ask(page)
    page.get_by_text("답을 쓰는 중입니다").wait_for()
    page.reload()
    page.get_by_text("답을 쓰는 중입니다").wait_for()
    assert page.locator("p.question").inner_text() == QUESTION
    second = visit(page.url.removeprefix(stocked.url))
    second.get_by_text("답을 쓰는 중입니다").wait_for()
    stocked.chat.go.set()
    answered(page)
    answered(second)
    until(lambda: page.locator(".claim").all_inner_texts() == second.locator(".claim").all_inner_texts() != [])
    assert len(stocked.assistant.store.talks.all()) == 1


def test_stop_and_try_again(stocked: Screen, visit) -> None:
    stocked.chat.name = "fake:talker"
    stocked.chat.go.clear()
    page = visit()
    ask(page)
    page.locator(".tail").wait_for()
    page.get_by_role("button", name="중지").click()
    page.get_by_text("중지했습니다.").wait_for()
    until(lambda: stocked.chat.closed == 1)
    stocked.chat.name = "embedded:fake"
    stocked.chat.go.set()
    page.get_by_role("button", name="다시 시도").click()
    page.get_by_text("2/2").wait_for()
    answered(page)
    until(lambda: page.locator("p.question").count() == 1)


def test_a_missing_model_is_one_line_with_the_next_step(stocked: Screen, visit) -> None:
    from gakju.errors import ModelMissing

    stocked.chat._script = [ModelMissing("The model x is not here.", hint="Run `gakju models pull x`."), "[1]"]
    page = visit()
    ask(page)
    alert = page.get_by_role("alert")
    alert.wait_for()
    until(lambda: "모델을 아직 내려받지 않았습니다." in alert.inner_text())
    assert "`gakju models pull x`" in alert.inner_text()
    page.get_by_role("button", name="다시 시도").click()
    answered(page)


def test_threads_are_listed_opened_and_deleted(stocked: Screen, visit) -> None:
    page = visit()
    ask(page)
    answered(page)
    page.get_by_role("button", name="새 대화").click()
    page.get_by_text("문서에 물어보세요").first.wait_for()
    ask(page, "출장비는 얼마인가요?")
    page.locator("p.question", has_text="출장비").wait_for()
    answered(page)
    sidebar = page.get_by_test_id("stSidebarContent")
    sidebar.get_by_role("link", name=QUESTION).click()
    page.locator("p.question", has_text="카페").wait_for()
    sidebar.get_by_role("button", name="더 보기").first.click()
    page.get_by_role("menuitem", name="대화 삭제").click()
    sidebar.get_by_role("link", name="출장비는 얼마인가요?").wait_for(state="detached")
    until(lambda: [t.title for t in stocked.assistant.store.talks.all()] == [QUESTION])
    page.get_by_role("button", name="되돌리기").click()
    sidebar.get_by_role("link", name="출장비는 얼마인가요?").wait_for()
    until(lambda: len(stocked.assistant.store.talks.all()) == 2)


def test_foreign_text_does_nothing(screen: Screen, visit, tmp_path: Path) -> None:
    evil = '![i](http://evil.example/a.png) [l](http://evil.example) <img src="http://evil.example/b"> :smile: $x^2$'
    page = visit()
    (tmp_path / "[x](http:evil) :red[a].txt").write_text(f"연차휴가 안내 {evil} 끝.", "utf-8")
    screen.assistant.add([tmp_path / "[x](http:evil) :red[a].txt"])
    ask(page, f"연차휴가 {evil}")
    answered(page)
    page.locator("details.evidence summary").click()
    assert evil in page.locator("p.question").inner_text()
    assert "<img" in page.locator(".claim").first.inner_text()
    page.locator(".note").first.click()
    page.locator(".st-key-pane mark").wait_for()
    assert "http://evil.example/a.png" in page.locator(".st-key-pane mark").inner_text()
    harmless(page)
    title = page.get_by_test_id("stSidebarContent").locator(".talks a").inner_text()
    assert title.startswith("연차휴가 ![i](http://evil.example")
    page.goto(screen.url + "/library")
    page.get_by_role("button", name="삭제").wait_for()
    shown = page.locator(".st-key-documents")
    until(lambda: "[x](http:evil) :red[a]" in shown.inner_text().replace("\u2060", ""))
    harmless(page)


def harmless(page: Any) -> None:
    assert page.locator('a[href*="evil"], img[src*="evil"], .katex, [style*="color: red"]').count() == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(stocked: Screen, visit, width: int) -> None:
    page = visit(width=width)
    ask(page)
    answered(page)
    page.locator(".note").first.click()
    picture(page)
    if width < 500:
        page.get_by_role("dialog").wait_for()
    fits(page)
    page.goto(stocked.url + "/library")
    page.locator(".st-key-documents").wait_for()
    fits(page)


def test_the_browsers_language_and_the_switch(stocked: Screen, visit) -> None:
    page = visit(language="en-US", scheme="dark")
    page.get_by_role("heading", name="Ask your documents").wait_for()
    page.get_by_role("radio", name="한국어").or_(page.get_by_role("button", name="한국어")).first.click()
    page.get_by_role("heading", name="문서에 물어보세요").wait_for()
    page.get_by_role("link", name="보관함").click()
    page.get_by_role("heading", name="보관함").wait_for()
    page.reload()
    page.get_by_role("heading", name="보관함").wait_for()


@pytest.mark.model
def test_the_real_models_answer_with_a_footnote_that_opens(server: Screen, visit, tmp_path: Path) -> None:
    from gakju.assistant import Assistant
    from gakju.models import catalog, fetch
    from gakju.settings import Settings
    from gakju.ui import state

    models = Settings().models
    missing = [e.name for e in catalog.entries() if e.name in DEFAULT_MODELS and not fetch.present(e, models)]
    if missing:
        pytest.skip(f"no {' and '.join(missing)} on this machine; `make run` or `gakju models pull` enables this test")
    home = tmp_path / "real"
    home.mkdir()
    (home / "models").symlink_to(models)
    with Assistant(Settings(home=home, ocr=False)) as assistant:
        state.hold(assistant)
        server.assistant = assistant
        assistant.add([HANDBOOK])
        page = visit()
        ask(page)
        page.locator("details.evidence").wait_for()
        page.locator(".note").first.wait_for(timeout=240_000)
        page.locator(".busy").wait_for(state="detached", timeout=240_000)
        assert "재택근무" in page.locator(".claim").first.inner_text()
        page.locator(".note").first.click()
        until(lambda: bool(yellow(picture(page))))
