"""The web as a library: asked of engines, visited, read like files, kept as it was read, searched beside documents."""

from __future__ import annotations

import io
import logging
import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence, Set
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import permutations
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

from gakju.assistant.ingest import document_id
from gakju.assistant.line import Line, forget
from gakju.assistant.scope import WEB, Scope, search_in
from gakju.errors import Cancelled, GakjuError, LibraryBusy, NetworkError, NotFound, UsageError
from gakju.http import Reach
from gakju.store import Sources, now
from gakju.text.links import site
from gakju.text.normalise import squeeze
from gakju.types import AskEvent, Document, DocumentRef, Done, Found, WebRef, WebStep

if TYPE_CHECKING:
    from gakju.answer import Looked
    from gakju.assistant import Assistant
    from gakju.protocols import WebSearch
    from gakju.web import Engine, Searched, Visited, Visits, Wish

log = logging.getLogger("gakju.web")

SEARCH_SECONDS = 6.0
VISIT_SECONDS = 8.0
SPARE = 2
"""Pages visited beyond those wanted: some are always slow, gone or closed."""
ENOUGH, PATIENCE = 2, 2.0
"""After so many pages others have so many seconds to come: most come in one, and a reader waits."""

_FORGOTTEN = 20
"""Old copies deleted at a time, after an answer."""


class Checked(NamedTuple):
    """Whether a page has other bytes than the one that was read, and whether it still `holds` the quote."""

    changed: bool
    holds: bool


class Web:
    """Looks at the web for one assistant. Thread-safe."""

    def __init__(self, assistant: Assistant) -> None:
        self._a = assistant

    @cached_property
    def engines(self) -> list[WebSearch]:
        """Those that settings name an address or a key for, the private one first."""
        from gakju.web import Bing, Brave, Keyless, SearXNG, Tavily

        s = self._a.settings
        named: list[tuple[type[Engine], str, str]] = [
            (SearXNG, "", s.searxng),
            (Tavily, s.tavily_api_key.get_secret_value(), ""),
            (Brave, s.brave_api_key.get_secret_value(), ""),
            (Bing, s.bing_api_key.get_secret_value(), s.bing_endpoint),
        ]
        # A SearXNG of one's own is reached as it is named; services of the web like the web.
        found: list[WebSearch] = [
            kind(key, url, offline=s.offline, seconds=SEARCH_SECONDS, proxy=s.web_proxy if key else "")
            for kind, key, url in named
            if key or (kind is SearXNG and url)
        ]
        if s.ddgs:
            found.append(Keyless(s.ddgs, offline=s.offline, seconds=SEARCH_SECONDS, proxy=s.web_proxy))
        return found

    @cached_property
    def visits(self) -> Visits:
        from gakju.web import Visits

        s = self._a.settings
        reach = Reach.of(s.web_allow)
        return Visits(reach, offline=s.offline, seconds=VISIT_SECONDS, most_bytes=s.web_bytes, proxy=s.web_proxy)

    def chosen(self, sources: str) -> Sources:
        """What to answer from, where "" means what the setting `web` says.

        Raises UsageError where that is not allowed; for the web alone also what is missing: UsageError, NetworkError
        or LibraryBusy.
        """
        s = self._a.settings
        if not sources:
            return "auto" if s.web == "auto" else "documents"
        if sources not in get_args(Sources):
            raise UsageError(f"There are no sources {sources!r}.", hint=f"Use one of {', '.join(get_args(Sources))}.")
        if sources in {"web", "both", "auto"}:
            self.must_be_on()
        if sources == "web" and (missing := self._missing()):
            raise missing
        return cast(Sources, sources)

    def must_be_on(self) -> None:
        """Raises UsageError where the web is switched off."""
        if self._a.settings.web == "off":
            raise UsageError(
                "The web is switched off.", hint='Switch it on with `web = "ask"` in gakju.toml, or GAKJU_WEB=ask.'
            )

    def _missing(self) -> GakjuError | None:
        if self._a.settings.offline:
            return NetworkError(
                "Offline: the web was not searched.", hint="Allow connections with GAKJU_OFFLINE=false."
            )
        if not self.engines:
            return UsageError(
                "No search engine is set up.",
                hint="Name a SearXNG in the setting `searxng`, or give a key: `tavily_api_key`, `brave_api_key`. "
                "`ddgs` needs none.",
            )
        if not self._a.owner:  # what is read is kept in the library
            return LibraryBusy(
                "Another Gakju process is working on this library, so the web was not searched.",
                hint="Ask that one, or wait for it to end.",
            )
        return None

    # Answering

    def look(self, query: str, scope: Scope, sources: str) -> Generator[WebStep, None, tuple[Scope, WebStep | None]]:
        """Steps as they are made; then where to look for evidence, and the last step, None where none was made.

        What the web does wrong is told in a step; `scope` stands then. Raises what `chosen` raises.
        """
        wanted = self.chosen(sources)
        if wanted in {"documents", "none"}:
            return scope, None
        wish = self._wish(query, scope, wanted)
        if not wish.why:
            return scope, None
        if missing := self._missing():
            step = WebStep("skipped", wish.why, problems=(str(missing),))
            yield step
            return scope, step
        from gakju.web import queries

        step = WebStep("searching", wish.why, tuple(queries(query)))
        yield step
        end = monotonic() + self._a.settings.web_seconds
        found = self._searched(step.queries, query, wish)
        urls = [r.url for r in found.results][: self._a.settings.web_pages + SPARE]
        read: list[Document] = []
        wanted_pages = min(len(urls), self._a.settings.web_pages)
        step = replace(step, stage="reading", total=wanted_pages, problems=found.problems)
        if urls:
            yield step
        with closing(self._read(urls, {r.url: r.published for r in found.results}, end)) as reading:
            for told in reading:
                if isinstance(told, Document):
                    read.append(told)
                    step = replace(step, sites=(*step.sites, site(told.path)))
                    step = replace(step, problems=(*step.problems, *_hidden(told)))
                else:
                    step = replace(step, problems=(*step.problems, told))
                step = replace(step, done=len(read), total=max(len(read), wanted_pages))
                yield step
        read, older = without_older(query, read, self._lines)
        step = replace(step, stage="read", total=step.done, problems=(*step.problems, *older))
        if not found.results and not found.problems:
            step = replace(step, problems=("The search found no page.",))
        yield step
        return (self._scope(scope, read, wanted) if read or wanted == "web" else scope), step

    def _lines(self, document: Document) -> Set[str]:
        """Of the first page, without their figures."""
        return {shape for line in self._a.page(document.id, 1).text.splitlines() if (shape := _shape(line))}

    def told(self, stream: Iterator[AskEvent], step: WebStep | None) -> Generator[AskEvent, None, None]:
        """An answer's events, with how the web was looked at in the answer itself."""
        with closing(cast("Generator[AskEvent, None, None]", stream)) as events:
            for event in events:
                if not step or not isinstance(event, Done):
                    yield event
                    continue
                # Whoever has heard the end closes this: nothing is to do after it that may fail or be killed.
                try:
                    self.forget_old()
                except (GakjuError, OSError) as error:
                    log.warning("old pages of the web could not be forgotten: %s", error)
                yield _with_step(event, step)

    def _wish(self, query: str, scope: Scope, wanted: str) -> Wish:
        from gakju.web import wish

        if wanted != "auto":
            return wish(query)._replace(why="asked")
        a = self._a
        hits = search_in(a.parts.retriever, a.documents, query, scope)
        strength = a.parts.retriever.evidence(query, hits, a.settings.evidence).strength
        known = "\n".join("\n".join((h.document.title, *h.chunk.headings, h.chunk.text)) for h in hits)
        enough = a.settings.refuse_below
        return wish(query, known=known, strength=strength, enough=enough, cutoff=a.settings.knows_until)

    def _searched(self, asked: Sequence[str], query: str, wish: Wish) -> Searched:
        from gakju.web import search
        from gakju.web.when import language

        count = 2 * (self._a.settings.web_pages + SPARE)
        return search(
            self.engines,
            asked,
            count=count,
            language=language(query),
            freshness=wish.freshness,
            seconds=min(SEARCH_SECONDS, self._a.settings.web_seconds),
        )

    def _scope(self, scope: Scope, read: Sequence[Document], wanted: str) -> Scope:
        """One pool of what was read and, unless only the web is wanted, of what was there to search before."""
        pages = [d.id for d in read]
        if wanted == "web":
            return replace(scope, collections=(WEB,), documents=tuple(pages))
        documents = scope.documents
        if documents is None:
            documents = tuple(d.id for name in scope.collections for d in self._a.documents(name))
        return replace(scope, collections=(*scope.collections, WEB), documents=(*documents, *pages))

    def _read(self, urls: Sequence[str], dates: Mapping[str, str], end: float) -> Generator[Document | str, None, None]:
        """Pages as they were read, and lines on those that were not, until there are enough or it is `end`."""
        parts, most = self._a.parts, self._a.settings.web_pages
        coming = _Coming(dict(zip(self.visits.start(urls), urls, strict=True)), end)
        sources = [_Page(self._a, coming, dates) for _ in urls]
        seen: set[str] = set()

        def tell(_done: int, _total: int, _stage: str) -> None:
            if monotonic() > end:
                raise NetworkError("A page was too long to be read in time.")

        with Line(parts, parts.index, sources) as line:
            try:
                for source in sources:
                    try:
                        document, _ = line.take(tell)
                    except Cancelled:
                        raise
                    except GakjuError as error:
                        yield source.blame(error)
                        continue
                    if document.id not in seen:
                        seen.add(document.id)
                        yield document
                    if len(seen) >= most:
                        return
            finally:
                coming.stop()

    def forget_old(self) -> None:
        """Deletes copies of pages read longer ago than the setting says, some at a time."""
        days = self._a.settings.web_days
        if not days or not self._a.owner:
            return
        oldest = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        for old in [d for d in self._a.parts.index.documents(WEB) if d.added_at < oldest][:_FORGOTTEN]:
            with suppress(NotFound):
                self._a.parts.index.delete(old.id)
            forget(self._a.parts, old.digest)

    # Keeping

    def check(self, document: Document, quote: str) -> Checked:
        """Visit the page again: what it has become is kept beside what was read, where that is something else.

        Raises NetworkError where it cannot be had, UsageError where the web is switched off, LibraryBusy.
        """
        self.must_be_on()
        self._a._must_own()
        with closing(self._read([document.path], {}, monotonic() + self._a.settings.web_seconds)) as reading:
            now_there = next(reading)
        if isinstance(now_there, str):
            raise NetworkError(now_there)
        if now_there.digest == document.digest:
            return Checked(False, True)
        pages = (self._a.page(now_there.id, n) for n in range(1, now_there.pages + 1))
        return Checked(True, any(squeeze(quote) in squeeze(page.text) for page in pages))

    def save(self, document_id: str, collection: str) -> None:
        """A page that was read becomes a document of a collection, its footnotes stay. Raises NotFound, UsageError."""
        self._a.shelf.move([document_id], collection)

    def changed(self, document: Document) -> str:
        """When the same page was last read with other words than `document` has; "" where that is not known."""
        later = [
            d.added_at
            for d in self._a.parts.index.documents()
            if d.path == document.path and d.digest != document.digest and d.added_at > document.added_at
        ]
        return max(later, default="")


class _Coming:
    """Visits in the order they end. Once `ENOUGH` have brought a page, the others have `PATIENCE`."""

    def __init__(self, visits: Mapping[Future[Visited], str], end: float) -> None:
        self._left, self._end = dict(visits), end
        self._brought = 0
        self._stopped = threading.Event()

    def take(self) -> Visited:
        """Raises what ended the visit, NetworkError for one that does not end in time."""
        while self._left and not self._stopped.is_set():
            late = monotonic() >= self._end
            done, _ = wait(self._left, 0 if late else 0.1, FIRST_COMPLETED)
            if done:  # also one that came in time and waited for those before it to be read
                future = next(f for f in self._left if f in done)  # the one that engines put first
                del self._left[future]
                found = future.result()
                self._brought += 1
                if self._brought == ENOUGH:
                    self._end = min(self._end, monotonic() + PATIENCE)
                return found
            if late:
                break
        _, url = self._left.popitem() if self._left else (None, "")
        raise NetworkError(f"{site(url) or 'A page'} did not answer in time.")

    def stop(self) -> None:
        self._stopped.set()
        for future in self._left:
            future.cancel()


class _Page:
    """The next page that comes, on its way into the library."""

    passwords = ()
    ocr = False  # seconds a page, while somebody waits

    def __init__(self, assistant: Assistant, coming: _Coming, dates: Mapping[str, str]) -> None:
        self._a, self._coming, self._dates = assistant, coming, dates
        self._digest = self._url = ""

    def find(self, settled: Callable[[], None]) -> tuple[Document, bool]:
        found = self._coming.take()
        self._url = found.url
        parts = self._a.parts
        digest = parts.blobs.put(io.BytesIO(found.body), site(found.url))
        settled()  # the same bytes may come from two addresses
        if known := parts.index.find(WEB, digest):
            today = now()  # its days are counted from here, and it is told as read now
            return (known if known.added_at[:10] == today[:10] else parts.index.renew(known.id, today)), True
        self._digest = digest
        usual = document_id(WEB, digest)
        kept = parts.index.knows(usual)  # moved into a collection of the reader's own
        document = Document(
            id=document_id(WEB, f"{digest}/{now()}") if kept else usual,
            title="",
            path=found.url,
            collection=WEB,
            digest=digest,
            media_type="",
            bytes=len(found.body),
            pages=0,
            chunks=0,
            added_at=now(),
            published=found.published or self._dates.get(found.asked, ""),
            language=found.language,
        )
        return document, False

    def give_up(self, error: BaseException | None) -> None:
        if self._digest:
            forget(self._a.parts, self._digest)

    def blame(self, error: GakjuError) -> str:
        """A line that names the site."""
        said, name = str(error), site(self._url)
        return said if not name or name in said else f"{name}: {said}"


def without_older(
    query: str, read: Sequence[Document], lines: Callable[[Document], Set[str]]
) -> tuple[list[Document], list[str]]:
    """What was read without older versions of a page, and a line on each of those.

    Versions are pages of one site with one title and, figures aside, mostly the same `lines`: who may write on a site
    must not push out another's page with a title. A query that names a year may want the old one.
    """
    if re.search(r"(?:19|20)\d\d", query):
        return list(read), []
    newer: dict[str, Document] = {}
    for old, new in permutations([d for d in read if d.published], 2):
        same = (site(old.path), old.title) == (site(new.path), new.title) and old.published < new.published
        if same and (old.id not in newer or newer[old.id].published < new.published) and _alike(lines(old), lines(new)):
            newer[old.id] = new
    said = [
        f"A page of {d.published} was left out, since it is there as of {newer[d.id].published}: {d.path}"
        for d in read
        if d.id in newer
    ]
    return [d for d in read if d.id not in newer], said


def _alike(one: Set[str], other: Set[str]) -> bool:
    return 2 * len(one & other) >= max(len(one), len(other)) > 0


def looked_at(scope: Scope, step: WebStep | None) -> Looked:
    """What an answer had to stand on, given what `Web.look` returns; the web counts where no page was found, too."""
    if scope.collections == (WEB,):
        return "web"
    return "both" if step and step.stage != "skipped" else "documents"


_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")


def newest_first(query: str, found: Found) -> Found:
    """Of sentences that say the same but for figures that the query does not name, the newer page's comes first."""
    named = set(_DIGITS.findall(query))
    alike: dict[str, list[int]] = {}
    for place, e in enumerate(found.sentences):
        if _published(e.document):
            alike.setdefault(_shape(e.text, named), []).append(place)
    order = list(found.sentences)
    for places in alike.values():
        by_date = sorted((order[p] for p in places), key=lambda e: _published(e.document), reverse=True)
        for place, e in zip(places, by_date, strict=True):
            order[place] = replace(e, score=found.sentences[place].score)
    return replace(found, sentences=tuple(replace(e, number=n) for n, e in enumerate(order, 1)))


def _shape(text: str, named: Set[str] = frozenset()) -> str:
    """The text without its figures but those `named`."""
    return squeeze(_DIGITS.sub(lambda figure: figure[0] if figure[0] in named else "0", text))


def _published(document: DocumentRef) -> str:
    return document.published if isinstance(document, WebRef) else ""


def _hidden(document: Document) -> list[str]:
    count = sum(p.kind == "hidden_text" for p in document.problems)
    return [f"{site(document.path)}: text that readers do not see was left out."] if count else []


def _with_step(done: Done, step: WebStep) -> Done:
    """Says where pages of other dates say otherwise, and where a newer one is at hand than those cited."""
    from gakju.web.when import newer

    answer = done.answer
    notes = [f for c in answer.claims for f in c.footnotes]
    cited = [day for f in notes if (day := _published(f.document))]
    lines = []
    if newest := newer([day for e in answer.evidence if (day := _published(e.document))], cited):
        lines.append(f"The answer stands on a page of {max(cited)}; a page of {newest} is among the evidence.")
    for f in notes:
        same, day = _shape(f.quote), _published(f.document)
        for e in answer.evidence:
            other = _published(e.document)
            if day and other and other != day and e.text != f.quote and _shape(e.text) == same:
                lines.append(f"A page of {other} says otherwise: “{' '.join(e.text.split())}”")
    return Done(replace(answer, web=replace(step, problems=(*step.problems, *dict.fromkeys(lines)))))
