"""Every block of the guide is an example, and every example runs."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from fronts import LEAVE, serving
from gakju.models.fakes import FakeChat

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
HERE = "http://127.0.0.1:8080"
NEEDS = {"langchain": "langchain_core", "semantic": "semantic_kernel", "mcp": "mcp"}
SENTENCE = "연차휴가는 15일이다."


def say(messages) -> str:
    """Points at the evidence that names the place."""
    evidence = messages[-1].content
    return "체육관은 밤 10시에 닫는다. [1]" if "체육관" in evidence.split("<evidence>")[-1] else f"{SENTENCE} [1]"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    (folder / "leave.txt").write_text(LEAVE, "utf-8")
    with serving(folder / "home", FakeChat(say)) as one:
        one.assistant.add([folder / "leave.txt"])
        yield one


@pytest.mark.parametrize("page", ["use-from.md", "use-from.ko.md"])
def test_every_block_of_the_guide_is_an_example(page: str) -> None:
    text = (ROOT / "docs" / "guide" / page).read_text("utf-8")
    blocks = re.findall(r"^```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    examples = {p.name: p.read_text("utf-8") for p in EXAMPLES.iterdir() if p.suffix != ".md"}
    assert set(blocks) == set(examples.values())
    assert len(blocks) == len(examples)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / "docs" / "guide" / target).exists(), target


WANTED = {
    "openai_chat.py": [f"{SENTENCE} [1]", "[1] leave, p. 1: 연차휴가는 15일이다."],
    "openai_files.py": ["gym.txt: 체육관은", "체육관은 밤 10시에 닫는다. [1]", "gym.txt (file-"],
    "azure_chat.py": [f"{SENTENCE} [1]"],
    "langchain_chat.py": [f"{SENTENCE} [1]", "[1] leave, p. 1", "leave 1 []", "dimensions"],
    "semantic_kernel_plugin.py": [f"{SENTENCE} [1]", "leave, p. 1"],
    "mcp_client.py": ["['search', 'ask', 'documents', 'page', 'add']", f"[1] leave, p. 1: “{SENTENCE}”", "[]"],
}


@pytest.mark.parametrize("name", sorted(WANTED))
def test_an_example_runs(name: str, server, tmp_path: Path, capsys) -> None:
    needed = NEEDS.get(name.split("_", maxsplit=1)[0], "openai")
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: see the guide, or run bench/integrations.py")
    script = tmp_path / name
    script.write_text((EXAMPLES / name).read_text("utf-8").replace(HERE, server.url), "utf-8")
    runpy.run_path(str(script), run_name="__main__")
    printed = capsys.readouterr().out
    for wanted in WANTED[name]:
        assert wanted in printed


def test_curl_runs(server, tmp_path: Path) -> None:
    (tmp_path / "handbook.pdf").write_bytes(b"%PDF-1.7")
    script = (EXAMPLES / "curl.sh").read_text("utf-8").replace(HERE, server.url)
    done = subprocess.run(["sh", "-e"], input=script, cwd=tmp_path, capture_output=True, text=True, check=True)
    documents, answer, chat, file = _parts(done.stdout)
    assert any(d["title"] == "leave" for d in documents)
    assert answer["claims"][0]["text"] == SENTENCE
    assert chat["choices"][0]["message"]["content"] == f"{SENTENCE} [1]"
    assert file["filename"] == "handbook.pdf"


def _parts(text: str) -> list:
    """JSON values one after another."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while at < len(text.rstrip()):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def test_the_configuration_names_what_is_there(server) -> None:
    servers = json.loads((EXAMPLES / "mcp.json").read_text("utf-8"))["mcpServers"]
    assert servers["gakju"]["url"] == f"{HERE}/mcp"
    from gakju.cli import main

    assert servers["gakju-stdio"]["command"] == "gakju"
    assert servers["gakju-stdio"]["args"][0] in main.commands
