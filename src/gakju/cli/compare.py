"""`gakju compare`: which remedy works on these questions, from one file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gakju.cli.meter import Meter
from gakju.cli.terminal import State, command, word
from gakju.errors import UsageError

if TYPE_CHECKING:
    from gakju.client import Backend
    from gakju.labs.compare import Plan

_file = click.Path(path_type=Path)
_SUFFIXES = {"report": ".html", "picture": ".svg"}


@command("compare", "gakju compare run.yaml --report compared.html")
@click.argument("plan", metavar="PLAN.yaml", type=_file)
@click.option("--report", type=_file, metavar="FILE", help=word("opt_report"))
@click.option("--picture", type=_file, metavar="FILE", help=word("opt_picture"))
@click.option("--estimate", is_flag=True, help=word("opt_estimate"))
@click.option("--fresh", is_flag=True, help=word("opt_fresh"))
@click.pass_obj
def compare(state: State, plan: Path, report: Path | None, picture: Path | None, estimate: bool, fresh: bool) -> int:
    from gakju.labs.compare import load

    _writable(report=report, picture=picture)
    given = load(plan)
    given = given.model_copy(update={"fresh": True}) if fresh else given
    with state.connect(own=True) as backend, closing(_asked(state, backend, given, estimate)) as asked:
        result = next(asked)
    if estimate:
        _tell_estimate(state, result)
        return 0
    _write(state, result, report, picture)
    _tell(state, result)
    return 0


def _asked(state: State, backend: Backend, plan: Plan, estimate: bool) -> Generator[dict[str, Any], None, None]:
    """The estimate, or the result once it is there. Closing it, or Ctrl+C, stops the run; what was answered is kept."""
    from gakju.client import Library, RemoteAssistant
    from gakju.labs import compare as lab
    from gakju.types import Progress
    from gakju.wire import load as loaded

    sent = plan.model_dump(mode="json")
    if isinstance(backend, RemoteAssistant):
        if estimate:
            yield backend.call("POST", "/v1/comparisons/estimate", json=sent)
            return
        job = backend.call("POST", "/v1/comparisons", json=sent)
        told = backend.follow(job)
    else:
        assert isinstance(backend, Library)
        comparisons = lab.of(backend.assistant)
        if estimate:
            yield comparisons.estimate(plan, any_server=True)
            return
        job = {"id": comparisons.submit(plan, any_server=True).id}
        told = backend.follow(backend.assistant.store.job(job["id"]))
    with Meter(state) as meter, closing(told):
        for kind, data in told:
            if kind == "progress" and data:
                meter.tell(loaded(Progress, data))
    if isinstance(backend, RemoteAssistant):
        yield backend.call("GET", f"/v1/jobs/{job['id']}")["result"]
    else:
        yield backend.assistant.store.job(job["id"]).result


def _writable(**given: Path | None) -> None:
    """Before hours of work."""
    for name, path in given.items():
        suffix = _SUFFIXES[name]
        if path and (path.suffix.lower() != suffix or not path.absolute().parent.is_dir()):
            raise UsageError(f"{str(path)!r} cannot be written.", hint=f"Name an {suffix} file in a folder there is.")


def _write(state: State, result: dict[str, Any], report: Path | None, picture: Path | None) -> None:
    from gakju.evaluation.page import write
    from gakju.labs.compare import picture as pictures
    from gakju.labs.compare import report as pages

    if report:
        write(report, pages.page(result, state.language))
    if picture:
        write(picture, pictures.svg(result, state.language))


def _tell(state: State, result: dict[str, Any]) -> None:
    from gakju.labs.compare.words import sentence

    if state.json:
        state.emit({**result, "sentence": {"ko": sentence(result, "ko"), "en": sentence(result, "en")}})
        return
    for line in _table(state, result):
        state.out(line)
    state.out()
    state.out(sentence(result, state.language))


def _table(state: State, result: dict[str, Any]) -> Iterator[str]:
    """A block a way: names of columns are long in one language and wide in the other."""
    from gakju.labs.compare.report import COLUMNS, cells
    from gakju.labs.compare.words import label, shown

    for row in result["ways"]:
        name = shown(row, state.language)
        if row["state"] != "done":
            yield f"{name}  {label('not_run', state.language, why=row['why'])}"
            continue
        yield name
        told = zip(COLUMNS, cells(row, state.language), strict=True)
        yield "  " + " · ".join(f"{label(column, state.language)} {cell}" for column, cell in told)


def _tell_estimate(state: State, told: dict[str, Any]) -> None:
    if state.json:
        state.emit(told)
        return
    from gakju.labs.compare.words import shown

    for row in told["ways"]:
        what = row["why"] or f"{row['prompt_tokens'] + row['completion_tokens']:,}"
        state.out(f"{shown(row, state.language):<40} {what}")
    money = "–" if told["money"] is None else f"{told['money']:g}"
    facts = {"tokens": f"{told['tokens']:,}", "money": money, "minutes": f"{told['minutes']:g}"}
    state.out(state.say("compare_estimate", **facts, remembered=told["remembered"], questions=told["questions"]))


COMMANDS = [compare]
