"""`gakju questions` and `gakju fewshot`: on this machine and over a server they say the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fronts import opened, serving
from gakju.cli import labs, main
from gakju.client import Library, RemoteAssistant
from gakju.models.fakes import FakeChat

BANK = "question,answers\n축구 경기가 열렸다,운동\n국회가 법을 고쳤다,정치\n"
TEST = '{"id": "t1", "question": "축구 선수가 졌다", "answers": ["운동"], "gold": [{"document": "신문", "page": 2}]}\n'
LEAVE = "연차휴가는 입사한 지 한 해가 지난 날에 열닷새가 생기고, 쓰지 않은 날은 이듬해로 넘길 수 없다. " * 2


def reply(messages) -> str:
    if "JSON" in messages[0].content:
        return json.dumps({"question": "연차휴가는 며칠인가?", "answer": "열닷새"}, ensure_ascii=False)
    return "운동"


@pytest.fixture(params=["here", "there"])
def gakju(request, tmp_path: Path, monkeypatch) -> Iterator[Callable[..., Result]]:
    """A command in this process, on an assistant with fake models or on its server."""

    @contextmanager
    def ready() -> Iterator[object]:
        if request.param == "there":
            with serving(tmp_path / "home", FakeChat(reply)) as one:
                yield RemoteAssistant(one.url)
        else:
            with opened(tmp_path / "home", FakeChat(reply)) as assistant:
                yield Library(assistant)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments), env={"LC_ALL": "C"}, catch_exceptions=False)

    with ready() as backend:

        @contextmanager
        def here(_state) -> Iterator[object]:
            yield labs.Here(backend) if isinstance(backend, Library) else labs.There(backend)

        for module in ("questions", "fewshot"):
            monkeypatch.setattr(f"gakju.cli.{module}.labs", here)
        (tmp_path / "bank.csv").write_text(BANK, "utf-8")
        (tmp_path / "test.jsonl").write_text(TEST, "utf-8")
        (tmp_path / "leave.txt").write_text(LEAVE, "utf-8")
        list(backend.add([tmp_path / "leave.txt"]))
        yield run


def said(result: Result) -> object:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_sets_come_and_go(gakju, tmp_path: Path) -> None:
    made = said(gakju("questions", "add", str(tmp_path / "bank.csv"), "--json"))
    assert (made["name"], made["version"], made["items"], made["proposed"]) == ("bank", 1, 2, 0)
    said(gakju("questions", "add", str(tmp_path / "test.jsonl"), "--name", "bank", "--json"))
    assert "v2  bank  1 questions" in gakju("questions").stdout
    assert gakju("questions", "show", "bank").stdout == "  t1  축구 선수가 졌다  →  운동  (신문#2)\n"
    assert len(said(gakju("questions", "show", "bank", "--version", "1", "--json"))) == 2
    assert gakju("questions", "export", "bank", str(tmp_path / "out.jsonl")).exit_code == 0
    assert json.loads((tmp_path / "out.jsonl").read_text("utf-8"))["id"] == "t1"
    assert "축구 경기가 열렸다" in gakju("questions", "show", "bank", "--version", "1").stdout
    gakju("questions", "add", str(tmp_path / "bank.csv"), "--name", "parted")
    parted = said(gakju("questions", "split", "parted", "--tests", "1", "--json"))
    assert [(one["name"], one["items"]) for one in parted] == [("parted · examples", 1), ("parted · test", 1)]
    gone = said(gakju("questions", "rm", "bank", "--json"))
    assert gakju("questions", "show", "bank").exit_code == 2
    assert said(gakju("questions", "restore", gone["id"], "--json"))["name"] == "bank"
    assert gakju("questions", "add", str(tmp_path / "leave.txt")).exit_code == 2
    assert gakju("questions", "liked", "chats").exit_code == 2


def test_questions_are_proposed_and_confirmed(gakju) -> None:
    assert said(gakju("questions", "propose", "leave", "-n", "1", "--json"))["proposed"] == 1
    assert gakju("questions", "show", "leave").stdout.startswith("? ")
    assert said(gakju("questions", "confirm", "leave", "--json"))["proposed"] == 0
    assert gakju("questions", "propose", "leave", "--collection", "nowhere").exit_code == 2


def test_a_run_tells_figures_and_draws_them(gakju, tmp_path: Path) -> None:
    for name in ("bank.csv", "test.jsonl"):
        gakju("questions", "add", str(tmp_path / name))
    sets = ("--examples", "bank", "--test", "test")
    told = said(gakju("fewshot", "run", *sets, "-n", "0,1", "--plot", str(tmp_path / "plot.svg"), "--json"))
    assert [(c["pick"], c["n"], c["accuracy"]) for c in told["cells"]] == [
        ("none", 0, 1.0),
        ("fixed", 1, 1.0),
        ("similar", 1, 1.0),
    ]
    assert (tmp_path / "plot.svg").read_text("utf-8").startswith("<svg")
    shown = gakju("fewshot", "run", *sets, "-n", "0,1").stdout
    assert "1 similar against 1 fixed: +0.0 points" in shown
    assert [row["n"] for row in said(gakju("fewshot", "run", *sets, "-n", "0,1", "--estimate", "--json"))] == [0, 1, 1]
    parts = said(gakju("fewshot", "prompt", *sets, "--pick", "similar", "-n", "1", "--json"))["parts"]
    assert [part["text"] for part in parts[1:4]] == ["축구 경기가 열렸다", "운동", "축구 선수가 졌다"]
    assert "── user" in gakju("fewshot", "prompt", *sets, "-n", "1").stdout
    assert [job["state"] for job in said(gakju("fewshot", "list", "--json"))] == ["done", "done"]
    assert "1.000 no examples" in gakju("fewshot", "list").stdout
    assert gakju("fewshot", "run", "--examples", "test", "--test", "test").exit_code == 2
    assert gakju("fewshot", "run", *sets, "--pick", "best").exit_code == 2
