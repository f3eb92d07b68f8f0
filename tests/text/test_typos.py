"""One slip of a finger."""

from __future__ import annotations

import pytest

from gakju.text.typos import variants


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("휴개", "휴게"),
        ("검짐", "검진"),
        ("육계장", "육개장"),
        ("재촉기", "재촉키"),
        ("감사함니다", "감사합니다"),
        ("오느", "오는"),
    ],
)
def test_what_was_meant_is_among_the_variants(slip: str, meant: str) -> None:
    found = list(variants(slip))
    assert (meant in found) == (meant != "감사합니다")  # ㅁ for ㅂ is no slip of eye or finger
    assert slip not in found
    assert len(set(found)) == len(found) <= 14 * len(slip)


def test_what_is_no_hangul_has_none() -> None:
    assert list(variants("abc1")) == []
