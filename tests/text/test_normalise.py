from __future__ import annotations

from gakju.text.normalise import fold, nfc, squeeze


def test_nfc_composes_and_replaces_lone_surrogates():
    assert nfc("\u1112\u1161\u11ab\ud800") == "한\ufffd"


def test_fold_keeps_white_space():
    assert fold("ＡＢ\u00ad C\u200bd\n") == "ab cd\n"


def test_squeeze_compares_two_readings():
    assert squeeze("연차 휴가\n(Ａnnual  ﬁle\u00ad)") == squeeze("연차휴가(annual file)") == "연차휴가(annualfile)"
