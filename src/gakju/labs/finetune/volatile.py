"""Facts that change: prices, dates to come, counts, office holders, versions, whatever is so "now".

A model that has learnt one goes on telling it after it has changed, and nothing shows which of its sentences it is.
Retrieval reads the page as it stands today. Found by rule, in Korean (by morphemes) and English: a sentence is flagged
for what it says of the present, and let go where it tells of the past or says what a word means. Rules were made with
`bench/questions/volatile_dev.tsv`; `bench/volatile.py` tells how they do on sentences they were not made with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from gakju.text.sentences import sentence_spans

Kind = Literal["now", "price", "office", "schedule", "count", "version", "contact", "rank"]
Tagger = Callable[[str], Sequence[tuple[int, int, str, str]]]
"""(start, end, form, tag) of each morpheme, as `Morphemes.tagged`."""

RECENT, AHEAD = 2, 30
"""Years: what is dated further back no longer changes; a number further ahead is no year."""
LONGEST = 500
"""Characters of a sentence that are looked at: a row of numbers without end is none, and takes these rules minutes."""


@dataclass(frozen=True, slots=True)
class Flag:
    """`text` is the sentence; `word` what gave it away."""

    kind: Kind
    text: str
    word: str


def _any(*words: str) -> str:
    return "|".join(words)


_I = re.IGNORECASE

# What says of itself that it is so now, or will soon be otherwise.
_NOW_KO = re.compile(
    _any(
        r"현재(?!\s*(?:시제|분사|완료|진행형))", "지금", "요즘", "요새", "최근", "최신", "올해", "금년", "내년", "작년",
        "지난해", "(?:이번|다음|지난)\\s*(?:달|주|해|분기|학기|시즌|호|회|번|정기|회의)", "오늘(?!날)", "내일", "어제",
        "아직", "이제(?:는)?\\b", "당분간", "잠정", "임시로", "더\\s*이상", "단종", "품절", "매진", "만석", "곧\\s",
        "예정", "앞으로", "요사이", "(?:공사|수리|휴가|점검|준비|모집|진행|운영|판매|이용)\\s*중", "공석",
        "(?<![가-힣])고장", "마감(?:일|은|되|했|합|이)", "현\\s(?:정부|대표|회장|사장|총리|대통령|시장)",
        "정원이\\s*(?:차|찼|다)", "베타",
        "비어\\s*있", "남았|남아\\s*있",
    )
)  # fmt: skip
_NOW_EN = re.compile(
    r"\b(?:"
    + _any(
        "currently", "now", "nowadays", "today(?:'s)?", "tomorrow", "yesterday", "tonight", "at (?:the moment|present)",
        "these days", "as of", "latest", "newest", "most recent", "recently", "so far", "still", "no longer", "not yet",
        "until further notice", "soon", "upcoming", "temporarily", "for the time being", "a year ago", "ago",
        "(?:next|last|this|coming) (?:week|month|quarter|year|season|spring|summer|autumn|fall|winter|term|academic)",
        "is (?:expected|scheduled|planned|due)", "are (?:expected|scheduled|planned|due)",
        "will (?:be|open|close|start|begin|end|move|launch|change|rise|fall|increase|cost|expire|return|leave|join)",
        "vacant", "out of (?:order|stock)", "sold out", "on leave", "(?:closed|shut) for", "fully booked", "beta",
        "discontinued", "deprecated", "is closed", "only \\w+ (?:seats?|places?|left)", "ends? soon",
    )
    + r")\b", _I,
)  # fmt: skip
# "now" in these is grammar or the word itself.
_META = re.compile(r"시제|분사|낱말|단어|\btense\b|\bparticiple\b|\bthe word\b|\bthe term\b", _I)

_QUOTED = re.compile(r"[\"“][^\"”]*[\"”]|‘[^’]*’")
_MONEY = re.compile(
    r"[$€£¥₩]\s?\d|\d[\d,.]*\s*(?:만|천|백|억|조)?\s*(?:여\s*)?(?:원|달러|유로|엔|위안|파운드)(?![가-힣]*소)"
    r"|\b\d[\d,.]*\s*(?:thousand |million |billion )?(?:dollars?|euros?|pounds?|won|yen|cents?|usd|eur)\b",
    _I,
)
_PRICE_NOUN = re.compile(
    r"요금|가격|수수료|입장료|월급|연봉|시급|임금|배송비|이율|이자율|금리|환율|세율|부가세|관세|한도|수당|식비|숙박비"
    r"|보조금|지원금|등록금|수강료|회비|구독료|주가|할인율|물가"
    r"|\b(?:prices?|fees?|fares?|tuition|rates?|salary|wages?|rent|premium|allowance|discount|shipping|tax|exchange"
    r"|inflation|unemployment|mortgage|interest|stock|share price|expensive|cheaper)\b", _I,
)  # fmt: skip
_NUMBER = re.compile(r"\d|[일이삼사오육칠팔구십백천만억]\s*(?:퍼센트|프로|배)|무료|공짜|\bfree\b|\bpercent\b|%", _I)
_MOVED = re.compile(r"오르|올랐|올라|내렸|내려|인상|인하|\b(?:rose|fell|rise|fall|went (?:up|down)|up|down)\b", _I)

_TITLE_KO = (
    "대표", "대표이사", "이사", "사장", "회장", "의장", "총장", "총리", "장관", "대통령", "시장", "군수", "구청장",
    "도지사", "팀장", "부장", "차장", "과장", "대리", "실장", "본부장", "국장", "위원장", "담당자", "책임자", "원장",
    "교장", "감독", "주장", "당수", "지점장", "점장", "관장", "소장", "단장", "최고경영자",
)  # fmt: skip
_TITLE_EN = (
    r"(?:president|chair(?:man|woman|person)?|chief \w+(?: officer)?|ceo|cto|cfo|director|minister|mayor|governor"
    r"|manager|head|secretary(?:-general)?|chancellor|dean|principal|captain|coach|editor|leader|king|queen|pope)"
)
_HOLDS_EN = re.compile(
    rf"\b{_TITLE_EN}(?: of [\w .'-]+?)? (?:is|belongs|comes|remains)\b"
    rf"|\bis (?:the|our|a) (?:\w+ )?{_TITLE_EN}\b"
    r"|\b[A-Z][\w'-]+ (?:[A-Z][\w'-]+ )?(?:leads|heads|runs|chairs|manages|directs|oversees) (?:the|our|all)\b"
    r"|\bposition of\b"
)
_HOLDS_KO = re.compile(r"맡|이끌|책임지|지휘하")
# A person: a family name with one or two syllables, then a courtesy, the copula or "fills it".
_PERSON_KO = re.compile(
    r"(?<![가-힣])[김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허노남심민구곽성차주우진나지엄원천방]"
    r"[가-힣]{1,2}\s?(?:씨|님|부장|차장|과장|대리|이사|이다|입니다|이에요|예요|(?:이|가)\s맡)"
)

_CLOCK = re.compile(
    r"(?:오전|오후|새벽|아침|저녁|밤|낮)\s*\d{1,2}\s*시|\d{1,2}\s*시\s*(?:부터|까지|에)|\b\d{1,2}(?::\d\d)?\s*[ap]\.?\s?m\b"
    r"|(?:매주|평일|주말)\s|[월화수목금토일]요일(?:에|마다|까지|은|부터)"
    r"|\b(?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bweekdays?\b|\bbefore noon\b"
    r"|\bevery (?:half hour|hour|\w+ minutes|\w+ hours)\b|\d+\s*분\s*(?:간격|마다)", _I,
)  # fmt: skip
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAY = re.compile(rf"\d{{1,2}}월\s*\d{{1,2}}일|\b(?:\d{{1,2}} (?:{_MONTHS})|(?:{_MONTHS}) \d{{1,2}})\b", _I)
_UNTIL = re.compile(
    r"까지\s*(?:받|신청|접수|제출|내|유효|입니다|이다)|유효\s*기간|\b(?:deadline|runs until|valid until|expires)\b", _I
)
_YEARLY = re.compile(r"매년\s*\d{1,2}월|해마다\s*\d{1,2}월|\b(?:held|takes? place) (?:in|on|every)\b", _I)

_COUNTED = re.compile(
    r"인구|직원|사원|회원|가입자|이용자|사용자|구독자|재고|매출|점유율|대기자|응답자|등록\s*(?:대수|자|건수)|학생\s*수|매장\s*수|점포"
    r"|다운로드|조회\s*수|득점|시청률|지지율|실업률"
    r"|\b(?:population|inhabitants|employees|staff|members|customers|users|subscribers|downloads?|downloaded|stores|branches"
    r"|offices|visitors|followers|registered|market share|seats|students enrolled|employs)\b", _I,
)  # fmt: skip
_VERSION = re.compile(
    r"(?:버전|판|릴리스|release|version|firmware|python|java|node|ios|android)\s*v?\d+(?:\.\d+)+|\d+\.\d+(?:\.\d+)?\s*(?:버전|판)"
    r"|\bv\d+(?:\.\d+)+\b", _I,
)  # fmt: skip
_CONTACT = re.compile(
    r"(?<!\d)0\d{1,2}-\d{3,4}-\d{4}(?!\d)|\+\d[\d ()-]{6,}\d|(?<![\d-])\d{3}-\d{4}(?![\d-])|[\w.+-]+@[\w-]+\.\w+"
)
_RANK = re.compile(
    r"(?:가장|제일)\s[^.]*?(?:건물|빌딩|다리|도시|나라|회사|기업|은행|학교|대학|가게|지점|선수|사람|부자|컴퓨터|공항|앱|제품)"
    r"|선두|순위|[1-9]\d?위|신기록|세계\s*기록"
    r"|\b(?:world record|in (?:first|second|third|last) place|ranks? (?:first|second|third|\w+th)|top of the league"
    r"|most populous|nearest branch)\b"
    r"|\bthe (?:\w+est|most \w+) (?:\w+ )?(?:building|bridge|city|country|company|bank|player|person|man|woman|computer"
    r"|supercomputer|airport|app|phone|store|team|employer)\b", _I,
)  # fmt: skip
_LIMIT = re.compile(
    r"(?:까지|이내)\s*(?:\S+\s)?(?:허용|가능|줍|준다|지급|지원|인정|무료)|주\s*\d회"
    r"|\b(?:allowance|refund window|quota|may work from home|policy (?:now )?requires)\b", _I,
)  # fmt: skip
_PAST_EN = re.compile(
    r"\b(?:was|were|had been|began|ended|fought|won|lost|died|wrote|built|sank|signed|bought|sold|crossed|killed|fell"
    r"|lent|invented|discovered|founded|published|ruled|lasted|reached|held)\b", _I,
)  # fmt: skip
_MEANS = re.compile(
    r"(?:이)?란\s|말이다|뜻(?:이다|한다|하는)|이르는\s*말|가리킨다|나타낸\s*것|하는\s*일이다|정하는\s*것|값이다"
    r"|단위(?:는|이다)|\b(?:means|is defined|refers to"
    r"|is (?:a|an|the) (?:\w+ )?(?:time|list|table|number|word|unit|kind|sum) (?:by|of|that|which|for|in)"
    r"|is what|tells? \w+ apart|lists what)\b", _I,
)  # fmt: skip
_HANGUL = re.compile(r"[가-힣]")


def find(text: str, tagger: Tagger | None = None, *, year: int = 0) -> list[Flag]:
    """A flag for every sentence that tells what will change; its strongest reason. `year` is this one."""
    year = year or datetime.now(UTC).year
    found = []
    for start, end in sentence_spans(text):
        sentence = text[start:end].strip()[:LONGEST]
        if sentence and (flag := _flag(sentence, tagger, year)):
            found.append(flag)
    return found


def _flag(sentence: str, tagger: Tagger | None, year: int) -> Flag | None:
    for kind, word in _reasons(sentence, tagger, year):
        return Flag(kind, sentence, word.strip())
    return None


def _reasons(s: str, tagger: Tagger | None, year: int) -> Iterator[tuple[Kind, str]]:
    korean = bool(_HANGUL.search(s))
    if contact := _CONTACT.search(s):
        yield "contact", contact[0]
    years = map(int, re.findall(r"(?<![\d.,])20\d\d(?![\d.,]*\d)", s))
    if ahead := next((y for y in years if year <= y <= year + AHEAD), 0):
        yield "schedule", str(ahead)
    if _MEANS.search(s) or _META.search(s):
        return
    now = (_NOW_KO if korean else _NOW_EN).search(_QUOTED.sub("", s))  # what someone said was so then
    if now and not _old(s, year):
        yield "now", now[0]
    if version := _VERSION.search(s):
        yield "version", version[0]
    tags = tagger(s) if korean and tagger else ()
    if _old(s, year) or _past(s, korean, tags):
        return
    yield from _present(s, korean, tags)


def _present(s: str, korean: bool, tags: Sequence[tuple[int, int, str, str]]) -> Iterator[tuple[Kind, str]]:
    """Of a sentence that tells of no past."""
    noun = _PRICE_NOUN.search(s)
    if money := _MONEY.search(s):
        yield "price", money[0]
    if noun and (_NUMBER.search(s) or _MOVED.search(s)):
        yield "price", noun[0]
    holder = _holder(s, tags) if korean else (m[0] if (m := _HOLDS_EN.search(s)) else "")
    if holder:
        yield "office", holder
    for kind, pattern in _PATTERNS:
        if match := pattern.search(s):
            yield kind, match[0]
    if (counted := _COUNTED.search(s)) and (_NUMBER.search(s) or re.search(r"\b(?:more|most|roughly|about)\b", s)):
        yield "count", counted[0]


_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("schedule", _CLOCK),
    ("schedule", _DAY),
    ("schedule", _UNTIL),
    ("schedule", _YEARLY),
    ("rank", _RANK),
    ("price", _LIMIT),
)


def _old(s: str, year: int) -> bool:
    """Dated so far back that it no longer changes."""
    years = [int(y) for y in re.findall(r"(?<!\d)(\d{3,4})\s*년|\b(1\d{3}|20\d\d)\b(?![,.]\d)", s) for y in y if y]
    return bool(years) and max(years) < year - RECENT


def _past(s: str, korean: bool, tags: Sequence[tuple[int, int, str, str]]) -> bool:
    if not korean:
        return bool(_PAST_EN.search(s))
    endings = [form for _, _, form, tag in tags[-6:] if tag == "EP"]
    return any(form in {"었", "았", "였", "엇", "앗"} for form in endings)


def _holder(s: str, tags: Sequence[tuple[int, int, str, str]]) -> str:
    """A title and a person's name that are said to be one, or that someone fills it."""
    title = next((t for t in sorted(_TITLE_KO, key=len, reverse=True) if t in s), "")
    if not title:
        return ""
    if _PERSON_KO.search(s):
        return title
    kinds = {tag for _, _, _, tag in tags}
    return title if "NNP" in kinds and ("VCP" in kinds or _HOLDS_KO.search(s)) else ""
