"""Write docs/reference from the code: `.venv/bin/python docs/build.py`. A test fails when it is out of date."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

os.environ["LC_ALL"] = "C"  # help follows the reader's language; the reference is in English

from gakju.cli import main
from gakju.settings import Settings

REFERENCE = Path(__file__).parent / "reference"


def settings() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=False)
        shown = (
            "the platform's user data folder" if field.default_factory else f"`{default}`" if f"{default}" else "empty"
        )
        rows.append(f"| `{name}` | `GAKJU_{name.upper()}` | {shown.replace('**********', '')} | {field.description} |")
    return "\n".join(
        [
            "# Settings",
            "",
            "From arguments, `GAKJU_*` environment variables, `gakju.toml` in the working directory, or that in",
            "the data folder; the first that names a setting wins. Written by `docs/build.py`.",
            "",
            "| setting | environment | default | what it does |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def commands() -> str:
    parts = ["# Commands", "", "Written by `docs/build.py`.", ""]

    def show(command: click.Command, path: list[str]) -> None:
        context = click.Context(
            command, info_name=" ".join(path), terminal_width=100, help_option_names=["-h", "--help"]
        )
        parts.extend([f"## {' '.join(path)}", "", "```text", command.get_help(context).rstrip(), "```", ""])
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                if child := command.get_command(context, name):
                    show(child, [*path, name])

    show(main, ["gakju"])
    return "\n".join(parts)


PAGES = {"settings.md": settings, "commands.md": commands}

if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    stale = [
        name
        for name, write in PAGES.items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text() != write()
    ]
    if "--check" in sys.argv:
        sys.exit(f"Out of date: {', '.join(stale)}. Run .venv/bin/python docs/build.py" if stale else 0)
    for name in stale:
        (REFERENCE / name).write_text(PAGES[name]())
