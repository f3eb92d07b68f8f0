"""The command line. Commands hold no logic: each calls a `client.Backend`, or starts the server.

Modules here import little; what a command needs is imported inside it, so that help comes at once.
Exit codes: 0 ok, 1 failed, 2 usage, 3 nothing found or refused, 130 stopped by Ctrl+C.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from gakju.cli import (
    answers,
    apps,
    compare,
    evaluation,
    fewshot,
    finetune,
    keys,
    library,
    machine,
    mcp,
    pages,
    questions,
    server,
    tokens,
    words,
)
from gakju.cli.terminal import Group, State, help_text, word
from gakju.errors import Cancelled, GakjuError, UsageError


class _Root(Group):
    """Called, it runs one command and exits with its code; messages for people go to stderr."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> NoReturn:
        for stream, errors in ((sys.stdin, "replace"), *((s, "backslashreplace") for s in (sys.stdout, sys.stderr))):
            # A terminal without UTF-8, or what is no text, must not end in a traceback. JSON stays valid.
            if reconfigure := getattr(stream, "reconfigure", None):
                reconfigure(errors=errors)
        state = State()
        try:
            code = super().main(args, prog_name="gakju", standalone_mode=False, obj=state)
        except (click.ClickException, click.Abort, GakjuError, KeyboardInterrupt, OSError) as e:
            code = _failed(state, e)
        sys.exit(code if isinstance(code, int) else 0)


def _failed(state: State, raised: BaseException) -> int:
    match raised:
        case click.ClickException():
            raised.show()
            return raised.exit_code
        case KeyboardInterrupt() | click.Abort() | Cancelled():
            # A call that was made and not begun is no news to who stopped it.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            state.note(state.say("stopped"))
            return 130
        case BrokenPipeError():
            # Who read us has left; Python would complain once more while it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        case OSError() if raised.filename:
            state.note(f"{raised.filename}: {raised.strerror}")
            return 1
        case OSError():
            raise raised
    assert isinstance(raised, GakjuError)
    from gakju.language import explain

    state.note(explain(raised, state.language))
    return 2 if isinstance(raised, UsageError) else 1


@click.group("gakju", cls=_Root, help=help_text("root_help", "gakju add handbook.pdf"))
@click.version_option(package_name="gakju", prog_name="gakju", help=word("opt_version"))
def main() -> None:
    pass


for _part in (
    server,
    keys,
    library,
    pages,
    words,
    answers,
    apps,
    tokens,
    evaluation,
    questions,
    fewshot,
    finetune,
    compare,
    machine,
    mcp,
):
    for _command in _part.COMMANDS:
        main.add_command(_command)
