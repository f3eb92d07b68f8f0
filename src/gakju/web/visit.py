"""A page of the web to bytes: as its site allows, within limits, without a word of who asks."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic

import httpx

from gakju.errors import NetworkError
from gakju.http import USER_AGENT, Reach, Resolve, resolved, translated, visitor
from gakju.text.links import site
from gakju.web import sitemap
from gakju.web.when import come

TYPES = frozenset(["text/html", "application/xhtml+xml", "text/plain", "text/markdown", "application/pdf"])
"""Content types that are read; the reader looks at the bytes once more."""

_AT_ONCE = 6
_HOPS = 5
_ROBOTS_BYTES = 500 << 10
_ROBOTS_SECONDS = 3600.0
_ROBOTS_KEPT = 256
_PAUSE = 0.2
_ASKED_BY = {"etag": "if-none-match", "last-modified": "if-modified-since"}
_LONGEST_MARK = 200
_ENCODINGS = frozenset(["", "identity", "gzip", "deflate"])

_META = re.compile(rb"<meta\s[^<>]{0,1000}>", re.I)
_PUBLISHED = re.compile(
    rb"(?:name|property|itemprop)\s*=\s*[\"']?(?:article:published_time|og:published_time|datepublished|date|pubdate"
    rb"|dc\.date(?:\.issued)?|dcterms\.(?:created|issued)|publish[_-]?date|citation_publication_date)[\"'\s]",
    re.I,
)
_CONTENT = re.compile(rb"content\s*=\s*[\"']?\s*([^\"'<>]{4,40})", re.I)
_JSON_DATE = re.compile(rb"\"datePublished\"\s*:\s*\"([^\"]{4,40})\"")
_TIME_TAG = re.compile(rb"<time\s[^<>]{0,200}datetime\s*=\s*[\"']([^\"']{4,40})", re.I)
_IN_URL = re.compile(r"/((?:19|20)\d\d)[/-](0[1-9]|1[0-2])[/-](0[1-9]|[12]\d|3[01])(?:/|$|-|_)")
_DAY = re.compile(r"((?:19|20)\d\d)[-./]?(0[1-9]|1[0-2])[-./]?(0[1-9]|[12]\d|3[01])(?!\d)")
_LANGUAGE = re.compile(rb"<html\s[^<>]{0,300}?\blang\s*=\s*[\"']?([A-Za-z]{2,3})", re.I)


@dataclass(frozen=True, slots=True)
class Visited:
    """A page as it was served. `url` is where redirects ended; `published` the date it gives itself and `language`
    the one it declares, or "". `marks` are the headers by which the site can tell whether it has changed.
    """

    asked: str
    url: str
    body: bytes
    media_type: str
    published: str
    language: str
    marks: Mapping[str, str] = field(default_factory=dict)


class Visits:
    """Reads pages of the public internet. Thread-safe; what a site lets be read is remembered for an hour."""

    def __init__(
        self,
        reach: Reach,
        *,
        offline: bool,
        seconds: float = 8.0,
        most_bytes: int = 8 << 20,
        proxy: str = "",
        resolve: Resolve = resolved,
    ) -> None:
        """`seconds` for one page, robots.txt and redirects included; `most_bytes` of it, unpacked."""
        self._reach, self._offline, self._proxy, self._resolve = reach, offline, proxy, resolve
        self._seconds, self._most = seconds, most_bytes
        self._rules: OrderedDict[str, tuple[float, str | None]] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, urls: Sequence[str]) -> list[Future[Visited]]:
        """A visit of each, some at a time; none is waited for."""
        pool = ThreadPoolExecutor(min(_AT_ONCE, max(1, len(urls))), thread_name_prefix="visit")
        futures = [pool.submit(self.visit, url) for url in urls]
        pool.shutdown(wait=False)
        return futures

    def visit(self, url: str) -> Visited:
        """Raises NetworkError with a line that names the site and why its page was not read."""
        found = self.again(url, {})
        assert found
        return found

    def again(self, url: str, marks: Mapping[str, str], *, maps: bool = False) -> Visited | None:
        """As `visit`; None where the site says by `marks` of an earlier visit that nothing has changed.

        `maps`: a sitemap is taken too.
        """
        asked, name = url, site(url) or "The address"
        known = {_ASKED_BY[mark]: value for mark, value in marks.items() if mark in _ASKED_BY}
        with (
            translated(),
            visitor(
                self._reach,
                offline=self._offline,
                seconds=self._seconds,
                proxy=self._proxy,
                resolve=self._resolve,
            ) as http,
        ):
            http.follow_redirects = False  # each hop's site has rules of its own
            http.headers["accept"] = "text/html,application/xhtml+xml,application/pdf,text/plain;q=0.9"
            http.headers["accept-encoding"] = "gzip"
            for _ in range(_HOPS + 1):
                if not self._allowed(http, httpx.URL(url)):
                    raise NetworkError(f"{name} asks programs not to read this page (robots.txt).")
                with http.stream("GET", url, headers=known if url == asked else {}) as response:
                    if response.has_redirect_location:
                        url = str(response.url.join(response.headers["location"]))
                        continue
                    if response.status_code == 304 and known:
                        return None
                    return self._read(asked, name, response, maps)
        raise NetworkError(f"{name} redirects without end.")

    def pause(self, url: str) -> float:
        """Seconds that the site of a page visited before wants between two visits, 0.2 to 10. Raises NetworkError."""
        from protego import Protego

        with translated(), self._lock:
            _, rules = self._rules.get(_place(httpx.URL(url)), (0.0, None))
        wanted = Protego.parse(rules).crawl_delay(USER_AGENT) if rules else None
        return min(10.0, max(_PAUSE, float(wanted or 0)))

    def _read(self, asked: str, name: str, response: httpx.Response, maps: bool) -> Visited:
        response.raise_for_status()
        media_type = response.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
        if media_type not in TYPES and not (maps and media_type in sitemap.TYPES):
            raise NetworkError(f"{name} sent {media_type[:60] or 'nothing'}, which is not read.")
        body = _body(response, self._most, name)
        if media_type not in TYPES and not sitemap.is_sitemap(body):
            raise NetworkError(f"{name} sent {media_type}, which is not read.")
        if not body.strip():
            raise NetworkError(f"{name} sent an empty page.")
        url = str(response.url).partition("#")[0]
        head = body[: 200 << 10] if media_type != "application/pdf" else b""
        spoken = _LANGUAGE.search(head[:4096])
        language = spoken[1].decode().lower() if spoken else ""
        marks = {m: v for m in _ASKED_BY if (v := response.headers.get(m, "")) and len(v) < _LONGEST_MARK}
        # What a page that was moved is marked with would be asked of the place it was moved from.
        kept = marks if str(response.request.url) == asked else {}
        return Visited(asked, url, body, media_type, published(head, url), language, kept)

    def _allowed(self, http: httpx.Client, url: httpx.URL) -> bool:
        """By the site's robots.txt, RFC 9309: none allows all, a server that fails allows nothing."""
        place = _place(url)
        with self._lock:
            fetched, rules = self._rules.get(place, (0.0, None))
        if not fetched or monotonic() - fetched > _ROBOTS_SECONDS:
            rules = _robots(http, f"{place}/robots.txt")
            with self._lock:
                self._rules[place] = monotonic(), rules
                while len(self._rules) > _ROBOTS_KEPT:
                    self._rules.popitem(last=False)
        if not rules:
            return rules is not None
        from protego import Protego

        return bool(Protego.parse(rules).can_fetch(str(url), USER_AGENT))


def _place(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"


def _robots(http: httpx.Client, url: str) -> str | None:
    """The rules; "" where there are none, None where the server fails to tell them."""
    with http.stream("GET", url, follow_redirects=True) as response:
        if response.status_code >= 500 or response.status_code == 429:
            return None
        if not response.is_success:
            return ""
        body = b""
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _ROBOTS_BYTES:
                break
        return body[:_ROBOTS_BYTES].decode("utf-8", "replace")


def _body(response: httpx.Response, most: int, name: str) -> bytes:
    if response.headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
        raise NetworkError(f"{name} sent a page packed in a way that was not asked for.")
    too_large = NetworkError(f"{name} sent more than {most >> 10} KiB.", hint="Raise GAKJU_WEB_BYTES to read it.")
    said = response.headers.get("content-length", "")
    if said.isdigit() and int(said) > most:
        raise too_large
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > most:
            raise too_large
    return bytes(body)


def published(head: bytes, url: str) -> str:
    """The day a page says it was published, as 2026-11-23; "" where it says none, or only one that is to come."""
    told = [m for tag in _META.findall(head) if _PUBLISHED.search(tag) for m in _CONTENT.findall(tag)]
    told += [*_JSON_DATE.findall(head)[:1], *_TIME_TAG.findall(head)[:1]]
    for text in told:
        found = _DAY.match(text.decode("ascii", "replace").strip())
        if found and (day := come("-".join(found.groups()))):
            return day
    in_url = _IN_URL.search(url)
    return come("-".join(in_url.groups())) if in_url else ""
