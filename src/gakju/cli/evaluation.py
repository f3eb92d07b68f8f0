"""`gakju eval`: how well Gakju finds and judges, on data with known answers, on this machine."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gakju.cli.meter import Meter
from gakju.cli.terminal import Group, State, command, help_text, word
from gakju.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gakju.evaluation.datasets import RetrievalSet

_folder = click.Path(path_type=Path)
_PATIENCE = 10.0


@click.group("eval", cls=Group, help=help_text("eval_help", "gakju eval retrieval scifact"))
def evaluation() -> None:
    pass


@command("eval_retrieval", "gakju eval retrieval scifact --split dev --retriever hybrid,bm25,dense --json")
@click.argument("folders", nargs=-1, required=True, metavar="DIR...", type=_folder)
@click.option("--split", default="test", show_default=True, metavar="NAME", help=word("opt_split"))
@click.option("--retriever", default="hybrid", show_default=True, metavar="NAME[,NAME]...", help=word("opt_retriever"))
@click.option("--queries", type=click.IntRange(1), metavar="N", help=word("opt_queries"))
@click.option("--seed", default=0, show_default=True, help=word("opt_seed"))
@click.option("--plot", type=_folder, metavar="FILE", help=word("opt_plot"))
@click.option("--keep", type=_folder, metavar="FOLDER", help=word("opt_keep"))
@click.pass_obj
def eval_retrieval(
    state: State,
    folders: tuple[Path, ...],
    split: str,
    retriever: str,
    queries: int | None,
    seed: int,
    plot: Path | None,
    keep: Path | None,
) -> int:
    from gakju.evaluation.datasets import retrieval_set

    names = _retrievers(retriever)
    if plot and (plot.suffix.lower() != ".svg" or not plot.absolute().parent.is_dir()):
        raise UsageError(f"A plot cannot be written to {str(plot)!r}.", hint="Name an .svg file in a folder there is.")
    # All are looked at first: a misspelt one costs no hour.
    sets = [retrieval_set(folder, split) for folder in folders]
    with _workplace(keep) as place:
        results = _retrieval(state, sets, names, queries, seed, place)
    if plot:
        _draw(plot, results)
    if state.json:
        state.emit(results if len(results) > 1 else next(iter(results.values())))
        return 0
    for line in _table(results):
        state.out(line)
    return 0


def _retrievers(given: str) -> list[str]:
    from gakju.evaluation.retrieval import RETRIEVERS

    names = list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if not names or (unknown := [name for name in names if name not in RETRIEVERS]):
        shown = repr(unknown[0]) if names else "Nothing"
        raise UsageError(f"{shown} is no retriever.", hint=f"There are: {', '.join(RETRIEVERS)}.")
    return names


@contextmanager
def _workplace(keep: Path | None) -> Iterator[Path]:
    """Where libraries are made: the folder to keep them in, or one that goes, also where the process is told to."""
    import signal

    if keep:
        yield keep
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="gakju-eval-"))
    try:
        yield folder
    finally:
        _remove(folder)
        signal.signal(signal.SIGTERM, before)


def _remove(folder: Path) -> None:
    """With what a write that was stopped half way still puts there: LanceDB ends it on a thread of its own."""
    deadline = time.monotonic() + _PATIENCE
    quiet = 0
    while quiet < 3 and time.monotonic() < deadline:
        quiet = 0 if folder.exists() else quiet + 1
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.1)


def _retrieval(
    state: State, sets: Sequence[RetrievalSet], names: Sequence[str], queries: int | None, seed: int, place: Path
) -> dict[str, dict[str, dict[str, Any]]]:
    """By set, under the folder's name, or its path where two folders have the same."""
    from gakju.assistant.parts import Parts
    from gakju.evaluation.retrieval import evaluate, library, picked, report

    same = len({data.name for data in sets}) < len(sets)
    results = {}
    with closing(Parts(state.settings)) as parts:
        for data in sets:
            with Meter(state) as meter, library(parts, data, place, meter.tell) as assistant:
                found = evaluate(assistant, data, picked(data, queries, seed), names, meter.tell)
            results[str(data.folder) if same else data.name] = report(found)
    return results


def _draw(path: Path, results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    from gakju.evaluation.plot import svg
    from gakju.evaluation.retrieval import MAIN

    try:
        path.write_text(svg(results, MAIN), encoding="utf-8")
    except OSError as e:
        raise UsageError(f"{path} cannot be written: {e.strerror}.", hint="Choose another file.") from e


def _table(results: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Lines with the figures under each other, for people."""
    from gakju.evaluation.retrieval import MAIN, METRICS

    width = max(len(name) for name in (*results, "set"))
    heads = [*METRICS, "queries", "p50_ms", "p95_ms"]
    yield f"{'set':<{width}}  {'':<7}" + "".join(f"{head:>12}" for head in heads) + "   95 %             p_vs_hybrid"
    for name, retrievers in results.items():
        for retriever, told in retrievers.items():
            low, high = told[f"{MAIN}_ci"]
            figures = "".join(f"{told[head]:>12}" for head in heads)
            yield f"{name:<{width}}  {retriever:<7}{figures}   {low:.4f}–{high:.4f}   {told.get('p_vs_hybrid', '')}"


@command("eval_answers", "gakju eval answers korquad1-dev --split dev --n 200 --report answers.html")
@click.argument("folder", metavar="DIR", type=_folder)
@click.option("--split", default="test", show_default=True, metavar="NAME", help=word("opt_split"))
@click.option("--model", default="", metavar="NAME", help=word("opt_model"))
@click.option("--mode", type=click.Choice(["verbatim", "free"]), help=word("opt_mode"))
@click.option("--n", "count", type=click.IntRange(1), metavar="N", help=word("opt_n"))
@click.option("--seed", default=0, show_default=True, help=word("opt_seed"))
@click.option("--refuse-below", type=click.FloatRange(0, 1), metavar="R", help=word("opt_refuse_below"))
@click.option("--report", type=_folder, metavar="FILE", help=word("opt_report"))
@click.option("--keep", type=_folder, metavar="FOLDER", help=word("opt_keep_answers"))
@click.option("--fresh", is_flag=True, help=word("opt_fresh"))
@click.pass_obj
def eval_answers(
    state: State,
    folder: Path,
    split: str,
    model: str,
    mode: str | None,
    count: int | None,
    seed: int,
    refuse_below: float | None,
    report: Path | None,
    keep: Path | None,
    fresh: bool,
) -> int:
    from gakju.assistant.parts import Parts
    from gakju.evaluation import answers
    from gakju.evaluation.answer_scores import curve, passages, scored, summary
    from gakju.evaluation.datasets import asked, retrieval_set
    from gakju.store import now

    _check_page(report)
    data = retrieval_set(folder, split)
    questions = answers.picked(asked(data, split), count, seed)
    settings = state.settings_with(refuse_below=refuse_below)
    place = keep or settings.home / "evaluation"
    options = {name: value for name, value in (("model", model), ("mode", mode)) if value}
    with closing(Parts(settings)) as parts, Meter(state) as meter:
        run = answers.Run(place, data, answers.decisive(parts, data, options))
        if fresh:
            run.clear()
        with answers.opened(parts, data, place, model, meter.tell) as assistant:
            found = answers.evaluate(assistant, run, questions, meter.tell, **options)
    texts = passages(data)
    scores = [scored(question, answer, texts) for question, answer in zip(questions, found, strict=True)]
    told = {**summary(scores), "curve": curve(scores), "run": str(run.folder)}
    if report:
        from gakju.evaluation.page import answers_page, write

        made = " · ".join([now()[:16], model or settings.chat_model, mode or "", f"seed {seed}", str(run.folder)])
        write(report, answers_page(data.name, told, scores, made, state.language))
    _emit(state, told)
    return 0


def _check_page(report: Path | None) -> None:
    """Before hours of work."""
    if report and (report.suffix.lower() != ".html" or not report.absolute().parent.is_dir()):
        raise UsageError(
            f"A page cannot be written to {str(report)!r}.", hint="Name an .html file in a folder there is."
        )


def _emit(state: State, told: Mapping[str, Any]) -> None:
    """Figures with their intervals, under each other."""
    if state.json:
        state.emit(told)
        return
    edges = told.get("ci", {})
    width = max(map(len, told))
    for name, value in told.items():
        if not isinstance(value, dict | list):
            low, high = edges.get(name, (None, None))
            interval = "" if low is None else f"   {low} – {high}"
            state.out(f"{name:<{width}}  {'–' if value is None else value}{interval}")


@command("eval_grounded", "gakju eval grounded statements.jsonl --json")
@click.argument("file", type=_folder)
@click.option("--report", type=_folder, metavar="FILE", help=word("opt_report"))
@click.pass_obj
def eval_grounded(state: State, file: Path, report: Path | None) -> int:
    from gakju.assistant.parts import Parts
    from gakju.evaluation.datasets import statements
    from gakju.evaluation.grounded import evaluate
    from gakju.evaluation.page import grounded_page, intervals, write

    _check_page(report)
    rows = statements(file)
    with closing(Parts(state.settings)) as parts, Meter(state) as meter:
        verified = evaluate(parts.verifier, rows, meter.tell)
    told = {**verified.summary(), "ci": intervals(verified)}
    if report:
        write(report, grounded_page(file.name, told, verified, rows, state.language))
    _emit(state, told)
    return 0


for _name, _command in {"retrieval": eval_retrieval, "answers": eval_answers, "grounded": eval_grounded}.items():
    evaluation.add_command(_command, _name)

COMMANDS = [evaluation]
