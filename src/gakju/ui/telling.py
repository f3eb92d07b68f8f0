"""A turn as its piece of the page draws it: every word in the visitor's language, nothing as markup."""

from __future__ import annotations

from typing import Any

from gakju.language import retold
from gakju.store import Feedback
from gakju.store import Turn as Row
from gakju.types import Claim, Footnote, WebStep
from gakju.ui import web, words
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
        "web": _web(shown),
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
    return words.place(f.document, f.page, language())


def _asked(shown: Turn) -> str:
    """The question as it was searched for, where that is not what was written."""
    same = " ".join(shown.asked.split()) in {"", " ".join(shown.question.split())}
    return "" if same else t("asked_as", question=shown.asked)


def _claim(shown: Turn, c: Claim) -> Data:
    return {
        "text": c.text,
        "verdict": c.verdict if c.scored else "courtesy",
        "struck": c.fate == "struck",
        "word": words.verdict(c, language()),
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
            "mark": web.mark(e.document.path),
            "label": t("open_evidence", place=where(footnote(e))),
        }
        for e in shown.evidence
    ]
    title = t("nearest" if refused else "evidence", count=len(items))
    # Open while nothing else is there to read; folded away once the answer stands on its own.
    return {"title": title, "open": refused or not (shown.claims or shown.tail), "items": items}


def _web(shown: Turn) -> Data | None:
    """How the web was looked at, once that is over: what engines were asked, whose pages were read, what went wrong."""
    step = shown.web
    if step is None or (shown.running and step.stage != "skipped") or not (step.queries or step.problems):
        return None
    title = t("web_read", count=step.done) if step.done else t("web_unread")
    return {
        "title": title,
        "open": step.stage == "skipped" or not step.done,
        "asked": t("web_asked", queries=" · ".join(step.queries)) if step.queries else "",
        "why": t(f"web_why_{step.why}") if step.why not in {"", "asked"} else "",
        "sites": _marks(step),
        "problems": [retold(line, "web", language()) for line in step.problems],
    }


def _looking(step: WebStep) -> str:
    match step.stage:
        case "searching":
            return t("phase_web_searching", queries=" · ".join(step.queries))
        case "reading":
            return t("phase_web_reading", done=step.done, total=step.total)
    return t("phase_searching")


def _marks(step: WebStep) -> list[Data]:
    return [found for name in dict.fromkeys(step.sites) if (found := web.mark(f"https://{name}/"))]


def _status(shown: Turn) -> Data | None:
    if not shown.running and shown.phase != "stopped":
        return None
    part, said = None, t(f"phase_{shown.phase}")
    sites: list[Data] = []
    if shown.phase == "searching" and shown.web:
        said, sites = _looking(shown.web), _marks(shown.web)
    if shown.files:
        total, done = shown.files.get("total"), shown.files.get("done") or 0
        part = done / total if total else 0
        said = f"{said} {shown.files.get('item') or ''}".strip()
    stop = t("stop") if shown.running and shown.phase != "stopping" else ""
    return {"said": said, "busy": shown.running, "part": part, "stop": stop, "sites": sites}


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
    """The answer as text, what was struck marked as it is in Markdown, its footnotes under it."""
    if not shown.claims or shown.phase == "refused":
        return shown.text or shown.tail
    body = " ".join(
        f"{f'~~{c.text}~~' if c.fate == 'struck' else c.text} {''.join(f'[{i}]' for i in shown.numbers(c))}".rstrip()
        for c in shown.claims
    )
    notes = [f"[{i}] {where(f)}: “{' '.join(f.quote.split())}”" for i, f in enumerate(shown.notes, 1)]
    return "\n".join([body, "", *notes]) if notes else body
