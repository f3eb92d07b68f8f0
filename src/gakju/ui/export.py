"""A conversation as a file to keep or to send: Markdown, one HTML page that needs nothing else, PDF.

What people, documents and models wrote is text in all of them: it cannot become markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

from gakju.language import Language, say
from gakju.types import Claim
from gakju.ui import words
from gakju.ui.plain import plain
from gakju.ui.turns import Turn


def file_name(title: str) -> str:
    """A name that every file system takes."""
    name = re.sub(r"[^\w .-]+", " ", title).strip(" .")
    return " ".join(name.split())[:60] or "gakju"


def markdown(title: str, said: Sequence[Turn], language: Language) -> bytes:
    """Footnotes in Markdown's own way, numbered through the whole conversation."""
    lines, count = [f"# {plain(title)}", ""], 0
    for turn in said:
        lines += ["## " + plain(turn.question), ""]
        if not turn.checked:
            lines += [f"*{say('ui', 'unchecked', language)}*", ""]
        for claim in _claims(turn):
            marks = "".join(f"[^{count + i}]" for i in turn.numbers(claim))
            word = words.verdict(claim, language)
            lines += [f"{_struck_md(claim)}{marks}" + (f" *({word})*" if word else ""), ""]
        if not _claims(turn) and (text := turn.text or turn.tail):
            lines += [*("> " + plain(line) if line.strip() else ">" for line in text.splitlines()), ""]
        for i, f in enumerate(turn.notes, 1):
            place = words.place(f.document, f.page, language)
            lines += [f"[^{count + i}]: {plain(place)}: “{plain(f.quote)}”"]
        lines += [""] if turn.notes else []
        count += len(turn.notes)
    return "\n".join([*lines, "---", "", plain(_made(language)), ""]).encode()


def _claims(turn: Turn) -> Sequence[Claim]:
    return () if turn.phase == "refused" else turn.claims


def _struck_md(claim: Claim) -> str:
    return f"~~{plain(claim.text)}~~" if claim.fate == "struck" else plain(claim.text)


def html(title: str, said: Sequence[Turn], language: Language) -> bytes:
    """One page: style within, no script, nothing fetched; prints well."""
    style = files("gakju.ui").joinpath("assets", "export.css").read_text("utf-8")
    body = "".join(_turn_html(turn, number, language) for number, turn in enumerate(said, 1))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    page = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main><h1>{escape(title)}</h1>{body}</main>"
        f"<footer>{escape(_made(language))}</footer></body></html>"
    )
    return page.encode()


def _turn_html(turn: Turn, number: int, language: Language) -> str:
    parts = [f'<section><h2 class="question">{escape(turn.question)}</h2>']
    for claim in _claims(turn):
        marks = "".join(f'<a class="note" href="#n{number}-{i}">{i}</a>' for i in turn.numbers(claim))
        kind = (claim.verdict if claim.scored else "courtesy") + (" struck" if claim.fate == "struck" else "")
        told = claim.scored and claim.verdict != "supported" and claim.reason
        reason = f'<span class="reason">{escape(claim.reason)}</span>' if told else ""
        parts.append(
            f'<p class="claim {kind}"><span class="said">{escape(claim.text)}</span>{marks} '
            f'<span class="verdict">{escape(words.verdict(claim, language))}</span>{reason}</p>'
        )
    if not _claims(turn) and (text := turn.text or turn.tail):
        parts.append(f'<p class="text">{escape(text)}</p>')
    if not turn.checked:
        parts.append(f'<p class="unchecked">{escape(say("ui", "unchecked", language))}</p>')
    if turn.notes:
        notes = "".join(
            f'<li id="n{number}-{i}"><cite>{escape(words.place(f.document, f.page, language))}'
            f"</cite><q>{escape(' '.join(f.quote.split()))}</q></li>"
            for i, f in enumerate(turn.notes, 1)
        )
        parts.append(f"<ol>{notes}</ol>")
    return "".join([*parts, "</section>"])


def _made(language: Language) -> str:
    return say("ui", "export_made", language, date=f"{datetime.now().astimezone():%Y-%m-%d}")


# PDF

_FONTS = (
    "NanumGothic.ttf",
    "NanumBarunGothic.ttf",
    "malgun.ttf",
    "AppleGothic.ttf",
    "NotoSansKR-Regular.ttf",
    "NotoSansKR-Regular.otf",
    "NotoSansKR[wght].ttf",
    "Pretendard-Regular.ttf",
    "Pretendard-Regular.otf",
    "UnDotum.ttf",
)
_PLACES = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "~/Library/Fonts",
)


@cache
def font() -> Path | None:
    """A font of this machine with Korean letters; None where there is none, and so no PDF."""
    for place in map(Path, _PLACES):
        root = place.expanduser()
        there = {p.name.lower(): p for p in root.rglob("*.[to]tf")} if root.is_dir() else {}
        for name in _FONTS:
            if found := there.get(name.lower()):
                return found
    return None


def pdf(title: str, said: Sequence[Turn], language: Language) -> bytes:
    """A4 pages with the font of `font` in them, of which only the letters that are used."""
    from gakju.ui.paper import Paper

    path = font()
    assert path, "asked for a PDF without a font"
    with Paper(path) as sheets:
        sheets.write(title, size=17, after=10)
        for turn in said:
            sheets.write(turn.question, size=12, before=12, after=5, shade=True)
            for claim in _claims(turn):
                marks = "".join(f"[{i}]" for i in turn.numbers(claim))
                word = words.verdict(claim, language)
                said_of = f" ({word})" if word else ""
                sheets.write(f"{claim.text} {marks}{said_of}", after=4, gray=claim.fate == "struck")
            if not _claims(turn) and (text := turn.text or turn.tail):
                for line in text.splitlines():
                    sheets.write(line, after=3)
            if not turn.checked:
                sheets.write(say("ui", "unchecked", language), size=8.5, gray=True)
            for i, f in enumerate(turn.notes, 1):
                place = words.place(f.document, f.page, language)
                sheets.write(f"[{i}] {place}: “{' '.join(f.quote.split())}”", size=8.5, indent=10, after=2, gray=True)
        sheets.write(_made(language), size=8, before=16, gray=True)
        return sheets.bytes()


WRITERS: dict[str, Callable[[str, Sequence[Turn], Language], bytes]] = {"md": markdown, "html": html, "pdf": pdf}
