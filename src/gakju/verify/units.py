"""English numerals, units of measure and what they come to, in Korean and English; an amount of one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from gakju.text import numerals

Value = Fraction | tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Quantity:
    """`value` in the base of `unit`; `bound` is "≥" (at least, more than), "≤" (at most, less than) or "".

    `unit` is "" for a bare number, "thing" for what English counts (14 countries), "date" where `value` is (year,
    month, day), "clock" for minutes after midnight, "weekday" for 0 (Monday) to 6. `text` is how it is written,
    `start` where it begins in the NFKC form of the text. `loose` is a word that may be no amount at all: an hour,
    one of them, 한 사람, half.
    """

    unit: str
    value: Value
    text: str
    bound: str = ""
    start: int = 0
    loose: bool = False


ENGLISH = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90, "hundred": 100, "dozen": 12, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "eighteenth": 18,
    "nineteenth": 19, "twentieth": 20,
}  # fmt: skip
NATIVE = {**numerals.NATIVE, "석": 3, "넉": 4}
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

# unit as written -> (base unit, factor). Longer spellings are tried first.
UNITS: dict[str, tuple[str, Fraction]] = {
    spelling: (base, Fraction(str(factor)))
    for base, factor, spellings in [
        ("month", 120, "decade|decades"),
        ("month", 12, "년|해|개년|year|years|yr|yrs"),
        ("month", 1, "개월|달|month|months"),
        ("quarter", 1, "분기"),
        ("day", 14, "fortnight|fortnights"),
        ("day", 7, "주일|주간|주|week|weeks"),
        ("day", 1, "일간|일|day|days|calendar day|calendar days"),
        ("business day", 1, "영업일|근무일|business day|business days|working day|working days"),
        ("second", 3600, "시간|hour|hours|hr|hrs"),
        ("second", 60, "분|minute|minutes|min|mins"),
        ("second", 1, "초|second|seconds|sec|secs"),
        ("KRW", 1, "원|won|KRW"),
        ("USD", 1, "달러|dollar|dollars|USD"),
        ("EUR", 1, "유로|euro|euros|EUR"),
        ("JPY", 1, "엔|yen|JPY"),
        ("%", 1, "%p|%포인트|%|퍼센트포인트|퍼센트 포인트|퍼센트|프로|percent|per cent"),
        ("%", 1, "percentage points|percentage point"),
        ("%", 10, "할"),
        ("%", "1/100", "bp|베이시스포인트|basis points|basis point"),
        ("person", 1, "명|인|인실|인용|인승|사람|people|persons|person|employees"),
        ("time", 1, "회|번|차례|times|time"),
        ("piece", 1, "개|대|가지|종류|종|곳|군데|pieces|piece|items"),
        ("vote", 1, "표|votes|vote"),
        ("animal", 1, "마리"),
        ("digit", 1, "자리|digits|digit"),
        ("storey", 1, "층|storeys|storey|stories|floors"),
        ("night", 1, "박|nights|night"),
        ("seat", 1, "석|좌석|seats|seat"),
        ("credit", 1, "학점|credits|credit"),
        ("question", 1, "문제|문항|questions|question"),
        ("serving", 1, "인분|servings|serving"),
        ("copy", 1, "부|권|copies|copy|books"),
        ("page", 1, "쪽|페이지|pages|page"),
        ("age", 1, "세|살|years old"),
        ("point", 1, "점|포인트|points|point"),
        ("fold", 1, "배"),
        ("grade", 1, "급|등급|단계"),
        ("article", 1, "조|article"),
        ("paragraph", 1, "항"),
        ("item", 1, "호"),
        ("chapter", 1, "장"),
        ("character", 1, "자|글자|characters|character"),
        ("mm/h", 10**6, "km/h|kph"),
        ("mm2", 10**12, "km2|제곱킬로미터|square kilometres|square kilometers"),
        ("mm2", 10**10, "ha|헥타르|hectares|hectare"),
        ("mm2", 10**6, "m2|제곱미터|square metres|square meters"),
        ("mm3", 10**9, "m3|세제곱미터|cubic metres|cubic meters"),
        ("mile", 1, "마일|miles|mile"),
        ("mm", 10**6, "km|킬로미터|kilometres|kilometers"),
        ("mm", 1000, "m|미터|metres|meters|metre|meter"),
        ("mm", 10, "cm|센티미터|센티|centimetres|centimeters"),
        ("mm", 1, "mm|밀리미터|millimetres|millimeters"),
        ("g", 10**6, "톤|tonnes|tonne|tons|ton"),
        ("g", 1000, "kg|킬로그램|킬로|kilograms|kilogram|kilos"),
        ("g", 1, "g|그램|grams"),
        ("g", "1/1000", "mg|밀리그램|milligrams|milligram"),
        ("ml", 1000, "L|l|리터|litres|liters|litre|liter"),
        ("ml", 1, "ml|mL|cc|밀리리터|millilitres|milliliters"),
        ("MB", 10**6, "TB"),
        ("MB", 1000, "GB"),
        ("MB", 1, "MB"),
        ("W", 10**6, "MW|megawatts"),
        ("W", 1000, "kW|킬로와트|kilowatts"),
        ("W", 1, "W|와트|watts"),
        ("V", 1, "V|볼트|volts"),
        ("Hz", 10**9, "GHz"),
        ("Hz", 1, "Hz"),
        ("dB", 1, "dB"),
        ("°C", 1, "°C|도|degrees Celsius|degrees"),
        ("inch", 1, "인치|inch|inches"),
    ]
    for spelling in spellings.split("|")
}

_COUNTED = {
    *("person", "piece", "animal", "seat", "vote", "question", "serving", "digit", "time", "copy", "page", "point"),
    *("character", "credit", "storey", "night"),
}
UNCOUNTED = frozenset(base for base, _ in UNITS.values()) - _COUNTED | {"date", "weekday", "clock"}
"""What is measured, paid or numbered. All else is counted, and what is counted is named by many words: a hall of 300
people, 300 seats."""

CURRENCY = {"$": "USD", "₩": "KRW", "€": "EUR", "¥": "JPY"}
