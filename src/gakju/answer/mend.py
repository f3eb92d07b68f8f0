"""What becomes of a sentence that the evidence does not carry: it is never silently kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from gakju.answer import prompt
from gakju.answer.claims import Find, claim
from gakju.answer.marks import Splitter
from gakju.protocols import Verifier
from gakju.types import Claim, Evidence, Message

Unsupported = Literal["strike", "remove", "regenerate"]
CONTRARY = frozenset(["unsupported", "contradicted"])
TOKENS = 120
_SENTENCES = 4

_REMOVED = {
    True: "(근거가 없는 문장 하나를 뺐습니다.)",
    False: "(One sentence that nothing supports was removed.)",
}


def removed(made: Claim) -> Claim:
    """A notice in the sentence's place; what it said is gone."""
    return replace(made, text=_REMOVED[prompt.korean(made.text)], footnotes=(), fate="removed")


def mended(
    made: Claim,
    question: str,
    listed: Sequence[Evidence],
    verifier: Verifier,
    find: Find | None,
    say: Callable[[Sequence[Message]], str],
    context: int,
) -> Claim | None:
    """The sentence written once more, against what is found for it; None where that is carried no better.

    `say` asks the model. What was found for the sentence stands before the question's evidence.
    """
    found = list(find(made.text)) if find else []
    texts = {e.text for e in found}
    pool = [*found, *(e for e in listed if e.text not in texts)][:_SENTENCES]
    pool = [replace(e, number=n) for n, e in enumerate(pool, 1)]
    messages, pool = prompt.mending(question, made.text, pool, context)
    splitter = Splitter()
    written = [*splitter.feed(say(messages)), *splitter.end()]
    if not written or written[0].text.strip(" .") == prompt.NOTHING:
        return None
    again = claim(written[0].text, written[0].numbers, pool, verifier, question)
    return None if again.verdict in CONTRARY else replace(again, fate="regenerated")
