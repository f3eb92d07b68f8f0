"""One form for amounts, articles and hanja."""

from __future__ import annotations

import pytest

from gakju.text.canonical import canonical
from gakju.text.hanja import reading

CASES = {
    "1억 5천만 원": "150000000 원",
    "3,000만 원과 2만5천원": "30000000 원과 25000원",
    "3.5만 원": "35000 원",
    "천만 원 이하": "10000000 원 이하",
    "오십 명이": "50 명이",
    "다섯 번 넘게": "5번 넘게",
    "열두 달, 스무 살": "12달, 20살",
    "사흘 안에": "3일 안에",
    "세대와 두부와 한 번": "세대와 두부와 한 번",
    "구원과 사원": "구원과 사원",
    "10밀리리터와 100㎡": "10ml와 100m2",
    "7.5 kg에": "7.5kg에",
    "30퍼센트, 15℃": "30%, 15도",
    "제 17 조의 2": "17조의2",
    "별지 제12호": "별지 12호",
    "경제3법": "경제3법",
    "M8 × 25": "m8x25",
    "M8×25": "m8x25",
    "PPR-30만": "ppr-30만",
    "": "",
}


@pytest.mark.parametrize(("text", "expected"), CASES.items(), ids=list(CASES))
def test_canonical(text, expected):
    assert canonical(text) == expected


READINGS = {
    "契約의 解止": "계약의 해지",
    "女子와 男女": "여자와 남녀",
    "勞動者": "노동자",
    "法律과 比率과 容積率과 換率": "법률과 비율과 용적률과 환율",
    "不法과 不動産과 不正": "불법과 부동산과 부정",
    "自動車": "자동차",
    "东西": "东西",
    "日本語です": "일본어です",
}


@pytest.mark.parametrize(("text", "expected"), READINGS.items(), ids=list(READINGS))
def test_hanja_are_read(text, expected):
    assert reading(text) == expected
    assert len(reading(text)) == len(text)
