"""A whole Gakju behind a real port: real reader, library, morphemes and jobs; only the models are fakes."""

from __future__ import annotations

import atexit
import secrets
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gakju.assistant import Assistant

LEAVE = "연차휴가는 15일이다. 연차휴가는 이듬해로 넘길 수 없다."
TRIP = "출장비는 하루 5만 원이다. 영수증은 7일 안에 낸다."
REPLY = "연차휴가는 15일이다. [1]"
"""What the model says, of whatever it is asked."""


class NoLabs(dict[type, None]):
    """For assistants that are not: every lab of theirs is nothing."""

    def __contains__(self, kind: object) -> bool:
        return True

    def __missing__(self, kind: type) -> None:
        return None


@dataclass
class Served:
    """A server in a thread of this process."""

    url: str
    home: Path
    assistant: object
    chat: object


def slow_chat():
    """A model that talks until its reader leaves, which `closed` tells."""
    from gakju.models.fakes import FakeChat
    from gakju.types import Delta

    class Slow(FakeChat):
        def stream(self, messages, **options):
            try:
                while True:
                    yield Delta("연차 ")
                    time.sleep(0.02)
            finally:
                self.closed += 1

    return Slow([""])


class Shared:
    """A part that outlives the assistants it is given to."""

    def __init__(self, part: object) -> None:
        self._part = part

    def __getattr__(self, name: str) -> object:
        if name == "close":
            raise AttributeError(name)
        return getattr(self._part, name)


@cache
def shared() -> dict[str, object]:
    """What takes seconds to start, once for all tests."""
    from gakju.read import DocumentReader, Limits
    from gakju.text.morphemes import Morphemes

    reader = DocumentReader(Limits(25.0, 2048, 20_000, 1 << 30), "kor+eng", 1)
    atexit.register(reader.close)
    return {"morphemes": Morphemes(), "reader": Shared(reader)}


def opened(home: Path, chat: object = None, **settings: object) -> Assistant:
    from gakju.assistant import Assistant
    from gakju.models.fakes import FakeChat, FakeEmbedder
    from gakju.settings import Settings

    given = {"chat_model": "fake", "ocr": False, "refuse_below": 0.0, **settings}
    return Assistant(
        Settings(home=home, **given), embedder=FakeEmbedder(), **{"chat/fake": chat or FakeChat([REPLY])}, **shared()
    )


@contextmanager
def serving(home: Path, chat: object = None, **settings: object) -> Iterator[Served]:
    from gakju.api import serve

    with serve.bind("127.0.0.1", 0) as listening, opened(home, chat, **settings) as assistant:
        url = serve.address(listening)
        ready = threading.Event()

        def announce() -> None:
            assistant.announce(url)
            ready.set()

        server = serve.server(assistant, announce, ui=False)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert ready.wait(90)
            yield Served(url, home, assistant, chat)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), stacks()


def free_port() -> int:
    """For a process that must be told its port. The system gives none of these to whoever connects meanwhile."""
    while True:
        port = secrets.randbelow(12_000) + 20_000
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def stacks() -> str:
    """What every thread does now: where a server does not end, the reason is here."""
    names = {t.ident: t.name for t in threading.enumerate()}
    frames = sys._current_frames().items()
    return "\n".join(f"{names.get(ident)}:\n{''.join(traceback.format_stack(frame)[-6:])}" for ident, frame in frames)
