"""Marks, numbers, gaps and doubts in the text of an answer."""

from __future__ import annotations

from gakju.assistant.cited import Cited
from gakju.types import Answer, Claim, ClaimMade, DocumentRef, Done, Footnote, Token, Usage

LEAVE, TRIP = (Footnote(DocumentRef(n, n, f"{n}.pdf"), 2, f"{n}.", (), 0, 5) for n in ("leave", "trip"))


def claim(text: str, *notes: Footnote, verdict: str = "supported") -> Claim:
    return Claim(text, verdict, 0.9, notes)  # type: ignore[arg-type]


def told(*claims: Claim, preview: str, refusal: str = "") -> tuple[Cited, list[str]]:
    cited, pieces = Cited(), []
    for piece in preview:
        pieces.append(cited.take(Token(piece)))
    for made in claims:
        pieces.append(cited.take(ClaimMade(made)))
    text = refusal or " ".join(c.text for c in claims)
    pieces.append(cited.take(Done(Answer("q", text, bool(refusal), claims, (), {}, Usage(), "m"))))
    return cited, [p for p in pieces if p]


def test_a_place_has_one_number_and_each_mark_its_position() -> None:
    cited, pieces = told(claim("One.", LEAVE, TRIP), claim("Two.", LEAVE), preview="One.\nTwo.")
    assert cited.text == "One. [1][2]\nTwo. [1]"
    assert pieces == ["One. [1][2]", "\nTwo. [1]"]
    assert [(c.at, c.number, c.footnote.document.id) for c in cited.citations] == [
        (5, 1, "leave"),
        (8, 2, "trip"),
        (17, 1, "leave"),
    ]
    assert all(cited.text[c.at :].startswith(f"[{c.number}]") for c in cited.citations)


def test_a_doubt_is_told_in_the_language_of_the_claim() -> None:
    cited, _ = told(
        claim("One.", LEAVE), claim("둘.", verdict="unsupported"), claim("Three.", TRIP, verdict="partial"), preview=""
    )
    first, second, third = cited.text.split(" ", 2)[0], "둘. (", "Three. ("
    assert first == "One."
    assert second in cited.text
    assert third in cited.text
    assert cited.text.endswith(") [2]")


def test_what_nothing_carries_waits_for_what_something_does() -> None:
    doubtful = claim("Maybe.", verdict="unsupported")
    _, pieces = told(doubtful, claim("Yes.", LEAVE), preview="Maybe. Yes.")
    assert pieces[0].startswith("Maybe. (")
    assert pieces[0].endswith("Yes. [1]")
    refused, pieces = told(doubtful, preview="Maybe.", refusal="Not found.")
    assert (refused.text, pieces, refused.citations) == ("Not found.", ["Not found."], [])
