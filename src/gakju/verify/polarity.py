"""Whether a clause says yes or no of its matter."""

from __future__ import annotations

import re

# A clause ends where a verb is joined on (하되, 이나, 지만, 며 …) or an English connective follows.
_CLAUSE = re.compile(
    r"(?<=[가-힣])(?:며|고|나|되|데|만)(?=,\s),\s+|(?<=[가-힣\s])(?:지만|으나|하나|되나|이나|니나|었나|는데|은데|되|으며|하며|이며|되며|하고|이고|되고|않고|없고|있고|니고)(?=,?\s),?\s+"
    # What a noun is said not to be is no verdict on the sentence: 보이지 않는 빛을 본다.
    r"|(?<=않는|않은|없는|못한|아닌)\s(?!것|경우|때|한\b)|(?<=못하는)\s(?!것|경우|때)|(?<=아니라)\s|(?<=않고도)\s"
    # What is promised or said not to be so: 하지 않겠다고 선서한다 affirms the oath.
    r"|(?<=않는다고|않았다고|않겠다고|못한다고)\s|(?<=않다고|없다고|말라고|않기로)\s"
    r"|[;:]\s+|,\s(?=(?:can|cannot|may|must|will|has|does|is|are)\s)|,\sand\s(?=(?:the|an?|it|they|you|we|every|this|do|does|is|are)\b|(?:\w+\s){1,3}(?:may|can|cannot|must|will|shall|should|is|are|was|were)\b)"
    r"|,\s(?=(?:where|which|who|whose)\b)|,?\s(?:because|but|although|though|while|whereas|except that)\s"
    r"|(?<=[.!?])\s+|\t",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    # 하지 않는다, 쓰지 못한다, 그러하지 아니하다, 마십시오; 않·못·안 before a verb; 수 없다, 없이.
    r"지[는도를가]?\s?(?:않|못|아니|마[세시십라]|말[고아])|(?<![가-힣])(?:안|못)\s?(?:되|돼|됩|된|하|할|합|쓰|가|받|주|나|넘|쉬|들|해)"
    r"|없(?![애앨앤앱앴])|아니[다고며라면에요나지었어]|아닙니다|아니(?=\s|$)|(?<!시)금지|제외|뺀다|뺍니다|불가|불필요|해당하지"
    r"|n[’']t\b|\b(?:not|never|no|none|without|cannot|neither|nor|nothing|nobody|unless|unable|forbidden|prohibited|banned|excluded?)\b|\bnon-(?=[a-z])|\bun(?=[a-z]{4,}ed\b)",
    re.IGNORECASE,
)
# "No" and "아니요" that only answer the question.
_PARTICLE = re.compile(r"^\s*(?:no|yes|아니요|아니오|아뇨|네|예)[,.!]\s+", re.IGNORECASE)
_NOT_NEGATIVE = re.compile(
    # Free of charge is said by yes and by no.
    r"(?:돈|요금|비용|값|회비|참가비|위약금|벌금|[가-힣]{1,8}료)[은는이가을를도]? ?"
    r"(?:없[다이는습]|(?:받|내|들|물)지 않|안 (?:받|내|들|물))\w*"
    r"|\bno (?:(?:extra|additional|entry|entrance|admission) )?(?:fees?|charges?|costs?)\b|\bcosts? nothing\b"
    r"|\b(?:do|does|need|are) not (?:(?:have|required|obliged) to )?pay\b"
    r"|\b(?:do|does|did|will) not charge\b|\bwithout (?:charge|paying|payment)\b|"
    r"not only|no later than|no more than|no less than|뿐만? 아니라|밖에 없"
    # Of an amount this says "at most", which is compared with the number.
    r"|(?:넘을|넘길|초과할) 수 없|(?:넘|초과하)지 (?:않|못|아니|말|마)",
    re.IGNORECASE,
)


_PART = re.compile(
    r",?\s(?=(?:unless|if|when|until)\b)|,?\s(?:and|or|yet)\s"
    r"|(?<=[가-힣]면),?\s(?!안\s?[되돼됩된])|(?<=[가-힣]때),?\s",
    re.IGNORECASE,
)
_EXCEPTED = re.compile(r"예외|\bexcept\b", re.IGNORECASE)


_CORRECTED = re.compile(
    r"(?P<ko>[가-힣A-Za-z0-9]{1,20})(?:이|가|은|는)\s아니라\s|,\snot\s(?P<en>[\w\s-]{2,30}?)(?=[,.;]|$)"
    r"|\bnot\s(?P<but>(?!only)[\w-]+(?:\s[\w-]+){0,2}?),?\sbut\s",
    re.IGNORECASE,
)


def corrected(text: str) -> tuple[str, list[str]]:
    """A text without what it says something is instead of, and that: fat, not water."""
    return _CORRECTED.sub("", text), [m["ko"] or m["en"] or m["but"] for m in _CORRECTED.finditer(text)]


OPENING = 1
"""The number of open and closed: what closes at six is open until six."""
_FEE = "(?:돈|요금|비용|값|회비|위약금|벌금|[가-힣]{1,8}료)"
# Words that say the contrary of each other.
_SIDES = [
    (re.compile(a, re.IGNORECASE), re.compile(b, re.IGNORECASE))
    for a, b in [
        (
            r"허용|허가|(?<!불)가능(?!성)|수 (?=[있없])|[아어여해]도 [되된돼됩]|면 (?=(?:안 )?[되된돼됩])"
            r"|\b(?:allowed|permitted|may|can(?=not)?|^do(?= not))(?:\b|(?=not))",
            r"(?<!시)금지|불가(?!피)|\b(?:prohibited|forbidden|banned)\b",
        ),
        (
            r"(?<![가-힣])(?:열[고며린려었립]|엽니|연다|여는)|개방|개장|개관|\bopen(?:s|ed)\b"
            r"|\bopen\b(?=\s(?:to|on|at|from|until|till|for|in|daily|every|all|by|during|between|again|only|and|or)\b|[.,;]|$)",
            r"닫|폐쇄|폐장|휴관|\bclos(?:es?|ed)\b|\bshut\b",
        ),
        (
            r"(?<![가-힣])(?:오르|올랐|올라|오른|늘[었어고은])|증가|상승|인상|\b(?:ris(?:es?|en)|rose|increas\w+|grew|grown|climb\w*)\b",
            r"(?<![가-힣])(?:내렸|내린|내려갔|떨어[졌진]|줄[었어고은])|감소|하락|인하|\b(?:f[ea]ll(?:s|en)?|decreas\w+|declin\w+|drop(?:s|ped)?)\b",
        ),
        (
            r"승인|가결|채택|수락|통과|\b(?:accept|approv|adopt)\w*",
            r"거부|부결|기각|거절|반려|\b(?:reject|refus)\w*|\bturned down\b",
        ),
        (
            rf"무료|무상|공짜|{_FEE}[은는이가을를도]? ?(?:없|[받내들물]지 않|안 [받내들물])"
            r"|\bfree of charge\b|\bfor free\b|\bfree\b(?=[.,]|$)",
            rf"유료|{_FEE}[을를은는도]?\s?(?:내야|냅|낸|물어야|문다|뭅|부담)|\b(?:have|has|had|must) (?:to )?pay\b",
        ),
        (r"(?<!불)합격|\bpass(?:es|ed)?\b", r"불합격|\bfail(?:s|ed)?\b"),
        (r"(?<!비)공개", r"비공개"),
        (r"유효|\bvalid\b", r"무효|\binvalid\b"),
        (r"필수|의무|\b(?:compulsory|mandatory|obligatory|required)\b", r"선택 사항|임의|\b(?:optional|voluntary)\b"),
        (r"뜨거운|더운|\bhot\b", r"찬물|차가운|찬 |\bcold\b"),
        (
            r"왼[쪽손편]|좌측|\b(?:on|to) the left\b|\bleft(?:-hand| side)",
            r"오른[쪽손편]|우측|\b(?:on|to) the right\b|\bright(?:-hand| side)",
        ),
        (r"동쪽|\beastern\b", r"서쪽|\bwestern\b"),
        (r"남쪽|\bsouthern\b", r"북쪽|\bnorthern\b"),
        (r"실내|\bindoors?\b", r"실외|야외|옥외|\boutdoors?\b"),
        (
            r"최고|가장 (?:큰|높|많|긴|빠)|\b(?:highest|largest|biggest|longest|fastest)\b",
            r"최저|가장 (?:작|낮|적|짧|느)|\b(?:lowest|smallest|shortest|slowest)\b",
        ),
    ]
]


_ADVERBIAL = re.compile(r"\bwithout(?:\s\w+){1,3}|[가-힣]{1,12} 없이", re.IGNORECASE)
# 발표하지 않은 글, and 발표한 글.
_OF_A_NOUN = re.compile(
    r"(?P<verb>[가-힣]{2,12})(?:[하되]지 (?P<no>않은|않는|못한|못하는)|한|된|하는|되는)\s"
    r"(?P<noun>[가-힣]{1,4}?)(?=[은는이가을를에의만과와]|\s|$)"
)


def of_nouns(text: str) -> dict[tuple[str, str], set[bool]]:
    """What is said of nouns by verbs before them, and whether it is denied: 발표하지 않은 글."""
    found: dict[tuple[str, str], set[bool]] = {}
    for m in _OF_A_NOUN.finditer(text):
        found.setdefault((m["verb"], m["noun"]), set()).add(bool(m["no"]))
    return found


def sides(clause: str) -> dict[int, tuple[bool, str]]:
    """Which of two contraries a clause affirms, by their number, and the words for it: not open is closed. What names
    both affirms none, and so does what need not be."""
    found = {}
    for i, (one, other) in enumerate(_SIDES):
        here, there = one.search(clause), other.search(clause)
        m = here or there
        if m is None or (here and there):
            continue
        korean = "가" <= m.group().strip()[-1] <= "힣"
        left = _ADVERBIAL.sub(" ", clause[m.start() :] if korean else _part_with(clause, m.start()))
        if "않아도" not in left:
            found[i] = ((m is there) != is_negative(one.sub(" ", other.sub(" ", left))), m.group())
    return found


def _part_with(clause: str, place: int) -> str:
    """The part of a clause before or behind "and", "if", "unless" that holds a place."""
    ends = [m.start() for m in _PART.finditer(clause)]
    start = max((end for end in ends if end <= place), default=0)
    return clause[start : min((end for end in ends if end > place), default=len(clause))]


_DOWN = re.compile(
    r"전에|전까지|까지|이내|미만|이하|못 미치|못하"
    r"|\b(?:until|before|under|below|up to|at most|less|fewer|younger|lighter)\b",
    re.I,
)
_UP = re.compile(
    r"부터|이후|[후뒤]에|지나|지난|넘[는으을은긴겨어고]|이상|초과|[가-힣]야 (?:하|합|한|됩|된)|늦으면"
    r"|\b(?:over|above|from|after|at least|more than|older|heavier)\b",
    re.I,
)


def complementary(one: str, other: str) -> bool:
    """Whether one clause speaks of what is below a bound and the other of what is above: before 3 nobody, from 3 on."""
    a, b = ((bool(_DOWN.search(text)), bool(_UP.search(text))) for text in (one, other))
    return a[0] != a[1] and b[0] != b[1] and a != b


def pieces(text: str) -> list[tuple[str, bool]]:
    """The clauses of a source, and their parts before and behind "and", "if", "unless": each may be all a claim says.

    What is excepted says neither yes nor no by itself, and is left out.
    """
    found = clauses(text)
    plain, instead = corrected(text)
    found += clauses(plain) if instead else []
    for piece, _ in tuple(found):
        parts = [part for part in _PART.split(piece) if part.strip()]
        if len(parts) > 1:
            found += [(part, is_negative(re.sub(r"^unless\b", "", part, flags=re.IGNORECASE))) for part in parts]
    return [one for one in found if not _EXCEPTED.search(one[0])]


_CONDITION = re.compile(r"[가-힣]면\s*$|[가-힣]때\s*$|^(?:unless|if|when|until)\b", re.IGNORECASE)


def conditions(text: str) -> list[str]:
    """What is said under "if" or "unless": neither affirmed nor denied."""
    return [part for piece, _ in clauses(text) for part in _PART.split(piece) if _CONDITION.search(part)]


def clauses(text: str) -> list[tuple[str, bool]]:
    """The clauses of a sentence, each with whether it is negative (an odd number of negations)."""
    found: list[tuple[str, bool]] = []
    start = 0
    text = _PARTICLE.sub("", text)
    for end, begin in [*((m.end(), m.end()) for m in _CLAUSE.finditer(text)), (len(text), len(text))]:
        piece = text[start:end]
        if piece.strip():
            found.append((piece, is_negative(piece)))
        start = begin
    return found


def is_negative(clause: str) -> bool:
    return len(_NEGATION.findall(_NOT_NEGATIVE.sub(" ", clause))) % 2 == 1
