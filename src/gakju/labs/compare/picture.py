"""Right answers against cost as one SVG: a numbered dot a way with its interval, the Pareto front as a line."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any
from xml.sax.saxutils import escape

from gakju.labs.compare.words import shown
from gakju.language import Language, say

_LEFT, _TOP, _WIDTH, _HEIGHT, _LEGEND, _LINE = 64, 20, 440, 320, 300, 22
_FRONT, _BEHIND = "#0f766e", "#64748b"
_SPREAD = 20
"""From so many times between the cheapest and the dearest on, the axis is logarithmic."""
_LONGEST = 40
"""Of a name, in the width of Latin letters."""


def svg(result: Mapping[str, Any], language: Language, *, paper: bool = True) -> str:
    """Of a comparison's result. It asks for nothing else; "" where no way was run.

    With `paper` it is dark on white; without, in the colour of the page around it.
    """
    rows = [row for row in result["ways"] if row["state"] == "done"]
    if not rows:
        return ""
    cost = result["cost"]
    scale = _Scale([float(row[cost]) for row in rows])
    front = [row for row in rows if row["name"] in result["front"]]
    parts = [*_grid(scale), *_names(cost, scale, language), _line(front, cost, scale)]
    for number, row in enumerate(rows, 1):
        parts += _dot(number, row, cost, scale, row in front)
        parts += _legend(number, shown(row, language), row in front)
    width = _LEFT + _WIDTH + _LEGEND
    height = max(_TOP + _HEIGHT + 56, _TOP + 12 + _LINE * len(rows))
    title = escape(say("compare", "picture", language))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img"'
    ink, ground = (";color:#334155", ['<rect width="100%" height="100%" fill="#fff"/>']) if paper else ("", [])
    return "\n".join(
        [
            f'{head} style="max-width:100%;height:auto{ink}" font-family="sans-serif" font-size="12">',
            f"<title>{title}</title>",
            *ground,
            *parts,
            "</svg>",
            "",
        ]
    )


class _Scale:
    """Cost to the right."""

    def __init__(self, values: Sequence[float]) -> None:
        low, high = min(values), max(values)
        self.log = low > 0 and high / low > _SPREAD
        if self.log:
            self._low, self._high = math.log10(low) - 0.1, math.log10(high) + 0.1
        else:
            self._low, self._high = 0.0, high * 1.1 or 1.0

    def x(self, value: float) -> float:
        at = math.log10(value) if self.log else value
        return round(_LEFT + _WIDTH * (at - self._low) / (self._high - self._low), 1)

    def ticks(self) -> list[float]:
        if self.log:
            powers = range(math.floor(self._low), math.ceil(self._high) + 1)
            found = [step * 10.0**power for power in powers for step in (1, 2, 5)]
            return [v for v in found if self._low <= math.log10(v) <= self._high]
        step = 10.0 ** math.floor(math.log10(self._high))
        step = next((s for s in (step / 5, step / 2, step) if self._high / s <= 6), step * 2)
        return [step * i for i in range(int(self._high / step) + 1)]


def _y(accuracy: float) -> float:
    return round(_TOP + _HEIGHT * (1 - accuracy), 1)


def _grid(scale: _Scale) -> list[str]:
    found = []
    for tick in range(0, 11, 2):
        y = _y(tick / 10)
        found.append(f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y}" y2="{y}" stroke="#94a3b8" opacity=".35"/>')
        found.append(_text(_LEFT - 8, y + 4, f"{tick * 10} %", "end"))
    for value in scale.ticks():
        x = scale.x(value)
        found.append(f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{_TOP + _HEIGHT}" stroke="#94a3b8" opacity=".35"/>')
        found.append(_text(x, _TOP + _HEIGHT + 16, f"{value:g}", "middle"))
    return found


def _names(cost: str, scale: _Scale, language: Language) -> list[str]:
    name = say("compare", f"axis_{cost}", language)
    name += f" · {say('compare', 'axis_log', language)}" if scale.log else ""
    upright = _text(14, _TOP + _HEIGHT / 2, say("compare", "axis_accuracy", language), "middle")
    return [
        _text(_LEFT + _WIDTH / 2, _TOP + _HEIGHT + 40, name, "middle"),
        f'<g transform="rotate(-90 14 {_TOP + _HEIGHT / 2})">{upright}</g>',
    ]


def _line(front: Sequence[Mapping[str, Any]], cost: str, scale: _Scale) -> str:
    """In steps: between two ways nothing better is known than the cheaper one."""
    points: list[str] = []
    for row in sorted(front, key=lambda row: (row[cost], row["accuracy"])):
        x, y = scale.x(row[cost]), _y(row["accuracy"])
        points += [f"{x},{points[-1].split(',')[1]}"] if points else []
        points.append(f"{x},{y}")
    return f'<polyline points="{" ".join(points)}" fill="none" stroke="{_FRONT}" stroke-width="2" opacity=".5"/>'


def _dot(number: int, row: Mapping[str, Any], cost: str, scale: _Scale, first: bool) -> list[str]:
    x, colour = scale.x(row[cost]), _FRONT if first else _BEHIND
    low, high = (_y(edge) for edge in row["accuracy_ci"])
    return [
        f'<line x1="{x}" x2="{x}" y1="{low}" y2="{high}" stroke="{colour}" stroke-width="2" opacity=".35"/>',
        f'<circle cx="{x}" cy="{_y(row["accuracy"])}" r="9" fill="{colour}"/>',
        f'<text x="{x}" y="{_y(row["accuracy"]) + 4}" text-anchor="middle" fill="#fff" font-size="11">{number}</text>',
    ]


def _legend(number: int, name: str, first: bool) -> list[str]:
    x, y = _LEFT + _WIDTH + 30, _TOP + 10 + _LINE * (number - 1)
    return [
        f'<circle cx="{x}" cy="{y}" r="8" fill="{_FRONT if first else _BEHIND}"/>',
        f'<text x="{x}" y="{y + 4}" text-anchor="middle" fill="#fff" font-size="10">{number}</text>',
        _text(x + 14, y + 4, _short(name), "start"),
    ]


def _short(name: str) -> str:
    widths = list(accumulate(1 if ord(c) < 0x1100 else 2 for c in name))
    return name if not name or widths[-1] <= _LONGEST else name[: bisect_left(widths, _LONGEST)] + "…"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="currentColor">{escape(text)}</text>'
