"""The command line. Commands hold no logic: each calls a `client.Backend`, or starts the server.

Modules here import little; what a command needs is imported inside it, so that help comes at once.
Exit codes: 0 ok, 1 failed, 2 usage, 3 nothing found or refused, 130 stopped by Ctrl+C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from gakju.cli import answers, library, machine, server
from gakju.cli.terminal import Group, State, help_text, word
from gakju.errors import Cancelled, GakjuError, UsageError


@click.group("gakju", cls=Group, help=help_text("root_help", "gakju add handbook.pdf"))
@click.version_option(package_name="gakju", prog_name="gakju", help=word("opt_version"))
def root() -> None:
    pass


for _part in (server, library, answers, machine):
    for _command in _part.COMMANDS:
        root.add_command(_command)


def run(arguments: Sequence[str] | None = None) -> int:
    """One command; returns its exit code. Messages for people go to stderr."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal without UTF-8 or a file name that is no text must not end in a traceback; in JSON it stays valid.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    state = State()
    try:
        code = root.main(arguments, prog_name="gakju", standalone_mode=False, obj=state)
    except click.ClickException as e:
        e.show()
        return e.exit_code
    except (KeyboardInterrupt, click.Abort, Cancelled):
        state.note(state.say("stopped"))
        return 130
    except GakjuError as e:
        from gakju.language import explain

        state.note(explain(e, state.language))
        return 2 if isinstance(e, UsageError) else 1
    except BrokenPipeError:
        # Who read us has left; Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0


def main() -> None:
    """The entry point `gakju`."""
    sys.exit(run())
