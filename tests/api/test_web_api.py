"""The web through the API and the command line: switched off until somebody switches it on."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import sites
from fronts import serving
from gakju.cli import main
from gakju.models.fakes import FakeChat
from gakju.types import WebResult
from gakju.web.fakes import FakeSearch

WAGE = "2027년 최저임금은 시급 1만 320원이다."
BODY = f"<title>최저임금 고시</title><p>{WAGE}</p>".encode()
QUESTION = "2027년 최저임금은 시급 얼마인가요?"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with sites.running() as one:
        one.put("/wage", BODY)
        one.put("/sitemap.xml", "<urlset><url><loc>/wage</loc></url></urlset>", "application/xml")
        yield one.url


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, site: str) -> Iterator[tuple[str, Path]]:
    """A server that may look at the web."""
    home = tmp_path_factory.mktemp("web")
    with serving(home, FakeChat(lambda _: f"{WAGE} [1]"), web="ask", web_allow="127.0.0.1") as served:
        served.assistant.web.engines = [  # type: ignore[attr-defined]
            FakeSearch([WebResult(f"{site}/wage", "최저임금 2027년 시급", "", "fake")])
        ]
        yield served.url, home


def run(args: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(args)
    return int(str(ended.value.code))


def test_ask_tells_how_the_web_was_looked_at(web: tuple[str, Path], site: str) -> None:
    asked = {"question": QUESTION, "sources": "web"}
    with httpx.stream("POST", f"{web[0]}/v1/ask", json=asked, timeout=60) as answer:
        lines = [line for line in answer.iter_lines() if line.startswith(("event", "data"))]
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event")]
    assert kinds[:5] == ["web", "web", "web", "web", "evidence"]
    done = json.loads(lines[-1].removeprefix("data: "))
    assert done["claims"][0]["footnotes"][0]["document"]["path"] == f"{site}/wage"
    assert done["web"]["stage"] == "read"


def test_the_library_as_a_model_takes_sources_too(web: tuple[str, Path], site: str) -> None:
    body = {"model": "gakju", "messages": [{"role": "user", "content": QUESTION}], "sources": "web"}
    answer = httpx.post(f"{web[0]}/v1/chat/completions", json=body, timeout=60).json()
    link = answer["gakju"]["claims"][0]["footnotes"][0]["link"]
    assert link.startswith(f"{site}/wage#:~:text=")
    assert answer["choices"][0]["message"]["annotations"][0]["url_citation"]["url"] == link


def test_a_page_is_added_by_its_address(web: tuple[str, Path], site: str, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(web[1]), "--json"]
    assert run([*home, "add", f"{site}/wage", f"{site}/gone", "--collection", "고시"]) == 0
    added, failed = json.loads(capsys.readouterr().out)
    assert (added["path"], added["status"]) == (f"{site}/wage", "added")
    assert (failed["path"], failed["status"]) == (f"{site}/gone", "failed")
    assert "404" in failed["error"]


def test_a_sitemap_is_watched_until_it_is_not(
    web: tuple[str, Path], site: str, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(web[1])]
    assert run([*home, "--json", "add", f"{site}/sitemap.xml", "--every", "week", "--collection", "map"]) == 0
    assert [f["status"] for f in json.loads(capsys.readouterr().out)] == ["added"]
    assert run([*home, "--json", "pages"]) == 0
    (watch,) = json.loads(capsys.readouterr().out)
    assert (watch["url"], watch["hours"], watch["pages"]) == (f"{site}/sitemap.xml", 168, 1)
    assert httpx.get(f"{web[0]}/v1/pages", timeout=60).json() == [watch]
    assert run([*home, "pages", "refresh", watch["id"]]) == 0
    assert "/wage" in capsys.readouterr().out
    assert run([*home, "pages"]) == 0
    assert f"{site}/sitemap.xml  [map]" in capsys.readouterr().out
    assert run([*home, "pages", "rm", watch["id"]]) == 0
    assert httpx.get(f"{web[0]}/v1/pages", timeout=60).json() == []
    assert httpx.delete(f"{web[0]}/v1/pages/{watch['id']}", timeout=60).status_code == 404
    capsys.readouterr()
    assert run([*home, "add", str(web[1]), "--every", "week"]) == 2
    assert "--every is for pages of the web" in capsys.readouterr().err


def test_a_chat_on_the_command_line_takes_sources(
    web: tuple[str, Path], site: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{QUESTION}\n"))
    assert run(["--home", str(web[1]), "chat", "--sources", "web"]) == 0
    assert f"{site}/wage#:~:text=2027" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{QUESTION}\n"))
    assert run(["--home", str(web[1]), "chat", "--sources", "none"]) == 0
    assert capsys.readouterr().out.strip() == f"{WAGE} [1]"  # the model's own words, as they are


def test_the_command_line_asks_the_web(web: tuple[str, Path], site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--home", str(web[1]), "ask", QUESTION, "--sources", "web"]) == 0
    shown = capsys.readouterr().out
    assert f"{site}/wage#:~:text=2027" in shown
    assert WAGE in shown


def test_it_is_off_until_it_is_switched_on(served, capsys: pytest.CaptureFixture[str]) -> None:
    refused = httpx.post(f"{served.url}/v1/ask", json={"question": QUESTION, "sources": "both"}, timeout=60)
    assert refused.status_code == 400
    assert "switched off" in refused.json()["error"]["message"]
    assert run(["--home", str(served.home), "ask", QUESTION, "--web"]) == 2
    assert "switched off" in capsys.readouterr().err
