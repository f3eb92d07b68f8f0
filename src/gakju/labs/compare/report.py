"""A comparison as one HTML file that asks for nothing else. Everything data or a model brought is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from html import escape
from typing import Any

import yaml

from gakju.evaluation.page import figure, plain, table, whole
from gakju.labs.compare.picture import svg
from gakju.labs.compare.words import edges, percent, sentence, shown
from gakju.language import Language, say

Result = Mapping[str, Any]
COLUMNS = (
    "accuracy",
    "f1",
    "supported",
    "refused_rightly",
    "refused_wrongly",
    "cited_page",
    "tokens",
    "money",
    "p50_ms",
    "setup",
)
_SHARES = COLUMNS[:6]
_DOUBTS = ("doubt_judge", "doubt_refusal", "doubt_time", "doubt_chance", "doubt_yours")


def page(result: Result, language: Language) -> str:
    word = partial(say, "compare", language=language)
    name = result["plan"]["name"] or word("untitled")
    title = word("title", name=name)
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(_made(result, language))}</p>"]
    body += [_head("advice", language), f"<p><strong>{escape(sentence(result, language))}</strong></p>"]
    body += [_head("picture", language), svg(result, language), f"<p>{escape(word('picture_note'))}</p>"]
    body += [_head("table", language), ways(result, language), _legend(result, language)]
    body += [_head("pairs", language), *_pairs(result, language)]
    said = (word(key, seed=result["plan"]["seed"]) if key == "doubt_chance" else word(key) for key in _DOUBTS)
    body += [_head("doubts", language), "<ul>", *(f"<li>{escape(one)}</li>" for one in said), "</ul>"]
    body += [_head("questions", language), *_questions(result, language)]
    body += [_head("again", language), *_again(result, language)]
    return whole(title, body, language)


def ways(result: Result, language: Language) -> str:
    """The table, a row a way."""
    word = partial(say, "compare", language=language)
    rows = []
    for row in result["ways"]:
        name = plain(shown(row, language))
        if row["state"] != "done":
            why = escape(word("not_run", why=row["why"]))
            rows.append([name, f'<td colspan="{len(COLUMNS)}">{why}</td>'])
            continue
        rows.append([name, *(figure(cell) for cell in cells(row, language))])
    return f'<div style="overflow-x:auto">{table([word("way"), *map(word, COLUMNS)], rows)}</div>'


def cells(row: Result, language: Language) -> list[str]:
    """The figures of a way that was run, as text, by `COLUMNS`."""
    word = partial(say, "compare", language=language)
    shares = [f"{percent(row[c])} {_bracketed(row.get(f'{c}_ci'))}".strip() for c in _SHARES]
    setup = row["setup"]
    known = setup["machine_seconds"] is not None
    machine = word("setup_machine", seconds=f"{setup['machine_seconds']:g}") if known else word("unknown")
    machine = f"≈ {machine}" if setup["about"] and known else machine
    person = word("setup_person", minutes=f"{setup['person_minutes']:g}")
    return [
        *shares,
        f"{row['prompt_tokens']:.0f} / {row['completion_tokens']:.0f}",
        word("unknown") if row["money"] is None else f"{row['money']:g}",
        f"{row['p50_ms'] / 1000:.2f} / {row['p95_ms'] / 1000:.2f} s",
        f"{machine} · {person}",
    ]


def _bracketed(pair: list[float] | None) -> str:
    """Word joiners keep a line from ending after the dash."""
    return f"({edges(pair)})".replace("–", "\u2060–\u2060") if pair else ""


def _head(key: str, language: Language) -> str:
    return f"<h2>{escape(say('compare', key, language))}</h2>"


def _made(result: Result, language: Language) -> str:
    made = result["made"]
    facts = {"when": made["ended"][:16].replace("T", " "), "version": made["gakju"], "cores": made["cores"]}
    given = {"count": result["questions"]["count"], "seed": result["plan"]["seed"], "machine": made["machine"]}
    return say("compare", "made", language, **facts, **given)


def _legend(result: Result, language: Language) -> str:
    word = partial(say, "compare", language=language)
    told = []
    for key in COLUMNS:
        minutes = f"{result['plan']['example_minutes']:g}"
        what = word(f"{key}_what", minutes=minutes) if key == "setup" else word(f"{key}_what")
        told.append(f"{word(key)}: {what}")
    return f"<p>{'<br>'.join(map(escape, told))}</p>"


def _pairs(result: Result, language: Language) -> list[str]:
    word = partial(say, "compare", language=language)
    names = {row["name"]: shown(row, language) for row in result["ways"]}
    rows = [
        [
            plain(names[pair["one"]]),
            plain(names[pair["other"]]),
            figure(f"{100 * pair['difference']:+.0f} %"),
            figure(edges(pair["ci"])),
            figure(f"{pair['p']:.4f}"),
            plain(word("yes" if pair["apart"] else "no")),
        ]
        for pair in result["pairs"]
    ]
    if not rows:
        return [f"<p>{escape(word('only_one'))}</p>"]
    heads = [*map(word, ("one", "other", "difference", "interval")), "p", word("apart")]
    return [f"<p>{escape(word('pairs_note', count=len(rows)))}</p>", table(heads, rows)]


def _questions(result: Result, language: Language) -> list[str]:
    """One line each that opens on what every way said."""
    word = partial(say, "compare", language=language)
    names = {row["name"]: shown(row, language) for row in result["ways"]}
    found = []
    for item in result["items"]:
        rows = []
        for name, said in item["said"].items():
            text = f"({word('refused')}) {said}" if name in item["refused"] else said
            rows.append([plain("✓" if name in item["right"] else "✗"), plain(names[name]), plain(text)])
        known = " / ".join(item["answers"]) or word("no_answer")
        head = f"{item['question']} — {word('known')}: {known} · {len(item['right'])}/{len(item['said'])}"
        found.append(f"<details><summary>{escape(head)}</summary>{table(['', word('way'), ''], rows)}</details>")
    return found


def _again(result: Result, language: Language) -> list[str]:
    given = {"questions": result["questions"]["digest"], "library": result["library"]["digest"]}
    short = {name: value[:12] for name, value in given.items()}
    note = say("compare", "again_note", language, **short, code=result["made"]["code"])
    file = yaml.safe_dump(dict(result["plan"]), allow_unicode=True, sort_keys=False, width=120)
    return [f"<p>{escape(note)}</p>", f"<pre>{escape(file)}</pre>"]
