"""What tests of the screen share beside fixtures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gakju.models.fakes import FakeChat, FakeEmbedder
from gakju.types import Delta

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SAMPLES = Path(__file__).parents[2] / "src" / "gakju" / "samples"
HANDBOOK, MANUAL = SAMPLES / "handbook.ko.pdf", SAMPLES / "manual.en.pdf"


class HeldChat(FakeChat):
    """Says where to look, and then waits until the test lets it go on."""

    def __init__(self, script: Any, *, name: str = "fake:chat") -> None:
        super().__init__(script, name=name)
        self.go = threading.Event()
        self.go.set()

    def stream(self, messages, **options) -> Iterator[Delta]:  # type: ignore[no-untyped-def]
        try:
            while not self.go.wait(0.05):
                yield Delta("음 ")
            yield from super().stream(messages, **options)
        except GeneratorExit:
            self.closed += 1
            raise


class Screen:
    """The served screen. `assistant` is the one of the test that runs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.assistant: Any = None
        self.chat: HeldChat = HeldChat("")


def until(true: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@contextmanager
def unhurried() -> Iterator[None]:
    """Clicks and files come when the page has come to rest, or after two and ten seconds: what moves between press and
    release of the button is not clicked, what is drawn anew forgets a file, and a person sees it move."""
    from playwright.sync_api import Locator, TimeoutError

    def resting(name: str, most: int) -> Callable[..., None]:
        at_once = getattr(Locator, name)

        def act(self: Locator, *given: Any, **options: Any) -> None:
            rests = self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
            if self.page.get_by_test_id("stApp").count():
                with suppress(TimeoutError):
                    rests.wait_for(state="attached", timeout=most)
            at_once(self, *given, **options)

        return act

    with pytest.MonkeyPatch.context() as patch:
        for name, most in (("click", 2_000), ("set_input_files", 10_000)):
            patch.setattr(Locator, name, resting(name, most))
        yield


def say(page: Any, words: str) -> None:
    """Into the line of a conversation, sent once the line can be sent: not while a file is on its way."""
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(words)
    page.locator('[data-testid="stChatInputSubmitButton"]:enabled').wait_for()
    box.press("Enter")


def fits(page: Any) -> None:
    """Nothing is wider than the window, once everything has its place."""
    wide = "Math.max(...['html', '.stMain'].map(s => document.querySelector(s).scrollWidth)) <= innerWidth"
    until(lambda: page.evaluate(wide))


@contextmanager
def behind(server: Screen, home: Path) -> Iterator[Screen]:
    """The library at `home` behind the screen."""
    from gakju.assistant import Assistant
    from gakju.settings import Settings
    from gakju.ui import state

    server.chat = HeldChat("[1]", name="embedded:fake")
    settings = Settings(home=home, chat_model="fake", ocr=False, refuse_below=0.0, readers=1)
    with Assistant(settings, embedder=FakeEmbedder(), **{"chat/fake": server.chat}) as assistant:
        server.assistant = assistant
        state.hold(assistant)
        yield server
        server.chat.go.set()
