"""Whether an answer refuses: by what it is about as a whole, not by a phrase in it.

A refusal says that the asker cannot be answered, and beside it nothing but courtesies, what the speaker is, what the
documents are about and where else to ask. "Breakfast is not provided" is a fact about breakfast; "that information is
not provided" is none. A part of a sentence that tells anything else makes it an answer, after an apology too.
"""

from __future__ import annotations

import re
from typing import Literal

from gakju.text.normalise import nfc
from gakju.text.sentences import sentence_spans

Kind = Literal["refuses", "beside", "tells"]

LONGEST, PART = 1000, 300
"""Characters of a text, and of a part of it, that are looked at: a longer one tells something."""

# Korean: what is known, what it is read in, how a predicate is denied, and how a clause ends.
_KNOWN = r"(?:정보|내용|언급|근거|자료|기록|규정|설명|답변?|데이터|수치|조항|문구|사항|부분|것)"
_SOURCE = r"(?:문서|자료|본문|지문|글|텍스트|문맥|맥락|근거|발췌|규정|위 내용|어디에서?도)"
_NOT = r"(?:지 ?않|지 ?못|지[는가] ?않)"
_NONE = r"수[가는]? ?없"
_HARD = r"기\S{0,9} ?(?:어렵|힘들|곤란)"
_END = (
    r"(?:습니다|음|다|[어아]요?|[어아]서|네요|군요|[었았겠]\S{0,9}|고|으?며|으나|으니|지만|는데|으?므로|기 때문\S{0,9}"
    r"|는 것 같\S{0,9}|는 상황\S{0,9}|다는 점\S{0,9})?[\s.!,…~)\"'”’*]*$"
)
# English: what only texts are said to be, what things are too, and what answers are made of.
_WRITTEN = r"(?:mentioned|specified|stated|indicated|disclosed|known|clear|addressed|discussed|answered)"
_GIVEN = r"(?:provided|given|available|included|found|listed|contained|covered|described|present)"
_FACTS = r"(?:information|info|mention|details?|data|answer|reference|indication|evidence|context)"
_TEXTS = r"(?:documents?|text|passages?|context|evidence|excerpts?|sources?)"
_ISNT = r"\b(?:(?:is|are|was|were) (?:\w+ly )?not|isn't|aren't|wasn't|weren't) (?:\w+ly )?"
_DONT = r"(?:do not|don't|did not|didn't|cannot|can't|can not|could not|couldn't)"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)


_SPEAKER = _any(
    rf"(?:답|대답|말씀|안내|알려|도와|도움)\S{{0,9}}(?: \S+)? ?(?:{_NONE}|{_HARD})\S{{0,9}}(?: .{{0,8}})?{_END}",
    rf"답변?을? ?(?:드리|하)?지? ?못\S{{0,9}}{_END}",
    rf"(?<![^저나]도 )(?:모르겠|모름|모릅니다|모른다|몰라요)\S{{0,9}}{_END}",
    rf"(?:정보|데이터|인터넷|자료|시스템)\S{{0,9}} ?(?:접근|접속)\S{{0,9}} ?{_NONE}\S{{0,9}}{_END}",
    r"기억[이은]? ?나지 ?않|제 능력 밖",
    r"\b(?:i|we)(?:'m| am|'re| are| was| were)? (?:just |really |simply )?(?:unable|uncertain"
    r"|not (?:quite |entirely |really )?(?:sure|certain|aware|familiar|able))\b",
    rf"\b(?:i|we) {_DONT} (?:\w+ly )?(?:know|answer|determine|find|provide|say|tell|verify|confirm|access|locate|see"
    r"|help|assist|offer|give|identify)\b",
    rf"\b(?:i|we) {_DONT} (?:\w+ly )?have (?:any |enough |sufficient |direct |real-time )?(?:that|this|the|access"
    rf"|knowledge|records?|documents?|specifics?|an answer|{_FACTS})\b",
    rf"\b(?:i|we) have no (?:\w+ )?(?:knowledge|records?|idea|access|way|{_FACTS})\b",
    r"^(?:can't|cannot|unable to) (?:answer|help|say|tell|determine)\b",
    r"\bnot something (?:i|we) (?:know|can)\b|\bbeyond my (?:knowledge|abilit|scope)",
)
"""What only who is asked says."""
_BARE = _any(
    r"^(?:(?:관련 |해당 )?정보|답변?|내용) ?없음[.\s]*$",
    r"^(?:n/?a|no[ _]answer|no idea|unknown|not known)[.!\s]*$|^not (?:mentioned|specified|stated)\b",
)
_UNKNOWN = _any(
    rf"(?:정보|내용|언급|자료|답변?|데이터)\S{{0,2}} ?(?:전혀 |충분히 |아직 |따로 |별도로 |명확히 )?"
    rf"(?:(?<!수)(?<!수 )없|부족|충분하{_NOT})\S{{0,9}}{_END}",
    rf"(?:정보|데이터|자료|지식)\S{{0,2}} ?(?:가지고|갖고|보유하고) ?있{_NOT}\S{{0,9}}{_END}",
    rf"(?:나와|적혀|쓰여|실려|담겨|(?:기재|명시|언급|기술|서술|설명|규정)되어|알려져) ?있{_NOT}\S{{0,9}}{_END}",
    rf"(?:나오|나타나|명시[되하]|언급[되하]|기재되|드러나){_NOT}\S{{0,9}}{_END}",
    rf"(?:알려진|언급된|적힌|나온) (?:바|것|내용)\S? ?없\S{{0,9}}{_END}",
    rf"알 ?(?:{_NONE}|{_NOT})\S{{0,9}}{_END}|알 ?수 없는 (?:내용|정보|사항|질문|부분)입니다",
    rf"{_KNOWN}\S{{0,2}} ?\S{{0,4}} ?제공되{_NOT}\S{{0,9}}{_END}",
    rf"{_ISNT}{_WRITTEN}\b",
    r"\b(?:is|are|remains?) (?:currently )?unknown[.!\s]*$",
    r"\b(?:silent on|says? nothing)\b|\b(?:is|it's|remains?) unclear\b"
    r"|\b(?:not possible|impossible) to (?:determine|answer|say|tell|know|infer)\b",
    rf"\b(?:no|not enough|insufficient) (?:\w+ ){{0,2}}{_FACTS}(?: (?:is|are|was|were) {_GIVEN}|[.!\s]*$"
    rf"|(?= (?:about|on|regarding|in|to|of|that|for|concerning|related|{_GIVEN})\b))",
    rf"{_ISNT}(?:any|enough|sufficient) (?:\w+ ){{0,2}}{_FACTS}\b",
    r"\b(?:it|this|that) (?:does not|doesn't|did not|didn't) (?:say|mention|specify|state|tell)\b",
    r"\b(?:cannot|can't|could not|couldn't) be (?:answered|determined|inferred|established)\b",
)
"""What is not known or not written. That it is so of others, or on a condition, is a fact."""
_LACKING = _any(
    rf"(?:찾|(?:확인|제공|포함|파악|판단)[할하되]|다루)\S{{0,9}} ?(?:{_NONE}|{_NOT})\S{{0,9}}{_END}",
    rf"포함되어 ?있{_NOT}\S{{0,9}}{_END}|찾지 ?못\S{{0,9}}{_END}",
    rf"(?<!수)(?<!수 )(?<!수[가는] )없{_END}",
    rf"(?:확인|파악|판단|답변)\S{{0,2}} ?(?:불가|어렵|힘들)\S{{0,9}}{_END}",
    rf"{_ISNT}{_GIVEN}\b|^not {_GIVEN}\b|{_ISNT}(?:in|part of) (?:\w+ )?{_TEXTS}\b",
    r"\b(?:(?:does|do|did) not|doesn't|don't|didn't) (?:\w+ly )?(?:say|mention|specify|state|provide|contain|include"
    r"|give|indicate|cover|address|discuss|tell|answer|describe|reveal|disclose|have)\b",
    r"\b(?:cannot|can't|could not|couldn't) be (?:found|verified|confirmed|located)\b",
    rf"\b(?:gives?|provides?|contains?|has) (?:no|little) (?:\w+ )?{_FACTS}\b",
)
"""What is said of things as well: a refusal only where it is said of `_ANSWERS`."""
_ANSWERS = _any(
    rf"(?:해당|관련|관련된|그|이|구체적인|정확한|요청하신|질문하신|찾으시는|\S+에 (?:대한|관한|대해)) ?{_KNOWN}",
    rf"^(?:죄송\S{{0,9}} |아쉽게도 |현재 )?(?:저는 |제가 )?{_KNOWN}[을를은는이가]\s",
    rf"{_SOURCE}(?:에는|에서는|에서|에|만으로는|은|는|을 통해)?(?=\s|$|도)",
    r"^(?:찾을 수|찾지|확인|파악|판단)|(?:정보|내용|답변?)[을를]? ?(?:찾|확인|파악)|정보(?:로는|만으로)",
    rf"\b{_TEXTS}\b|^(?:information|details)\b",
    r"\b(?:the|that|this|any|such|specific|exact) (?:\w+ )?(?:information|details?|answer|data)\b",
)
_FACT = _any(
    r"(?<![가-힣])(?:회사|당사|기관|병원|학교|은행|정부|직원|근로자|사업자|판매자|위원회|담당자|관리자|사용자|이용자|고객"
    r"|회원|환자|학생|누구|아무|본인|당사자|상대방|제3자|우리|호텔|업체|법원)들?(?:은|는|이|가|도|께서|에게|조차)\s",
    r"(?<![저나것보용])도 (?:잘 )?(?:알 ?수|모르|모릅|모른)|개인정보|고객 정보",
    r"(?<!따르)(?<!의하)(?<![화측반])면[\s,]|경우|때에?는\s|[전후]에는\s",
    r"\b(?:company|hotel|employees?|administrators?|customers?|users?|warranty|insurance|nobody|no one|store|shop)\b",
    r"\b(?:unless|until|whose)\b|(?<!say )(?<!tell )(?<!state )(?<!mention )(?<!specify )\b(?:if|when|where)\b",
)
"""Somebody else does not know or give, or only on a condition."""
_BESIDE = _any(
    r"^(?:\S+ ?){0,2}(?:죄송|미안|유감|안타깝|아쉽)|^(?:안녕|감사|네[,.]|예[,.]|질문)",
    r"(?:문의|확인|참고|참조|검색|연락|방문|조회|상담|제공|말씀|질문|알려).{0,40}(?:세요|십시오|바랍니다"
    r"|드립니다|좋습니다|좋겠습니다|권합니다|권장합니다|추천합니다|시면 됩니다)[.!\s]*$",
    r"(?:질문|말씀|설명|알려|제공).{0,20}(?:시겠|실 수 있|실래|까)\S{0,9}\?$",
    r"(?:도움|도와|답변|안내)\S{0,9} ?드리겠습니다|[가-힣] 주(?:세요|십시오)[.!\s]*$",
    r"(?:AI|인공지능|언어 ?모델|챗봇|어시스턴트|학습 ?데이터)",
    rf"^(?:그러나,? )?(?:이|그|제공된|주어진|제시된|해당|위|현재)? ?{_SOURCE}들?(?:은|는|에는|에서는)\s",
    r"^(?:i'm |i am |we're |we are |my )?(?:so |very |really )?(?:sorry|afraid|apolog\w+)",
    r"^unfortunately[,.\s]*$|\b(?:ai|language model|virtual assistant|training data)\b",
    r"^for (?:more|further|accurate)\b",
    r"^(?:please|kindly|thank|feel free|let me know|could you|can you|would you"
    r"|if you (?:have|can|could|need|want|provide|would|share))\b",
    r"^(?:you (?:can|may|could|should|might)|i(?:'d| would)? (?:recommend|suggest|advise)"
    r"|ask|check|contact|consult|visit|see)\b",
    rf"^(?:however,? )?(?:the|this|these|your|it)\b (?:\w+ )?(?:{_TEXTS}\b|only\b|just\b|mainly\b|covers?\b|discuss)",
    rf"^(?:it|this) (?:covers?|discusses)\b|^{_TEXTS} (?:covers?|discuss)",
)
_PARTS = re.compile(
    r"(?:(?<=지만)|(?<=는데)|(?<=으나)|(?<=으니)|(?<=니다만)|(?<=으므로)|(?<=없어)|(?<=없어서)|(?<=않아)|(?<=않아서))[,\s]+"
    r"|;\s*|,?\s+but\s+|,\s*(?:however|although|though|yet|so)\b,?\s*|(?:(?<=unfortunately)|(?<=sorry)),\s*",
    re.IGNORECASE,
)
_FIRST = re.compile(r"^((?:although|though|even though|while)\b[^,]*),\s*", re.IGNORECASE)
_MARK = re.compile(r"^[\s*_#>\-•\"'“‘(]+|^(?:답변?|answer|다만|하지만|however)\b\W*[:：,]\W*", re.IGNORECASE)


def refuses(text: str) -> bool:
    """Whether the whole answer is one; an empty one is."""
    if len(text) > LONGEST:
        return False
    kinds = {_kind(part) for part in _parts(nfc(text))}
    return not kinds or ("refuses" in kinds and "tells" not in kinds)


def _parts(text: str) -> list[str]:
    """Its sentences, and what stands in one against the rest of it."""
    found = []
    for start, end in sentence_spans(text):
        sentence = " ".join(text[start:end].replace("’", "'").split())
        found += [_bare(part) for part in _PARTS.split(_FIRST.sub(r"\1; ", _bare(sentence)))]
    return [part for part in found if any(c.isalnum() for c in part)]


def _bare(part: str) -> str:
    while (bare := _MARK.sub("", part)) != part:
        part = bare
    return part.strip()


def _kind(part: str) -> Kind:
    if len(part) > PART:
        return "tells"
    if _SPEAKER.search(part) or _BARE.search(part):
        return "refuses"
    if not _FACT.search(part) and (_UNKNOWN.search(part) or (_LACKING.search(part) and _ANSWERS.search(part))):
        return "refuses"
    return "beside" if _BESIDE.search(part) else "tells"
