"""Whether a clause says yes or no of its matter."""

from __future__ import annotations

import re

# A clause ends where a verb is joined on (하되, 이나, 지만, 며 …) or an English connective follows.
_CLAUSE = re.compile(
    r"(?<=[가-힣])(?:지만|으나|하나|되나|이나|니나|었나|는데|은데|되|으며|하며|이며|되며|하고|이고|되고|않고|없고|있고|니고)(?=,?\s),?\s+"
    r"|[;:]\s+|,\sand\s(?=(?:the|an?|it|they|you|we|every|this|do|does|is|are)\b)"
    r"|,?\s(?:but|although|while|whereas|except that)\s|(?<=[.!?])\s+|\t",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    # 하지 않는다, 쓰지 못한다, 그러하지 아니하다, 마십시오; 않·못·안 before a verb; 수 없다, 없이.
    r"지[는도를가]?\s?(?:않|못|아니|마[세시십라]|말[고아])|(?<![가-힣])(?:안|못)\s?(?:되|돼|됩|된|하|할|합|쓰|가|받|주|나|넘|쉬|들|해)"
    r"|없[다는이어으습음을고지거]|없$|아니[다고며라면에요나지었어]|아닙니다|아니(?=\s|$)|(?<!시)금지|제외|불가|불필요|해당하지|예외"
    r"|n[’']t\b|\b(?:not|never|no|none|without|cannot|neither|nor|nothing|nobody|unable|forbidden|prohibited|excluded?)\b",
    re.IGNORECASE,
)
# "No" and "아니요" that only answer the question.
_PARTICLE = re.compile(r"^\s*(?:no|yes|아니요|아니오|아뇨|네|예)[,.!]\s+", re.IGNORECASE)
_NOT_NEGATIVE = re.compile(
    r"not only|no later than|no more than|no less than|뿐만? 아니라|밖에 없"
    # Of an amount this says "at most", which is compared with the number.
    r"|(?:넘을|넘길|초과할) 수 없|(?:넘|초과하)지 (?:않|못|아니)",
    re.IGNORECASE,
)


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
