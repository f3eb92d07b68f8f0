"""A whole Gakju behind a real port: real reader, library, morphemes and jobs; only the models are fakes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LEAVE = "연차휴가는 15일이다. 연차휴가는 이듬해로 넘길 수 없다."
TRIP = "출장비는 하루 5만 원이다. 영수증은 7일 안에 낸다."


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

    return Slow("")


@contextmanager
def serving(home: Path, chat: object = None, **settings: object) -> Iterator[Served]:
    import uvicorn

    from gakju.api import create, serve
    from gakju.assistant import Assistant
    from gakju.models.fakes import FakeChat, FakeEmbedder
    from gakju.settings import Settings

    chat = chat or FakeChat("[1]")
    given = {"chat_model": "fake", "ocr": False, "refuse_below": 0.0, "readers": 1, **settings}
    parts = {"embedder": FakeEmbedder(), "chat/fake": chat}
    listening = serve.bind("127.0.0.1", 0)
    url = serve.address(listening)
    with listening, Assistant(Settings(home=home, **given), **parts) as assistant:
        app = create(assistant, ui=False, stopping=lambda: server.should_exit)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        assistant.announce(url)
        try:
            yield Served(url, home, assistant, chat)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
