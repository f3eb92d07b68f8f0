"""Search engines behind `protocols.WebSearch`: each says how it is asked and where its answer has what is wanted."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import httpx

from gakju.errors import NetworkError, RateLimited
from gakju.http import Reach, translated, visitor
from gakju.types import Freshness, WebResult
from gakju.web.when import come

MOST_BYTES = 4 << 20
_MOST_QUERY = 400
_DAYS = {"day": 1, "week": 7, "month": 31, "year": 366}
_TAG = re.compile(r"<[^<>]{1,40}>")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")

Request = tuple[str, str, Mapping[str, Any]]
"""Method, URL, and options of `httpx.Client.request`."""


class Engine(ABC):
    """Asks once, within `seconds` in all. Thread-safe. The address is one that the user named."""

    name: str
    url: ClassVar[str] = ""
    """The service's own address, where it has one."""

    def __init__(
        self, key: str = "", url: str = "", *, offline: bool = False, seconds: float = 6.0, proxy: str = ""
    ) -> None:
        self._key = key
        self._url = (url or self.url).rstrip("/")
        self._offline, self._seconds, self._proxy = offline, seconds, proxy

    def search(self, query: str, *, count: int = 10, language: str = "", freshness: Freshness = "") -> list[WebResult]:
        """See `protocols.WebSearch`."""
        query = " ".join(query.split())[:_MOST_QUERY]
        found = self._ask(*self.request(query, count, language, freshness))
        try:
            kept = [r for row in self.rows(found) if (r := self._result(row))]
        except (AttributeError, KeyError, TypeError) as error:
            raise self._failed("answered in a form that is not its own") from error
        return kept[:count]

    @abstractmethod
    def request(self, query: str, count: int, language: str, freshness: Freshness) -> Request: ...

    @abstractmethod
    def rows(self, found: Any) -> Iterable[Mapping[str, Any]]:
        """The results of an answer, each with url, title, snippet and perhaps published. May raise what JSON of
        another shape raises.
        """

    def _ask(self, method: str, url: str, options: Mapping[str, Any]) -> Any:
        host = httpx.URL(self._url).host
        try:
            with (
                translated(),
                visitor(
                    Reach(frozenset([host])), offline=self._offline, seconds=self._seconds, proxy=self._proxy
                ) as http,
                # A key goes where the user sends it, and not on from there: only `authorization` would stay behind.
                http.stream(method, url, follow_redirects=not self._key, **options) as response,
            ):
                self._check(response)
                body = b""
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > MOST_BYTES:
                        raise self._failed(f"answered more than {MOST_BYTES >> 20} MiB")
        except NetworkError as error:
            said = error.message if self.name in error.message else f"{self.name}: {error.message}"
            raise NetworkError(said, hint=error.hint) from error
        except httpx.InvalidURL as error:
            raise self._failed("has no address that can be opened") from error
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._failed("answered no JSON", hint=self.no_json) from error

    no_json: ClassVar[str] = ""
    """What to do where the engine answers, but no JSON."""

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == 429:
            after = response.headers.get("retry-after", "")
            wait = min(int(after), 3600) if after.isdigit() else 60
            raise RateLimited(
                f"{self.name} takes no more questions for now (429).", hint=f"Ask again in {wait} s.", retry_after=wait
            )
        if status in {401, 403}:
            raise self._failed(f"refuses ({status})", hint=self.refused)
        if not response.is_success:
            raise self._failed(f"answered {status}")

    refused: ClassVar[str] = "Check its key."

    def _failed(self, what: str, hint: str = "") -> NetworkError:
        return NetworkError(f"{self.name} {what}.", hint=hint)

    def _result(self, row: Mapping[str, Any]) -> WebResult | None:
        url, title, snippet = (row.get(k) for k in ("url", "title", "snippet"))
        if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > 2000:
            return None
        told = _DATE.match(str(row.get("published") or ""))
        return WebResult(url, _plain(title)[:300], _plain(snippet)[:1000], self.name, come(told[0]) if told else "")


def _plain(text: object) -> str:
    return " ".join(_TAG.sub("", text).split()) if isinstance(text, str) else ""


class SearXNG(Engine):
    """https://docs.searxng.org/dev/search_api.html"""

    name = "SearXNG"
    no_json = "Allow `json` under `search: formats:` in its settings.yml."
    refused = no_json

    def request(self, query: str, count: int, language: str, freshness: Freshness) -> Request:
        asked = {"q": query, "format": "json", "language": language or "all"}
        # Most engines behind it know no weeks; what is a little older does less harm than nothing.
        asked |= {"time_range": {"week": "month"}.get(freshness, freshness)} if freshness else {}
        return "GET", f"{self._url}/search", {"params": asked}

    def rows(self, found: Any) -> Iterable[Mapping[str, Any]]:
        if not found["results"] and (silent := found.get("unresponsive_engines")):
            said = "; ".join(": ".join(map(str, pair))[:80] for pair in silent[:3])
            raise self._failed(f"got nothing from the engines it asks ({said})")
        return [{**r, "snippet": r.get("content"), "published": r.get("publishedDate")} for r in found["results"]]


class Tavily(Engine):
    """https://docs.tavily.com/documentation/api-reference/endpoint/search"""

    name = "Tavily"
    url = "https://api.tavily.com"

    def request(self, query: str, count: int, language: str, freshness: Freshness) -> Request:
        asked: dict[str, Any] = {"query": query, "max_results": min(count, 20)}
        asked |= {"time_range": freshness} if freshness else {}
        return "POST", f"{self._url}/search", {"json": asked, "headers": {"authorization": f"Bearer {self._key}"}}

    def rows(self, found: Any) -> Iterable[Mapping[str, Any]]:
        return [{**r, "snippet": r.get("content"), "published": r.get("published_date")} for r in found["results"]]


class Brave(Engine):
    """https://api-dashboard.search.brave.com/documentation/services/web-search"""

    name = "Brave"
    url = "https://api.search.brave.com"

    def request(self, query: str, count: int, language: str, freshness: Freshness) -> Request:
        asked: dict[str, Any] = {"q": query, "count": min(count, 20), "text_decorations": "false"}
        asked |= {"search_lang": language} if language else {}
        asked |= {"freshness": f"p{freshness[0]}"} if freshness else {}
        return (
            "GET",
            f"{self._url}/res/v1/web/search",
            {"params": asked, "headers": {"x-subscription-token": self._key}},
        )

    def rows(self, found: Any) -> Iterable[Mapping[str, Any]]:
        rows = found["web"]["results"] if found.get("web") else []
        return [{**r, "snippet": r.get("description"), "published": r.get("page_age")} for r in rows]


class Bing(Engine):
    """The shape of Bing's Web Search API v7, which other services speak too."""

    name = "Bing"
    url = "https://api.bing.microsoft.com"

    def request(self, query: str, count: int, language: str, freshness: Freshness) -> Request:
        asked: dict[str, Any] = {"q": query, "count": min(count, 50), "responseFilter": "Webpages"}
        asked |= {"setLang": language} if language else {}
        asked |= {"mkt": "ko-KR"} if language == "ko" else {}
        if freshness:
            asked["freshness"] = f"{since(freshness)}..{datetime.now(UTC).date()}"
        headers = {"ocp-apim-subscription-key": self._key}
        return "GET", f"{self._url}/v7.0/search", {"params": asked, "headers": headers}

    def rows(self, found: Any) -> Iterable[Mapping[str, Any]]:
        rows = found["webPages"]["value"] if found.get("webPages") else []
        return [{**r, "title": r.get("name"), "published": r.get("datePublished")} for r in rows]


def since(freshness: Freshness) -> date:
    """The first day of it."""
    return datetime.now(UTC).date() - timedelta(days=_DAYS.get(freshness, 0))
