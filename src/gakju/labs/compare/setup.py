"""What a way costs before its first answer: indexing, writing examples, training."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from gakju.labs.compare.plan import Plan
from gakju.labs.compare.ways import Way, adapter
from gakju.labs.finetune.tuner import adapter_id

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.models.adapters import Adapter
    from gakju.types import Document

Json = dict[str, Any]
_JOBS = 1000


def library(assistant: Assistant, collection: str) -> Json:
    """What answers from documents rest on: its digest, and the seconds it took to read and index, where jobs tell.

    Seconds are those of the files that are there now, as their jobs measured them. `timed` counts those files: a job
    that was taken up again no longer knows the time of its first ones, which is then worked out by pages.
    """
    documents = assistant.documents(collection)
    took = _seconds(assistant, documents)
    pages = sum(d.pages for d in documents)
    timed = sum(d.pages for d in documents if d.id in took)
    told = [sorted([d.digest, str(d.pages), str(d.chunks)] for d in documents), sorted(_fingerprint(assistant))]
    return {
        "collection": collection,
        "digest": sha256(repr(told).encode()).hexdigest(),
        "documents": len(documents),
        "pages": pages,
        "chunks": sum(d.chunks for d in documents),
        "indexing_seconds": round(sum(took.values()) * pages / timed, 1) if timed else None,
        "timed": len(took),
    }


def _fingerprint(assistant: Assistant) -> Sequence[tuple[str, str]]:
    return tuple(assistant.parts.fingerprint.items())


def _seconds(assistant: Assistant, documents: Sequence[Document]) -> dict[str, float]:
    """By document; the newest job that added one counts."""
    here = {d.id for d in documents}
    found: dict[str, float] = {}
    for job in assistant.store.jobs(kinds=["add"], states=["done"], limit=_JOBS):
        for file in job.result.get("files", ()):
            if file.get("document_id") in here and file.get("status") in {"added", "partial"}:
                found.setdefault(file["document_id"], float(file["seconds"]))
    return found


def setup(assistant: Assistant, plan: Plan, way: Way, examples: int, shelf: Json) -> Json:
    """Seconds of the machine, None where they are not known, and minutes of a person. `about`: see `library`."""
    machine = 0.0
    known, about = True, False
    if way.arm.documents:
        known = shelf["indexing_seconds"] is not None
        machine += shelf["indexing_seconds"] or 0.0
        about = shelf["timed"] < shelf["documents"]
    if tuned := adapter(assistant, way.model):
        took = training(assistant, tuned)
        known = known and took is not None
        machine += took or 0.0
    person = examples * plan.example_minutes if way.arm.shots else 0.0
    return {
        "machine_seconds": round(machine, 1) if known else None,
        "about": about,
        "person_minutes": round(person, 1),
        "examples": examples if way.arm.shots else 0,
    }


def training(assistant: Assistant, tuned: Adapter) -> float | None:
    """Seconds that an adapter was trained for; None where nothing tells."""
    for tuning in assistant.store.tunings.all():
        if tuned.id.startswith(adapter_id(tuning.id)) and "seconds" in tuning.told:
            return float(tuning.told["seconds"])
    return None
