"""URLs: when two name the same page, and how one points at words of its page."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_TRACKING = re.compile(
    r"utm_\w+|[gy]clid|gclsrc|dclid|fbclid|msclkid|igshid|mc_[ce]id|_ga|_gl|spm|ref_src|cmpid|n_media|NaPm"
)
_PORTS = {"http": 80, "https": 443}
_WORDS = 4
"""Words at each end of a quote that name it: a whole long quote breaks where the page has a link in it."""


def canonical_url(url: str) -> str:
    """The same for addresses that lead to the same page: to compare by, and not to open.

    Raises ValueError for what is no URL.
    """
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    port = parts.port
    place = f"{host}:{port}" if port and port != _PORTS.get(parts.scheme) else host
    kept = sorted((k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(k))
    path = re.sub(r"/(?:index\.(?:html?|php))?$", "", parts.path)
    return f"{place}{path}" + (f"?{urlencode(kept)}" if kept else "")


def site(url: str) -> str:
    """The host a reader knows the page by; "" where there is none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def text_fragment(url: str, words: str) -> str:
    """`url` so that a browser opens it at `words` (https://wicg.github.io/scroll-to-text-fragment/)."""
    said = words.replace("\t", " ").split("\n")[0].split()
    if not said:
        return url
    short = len(said) <= 2 * _WORDS
    ends = [said] if short else [said[:_WORDS], said[-_WORDS:]]
    # A dash parts the fragment's own pieces, so it is spelt out too.
    named = ",".join(quote(" ".join(end), safe="").replace("-", "%2D") for end in ends)
    return f"{url.partition('#')[0]}#:~:text={named}"
