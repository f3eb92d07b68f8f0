"""What a request has used goes to account, whether or not somebody waits for the whole of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest

from fronts import opened, slow_chat
from gakju.assistant import Assistant
from gakju.assistant.generate import Generator
from gakju.models.fakes import FakeChat
from gakju.models.raw import CHAT, EMBED

ASKED = [{"role": "user", "content": "hello there, all of you"}]


@pytest.fixture
def assistant(tmp_path: Path) -> Iterator[Assistant]:
    with opened(tmp_path / "home", slow_chat()) as one:
        yield one


def asking(assistant: Assistant, model: str, path: str = CHAT, **body: Any) -> Generator:
    return Generator(assistant, model, path, body or {"messages": ASKED}, caller="c", key_id="key_1")


def spent(assistant: Assistant) -> list[tuple[int, bool]]:
    """(prompt tokens, whether anything was written) of each model."""
    return [(day.prompt_tokens, day.completion_tokens > 0) for day in assistant.store.usage.days("", "key_1")]


async def left(work: asyncio.Task[Any]) -> None:
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work


def test_a_whole_answer_that_is_left_stops_the_model_and_is_paid_for(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat: Any = assistant.parts.chat()
    third = asyncio.Event()
    stream = chat.stream

    def told(messages: Any, **options: Any) -> Any:
        for number, delta in enumerate(stream(messages, **options)):
            if number == 2:
                loop.call_soon_threadsafe(third.set)
            yield delta

    async def run() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(chat, "stream", told)
        work = asyncio.ensure_future(asking(assistant, assistant.settings.chat_model).once())
        await third.wait()
        await left(work)

    loop: Any = None
    asyncio.run(run())
    assert chat.closed == 1
    assert spent(assistant) == [(14, True)]


def test_a_whole_answer_is_paid_for_once(assistant: Assistant) -> None:
    model = assistant.settings.chat_model
    assistant.parts._made[f"chat/{model}"] = FakeChat(["one two three"])
    told = asyncio.run(asking(assistant, model).once())
    assert told["choices"][0]["message"]["content"] == "one two three"
    (day,) = assistant.store.usage.days("", "key_1")
    assert (day.requests, day.prompt_tokens, day.completion_tokens) == (1, told["usage"]["prompt_tokens"], 3)


@pytest.mark.parametrize(
    ("path", "body", "tokens", "streams"),
    [
        (CHAT, {"messages": ASKED}, 14, False),
        (CHAT, {"messages": ASKED}, 14, True),
        (EMBED, {"input": "a" * 400}, 100, False),
    ],
)
def test_what_was_sent_to_a_host_is_paid_for(
    assistant: Assistant, path: str, body: dict[str, Any], tokens: int, streams: bool
) -> None:
    """A host that takes a request and does not answer."""

    async def run() -> None:
        arrived = asyncio.Event()

        async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            arrived.set()
            await reader.read()  # until it is left
            writer.close()

        server = await asyncio.start_server(taken, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        made = asking(assistant, f"http://127.0.0.1:{port}/v1#m", path, **body)

        async def stream() -> None:
            async with aclosing(made.stream()) as chunks:
                async for _ in chunks:
                    pass

        work = asyncio.ensure_future(stream() if streams else made.once())
        await arrived.wait()
        await left(work)
        server.close()

    asyncio.run(run())
    assert spent(assistant) == [(tokens, False)]
