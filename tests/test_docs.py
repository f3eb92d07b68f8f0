"""What the documents say is what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_reference_is_what_the_code_says() -> None:
    checked = subprocess.run(
        [sys.executable, "docs/build.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


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
            assert f"{ROOT}/" not in text, name
