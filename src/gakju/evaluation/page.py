"""A report as one HTML file: figures with intervals, the refusal curve, where it went wrong. It asks for nothing else.

Questions, answers and names come from data and models: everything that is written is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from gakju.errors import UsageError
from gakju.evaluation import plot
from gakju.evaluation.answer_scores import Scored, worst
from gakju.evaluation.datasets import Statement
from gakju.evaluation.grounded import Verified
from gakju.evaluation.metrics import auroc
from gakju.language import Language, catalogue, say

_DRAWS = 1000
_LONGEST = 600
"""Characters of a text that are shown."""

_STYLE = """
body { font: 16px/1.6 system-ui, sans-serif; color: #0f172a; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.5rem } p { color: #475569 }
table { border-collapse: collapse; width: 100% } tr > :first-child { min-width: 6rem }
th, td { border-bottom: 1px solid #e2e8f0; padding: .4rem .8rem .4rem 0; vertical-align: top; overflow-wrap: anywhere }
th { text-align: left; font-weight: 600; overflow-wrap: normal }
:lang(ko) { word-break: keep-all }
td.figure { font-variant-numeric: tabular-nums; white-space: nowrap }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def answers_page(name: str, told: Mapping[str, Any], scores: Sequence[Scored], made: str, language: Language) -> str:
    """`told` is the summary with the `curve`; `made` says when and with what."""
    word = partial(say, "evaluation", language=language)
    title = word("answers_title", name=name)
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(made)}</p>", figures(told, language)]
    if told.get("curve"):
        names = ("threshold", "coverage", "wrong", "wrong_of_all")
        rows = [[figure(point[name]) for name in names] for point in told["curve"]]
        body += [f"<h2>{escape(word('curve'))}</h2>", plot.curve(told["curve"], word("curve_x"), word("curve_y"))]
        body.append(table([word(name) for name in names], rows))
    body += [f"<h2>{escape(word('worst'))}</h2>", f"<p>{escape(word('worst_note'))}</p>"]
    heads = [word(name) for name in ("question", "answer", "known", "confidence", "verdicts")]
    body.append(table(heads, [_case(one, language) for one in worst(scores)]))
    return whole(title, body, language)


def grounded_page(
    name: str, told: Mapping[str, Any], verified: Verified, statements: Sequence[Statement], language: Language
) -> str:
    """Figures of the verifier and the statements that it judged most wrongly."""
    word = partial(say, "evaluation", language=language)
    title = word("grounded_title", name=name)
    wrong = [i for i, (said, true) in enumerate(zip(verified.said, verified.true, strict=True)) if said != true]
    wrong.sort(key=lambda i: verified.scores[i] if verified.true[i] else 1 - verified.scores[i])
    rows = []
    for i in wrong[:20]:
        one, said = statements[i], verified.said[i]
        verdicts = [word("supported" if yes else "not_supported") for yes in (one.supported, said)]
        texts = [_cut(one.context), _cut(f"{one.question} {one.answer}".strip())]
        rows.append([*map(plain, texts), *map(plain, verdicts), figure(verified.scores[i])])
    heads = [word(name) for name in ("context", "answer", "truth", "said", "score")]
    body = [f"<h1>{escape(title)}</h1>", figures(told, language), f"<h2>{escape(word('worst'))}</h2>"]
    return whole(title, [*body, table(heads, rows)], language)


def intervals(verified: Verified) -> dict[str, list[float]]:
    """Of the measures of a verifier, 95 %: statements are drawn again with replacement."""
    rng = np.random.default_rng(0)
    said, true = np.array(verified.said, bool), np.array(verified.true, bool)
    scores, seconds = np.array(verified.scores), np.array(verified.seconds)
    found: dict[str, list[float]] = {"accuracy": [], "f1": [], "auroc": [], "p50_ms": []}
    for _ in range(_DRAWS if len(true) else 0):
        at = rng.integers(0, len(true), len(true))
        found["accuracy"].append(float((said[at] == true[at]).mean()))
        found["f1"].append(2 * float((said & true)[at].sum()) / max(1, int(said[at].sum() + true[at].sum())))
        area = auroc(scores[at], true[at])
        found["auroc"] += [] if area is None else [area]
        found["p50_ms"].append(1000 * float(np.median(seconds[at])))
    edges = {name: np.quantile(values, [0.025, 0.975]) for name, values in found.items() if values}
    return {name: [round(float(edge), 1 if name == "p50_ms" else 4) for edge in pair] for name, pair in edges.items()}


def figures(told: Mapping[str, Any], language: Language) -> str:
    """A row a figure, with its interval where `told["ci"]` has one and what it is where that is known."""
    known = catalogue("evaluation", language)
    rows = []
    for name, value in told.items():
        if value is None or isinstance(value, list | tuple | dict | str):
            continue
        low, high = told.get("ci", {}).get(name, (None, None))
        edges = "" if low is None else f"{_number(low)} – {_number(high)}"
        rows.append([plain(name), figure(value), figure(edges), plain(known.get(f"{name}_what", ""))])
    return table([known[name] for name in ("measure", "value", "interval", "what")], rows)


def write(path: Path, page: str) -> None:
    """Raises UsageError where it cannot be."""
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as e:
        raise UsageError(f"{path} cannot be written: {e.strerror}.", hint="Choose another file.") from e


def _case(one: Scored, language: Language) -> list[str]:
    word = partial(say, "evaluation", language=language)
    answer = word("refused") if one.answered.refused else one.answered.answer
    known = " / ".join(one.question.answers) or word("none")
    sure = "" if one.answered.confidence is None else one.answered.confidence
    texts = [_cut(one.question.text), _cut(answer), _cut(known)]
    return [*map(plain, texts), figure(sure), plain(", ".join(one.answered.verdicts))]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


def _number(value: float | int | str) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def figure(value: float | int | str) -> str:
    return f'<td class="figure">{escape(_number(value))}</td>'


def plain(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    return "\n".join(["<table>", f"<tr>{head}</tr>", *(f"<tr>{''.join(row)}</tr>" for row in rows), "</table>"])


def whole(title: str, body: Sequence[str], language: Language) -> str:
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{language}">',
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head>",
            "<body>",
            *body,
            "</body></html>",
            "",
        ]
    )
