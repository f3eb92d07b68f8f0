"""The verifier on answers that their context supports or does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gakju.evaluation.datasets import Statement
from gakju.evaluation.metrics import accuracy, auroc, f1, quantile_ms
from gakju.protocols import Verifier
from gakju.text.sentences import sentence_spans
from gakju.types import DocumentRef, Evidence, Progress, Span

_CONTEXT = DocumentRef("context", "", "")


@dataclass(frozen=True, slots=True)
class Verified:
    """The verifier's word on each statement, in order, beside the truth. Only plain support counts as support."""

    said: tuple[bool, ...]
    scores: tuple[float, ...]
    true: tuple[bool, ...]
    seconds: tuple[float, ...]

    def summary(self) -> dict[str, Any]:
        """`f1` is of the supported; `auroc`, of the scores, is None where all statements are alike."""
        area = auroc(self.scores, self.true)
        return {
            "accuracy": round(accuracy(self.said, self.true), 4),
            "f1": round(f1(self.said, self.true), 4),
            "auroc": None if area is None else round(area, 4),
            "n": len(self.true),
            "p50_ms": quantile_ms(self.seconds, 0.5),
        }


def evaluate(
    verifier: Verifier, statements: Sequence[Statement], tell: Callable[[Progress], None] = lambda _: None
) -> Verified:
    """Each sentence of an answer is judged by all sentences of its context, and the answer by its worst one: a false
    sentence makes an answer false.
    """
    said, scores, seconds = [], [], []
    if statements:
        verifier.judge("준비", evidence(statements[0].context))  # the analyser loads at first use
    for done, statement in enumerate(statements, 1):
        started = time.perf_counter()
        supported, score = judged(verifier, statement)
        seconds.append(time.perf_counter() - started)
        said.append(supported)
        scores.append(score)
        step = Progress("evaluating", done, len(statements), "statements")
        tell(step)
    return Verified(tuple(said), tuple(scores), tuple(s.supported for s in statements), tuple(seconds))


def judged(verifier: Verifier, statement: Statement) -> tuple[bool, float]:
    """Whether every sentence of the answer is supported, and the lowest score; an empty answer says nothing."""
    found = evidence(statement.context)
    sentences = [statement.answer[start:end] for start, end in sentence_spans(statement.answer)]
    verdicts = [verifier.judge(sentence, found, question=statement.question) for sentence in sentences]
    if not verdicts:
        return False, 0.0
    return all(v.verdict == "supported" for v in verdicts), min(v.score for v in verdicts)


def evidence(context: str) -> list[Evidence]:
    """The sentences of a text, as evidence from a document of one page."""
    return [
        Evidence(n, context[start:end], _CONTEXT, "context-0", (Span(1, start, end),), (), 1.0)
        for n, (start, end) in enumerate(sentence_spans(context), 1)
    ]
