from __future__ import annotations

import pytest

from gakju.text.normalise import fold, nfc, squeeze


def test_nfc_composes_and_replaces_lone_surrogates():
    assert nfc("\u1112\u1161\u11ab\ud800") == "한\ufffd"


def test_fold_keeps_white_space():
    assert fold("ＡＢ\u00ad C\u200bd\n") == "ab cd\n"


def test_squeeze_compares_two_readings():
    assert squeeze("연차 휴가\n(Ａnnual  ﬁle\u00ad)") == squeeze("연차휴가(annual file)") == "연차휴가(annualfile)"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("an exam-\nple of it", "an example of it"),
        ("state-of-the-\nart", "state-of-the-\nart"),
        ("Math-\nInstruct", "math-\ninstruct"),
        ("10-\n20 days", "10-\n20 days"),
        ("well-known", "well-known"),
    ],
)
def test_fold_joins_a_word_that_a_line_end_parts(text: str, folded: str) -> None:
    assert fold(text) == folded
