"""`gakju mcp`: tools for programs that speak the Model Context Protocol and start their own servers."""

from __future__ import annotations

from importlib.util import find_spec

import click

from gakju.cli.terminal import State, command
from gakju.errors import UsageError


@command("mcp", "gakju mcp --server http://127.0.0.1:8080")
@click.pass_obj
def mcp(state: State) -> int:
    if find_spec("mcp") is None:
        raise UsageError("The Model Context Protocol is not installed here.", hint="pip install 'gakju[mcp]'")
    with state.connect() as backend:
        from gakju.integrations.mcp import run_stdio

        run_stdio(backend)
    return 0


COMMANDS = [mcp]
