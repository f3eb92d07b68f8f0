"""What Ctrl+C leaves unsaid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import click
from gakju.cli import main

async def call():
    pass

@click.command("stopped")
def stopped():
    never_begun = call()
    raise KeyboardInterrupt

main.add_command(stopped)
main(["stopped"])
"""


def test_a_call_that_was_kept_from_beginning_is_no_news(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, "utf-8")
    ended = subprocess.run([sys.executable, path], env={"LC_ALL": "C"}, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.strip()) == (130, "", "gakju: Stopped.")
