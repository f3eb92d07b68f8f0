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
from screens import HANDBOOK, MANUAL, Screen, until

pytestmark = pytest.mark.browser

TITLE = "구름갈피 취업규칙 및 복리후생 안내"
QUESTION = "카페에서 재택근무를 해도 되나요?"


def drop(page: Any, *files: Path) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(list(files))
    page.get_by_role("button", name=f"파일 {len(files)}개 추가").click()


def handbook(screen: Screen) -> Any:
    return next(d for d in screen.assistant.documents() if d.title == TITLE)


def test_a_document_is_looked_at_and_deleted_only_after_a_question(stocked: Screen, visit) -> None:
    page = visit("/library")
    page.get_by_role("button", name=TITLE).click()
    page.get_by_role("heading", name=TITLE).wait_for()
    d = handbook(stocked)
    read = stocked.assistant.page(d.id, 1).text.split()
    until(lambda: page.locator(".passage").first.inner_text().split() == read)
    page.get_by_role("button", name="보관함").click()
    row = page.locator(f".st-key-row-{d.id}")
    row.get_by_role("button", name="삭제").click()
    page.get_by_role("button", name="그대로 두기").click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert len(stocked.assistant.documents()) == 2
    row.get_by_role("button", name="삭제").click()
    page.get_by_role("dialog").get_by_role("button", name="삭제").click()
    row.wait_for(state="detached")
    assert [x.title for x in stocked.assistant.documents()] == ["Aquilune A2 User Manual"]


def test_pages_turn_grow_and_are_copied_by_keys(stocked: Screen, visit) -> None:
    d = handbook(stocked)
    page = visit(f"/library?document={d.id}&page=4")
    view = page.get_by_role("region", name=f"{TITLE}, 4쪽")
    view.focus()
    width = page.locator(".paper").bounding_box()["width"]
    page.keyboard.press("+")
    assert page.locator(".paper").bounding_box()["width"] == pytest.approx(1.25 * width, abs=2)
    page.keyboard.press("0")
    page.keyboard.press("ArrowRight")
    page.get_by_alt_text(f"{TITLE}, 5쪽").wait_for()
    until(lambda: "page=5" in page.url)
    shown = page.locator(".words").evaluate("w => w.innerText")
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", stocked.assistant.page(d.id, 5).text)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.get_by_alt_text(f"{TITLE}, 3쪽").wait_for()
    page.get_by_label("쪽 번호").fill("99")
    page.keyboard.press("Enter")
    page.get_by_alt_text(f"{TITLE}, 15쪽").wait_for()
    assert page.get_by_role("button", name="다음 쪽").get_attribute("aria-disabled") == "true"
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
    assert page.locator(".hit .place").all_inner_texts() == [f"{h.document.title} · {h.chunk.page}쪽" for h in hits]
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
    assert "mark=" in page.url


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
    said = re.findall(r"[ab]\.pdf|\d\d\.txt", board.inner_text().replace("\u2060", ""))
    assert list(dict.fromkeys(said))[:2] == ["a.pdf", "b.pdf"]
    assert board.get_by_text("파일이 비었거나 손상되었습니다").count() == 2
    assert board.get_by_text("문제없이 끝난 파일 18개").count() == 1
    assert len(screen.assistant.documents()) == 18


def test_an_add_shows_progress_and_can_be_cancelled(screen: Screen, visit, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = threading.Event()
    embed = screen.assistant.parts.embedder.embed_passages
    monkeypatch.setattr(screen.assistant.parts.embedder, "embed_passages", lambda texts: hold.wait(20) and embed(texts))
    page = visit("/library")
    drop(page, HANDBOOK, MANUAL)
    page.get_by_text(re.compile(r"\d+ / 15쪽")).wait_for()
    page.get_by_text("다음 차례: manual").wait_for()
    page.reload()
    page.get_by_text(re.compile(r"\d+ / 15쪽")).wait_for()
    page.get_by_role("button", name="취소").click()
    until(lambda: screen.assistant.store.jobs(kinds=["add"])[0].cancel)
    hold.set()
    page.get_by_text("취소했습니다").wait_for()
    assert screen.assistant.documents() == []


@pytest.mark.parametrize("path", ["/search?q=재택근무", "/library?document={id}&page=5"])
def test_no_page_of_documents_is_wider_than_a_phone(stocked: Screen, visit, path: str) -> None:
    page = visit(path.format(id=handbook(stocked).id), width=390)
    page.locator(".found, .paper img").first.wait_for()
    fits = "() => Math.max(...['html', '.stMain'].map(s => document.querySelector(s).scrollWidth)) <= innerWidth"
    until(lambda: page.evaluate(fits))


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
