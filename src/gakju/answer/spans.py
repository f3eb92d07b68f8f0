"""Spans of evidence that may be an answer, each with what speaks for it.

A span begins and ends at a morpheme's border: a noun phrase, a name, a number with its unit, a date. What speaks for
it is what it is (a year, a name in capitals), what stands around it (a particle, a preposition), how near the
question's words stand, and how good its sentence is. `choose` weighs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gakju.answer.asked import Asked
from gakju.answer.pieces import FUNCTION, MONTHS, NUMERALS, Piece, Tagger, korean, pieces, stem

LONGEST = 12
"""Pieces of a span; for English, words."""
_FIRST = ("NN", "NR", "NP", "SN", "SL", "SH", "XPN", "MM", "XR", "SSO", "MAG")
_LAST = ("NN", "NR", "SN", "SL", "SH", "XSN", "SSC", "SW", "ETN")
_VERBAL = ("VV", "VA", "VX", "EF", "EC", "VCP", "VCN")
_BREAKS = re.compile(r"[.;:!?()\[\]—–\t]")
_YEAR = re.compile(r"(?:기원전\s?)?\d{3,4}(?:년(?:대|도)?|s)?")
_DATE = re.compile(
    r"\d+\s?[월일]|\d+년|세기|century|\b(?:" + "|".join(MONTHS) + r")\b"
    r"|\b(?:\d{2}|\d{4})([./-])\s?\d{1,2}\1\s?\d{1,2}\b",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"[<\[〈(](?:\s?(?:전문|일부)?(?:신설|개정|삭제|제정|시행)[^<>\[\]〈〉()]*\d{4}[^<>\[\]〈〉()]*)[>\]〉)]"
)
_COUNTED = "가지|사람|차례|종류|군데|마리|시간|단계|달러|퍼센트"
_COUNTED_SHORT = "[명개번척살채대장쪽권잔병달주해시분초년월일회등인배위곳원여](?![가-힣]{2})"
_NUMERAL = re.compile(
    r"\d|절반|\b반\b|\b(?:하나|둘|셋|넷)\b"
    rf"|\b(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|스무|[일이삼사오육칠팔구십백천만억조]+)\s?(?:{_COUNTED}|{_COUNTED_SHORT})"
    rf"|\b(?:{'|'.join(NUMERALS)}|none|free|no)\b",
    re.IGNORECASE,
)
_OF_YEAR = re.compile(r"(?<!\d)(\d{4})\s?년(?!\s?(?:간|동안))")
_MONEY = "₩$£€¥"
_UNCUT = re.compile(r"\d+\s?분의\s?\d+|(?<!\d)\d{1,2}월\s?\d{1,2}일")
_ARTICLE = re.compile(r"제\s?\d+\s?[조항호장절관편목]")
_PARTICLE = re.compile(r"\s(?:은|는|이|가|을|를|의|에|로|와|과|도)$")
_CLOCK = re.compile(r"\d{1,2}:\d{2}|\d{1,2}\s?시(?!간)|o'?clock|\d\s?[ap]\.?m\b", re.IGNORECASE)
_DAY = re.compile(r"\d{4}|\d\s?[월일]|\d[./-]\d")
_SHARE = re.compile(r"%|퍼센트|percent|분의", re.IGNORECASE)
_CODE = re.compile(r"\d+([A-Za-z]+)\d*")
_UNIT_SIGNS = """
bit bits byte bytes kB KB MB GB TB Hz kHz MHz GHz nm mm cm m km mg g kg t ml mL l L V kV W kW MW A mA C F K N J kJ cal
kcal Pa kPa dB dpi ppm px pt ms s h min in ft lb oz
"""
_UNITS = frozenset(_UNIT_SIGNS.split())
"""Letters that make an amount of a number; 5G and 4A are names."""
_UNIT = re.compile(r"(?:\d|[일이삼사오육칠팔구십백천만억조])\s?([가-힣%]{1,3})$")
_PLACE = frozenset("시도국군구동산강섬역주현")
_ORG = frozenset("사회당부청원팀단")
_AMOUNTS = frozenset(["year", "date", "ratio", "money", "number", "with_number"])
_WORDS = frozenset(["proper", "noun", "latin", "caps", "some_caps", "lower"])
_UNFIT = {
    "who": _AMOUNTS,
    "where": _AMOUNTS - {"with_number"},
    "year": _WORDS,
    "date": _WORDS - {"noun", "lower"},
    "clock": _WORDS,
    "count": _WORDS | {"year"},
    "amount": _WORDS | {"year"},
    "ratio": _WORDS | {"year", "date"},
}
"""What hardly answers a kind of question."""
_OPEN, _CLOSE = "《<〈「『‘’'\"“”", "》>〉」』’'\"”"


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` of sentence `sentence` (from 0) of those looked at; `features` name what speaks for it."""

    sentence: int
    start: int
    end: int
    text: str
    features: dict[str, float]


def spans(sentences: Sequence[str], scores: Sequence[float], asked: Asked, tagger: Tagger) -> list[Span]:
    """Spans of `sentences`, whose `scores` are the retriever's: every one but notes of amendments (<개정 2021. 3. 1.>)
    and, in a sentence that tells of several years, what is told of another year than the question's.
    """
    found: list[Span] = []
    seen: set[str] = set()
    for rank, (text, score) in enumerate(zip(sentences, scores, strict=True)):
        if text in seen:
            continue
        seen.add(text)
        parts = pieces(text, tagger)
        scene = _Scene(text, parts, asked, rank, score - scores[0])
        places = (_korean if korean(text) else _english)(text, parts)
        found += [scene.span(i, j) for i, j in places if not scene.ruled_out(i, j)]
    return found


def fits(asked: Asked, text: str) -> bool:
    """Whether `text` holds a figure of the sort that is asked for, where one is."""
    if asked.kind == "clock":
        return bool(_CLOCK.search(text))
    if asked.kind == "ratio" and asked.number and asked.counter != "배":
        return bool(_SHARE.search(text))
    return bool(_NUMERAL.search(text)) if asked.number else True


def tells_day(text: str) -> bool:
    return bool(_DAY.search(text))


def _korean(text: str, parts: Sequence[Piece]) -> Iterator[tuple[int, int]]:
    for i, p in enumerate(parts):
        joined = p.start > 0 and text[p.start - 1].isalnum() and i > 0 and parts[i - 1].tag[0] in "NSX"
        if not (p.tag.startswith(_FIRST) or text[p.start] in _MONEY) or text[p.start - 1 : p.start] in {*_MONEY}:
            continue
        if _cut(text, p.start) or (joined and parts[i - 1].tag not in {"SSO", "SP", "SSC"}):
            continue
        for j in range(i, min(i + LONGEST, len(parts))):
            q = parts[j]
            if q.tag == "SF" and j + 1 < len(parts):
                break
            after = parts[j + 1] if j + 1 < len(parts) else None
            goes_on = after is not None and after.start == q.end and after.tag.startswith((*_LAST[:6], "NR"))
            ends = q.tag.startswith(_LAST) and not goes_on and not _cut(text, q.end)
            if ends and _balanced(text[p.start : q.end]):
                yield i, j


def _english(text: str, parts: Sequence[Piece]) -> Iterator[tuple[int, int]]:
    for i, p in enumerate(parts):
        cut = p.start > 0 and text[p.start - 1] in _MONEY  # an amount without its currency
        if cut or (p.tag in {"F", "S"} and text[p.start] not in f'{_MONEY}"“'):
            continue
        for j in range(i, min(i + LONGEST, len(parts))):
            q = parts[j]
            if q.tag == "S" and _BREAKS.match(text[q.start]) and j > i:
                break
            if (q.tag not in {"F", "S"} or text[q.start] in '%"”') and _balanced(text[p.start : q.end]):
                yield i, j


def _cut(text: str, at: int) -> bool:
    """Whether a border at `at` parts a fraction or a day of the year."""
    return any(m.start() < at < m.end() for m in _UNCUT.finditer(text))


def _balanced(text: str) -> bool:
    pairs = (("(", ")"), ("[", "]"), ("《", "》"), ("‘", "’"), ("“", "”"), ("「", "」"), ("『", "』"), ("<", ">"))
    return text.count('"') % 2 == 0 and all(text.count(a) == text.count(b) or a == "‘" for a, b in pairs)


class _Scene:
    """One sentence and what of the question stands where in it."""

    def __init__(self, text: str, parts: Sequence[Piece], asked: Asked, rank: int, behind: float) -> None:
        self._text, self._parts, self._asked = text, parts, asked
        self._korean = korean(text)
        own = [p.form if self._korean else stem(p.form) for p in parts]
        self._own = own
        self._at: dict[str, list[int]] = {}
        for i, form in enumerate(own):
            for word in asked.words if parts[i].tag not in {"F", "S"} else ():
                if form == word or (
                    len(word) > 1 and len(form) > 1 and (form.startswith(word) or word.startswith(form))
                ):
                    self._at.setdefault(word, []).append(i)
        self._matched = {i for places in self._at.values() for i in places}
        share = len(self._at) / (len(asked.words) or 1)
        self._base = {"behind": behind, "share": share, f"rank={min(rank, 3)}": 1.0}
        self._rank = rank
        self._notes = [m.span() for m in _NOTE.finditer(text)]
        self._years = [(m.start(), m[1]) for m in _OF_YEAR.finditer(text)] if asked.kind not in {"year", "date"} else []
        told = {year for _, year in self._years}
        self._year = next(iter(told & asked.words), "") if len(told) > 1 and len(told & asked.words) == 1 else ""

    def ruled_out(self, i: int, j: int) -> bool:
        start, end = self._parts[i].start, self._parts[j].end
        text = self._text[start:end]
        if any(a <= start < b for a, b in self._notes) or _PARTICLE.search(text):
            return True
        if not self._asked.article and _ARTICLE.search(text):
            return True
        before = [year for at, year in self._years if at < end]
        return bool(self._year) and bool(before) and before[-1] != self._year

    def span(self, i: int, j: int) -> Span:
        parts, asked = self._parts, self._asked
        start, end = parts[i].start, parts[j].end
        text = self._text[start:end]
        f = dict(self._base)
        kind = asked.kind
        own = [p for p in parts[i : j + 1] if not p.tag.startswith(("J", "S")) or p.tag in {"SN", "SL", "SH"}]
        shape = _shape(text, parts[i : j + 1], self._korean)
        for name in (f"c={shape}", *self._around(i, j)):
            f[name] = f[f"{kind}|{name}"] = 1.0
        f["unfit"] = float(shape in _UNFIT.get(kind, ()))
        size = j - i + 1
        f[f"n={_bucket(size)}"] = f[f"{kind}|n={_bucket(size)}"] = f[f"c={shape}|n={_bucket(size)}"] = 1.0
        f["size"] = size / 10
        matter = [k for k in range(i, j + 1) if parts[k].tag not in {"F", "S"} and parts[k].tag[0] not in "JE"]
        repeated = sum(k in self._matched for k in matter) / (len(matter) or 1)
        f["repeats"] = repeated
        f["echo"] = float(repeated == 1.0)
        f["fresh"] = float(repeated == 0.0)
        self._near(f, i, j)
        self._named(f, i, j, text)
        if any(p.tag.startswith(_VERBAL) for p in own):
            f["verbal"] = f[f"{kind}|verbal"] = 1.0
        for sign, name in ((",", "comma"), ("(", "bracket")):
            if sign in text:
                f[name] = f[f"{kind}|{name}"] = 1.0
        return Span(self._rank, start, end, text, f)

    def _around(self, i: int, j: int) -> list[str]:
        """What stands right before and behind, and the first and last pieces."""
        text, parts = self._text, self._parts
        before = parts[i - 1] if i else None
        after = parts[j + 1] if j + 1 < len(parts) else None
        names = [f"first={parts[i].tag}", f"last={parts[j].tag}"]
        if self._korean:
            touching = after is not None and after.start <= parts[j].end
            behind = (after.tag + ("_" + after.form if after.tag[0] == "J" else "")) if after and touching else "gap"
            names += [f"next={behind}", f"prev={before.tag if before else 'begin'}"]
            if self._asked.case:
                names.append(f"case={self._asked.case}>{after.tag if after and touching else 'gap'}")
            last = text[parts[j].end - 1]
            names.append("end=" + ("place" if last in _PLACE else "org" if last in _ORG else "other"))
        else:
            names += [
                "prev=" + (before.form if before and before.tag in {"F", "S"} else before.tag if before else "begin"),
                "next=" + (after.form if after and after.tag in {"F", "S"} else after.tag if after else "end"),
            ]
        start, end = parts[i].start, parts[j].end
        if start and text[start - 1] in _OPEN and end < len(text) and text[end] in _CLOSE:
            names.append("quoted")
        if start and text[start - 1] == "(" and text[end : end + 1] == ")":
            names.append("in_brackets")
        return names

    def _near(self, f: dict[str, float], i: int, j: int) -> None:
        """How near the question's words stand, on either side."""
        left = right = both = 0.0
        for places in self._at.values():
            ls = [1 / (1 + (i - k) / 4) for k in places if k < i]
            rs = [1 / (1 + (k - j) / 4) for k in places if k > j]
            left += max(ls, default=0.0)
            right += max(rs, default=0.0)
            both += max(ls + rs, default=0.0)
        n = len(self._asked.words) or 1
        f["near"], f["near_left"], f["near_right"] = both / n, left / n, right / n
        f["touch_left"] = float(i - 1 in self._matched or i - 2 in self._matched)
        f["touch_right"] = float(j + 1 in self._matched or j + 2 in self._matched)

    def _named(self, f: dict[str, float], i: int, j: int, text: str) -> None:
        """Whether the thing asked for is called by its name here: 몇 명 > 12명, what city > city of …"""
        asked, own = self._asked, self._own
        if asked.counter:
            unit = _UNIT.search(text)
            if self._korean:
                f["counter"] = float(bool(unit) and unit is not None and unit[1].startswith(asked.counter[:2]))
                f["other_unit"] = float(bool(unit) and not f["counter"])
            else:
                f["counter_next"] = float(asked.counter in own[j + 1 : j + 4])
                f["counter"] = float(asked.counter in own[i : j + 1])
        if asked.head:
            f["head_in"] = float(asked.head in own[i : j + 1])
            f["head_last"] = float(own[j] == asked.head or (self._korean and text.endswith(asked.head)))
            f["head_next"] = float(asked.head in own[j + 1 : j + 3])
            f["head_prev"] = float(asked.head in own[max(0, i - 3) : i])


def _bucket(size: int) -> str:
    return str(size) if size <= 4 else "5" if size <= 6 else "7" if size <= 8 else "9"


def _shape(text: str, parts: Sequence[Piece], in_korean: bool) -> str:
    """Roughly what a span is."""
    if _YEAR.fullmatch(text):
        return "year"
    if _DATE.search(text):
        return "date"
    if (code := _CODE.fullmatch(text)) and code[1] not in _UNITS:
        return "latin" if in_korean else "caps"
    if any(p.tag in {"SN", "NR"} for p in parts):
        return _amount(text, parts)
    if in_korean:
        proper = sum(p.tag == "NNP" for p in parts)
        nouns = sum(p.tag.startswith("NN") for p in parts)
        named = "proper" if proper and proper * 2 >= nouns else "noun"
        return "latin" if any(p.tag == "SL" for p in parts) else named
    words = [p for p in parts if p.tag not in {"F", "S"} and p.form not in FUNCTION]
    capitals = sum(p.tag == "NNP" for p in words)
    return "caps" if words and capitals == len(words) else "some_caps" if capitals else "lower"


def _amount(text: str, parts: Sequence[Piece]) -> str:
    if re.search(r"%|퍼센트|percent", text):
        return "ratio"
    if re.search(r"[$£€]|[0-9조억만천] ?(?:원|달러|엔|유로)|dollar", text):
        return "money"
    return "number" if parts[0].tag in {"SN", "NR"} else "with_number"
