"""Results as SVG: a row a set and retriever with a dot at the mean and a line over its interval; a refusal curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

_COLOURS = {"hybrid": "#0f766e", "bm25": "#b45309", "dense": "#4f46e5"}
_LEFT, _WIDTH, _ROW, _GAP, _TOP = 240, 520, 20, 14, 46


def svg(results: Mapping[str, Mapping[str, Mapping[str, Any]]], metric: str) -> str:
    """`results` by set and retriever, each with `metric` in 0..1 and its interval as `METRIC_ci`."""
    rows: list[str] = []
    y = _TOP
    for name, retrievers in results.items():
        rows.append(_text(_LEFT - 90, y + 4, name, "end", "bold"))
        for retriever, told in retrievers.items():
            rows += _row(y, retriever, told[metric], told[f"{metric}_ci"])
            y += _ROW
        y += _GAP
    ticks = [part for tick in range(0, 11, 2) for part in _tick(tick / 10, y - _GAP)]
    title = _text(_LEFT, 18, f"{metric}, 95 % interval", "start", "bold")
    size = f'width="{_LEFT + _WIDTH + 70}" height="{y + 24}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', title, *ticks, *rows, "</svg>", ""])


def _row(y: int, retriever: str, mean: float, edges: tuple[float, float]) -> list[str]:
    colour = _COLOURS.get(retriever, "#334155")
    low, high = (_x(edge) for edge in edges)
    return [
        _text(_LEFT - 12, y + 4, retriever, "end"),
        f'<line x1="{low}" x2="{high}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3" stroke-opacity=".45"/>',
        f'<circle cx="{_x(mean)}" cy="{y}" r="5" fill="{colour}"/>',
        _text(_LEFT + _WIDTH + 14, y + 4, f"{mean:.3f}", "start"),
    ]


def _tick(value: float, bottom: int) -> list[str]:
    x = _x(value)
    line = f'<line x1="{x}" x2="{x}" y1="{_TOP - 14}" y2="{bottom}" stroke="#e2e8f0"/>'
    return [line, _text(x, bottom + 14, f"{value:.1f}", "middle")]


def _x(value: float) -> float:
    return round(_LEFT + _WIDTH * value, 1)


def _text(x: float, y: float, text: str, anchor: str, weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


_SIDE, _EDGE = 360, 56


def curve(points: Sequence[Mapping[str, float]], x_name: str, y_name: str) -> str:
    """The refusal curve as an SVG: `coverage` to the right and `wrong` upwards, both in 0..1, a dot a threshold."""
    places = [(_EDGE + _SIDE * p["coverage"], 16 + _SIDE * (1 - p["wrong"]), p["threshold"]) for p in points]
    grid = []
    for tick in range(0, 11, 2):
        x, y = _EDGE + _SIDE * tick / 10, 16 + _SIDE * (1 - tick / 10)
        grid += [
            f'<line x1="{x}" x2="{x}" y1="16" y2="{16 + _SIDE}" stroke="#e2e8f0"/>',
            f'<line x1="{_EDGE}" x2="{_EDGE + _SIDE}" y1="{y}" y2="{y}" stroke="#e2e8f0"/>',
            _text(x, 32 + _SIDE, f"{tick / 10:.1f}", "middle"),
            _text(_EDGE - 8, y + 4, f"{tick / 10:.1f}", "end"),
        ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
    dots = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0f766e"><title>{threshold}</title></circle>'
        for x, y, threshold in places
    ]
    names = [
        _text(_EDGE + _SIDE / 2, 52 + _SIDE, x_name, "middle"),
        f'<g transform="rotate(-90 14 {16 + _SIDE / 2})">{_text(14, 16 + _SIDE / 2, y_name, "middle")}</g>',
    ]
    size = f'width="{_EDGE + _SIDE + 24}" height="{_SIDE + 68}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    stroke = f'<polyline points="{line}" fill="none" stroke="#0f766e" stroke-width="2" stroke-opacity=".6"/>'
    return "\n".join([head, ground, *grid, stroke, *dots, *names, "</svg>", ""])
