"""`gakju fewshot`: do examples in the prompt help on these questions, how many, which ones, and at what price?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from gakju.cli.labs import followed, labs, write
from gakju.cli.terminal import Group, State, command, help_text, word
from gakju.errors import UsageError

_file = click.Path(dir_okay=False, path_type=Path)
PICKS = ("fixed", "similar", "diverse", "balanced")
KINDS = ("classification", "extraction", "answer")


@click.group("fewshot", cls=Group, help=help_text("fewshot_help", "gakju fewshot run --examples bank --test test"))
def fewshot() -> None:
    pass


def _listed(_context: click.Context, _parameter: click.Parameter, given: str) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()]


_PLAN: list[Callable[[Any], Any]] = [
    click.option("--test", required=True, metavar="SET", help=word("opt_fewshot_test")),
    click.option("--examples", default="", metavar="SET", help=word("opt_fewshot_examples")),
    click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True, help=word("opt_kind")),
    click.option("-m", "--model", default="", metavar="NAME", help=word("opt_model")),
    click.option("--instruction", default="", metavar="TEXT", help=word("opt_instruction")),
    click.option("--limit", type=click.IntRange(1, 2000), metavar="N", help=word("opt_fewshot_limit")),
    click.option("--seed", default=0, show_default=True, help=word("opt_seed")),
    click.option(
        "--max-tokens", type=click.IntRange(1, 4096), default=64, show_default=True, help=word("opt_max_tokens")
    ),
    click.option("--drop-leaks", is_flag=True, help=word("opt_drop_leaks")),
]


def _plan(made: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(_PLAN):
        made = option(made)
    return made


@command("fewshot_run", "gakju fewshot run --examples bank --test test -n 0,1,4,8 --pick fixed,similar --plot plot.svg")
@_plan
@click.option("-n", "counts", default="0,1,4,8", show_default=True, callback=_listed, help=word("opt_shots"))
@click.option("--pick", "picks", default="fixed,similar", show_default=True, callback=_listed, help=word("opt_pick"))
@click.option("--plot", type=_file, metavar="FILE", help=word("opt_fewshot_plot"))
@click.option("--estimate", is_flag=True, help=word("opt_fewshot_estimate"))
@click.pass_obj
def fewshot_run(
    state: State, /, counts: list[str], picks: list[str], plot: Path | None, estimate: bool, **plan: Any
) -> int:
    if plot and (plot.suffix.lower() != ".svg" or not plot.absolute().parent.is_dir()):
        raise UsageError(f"A plot cannot be written to {str(plot)!r}.", hint="Name an .svg file in a folder there is.")
    told = {**plan, "counts": counts, "picks": picks}
    with labs(state) as lab:
        if estimate:
            rows = lab.estimate(told)
        else:
            result = followed(state, lab.begun("fewshot", told))["result"]
    if estimate:
        if state.json:
            state.emit(rows)
        for line in () if state.json else _table(state, rows, ("prompt_tokens", "tokens", "money")):
            state.out(line)
        return 0
    if plot:
        write(plot, _drawn(state, result["cells"]).encode())
    if state.json:
        state.emit(result)
        return 0
    for line in _table(state, result["cells"], ("accuracy", "ci", "prompt_tokens", "money", "p50_ms")):
        state.out(line)
    for pair in result["pairs"]:
        state.out(_pair(state, pair))
    return 0


def _name(state: State, pick: str, n: int) -> str:
    return state.say("shots", pick=state.known("cli", f"pick_{pick}"), n=n) if n else state.say("shots_none")


def _table(state: State, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> Iterator[str]:
    """Figures under each other, after the names."""
    heads = [state.known("cli", f"column_{name}") for name in columns]
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(len(line[i]) for line in [heads, *cells]) for i in range(len(columns))]
    lines = [("", heads), *((_name(state, row["pick"], row["n"]), line) for row, line in zip(rows, cells, strict=True))]
    for i, (name, line) in enumerate(lines):
        if i and "error" in rows[i - 1]:
            yield f"{name}  {rows[i - 1]['error']}"
        else:
            yield "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) + f"   {name}"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return f"{value[0]:.3f}–{value[1]:.3f}"
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def _pair(state: State, pair: dict[str, Any]) -> str:
    one, other = (_name(state, *cell) for cell in (pair["cell"], pair["against"]))
    low, high = (f"{100 * edge:+.1f}" for edge in pair["ci"])
    difference = f"{100 * pair['difference']:+.1f}"
    return state.say("shots_pair", one=one, other=other, difference=difference, low=low, high=high, p=pair["p"])


def _drawn(state: State, cells: list[dict[str, Any]]) -> str:
    from gakju.labs.fewshot.picture import svg

    names = {pick: state.known("cli", f"pick_{pick}") for pick in ("none", *PICKS)}
    return svg(cells, state.say("column_prompt_tokens"), state.say("column_accuracy"), names)


@command("fewshot_prompt", "gakju fewshot prompt --examples bank --test test --pick similar -n 4")
@_plan
@click.option("--pick", type=click.Choice(PICKS), default="fixed", show_default=True, help=word("opt_pick_one"))
@click.option("-n", "count", type=click.IntRange(0, 64), default=4, show_default=True, help=word("opt_shots_one"))
@click.option("--question", type=click.IntRange(0), default=0, show_default=True, help=word("opt_question_number"))
@click.pass_obj
def fewshot_prompt(state: State, /, pick: str, count: int, question: int, **plan: Any) -> int:
    with labs(state) as lab:
        told = lab.prompt({**plan, "counts": [count], "picks": [pick]}, pick, count, question)
    if state.json:
        state.emit(told)
        return 0
    about = "" if told["exact"] else "≈"
    for part in told["parts"]:
        head = f"{part['role'] or state.say('prompt_format')}  {about}{part['tokens']}  {part['share']:.0%}"
        state.out(f"── {head} ──")
        if part["text"]:
            state.out(part["text"])
    return 0


@command("fewshot_list", "gakju fewshot list --json")
@click.option("-n", "limit", type=click.IntRange(1, 200), default=20, show_default=True, help=word("opt_lines"))
@click.pass_obj
def fewshot_list(state: State, limit: int) -> int:
    with labs(state) as lab:
        found = lab.runs(limit)
    if state.json:
        state.emit(found)
        return 0
    for job in found:
        cells = [cell for cell in job["result"].get("cells", ()) if "accuracy" in cell]
        best = max(cells, key=lambda cell: cell["accuracy"], default=None)
        what = f"{best['accuracy']:.3f} {_name(state, best['pick'], best['n'])}" if best else ""
        state.out(f"{job['id']}  {job['created_at'][:16]}  {job['state']}  {job['about'].get('model', '')}  {what}")
    return 0


for _key, _command in {"run": fewshot_run, "prompt": fewshot_prompt, "list": fewshot_list}.items():
    fewshot.add_command(_command, _key)

COMMANDS = [fewshot]
