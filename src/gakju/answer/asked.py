"""What a question asks for: a person, a year, so many of something, a reason; by its words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gakju.answer.pieces import FUNCTION, Tagger, korean, pieces, stem

_KOREAN = [
    ("why", r"왜|이유|까닭|원인은|때문에"),
    (
        "how",
        r"어떻게|방법|절차|어떤 식|과정은|설명|알려\s?(?:줘|주)|요약"
        r"|(?:무엇|뭣|무얼|뭘|뭐)(?:을|부터)?\s?(?:해야|하면|하여야)|어떤\s?조치|무슨\s?일이",
    ),
    ("clock", r"몇\s?시(?!\w*간)"),
    (
        "year",
        r"몇\s?년도?(?!\s?(?:간|동안|만|이상|이하|이내|미만|초과|안|내|전|뒤|후|마다|이?\s?(?:지나|되|경과|넘|걸리|남)))"
        r"|연도|년도|해는|해에|어느\s?해|세기",
    ),
    ("date", r"언제|날짜|며칠(?:에|날)|몇\s?월|시기|날은|일자|기한"),
    ("ratio", r"퍼센트|비율|%|몇\s?배|확률|점유율|지지율"),
    ("amount", r"얼마|금액|가격|비용|액수|길이|높이|넓이|면적|무게|속도|거리|온도|크기"),
    ("count", r"몇|횟수|개수|인원|명수|숫자|며칠|[가-힣]수(?:는|가)|나이"),
    ("where", r"어디|어느\s?(?:나라|도시|지역|곳|학교|대학|주|섬|지방)|장소|곳은|지역은|나라는|국가는|도시는|위치"),
    (
        "who",
        r"누구|누가|누굴|누군|사람|인물|배우|감독|가수|작가|대통령|선수|아버지|어머니|아들|딸|남편|아내|부인|동생"
        r"|총리|왕은|황제|장관|의원|교수|저자|주인공|기자|후보|회장|대표|시인|화가",
    ),
    ("name", r"이름|명칭|제목|불리|부르|별명|별칭|단어|용어"),
]
_ENGLISH = [
    ("why", r"\bwhy\b|\bwhat (?:was|is|were|are) the (?:\w+ )?(?:reason|cause)s?\b|\bfor what reason"),
    ("ratio", r"percent|percentage|proportion|\bratio\b|what fraction"),
    ("amount", r"\bhow (?:much|long|tall|high|far|wide|deep|large|big|fast|heavy|old|often|late|early)\b|\bcost\b"),
    ("count", r"\bhow many\b|\bwhat (?:is|was) the (?:\w+ )?(?:number|population|amount)\b|\bwhat number\b"),
    (
        "how",
        r"\bhow\b|\bexplain\b|\bdescribe\b|\bsummar|\bwhat (?:will |would |can |could )?happens?\b"
        r"|\bwhat (?:do|does|did|should|must|can|could|shall|would|may|to)\b[^?]*?\bdo(?=\s*(?:[?,.]|$)"
        r"|\s+(?:if|when|with|about|after|before|while|once|in case)\b)",
    ),
    ("year", r"\b(?:what|which) (?:year|decade|century)\b"),
    ("date", r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:date|day|month|time|period|era|season)\b"),
    (
        "where",
        r"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:country|city|state|place|location|region|river|county|town|area"
        r"|continent|island|province|district|countries|cities|states|street|ocean|sea)\b",
    ),
    (
        "who",
        r"\bwho(?:se|m)?\b|\b(?:what|which) (?:\w+ )?(?:person|man|woman|king|queen|president|emperor|actor|actress"
        r"|author|writer|leader|scientist|people|group|singer|artist|director|player|architect|ruler|god|company"
        r"|organization|team)\b",
    ),
    ("name", r"\bnames?d?\b|\bcalled\b|\btitle\b|\bterm\b|\bknown as\b|\bword\b"),
]
_KINDS = {
    True: [(name, re.compile(p)) for name, p in _KOREAN],
    False: [(name, re.compile(p, re.IGNORECASE)) for name, p in _ENGLISH],
}
_NUMBER = {
    True: re.compile(r"몇|며칠|얼마"),
    False: re.compile(r"\bhow (?:many|much|long|tall|high|far|wide|deep|heavy|old)\b|\bpercent", re.IGNORECASE),
}
_NO_NUMBER = re.compile(r"무엇|무슨|누구|누가|어디|어느|어떤|왜|뭐|뭘|언제|\b(?:who|where|why|which)\b", re.IGNORECASE)
_ARTICLE = re.compile(
    r"몇\s?[조항호장절관편목]|조항|(?:어느|어떤|무슨|근거)\s?(?:법|규정|조)|제\s?\d+\s?[조항호장절관편목]"
)
_COUNTER = re.compile(r"몇\s?([가-힣]+?)(?:이|인|가|을|를|에|의|은|는|나|까지|부터|로|동안|씩|\s|\?|$)")
_HOW_MANY = re.compile(r"how many (?:\w+ )??(\w+)", re.IGNORECASE)
_WHAT = re.compile(r"\b(?:what|which)(?: (?:kind|type|sort)s? of)? ((?:\w+ )??\w+)", re.IGNORECASE)
_WH_WORDS = "누구 누가 무엇 무어 뭐 어디 언제 왜 어떻 어떤 어느 얼마 몇 며칠 무슨 어떠하 누"
_WH_KOREAN = frozenset(_WH_WORDS.split())
_EMPTY_WORDS = "하 되 있 없 이 것 수 등 때 중 그 저 알 말 무엇 이름 인가 대하 관하 위하 따르 나 않 아니 지 주 보 당시"
_EMPTY = frozenset(_EMPTY_WORDS.split())
SENTENCE = frozenset(["why", "how"])
"""Kinds that want a sentence or clause and not a name."""
_DEFINES = re.compile(
    r"(?:란|이란|라는 것은)\s?(?:무엇|뭐)|무슨 뜻|^what (?:is|are|does)\s(?:\w+\s?){1,4}\??$|\bmean\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Asked:
    """`kind` of answer; `words` (stems) of the question's matter; `counter` or `head` names what is asked for;
    `case` is the particle of the Korean question word; `number`: no answer is without one;
    `article`: one of a law or a contract is asked for.
    """

    kind: str
    words: frozenset[str]
    counter: str
    head: str
    case: str
    korean: bool
    defines: bool = False
    number: bool = False
    article: bool = False


def asked(question: str, tagger: Tagger) -> Asked:
    in_korean = korean(question)
    kind = next((name for name, pattern in _KINDS[in_korean] if pattern.search(question)), "what")
    defines = bool(_DEFINES.search(question.strip()))
    article = bool(_ARTICLE.search(question))
    number = bool(_NUMBER[in_korean].search(question)) and not _NO_NUMBER.search(question)
    parts = pieces(question, tagger)
    if not in_korean:
        words = frozenset(stem(p.form) for p in parts if p.tag in {"NNP", "NNG", "SN"} and p.form not in FUNCTION)
        found = _HOW_MANY.search(question)
        what = _WHAT.search(question)
        head = what[1].split()[-1].lower() if what else ""
        return Asked(
            kind, words, stem(found[1].lower()) if found else "", stem(head), "", False, defines, number, article
        )
    content = ("NN", "NP", "NR", "VV", "VA", "XR", "SL", "SN", "SH", "MAG")
    words = frozenset(
        p.form for p in parts if p.tag.startswith(content) and p.form not in _WH_KOREAN and p.form not in _EMPTY
    )
    counter = _COUNTER.search(question.replace("며칠", "몇 일"))
    case = head = ""
    for i, p in enumerate(parts):
        after = parts[i + 1].tag if i + 1 < len(parts) else ""
        if p.form in _WH_KOREAN or p.form == "누가":
            case = "JKS" if p.form == "누가" else after
            if i and p.form in {"누구", "무엇", "어디", "언제", "얼마"}:
                head = _head_before([(q.tag, q.form) for q in parts[:i]]) or head
            elif after.startswith("NN"):
                head = parts[i + 1].form
    if not head:
        head = _head_before([(q.tag, q.form) for q in parts if q.tag not in {"SF", "EF", "VCP"}])
    number = number or head in {"번호", "전화번호"}
    return Asked(kind, words, counter[1] if counter else "", head, case, True, defines, number, article)


def _head_before(parts: list[tuple[str, str]]) -> str:
    """The noun with a topic's particle right before."""
    if len(parts) >= 2 and parts[-1][0] in {"JX", "JKS"} and parts[-2][0].startswith(("NN", "XSN")):
        return parts[-2][1]
    return parts[-1][1] if parts and parts[-1][0].startswith("NN") else ""
