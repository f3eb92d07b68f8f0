"""Several engines and wordings asked at once; what they name, merged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import monotonic

from gakju.errors import GakjuError
from gakju.protocols import WebSearch
from gakju.text.links import canonical_url
from gakju.types import Freshness, WebResult

_CONSTANT = 20.0
"""Of reciprocal rank fusion: how little the first place is worth more than the second. Lists here are short."""

_PATIENCE = 1.5
"""Seconds that the others have once an engine has answered."""


@dataclass(frozen=True, slots=True)
class Searched:
    """Pages, best first, one of each address; and a line for each engine that failed."""

    results: tuple[WebResult, ...]
    problems: tuple[str, ...]


def search(
    engines: Sequence[WebSearch],
    queries: Sequence[str],
    *,
    count: int = 10,
    language: str = "",
    freshness: Freshness = "",
    seconds: float = 6.0,
) -> Searched:
    """Each engine is asked each query, all at once, for `seconds` at most. Raises nothing for what engines do."""
    jobs = [(engine, query) for engine in engines for query in queries]
    pool = ThreadPoolExecutor(max(1, len(jobs)), thread_name_prefix="search")
    asked = {
        pool.submit(engine.search, query, count=count, language=language, freshness=freshness): (engine, query)
        for engine, query in jobs
    }
    end, left = monotonic() + seconds, set(asked)
    while left and monotonic() < end:
        done, left = wait(left, end - monotonic(), "FIRST_COMPLETED")
        if any(not future.exception() and future.result() for future in done):
            end = min(end, monotonic() + _PATIENCE)
    pool.shutdown(wait=False, cancel_futures=True)
    lists: list[list[WebResult]] = []
    problems: list[str] = []
    for future, (engine, _) in asked.items():
        if future in left:
            problems.append(f"{engine.name} did not answer in time.")
        elif isinstance(error := future.exception(), GakjuError):
            problems.append(str(error))
        elif error:
            problems.append(f"{engine.name} failed ({type(error).__name__}).")
        else:
            lists.append(future.result())
    return Searched(tuple(merged(lists)[:count]), tuple(dict.fromkeys(problems)))


def merged(lists: Sequence[Sequence[WebResult]]) -> list[WebResult]:
    """By reciprocal ranks; of one page the first naming, with a date that any of them knows."""
    scores: dict[str, float] = defaultdict(float)
    first: dict[str, WebResult] = {}
    for results in lists:
        for rank, result in enumerate(results):
            try:
                page = canonical_url(result.url)
            except ValueError:
                continue
            scores[page] += 1 / (_CONSTANT + rank)
            known = first.setdefault(page, result)
            if result.published and not known.published:
                first[page] = WebResult(known.url, known.title, known.snippet, known.engine, result.published)
    return [first[page] for page in sorted(first, key=lambda page: -scores[page])]
