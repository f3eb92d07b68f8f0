"""Sitemaps: which pages a site says it has. https://www.sitemaps.org/protocol.html"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from urllib.parse import urljoin

from gakju.errors import NetworkError
from gakju.text.links import canonical_url, site

TYPES = frozenset(["application/xml", "text/xml", "application/gzip", "application/x-gzip", "application/octet-stream"])
"""Content types that a sitemap comes as, beside those of pages."""

_MAGIC = b"\x1f\x8b"
_HEAD = 4096
_ROOT = re.compile(rb"<(?:[a-z]{1,20}:)?(urlset|sitemapindex)[\s>]")
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Sitemap:
    """Addresses of pages and of further sitemaps, in their order; `strange` are those of other sites, left out."""

    pages: tuple[str, ...]
    maps: tuple[str, ...]
    strange: int


def is_sitemap(body: bytes) -> bool:
    """By its root element, packed or not; what is no sitemap is no error here."""
    head = body[:_HEAD]
    if head.startswith(_MAGIC):
        try:
            head = zlib.decompressobj(31).decompress(body[: 4 * _HEAD], _HEAD)
        except zlib.error:
            return False
    return bool(_ROOT.search(head))


def parsed(body: bytes, url: str, most_bytes: int) -> Sitemap:
    """Unpacked it has `most_bytes` at most, and no entities of its own.

    A sitemap speaks for its own site only: addresses of other hosts are left out. Raises NetworkError.
    """
    from lxml import etree

    name = site(url)
    body = _unpacked(body, name, most_bytes)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise NetworkError(f"{name} sent a sitemap that is no XML.") from error
    if root.getroottree().docinfo.doctype:
        raise NetworkError(f"{name} sent a sitemap with a document type, which is not read.")
    found: dict[str, list[str]] = {"url": [], "sitemap": []}
    seen: set[str] = set()
    strange = 0
    for entry in root.iterchildren("{*}url", "{*}sitemap"):
        try:
            address = urljoin(url, (entry.findtext("{*}loc") or "").strip())
            page = canonical_url(address)
        except ValueError:  # no address at all
            address = page = ""
        if not address.startswith(("http://", "https://")) or len(address) > _LONGEST or site(address) != name:
            strange += 1
        elif page not in seen:
            seen.add(page)
            found[etree.QName(entry).localname].append(address)
    return Sitemap(tuple(found["url"]), tuple(found["sitemap"]), strange)


def _unpacked(body: bytes, name: str, most: int) -> bytes:
    if not body.startswith(_MAGIC):
        return body
    unpacking = zlib.decompressobj(31)
    try:
        body = unpacking.decompress(body, most + 1)
    except zlib.error as error:
        raise NetworkError(f"{name} sent a sitemap that cannot be unpacked.") from error
    if len(body) > most:
        raise NetworkError(f"{name} sent more than {most >> 10} KiB.", hint="Raise GAKJU_WEB_BYTES to read it.")
    if not unpacking.eof:
        raise NetworkError(f"{name} sent a sitemap that is cut off.")
    return body
