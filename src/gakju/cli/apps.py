"""`gakju apps`: forms around a model, one file each."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gakju.cli.terminal import Group, State, command, help_text, word
from gakju.errors import GakjuError, UsageError

if TYPE_CHECKING:
    from gakju.apps import Entry, Shelf, Trouble
    from gakju.client import Backend


def _shelf(state: State) -> Shelf:
    """The files of this machine's data folder."""
    from gakju.apps import Shelf

    if state.settings.server:
        raise UsageError(state.say("apps_local"), hint="gakju apps …")
    return Shelf(state.settings.home / "apps")


@click.group("apps", cls=Group, invoke_without_command=True, help=help_text("apps_help", "gakju apps"))
@click.pass_context
def apps(context: click.Context) -> int:
    return 0 if context.invoked_subcommand else _list(context.obj)


@command("apps_list", "gakju apps list")
@click.pass_obj
def apps_list(state: State) -> int:
    return _list(state)


def _list(state: State) -> int:
    if state.settings.server:
        with state.connect() as backend:
            names = backend.app_names()
        if state.json:
            state.emit([{"name": n} for n in names])
        for name in () if state.json else names:
            state.out(name)
        return 0
    entries = _shelf(state).all()
    if state.json:
        state.emit([_shown(e) for e in entries])
        return 0
    for e in entries:
        facts = [e.app.title[state.language], e.app.description[state.language]] if e.app else [state.say("apps_wrong")]
        state.out("  ".join([f"{e.name:14}", *([f"({state.say('apps_own')})"] if e.own else []), " — ".join(facts)]))
    return 0


def _shown(e: Entry) -> dict[str, object]:
    fields = [f.model_dump(mode="json", exclude_defaults=True) for f in e.app.fields] if e.app else []
    title = e.app.title.model_dump() if e.app else None
    return {"name": e.name, "own": e.own, "title": title, "fields": fields, "error": str(e.error) if e.error else None}


@command("apps_show", "gakju apps show poet")
@click.argument("name")
@click.pass_obj
def apps_show(state: State, name: str) -> int:
    found = _shelf(state).get(name)
    if state.json:
        state.emit({**_shown(found), "text": found.text})
    else:
        state.out(found.text.rstrip("\n"))
    return 0


@command("apps_check", "gakju apps check my-app.yaml")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def apps_check(state: State, file: Path) -> int:
    from gakju.apps import AppError, parse

    troubles: tuple[Trouble, ...] = ()
    try:
        parse(_read(file))
    except AppError as e:
        troubles = e.troubles
    if state.json:
        rows = [{"line": t.line, "place": t.place, "code": t.code, "said": t.said(state.language)} for t in troubles]
        state.emit({"ok": not troubles, "troubles": rows})
    for t in () if state.json else troubles:
        state.out(f"{file}: {t.told(state.language)}")
    if not troubles and not state.json:
        state.out(state.say("apps_fine", file=file))
    return 1 if troubles else 0


@command("apps_add", "gakju apps add my-app.yaml")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help=word("opt_replace"))
@click.pass_obj
def apps_add(state: State, file: Path, replace: bool) -> int:
    from gakju.apps import parse

    text = _read(file)
    name = parse(text, name=file.name).name
    _shelf(state).put(text, replaces=name if replace else "")
    if state.json:
        state.emit({"name": name})
    else:
        state.out(state.say("apps_added", name=name))
    return 0


@command("apps_rm", "gakju apps rm my-app")
@click.argument("name")
@click.pass_obj
def apps_rm(state: State, name: str) -> int:
    _shelf(state).delete(name)
    if state.json:
        state.emit({"name": name})
    return 0


@command("apps_run", 'gakju apps run poet --field subject="first snow"')
@click.argument("name")
@click.option("-f", "--field", "fields", multiple=True, metavar="NAME=VALUE", help=word("opt_field"))
@click.pass_obj
def apps_run(state: State, name: str, fields: tuple[str, ...]) -> int:
    given = [_pair(state, f) for f in fields]
    adds = any(v.startswith("@") for _, v in given) and _has_footnotes(state, name)
    text = ""
    with state.connect(own=adds) as backend:
        values = {n: _value(state, backend, v, adds) for n, v in given}
        with closing(backend.run_app(name, values)) as pieces:  # type: ignore[type-var]
            for piece in pieces:
                text += piece
                if not state.json:
                    state.write(piece)
    if state.json:
        state.emit({"app": name, "text": text})
    elif not text.endswith("\n"):
        state.out()
    return 0


def _pair(state: State, field: str) -> tuple[str, str]:
    name, mark, value = field.partition("=")
    if not mark or not name:
        raise UsageError(state.say("apps_no_field", given=field[:60]))
    return name, value


def _has_footnotes(state: State, name: str) -> bool:
    """Whether a file that is given to it must become a document first; an app of another machine is not known."""
    from gakju.apps import Shelf

    try:
        return Shelf(state.settings.home / "apps").app(name).output == "footnotes"
    except GakjuError:
        return False


def _value(state: State, backend: Backend, value: str, adds: bool) -> str:
    if not value.startswith("@"):
        return value
    if value.startswith("@@"):
        return value[1:]
    path = Path(value[1:]).expanduser()
    if not path.is_file():
        raise UsageError(f"There is no file {str(path)!r}.", hint="Write @@ for a value that begins with @.")
    return _added(backend, path) if adds else text_of(state, path)


def _added(backend: Backend, path: Path) -> str:
    from gakju.apps import COLLECTION
    from gakju.errors import ReadError
    from gakju.types import Added

    for step in backend.add([path], collection=COLLECTION):
        if isinstance(step, Added):
            if step.document_id is None:
                raise ReadError(step.error or f"{path.name} could not be read.")
            return step.document_id
    raise ReadError(f"{path.name} could not be read.")


def text_of(state: State, path: Path) -> str:
    """A file of any format that Gakju reads, as text."""
    from gakju.read import DocumentReader, Limits

    s = state.settings
    reader = DocumentReader(Limits(s.read_seconds, s.read_memory_mb, s.read_pages, s.read_bytes), s.ocr_languages)
    try:
        with reader.open(path, name=path.name, ocr=s.ocr) as reading:
            return "\n".join(page.text for page in reading)
    finally:
        reader.close()


def _read(file: Path) -> str:
    from gakju.apps.source import LONGEST

    if not file.is_file():
        raise UsageError(f"There is no file {str(file)!r}.", hint="Check the spelling.")
    with file.open("rb") as opened:
        return opened.read(LONGEST + 1).decode("utf-8", "replace")


for _name, _command in {
    "list": apps_list,
    "show": apps_show,
    "run": apps_run,
    "check": apps_check,
    "add": apps_add,
    "rm": apps_rm,
}.items():
    apps.add_command(_command, _name)

COMMANDS = [apps]
