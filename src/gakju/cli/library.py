"""`gakju add` and `gakju docs`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from gakju.cli.meter import Meter
from gakju.cli.terminal import Group, State, command, help_text, word
from gakju.errors import UsageError
from gakju.language import retold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gakju.types import Added, Document, Problem, Progress


@command("add", "gakju add ~/Documents report.pdf --collection work")
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--collection", default="default", metavar="NAME", help=word("opt_add_collection"))
@click.option("--password", "passwords", multiple=True, metavar="PASSWORD", help=word("opt_password"))
@click.option("--ocr/--no-ocr", default=None, help=word("opt_ocr"))
@click.option("--reread", is_flag=True, help=word("opt_reread"))
@click.option("--every", default=None, type=click.Choice(["day", "week", "month"]), help=word("opt_every"))
@click.option("--samples", is_flag=True, help=word("opt_samples"))
@click.pass_obj
def add(
    state: State,
    paths: tuple[str, ...],
    collection: str,
    passwords: tuple[str, ...],
    ocr: bool | None,
    reread: bool,
    every: str | None,
    samples: bool,
) -> int:
    from gakju.assistant.machine import sample_files

    given = [*paths, *map(str, sample_files() if samples else ())]
    if not given:
        raise UsageError("There is nothing to add.", hint="Name a file or a folder: gakju add ~/Documents")
    if every and not any(p.startswith(("http://", "https://")) for p in given):
        raise UsageError("--every is for pages of the web.", hint="Name a URL: gakju add https://example.org")
    with state.connect(own=True) as backend:
        told = backend.add(given, collection=collection, passwords=passwords, ocr=ocr, reread=reread, every=every or "")
        return added(state, told)


def added(state: State, told: Iterator[Progress | Added]) -> int:
    """Shows what becomes of files and pages; the exit code."""
    from gakju import wire

    done: list[Added] = []
    try:
        _add(state, told, done)
    finally:
        # Also where it was stopped or failed half-way: what was done is done.
        if state.json and done:
            state.emit(wire.dump(done))
    if not done:
        if state.json:
            state.emit([])
        state.note(state.say("add_nothing"))
        return 3
    return 1 if all(a.status == "failed" for a in done) else 0


def _add(state: State, told: Iterator[Progress | Added], done: list[Added]) -> None:
    from gakju.types import Added

    with Meter(state) as meter, closing(told):  # type: ignore[type-var]
        for step in told:
            if isinstance(step, Added):
                done.append(step)
                if not state.json:
                    meter.above(_line(state, step))
            else:
                meter.tell(step)
    if not state.json and len(done) > 1:
        counts = {s: sum(a.status == s for a in done) for s in ("added", "partial", "unchanged", "failed")}
        state.out(state.say("add_total", files=len(done), **counts))


def _line(state: State, added: Added) -> str:
    status = state.known("cli", f"status_{added.status}")
    if added.status == "failed":
        return f"{status}  {added.path}\n    {retold(added.error or '', 'mistakes', state.language)}"
    size = state.say("add_size", pages=added.pages, chunks=added.chunks, seconds=f"{added.seconds:.1f}")
    return "\n".join([f"{status}  {added.path}  {size}", *_problems(state, added.problems)])


def _problems(state: State, problems: Sequence[Problem]) -> Iterator[str]:
    """One line a kind of problem, with its pages."""
    kinds: dict[str, list[int]] = {}
    for p in problems:
        kinds.setdefault(p.kind, []).extend([p.page] if p.page else [])
    for kind, pages in kinds.items():
        some = ", ".join(map(str, pages[:10])) + (" …" if len(pages) > 10 else "")
        where = f"{state.say('page', page=some)}: " if pages else ""
        yield f"    {where}{state.known('errors', kind)}"


@click.group("docs", cls=Group, invoke_without_command=True, help=help_text("docs_help", "gakju docs"))
@click.option("--collection", metavar="NAME", help=word("opt_docs_collection"))
@click.pass_context
def docs(context: click.Context, collection: str | None) -> int:
    state: State = context.obj
    if context.invoked_subcommand:
        return 0
    from gakju import wire

    with state.connect() as backend:
        found = backend.documents(collection)
    if state.json:
        state.emit([wire.document(d) for d in found])
        return 0
    for d in found:
        state.out(f"{d.id}  {_summary(state, d)}")
    if not found:
        state.note(state.say("docs_none"))
    return 0


def _summary(state: State, d: Document) -> str:
    pages = state.say("docs_pages", pages=d.pages)
    shelf = f"  [{d.collection}]" if d.collection != "default" else ""
    return f"{d.added_at[:10]}  {pages:>8}  {d.title}{shelf}"


@command("docs_show", "gakju docs show 3f2a9c0d1e4b5a67")
@click.argument("document_id", metavar="ID")
@click.pass_obj
def docs_show(state: State, document_id: str) -> int:
    from gakju import wire

    with state.connect() as backend:
        found = backend.document(document_id)
    if state.json:
        state.emit(wire.document(found))
        return 0
    state.out(f"{found.id}  {_summary(state, found)}\n    {found.path}")
    for line in _problems(state, found.problems):
        state.out(line)
    return 0


@command("docs_rm", "gakju docs rm 3f2a9c0d1e4b5a67")
@click.argument("document_ids", nargs=-1, required=True, metavar="ID...")
@click.pass_obj
def docs_rm(state: State, document_ids: tuple[str, ...]) -> int:
    with state.connect(own=True) as backend:
        # All are looked up first: a misspelt one leaves the others where they are.
        found = [backend.document(i) for i in document_ids]
        for d in found:
            backend.delete(d.id)
            if not state.json:
                state.out(f"{d.id}  {d.title}")
    if state.json:
        state.emit([d.id for d in found])
    return 0


@command("docs_reindex", "gakju docs reindex")
@click.pass_obj
def docs_reindex(state: State) -> int:
    with state.connect(own=True) as backend:
        with Meter(state) as meter, closing(backend.reindex()) as told:  # type: ignore[type-var]
            for step in told:
                meter.tell(step)
        count = len(backend.documents())
    if state.json:
        state.emit({"documents": count})
    else:
        state.out(state.say("docs_reindexed", documents=count))
    return 0


for _name, _command in {"show": docs_show, "rm": docs_rm, "reindex": docs_reindex}.items():
    docs.add_command(_command, _name)

COMMANDS = [add, docs]
