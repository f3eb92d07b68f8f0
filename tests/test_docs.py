"""What the documents say is what the code does."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def builder():
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["settings.md", "commands.md"])
def test_the_reference_is_what_the_code_says(page: str) -> None:
    written = (ROOT / "docs" / "reference" / page).read_text()
    assert written == builder().PAGES[page](), "run .venv/bin/python docs/build.py"


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_links_lead_somewhere(readme: str) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / readme).read_text()):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_make_targets_and_commands_of_the_readme_exist(readme: str) -> None:
    text = (ROOT / readme).read_text()
    targets = set(re.findall(r"`?make (\w+)", text))
    assert {"run", "test"} <= targets
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)
    from gakju.cli import main

    used = set(re.findall(r"\.venv/bin/gakju (\w+)", text))
    assert used
    assert used <= set(main.commands)


def test_nothing_written_here_names_a_machine() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, files):
        path = ROOT / name
        if path.suffix in {".md", ".py", ".toml", ".txt", ""} and path.is_file() and path.name != Path(__file__).name:
            text = path.read_text(errors="ignore")
            assert "/work/" not in text, name
