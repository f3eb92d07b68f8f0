"""`gakju questions`: questions with the answers that are right, for the labs to teach from and to judge by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gakju.cli.labs import followed, labs, read, write
from gakju.cli.terminal import Group, State, command, help_text, word

if TYPE_CHECKING:
    from gakju.cli.labs import Json

_file = click.Path(dir_okay=False, path_type=Path)
_version = click.option("--version", "version", type=click.IntRange(1), metavar="N", help=word("opt_version_of"))
_seed = click.option("--seed", default=0, show_default=True, help=word("opt_seed"))


@click.group("questions", cls=Group, invoke_without_command=True, help=help_text("questions_help", "gakju questions"))
@click.pass_context
def questions(context: click.Context) -> int:
    return 0 if context.invoked_subcommand else _list(context.obj)


@command("questions_list", "gakju questions list --json")
@click.pass_obj
def questions_list(state: State) -> int:
    return _list(state)


def _list(state: State) -> int:
    with labs(state) as lab:
        found = lab.sets()
    if state.json:
        state.emit(found)
        return 0
    for one in found:
        state.out(_line(state, one))
    if not found:
        state.note(state.say("questions_none"))
    return 0


def _line(state: State, one: Json) -> str:
    proposed = state.say("questions_proposed", count=one["proposed"]) if one["proposed"] else ""
    counted = state.say("questions_count", count=one["items"])
    return "  ".join(filter(None, [one["id"], f"v{one['version']}", one["name"], counted, proposed]))


@command("questions_add", "gakju questions add leave.csv --name leave")
@click.argument("file", type=_file)
@click.option("--name", default="", metavar="NAME", help=word("opt_set_name"))
@click.pass_obj
def questions_add(state: State, file: Path, name: str) -> int:
    with labs(state) as lab:
        return _done(state, lab.put(name or file.stem, read(file), file.name))


@command("questions_show", "gakju questions show leave --version 2")
@click.argument("name")
@_version
@click.pass_obj
def questions_show(state: State, name: str, version: int | None) -> int:
    with labs(state) as lab:
        found = lab.items(name, version)
    if state.json:
        state.emit(found)
        return 0
    for item in found:
        mark = "?" if item["state"] == "proposed" else " "
        answers = " / ".join(item["answers"]) or state.say("questions_refusal")
        gold = ", ".join(f"{g['document']}#{g['page']}" for g in item["gold"])
        state.out(f"{mark} {item['id']}  {item['question']}  →  {answers}{f'  ({gold})' if gold else ''}")
    return 0


@command("questions_export", "gakju questions export leave leave.jsonl")
@click.argument("name")
@click.argument("file", type=_file)
@_version
@click.pass_obj
def questions_export(state: State, name: str, file: Path, version: int | None) -> int:
    from gakju.labs.question_files import form_of

    form = form_of(file.name)
    with labs(state) as lab:
        write(file, lab.export(name, form, version))
    if state.json:
        state.emit({"path": str(file)})
    return 0


@command("questions_propose", "gakju questions propose leave -n 20 --collection hr")
@click.argument("name")
@click.option("-n", "count", type=click.IntRange(1, 200), default=20, show_default=True, help=word("opt_propose_n"))
@click.option("-c", "--collection", default="default", show_default=True, help=word("opt_propose_collection"))
@click.option("--document", "documents", multiple=True, metavar="ID", help=word("opt_propose_document"))
@click.option("-m", "--model", default="", metavar="NAME", help=word("opt_model"))
@_seed
@click.pass_obj
def questions_propose(
    state: State, name: str, count: int, collection: str, documents: tuple[str, ...], model: str, seed: int
) -> int:
    body: dict[str, Any] = {"name": name, "count": count, "collection": collection, "documents": list(documents)}
    with labs(state) as lab:
        result = followed(state, lab.begun("propose", {**body, "model": model, "seed": seed}))["result"]
    if state.json:
        state.emit(result)
    elif result["proposed"]:
        state.out(state.say("questions_made", **result, name=name))
    else:
        state.note(state.say("questions_none_made", passages=result["passages"]))
    return 0 if result["proposed"] else 3


@command("questions_liked", "gakju questions liked from-chats")
@click.argument("name")
@click.pass_obj
def questions_liked(state: State, name: str) -> int:
    with labs(state) as lab:
        return _done(state, lab.liked(name))


@command("questions_confirm", "gakju questions confirm leave --drop 1f2e3d4c5b6a")
@click.argument("name")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--drop", "drop", multiple=True, metavar="ID", help=word("opt_drop"))
@click.pass_obj
def questions_confirm(state: State, name: str, ids: tuple[str, ...], drop: tuple[str, ...]) -> int:
    with labs(state) as lab:
        return _done(state, lab.confirm(name, list(ids) or None, list(drop)))


@command("questions_split", "gakju questions split leave --tests 30")
@click.argument("name")
@click.option("--tests", type=click.IntRange(1), required=True, metavar="N", help=word("opt_tests"))
@_seed
@click.pass_obj
def questions_split(state: State, name: str, tests: int, seed: int) -> int:
    with labs(state) as lab:
        found = lab.split(name, tests, seed)
    if state.json:
        state.emit(found)
    for one in () if state.json else found:
        state.out(_line(state, one))
    return 0


@command("questions_rm", "gakju questions rm leave")
@click.argument("name")
@click.pass_obj
def questions_rm(state: State, name: str) -> int:
    with labs(state) as lab:
        gone = lab.remove(name)
    if state.json:
        state.emit({"id": gone, "deleted": True})
    else:
        state.out(state.say("questions_removed", name=name, id=gone))
    return 0


@command("questions_restore", "gakju questions restore qset_1f2e3d4c5b6a7980")
@click.argument("set_id", metavar="ID")
@click.pass_obj
def questions_restore(state: State, set_id: str) -> int:
    with labs(state) as lab:
        return _done(state, lab.restore(set_id))


def _done(state: State, one: Json) -> int:
    if state.json:
        state.emit(one)
    else:
        state.out(_line(state, one))
    return 0


for _name, _command in {
    "list": questions_list,
    "add": questions_add,
    "show": questions_show,
    "export": questions_export,
    "propose": questions_propose,
    "liked": questions_liked,
    "confirm": questions_confirm,
    "split": questions_split,
    "rm": questions_rm,
    "restore": questions_restore,
}.items():
    questions.add_command(_command, _name)

COMMANDS = [questions]
