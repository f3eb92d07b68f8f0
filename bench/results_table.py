"""bench/RESULTS.md out of what the measurements wrote. Nothing is filled in that was not measured."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from common import HERE, questions
from gakju.evaluation.statistics import interval, paired_p

SETS = "korquad1-dev", "ssis-welfare-ko", "msmarco-ko", "squad2-half", "scifact", "chunking-eval", "cranfield"
PROBES = "korean-probes"
HYBRID, BM25, DENSE = "gakju", "gakju-bm25", "gakju-dense"
PEERS = "langchain", "langchain-256", "llama_index", "haystack", "txtai", "bm25-bigrams"
SURE = 0.05
NOT_RUN = "not run"
Json = Mapping[str, Any]


def render(found: Mapping[str, Json], quality: Path, commands: Mapping[str, str]) -> str:
    """The page. `found` by name of the measurement, `quality` the folder SYSTEM/SET.json, `commands` for what lacks."""
    scores = Scores(quality)
    parts = [
        *_head(found, scores),
        *_goals(found, scores),
        *_quality(scores, commands),
        *_probes(scores, found.get("korean_probes"), commands),
    ]
    for name, title in _FLAT.items():
        parts += [f"## {title}", "", *_flat(found.get(name), commands[name]), ""]
    return "\n".join(parts).rstrip() + "\n"


_FLAT = {
    "embedder": "Embedder",
    "ingest": "Ingest, Gakju alone",
    "memory": "Memory while more and more is added",
    "peers_ingest": "Ingest, beside the peers",
    "scale": "Scale",
}


class Scores:
    """nDCG@10 and hit@3 of every query, by system and set."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[tuple[str, str], Json] = {}
        for path in sorted(folder.glob("*/*.json")):
            self._files[path.parent.name, path.stem] = json.loads(path.read_text(encoding="utf-8"))

    @cached_property
    def systems(self) -> list[str]:
        """Ours, the peers that were to run, then whatever else there is."""
        expected = [HYBRID, BM25, DENSE, *PEERS]
        return [*expected, *sorted({system for system, _ in self._files} - set(expected))]

    def file(self, system: str, name: str) -> Json:
        return self._files.get((system, name), {})

    def values(self, system: str, name: str, kind: str = "ndcg") -> dict[str, float]:
        """By query; empty where it was not run. Ours keeps them among its details."""
        file = self.file(system, name)
        return dict(file.get(kind) or file.get("details", {}).get(kind) or {})

    def engine(self, system: str, name: str) -> str | None:
        """What made a peer's vectors."""
        engine: str | None = at(self.file(system, name), "vectors", "engine")
        return engine

    def mean(self, system: str, name: str) -> float | None:
        values = self.values(system, name)
        return float(np.mean(list(values.values()))) if values else None

    def macro(self, system: str) -> float | None:
        """The mean over the seven sets; None where one is missing."""
        means = [self.mean(system, name) for name in SETS]
        return None if any(m is None for m in means) else float(np.mean([m for m in means if m is not None]))

    def compared(self, one: str, other: str, name: str) -> tuple[float, float, int] | None:
        """Mean difference (one less the other), p of the paired test, queries that both were asked."""
        a, b = self.values(one, name), self.values(other, name)
        shared = sorted(a.keys() & b.keys())
        if not shared:
            return None
        pairs = np.array([a[q] for q in shared]), np.array([b[q] for q in shared])
        return float((pairs[0] - pairs[1]).mean()), paired_p(*pairs), len(shared)

    def best_single(self, name: str) -> str | None:
        """Of BM25 and dense, the better on that set."""
        means = {s: m for s in (BM25, DENSE) if (m := self.mean(s, name)) is not None}
        return max(means, key=lambda s: means[s]) if len(means) == 2 else None


def _head(found: Mapping[str, Json], scores: Scores) -> Iterator[str]:
    files = [*found.items(), *((f"quality of {s}", f) for s in scores.systems if (f := _any(scores, s)))]
    loads = [f"{name} {file['load']}" for name, file in files if "load" in file]
    memory = psutil.virtual_memory().total / (1 << 30)
    yield from (
        "# Results",
        "",
        "Written by `python bench/results.py`; how each figure is made stands in the script that makes it, what was"
        " tried and dropped in [LOG.md](LOG.md).",
        "",
        f"- written {datetime.now(UTC):%Y-%m-%d}; measured {_dates([file for _, file in files])}",
        f"- machine: {_processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB,"
        f" {platform.system()}, Python {platform.python_version()}",
        f"- load of the last minute when each began (0 is a quiet machine; timings above 0.5 say little):"
        f" {', '.join(loads) or NOT_RUN}",
        "",
    )


def _any(scores: Scores, system: str) -> Json:
    return next((f for name in SETS if (f := scores.file(system, name))), {})


def _dates(files: Sequence[Json]) -> str:
    days = sorted({str(file["at"])[:10] for file in files if file.get("at")})
    return " to ".join(dict.fromkeys([days[0], days[-1]])) if days else NOT_RUN


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


@dataclass(frozen=True)
class Goal:
    """`value` is None where it was not measured."""

    text: str
    wanted: str
    value: Any
    met: Callable[[Any], bool]

    @property
    def row(self) -> str:
        if self.value is None:
            return f"| {self.text} | {self.wanted} | {NOT_RUN} | |"
        return f"| {self.text} | {self.wanted} | {_shown(self.value)} | {'yes' if self.met(self.value) else '**no**'} |"


def at(found: Mapping[str, Any] | None, *path: str) -> Any:
    """What stands at a path of keys, None where there is nothing."""
    here: Any = found
    for key in path:
        here = here.get(key) if isinstance(here, Mapping) else None
    return here


def _goals(found: Mapping[str, Json], scores: Scores) -> list[str]:
    scale = at(found.get("scale"), "sizes") or {}
    recalls = [at(scale, size, "recall@10") for size in scale]
    embedder, ingest = found.get("embedder"), found.get("peers_ingest")
    # One run of the embedder, or one for each number of cores.
    ratios = [at(run, "ratio") for run in at(embedder, "runs") or [embedder]]
    runs = {run["peer"]: run for run in at(ingest, "runs") or ()}
    # Ours ran beside the peers, or on its own the same day.
    alone = found.get("ingest")
    own = at(runs.get("gakju"), "peak_mib") or at(alone, "peak_mib", "together")
    other = at(runs.get("langchain-256"), "peak_mib")
    at_most = None if own is None or other is None else round(own / other, 2)
    paces = at(alone, "pages_per_second"), at(runs.get("langchain-256"), "pages_per_second")
    apart = round(paces[0] / paces[1], 2) if all(paces) else None
    speed = at(ingest, "ratios", "gakju / langchain-256") or apart
    p50 = at(scale, "100000", "ms", "whole", "p50")
    returned = _sum(at(scale, size, "deleted_returned") for size in scale)
    added = at(scale, "100000", "add_found_s")
    goals = [
        Goal(
            "Embedder: tokens a second against sentence-transformers, worst run", "≥ 3.5 ×", _least(ratios), _over(3.5)
        ),
        Goal("Embedder: mean cosine to float32", "≥ .999", at(embedder, "cosine", "mean"), _over(0.999)),
        Goal("Ingest: pages a second against LangChain at equal chunks", "≥ 4 ×", speed, _over(4)),
        Goal("Ingest: peak memory as a share of LangChain's", "≤ 1", at_most, _under(1)),
        Goal("Ingest: growth of memory to 5,000 pages", "≤ .05", at(found.get("memory"), "growth"), _under(0.05)),
        Goal("Query at 100,000 chunks, whole path: p50, ms", "≤ 25", p50, _under(25)),
        Goal("recall@10 of the vector index, worst size", "≥ .98", _least(recalls), _over(0.98)),
        Goal("Deleted chunks that came back, all sizes", "0", returned, _under(0)),
        Goal("One document into 100,000 chunks: seconds until found", "told", added, lambda _: True),
        *_quality_goals(scores),
    ]
    return ["## Goals", "", "| what | goal | measured | met |", "|---|---|---|---|", *(g.row for g in goals), ""]


def _least(values: Sequence[float | None]) -> float | None:
    """None where one was not measured, or all."""
    known = [v for v in values if v is not None]
    return min(known) if known and len(known) == len(values) else None


def _sum(values: Iterable[int | None]) -> int | None:
    known = list(values)
    return sum(v for v in known if v is not None) if known and None not in known else None


def _over(limit: float) -> Callable[[float], bool]:
    return lambda value: value >= limit


def _under(limit: float) -> Callable[[float], bool]:
    return lambda value: value <= limit


def _quality_goals(scores: Scores) -> Iterator[Goal]:
    hybrid, singles = scores.macro(HYBRID), [scores.macro(s) for s in (BM25, DENSE)]
    gain = None if hybrid is None or None in singles else hybrid - max(s for s in singles if s is not None)
    yield Goal("nDCG@10, macro average over the best single retriever", "≥ +.03", gain, lambda v: v >= 0.03)
    against = [(name, best, scores.compared(HYBRID, best, name)) for name in SETS if (best := scores.best_single(name))]
    worse = [name for name, _, c in against if c and c[0] < 0 and c[1] < SURE]
    yield Goal(
        "Sets where hybrid is significantly below the better of the two",
        "none",
        (", ".join(worse) or "none") if len(against) == len(SETS) else None,
        lambda v: v == "none",
    )
    for peer in PEERS:
        other = scores.macro(peer)
        difference = None if hybrid is None or other is None else hybrid - other
        yield Goal(f"nDCG@10, macro average against {peer}", "> 0", difference, lambda v: v > 0)


def _quality(scores: Scores, commands: Mapping[str, str]) -> Iterator[str]:
    yield from ("## nDCG@10 on the seven development sets", "")
    missing = [s for s in scores.systems if scores.macro(s) is None]
    yield (
        f"All judged queries of each split. ↓ significantly below Gakju's hybrid, ↑ significantly above it (paired"
        f" randomisation test, p < {SURE}, not corrected for the number of tests); behind hybrid its 95 % interval."
    )
    yield ""
    names = ["hybrid", "bm25 alone", "dense alone", *scores.systems[3:]]
    yield f"| set | queries | {' | '.join(names)} |"
    yield f"|---|---{'|---' * len(names)}|"
    for name in SETS:
        cells = " | ".join(_cell(scores, system, name) for system in scores.systems)
        yield f"| {name} | {len(scores.values(HYBRID, name)) or '–'} | {cells} |"
    yield f"| **macro average** | | {' | '.join(_shown(scores.macro(s)) for s in scores.systems)} |"
    yield ""
    if borrowed := [s for s in scores.systems if any(scores.engine(s, name) == "int8" for name in SETS)]:
        yield f"On Gakju's int8 runtime, the same weights (mean cosine to float32 above .999): {', '.join(borrowed)}."
        yield ""
    if missing:
        yield f"Not run, or not on every set: {', '.join(missing)}. `{commands['quality']}`, `{commands['peers']}`."
        yield ""
    yield from _paired(scores)


def _cell(scores: Scores, system: str, name: str) -> str:
    mean = scores.mean(system, name)
    if mean is None:
        return NOT_RUN
    if system == HYBRID:
        low, high = interval(np.array(list(scores.values(system, name).values())))
        return f"**{_shown(mean)}** ({_shown(low)}–{_shown(high)})"
    compared = scores.compared(HYBRID, system, name)
    sure = compared is not None and compared[1] < SURE
    return _shown(mean) + ("" if not sure or compared is None else " ↓" if compared[0] > 0 else " ↑")


def _paired(scores: Scores) -> Iterator[str]:
    """Hybrid against each other system: difference and p on every set."""
    others = [s for s in scores.systems[1:] if any(scores.compared(HYBRID, s, name) for name in SETS)]
    if not others:
        return
    yield from ("Hybrid less the other, and p of the paired test:", "")
    yield f"| set | {' | '.join(others)} |"
    yield f"|---{'|---' * len(others)}|"
    for name in SETS:
        cells = []
        for other in others:
            found = scores.compared(HYBRID, other, name)
            cells.append(NOT_RUN if found is None else f"{found[0]:+.3f}, p {_p(found[1])}")
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _p(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0")


def _probes(scores: Scores, own: Json | None, commands: Mapping[str, str]) -> Iterator[str]:
    yield from ("## 100 Korean questions that break naive search: hit@3", "")
    kinds: dict[str, list[str]] = {}
    for probe in questions(HERE / "questions" / "korean_probes.jsonl"):
        kinds.setdefault(probe["kind"], []).append(probe["_id"])
    systems = [s for s in scores.systems if scores.values(s, PROBES, "hits")]
    if not systems:
        yield from (f"{NOT_RUN}: `{commands['quality']}`, `{commands['peers']}`", "")
        return
    hits = {s: scores.values(s, PROBES, "hits") for s in systems}
    yield f"| kind | {' | '.join(systems)} |"
    yield f"|---{'|---' * len(systems)}|"
    for kind, names in kinds.items():
        cells = " | ".join(f"{sum(hits[s].get(name, 0) for name in names):.0f}" for s in systems)
        yield f"| {kind} ({len(names)}) | {cells} |"
    yield f"| **all** | {' | '.join(f'**{sum(hits[s].values()):.0f}**' for s in systems)} |"
    halves = at(own, "retrievers", "hybrid", "hit@3")
    yield ""
    if halves:
        shown = ", ".join(f"{half} {halves[half][0]}/{halves[half][1]}" for half in ("dev", "unseen") if half in halves)
        yield from (f"Of hybrid, by half (the analyzer was made with an eye on the first): {shown}.", "")


def _flat(found: Json | None, command: str) -> Iterator[str]:
    """Every figure of a measurement: single ones a row each, those of several runs or sizes side by side."""
    if found is None:
        yield f"{NOT_RUN}: `{command}`"
        return
    kept = {k: v for k, v in found.items() if k not in _UNSHOWN}
    groups = {k: columns for k, v in kept.items() if (columns := _columns(v))}
    if single := {".".join(path): value for path, value in _leaves({k: kept[k] for k in kept.keys() - groups.keys()})}:
        yield from ("| figure | |", "|---|---|")
        yield from (f"| {name} | {_shown(single[name])} |" for name in sorted(single))
        yield ""
    for columns in groups.values():
        leaves = {title: {".".join(path): value for path, value in _leaves(own)} for title, own in columns.items()}
        yield f"| figure | {' | '.join(leaves)} |"
        yield f"|---{'|---' * len(leaves)}|"
        for name in dict.fromkeys(name for own in leaves.values() for name in own):
            yield f"| {name} | {' | '.join(_shown(own.get(name)) for own in leaves.values())} |"
        yield ""


_UNSHOWN = {"bench", "at", "date", "cores", "python", "machine", "details"}


def _columns(value: Any) -> dict[str, Json]:
    """Runs by the name of what ran, or sizes by size; {} for what is no such group."""
    if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
        return {_title(v, n): v for n, v in enumerate(value, 1)}
    if isinstance(value, Mapping) and len(value) > 0 and all(isinstance(v, Mapping) for v in value.values()):
        return {str(k): v for k, v in value.items()}
    return {}


def _title(run: Json, number: int) -> str:
    counted = next((f"{run[key]} {key}" for key in ("cores", "pages") if key in run), str(number))
    return str(run.get("peer", counted))


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif not (isinstance(value, list) and any(isinstance(v, Mapping) for v in value)):
        yield path, value
    elif path[-1].endswith("failed"):
        yield path, len(value)


def _shown(value: Any) -> str:
    """Shares with three digits and no leading zero, more near 1; the rest as it is."""
    if value is None:
        return "–"
    if isinstance(value, float) and 0.995 <= value < 1:
        return f"{value:.5f}".removeprefix("0").rstrip("0")
    if isinstance(value, float) and abs(value) < 1:
        return f"{value:.3f}".replace("0.", ".", 1)
    if isinstance(value, float):
        return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(map(_shown, value[:12]))
    return str(value).replace("|", "/")
