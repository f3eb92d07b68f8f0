"""Which text stands in columns, and in what order the columns are read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

_LONG = 12.0
"""A run of so many sizes is prose (24 Latin or 12 Korean characters); cells of tables are shorter."""


class Item(NamedTuple):
    """A run or a table in the reading frame, as `payload`."""

    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    payload: Any


def in_columns(items: Sequence[Item], depth: int = 0) -> list[list[Item]]:
    """Groups of items in reading order, each to be read from top to bottom. Order of `items`: that of the file."""
    if len(items) < 4 or depth > 3:
        return [list(items)] if items else []
    best: list[list[list[Item]]] = []
    most = 0
    for gutter in _gutters(items):
        zones = _zones(items, gutter)
        held = sum(len(side) for zone in zones if len(zone) == 2 for side in zone)
        if held > most:
            best, most = zones, held
    if not best:
        return [list(items)]
    return [g for zone in best for side in zone for g in (in_columns(side, depth + 1) if len(zone) == 2 else [side])]


def _gutters(items: Sequence[Item]) -> list[float]:
    """A few x where little stands between much, on the whole page or on a third of it."""
    by_height = sorted(items, key=lambda i: i.y0)
    third = max(6, -(-len(items) // 3))
    parts = [items, *(by_height[i : i + third] for i in range(0, len(items), third))] if len(items) > 12 else [items]
    found: list[float] = []
    for part in parts:
        found += [x for x in _valleys(part) if all(abs(x - other) > 6 for other in found)]
    return found


def _valleys(items: Sequence[Item]) -> list[float]:
    """Up to three x, the emptiest and widest first."""
    x0 = np.array([i.x0 for i in items])
    x1 = np.array([i.x1 for i in items])
    high = np.array([i.y1 - i.y0 for i in items])
    size = float(np.median([i.size for i in items]))
    low, top = x0.min(), x1.max()
    if top - low < 2 * _LONG * max(size, 1):
        return []
    step = 2.0
    count = int(min((top - low) // step + 1, 5000))
    change = np.zeros(count + 2)
    np.add.at(change, np.clip(((x0 - low) // step).astype(int), 0, count), high)
    np.add.at(change, np.clip(((x1 - low) // step).astype(int) + 1, 0, count + 1), -high)
    cover = np.cumsum(change)[:count]
    sparse = cover <= 0.3 * np.median(cover[cover > 0])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sparse.astype(np.int8), [0]])))
    found = []
    for start, end in edges.reshape(-1, 2).tolist():
        if (end - start) * step >= 0.7 * size and 0.12 < (start + end) / 2 / count < 0.88:
            lowest = cover[start:end].min()
            bins = start + np.flatnonzero(cover[start:end] == lowest)
            found.append((float(lowest), start - end, float(low + (np.median(bins) + 0.5) * step)))
    return [x for _, _, x in sorted(found)[:3]]


def _zones(items: Sequence[Item], x: float) -> list[list[list[Item]]]:
    """The page from top to bottom: [left, right] where `x` parts two columns, [all] elsewhere.

    What crosses `x` ends a zone: a title, a wide figure's caption, a table over both columns.
    """
    bands = _bands(items, x)
    zones: dict[int, tuple[list[Item], list[Item]]] = {}
    for item, band in zip(items, bands, strict=True):
        zones.setdefault(band, ([], []))[(item.x0 + item.x1) / 2 > x].append(item)
    sure = {band for band, sides in zones.items() if band % 2 == 0 and _are_columns(*sides, items)}
    wide = [max((i.x1 - i.x0 for band in sure for i in zones[band][part]), default=0.0) for part in (0, 1)]
    found: list[list[list[Item]]] = []
    for band in sorted(zones):
        left, right = zones[band]
        # Beside a sure zone, a few lines are enough where they fill the same columns.
        filled = bool(sure) and band % 2 == 0 and _fills(left, wide[0]) and _fills(right, wide[1])
        if band in sure or filled:
            found.append([left, right])
        elif found and len(found[-1]) == 1:
            found[-1][0].extend(left + right)
        else:
            found.append([left + right])
    return _in_file_order(found, items)


def _fills(side: Sequence[Item], width: float) -> bool:
    return max((i.x1 - i.x0 for i in side), default=0.0) >= 0.8 * width


def _bands(items: Sequence[Item], x: float) -> list[int]:
    """For each item: 2k between the k-th and next thing that crosses `x`, 2k - 1 beside or in the k-th."""
    edges: list[float] = []
    for top, bottom in sorted((i.y0, i.y1) for i in items if i.x0 < x < i.x1):
        if edges and top <= edges[-1]:
            edges[-1] = max(edges[-1], bottom)
        else:
            edges += [top, bottom]
    return [int(n) for n in np.searchsorted(edges, [(i.y0 + i.y1) / 2 for i in items])]


def _in_file_order(zones: list[list[list[Item]]], items: Sequence[Item]) -> list[list[list[Item]]]:
    place = {id(item): n for n, item in enumerate(items)}
    return [[sorted(side, key=lambda i: place[id(i)]) for side in zone] for zone in zones]


def _are_columns(left: Sequence[Item], right: Sequence[Item], items: Sequence[Item]) -> bool:
    """Long lines on both sides, or short ones that the file writes side after side and at other heights."""
    if not left or not right:
        return False
    if _prose(left) and _prose(right):
        return min(len(left), len(right)) >= 4
    if min(len(left), len(right)) < 3:
        return False
    sides = {id(i): 0 for i in left} | {id(i): 1 for i in right}
    order = [sides[id(i)] for i in items if id(i) in sides]
    changes = sum(a != b for a, b in pairwise(order))
    if changes > 2:
        return False
    heights = np.array([i.y1 for i in left])
    aligned = sum(float(np.abs(heights - i.y1).min()) <= 1.5 for i in right)
    return aligned <= 0.5 * len(right)


def _prose(side: Sequence[Item]) -> bool:
    """Most of what is written stands in long runs; a table in a column counts as such."""
    total = sum(i.x1 - i.x0 for i in side)
    long = sum(i.x1 - i.x0 for i in side if i.x1 - i.x0 >= _LONG * i.size)
    return long >= 0.6 * total
