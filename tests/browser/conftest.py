"""A real Chromium on the real screen: one server for all tests, a library of its own for each."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from screens import ARGUMENTS, HANDBOOK, MANUAL, Screen, behind, unhurried

from gakju.models.fakes import FakeEmbedder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine; `sudo apt-get install chromium fonts-noto-cjk` enables this test")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, unhurried():
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """Streamlit runs once a process: every test has this server, and puts its own assistant behind it."""
    import uvicorn

    from gakju.api import create, serve
    from gakju.assistant import Assistant
    from gakju.settings import Settings

    listening = serve.bind("127.0.0.1", 0)
    with listening, Assistant(Settings(home=tmp_path_factory.mktemp("first")), embedder=FakeEmbedder()) as first:
        one = uvicorn.Server(
            uvicorn.Config(create(first), log_config=None, access_log=False, timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=one.run, kwargs={"sockets": [listening]})
        thread.start()
        yield Screen(serve.address(listening))
        one.should_exit = True
        thread.join(20)


@pytest.fixture
def screen(server: Screen, tmp_path: Path) -> Iterator[Screen]:
    """An empty library behind the screen."""
    with behind(server, tmp_path / "home") as one:
        yield one


@pytest.fixture(scope="session")
def samples(server: Screen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that holds the two sample documents, to be copied."""
    home = tmp_path_factory.mktemp("samples")
    with behind(server, home) as one:
        added = one.assistant.add([HANDBOOK, MANUAL])
        assert [a.status for a in added] == ["added", "added"]
    return home


@pytest.fixture
def stocked(server: Screen, samples: Path, tmp_path: Path) -> Iterator[Screen]:
    """The screen over the two sample documents."""
    shutil.copytree(samples, tmp_path / "home")
    with behind(server, tmp_path / "home") as one:
        yield one


@pytest.fixture(scope="module")
def visitors(chromium: Any) -> Callable[..., Any]:
    """A browser profile for each language, width and scheme; kept, so that Streamlit's scripts load once."""

    @cache
    def profile(language: str, width: int, scheme: str) -> Any:
        context = chromium.new_context(
            locale=language,
            timezone_id="Asia/Seoul",
            color_scheme=scheme,
            viewport={"width": width, "height": 800},
            has_touch=width < 500,
            is_mobile=width < 500,
        )
        context.set_default_timeout(90_000)
        return context

    return profile


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What a page shows when its test fails is told with the failure: elsewhere nobody can look."""
    report = yield
    visit = getattr(item, "funcargs", {}).get("visit")
    if report.when == "call" and report.failed and visit:
        for page in visit.pages:
            with suppress(Exception):
                page.set_default_timeout(5_000)
                report.sections.append((page.url, page.locator("body").aria_snapshot()))
    return report


@pytest.fixture
def visit(server: Screen, visitors: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Open the screen as a visitor of a language, width and scheme. At the end: no request left the machine."""
    pages: list[Any] = []
    strangers: list[str] = []
    errors: list[str] = []

    def watch(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            strangers.append(request.url)

    def visit(path: str = "/", *, language: str = "ko-KR", width: int = 1280, scheme: str = "light") -> Any:
        page = visitors(language, width, scheme).new_page()
        pages.append(page)
        page.on("request", watch)
        page.on("websocket", watch)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(server.url + path)
        page.get_by_test_id("stSidebarContent").wait_for(state="attached")
        return page

    visit.pages = pages  # type: ignore[attr-defined]
    yield visit
    for page in pages:
        page.close()
    assert strangers == []
    assert errors == []
