"""Numbers, times and failures as people read them, in either language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gakju.language import Language, catalogue, retold, say, told
from gakju.text.links import site
from gakju.types import Claim, DocumentRef, Problem, WebRef


def size(count: int) -> str:
    """Bytes in the unit that leaves one to three digits before the point."""
    value = float(count)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def duration(seconds: float, language: Language) -> str:
    """Whole seconds below a minute, then minutes and seconds, then hours and minutes."""
    whole = max(1, round(seconds))
    if whole < 60:
        return say("ui", "seconds", language, seconds=whole)
    if whole < 3600:
        return say("ui", "minutes", language, minutes=whole // 60, seconds=whole % 60)
    return say("ui", "hours", language, hours=whole // 3600, minutes=whole % 3600 // 60)


def zone(name: str | None) -> ZoneInfo:
    """A zone by the name that a browser gave, UTC where it means nothing."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def when(stamp: str, place: str | None, language: Language, now: datetime | None = None) -> str:
    """An ISO time in the visitor's zone: the hour on the same day, else the date."""
    there = zone(place)
    at = datetime.fromisoformat(stamp).astimezone(there)
    today = (now or datetime.now(there)).astimezone(there).date()
    if at.date() == today:
        return say("ui", "today", language, time=f"{at:%H:%M}")
    return f"{at:%Y. %-m. %-d.}" if language == "ko" else f"{at.day} {at:%b %Y}"


def ranges(numbers: Iterable[int]) -> str:
    """`3, 5–7` for 3, 5, 6, 7."""
    parts: list[list[int]] = []
    for n in sorted(set(numbers)):
        if parts and n == parts[-1][1] + 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in parts)


def failure(error: Mapping[str, str], language: Language) -> tuple[str, str]:
    """A job's error as (what happened, the next step or the detail); the second may be empty."""
    said = catalogue("errors", language).get(error.get("code", ""))
    message, hint = error.get("message", ""), error.get("hint", "")
    if language == "en":
        return message or said or "", hint
    if whole := told(message, hint, language):
        return whole, ""
    return (said, " ".join(filter(None, (message, hint)))) if said else (message, hint)


def place(document: DocumentRef, page: int, language: Language) -> str:
    """Where a quote stands: the page of a document, or the site of a page of the web."""
    if isinstance(document, WebRef):
        return say("ui", "web_place", language, title=document.title, site=site(document.path))
    return say("ui", "place", language, title=document.title, page=page)


def verdict(claim: Claim, language: Language) -> str:
    """How far documents carry a sentence, and what became of it; "" for a courtesy, which states nothing."""
    if not claim.scored:
        return ""
    word = say("ui", f"verdict_{claim.verdict}", language)
    marked = claim.fate in {"struck", "regenerated"}
    return f"{word} · {say('ui', f'fate_{claim.fate}', language)}" if marked else word


def problems(found: Iterable[Problem], language: Language) -> list[tuple[str, str, str]]:
    """Problems by kind as (what, pages, detail): `pages` is "" where a whole file is meant."""
    grouped: dict[str, list[Problem]] = {}
    for p in found:
        grouped.setdefault(p.kind, []).append(p)
    known = catalogue("errors", language)
    return [
        (
            known.get(kind, kind),
            ranges(p.page for p in group if p.page is not None),
            retold(retold(group[0].detail, "mistakes", language), "pages", language),
        )
        for kind, group in grouped.items()
    ]
