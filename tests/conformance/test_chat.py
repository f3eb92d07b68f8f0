"""Every ChatModel does this."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import pytest
from loopback import KEY, serving

from gakju.errors import ContextTooLong
from gakju.models.chat import EmbeddedChat, OpenAIChat
from gakju.models.fakes import FakeChat
from gakju.models.remote import openai_client
from gakju.protocols import ChatModel
from gakju.types import Delta, Message

COUNT = [Message("system", "You count."), Message("user", "Count from 1 to 9 in digits, separated by spaces.")]
ENDLESS = [Message("user", "Write the numbers from 1 to 2000, all of them, separated by spaces.")]


def replies(messages: object) -> str:
    return " ".join(map(str, range(1, 60_000 if messages == ENDLESS else 10)))


@dataclass
class Backend:
    chat: ChatModel
    stopped: Callable[[], bool]
    """Whether the generation that was left has ended on the model's side."""


@pytest.fixture(
    scope="module",
    params=["fake", "http", pytest.param("embedded", marks=pytest.mark.model)],
)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "fake":
        fake = FakeChat(replies, context=1024)
        yield Backend(fake, lambda: fake.closed == 1)
    elif request.param == "http":
        with serving(FakeChat(replies, context=60_100)) as server:
            client = openai_client(server.url, KEY, offline=True)
            yield Backend(OpenAIChat("test:http", lambda: client, "m", 60_100), lambda: server.hung_up.wait(60))
    else:
        chat: EmbeddedChat = request.getfixturevalue("embedded_chat")
        yield Backend(chat, lambda: idle(chat))


def idle(chat: EmbeddedChat) -> bool:
    assert chat.engine.pid
    worker = psutil.Process(chat.engine.pid)
    for _ in range(20):
        before = worker.cpu_times().user
        time.sleep(0.5)
        if worker.cpu_times().user - before < 0.05:
            return True
    return False


def said(deltas: list[Delta]) -> str:
    return "".join(d.text for d in deltas)


def test_pieces_then_usage(backend: Backend) -> None:
    deltas = list(backend.chat.stream(COUNT, max_tokens=30))
    assert len(deltas) >= 4
    assert all(d.text for d in deltas[:-1])
    assert said(deltas).startswith("1 2 3 4 5 6 7 8 9")
    assert [d.usage for d in deltas[:-1]] == [None] * (len(deltas) - 1)
    usage = deltas[-1].usage
    assert usage is not None
    assert usage.prompt_tokens >= 10
    assert usage.completion_tokens >= 9


def test_temperature_nought_repeats_itself(backend: Backend) -> None:
    first, second = (said(list(backend.chat.stream(COUNT, max_tokens=8))) for _ in range(2))
    assert first == second


def test_stop_strings_end_the_answer_and_are_left_out(backend: Backend) -> None:
    assert said(list(backend.chat.stream(COUNT, max_tokens=30, stop=["6", "4"]))).strip() == "1 2 3"


def test_max_tokens(backend: Backend) -> None:
    last = list(backend.chat.stream(COUNT, max_tokens=3))[-1]
    assert last.usage is not None
    assert last.usage.completion_tokens == 3


def test_closing_stops_the_other_side(backend: Backend) -> None:
    stream = backend.chat.stream(ENDLESS)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert backend.stopped()
    assert said(list(backend.chat.stream(COUNT, max_tokens=8))).startswith("1 2")


def test_a_prompt_that_does_not_fit(backend: Backend) -> None:
    long = [Message("user", "word " * (backend.chat.context + 10))]
    with pytest.raises(ContextTooLong, match="longer than"):
        list(backend.chat.stream(long))


def test_a_new_stream_asks_nothing_until_read(backend: Backend) -> None:
    backend.chat.stream(COUNT)
