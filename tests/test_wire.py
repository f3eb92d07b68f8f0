"""What stands on the web keeps its marks on the way to a front and back."""

from __future__ import annotations

import json

from gakju import wire
from gakju.types import (
    Answer,
    Claim,
    ClaimMade,
    Document,
    DocumentRef,
    Done,
    Evidence,
    Footnote,
    Span,
    Usage,
    WebRef,
    WebStep,
)

PAGE = WebRef("w1", "최저임금", "https://example.kr/wage", "2026-11-23T09:00:00+00:00", "2026-08-05")
FILE = DocumentRef("d1", "취업규칙", "/rules.pdf")


def answer() -> Answer:
    notes = tuple(Footnote(d, 1, "시급은 1만 원이다.", (), 0, 11, (Span(1, 0, 11),)) for d in (PAGE, FILE))
    evidence = tuple(Evidence(n, f.quote, f.document, "c", f.spans, (), 0.5) for n, f in enumerate(notes, 1))
    claim = Claim("시급은 1만 원이다.", "supported", 1.0, notes)
    step = WebStep("read", "asked", ("시급",), 1, 1, ("example.kr",))
    return Answer("시급은?", claim.text, False, (claim,), evidence, {}, Usage(), "fake", step)


def test_an_answer_comes_back_as_it_left() -> None:
    given = answer()
    shown = json.loads(json.dumps(wire.answer(given)))
    assert wire.load_answer(shown) == given
    event = wire.load_event(*wire.event(ClaimMade(given.claims[0])))
    assert event == ClaimMade(given.claims[0])
    assert wire.load_event(*wire.event(given.web)) == given.web
    assert wire.load_event(*wire.event(Done(given))) == Done(given)


def test_only_a_page_of_the_web_has_a_link_and_a_time() -> None:
    page, file = wire.answer(answer())["claims"][0]["footnotes"]
    assert page["link"].startswith("https://example.kr/wage#:~:text=")
    assert page["document"]["read_at"] == "2026-11-23T09:00:00+00:00"
    assert file["document"] == {"id": "d1", "title": "취업규칙", "path": "/rules.pdf"}
    assert "link" not in file
    assert [("link" in e) for e in wire.answer(answer())["evidence"]] == [True, False]


def test_a_document_knows_whether_it_is_a_page() -> None:
    page = Document("w1", "최저임금", PAGE.path, "c", "d", "text/html", 1, 1, 1, PAGE.read_at, (), "2026-08-05")
    assert page.ref == PAGE
    assert Document("d1", "취업규칙", "/rules.pdf", "c", "d", "", 1, 1, 1, "").ref == FILE
