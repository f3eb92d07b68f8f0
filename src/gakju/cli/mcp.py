"""`gakju mcp`: tools for programs that speak the Model Context Protocol and start their own servers."""

from __future__ import annotations

import click

from gakju.cli.terminal import State, command


@command("mcp", "gakju mcp --server http://127.0.0.1:8080")
@click.pass_obj
def mcp(state: State) -> int:
    with state.connect() as backend:
        from gakju.integrations.mcp import run_stdio

        run_stdio(backend)
    return 0


COMMANDS = [mcp]
