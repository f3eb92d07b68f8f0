"""A search engine without a network, discriminative enough that a wrong order shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gakju.types import Freshness, WebResult
from gakju.web.engines import since


class FakeSearch:
    """Names those of `pages` that share words with the query, the most words first, then in order.

    A page whose URL ends in `?lang=ko` is Korean, others without that are in any language.
    """

    name = "fake"

    def __init__(self, pages: Sequence[WebResult]) -> None:
        self._pages = list(pages)
        self.asked: list[tuple[str, str, Freshness]] = []

    def search(self, query: str, *, count: int = 10, language: str = "", freshness: Freshness = "") -> list[WebResult]:
        self.asked.append((query, language, freshness))
        words = set(query.casefold().split())
        oldest = str(since(freshness)) if freshness else ""
        shared = {
            page: len(words & set(f"{page.title} {page.snippet}".casefold().split()))
            for page in self._pages
            if (not language or "lang=" not in page.url or page.url.endswith(f"lang={language}"))
            and oldest <= (page.published or str(datetime.now(UTC).date()))
        }
        found = [page for page in shared if shared[page]]
        return sorted(found, key=lambda page: -shared[page])[:count]
