"""No serious or critical finding of axe on any page, beyond those that Streamlit's own bare page has."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from screens import HANDBOOK, Screen, say, until

from fronts import free_port
from gakju.ui.frame import PLACES

pytestmark = pytest.mark.browser

BARE = """
import streamlit as st

def hello():
    st.title("Hello")
    st.caption("Streamlit and nothing else")
    st.file_uploader("Files", accept_multiple_files=True)
    st.text_input("Words")
    st.toggle("Toggle")
    st.segmented_control("View", ["a", "b"], default="a")
    st.selectbox("Choose", ["a", "b"])
    st.selectbox("Choose or not", ["a", "b"], index=None, accept_new_options=True)
    with st.popover("More"):
        st.write("more")
    with st.expander("Unfold"):
        st.write("folded")
    st.slider("Slide")
    st.chat_input("Say")

pages = [st.Page(hello, title="Other", url_path="other", default=True), st.Page(hello, title="Hello", url_path="hello")]
st.navigation(pages).run()
"""
"""What Streamlit's own hello page is made of, and the widgets that ours are made of."""

QUIET = """() => new Promise(done => {
    let rest;
    const watch = new MutationObserver(again);
    const end = () => { watch.disconnect(); done(); };
    function again() { clearTimeout(rest); rest = setTimeout(end, 400); }
    watch.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
    again();
    setTimeout(end, 10000);
})"""
"""Nothing has been drawn for a moment, in which colours that fade have come to their end."""

SERIOUS = ("serious", "critical")


def axe(page: Any) -> dict[str, set[str]]:
    """Serious and critical findings: rule to the places it was found at."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate(
        "off => axe.run({exclude: [off]}, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})",
        # What is disabled needs no contrast (WCAG 1.4.3); axe cannot tell that Streamlit's label belongs to it.
        '[data-testid="stWidgetLabel"]:has(~ * :is(:disabled, [aria-disabled="true"]))',
    )
    return {
        v["id"]: {f"{n['html'][:160]} {n.get('failureSummary', '')[:200]}" for n in v["nodes"]}
        for v in found["violations"]
        if v["impact"] in SERIOUS
    }


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Streamlit alone on a port of its own."""
    script: Path = tmp_path_factory.mktemp("bare") / "hello.py"
    script.write_text(BARE, "utf-8")
    options = [f"--server.port={(port := free_port())}", "--server.address=127.0.0.1", "--server.headless=true"]
    options += ["--browser.gatherUsageStats=false", "--client.toolbarMode=minimal", "--server.fileWatcherType=none"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"

    def there() -> bool:
        assert process.poll() is None
        with suppress(OSError):
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=60)
            return True
        return False

    try:
        until(there)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def streamlits_own(bare: str, chromium: Any) -> dict[str, Any]:
    """What axe finds on Streamlit's bare page, and what the console says there."""
    said: list[str] = []
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.goto(f"{bare}/hello")
    page.get_by_role("heading", name="Hello").wait_for()
    page.get_by_test_id("stChatInput").wait_for()
    found = axe(page)
    page.context.close()
    print("Streamlit's own:", {rule: len(places) for rule, places in found.items()}, "console:", sorted(set(said)))
    return {"axe": set(found), "console": set(said)}


def addresses(screen: Screen) -> dict[str, str]:
    """Every page that the sidebar or a link leads to, with something on it."""
    documents = screen.assistant.documents()
    d = next(d for d in documents if d.path.endswith(HANDBOOK.name))
    own = {p.key: "/" if p is PLACES[0] else f"/{p.key}" for p in PLACES}
    chunk = screen.assistant.chunks(d.id)[3].id
    return own | {
        "search": "/search?q=재택근무",
        "document": f"/library?document={d.id}&page=5&mark=5.10-60",
        "chunks": f"/library?document={d.id}&page=5&chunk={chunk}",
    }


def settled(page: Any) -> None:
    page.locator('.stMain [data-testid="stElementContainer"]').first.wait_for(state="attached")
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.evaluate(QUIET)


@pytest.mark.parametrize(("language", "width", "scheme"), [("ko-KR", 1280, "light"), ("en-US", 390, "dark")])
def test_no_page_has_a_serious_finding(
    stocked: Screen, visit, streamlits_own, language: str, width: int, scheme: str
) -> None:
    found: dict[str, Any] = {}
    said: set[str] = set()
    page = visit("/", language=language, width=width, scheme=scheme)
    page.on("console", lambda m: said.add(m.text) if m.type == "error" else None)
    for name, address in addresses(stocked).items():
        page.goto(stocked.url + address)
        settled(page)
        if ours := {rule: places for rule, places in axe(page).items() if rule not in streamlits_own["axe"]}:
            found[name] = ours
    assert found == {}
    assert said - streamlits_own["console"] == set()


def test_an_answer_with_its_page_has_no_serious_finding(stocked: Screen, visit, streamlits_own) -> None:
    page = visit()
    say(page, "카페에서 재택근무를 해도 되나요?")
    page.locator(".foot").wait_for()
    page.locator(".busy").wait_for(state="detached")
    page.locator(".note").first.click()
    page.locator(".st-key-pane img").wait_for()
    settled(page)
    assert {rule: places for rule, places in axe(page).items() if rule not in streamlits_own["axe"]} == {}


def test_a_button_that_has_something_open_can_be_read_on_dark(stocked: Screen, visit) -> None:
    page = visit("/library", scheme="dark")
    settled(page)
    page.get_by_test_id("stPopoverButton").first.click()
    page.get_by_test_id("stPopoverBody").get_by_label("암호", exact=True).wait_for()
    settled(page)
    assert "color-contrast" not in axe(page)
    page.keyboard.press("Escape")
    page.get_by_test_id("stPopoverBody").wait_for(state="detached")
    page.get_by_test_id("stPopoverButton").first.hover()
    settled(page)
    assert "color-contrast" not in axe(page)


def test_everything_on_the_document_page_is_reached_by_tab(stocked: Screen, visit) -> None:
    page = visit(addresses(stocked)["document"])
    page.locator(".paper img").wait_for()
    settled(page)
    reached: list[str] = []
    what = """() => {
        let e = document.activeElement;
        while (e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement;
        if (e === document.body) return ["", true];
        const name = e.getAttribute('aria-label') || e.innerText || e.tagName;
        const ringed = n => n && [getComputedStyle(n)].some(
            s => s.outlineStyle !== 'none' || s.boxShadow !== 'none' || s.borderColor === 'rgb(31, 93, 146)');
        let around = false;  // inputs have their ring on what holds them
        for (let n = e, i = 0; n && i < 5; n = n.parentElement, i++) around ||= ringed(n);
        return [name, around];
    }"""
    page.locator("h1").click()
    for _ in range(16):
        page.keyboard.press("Tab")
        name, visible = page.evaluate(what)
        for _ in range(100):  # rings fade in
            if visible:
                break
            page.wait_for_timeout(50)
            name, visible = page.evaluate(what)
        if name == "":  # past the last one
            break
        reached.append(name.strip())
        assert visible, f"no focus to be seen on {name}"
    wanted = ["원본 내려받기", "앞 쪽", "쪽 번호", "다음 쪽", "작게", "너비에 맞추기", "크게"]
    places = [next((i for i, name in enumerate(reached) if name.endswith(w)), -1) for w in wanted]
    assert -1 not in places, reached
    assert places == sorted(places)
