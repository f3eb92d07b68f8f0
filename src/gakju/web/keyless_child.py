"""Run by `keyless` in a process of its own: a question as JSON on standard input, results as JSON on standard output.

Imports nothing of Gakju, and is imported by nothing.
"""

import json
import os
import sys
from contextlib import suppress
from typing import Any

_REFUSALS = frozenset([202, 401, 403, 418, 429, 503])


def watched() -> list[int]:
    """The statuses that engines answer with from now on: the package itself takes a refusal for nothing found."""
    seen: list[int] = []
    with suppress(ImportError, AttributeError):
        from ddgs.http_client import HttpClient

        request = HttpClient.request

        def noting(self: Any, *args: Any, **options: Any) -> Any:
            response = request(self, *args, **options)
            seen.append(response.status_code)
            return response

        HttpClient.request = noting
    return seen


def unsorted() -> None:
    """The package puts pages with any longer word of the query in their title first, so that Korean ones, whose words
    are short, go last. The engines' own order is better.
    """
    with suppress(ImportError, AttributeError):
        from ddgs.similarity import SimpleFilterRanker

        SimpleFilterRanker.rank = lambda _self, docs, _query: docs


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        from ddgs import DDGS

        statuses = watched()
        unsorted()
        engine = DDGS(proxy=asked["proxy"] or None, timeout=asked["seconds"])
        found = engine.text(
            asked["query"],
            region=asked["region"],
            timelimit=asked["age"] or None,
            max_results=asked["count"],
            backend=asked["engines"],
        )
    except Exception as error:
        if "No results" not in str(error):
            return {"error": type(error).__name__}
        refused = [status for status in statuses if status in _REFUSALS]
        return {"refused": refused[0]} if refused else {"results": []}
    return {"results": found}


if __name__ == "__main__":
    told = sys.stdout
    sys.stdout = sys.stderr  # what the package prints is no answer
    json.dump(answer(json.load(sys.stdin)), told)
    told.flush()
    os._exit(0)  # whatever threads the package has left
