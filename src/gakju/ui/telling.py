"""A turn as its piece of the page draws it: every word in the visitor's language, nothing as markup."""

from __future__ import annotations

from typing import Any

from gakju.store import Feedback
from gakju.store import Turn as Row
from gakju.types import Claim, Footnote
from gakju.ui import words
from gakju.ui.state import assistant, language, n, t
from gakju.ui.turns import Turn, footnote

Data = dict[str, Any]


def turn(shown: Turn, row: Row, *, opened: str, last: bool, rated: Feedback | None) -> Data:
    """`opened` is the id of the mark whose page is open: `notes-0`, `evidence-2` or ""."""
    refused = shown.phase == "refused"
    claims = [_claim(shown, c) for c in shown.claims]
    return {
        "lang": language(),
        "refused": refused,
        "question": _question(shown, row),
        "asked": _asked(shown),
        "evidence": _evidence(shown, refused),
        "claims": [] if refused else claims,
        "struck": {"title": t("struck", count=len(claims)), "claims": claims} if refused and claims else None,
        "tail": shown.text if refused or (shown.text and not claims) else shown.tail,
        "note": "" if shown.checked or not (shown.text or shown.tail) else t("unchecked"),
        "status": _status(shown),
        "error": _error(shown),
        "foot": None if shown.running else _foot(shown, last, rated),
        "opinion": _opinion(rated),
        "opened": opened,
    }


def where(f: Footnote) -> str:
    return t("place", title=f.document.title, page=f.page)


def _asked(shown: Turn) -> str:
    """The question as it was searched for, where that is not what was written."""
    same = " ".join(shown.asked.split()) in {"", " ".join(shown.question.split())}
    return "" if same else t("asked_as", question=shown.asked)


def _claim(shown: Turn, c: Claim) -> Data:
    """What greets or leads over is no statement: it has no verdict to show."""
    word = t(f"verdict_{c.verdict}") if c.scored else ""
    if c.fate in {"struck", "regenerated"}:
        word = f"{word} · {t(f'fate_{c.fate}')}"
    return {
        "text": c.text,
        "verdict": c.verdict if c.scored else "courtesy",
        "struck": c.fate == "struck",
        "word": word,
        "reason": "" if c.verdict == "supported" or not c.scored else c.reason,
        "notes": [
            {"number": n, "label": t("open_note", number=n, place=where(shown.notes[n - 1]))} for n in shown.numbers(c)
        ],
    }


def _question(shown: Turn, row: Row) -> Data:
    return {
        "text": shown.question,
        "editable": not shown.running,
        "version": _version(row),
        "edit": t("edit_question"),
        "send": t("send"),
        "cancel": t("cancel"),
    }


def _version(row: Row) -> Data | None:
    count = len(row.versions)
    if count < 2:
        return None
    at = row.versions.index(row.id)
    return {
        "said": f"{at + 1}/{count}",
        "previous": row.versions[at - 1] if at else 0,
        "next": row.versions[at + 1] if at + 1 < count else 0,
        "before": t("version_before"),
        "after": t("version_after"),
    }


def _evidence(shown: Turn, refused: bool) -> Data | None:
    if not shown.evidence:
        return None
    items = [
        {
            "text": e.text.replace("\t", " · "),
            "where": where(footnote(e)),
            "label": t("open_evidence", place=where(footnote(e))),
        }
        for e in shown.evidence
    ]
    title = t("nearest" if refused else "evidence", count=len(items))
    # Open while nothing else is there to read; folded away once the answer stands on its own.
    return {"title": title, "open": refused or not (shown.claims or shown.tail), "items": items}


def _status(shown: Turn) -> Data | None:
    if not shown.running and shown.phase != "stopped":
        return None
    part, said = None, t(f"phase_{shown.phase}")
    if shown.phase == "searching" and shown.web and shown.web.stage in {"searching", "reading"}:
        said = t("phase_web", done=shown.web.done, total=shown.web.total)
    if shown.files:
        total, done = shown.files.get("total"), shown.files.get("done") or 0
        part = done / total if total else 0
        said = f"{said} {shown.files.get('item') or ''}".strip()
    stop = t("stop") if shown.running and shown.phase != "stopping" else ""
    return {"said": said, "busy": shown.running, "part": part, "stop": stop}


def _error(shown: Turn) -> Data | None:
    if shown.phase != "failed":
        return None
    said, more = words.failure(shown.error, language())
    return {"said": said, "more": more}


def _foot(shown: Turn, last: bool, rated: Feedback | None) -> Data | None:
    ended = shown.phase in {"failed", "stopped"}
    answered = bool(shown.text or shown.claims or shown.tail)
    labels = {
        "copy": t("copy"),
        "copied": t("copied"),
        "again": t("retry" if ended else "answer_again"),
        "good": t("rate_good"),
        "bad": t("rate_bad"),
    }
    return {
        "copied": copied(shown) if answered else "",
        "again": last or ended,
        "bare": ended,
        "rate": not ended,
        "rated": rated.value if rated else 0,
        "facts": facts(shown),
        "words": labels,
    }


def _opinion(rated: Feedback | None) -> Data | None:
    if rated is None:
        return None
    return {
        "value": rated.value,
        "noted": t("noted", note=rated.note) if rated.note else "",
        "ask": t("why_good" if rated.value > 0 else "why_bad"),
        "send": t("send"),
    }


def facts(shown: Turn) -> list[str]:
    """How far the answer is carried, how long it took, what it used, who wrote it."""
    found = []
    if scored := [c for c in shown.claims if c.scored]:
        carried = sum(c.verdict == "supported" for c in scored)
        found.append(t("carried", carried=carried, count=len(scored)))
    if shown.confidence and shown.checked:
        found.append(t("confidence", percent=round(100 * shown.confidence)))
    if shown.mode in {"verbatim", "free"} and shown.checked:
        found.append(t(f"mode_{shown.mode}"))
    if shown.seconds is not None:
        found.append(t("took", seconds=f"{shown.seconds:.1f}"))
    if used := sum(shown.usage):
        found.append(n("tokens", used))
    if money := assistant().accounts.price(shown.model, *shown.usage):
        found.append(t("cost", money=f"{money:.4f}".rstrip("0").rstrip(".")))
    if shown.model:
        found.append(shown.model.partition(":")[2] or shown.model)
    return found


def copied(shown: Turn) -> str:
    """The answer as text, its footnotes under it."""
    if not shown.claims or shown.phase == "refused":
        return shown.text or shown.tail
    body = " ".join(f"{c.text} {''.join(f'[{i}]' for i in shown.numbers(c))}".rstrip() for c in shown.claims)
    notes = [f"[{i}] {where(f)}: “{' '.join(f.quote.split())}”" for i, f in enumerate(shown.notes, 1)]
    return "\n".join([body, "", *notes]) if notes else body
