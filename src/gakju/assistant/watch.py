"""Pages and sitemaps of the web as documents of a collection: visited in a job, and again from time to time.

A job "pages" visits what it is given, a sitemap's pages one after the other, and puts what is new into the collection.
Of a page that is watched is known what its site said of it and which bytes it had: what has not changed is not read.
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gakju.assistant.ingest import File, Wanted, taken
from gakju.assistant.line import Line, forget
from gakju.errors import GakjuError, NetworkError, UsageError
from gakju.jobs import Context
from gakju.store import Job, Watch, now
from gakju.text.links import site
from gakju.types import Added, Document, Problem, Progress
from gakju.wire import dump

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.web import Visited

EVERY: Mapping[str, int] = {"day": 24, "week": 7 * 24, "month": 30 * 24}
"""Hours between two readings, by the words that all fronts have for them."""

LOOK = 60.0
"""Seconds between looks at what is due."""
MAPS = 20
"""Sitemaps that one sitemap may name."""
MOST = 200
"""Addresses that are read again: each costs somebody's site a visit."""
MOST_BYTES = 256 << 20
"""Of all pages of one sitemap."""


class Watches:
    """What is read again, for one assistant. Thread-safe. Reads while the assistant owns the library, and only then."""

    def __init__(self, assistant: Assistant) -> None:
        self._a = assistant
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, urls: Sequence[str], *, collection: str, every: str = "", owner: str = "") -> Job:
        """Queue pages and sitemaps to be visited; each page is a "file" event of the job. `every` watches them.

        Raises UsageError, also where the web is switched off; LibraryBusy.
        """
        from gakju.assistant import check_collection

        self._a._must_own()
        self._a.web.must_be_on()
        hours = hours_of(every)
        check_collection(collection)
        check_urls(urls)
        if hours:
            there = {(w.url, w.collection) for w in self.all()}
            if len(there | {(url, collection) for url in urls}) > MOST:
                raise UsageError(f"{len(there)} addresses are read again already.", hint="`gakju pages rm` ends one.")
            for url in urls:
                self._a.store.watches.put(url, collection, hours)
            self.start()
        return self._a.jobs.submit("pages", {"urls": list(urls), "collection": collection}, owner)

    def all(self) -> list[Watch]:
        return self._a.store.watches.all()

    def again(self, watch_id: str, owner: str = "") -> Job:
        """Read it now. Raises NotFound, UsageError, LibraryBusy."""
        self._a._must_own()
        self._a.web.must_be_on()
        watch = self._a.store.watches.get(watch_id)
        self._a.store.watches.later(watch.id)
        return self._reading(watch) or self._a.jobs.submit(
            "pages", {"urls": [watch.url], "collection": watch.collection}, owner
        )

    def stop(self, watch_id: str) -> None:
        """Watch it no more, and end a reading of it that is under way; its documents stay. Raises NotFound."""
        watch = self._a.store.watches.get(watch_id)
        self._a.store.watches.drop(watch.id)
        if job := self._reading(watch):
            self._a.jobs.cancel(job.id)

    def _reading(self, watch: Watch) -> Job | None:
        mine = {"urls": [watch.url], "collection": watch.collection}
        busy = self._a.store.jobs(kinds=["pages"], states=["queued", "running"])
        return next((job for job in busy if job.payload == mine), None)

    # The clock

    def start(self) -> None:
        """Nothing runs where nothing is watched."""
        with self._lock:
            if self._thread is None and not self._stop.is_set() and self._a.store.watches.all():
                self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
                self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(5)

    def _look(self) -> None:
        while not self._stop.wait(LOOK):  # first of all, so that a command of a second begins nothing
            with suppress(GakjuError):  # a database that is away for a while
                self.look()

    def look(self) -> list[Job]:
        """Begin what is due. Where the web is off or the machine offline, it stays due."""
        s = self._a.settings
        if s.web == "off" or s.offline:
            return []
        return [self.again(w.id) for w in self.all() if w.next_at <= now()]


def hours_of(every: str) -> int:
    """Raises UsageError."""
    if every and every not in EVERY:
        raise UsageError(f"{every!r} is no interval.", hint=f"Use one of {', '.join(EVERY)}, or none.")
    return EVERY.get(every, 0)


def check_urls(urls: Sequence[str]) -> None:
    """Raises UsageError for what cannot be visited, before anything is kept of it."""
    for url in urls:
        if not url.startswith(("http://", "https://")) or not site(url):
            raise UsageError("Not a URL that can be opened.", hint="Write http(s)://host/…")
        if "@" in urlsplit(url).netloc:
            raise UsageError(f"{site(url)}: a name or password in a URL is not sent.", hint="Leave it out.")


# The job


def run(assistant: Assistant, context: Context) -> dict[str, Any]:
    """The handler of "pages" jobs. Payload: urls, collection."""
    results: list[Added] = []

    def told(added: Added) -> None:
        results.append(added)
        context.emit("file", dump(added))

    for url in context.payload["urls"]:
        _Reading(assistant, context, url, told).run()
    return {"files": dump(results)}


class _Reading:
    """Of one address that was given: a page, or a sitemap with its pages."""

    def __init__(self, assistant: Assistant, context: Context, url: str, told: Callable[[Added], None]) -> None:
        self.assistant = assistant
        self._context, self._url, self._told = context, url, told
        self._collection: str = context.payload["collection"]
        self._watch = assistant.store.watches.find(url, self._collection)
        self._counts: Counter[str] = Counter()
        self._bytes = 0
        self.known = dict(self._watch.pages) if self._watch else {}
        self.stopped = threading.Event()

    def run(self) -> None:
        self._context.progress(Progress("visiting", 0, 0, "pages", site(self._url)))
        try:
            first = self.visited(self._url, maps=True)
            urls = None if isinstance(first, Document) else self._listed(first)
        except GakjuError as error:
            self._tell(Added(self._url, None, 0, 0, 0.0, "failed", error=str(error)))
        else:
            self._read([self._url] if urls is None else self._wanted(urls), first if urls is None else None)
        if self._watch:
            self.assistant.store.watches.told(self._watch.id, self.known, self._counts)

    def _listed(self, found: Visited) -> list[str] | None:
        """The pages of a sitemap, None where `found` is a page."""
        from gakju.web.sitemap import is_sitemap, parsed

        if not is_sitemap(found.body):
            return None
        s = self.assistant.settings
        top = parsed(found.body, found.url, s.web_bytes)
        urls, strange = dict.fromkeys(top.pages), top.strange
        for url in top.maps[:MAPS]:
            self._context.check()
            try:
                below = self.assistant.web.visits.again(url, {}, maps=True)
                told = parsed(below.body, below.url, s.web_bytes) if below else top
            except GakjuError as error:
                self._tell(Added(url, None, 0, 0, 0.0, "failed", error=str(error)))
                continue
            urls |= dict.fromkeys(told.pages)
            strange += told.strange
            if len(urls) > s.web_sitemap_pages:
                break
        self._cut(len(urls) > s.web_sitemap_pages or len(top.maps) > MAPS, strange)
        return list(urls)[: s.web_sitemap_pages]

    def _cut(self, cut: bool, strange: int) -> None:
        """Tells what of a sitemap is not read, where that is something."""
        said = [f"Only {self.assistant.settings.web_sitemap_pages} of its pages are read."] if cut else []
        said += [f"Addresses of other sites: {strange}."] if strange else []
        if said:
            problem = Problem(None, "sitemap_cut", " ".join(said))
            self._tell(Added(self._url, None, 0, 0, 0.0, "partial", (problem,)))

    def _wanted(self, urls: Sequence[str]) -> list[str]:
        """Without pages that were here once and that a reader has deleted or moved."""
        return [url for url in urls if url not in self.known or self._held(url)]

    def _read(self, urls: Sequence[str], first: Visited | Document | None) -> None:
        parts = self.assistant.parts
        payload = {"collection": self._collection, "ocr": self.assistant.settings.ocr}
        sources = [_Page(self, payload, url, first) for url in urls]
        with Line(parts, parts.index, sources) as line:
            try:
                for at, source in enumerate(sources):

                    def tell(_page: int, _pages: int, _stage: str, at: int = at, url: str = source.url) -> None:
                        self._context.progress(Progress("visiting", at, len(urls), "pages", url))

                    added = taken(line, File(source.url), tell)
                    if added.status != "failed":
                        self.known[source.url] = source.marks
                    self._tell(added)
            finally:
                self.stopped.set()

    def _tell(self, added: Added) -> None:
        self._counts[added.status] += 1
        self._told(added)

    def _held(self, url: str) -> Document | None:
        """The document that was made of a page when it was read last."""
        place = self.known.get(url, {}).get("url")
        there = self.assistant.documents(self._collection) if place else []
        return next((d for d in there if d.path == place), None)

    def visited(self, url: str, *, maps: bool = False) -> Visited | Document:
        """A page, or the document that it still is. Raises NetworkError."""
        held, marks = self._held(url), self.known.get(url, {})
        if held is None or held.digest != marks["digest"]:
            held, marks = None, {}
        found = self.assistant.web.visits.again(url, marks, maps=maps)
        if found is None:
            assert held  # nothing else has marks
            return held
        self._bytes += len(found.body)
        if self._bytes > MOST_BYTES:
            raise NetworkError(f"{site(url)}: the pages before have {MOST_BYTES >> 20} MiB, so this one was left out.")
        return found


class _Page(Wanted):
    """A page, visited when the one before it has been read."""

    def __init__(
        self, reading: _Reading, payload: Mapping[str, Any], url: str, first: Visited | Document | None
    ) -> None:
        super().__init__(reading.assistant.parts, payload, File(url), set())
        self.url = url
        self.marks: Mapping[str, str] = reading.known.get(url, {})
        self._reading, self._first = reading, first

    def find(self, settled: Callable[[], None]) -> tuple[Document, bool]:
        found = self._first
        if found is None:
            if self._reading.stopped.wait(self._reading.assistant.web.visits.pause(self.url)):
                raise NetworkError("The visit was stopped.")
            found = self._reading.visited(self.url)
        if isinstance(found, Document):
            return found, True
        digest = self._parts.blobs.put(io.BytesIO(found.body), site(found.url))
        self._file = File(found.url, digest, found.published, found.language)
        self.marks = {**found.marks, "digest": digest, "url": found.url}
        settled()  # two addresses may lead to the same page
        return super().find(settled)

    def give_up(self, error: BaseException | None) -> None:
        if self._file.digest:  # it can be visited again
            forget(self._parts, self._file.digest)
