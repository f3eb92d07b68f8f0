"""The web on the screen: chosen at the line, told live and afterwards, checked and saved at a footnote, watched."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from screens import Screen, say, until

import sites
from gakju.text.links import text_fragment
from gakju.types import WebResult
from gakju.web.fakes import FakeSearch
from sites import Handler, Site

pytestmark = pytest.mark.browser

WAGE = "2027년 최저임금은 시급 1만 320원이다."
PAGE = f"<html lang=ko><title>최저임금 고시</title><meta name=date content=2026-08-05><p>{WAGE}</p></html>"


@pytest.fixture
def site(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A page, an engine that names it, and the web switched on."""
    monkeypatch.setattr("gakju.assistant.web.VISIT_SECONDS", 200.0)
    screen.assistant.settings.web_seconds = 200.0
    with sites.running() as one:
        one.put("/wage", PAGE)
        screen.assistant.settings.web, screen.assistant.settings.web_allow = "ask", "127.0.0.1"
        screen.assistant.web.engines = [FakeSearch([WebResult(f"{one.url}/wage", "최저임금 시급", "", "fake")])]
        yield one


def test_a_page_of_the_web_is_cited_checked_and_saved(screen: Screen, site: Site, visit) -> None:
    page = visit()
    page.locator(".st-key-manner button").first.click()
    page.get_by_text("웹", exact=True).last.click()
    page.keyboard.press("Escape")
    go = threading.Event()
    served = site.pages["/wage"]

    def slow(handler: Handler) -> None:
        go.wait(150)
        handler.say(served)

    site.pages["/wage"] = slow
    say(page, "2027년 최저임금 시급은 얼마인가요?")
    page.locator(".working", has_text="1쪽 가운데 0쪽을 읽었습니다").wait_for()
    go.set()
    page.locator(".foot").wait_for()
    site.pages["/wage"] = served
    page.locator(".web summary").click()
    until(lambda: page.locator(".looked p").all_inner_texts() == ["찾은 말: 2027년 최저임금 시급"])
    assert page.locator(".looked .site-disc").all_inner_texts() == ["1"]
    page.locator(".note").first.click()
    controls = page.locator(".st-key-web-page")
    line = controls.locator(".web-line").inner_text()
    assert "127.0.0.1 · 2026-08-05 게시 · 오늘" in line.replace("\n", " ")
    link = controls.get_by_role("link", name="원래 페이지 열기").get_attribute("href")
    assert link == text_fragment(f"{site.url}/wage", WAGE)
    asked = len(site.seen)
    site.put("/wage", "<title>옮김</title><p>옮겼습니다.</p>")
    page.reload()
    page.locator(".note").first.click()
    assert len(site.seen) == asked  # nothing is asked until somebody clicks
    controls.get_by_role("button", name="지금 확인").click()
    controls.get_by_text("인용한 말이 이제 없습니다").wait_for()
    controls.get_by_role("button", name="저장").click()
    controls.get_by_text("저장했습니다").wait_for()
    assert screen.assistant.collections() == {"default": 1}


def test_an_address_is_added_watched_and_let_go(screen: Screen, site: Site, visit) -> None:
    screen.assistant.settings.web = "off"
    page = visit("/library", language="en-US")
    page.locator(".st-key-add").wait_for()
    assert page.get_by_role("textbox", name="Web address").count() == 0
    screen.assistant.settings.web = "ask"
    page.reload()
    page.get_by_role("textbox", name="Web address").fill(f"{site.url}/wage")
    page.get_by_role("combobox", name="Read again").click()
    page.get_by_role("option", name="Every week").click()
    page.get_by_role("button", name="Add address").click()
    page.get_by_text("최저임금 고시").first.wait_for()
    page.get_by_text("Addresses that are read again: 1").click()
    row = page.locator('[class*="st-key-watch-watch_"]').first
    row.get_by_text("Every week").wait_for()
    assert f"{site.url}/wage" in row.inner_text()
    page.locator('[class*="st-key-watch-stop-"] button').click()
    page.get_by_text("Addresses that are read again").wait_for(state="detached")
    until(lambda: screen.assistant.watches.all() == [])
    assert [d.title for d in screen.assistant.documents()] == ["최저임금 고시"]
