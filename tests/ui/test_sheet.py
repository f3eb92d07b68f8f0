"""Words laid over a page: lines as they are drawn, borders around what belongs together."""

from __future__ import annotations

import numpy as np

from gakju.types import Box, Page
from gakju.ui.sheet import lines, outlines

NOWHERE = [np.nan] * 4


def page(*rows: tuple[str, float, float]) -> Page:
    """Each row: words, left edge, top; letters are 10 points high and 5 wide, a line break has no place."""
    text, glyphs = "", []
    for words, left, top in rows:
        for i, character in enumerate(words):
            glyphs.append(NOWHERE if character == "\n" else [left + 5 * i, top, left + 5 * i + 5, top + 10])
        text += words
    return Page(1, text, (), width=200, height=300, glyphs=np.array(glyphs, np.float32))


def test_a_line_is_a_line_and_columns_are_apart() -> None:
    found = lines(page(("가나 다\n", 10, 20), ("둘째", 10, 40), ("오른쪽", 120, 40)))
    assert found == [(10, 20, 30, 30, "가나 다"), (10, 40, 20, 50, "둘째"), (120, 40, 135, 50, "오른쪽")]


def test_a_space_without_a_place_stays_a_space() -> None:
    whole = page(("가나", 10, 20))
    glyphs = np.array([whole.glyphs[0], NOWHERE, [20, 20, 25, 30]], np.float32)
    assert lines(Page(1, "가 나", (), width=200, height=300, glyphs=glyphs)) == [(10, 20, 25, 30, "가 나")]


def test_a_page_without_layout_has_no_lines() -> None:
    assert lines(Page(1, "가나다", ())) == []


def test_borders_go_around_lines_and_not_over_columns() -> None:
    left = [Box(1, 10, 100, 90, 110), Box(1, 10, 112, 80, 122)]
    right = [Box(1, 110, 20, 190, 30)]
    assert outlines([*left, *right]) == [(8, 98, 92, 124), (108, 18, 192, 32)]
    assert outlines([]) == []
