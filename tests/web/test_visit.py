from __future__ import annotations

import gzip
import time
from collections.abc import Iterator

import pytest

import sites
from gakju.errors import NetworkError
from gakju.http import Reach
from gakju.web.visit import Visits, published
from sites import Handler, Site

PAGE = '<html lang="ko-KR"><meta charset="euc-kr"><p>최저임금 고시</p></html>'.encode("euc-kr")
HTML = "text/html; charset=euc-kr"
BOMB = gzip.compress(b"\0" * (8 << 20))


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


def drip(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.02)


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with sites.running() as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    running.clear()
    for path in ("/page", "/2026/08/05/page", "/private", "/private/open", "/no.html", "/no/page.html"):
        running.put(path, PAGE, HTML)
        running.put(f"/to{path}", "", status=302, location=path)
    running.put("/loop", "", status=302, location="/loop")
    running.put("/bomb", BOMB, content_encoding="gzip")
    running.put("/br", b"packed", content_encoding="br")
    running.put("/photo", b"\x89PNG", "image/png")
    running.put("/empty", b" \n")
    running.pages |= {"/endless": endless, "/drip": drip}
    return running


def visits(**options: object) -> Visits:
    return Visits(Reach.of("127.0.0.1"), **{"offline": False, "seconds": 2.0, "most_bytes": 1 << 20, **options})


def test_a_page_is_brought_as_it_was_served(site: Site) -> None:
    found = visits().visit(f"{site.url}/to/2026/08/05/page")
    assert (found.asked, found.url) == (f"{site.url}/to/2026/08/05/page", f"{site.url}/2026/08/05/page")
    assert (found.body, found.media_type, found.published, found.language) == (PAGE, "text/html", "2026-08-05", "ko")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/endless", "sent more than 1024 KiB"),
        ("/bomb", "sent more than 1024 KiB"),
        ("/drip", "did not answer in time"),
        ("/br", "packed in a way"),
        ("/photo", "sent image/png, which is not read"),
        ("/gone", "answered 404"),
        ("/empty", "empty page"),
        ("/loop", "redirects without end"),
    ],
)
def test_what_is_not_read(site: Site, path: str, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(NetworkError, match=words) as caught:
        visits(seconds=0.7 if path == "/drip" else 100.0).visit(site.url + path)
    assert "127.0.0.1" in str(caught.value)
    assert time.monotonic() - began < 10


def test_robots_are_asked_once_and_obeyed(site: Site) -> None:
    rules = "User-agent: *\nDisallow: /private\nAllow: /private/open\n\nUser-agent: gakju\nDisallow: /no*.html$"
    site.put("/robots.txt", rules, "text/plain")
    browsing = visits()
    assert browsing.visit(f"{site.url}/private").body == PAGE  # the rules for all are not for one that is named
    for path in ("/no/page.html", "/to/no.html"):
        with pytest.raises(NetworkError, match=r"asks programs not to read.*robots\.txt"):
            browsing.visit(site.url + path)
    assert site.seen == ["/private", "/to/no.html"]
    assert site.robots == 1


@pytest.mark.parametrize(("status", "read"), [(404, True), (403, True), (500, False), (429, False)])
def test_a_site_without_rules_may_be_read_one_that_cannot_tell_may_not(site: Site, status: int, read: bool) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /", "text/plain", status)
    if read:
        assert visits().visit(f"{site.url}/page").body == PAGE
        return
    with pytest.raises(NetworkError, match="not to read"):
        visits().visit(f"{site.url}/page")


def test_offline_and_private_addresses_are_not_visited(site: Site) -> None:
    with pytest.raises(NetworkError, match=r"Offline: site\.example"):
        visits(offline=True).visit("http://site.example/")
    with pytest.raises(NetworkError, match="not on the public internet"):
        Visits(Reach(), offline=False, seconds=2).visit(f"{site.url}/page")
    assert site.seen == []


@pytest.mark.parametrize(
    "address",
    ["http://" + "a" * 70 + ".example/", "http://a..example/", "http://.../", "http://xn--/", "http://a.example/\x7f"],
)
def test_an_address_that_names_no_host_is_an_error_like_others(site: Site, address: str) -> None:
    site.put("/to/it", "", status=302, location=address)
    for url in (address, f"{site.url}/to/it"):
        with pytest.raises(NetworkError):
            visits().visit(url)


def test_an_address_that_is_none_has_no_pause() -> None:
    with pytest.raises(NetworkError):
        visits().pause("http://a.example/\x7f")


def test_many_are_visited_at_once(site: Site) -> None:
    began = time.monotonic()
    futures = visits(seconds=2.0).start([f"{site.url}/drip"] * 5 + [f"{site.url}/page"])
    assert futures[-1].result(60).body == PAGE
    assert [type(f.exception(60)) for f in futures[:5]] == [NetworkError] * 5
    assert time.monotonic() - began < 5 * 2.0  # as they would take one after the other


@pytest.mark.parametrize(
    ("head", "url", "day"),
    [
        ('<meta property="article:published_time" content="2026-08-05T09:00:00+09:00">', "", "2026-08-05"),
        ("<META CONTENT='2026.8.5' NAME='date'><meta name=date content='20260806'>", "", "2026-08-06"),
        ('<script>{"datePublished": "2026-08-05"}</script>', "", "2026-08-05"),
        ('<time class=x datetime="2026-08-05">', "", "2026-08-05"),
        ('<meta name="description" content="2020-01-01">', "https://n.example/2026/08/05/wage", "2026-08-05"),
        ('<meta name="date" content="2099-01-01"><time datetime="2026-08-05">', "", "2026-08-05"),
        ('<meta name="date" content="2099-01-01">', "https://n.example/2099/08/05/wage", ""),
        ('<meta name="date" content="2026-13-45">', "https://n.example/2026/99/05/wage", ""),
    ],
)
def test_the_day_a_page_gives_itself(head: str, url: str, day: str) -> None:
    assert published(head.encode(), url) == day


def test_a_page_is_asked_whether_it_has_changed(site: Site) -> None:
    site.put("/page", PAGE, HTML, etag='"one"', last_modified="Mon, 02 Nov 2026 09:00:00 GMT")
    browsing = visits()
    first = browsing.visit(f"{site.url}/page")
    assert first.marks == {"etag": '"one"', "last-modified": "Mon, 02 Nov 2026 09:00:00 GMT"}
    assert browsing.again(f"{site.url}/page", first.marks) is None
    assert browsing.again(f"{site.url}/page", {"etag": '"two"'}) == first
    moved = browsing.again(f"{site.url}/to/page", first.marks)
    assert moved
    assert (moved.body, moved.marks) == (PAGE, {})  # what marks it belongs to another address
    assert "if-none-match" not in site.sent[-1]
    site.put("/page", PAGE, HTML, etag="x" * 999)
    assert browsing.visit(f"{site.url}/page").marks == {}


def test_a_sitemap_is_taken_only_where_one_is_wanted(site: Site) -> None:
    site.put("/map", "<urlset><url><loc>/a</loc></url></urlset>", "application/xml")
    site.put("/feed", "<rss/>", "application/xml")
    with pytest.raises(NetworkError, match="sent application/xml, which is not read"):
        visits().visit(f"{site.url}/map")
    found = visits().again(f"{site.url}/map", {}, maps=True)
    assert found
    assert found.media_type == "application/xml"
    with pytest.raises(NetworkError, match="sent application/xml, which is not read"):
        visits().again(f"{site.url}/feed", {}, maps=True)


@pytest.mark.parametrize(("said", "pause"), [("", 0.2), ("Crawl-delay: 3", 3.0), ("Crawl-delay: 600", 10.0)])
def test_a_site_says_how_long_to_wait(site: Site, said: str, pause: float) -> None:
    site.put("/robots.txt", f"User-agent: *\n{said}", "text/plain")
    browsing = visits()
    browsing.visit(f"{site.url}/page")
    assert browsing.pause(f"{site.url}/page") == pause
