from __future__ import annotations

import pytest

from gakju.errors import ModelFailed
from gakju.models.fakes import FakeChat, FakeEmbedder
from gakju.types import Message, Usage

HI = [Message("user", "hello there")]


def text(chat: FakeChat, **options: object) -> str:
    return "".join(d.text for d in chat.stream(HI, **options))  # type: ignore[arg-type]


def test_replies_in_order_the_last_one_again() -> None:
    chat = FakeChat(["one", "two"])
    assert [text(chat) for _ in range(3)] == ["one", "two", "two"]


def test_a_reply_from_the_prompt() -> None:
    assert text(FakeChat(lambda messages: messages[-1].content.upper())) == "HELLO THERE"


def test_an_exception_is_raised() -> None:
    chat = FakeChat([ModelFailed("down"), "up"])
    with pytest.raises(ModelFailed):
        text(chat)
    assert text(chat) == "up"


def test_calls_are_recorded() -> None:
    chat = FakeChat(["one two three four"])
    deltas = list(chat.stream(HI, temperature=0.3, max_tokens=2, stop=["four"], extra={"grammar": "g"}))
    assert "".join(d.text for d in deltas) == "one two "
    assert deltas[-1].usage == Usage(2, 2)
    (call,) = chat.calls
    assert call.messages == tuple(HI)
    assert (call.temperature, call.max_tokens, call.stop, call.extra) == (0.3, 2, ("four",), {"grammar": "g"})


def test_sides_are_recorded() -> None:
    embedder = FakeEmbedder()
    embedder.embed_queries(["q"])
    embedder.embed_passages(["p", "r"])
    assert embedder.calls == [("query", ("q",)), ("passage", ("p", "r"))]
