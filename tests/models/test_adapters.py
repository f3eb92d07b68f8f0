"""Adapters on disk by name, and in the engine by request."""

from __future__ import annotations

import asyncio
import random
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gakju.errors import NotFound, UnknownModel, UsageError
from gakju.models import open_chat
from gakju.models.adapters import Adapters
from gakju.models.chat import EmbeddedChat
from gakju.models.engine import Engines
from gakju.models.raw import CHAT, folded
from gakju.models.turns import Turns
from gakju.types import Message

BASE = "qwen2.5-coder-0.5b"
ONE, TWO = "ft-00000001", "ft-00000002"


def gguf_adapter(path: Path, seed: int, layers: int = 4, width: int = 896) -> Path:
    """A LoRA adapter of rank 1 of random numbers, on the attention's output of the first layers."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    chance = random.Random(seed)
    values = {"general.architecture": "qwen2", "general.type": "adapter", "adapter.type": "lora"}
    head = b"".join(text(k) + struct.pack("<I", 8) + text(v) for k, v in values.items())
    head += text("adapter.lora.alpha") + struct.pack("<If", 6, 1.0)
    infos, data = b"", b""
    for layer in range(layers):
        for side, shape in (("a", (width, 1)), ("b", (1, width))):
            infos += text(f"blk.{layer}.attn_output.weight.lora_{side}")
            infos += struct.pack("<IQQIQ", 2, *shape, 0, len(data))
            data += struct.pack(f"<{width}f", *(chance.gauss(0, 0.5) for _ in range(width)))
    start = b"GGUF" + struct.pack("<IQQ", 3, 2 * layers, len(values) + 1) + head + infos
    path.write_bytes(start + bytes(-len(start) % 32) + data)
    return path


@pytest.fixture
def shelf(tmp_path: Path) -> Adapters:
    shelf = Adapters(tmp_path)
    for name in (ONE, TWO):
        shelf.put(name, BASE, gguf_adapter(tmp_path / "made.gguf", int(name[-1])))
    return shelf


def test_names_are_given_and_taken_back(shelf: Adapters) -> None:
    assert [a.model for a in shelf.all()] == [f"embedded:{BASE}+{ONE}", f"embedded:{BASE}+{TWO}"]
    assert shelf.keep(ONE, "topic").model == f"embedded:{BASE}+topic"
    shelf.keep(TWO, "topic")
    assert shelf.find(BASE, "topic").id == TWO
    back = shelf.roll_back("topic")
    assert back
    assert back.id == ONE
    assert shelf.find(BASE, TWO).name == ""
    assert shelf.roll_back("topic") is None
    with pytest.raises(NotFound, match="topic"):
        shelf.roll_back("topic")


def test_what_is_removed_gives_its_name_back(shelf: Adapters) -> None:
    shelf.keep(ONE, "topic")
    shelf.keep(TWO, "topic")
    shelf.remove(TWO)
    assert shelf.find(BASE, "topic").id == ONE
    assert list(shelf.of(BASE)) == [ONE]
    with pytest.raises(NotFound):
        shelf.remove(TWO)


def test_an_unknown_adapter_is_no_model(shelf: Adapters) -> None:
    shelf.keep(ONE, "topic")
    with pytest.raises(UnknownModel, match=r"no adapter 'nobody'\. There are: topic\."):
        shelf.find(BASE, "nobody")
    with pytest.raises(UnknownModel):
        shelf.find("qwen2.5-coder-1.5b", "topic")


@pytest.mark.parametrize("name", ["", "../x", "Ab", "a/b", ONE, "a" * 41, "x\n"])
def test_names_that_cannot_be(shelf: Adapters, name: str) -> None:
    with pytest.raises(UsageError):
        shelf.keep(ONE, name)


def test_half_an_adapter_is_none(shelf: Adapters) -> None:
    (shelf.root / f"{ONE}.json").write_text("{")
    (shelf.root / f"{TWO}.gguf").unlink()
    assert shelf.all() == []


def test_nobody_has_a_slot_while_one_is_alone() -> None:
    line, order = Turns(2, 4), []
    busy = line.join("a")
    begun = threading.Event()

    def alone() -> None:
        with line.alone():
            order.append("alone")
            begun.set()
            time.sleep(0.05)

    thread = threading.Thread(target=alone)
    thread.start()
    while not line._held:
        time.sleep(0.001)
    late = line.join("b")
    assert late.position == 1, "a slot was free, but someone wants to be alone"
    assert not begun.is_set()
    busy.leave()
    late.wait()
    order.append("late")
    thread.join()
    assert order == ["alone", "late"]
    late.leave()
    assert (line.running, line.waiting) == (0, 0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, chat_weights: Path) -> Path:
    root = tmp_path_factory.mktemp("models")
    for path in chat_weights.parent.glob(chat_weights.name + "*"):
        (root / path.name).symlink_to(path)
    Adapters(root).put(ONE, BASE, gguf_adapter(root / "made.gguf", 1))
    return root


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    engines = Engines()
    yield engines
    engines.stop()


def best(told: dict[int, float], count: int = 3) -> dict[int, float]:
    """The likeliest, best first; those far down change with how a prompt was cut into batches."""
    return dict(sorted(told.items(), key=lambda pair: -pair[1])[:count])


@pytest.mark.model
class TestEngine:
    """One engine with the real model, and adapters made of random numbers: they change what it says at once."""

    def chat(self, root: Path, engines: Engines, tuned: str = "") -> EmbeddedChat:
        name = f"embedded:{BASE}" + (f"+{tuned}" if tuned else "")
        chat = open_chat(name, root=root, engines=engines, context=1024)
        assert isinstance(chat, EmbeddedChat)
        return chat

    def test_each_request_has_its_own(self, root: Path, engines: Engines) -> None:
        prompt = list(range(1000, 1040))
        base, one = self.chat(root, engines), self.chat(root, engines, ONE)
        plain = base.next_tokens(prompt)
        tuned = one.next_tokens(prompt)
        assert base.engine is one.engine
        assert base.engine.pid == one.engine.pid
        assert list(best(plain)) != list(best(tuned))
        # Prompts that one of them read must not be taken for read by the other.
        for _ in range(2):
            assert best(one.next_tokens(prompt)) == pytest.approx(best(tuned), abs=0.05)
            assert best(base.next_tokens(prompt)) == pytest.approx(best(plain), abs=0.05)

    def test_a_new_one_is_loaded_when_it_is_asked_for(self, root: Path, engines: Engines) -> None:
        base = self.chat(root, engines)
        fresh = list(range(3000, 3030))  # of which nothing is in the cache
        before = base.next_tokens(fresh)
        pid = base.engine.pid
        shelf = Adapters(root)
        shelf.put(TWO, BASE, gguf_adapter(root / "made.gguf", 2))
        shelf.keep(TWO, "second")
        two = self.chat(root, engines, "second")
        assert base.engine.pid == pid, "nobody asked for it yet"
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
        told = asyncio.run(folded(CHAT, two.raw.stream(CHAT, body, "x")))
        assert told["model"] == f"embedded:{BASE}+second"
        assert base.engine.pid != pid
        assert best(base.next_tokens(fresh)) == pytest.approx(best(before), abs=0.3)
        shelf.remove(TWO)
        with pytest.raises(UnknownModel, match="second"):
            next(iter(two.stream([Message("user", "hi")], max_tokens=1)))
        with pytest.raises(UnknownModel, match="second"):
            asyncio.run(folded(CHAT, two.raw.stream(CHAT, body, "x")))
