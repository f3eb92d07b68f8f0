"""Korean numerals, in digits, words and mixtures of both."""

from __future__ import annotations

import re
from fractions import Fraction

_ONES = {
    "한": 1, "하나": 1, "두": 2, "둘": 2, "세": 3, "셋": 3, "네": 4, "넷": 4, "다섯": 5, "여섯": 6, "일곱": 7,
    "여덟": 8, "아홉": 9,
}  # fmt: skip
_TENS = {"열": 10, "스물": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60, "일흔": 70, "여든": 80, "아흔": 90}
NATIVE = {
    **_ONES,
    **_TENS,
    "스무": 20,
    **{ten + one: tens + ones for ten, tens in _TENS.items() for one, ones in _ONES.items()},
}
DAYS = {"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "이레": 7, "열흘": 10, "보름": 15}
_SINO = {"일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8, "구": 9}
_SINO_TENS = {"십": 10, "백": 100, "천": 1000}
_MYRIADS = {"만": 10**4, "억": 10**8, "조": 10**12}

# Longer runs of digits are no amounts, and Python refuses to read them.
NUMBER = r"\d{1,3}(?:,\d{3}){1,9}(?:\.\d{1,20})?|\d{1,30}(?!\d)(?:\.\d{1,20})?"
# 5,000만 · 3만 5천 · 1억 2천만; 조 is a trillion only before money or more digits, else an article (제3조).
MIXED = (
    rf"(?:{NUMBER})\s?(?:[십백천]?[만억]|[십백천](?![가-힣])|[십백천](?=\s?[원명개달포])|조(?=\s?(?:\d|원|달러)))"
    rf"(?:\s?(?:{NUMBER})?[십백천]?[만억천백십](?=[^가-힣]|[원명개달포은는이을의과에까]))*(?:\s?\d{{1,4}}(?=\s?[원명]))?"
)
_PIECES = re.compile(rf"{NUMBER}|[가-힣]")


def value(text: str) -> Fraction:
    """Of digits mixed with Korean numerals: 3만 5천 is 35000, 백오십 is 150."""
    total = section = Fraction(0)
    number: Fraction | None = None
    for part in _PIECES.findall(text):
        if part in _SINO:
            number = Fraction(_SINO[part])
        elif part in _SINO_TENS:
            section += (1 if number is None else number) * _SINO_TENS[part]
            number = None
        elif part in _MYRIADS:
            section += number or 0
            total += (section or 1) * _MYRIADS[part]
            section, number = Fraction(0), None
        else:
            number = Fraction(part.replace(",", ""))
    return total + section + (number or 0)
