"""`gakju pages`: pages of the web that are read again from time to time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gakju.cli.library import added
from gakju.cli.terminal import Group, State, command, help_text

if TYPE_CHECKING:
    from gakju import wire


@click.group("pages", cls=Group, invoke_without_command=True, help=help_text("pages_help", "gakju pages"))
@click.pass_context
def pages(context: click.Context) -> int:
    state: State = context.obj
    if context.invoked_subcommand:
        return 0
    with state.connect() as backend:
        found = backend.watched()
    if state.json:
        state.emit(found)
        return 0
    for w in found:
        state.out(_line(state, w))
    if not found:
        state.note(state.say("pages_none"))
    return 0


def _line(state: State, w: wire.Json) -> str:
    every = state.known("cli", f"every_{w['hours']}")
    read = w["read_at"][:10] or state.say("pages_not_yet")
    counts = " · ".join(f"{state.known('cli', f'status_{s}')} {n}" for s, n in w["counts"].items())
    shelf = f"  [{w['collection']}]" if w["collection"] != "default" else ""
    told = state.say("pages_line", every=every, read=read, next=w["next_at"][:16].replace("T", " "))
    return f"{w['id']}  {w['url']}{shelf}\n    {told}{f'  {counts}' if counts else ''}"


@command("pages_refresh", "gakju pages refresh watch_3f2a9c0d1e4b5a67")
@click.argument("watch_id", metavar="ID")
@click.pass_obj
def pages_refresh(state: State, watch_id: str) -> int:
    with state.connect(own=True) as backend:
        return added(state, backend.refresh(watch_id))


@command("pages_rm", "gakju pages rm watch_3f2a9c0d1e4b5a67")
@click.argument("watch_ids", nargs=-1, required=True, metavar="ID...")
@click.pass_obj
def pages_rm(state: State, watch_ids: tuple[str, ...]) -> int:
    with state.connect(own=True) as backend:
        for watch_id in watch_ids:
            backend.unwatch(watch_id)
    if state.json:
        state.emit(list(watch_ids))
    return 0


for _name, _command in {"refresh": pages_refresh, "rm": pages_rm}.items():
    pages.add_command(_command, _name)

COMMANDS = [pages]
