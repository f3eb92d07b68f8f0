"""Single requests: what is sent, what is seen of the answer while it comes, and the same request as code."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fronts import opened, serving, slow_chat
from gakju.errors import ModelFailed, UnknownModel, UsageError
from gakju.labs.playground import Playground, Request, Run, as_curl, as_python, window
from gakju.models.fakes import FakeChat

ASK = Request((("system", "짧게."), ("user", "서울은 '어디'?\n둘째 줄"), ("assistant", " ")), temperature=0.3)
EVERY = Request(
    (("user", "a"),),
    temperature=0.0,
    top_p=0.5,
    max_tokens=9,
    stop=("끝",),
    seed=7,
    presence=0.5,
    frequency=-0.5,
    format="json",
    top_logprobs=3,
)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Playground]:
    with opened(tmp_path / "home", FakeChat(["서울은 한국에 있다."])) as assistant:
        yield Playground(assistant)


def over(run: Run) -> Run:
    end = time.monotonic() + 30
    while not run.over:
        assert time.monotonic() < end
        time.sleep(0.01)
    return run


def test_only_what_was_chosen_is_sent() -> None:
    assert ASK.body() == {
        "messages": [{"role": "system", "content": "짧게."}, {"role": "user", "content": "서울은 '어디'?\n둘째 줄"}],
        "temperature": 0.3,
        "max_tokens": 256,
    }
    assert EVERY.body() == {
        "messages": [{"role": "user", "content": "a"}],
        "temperature": 0.0,
        "max_tokens": 9,
        "top_p": 0.5,
        "stop": ["끝"],
        "seed": 7,
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
        "response_format": {"type": "json_object"},
        "logprobs": True,
        "top_logprobs": 3,
    }


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request((("system", "x"), ("user", " "))), "nothing to answer"),
        (Request((("user", "x"),), format="schema", schema='{\n"a": }'), r"no JSON \(line 2\)"),
        (Request((("user", "x"),), format="schema", schema="[1]"), "no JSON object"),
    ],
)
def test_what_cannot_be_sent_says_why(request_: Request, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        request_.body()


def test_a_run_is_seen_while_it_comes_and_put_to_account(ground: Playground) -> None:
    run = over(ground.start("fake", ASK))
    assert (run.state, run.text, run.finish) == ("done", "서울은 한국에 있다.", "stop")
    assert run.usage["completion_tokens"] > 0
    assert run.first is not None
    assert run.first <= run.seconds
    assert ground._assistant.store.usage.days("")[0].model == "fake"


def test_a_stopped_run_keeps_its_text_and_stops_the_model(tmp_path: Path) -> None:
    chat = slow_chat()
    with opened(tmp_path / "home", chat) as assistant:
        ground = Playground(assistant)
        run = ground.start("fake", ASK)
        while not run.text:
            time.sleep(0.01)
        Playground(assistant).stop(run)  # the screen makes one for each click
        assert over(run).state == "stopped"
        assert run.text.startswith("연차")
        assert chat.closed == 1


def test_a_failure_is_told_with_its_next_step(tmp_path: Path) -> None:
    with opened(tmp_path / "home", FakeChat([ModelFailed("It broke.", hint="Try again.")])) as assistant:
        run = over(Playground(assistant).start("fake", ASK))
        assert (run.state, run.error) == (
            "failed",
            {"code": "model_failed", "message": "It broke.", "hint": "Try again."},
        )
        with pytest.raises(UnknownModel):
            Playground(assistant).start("http://somewhere.example/v1#x", ASK)


def test_models_are_those_that_write(ground: Playground) -> None:
    names = ground.models()
    assert names[0] == "fake"
    assert not [n for n in names if n.startswith(("gakju", "app:")) or "e5" in n]


def test_the_window_counts_what_is_sent(ground: Playground) -> None:
    number, exact, context = window(ASK.turns, "openai:gpt-4o", ground._assistant)
    assert (exact, context) == (True, 128_000)
    assert number == window((*ASK.turns, ("user", "")), "openai:gpt-4o", ground._assistant)[0]
    assert window(ASK.turns, "embedded:qwen2.5-coder-0.5b", ground._assistant)[1] is False  # its file is not here


def test_the_same_request_as_code_asks_the_same(tmp_path: Path) -> None:
    chat = FakeChat(["서울은 한국에 있다."])
    with serving(tmp_path / "home", chat) as served:
        base = f"{served.url}/v1"
        words = shlex.split(as_curl(base, "fake", ASK).replace("\\\n", ""))
        assert words[:3] == ["curl", "-N", f"{base}/chat/completions"]
        told = httpx.post(
            words[2], content=words[-1], headers={"content-type": "application/json"}, trust_env=False, timeout=60
        )
        assert "한국" in "".join(
            c["delta"].get("content") or ""
            for line in told.text.splitlines()
            if line.startswith("data: {")
            for c in json.loads(line[6:])["choices"]
        )
        code = as_python(base, "fake", ASK)
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        assert ran.stdout == "서울은 한국에 있다."
        assert chat.calls[0] == chat.calls[1]
        assert [m.content for m in chat.calls[1].messages] == ["짧게.", "서울은 '어디'?\n둘째 줄"]
        assert 'os.environ["GAKJU_KEY"]' in as_python(base, "fake", ASK, key=True)
        assert "$GAKJU_KEY" in as_curl(base, "fake", ASK, key=True)
        compile(as_python(base, "fake", EVERY), "x", "exec")
