"""The process that asks engines without a key: whatever it does, its question ends in time and in words."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from gakju.errors import NetworkError, RateLimited
from gakju.types import WebResult
from gakju.web.keyless import Keyless


def child(code: str, **options: float) -> Keyless:
    return Keyless(command=[sys.executable, "-S", "-E", "-c", code], **options)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "a form that is not its own"),
        ("print('<html>')", "a form that is not its own"),
        ("print('[' * 99999)", "a form that is not its own"),
        ("print('{}')", "a form that is not its own"),
        ("print('[1]')", "a form that is not its own"),
        ("""print('{"results": [{"title": 1}]}')""", "a form that is not its own"),
        ("""print('{"results": [')""", "a form that is not its own"),
        ("""print('{"error": "TimeoutException"}')""", r"failed \(TimeoutException\)"),
        ("""print('{"error": ["' + 'x' * 999 + '"]}')""", r"failed \(\['x{58}\)"),
        ("while 1: print('x' * 65536)", "more than 4 MiB"),
    ],
)
def test_what_is_no_answer_is_told(code: str, words: str) -> None:
    with pytest.raises(NetworkError, match=f"^ddgs .*{words}"):
        child(code).search("wage")


def test_a_refusal_is_told_as_such() -> None:
    with pytest.raises(RateLimited, match=r"ddgs: the engines it asks refuse for now \(429\)"):
        child("""print('{"refused": 429}')""").search("wage")


def test_the_question_goes_in_and_results_come_out() -> None:
    code = (
        "import json, sys; a = json.load(sys.stdin);"
        "print(json.dumps({'results': [{'href': 'https://n.example/', 'title': a['query'] + a['region'] + a['age']},"
        " {'href': 'file:///etc/passwd', 'title': ''}]}))"
    )
    found = child(code).search(" 최저임금\n 시급", language="ko", freshness="week")
    assert found == [WebResult("https://n.example/", "최저임금 시급kr-kow", "", "ddgs")]


def test_its_environment_and_folder_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAKJU_TAVILY_API_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://name:secret@proxy.example")
    code = (
        "import json, os; told = ' '.join(sorted(os.environ)) + ' ' + os.getcwd();"
        "print(json.dumps({'results': [{'href': 'https://n.example/', 'title': told}]}))"
    )
    (found,) = child(code).search("wage")
    *names, folder = found.title.split()
    assert set(names) <= {"PATH", "LANG", "LC_CTYPE", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    assert folder == "/"


def test_one_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    code = (
        f"import os, sys, time; f = open({str(marks)!r}, 'w'); f.write(str(os.getpid()) + ' ');"
        "f.flush(); pid = os.fork(); f.write(str(pid) if pid else ''); f.flush(); time.sleep(100)"
    )
    began = time.monotonic()
    with pytest.raises(NetworkError, match="ddgs did not answer in time"):
        child(code, seconds=5.0).search("wage")  # a Python starts in that time on a busy machine too
    assert time.monotonic() - began < 30
    pids = marks.read_text().split()
    assert len(pids) == 2
    end = time.monotonic() + 60
    while any(map(alive, pids)):
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_offline_and_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NetworkError, match="ddgs: Offline"):
        Keyless("auto", offline=True).search("wage")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(NetworkError, match=r"ddgs is not installed.*pip install \"gakju\[ddgs\]\""):
        Keyless("auto").search("wage")
