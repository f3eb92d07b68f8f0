from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gakju.types import Problem
from gakju.ui import words


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (58_123, "58 KB"), (1_240_000, "1.2 MB"), (3e9, "3.0 GB")],
)
def test_sizes(count: int, said: str) -> None:
    assert words.size(int(count)) == said


def test_durations_in_both_languages() -> None:
    assert [words.duration(s, "ko") for s in (0.2, 59.4, 200, 3720)] == ["1초", "59초", "3분 20초", "1시간 2분"]
    assert [words.duration(s, "en") for s in (0.2, 59.4, 200, 3720)] == ["1 s", "59 s", "3 min 20 s", "1 h 2 min"]


def test_times_are_the_visitors_own() -> None:
    stamp, now = "2026-03-01T15:30:00.000000+00:00", datetime(2026, 3, 1, 20, tzinfo=UTC)
    assert words.when(stamp, "Asia/Seoul", "ko", now) == "오늘 00:30"
    assert words.when(stamp, "America/New_York", "en", now) == "Today 10:30"
    later = datetime(2026, 3, 9, tzinfo=UTC)
    assert words.when(stamp, "Asia/Seoul", "ko", later) == "2026. 3. 2."
    assert words.when(stamp, None, "en", later) == "1 Mar 2026"
    assert words.when(stamp, "No/Where", "en", later) == "1 Mar 2026"


def test_ranges_of_pages() -> None:
    assert words.ranges([7, 3, 5, 6, 5]) == "3, 5–7"
    assert words.ranges([]) == ""


def test_a_failure_says_what_and_what_next() -> None:
    error = {"code": "model_missing", "message": "The model x is missing.", "hint": "Run: gakju models pull x"}
    assert words.failure(error, "en") == ("The model x is missing.", "Run: gakju models pull x")
    assert words.failure(error, "ko") == (
        "모델을 아직 내려받지 않았습니다.",
        "The model x is missing. Run: gakju models pull x",
    )
    broken = {
        "code": "broken_file",
        "message": "a.pdf is empty.",
        "hint": "Check that it was copied or downloaded whole.",
    }
    whole = "a.pdf는 빈 파일입니다. 끝까지 복사되었거나 내려받아졌는지 확인하세요."
    assert words.failure(broken, "ko") == (whole, "")
    assert words.failure({"code": "unheard", "message": "m", "hint": ""}, "ko") == ("m", "")


def test_problems_are_told_once_a_kind_with_their_pages() -> None:
    found = [Problem(3, "no_text", "a"), Problem(None, "page_failed", "b"), Problem(4, "no_text", "c")]
    assert words.problems(found, "ko") == [
        ("글자가 없는 쪽입니다.", "3–4", "a"),
        ("읽지 못한 쪽입니다.", "", "b"),
    ]
    empty = Problem(None, "broken_file", "a.pdf is empty. Check that it was copied or downloaded whole.")
    whole = "a.pdf는 빈 파일입니다. 끝까지 복사되었거나 내려받아졌는지 확인하세요."
    assert words.problems([empty], "ko") == [("파일이 비었거나 손상되었습니다.", "", whole)]
