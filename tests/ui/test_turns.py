"""A turn read from its job: while it runs, when it ends, however it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from gakju import wire
from gakju.store import Store
from gakju.types import (
    Answer,
    Box,
    Claim,
    ClaimMade,
    DocumentRef,
    Evidence,
    EvidenceFound,
    Footnote,
    Span,
    Token,
    Usage,
)
from gakju.ui import turns

REF = DocumentRef("d1", "취업규칙", "/a/handbook.pdf")


def evidence(number: int, page: int, text: str) -> Evidence:
    return Evidence(number, text, REF, f"c{number}", (Span(page, 10, 20),), (Box(page, 1, 2, 3, 4),), 0.5)


FIRST, SECOND = evidence(1, 3, "연차는 15일이다."), evidence(2, 5, "이월할 수 없다.")
A, B = turns.footnote(FIRST), turns.footnote(SECOND)


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "gakju.db")
    yield store
    store.close()


@pytest.fixture
def row(store: Store):
    thread = store.talks.add("t", "default")
    store.talks.say(thread.id, "연차는?", "ask", {})
    return store.talks.turns(thread.id)[0]


def tell(store: Store, job_id: str, seq: int, told: object) -> None:
    store.add_event(job_id, seq, *wire.event(told))


def test_a_running_turn_grows_and_each_event_is_read_once(store: Store, row) -> None:
    folds: dict[str, turns.Fold] = {}
    assert turns.read(store, row, folds).phase == "queued"
    job = store.claim(["ask"])
    assert turns.read(store, row, folds).phase == "searching"
    tell(store, job.id, 1, EvidenceFound((FIRST, SECOND), 0.2))
    seen = turns.read(store, row, folds)
    assert (seen.phase, seen.evidence, seen.running) == ("writing", (FIRST, SECOND), True)
    tell(store, job.id, 2, Token("연차는 "))
    tell(store, job.id, 3, Token("15일"))
    assert turns.read(store, row, folds).tail == "연차는 15일"
    tell(store, job.id, 4, ClaimMade(Claim("연차는 15일이다.", "supported", 1.0, (A,))))
    seen = turns.read(store, row, folds)
    assert ([c.text for c in seen.claims], seen.tail) == (["연차는 15일이다."], "")
    store.clear_events(job.id)
    assert turns.read(store, row, folds).claims == seen.claims


def test_a_second_session_reads_the_same_from_the_store(store: Store, row) -> None:
    job = store.claim(["ask"])
    tell(store, job.id, 1, EvidenceFound((FIRST,), 0.2))
    tell(store, job.id, 2, Token("연차"))
    one, other = {}, {}
    turns.read(store, row, one)
    tell(store, job.id, 3, Token("휴가"))
    assert turns.read(store, row, one) == turns.read(store, row, other)


def test_a_job_taken_up_again_tells_all_anew(store: Store, row) -> None:
    folds: dict[str, turns.Fold] = {}
    job = store.claim(["ask"])
    tell(store, job.id, 1, EvidenceFound((FIRST,), 0.2))
    tell(store, job.id, 2, Token("처음"))
    turns.read(store, row, folds)
    store.clear_events(job.id)
    store.set_job(job.id, state="queued")
    store.claim(["ask"])
    tell(store, job.id, 1, EvidenceFound((SECOND,), 0.2))
    again = turns.read(store, row, folds)
    assert (again.evidence, again.tail) == ((SECOND,), "")


@pytest.mark.parametrize(("state", "phase"), [("failed", "failed"), ("cancelled", "stopped")])
def test_an_ended_turn_keeps_what_was_told(store: Store, row, state: str, phase: str) -> None:
    job = store.claim(["ask"])
    tell(store, job.id, 1, EvidenceFound((FIRST,), 0.2))
    store.set_job(job.id, state=state, error={"code": "model_missing", "message": "m", "hint": "h"})
    seen = turns.read(store, row, {})
    assert (seen.phase, seen.running, seen.evidence) == (phase, False, (FIRST,))
    assert seen.error["hint"] == "h"


def test_footnotes_are_numbered_by_place_in_the_order_of_the_answer(store: Store, row) -> None:
    claims = (Claim("둘.", "supported", 1, (B,)), Claim("하나와 둘.", "partial", 0.5, (A, B, A)))
    answer = Answer("연차는?", "둘. 하나와 둘.", False, claims, (FIRST, SECOND), {"total": 1.5}, Usage(), "fake:chat")
    store.set_job(row.job_id, state="done", result=wire.answer(answer))
    seen = turns.read(store, row, {})
    assert seen.phase == "answered"
    assert seen.notes == (B, A)
    assert [seen.numbers(c) for c in seen.claims] == [[1], [2, 1]]


def test_a_refusal_shows_its_text_and_the_nearest(store: Store, row) -> None:
    answer = Answer("날씨는?", "문서에 없습니다.", True, (), (FIRST,), {}, Usage(), "fake:chat")
    store.set_job(row.job_id, state="done", result=wire.answer(answer))
    seen = turns.read(store, row, {})
    assert (seen.phase, seen.text, seen.evidence) == ("refused", "문서에 없습니다.", (FIRST,))


def test_evidence_opens_at_its_own_place() -> None:
    assert turns.footnote(FIRST) == Footnote(
        REF, 3, "연차는 15일이다.", (Box(3, 1, 2, 3, 4),), 10, 20, (Span(3, 10, 20),)
    )
