from __future__ import annotations

import gzip

import pytest

from gakju.errors import NetworkError
from gakju.web.sitemap import Sitemap, is_sitemap, parsed

NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
HERE = "https://www.site.example/sitemap.xml"


def urlset(*urls: str) -> bytes:
    rows = "".join(f"<url><loc>\n {url} </loc><lastmod>2026-11-01</lastmod></url>" for url in urls)
    return f'<?xml version="1.0" encoding="UTF-8"?><!-- made --><urlset {NS}>{rows}</urlset>'.encode()


def test_pages_of_its_own_site_in_order_each_once() -> None:
    body = urlset(
        "https://site.example/나?a=1&amp;b=2",
        "https://www.site.example/a",
        "/b",
        "https://site.example/a/?utm_source=x",
        "https://other.example/c",
        "javascript:alert(1)",
        "https://site.example/" + "x" * 3000,
        "",
        "https://site.example:port/",
        "https://site.example:99999/",
        "https://site.example]/",
    )
    pages = ("https://site.example/나?a=1&b=2", "https://www.site.example/a", "https://www.site.example/b", HERE)
    assert parsed(body, HERE, 1 << 20) == Sitemap(pages, (), 6)


def test_a_map_of_maps_packed() -> None:
    body = gzip.compress(f"<sitemapindex {NS}><sitemap><loc>/1.xml.gz</loc></sitemap></sitemapindex>".encode())
    assert is_sitemap(body)
    assert parsed(body, HERE, 1 << 20) == Sitemap((), ("https://www.site.example/1.xml.gz",), 0)


@pytest.mark.parametrize(
    "body", [b"<html><p>&lt;urlset&gt;", b"", b"\x1f\x8bx", b"%PDF-1.7", gzip.compress(b"<html>", mtime=0)]
)
def test_what_is_no_sitemap(body: bytes) -> None:
    assert not is_sitemap(body)


BOMB = b"<!DOCTYPE urlset [<!ENTITY a 'aaaaaaaaaa'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (gzip.compress(b"<urlset>" + b" " * (64 << 20), mtime=0), "more than 1024 KiB"),
        (gzip.compress(urlset("/a"), mtime=0)[:-9], "cut off"),
        (b"\x1f\x8b\x07\x00broken", "cannot be unpacked"),
        (b"<urlset><url>", "no XML"),
        (BOMB + b"]><urlset><url><loc>https://site.example/&j;</loc></url></urlset>", "document type|no XML"),
        (b"<!DOCTYPE u SYSTEM 'file:///etc/passwd'><urlset><url><loc>/a</loc></url></urlset>", "document type"),
    ],
)
def test_bombs_and_broken_ones_are_refused(body: bytes, words: str) -> None:
    with pytest.raises(NetworkError, match=rf"^site\.example sent .*({words})"):
        parsed(body, HERE, 1 << 20)
