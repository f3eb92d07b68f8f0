"""The import contracts hold, and would catch who breaks them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [tool, "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(root / "src")},
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("text/normalise.py", "import gakju.assistant", "gakju.text.normalise -> gakju.assistant"),
        ("retrieve.py", "import gakju.models", "gakju.retrieve -> gakju.models"),
        ("verify.py", "import streamlit", "streamlit"),
        ("unlisted.py", "", "unlisted"),
    ],
)
def test_a_planted_import_is_caught(copy: Path, module: str, line: str, complaint: str) -> None:
    path = copy / "src" / "gakju" / module
    if not path.exists() and path.with_suffix("").is_dir():
        path = path.with_suffix("") / "__init__.py"
    before = path.read_text() if path.exists() else ""
    path.write_text(f"{before}\n{line}\n")
    result = lint(copy)
    assert result.returncode != 0
    assert complaint in result.stdout


def test_modules_and_functions_stay_small() -> None:
    """House caps: modules up to 500 lines, functions up to 50."""
    import ast

    long = []
    for path in (ROOT / "src").rglob("*.py"):
        text = path.read_text()
        if text.count("\n") > 500:
            long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 50:
                    long.append(f"{path.name}:{node.name} {lines} lines")
    assert not long
