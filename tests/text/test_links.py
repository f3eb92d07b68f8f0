from __future__ import annotations

from urllib.parse import unquote

import pytest

from gakju.text.links import canonical_url, site, text_fragment


@pytest.mark.parametrize(
    "other",
    [
        "http://example.kr/a/",
        "https://www.example.kr:443/a?utm_source=x&fbclid=1#top",
        "https://EXAMPLE.kr/a/index.html",
    ],
)
def test_one_page_has_one_name(other: str) -> None:
    assert canonical_url(other) == canonical_url("https://example.kr/a")


def test_what_chooses_the_page_stays() -> None:
    assert canonical_url("https://example.kr/view?id=2&b=1") == canonical_url("https://example.kr/view?b=1&id=2")
    assert (
        len({canonical_url(f"https://example.kr{p}") for p in ("/a", "/A", "/view?id=1", "/view?id=2", ":8080/a")}) == 5
    )


def test_a_site_is_its_host() -> None:
    assert [site(u) for u in ("https://www.law.go.kr/x", "http://[::1", "nothing")] == ["law.go.kr", "", ""]


def test_a_link_opens_the_page_at_its_words() -> None:
    link = text_fragment("https://example.kr/a#old", "최저임금은 9,860원, 즉 2024-01부터다.")
    assert link.startswith("https://example.kr/a#:~:text=")
    assert "-" not in link.partition("text=")[2]
    assert "," not in link.partition("text=")[2]
    assert unquote(link.partition("text=")[2]) == "최저임금은 9,860원, 즉 2024-01부터다."


def test_a_long_quote_is_named_by_its_ends() -> None:
    link = text_fragment("https://example.kr/a", " ".join(f"낱말{n}" for n in range(30)))
    assert unquote(link.partition("text=")[2]) == "낱말0 낱말1 낱말2 낱말3,낱말26 낱말27 낱말28 낱말29"
