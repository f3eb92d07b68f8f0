"""`gakju tokens`: a text as a model counts it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gakju.cli.apps import text_of
from gakju.cli.terminal import State, command, word
from gakju.errors import GakjuError

if TYPE_CHECKING:
    from gakju.labs.tokenizer import Count, Token

SHOWN = 400
"""Tokens printed."""
COLOURS = (44, 42, 45, 46, 43, 41)


@command("tokens", 'gakju tokens "안녕하세요" --ids')
@click.argument("text", metavar="TEXT|FILE|-")
@click.option("-v", "--vocabulary", default="o200k_base", metavar="NAME", help=word("opt_vocabulary"))
@click.option("--ids", is_flag=True, help=word("opt_ids"))
@click.pass_obj
def tokens(state: State, text: str, vocabulary: str, ids: bool) -> int:
    from gakju.labs import tokenizer as lab

    said = _said(state, text)
    encoding = lab.vocabulary(vocabulary, state.settings)
    counts = _counts(state, said, vocabulary)
    if state.json:
        found = lab.tokens(said, encoding)
        rows = [{"id": t.id, "bytes": t.bytes.hex(), "text": t.text} for t in found]
        state.emit({**_row(counts[vocabulary]), "vocabularies": {n: _row(c) for n, c in counts.items()}, "ids": rows})
        return 0
    _draw(state, lab.tokens(said[: SHOWN * 32], encoding), counts[vocabulary].tokens, ids)
    for name, c in counts.items():
        state.out(f"{name:24} {_line(state, c)}")
    for p in lab.prices(said, state.settings):
        known = {"model": p.model, "share": f"{p.share:.1%}"}
        money = "" if p.money is None else f"{p.money:.6f}".rstrip("0").rstrip(".")
        state.out(state.say("tokens_cost", **known, money=money) if money else state.say("tokens_share_only", **known))
    return 0


def _said(state: State, text: str) -> str:
    if text == "-":
        return sys.stdin.read()
    try:
        is_file = len(text) < 1000 and Path(text).is_file()
    except (OSError, ValueError):
        is_file = False
    return text_of(state, Path(text)) if is_file else text


def _counts(state: State, text: str, chosen: str) -> dict[str, Count]:
    """Of the chosen vocabulary and of all that are here."""
    from gakju.labs import tokenizer as lab

    found = {chosen: lab.count(text, chosen, state.settings)}
    for name in lab.NAMES:
        try:
            found.setdefault(name, lab.count(text, name, state.settings))
        except GakjuError:
            continue
    return found


def _row(c: Count) -> dict[str, Any]:
    return {
        "vocabulary": c.vocabulary,
        "tokens": c.tokens,
        "characters": c.characters,
        "bytes": c.bytes,
        "words": c.words,
        "by_rule": c.by_rule,
        "rule_error": None if c.rule_error is None else round(c.rule_error, 4),
    }


def _line(state: State, c: Count) -> str:
    head = state.say("tokens_head", tokens=f"{c.tokens:,}")
    sizes = {"characters": f"{c.characters:,}", "bytes": f"{c.bytes:,}", "rule": f"{c.by_rule:,}"}
    shares = {"per_character": f"{c.characters_a_token:.2f}", "per_byte": f"{c.bytes_a_token:.2f}"}
    facts = state.say("tokens_facts", **sizes, **shares)
    return f"{head}: {facts}"


def _draw(state: State, found: list[Token], total: int, ids: bool) -> None:
    """Coloured on a terminal, between bars elsewhere."""
    from gakju.labs.tokenizer import visible

    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    pieces = []
    for i, token in enumerate(found[:SHOWN]):
        shown, look = visible(token)
        shown = f"[{shown}]" if look == "bytes" else shown
        shown += f"·{token.id}" if ids else ""
        pieces.append(f"\x1b[30;{COLOURS[i % len(COLOURS)]}m{shown}\x1b[0m" if coloured else shown)
    state.write(("" if coloured else "|").join(pieces) + "\n", safe=coloured)
    if total > SHOWN:
        state.note(state.say("tokens_more", count=f"{total - SHOWN:,}"))


COMMANDS = [tokens]
