"""Accuracy against tokens as an SVG: a line a way to pick, a dot a number of examples, a bar its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

COLOURS = {
    "none": "#64748b",
    "fixed": "#b45309",
    "similar": "#0f766e",
    "diverse": "#4f46e5",
    "balanced": "#be185d",
}
_LEFT, _TOP, _WIDE, _HIGH = 56, 28, 460, 280


def svg(
    cells: Sequence[Mapping[str, Any]], x_name: str, y_name: str, names: Mapping[str, str], *, paper: bool = True
) -> str:
    """`cells` as a run's result has them, those with an error left out; `names` are what picks are called.

    With `paper` it is black on white; without, in the colour of the page around it.
    """
    good = [cell for cell in cells if "error" not in cell]
    most = max((float(cell["prompt_tokens"]) for cell in good), default=1.0) * 1.08
    parts = _grid(most, x_name, y_name)
    for at, pick in enumerate(dict.fromkeys(cell["pick"] for cell in good)):
        mine = [cell for cell in good if cell["pick"] == pick]
        parts += _line(mine, most, COLOURS.get(pick, "#334155"))
        y = _TOP + 8 + 18 * at
        parts.append(f'<circle cx="{_LEFT + _WIDE + 18}" cy="{y}" r="5" fill="{COLOURS.get(pick, "#334155")}"/>')
        parts.append(_text(_LEFT + _WIDE + 30, y + 4, names.get(pick, pick), "start"))
    wide, high = _LEFT + _WIDE + 150, _TOP + _HIGH + 56
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    look = 'font-family="sans-serif" font-size="12" fill="currentColor"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {look}>'
    ground = ['<rect width="100%" height="100%" fill="#fff"/>'] if paper else []
    return "\n".join([head, *ground, *parts, "</svg>", ""])


def _line(cells: Sequence[Mapping[str, Any]], most: float, colour: str) -> list[str]:
    places = [(_x(float(cell["prompt_tokens"]), most), _y(float(cell["accuracy"])), cell) for cell in cells]
    path = " ".join(f"{x},{y}" for x, y, _ in places)
    found = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-opacity=".6"/>']
    for x, y, cell in places:
        low, high = (_y(float(edge)) for edge in cell["ci"])
        told = f"{cell['n']}: {cell['accuracy']:.3f} ({cell['ci'][0]:.3f} – {cell['ci'][1]:.3f})"
        found += [
            f'<line x1="{x}" x2="{x}" y1="{low}" y2="{high}" stroke="{colour}" stroke-opacity=".45" stroke-width="3"/>',
            f'<circle cx="{x}" cy="{y}" r="5" fill="{colour}"><title>{escape(told)}</title></circle>',
            _text(x + 8, y - 8, str(cell["n"]), "start"),
        ]
    return found


def _grid(most: float, x_name: str, y_name: str) -> list[str]:
    found = []
    for tick in range(0, 11, 2):
        y = _y(tick / 10)
        found.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + _WIDE}" y1="{y}" y2="{y}" stroke="#94a3b8" stroke-opacity=".35"/>'
        )
        found.append(_text(_LEFT - 8, y + 4, f"{tick / 10:.1f}", "end"))
    for tick in range(5):
        value = most * tick / 4
        found.append(_text(_x(value, most), _TOP + _HIGH + 18, f"{value:,.0f}", "middle"))
    found.append(_text(_LEFT + _WIDE / 2, _TOP + _HIGH + 42, x_name, "middle"))
    found.append(_text(8, 16, y_name, "start"))
    return found


def _x(tokens: float, most: float) -> float:
    return round(_LEFT + _WIDE * tokens / most, 1)


def _y(share: float) -> float:
    return round(_TOP + _HIGH * (1 - share), 1)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
