from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from gakju.errors import ModelFailed, ModelMissing, RequestRefused
from gakju.models.chat import EmbeddedChat
from gakju.models.engine import Engine, Engines
from gakju.models.raw import CHAT, folded
from gakju.types import Message

HI = [Message("user", "Say hi.")]


def said(chat: EmbeddedChat, **options: object) -> str:
    return "".join(d.text for d in chat.stream(HI, max_tokens=4, **options))  # type: ignore[arg-type]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="gakju models pull"):
        _ = Engine(tmp_path / "none.gguf").base_url


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(1000))
    engine = Engine(tmp_path / "bad.gguf")
    with pytest.raises(ModelFailed, match=r"did not start with bad\.gguf: .+") as caught:
        _ = engine.base_url
    assert "\n" not in str(caught.value)
    assert not engine.running


def test_engines_are_shared(tmp_path: Path) -> None:
    engines = Engines()
    one = engines.get(tmp_path / "a", context=1024)
    assert engines.get(tmp_path / "a", context=1024) is one
    assert engines.get(tmp_path / "b", context=1024) is not one
    assert not one.running
    engines.stop()


def post(chat: EmbeddedChat, messages: list[dict[str, str]], **options: object) -> dict[str, Any]:
    url = chat.engine.base_url + "/chat/completions"
    headers = {"authorization": f"Bearer {chat.engine.key}"}
    with httpx.Client(trust_env=False, timeout=60, headers=headers) as http:
        return http.post(url, json={"messages": messages, **options}).json()


@pytest.mark.model
class TestWorker:
    def test_the_port_is_closed_to_others(self, embedded_chat: EmbeddedChat) -> None:
        url = embedded_chat.engine.base_url
        assert url.startswith("http://127.0.0.1:")
        root = url.removesuffix("/v1")
        with httpx.Client(trust_env=False, timeout=60) as http:
            for path in ("/v1/models", "/v1/chat/completions", "/completion", "/tokenize", "/slots", "/props"):
                answer = http.get(root + path, headers={"origin": "https://evil.example"})
                assert answer.status_code in (401, 404), path
                assert answer.headers.get("access-control-allow-origin") != "*"
                assert "evil" not in answer.headers.get("access-control-allow-origin", "")
            assert "<html" not in http.get(root + "/").text

    def test_the_key_is_on_no_command_line(self, embedded_chat: EmbeddedChat) -> None:
        assert embedded_chat.engine.base_url
        assert embedded_chat.engine.pid
        worker = psutil.Process(embedded_chat.engine.pid)
        assert embedded_chat.engine.key not in " ".join(worker.cmdline())
        assert embedded_chat.engine.key not in " ".join(worker.environ().values())

    def test_each_slot_has_the_whole_context(self, embedded_chat: EmbeddedChat) -> None:
        refused = post(embedded_chat, [{"role": "user", "content": "word " * 2000}])
        assert refused["error"]["n_ctx"] == embedded_chat.context

    def test_a_crash_is_one_failure_and_then_over(self, embedded_chat: EmbeddedChat) -> None:
        stream = embedded_chat.stream([Message("user", "Count from 1 to 500.")], max_tokens=500)
        next(stream)
        before = embedded_chat.engine.pid
        assert before
        os.kill(before, signal.SIGKILL)
        with pytest.raises(ModelFailed, match="ended while it answered") as caught:
            list(stream)
        assert caught.value.retryable
        assert embedded_chat.engine.key not in str(caught.value)
        assert said(embedded_chat)
        assert embedded_chat.engine.pid != before

    def test_death_between_two_requests_goes_unnoticed(self, embedded_chat: EmbeddedChat) -> None:
        assert said(embedded_chat)
        assert embedded_chat.engine.pid
        os.kill(embedded_chat.engine.pid, signal.SIGKILL)
        assert embedded_chat.engine.lost()
        assert said(embedded_chat)

    def test_a_grammar_binds(self, embedded_chat: EmbeddedChat) -> None:
        assert said(embedded_chat, extra={"grammar": 'root ::= "[" [1-3] "]"'}) in ("[1]", "[2]", "[3]")

    def test_what_never_ends_is_ended(self, embedded_chat: EmbeddedChat) -> None:
        endless = {"grammar": 'root ::= "no " root'}
        usage = [d.usage for d in embedded_chat.stream(HI, extra=endless)][-1]
        body = {"messages": [{"role": "user", "content": "Say hi."}], **endless}
        answer = asyncio.run(folded(CHAT, embedded_chat.raw.stream(CHAT, body, "c")))
        assert (answer["choices"][0]["finish_reason"], embedded_chat.context) == ("length", 1024)
        assert (usage and usage.completion_tokens, answer["usage"]["completion_tokens"]) == (256, 256)
        asked = asyncio.run(folded(CHAT, embedded_chat.raw.stream(CHAT, {**body, "max_completion_tokens": 260}, "c")))
        assert asked["usage"]["completion_tokens"] == 260

    def test_a_bad_grammar_is_an_error_of_one_line(self, embedded_chat: EmbeddedChat) -> None:
        with pytest.raises(RequestRefused, match="grammar") as caught:
            said(embedded_chat, extra={"grammar": "root ::= ("})
        assert "\n" not in str(caught.value)
        assert said(embedded_chat)

    def test_warming_reads_the_prefix_ahead(self, embedded_chat: EmbeddedChat) -> None:
        prefix = "You answer from numbered sentences, and from nothing else, in one line."
        embedded_chat.warm([Message("system", prefix)])
        messages = [{"role": "system", "content": prefix}, {"role": "user", "content": "[1] Tea is hot. What is tea?"}]
        assert post(embedded_chat, messages, max_tokens=1)["timings"]["cache_n"] >= 15

    def test_it_ends_with_its_parent(self, embedded_chat: EmbeddedChat) -> None:
        code = (
            "import sys; from pathlib import Path; from gakju.models.engine import Engine\n"
            "engine = Engine(Path(sys.argv[1]), context=512); engine.base_url; print(engine.pid, flush=True)\n"
            "import time; time.sleep(60)"
        )
        command = [sys.executable, "-c", code, str(embedded_chat.engine.weights)]
        parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert parent.stdout
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
        parent.stdout.close()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.05)
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
