"""The commands: help, JSON, exit codes; as real processes where the process is the point."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner, Result

from conformance import loopback
from fronts import REPLY, serving
from gakju.cli import main
from gakju.cli.answers import _sentence
from gakju.cli.meter import Meter
from gakju.cli.terminal import State, printable, word
from gakju.models.fakes import FakeChat
from gakju.store import Store
from gakju.types import Box, Claim, DocumentRef, Footnote

GAKJU = str(Path(sys.executable).with_name("gakju"))


def commands() -> Iterator[tuple[str, click.Command]]:
    def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        yield name, command
        if isinstance(command, click.Group):
            for child in sorted(command.commands):
                yield from walk(f"{name} {child}", command.commands[child])

    yield from walk("gakju", main)


@pytest.fixture
def run(served, tmp_path: Path):
    """A command in this process, against the server of the fixture."""

    def run(*arguments: str, **options: object) -> Result:
        env = {"LC_ALL": "C", "GAKJU_HOME": str(tmp_path / "unused"), "GAKJU_SERVER": served.url}
        return CliRunner().invoke(main, list(arguments), env=env, catch_exceptions=False, **options)

    return run


def lone(tmp_path: Path, *arguments: str, **env: str) -> Result:
    """A command in this process without a server."""
    env = {"LC_ALL": "C", "GAKJU_HOME": str(tmp_path / "home"), **env}
    return CliRunner().invoke(main, list(arguments), env=env, catch_exceptions=False)


# Help


@pytest.mark.parametrize(("name", "command"), [pytest.param(*c, id=c[0]) for c in commands()])
def test_help_shows_an_example_that_parses(name: str, command: click.Command) -> None:
    text = command.get_help(click.Context(command, info_name=name))
    _, _, after = text.partition(f"{word('example')}:\n")
    example = shlex.split(after.strip().splitlines()[0])
    if len(name.split()) > 1:
        assert example[: len(name.split())] == name.split()
    found: click.Command = main
    rest = example[1:]
    while isinstance(found, click.Group) and rest and rest[0] in found.commands:
        found = found.commands[rest.pop(0)]
    found.make_context(name, rest)


def test_every_command_takes_the_same_options() -> None:
    for name, command in commands():
        options = {o for p in command.params for o in p.opts}
        assert {"--home", "--server", "--key", "--json"} <= options, name
    shown = subprocess.run(
        [GAKJU, "add", "-h"], capture_output=True, text=True, env={"LC_ALL": "ko_KR.UTF-8"}, check=True
    )
    assert "예(Example):\n    gakju add" in shown.stdout


def test_help_loads_nothing_heavy() -> None:
    code = "import gakju.cli, sys; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["numpy", "pydantic", "httpx", "fastapi", "lancedb", "streamlit", "rich", "sqlalchemy", "openai"]
    shown = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


# The library


def test_add_tells_every_file_as_agreed(run, folder: Path) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-1.7 nothing")
    result = run("add", str(folder), "--json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [(Path(r["path"]).name, r["status"]) for r in rows] == [
        ("a.pdf", "failed"),
        ("leave.txt", "added"),
        ("trip.md", "added"),
    ]
    for row in rows:
        assert set(row) == {"path", "document_id", "pages", "chunks", "seconds", "problems", "status", "error"}
    assert rows[0]["error"].startswith("a.pdf")
    assert (rows[1]["error"], rows[1]["pages"], rows[1]["chunks"]) == (None, 1, 1)
    again = json.loads(run("--json", "add", str(folder / "leave.txt")).stdout)
    assert [(r["status"], r["document_id"]) for r in again] == [("unchanged", rows[1]["document_id"])]


def test_add_says_what_became_of_every_file(run, folder: Path, monkeypatch) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-1.7 nothing")
    lines = run("add", str(folder)).stdout.splitlines()
    assert lines[0] == f"failed  {folder / 'a.pdf'}"
    assert lines[2].startswith(f"added  {folder / 'leave.txt'}  1 pages, 1 chunks, ")
    assert lines[-1] == "3 files: 2 added, 0 in part, 0 unchanged, 1 failed."
    monkeypatch.setenv("GAKJU_LANGUAGE", "ko")
    said = run("add", str(folder / "a.pdf")).stdout.splitlines()[1].strip()
    assert said == "a.pdf는 손상되었거나 중간에 끊긴 PDF입니다. PDF 프로그램에서 열어 다시 저장하세요."


def test_add_fails_only_where_all_failed(run, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 nothing")
    result = run("add", str(tmp_path / "a.pdf"), "--json")
    assert result.exit_code == 1
    assert [r["status"] for r in json.loads(result.stdout)] == ["failed"]


def test_add_without_anything_to_add(run, tmp_path: Path) -> None:
    assert run("add").exit_code == 2
    assert run("add", str(tmp_path / "nothing")).exit_code == 2
    (tmp_path / "empty").mkdir()
    result = run("add", str(tmp_path / "empty"), "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (3, [])
    assert run("add", str(tmp_path / "empty"), "--collection", "a/b").exit_code == 3


def test_documents_are_listed_shown_and_removed(run, folder: Path) -> None:
    assert run("docs").stderr == "gakju: The library is empty. Add something: gakju add ~/Documents\n"
    run("add", str(folder))
    listed = json.loads(run("docs", "--json").stdout)
    assert [Path(d["path"]).name for d in listed] == ["leave.txt", "trip.md"]
    assert json.loads(run("docs", "--collection", "other", "--json").stdout) == []
    first = listed[0]["id"]
    assert run("docs").stdout.splitlines()[0].startswith(f"{first}  20")
    assert json.loads(run("docs", "show", first, "--json").stdout) == listed[0]
    assert str(folder / "leave.txt") in run("docs", "show", first).stdout
    assert run("docs", "rm", first, "none").exit_code == 2
    assert len(json.loads(run("docs", "--json").stdout)) == 2
    assert json.loads(run("docs", "rm", first, "--json").stdout) == [first]
    assert [d["id"] for d in json.loads(run("docs", "--json").stdout)] == [listed[1]["id"]]
    assert json.loads(run("docs", "reindex", "--json").stdout) == {"documents": 1}


# Answers


def test_search_gives_the_best_first_or_says_there_is_none(run, folder: Path) -> None:
    run("add", str(folder))
    result = run("search", "출장비는 하루 얼마인가", "-k", "1", "--json")
    assert result.exit_code == 0
    (hit,) = json.loads(result.stdout)
    assert set(hit) >= {"chunk_id", "document", "page", "score", "text", "boxes"}
    assert "5만 원" in hit["text"]
    assert run("search", "출장비는 하루 얼마인가", "-k", "1").stdout.startswith(f"1. {hit['document']['title']}, p. 1")
    nothing = run("search", "연차휴가", "--collection", "other", "--json")
    assert (nothing.exit_code, json.loads(nothing.stdout)) == (3, [])


def test_an_answer_has_marks_and_footnotes(run, folder: Path) -> None:
    run("add", str(folder))
    result = run("ask", "연차휴가는 며칠인가?")
    assert result.exit_code == 0
    assert result.stdout == "연차휴가는 15일이다. [1]\n\n[1] leave, p. 1 “연차휴가는 15일이다.”\n"


def test_an_answer_as_json_is_as_agreed(run, folder: Path) -> None:
    run("add", str(folder))
    result = run("ask", "-", "--json", input="연차휴가는 며칠인가?")
    answer = json.loads(result.stdout)
    assert set(answer) >= {"answer", "refused", "claims", "evidence", "timings", "usage", "model"}
    (claim,) = answer["claims"]
    assert set(claim) >= {"text", "verdict", "score", "footnotes"}
    assert set(claim["footnotes"][0]) >= {"document", "page", "quote", "boxes", "start", "end"}
    assert set(claim["footnotes"][0]["document"]) == {"id", "title", "path"}


def test_the_mode_of_an_answer_is_chosen_where_it_is_asked(run, folder: Path) -> None:
    run("add", str(folder))
    modes = [
        json.loads(run("ask", "연차휴가는 며칠인가?", "--json", "--mode", m).stdout)["mode"]
        for m in ("free", "verbatim")
    ]
    assert modes == ["free", "verbatim"]
    assert run("ask", "무엇?", "--mode", "loud").exit_code == 2


def test_a_refusal_is_printed_and_has_its_code(run) -> None:
    result = run("ask", "연차휴가는 며칠인가?", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["refused"] is True
    assert run("ask", "연차휴가는 며칠인가?").exit_code == 3


def test_a_question_that_cannot_be_is_a_usage_error(run) -> None:
    assert run("ask", " ").exit_code == 2
    assert run("ask", "무엇?", "--collection", "a/b").exit_code == 2
    assert run("ask").exit_code == 2
    assert run("ask", "무엇?", "--collection", "a/b").stdout == ""


def test_doubt_is_written_beside_the_sentence_and_notes_are_numbered_once() -> None:
    document = DocumentRef("d", "규정", "/r.pdf")
    one, two = (Footnote(document, 3, q, (Box(3, 0, 0, 1, 1),), s, s + 2) for q, s in (("가", 0), ("나", 5)))
    state, notes = State(), {}
    state.__dict__["settings"] = type("S", (), {"language": "ko"})()
    said = [
        _sentence(state, Claim("가다.", "supported", 1.0, (one, two)), notes),
        _sentence(state, Claim("나다.", "contradicted", 0.1, (two,)), notes),
        _sentence(state, Claim("다다.", "unsupported", 0.0, ()), notes),
    ]
    assert said == ["가다. [1][2]", "나다. [2] (출처와 다름)", "다다. (근거 없음)"]
    assert list(notes.values()) == [one, two]


def test_a_conversation_remembers_its_turns_and_outlives_a_failure(tmp_path: Path, folder: Path) -> None:
    chat = FakeChat([REPLY, RuntimeError("broken"), REPLY])
    with serving(tmp_path / "home", chat) as served:
        served.assistant.add([folder])
        env = {"LC_ALL": "C", "GAKJU_SERVER": served.url}
        lines = "연차휴가는 며칠인가?\n\n연차휴가는 며칠인가요?\n연차휴가는 며칠이지?\n"
        result = CliRunner().invoke(main, ["chat", "--json"], input=lines, env=env, catch_exceptions=False)
    assert result.exit_code == 0
    assert [json.loads(line)["question"] for line in result.stdout.splitlines()] == [
        "연차휴가는 며칠인가?",
        "연차휴가는 며칠이지?",
    ]
    assert result.stderr.startswith("gakju: RuntimeError in Gakju itself.")
    asked = [[m.content for m in call.messages] for call in chat.calls]
    assert any("연차휴가는 며칠인가?" in content for content in asked[2][:-1])


# This machine


def test_models_are_listed_and_verified(tmp_path: Path) -> None:
    rows = json.loads(lone(tmp_path, "models", "list", "--json").stdout)
    assert [(r["name"], r["default"], r["present"]) for r in rows] == [
        ("qwen2.5-coder-0.5b", True, False),
        ("qwen2.5-coder-1.5b", False, False),
        ("multilingual-e5-small", True, False),
        ("bge-m3", False, None),  # a server's business
        ("multilingual-e5-large-instruct", False, None),
        ("embeddinggemma-300m", False, None),
    ]
    assert rows[3]["setting"] == "http://127.0.0.1:8000/v1#BAAI/bge-m3"
    assert lone(tmp_path, "models", "verify").exit_code == 3
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    (models / "multilingual-e5-small-q4.bin").write_bytes(b"not it")
    result = lone(tmp_path, "models", "verify", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (
        1,
        [{"name": "multilingual-e5-small", "status": "corrupt"}],
    )
    assert lone(tmp_path, "models", "verify", "nobody").exit_code == 2


def test_a_model_that_cannot_be_fetched_is_one_line_with_the_next_step(tmp_path: Path) -> None:
    result = lone(tmp_path, "models", "pull", "multilingual-e5-small", GAKJU_OFFLINE="true")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "gakju models pull multilingual-e5-small" in result.stderr


def test_the_doctor_names_the_next_step(tmp_path: Path) -> None:
    result = lone(tmp_path, "doctor", "--json")
    assert result.exit_code == 1
    checks = {c["name"]: c for c in json.loads(result.stdout)}
    assert checks["Python"]["status"] == "ok"
    missing = checks["model multilingual-e5-small"]
    assert (missing["status"], missing["fix"]) == ("fail", "gakju models pull multilingual-e5-small")
    assert checks["server"]["detail"] == "not running"
    assert "→ gakju models pull qwen2.5-coder-0.5b" in lone(tmp_path, "doctor").stdout


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    result = lone(tmp_path, "docs", GAKJU_PORT="many")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("gakju: The setting port is wrong: ")


@pytest.mark.parametrize("content", [b"port = ", b'home = "\xff"', b"= 1"])
def test_a_file_of_settings_that_cannot_be_read_is_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "home" / "gakju.toml"
    file.parent.mkdir()
    file.write_bytes(content)
    result = lone(tmp_path, "docs")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"gakju: {file} cannot be read: ")


def test_a_slip_in_a_file_of_settings_is_told_with_what_is_near(tmp_path: Path) -> None:
    file = tmp_path / "home" / "gakju.toml"
    file.parent.mkdir()
    (file.parent / "chosen.toml").write_text('of_a_newer_gakju = "x"\n')
    file.write_text("refuse_bellow = 0.5\n")
    result = lone(tmp_path, "docs")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"gakju: {file}: there is no setting 'refuse_bellow'. Did you mean 'refuse_below'?")
    file.write_text("refuse_below = 0.5\n")
    assert lone(tmp_path, "docs").exit_code == 0


def test_a_setting_that_should_be_json_is_one_line(tmp_path: Path) -> None:
    result = lone(tmp_path, "docs", GAKJU_ALIASES="gpt=gakju")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("gakju: The setting aliases is wrong: ")
    assert "GAKJU_ALIASES" in result.stderr


def test_a_data_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    result = lone(tmp_path, "docs", "--home", str(tmp_path / "home" / "inside"))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"gakju: {tmp_path / 'home' / 'inside'}: ")


def test_what_was_typed_may_be_no_text(run, folder: Path) -> None:
    run("add", str(folder))
    assert run("search", "연차휴가\udcff").exit_code == 0
    assert run("ask", "-", input="연차휴가는 며칠인가?\n".encode() + b"\xff").exit_code == 0


def test_errors_are_told_in_the_readers_language(tmp_path: Path) -> None:
    said = lone(tmp_path, "docs", "--server", "http://127.0.0.1:9", LC_ALL="ko_KR.UTF-8")
    assert said.exit_code == 1
    assert said.stderr == "gakju: http://127.0.0.1:9에서 답하는 각주가 없습니다. 주소를 확인하세요.\n"
    english = lone(tmp_path, "docs", "--server", "http://127.0.0.1:9", LC_ALL="ko_KR.UTF-8", GAKJU_LANGUAGE="en")
    assert english.stderr.startswith("gakju: No Gakju answers at")


def test_a_document_does_not_drive_the_terminal(capsys, monkeypatch) -> None:
    assert printable("a\x1b[2Jb\x9b2Jc\u202ed\te\nf\r") == "a[2Jb2Jcd\te\nf"
    State().emit({"text": "\x1b\x9b\x7f"}, indent=None)
    out = capsys.readouterr().out
    assert out == '{"text": "\\u001b\\u009b\\u007f"}\n'
    assert json.loads(out) == {"text": "\x1b\x9b\x7f"}
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Meter(State()) as meter:
        meter.wait("what the web is asked\x1b]0;a title\x07")
        assert meter._bar.tasks[0].description == "what the web is asked]0;a title"


# Real processes


@pytest.fixture
def hosted() -> Iterator[dict[str, str]]:
    """An environment whose models are an OpenAI-compatible server on loopback."""
    with loopback.serving(FakeChat([REPLY])) as server:
        yield {
            **{k: v for k, v in os.environ.items() if not k.startswith("GAKJU_")},
            "LC_ALL": "C.UTF-8",
            "GAKJU_EMBEDDER": f"{server.url}#embed",
            "GAKJU_CHAT_MODEL": f"{server.url}#chat",
            "GAKJU_REFUSE_BELOW": "0",
            "GAKJU_OCR": "false",
        }


def process(env: dict[str, str], home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GAKJU, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**env, "GAKJU_HOME": str(home)},
        check=False,
    )


def started(env: dict[str, str], home: Path, *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [GAKJU, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env={**env, "GAKJU_HOME": str(home)}
    )


def told(home: Path) -> int:
    """Files that the running add has told of."""
    if not (home / "gakju.db").exists():
        return 0
    with closing(Store(home / "gakju.db")) as store:
        return sum(e.kind == "file" for j in store.jobs() for e in store.events(j.id))


def test_without_a_server_the_library_is_opened(hosted, tmp_path: Path, folder: Path) -> None:
    home = tmp_path / "home"
    added = process(hosted, home, "add", str(folder), "--json")
    assert (added.returncode, added.stderr) == (0, "")
    assert [r["status"] for r in json.loads(added.stdout)] == ["added", "added"]
    asked = process(hosted, home, "ask", "연차휴가는 며칠인가?")
    assert (asked.returncode, asked.stderr) == (0, "gakju: 100 % of the answer's 1 sentences are supported.\n")
    assert asked.stdout == "연차휴가는 15일이다. [1]\n\n[1] leave, p. 1 “연차휴가는 15일이다.”\n"


def test_ctrl_c_stops_an_add_and_prints_what_was_done(hosted, tmp_path: Path, folder: Path) -> None:
    home = tmp_path / "home"
    (folder / "z.txt").write_text("\n\n".join(f"{n}번 조항은 {n}일을 넘기지 못한다." for n in range(200_000)), "utf-8")
    adding = started(hosted, home, "add", str(folder), "--json")
    deadline = time.monotonic() + 60
    while told(home) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(3)  # what the store has been told, the command hears a moment later
    adding.send_signal(signal.SIGINT)
    out, err = adding.communicate(timeout=60)
    assert adding.returncode == 130
    assert [Path(r["path"]).name for r in json.loads(out)] == ["leave.txt", "trip.md"]
    assert err.strip() == "gakju: Stopped."
    assert len(json.loads(process(hosted, home, "docs", "--json").stdout)) == 2


def test_ctrl_c_stops_an_answer_and_a_second_one_leaves(slow) -> None:
    env = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
    chatting = started(env, slow.home, "chat")

    def writing(number: int) -> bool:
        """Whether so many were asked and the last one's answer comes; the one before it may not have ended yet."""
        jobs = slow.assistant.store.jobs(kinds=["ask"])
        return len(jobs) == number and any(e.kind == "token" for e in slow.assistant.store.events(jobs[0].id))

    for expected in (1, 2):
        chatting.stdin.write("연차휴가는 며칠인가?\n")
        chatting.stdin.flush()
        deadline = time.monotonic() + 60
        while not writing(expected):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        chatting.send_signal(signal.SIGINT)
        assert chatting.stderr.readline() == "gakju: Stopped. Ctrl+C once more leaves.\n"
        while slow.chat.closed < expected:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    chatting.send_signal(signal.SIGINT)
    chatting.communicate(timeout=60)
    assert chatting.returncode == 0


def test_up_serves_until_it_is_told_to_stop(hosted, tmp_path: Path, folder: Path) -> None:
    home = tmp_path / "home"
    server = started(hosted, home, "up", "--port", "0", "--json")
    try:
        url = json.loads(server.stdout.readline())["url"]
        port = url.rpartition(":")[2]
        assert httpx.get(f"{url}/healthz", trust_env=False, timeout=60).json()["status"] == "ok"
        assert httpx.get(url, trust_env=False, timeout=60).headers["content-type"].startswith("text/html")
        added = process(hosted, home, "add", str(folder), "--json")
        assert [r["status"] for r in json.loads(added.stdout)] == ["added", "added"]
        assert len(httpx.get(f"{url}/v1/documents", trust_env=False, timeout=60).json()) == 2
        second = process(hosted, home, "up", "--port", "0")
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr.startswith(f"gakju: Gakju is open for this library already: {url} ")
        taken = process(hosted, tmp_path / "other", "up", "--port", port)
        assert (taken.returncode, taken.stdout) == (1, "")
        assert taken.stderr.startswith(f"gakju: Port {port} is in use.")
        assert taken.stderr.count("\n") == 1
    finally:
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate(timeout=60)
    assert server.returncode == 0
    assert "Traceback" not in err
    assert not (home / "owner.json").exists()
    assert len(json.loads(process(hosted, home, "docs", "--json").stdout)) == 2


def test_up_lets_nobody_else_in_unless_told_to(hosted, tmp_path: Path) -> None:
    refused = process(hosted, tmp_path, "up", "--host", "0.0.0.0", "--port", "0")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--let-anyone-in" in refused.stderr
    assert refused.stderr.count("\n") == 1
