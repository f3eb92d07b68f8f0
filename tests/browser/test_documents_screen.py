"""Documents on the screen: added, mended, looked at, put in order and searched, in a real browser."""

from __future__ import annotations

import io
import re
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pytest
from PIL import Image
from screens import HANDBOOK, MANUAL, Screen, fits, until

from gakju.ui import ahead

pytestmark = pytest.mark.browser

TITLE = "구름갈피 취업규칙 및 복리후생 안내"
QUESTION = "카페에서 재택근무를 해도 되나요?"


FETCHED = """
const Fetched = window.Image;
window.fetched = [];
window.Image = class extends Fetched { constructor() { super(); window.fetched.push(this); } };
"""
"""Pictures that the page has asked for and does not show yet."""


def drop(page: Any, *files: Path) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(list(files))
    page.get_by_role("button", name=f"파일 {len(files)}개 추가").click()


def handbook(screen: Screen) -> Any:
    return next(d for d in screen.assistant.documents() if d.title == TITLE)


def test_a_document_is_looked_at_deleted_and_had_back(stocked: Screen, visit) -> None:
    page = visit("/library")
    page.get_by_role("button", name=TITLE).click()
    page.get_by_role("heading", name=TITLE).wait_for()
    d = handbook(stocked)
    read = stocked.assistant.page(d.id, 1).text.split()
    until(lambda: page.locator(".passage").first.inner_text().split() == read)
    page.get_by_role("button", name="보관함").click()
    row = page.locator(f".st-key-row-{d.id}")
    row.get_by_role("button", name="삭제").click()
    page.get_by_text(f"‘{TITLE}’를 삭제했습니다.").wait_for()
    row.wait_for(state="detached")
    assert [x.title for x in stocked.assistant.documents()] == ["Aquilune A2 User Manual"]
    page.locator(".st-key-deleted-bar").get_by_role("button", name="되돌리기").click()
    row.wait_for()
    page.get_by_text("되돌렸습니다").wait_for()
    assert handbook(stocked) == d


def test_what_was_deleted_can_be_had_back_after_a_reload_or_erased(stocked: Screen, visit) -> None:
    a = stocked.assistant
    page = visit("/library", language="en-US")
    page.get_by_text("Select several").click()
    page.get_by_text("Select all").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("Deleted 2 documents.").wait_for()
    assert a.documents() == []
    page.reload()
    page.get_by_text("Deleted: 2 documents").click()
    (last, _), (first, _) = a.shelf.removed()
    row = page.locator(f".st-key-removed-{last.id}")
    row.get_by_role("button", name="Restore").click()
    page.locator(f".st-key-row-{last.id}").wait_for()
    original = a.parts.blobs.path(first.digest)
    row = page.locator(f".st-key-removed-{first.id}")
    row.get_by_role("button", name="Erase").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert original.exists()
    row.get_by_role("button", name="Erase").click()
    page.get_by_role("dialog").get_by_role("button", name="Erase").click()
    row.wait_for(state="detached")
    assert [x.id for x in a.documents()] == [last.id]
    assert not original.exists()


def test_pages_turn_grow_and_are_copied_by_keys(stocked: Screen, visit) -> None:
    d = handbook(stocked)
    page = visit("/library")
    page.add_init_script(FETCHED)
    page.goto(f"{stocked.url}/library?document={d.id}&page=4")
    view = page.get_by_role("region", name=f"{TITLE}, 4쪽")
    page.locator(".paper img").wait_for()
    view.focus()
    width = page.locator(".paper").bounding_box()["width"]
    page.keyboard.press("+")
    until(lambda: page.locator(".paper").bounding_box()["width"] == pytest.approx(1.25 * width, abs=2))
    page.keyboard.press("0")
    until(lambda: ahead.ready(d, 4) and ahead.ready(d, 6))  # drawn in the background, and sent with the next page
    page.keyboard.press("ArrowRight")
    page.get_by_alt_text(f"{TITLE}, 5쪽").wait_for()
    until(lambda: "page=5" in page.url)
    told = re.sub(r"\s", "", stocked.assistant.page(d.id, 5).text)
    until(lambda: re.sub(r"\s", "", page.locator(".words").evaluate("w => w.innerText")) == told)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.wait_for_function("fetched.length > 1 && fetched.slice(-2).every(i => i.complete && i.naturalWidth)")
    at_once = """image => {
        const before = image.src;
        image.getRootNode().querySelector('[aria-label="앞 쪽"]').click();
        return image.src !== before;
    }"""
    assert page.locator(".paper img").evaluate(at_once)  # before the server can have said anything
    page.keyboard.press("ArrowLeft")
    page.get_by_alt_text(f"{TITLE}, 3쪽").wait_for()
    page.get_by_label("쪽 번호").fill("99")
    page.keyboard.press("Enter")
    page.get_by_alt_text(f"{TITLE}, 15쪽").wait_for()
    until(lambda: page.get_by_role("button", name="다음 쪽").get_attribute("aria-disabled") == "true")
    page.reload()
    page.get_by_alt_text(f"{TITLE}, 15쪽").wait_for()


def test_words_lie_where_they_are_drawn(stocked: Screen, visit) -> None:
    d = handbook(stocked)
    page = visit(f"/library?document={d.id}&page=5")
    page.locator(".words span").first.wait_for()
    text = stocked.assistant.page(d.id, 5)
    at = text.text.index("제10조")
    (box,) = text.boxes(at, at + len("제10조 (재택근무)"))
    paper = page.locator(".paper").bounding_box()
    line = page.locator(".words span", has_text="제10조 (재택근무)").bounding_box()
    scale = paper["width"] / text.width
    assert line["x"] - paper["x"] == pytest.approx(box.x0 * scale, abs=2)
    assert line["width"] == pytest.approx((box.x1 - box.x0) * scale, abs=3)
    assert line["y"] - paper["y"] == pytest.approx(box.y0 * scale, abs=4)


def test_chunks_show_their_borders_and_the_words_of_the_index(stocked: Screen, visit) -> None:
    d = handbook(stocked)
    page = visit(f"/library?document={d.id}&page=5")
    page.get_by_text("조각과 형태소").click()
    here = [c for c in stocked.assistant.chunks(d.id) if any(s.page == 5 for s in c.segments)]
    page.locator(".chunk").nth(len(here) - 1).wait_for()
    page.locator(".tag").nth(len(here) - 1).wait_for()  # drawn after the list
    assert page.locator(".tag").all_inner_texts() == [str(c.ordinal + 1) for c in here]
    first = page.locator(".part").first
    part = here[0].parts[0]
    assert first.inner_text().split() == here[0].text[part.start : part.end].split()
    words = page.locator(".chunk").first.get_by_role("list").first.get_by_role("listitem").all_inner_texts()
    assert words == stocked.assistant.parts.morphemes.words(here[0].text[part.start : part.end])
    page.locator(".tag").last.click()
    page.locator(".chunk.here", has_text=f"조각 {here[-1].ordinal + 1} ").wait_for()
    until(lambda: here[-1].id in page.url)


def test_a_search_says_why_and_opens_the_place(stocked: Screen, visit) -> None:
    page = visit("/search")
    page.get_by_label("질문 또는 찾을 말").fill(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".hit").first.wait_for()
    hits = stocked.assistant.search(QUESTION, 8)
    places = [f"{h.document.title} · {h.chunk.page}쪽" for h in hits]
    until(lambda: page.locator(".hit .place").all_inner_texts() == places)
    assert page.locator("dd").first.inner_text() == f"{hits[0].score:.3f}"
    assert page.get_by_role("meter").get_attribute("aria-valuemax") == "1"
    page.get_by_text("찾을 줄 알았던 쪽").first.click()
    # A click on a list that is still unfolding closes it again: open it until it stays open.
    box = page.get_by_test_id("stExpanderDetails").get_by_role("combobox")
    manual = page.get_by_role("option", name="Aquilune A2 User Manual")

    def opened() -> bool:
        box.press("ArrowDown")
        page.wait_for_timeout(500)
        return manual.is_visible()

    until(opened)
    manual.click()
    page.locator(".expected", has_text="Aquilune A2 User Manual · 1쪽").wait_for()
    assert "없음" in page.locator(".expected").inner_text()
    sentence = page.locator(".sentence .text").first.inner_text()
    page.locator(".sentence").first.click()
    page.locator(".st-key-document-sheet pre").wait_for()
    assert page.locator(".st-key-document-sheet pre").inner_text().split() == sentence.split()


def test_a_document_is_searched_on_its_own(stocked: Screen, visit) -> None:
    page = visit(f"/library?document={handbook(stocked).id}")
    page.get_by_label("이 문서에서 찾기").fill(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".sentence").first.click()
    page.locator(".st-key-document-sheet pre").wait_for()
    assert all(TITLE in text for text in page.locator(".sentence .quiet").all_inner_texts())
    until(lambda: "mark=" in page.url)


def test_collections_are_made_renamed_and_removed(stocked: Screen, visit) -> None:
    page = visit("/library")
    page.get_by_text("여러 개 고르기").click()
    page.locator(f".st-key-pick-{handbook(stocked).id} label").click()
    page.get_by_text("문서 1개 고름").wait_for()
    page.get_by_role("button", name="옮기기").click()
    page.get_by_role("combobox", name="옮길 모음").fill("인사 규정")
    page.keyboard.press("Enter")
    page.get_by_test_id("stFormSubmitButton").get_by_role("button", name="옮기기").click()
    until(lambda: stocked.assistant.collections() == {"default": 1, "인사 규정": 1})
    page.get_by_text("‘인사 규정’으로 옮겼습니다").wait_for()  # the page is a new one now
    page.get_by_role("combobox", name="모음").first.click()
    page.get_by_role("option", name="인사 규정").click()
    page.get_by_role("button", name="모음 관리").click()
    page.get_by_label("새 이름").fill("인사")
    page.get_by_role("button", name="이름 바꾸기").click()
    until(lambda: stocked.assistant.collections() == {"default": 1, "인사": 1})
    page.reload()
    page.get_by_role("combobox", name="모음").first.click()
    page.get_by_role("option", name="인사").click()
    page.get_by_role("button", name="모음 관리").click()
    page.get_by_role("button", name="모음 삭제").click()
    page.get_by_role("dialog").get_by_role("button", name="삭제", exact=True).click()
    until(lambda: stocked.assistant.collections() == {"default": 1})
    page.get_by_text("‘인사’ 모음과 그 안의 문서 1개를 삭제했습니다").wait_for()
    page.locator(".st-key-deleted-bar").get_by_role("button", name="되돌리기").click()
    until(lambda: stocked.assistant.collections() == {"default": 1, "인사": 1})


def test_a_password_mends_a_file_and_a_broken_one_says_why(screen: Screen, visit, tmp_path: Path) -> None:
    locked, broken = tmp_path / "잠긴 문서.pdf", tmp_path / "broken.pdf"
    writer = pypdf.PdfWriter(clone_from=HANDBOOK)
    writer.encrypt("비밀", algorithm="AES-256")
    writer.write(locked)
    broken.write_bytes(b"%PDF-1.7\n" + b"\0" * 200)
    page = visit("/library")
    drop(page, locked, broken)
    page.get_by_text("암호가 필요한 파일입니다").wait_for()
    page.get_by_text("파일이 비었거나 손상되었습니다").wait_for()
    page.reload()
    page.get_by_label("암호").fill("비밀")
    page.get_by_role("button", name="암호로 다시 추가").click()
    page.locator('[class*="st-key-row-"]').wait_for()
    assert [(d.path, d.pages) for d in screen.assistant.documents()] == [("잠긴 문서.pdf", 15)]
    page.get_by_text("암호가 필요한 파일입니다").wait_for(state="detached")


def test_twenty_files_of_which_two_are_broken(screen: Screen, visit, tmp_path: Path) -> None:
    files = [tmp_path / f"{i:02}.txt" for i in range(18)]
    for i, path in enumerate(files):
        path.write_text(f"안내 {i}. 연차휴가는 {i + 1}일이다.", "utf-8")
    broken = [tmp_path / "a.pdf", tmp_path / "b.pdf"]
    for path in broken:
        path.write_bytes(b"%PDF-1.7\n" + path.name.encode() * 50)
    page = visit("/library")
    drop(page, *files[:9], *broken, *files[9:])
    page.get_by_text("추가 18 · 실패 2").wait_for()
    board = page.locator('[class*="st-key-job-"]')
    board.get_by_text("문제없이 끝난 파일 18개").wait_for()
    said = re.findall(r"[ab]\.pdf|\d\d\.txt", board.inner_text().replace("\u2060", ""))
    assert list(dict.fromkeys(said))[:2] == ["a.pdf", "b.pdf"]
    assert board.get_by_text("파일이 비었거나 손상되었습니다").count() == 2
    assert board.get_by_text("문제없이 끝난 파일 18개").count() == 1
    assert len(screen.assistant.documents()) == 18


def test_one_file_of_an_add_is_cancelled_and_the_rest_goes_on(
    screen: Screen, visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = threading.Event()
    embed = screen.assistant.parts.embedder.embed_passages
    monkeypatch.setattr(screen.assistant.parts.embedder, "embed_passages", lambda texts: hold.wait(60) and embed(texts))
    page = visit("/library")
    drop(page, HANDBOOK, MANUAL)
    page.get_by_role("button", name=re.compile("지금 읽는 handbook.* 취소")).wait_for()
    page.get_by_role("button", name=re.compile("^manual.* 취소")).click()
    page.get_by_role("button", name=re.compile("^manual.* 취소")).wait_for(state="detached")
    hold.set()
    page.get_by_text("추가 1 · 취소 1").wait_for()
    assert [d.path for d in screen.assistant.documents()] == ["handbook.ko.pdf"]


def test_an_add_shows_progress_and_can_be_cancelled(screen: Screen, visit, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()
    embed = screen.assistant.parts.embedder.embed_passages
    monkeypatch.setattr(
        screen.assistant.parts.embedder, "embed_passages", lambda texts: hold.wait(200) and embed(texts)
    )
    page = visit("/library")
    drop(page, HANDBOOK, MANUAL)
    page.get_by_text(re.compile(r"\d+ / 15쪽")).wait_for()
    page.get_by_role("button", name=re.compile("^manual.* 취소")).wait_for()
    page.reload()
    page.get_by_text(re.compile(r"\d+ / 15쪽")).wait_for()
    page.get_by_role("button", name="모두 취소").click()
    until(lambda: screen.assistant.store.jobs(kinds=["add"])[0].cancel)
    hold.set()
    page.get_by_text("취소했습니다").wait_for()
    assert screen.assistant.documents() == []


@pytest.mark.parametrize("path", ["/search?q=재택근무", "/library?document={id}&page=5"])
def test_no_page_of_documents_is_wider_than_a_phone(stocked: Screen, visit, path: str) -> None:
    page = visit(path.format(id=handbook(stocked).id), width=390)
    page.locator(".found, .paper img").first.wait_for()
    fits(page)


@pytest.mark.ocr
def test_the_words_inside_the_highlight_are_the_quote(stocked: Screen, chromium: Any) -> None:
    """Read from the picture of the screen: what is yellow there says what the footnote quotes."""
    tesseract = pytest.importorskip("pytesseract")
    if not shutil.which("tesseract"):
        pytest.skip("no tesseract on this machine; `sudo apt-get install tesseract-ocr tesseract-ocr-kor` enables this")
    d = handbook(stocked)
    text = stocked.assistant.page(d.id, 5).text
    quote = "카페와 같은 공공장소에서는 재택근무를 할 수 없으나"
    start = text.index(quote)
    sharp = chromium.new_context(locale="ko-KR", viewport={"width": 1400, "height": 1000}, device_scale_factor=3)
    page = sharp.new_page()
    page.goto(f"{stocked.url}/library?document={d.id}&page=5&mark=5.{start}-{start + len(quote)}")
    page.locator(".paper img").wait_for()
    page.locator(".paper img").evaluate("i => i.decode()")
    page.wait_for_timeout(500)
    seen = page.locator(".sheet .view").screenshot()
    assert page.locator(".sheet pre").inner_text() == quote
    sharp.close()
    picture = Image.open(io.BytesIO(seen)).convert("RGB")
    whole = np.asarray(picture)
    ys, xs = np.nonzero((whole[..., 0] > 200) & (whole[..., 1] > 180) & (whole[..., 2] < 140))
    line = picture.crop((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)).convert("L")
    read = tesseract.image_to_string(line, lang="kor", config="--psm 7")
    assert re.sub(r"\W", "", read) == re.sub(r"\W", "", quote)
