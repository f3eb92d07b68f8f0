"""Pages and sitemaps as documents: visited in a job, read again only where something has changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import sites
from fronts import opened
from gakju.assistant import Assistant
from gakju.errors import NotFound, UsageError
from gakju.store import Job
from gakju.types import Added
from sites import Handler, Sent, Site

PAGE = "<html lang=ko><title>{0}</title><meta name=date content=2026-08-05><p>{0}의 이용료는 {1}원이다.</p></html>"


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with sites.running() as site:
        yield site


@pytest.fixture(scope="module")
def gakju(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gakju.web.visit._PAUSE", 0.0)
        home = tmp_path_factory.mktemp("watch")
        with opened(home, web="ask", web_allow="127.0.0.1", web_sitemap_pages=3) as one:
            yield one


@pytest.fixture
def site(running: Site, gakju: Assistant) -> Site:
    """Three pages, told in a sitemap, and nothing known of them. robots.txt is remembered from the first test on."""
    for watch in gakju.watches.all():
        gakju.watches.stop(watch.id)
    for document in gakju.documents():
        gakju.delete(document.id)
    running.clear()
    for name, fee in (("a", "100"), ("b", "200"), ("c", "300")):
        running.put(f"/{name}", PAGE.format(name, fee))
    listed(running, "/a", "/b", "/c")
    return running


def listed(site: Site, *paths: str, at: str = "/sitemap.xml", name: str = "urlset") -> None:
    entry = {"urlset": "url", "sitemapindex": "sitemap"}[name]
    rows = "".join(f"<{entry}><loc>{path}</loc></{entry}>" for path in paths)
    site.put(at, f"<{name} xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{rows}</{name}>", "application/xml")


def read(gakju: Assistant, *urls: str, every: str = "", collection: str = "site") -> list[Added]:
    return files(gakju, gakju.submit_pages(urls, collection=collection, every=every))


def files(gakju: Assistant, job: Job) -> list[Added]:
    ended = gakju.jobs.wait(job.id)
    assert ended.state == "done", ended.error
    events = [e.data for e in gakju.store.events(job.id) if e.kind == "file"]
    assert events == ended.result["files"]
    return [Added(**{**f, "problems": ()}) for f in events]


def told(found: list[Added], site: Site) -> list[tuple[str, str]]:
    return [(f.path.removeprefix(site.url), f.status) for f in found]


def test_pages_of_a_sitemap_become_documents(gakju: Assistant, site: Site) -> None:
    found = read(gakju, f"{site.url}/sitemap.xml", f"{site.url}/gone")
    assert told(found, site) == [("/a", "added"), ("/b", "added"), ("/c", "added"), ("/gone", "failed")]
    assert "404" in str(found[-1].error)
    assert [(d.path, d.published) for d in gakju.documents("site")] == [
        (f"{site.url}/{p}", "2026-08-05") for p in "abc"
    ]
    assert site.seen == ["/sitemap.xml", "/a", "/b", "/c", "/gone"]
    assert gakju.watches.all() == []


def test_only_what_has_changed_is_read_again(gakju: Assistant, site: Site) -> None:
    site.put("/a", PAGE.format("a", "100"), etag='"one"')
    site.put("/b", PAGE.format("b", "200"), last_modified="Mon, 02 Nov 2026 09:00:00 GMT")
    read(gakju, f"{site.url}/sitemap.xml", every="day")
    before = {d.path: d.id for d in gakju.documents("site")}
    (watch,) = gakju.watches.all()
    assert (watch.hours, len(watch.pages), watch.counts) == (24, 3, {"added": 3})
    assert watch.created_at < watch.read_at < watch.next_at

    site.put("/b", PAGE.format("b", "250"), last_modified="Tue, 03 Nov 2026 09:00:00 GMT")
    site.sent.clear()
    found = files(gakju, gakju.watches.again(watch.id))
    assert told(found, site) == [("/a", "unchanged"), ("/b", "added"), ("/c", "unchanged")]
    asked = [{k for k in headers if k.startswith("if-")} for headers in site.sent]
    assert asked == [set(), {"if-none-match"}, {"if-modified-since"}, set()]  # /c has the same bytes
    after = {d.path: d.id for d in gakju.documents("site")}
    changed = f"{site.url}/b"
    assert {p for p in after if after[p] != before[p]} == {changed}
    assert "250" in gakju.page(after[changed], 1).text
    assert gakju.watches.all()[0].counts == {"unchanged": 2, "added": 1}


def test_a_watched_page_that_is_gone_stays_and_one_that_was_deleted_is_left(gakju: Assistant, site: Site) -> None:
    read(gakju, f"{site.url}/sitemap.xml", every="week")
    gakju.delete(next(d.id for d in gakju.documents("site") if d.path.endswith("/a")))
    del site.pages["/b"]
    site.seen.clear()
    found = files(gakju, gakju.watches.again(gakju.watches.all()[0].id))
    assert told(found, site) == [("/b", "failed"), ("/c", "unchanged")]
    assert site.seen == ["/sitemap.xml", "/b", "/c"]
    assert [d.path[-2:] for d in gakju.documents("site")] == ["/b", "/c"]


def test_a_map_of_maps_is_read_once_deep_and_no_further_than_the_setting(gakju: Assistant, site: Site) -> None:
    listed(site, "/one.xml", "/gone.xml", "/two.xml", at="/all.xml", name="sitemapindex")
    listed(site, "/a", "/b", at="/one.xml")
    listed(site, "/b", "/c", "/d", "https://other.example/", at="/two.xml")
    job = gakju.submit_pages([f"{site.url}/all.xml"], collection="site")
    found = files(gakju, job)
    assert told(found, site) == [
        ("/gone.xml", "failed"), ("/all.xml", "partial"), ("/a", "added"), ("/b", "added"), ("/c", "added"),
    ]  # fmt: skip
    (problem,) = gakju.store.job(job.id).result["files"][1]["problems"]
    assert problem["kind"] == "sitemap_cut"
    assert problem["detail"] == "Only 3 of its pages are read. Addresses of other sites: 1."


def test_a_bomb_of_a_sitemap_is_an_error_in_words(gakju: Assistant, site: Site) -> None:
    site.put("/sitemap.xml", "<!DOCTYPE u [<!ENTITY a 'x'>]><urlset><url><loc>/&a;</loc></url></urlset>", "text/xml")
    (found,) = read(gakju, f"{site.url}/sitemap.xml")
    assert found.error == "127.0.0.1 sent a sitemap with a document type, which is not read."
    assert site.seen == ["/sitemap.xml"]


def test_what_is_due_is_read_by_itself_and_only_where_the_web_is_on(
    gakju: Assistant, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as past:
        past.setattr("gakju.store.watches._after", lambda hours: "2026-01-01T00:00:00+00:00")
        read(gakju, f"{site.url}/a", every="month")
    site.put("/a", PAGE.format("a", "999"))
    with monkeypatch.context() as off:
        off.setattr(gakju.settings, "web", "off")
        assert gakju.watches.look() == []
    with monkeypatch.context() as off:
        off.setattr(gakju.settings, "offline", True)
        assert gakju.watches.look() == []
    assert gakju.watches._thread is not None  # begun with the first watch
    (job,) = gakju.watches.look()
    assert told(files(gakju, job), site) == [("/a", "added")]
    assert gakju.watches.look() == []  # not due for a month
    (document,) = gakju.documents("site")
    assert "999" in gakju.page(document.id, 1).text


def test_a_reading_is_stopped_with_its_watch(gakju: Assistant, site: Site) -> None:
    go = threading.Event()

    def slow(handler: Handler) -> None:
        go.wait(60)
        handler.say(Sent(PAGE.format("b", "200").encode()))

    site.pages["/b"] = slow
    job = gakju.submit_pages([f"{site.url}/sitemap.xml"], collection="site", every="day")
    assert next(e for e in gakju.jobs.follow(job.id) if e.kind == "file").data["status"] == "added"
    (watch,) = gakju.watches.all()
    assert gakju.watches.again(watch.id).id == job.id  # it is being read
    gakju.watches.stop(watch.id)
    go.set()
    assert gakju.jobs.wait(job.id).state == "cancelled"
    assert gakju.watches.all() == []
    assert [d.path[-2:] for d in gakju.documents("site")] == ["/a"]  # what was read stays
    with pytest.raises(NotFound, match="no watched page"):
        gakju.watches.stop(watch.id)


def test_a_watch_goes_with_its_collection(gakju: Assistant, site: Site) -> None:
    read(gakju, f"{site.url}/a", every="day")
    gakju.shelf.rename("site", "moved")
    assert [w.collection for w in gakju.watches.all()] == ["moved"]
    gakju.shelf.remove("moved")
    assert gakju.watches.all() == []


def test_it_lasts_and_a_second_word_changes_the_interval(tmp_path: Path, site: Site) -> None:
    with opened(tmp_path, web="ask", web_allow="127.0.0.1") as one:
        assert one.watches._thread is None
        read(one, f"{site.url}/a", every="day")
        read(one, f"{site.url}/a", every="month")
    with opened(tmp_path, web="off") as again:
        assert [w.hours for w in again.watches.all()] == [720]
        assert again.watches._thread is not None
        with pytest.raises(UsageError, match="switched off"):
            again.watches.again(again.watches.all()[0].id)


def test_there_is_an_end_to_what_is_watched(gakju: Assistant, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gakju.assistant.watch.MOST", 1)
    read(gakju, f"{site.url}/a", every="day")
    read(gakju, f"{site.url}/a", every="week")
    with pytest.raises(UsageError, match="1 addresses are read again already"):
        gakju.submit_pages([f"{site.url}/b"], every="day")


@pytest.mark.parametrize(
    ("urls", "every", "words"),
    [
        (["https://a.example/"], "hour", "'hour' is no interval"),
        (["https://name:secret@a.example/"], "", "a.example: a name or password"),
        (["file:///etc/passwd"], "", "Not a URL"),
    ],
)
def test_what_is_not_taken(gakju: Assistant, site: Site, urls: list[str], every: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        gakju.submit_pages(urls, every=every)
    assert "secret" not in str(caught.value)
    assert gakju.watches.all() == []
