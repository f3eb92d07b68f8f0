"""One turn of a conversation as the screen shows it, read from its job: the same after a reload or in a second tab."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from gakju.store import Event, Job, Store
from gakju.store import Turn as Row
from gakju.types import Claim, ClaimMade, Evidence, EvidenceFound, Footnote, Token, Usage, WebStep
from gakju.wire import Json, load_answer, load_event

Phase = Literal["queued", "adding", "searching", "writing", "stopping", "answered", "refused", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Turn:
    """`tail` is what has been written after the last whole claim; `text` the answer where there are no claims.

    `checked` says whether documents stand behind it; `files` is the progress of the files that came with it, `web`
    of the search there. `asked` is the question that was searched for, where a follow-up was made to stand alone.
    """

    job_id: str
    question: str
    phase: Phase
    evidence: tuple[Evidence, ...] = ()
    claims: tuple[Claim, ...] = ()
    tail: str = ""
    text: str = ""
    seconds: float | None = None
    error: Json = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    checked: bool = True
    files: Json = field(default_factory=dict)
    web: WebStep | None = None
    asked: str = ""
    mode: str = ""
    confidence: float = 0.0

    @property
    def running(self) -> bool:
        return self.phase in {"queued", "adding", "searching", "writing", "stopping"}

    @property
    def notes(self) -> tuple[Footnote, ...]:
        """Each place once, in the order the answer names them; a footnote's number is its position from 1."""
        return tuple({_place(f): f for c in self.claims for f in reversed(c.footnotes)}[p] for p in self._order())

    def numbers(self, claim: Claim) -> list[int]:
        """The footnote numbers of a claim, each once, in its own order."""
        order = self._order()
        return list(dict.fromkeys(order.index(_place(f)) + 1 for f in claim.footnotes))

    def _order(self) -> list[tuple[str, int, int, int]]:
        return list(dict.fromkeys(_place(f) for c in self.claims for f in c.footnotes))


def _place(f: Footnote) -> tuple[str, int, int, int]:
    return f.document.id, f.page, f.start, f.end


def footnote(e: Evidence) -> Footnote:
    """A sentence of evidence as a place to open."""
    first = e.spans[0]
    return Footnote(e.document, first.page, e.text, e.boxes, first.start, first.end, e.spans)


@dataclass
class Fold:
    """What the events of a running job have told so far, kept between looks so that each is read once."""

    attempt: int
    seq: int = 0
    evidence: tuple[Evidence, ...] = ()
    claims: list[Claim] = field(default_factory=list)
    tail: str = ""
    writing: bool = False
    asked: str = ""
    web: WebStep | None = None

    def add(self, e: Event) -> None:
        self.seq = e.seq
        match load_event(e.kind, e.data):
            case EvidenceFound(found, _, asked):
                self.evidence, self.asked, self.writing = found, asked, True
            case WebStep() as step:
                self.web = step
            case Token(text):
                self.tail += text
            case ClaimMade(claim):
                self.claims.append(claim)
                self.tail = ""


def read(store: Store, row: Row, folds: dict[str, Fold]) -> Turn:
    """The turn as it stands now; `folds` is the caller's memory of running jobs. Raises NotFound for a lost job."""
    with suppress(_Unfinished):
        whole = _whole(store, row.job_id, row.question)
        folds.pop(row.job_id, None)
        return whole
    job = store.job(row.job_id)
    fold = folds.get(job.id)
    if fold is None or fold.attempt != job.attempts:  # A job taken up again after a kill tells all anew.
        fold = folds[job.id] = Fold(job.attempts)
    for e in store.events(job.id, fold.seq):
        fold.add(e)
    return _partial(store, job, row.question, fold)


class _Unfinished(Exception):
    pass


@lru_cache(maxsize=256)
def _whole(store: Store, job_id: str, question: str) -> Turn:
    """A finished turn never changes, and every look at a conversation needs all of them."""
    job = store.job(job_id)
    if job.state != "done":
        raise _Unfinished
    a = load_answer(job.result)
    return Turn(
        job.id,
        question,
        "refused" if a.refused else "answered",
        a.evidence,
        a.claims,
        text=a.answer,
        seconds=a.timings.get("total"),
        usage=a.usage,
        model=a.model,
        checked=job.payload.get("sources") != "none",
        web=a.web,
        asked=a.asked,
        mode=a.mode,
        confidence=a.confidence,
    )


def _partial(store: Store, job: Job, question: str, fold: Fold) -> Turn:
    phases: dict[str, Phase] = {"failed": "failed", "cancelled": "stopped", "queued": "queued"}
    checked = job.payload.get("sources") != "none"
    running: Phase = "writing" if fold.writing or not checked else "searching"
    files: Json = {}
    if (waits := job.payload.get("waits")) and not fold.writing:
        adding = store.job(waits)
        if not adding.finished:
            running, files = "adding", adding.progress
    return Turn(
        job.id,
        question,
        "stopping" if job.cancel and job.state == "running" else phases.get(job.state, running),
        fold.evidence,
        tuple(fold.claims),
        tail=fold.tail.strip(),
        error=job.error,
        checked=checked,
        files=files,
        web=fold.web,
        asked=fold.asked,
    )
