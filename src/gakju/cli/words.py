"""`gakju words`: names that Gakju should know in one collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gakju.cli.terminal import Group, State, command, help_text, word
from gakju.errors import NotFound

if TYPE_CHECKING:
    from gakju import wire

_collection = click.option("--collection", default="default", metavar="NAME", help=word("opt_words_collection"))


@click.group("words", cls=Group, help=help_text("words_help", "gakju words add 가람톡 --also GRT"))
def words() -> None:
    pass


@command("words_list", "gakju words list --collection work")
@_collection
@click.pass_obj
def words_list(state: State, collection: str) -> int:
    with state.connect() as backend:
        found = backend.words(collection)
    return _tell(state, found)


@command("words_add", "gakju words add 가람톡 --also GRT")
@click.argument("name", metavar="WORD")
@click.option("--also", multiple=True, metavar="NAME", help=word("opt_words_also"))
@_collection
@click.pass_obj
def words_add(state: State, name: str, also: tuple[str, ...], collection: str) -> int:
    with state.connect(own=True) as backend:
        there = backend.words(collection)["words"]
        kept = [entry for entry in there if entry["word"] != name]
        found = backend.set_words(collection, [*kept, {"word": name, "also": list(also)}])
    return _tell(state, found)


@command("words_remove", "gakju words remove 가람톡")
@click.argument("name", metavar="WORD")
@_collection
@click.pass_obj
def words_remove(state: State, name: str, collection: str) -> int:
    with state.connect(own=True) as backend:
        there = backend.words(collection)["words"]
        kept = [entry for entry in there if entry["word"] != name]
        if len(kept) == len(there):
            raise NotFound(f"{name!r} is no word of {collection!r}.", hint="`gakju words list` lists them.")
        found = backend.set_words(collection, kept)
    return _tell(state, found)


def _tell(state: State, found: wire.Json) -> int:
    if state.json:
        state.emit(found)
        return 0
    for entry in found["words"]:
        state.out(", ".join([entry["word"], *entry["also"]]))
    if not found["words"]:
        state.note(state.say("words_none"))
    if found["waiting"]:
        state.note(state.say("words_waiting", documents=found["waiting"]))
    return 0


for _name, _command in {"list": words_list, "add": words_add, "remove": words_remove}.items():
    words.add_command(_command, _name)

COMMANDS = [words]
