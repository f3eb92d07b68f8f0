"""What tests of the screen share beside fixtures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


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
