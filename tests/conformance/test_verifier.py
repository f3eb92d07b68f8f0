"""What every Verifier owes its callers, on every backend."""

from __future__ import annotations

import pytest

from gakju.text.morphemes import Morphemes
from gakju.types import DocumentRef, Evidence, Span
from gakju.verify import LexicalVerifier


@pytest.fixture(scope="module", params=["lexical"])
def verifier(request):
    return {"lexical": lambda: LexicalVerifier(Morphemes())}[request.param]()


def evidence(*texts):
    ref = DocumentRef("d", "t", "t.pdf")
    return [Evidence(i, t, ref, "d-0", (Span(1, 0, len(t)),), (), 1.0) for i, t in enumerate(texts, 1)]


RULE = "육아휴직은 자녀 한 명마다 1년 6개월까지 쓸 수 있다."


def test_without_evidence_nothing_is_supported(verifier):
    assert verifier.judge(RULE, []).verdict == "unsupported"


@pytest.mark.parametrize("text", [RULE, "The cycle lasts 32 minutes.", "결혼\t본인\t7일\t100만 원\t화환"])
def test_a_verbatim_sentence_is_supported_wherever_it_stands(verifier, text):
    for sentences in ([text], [text, "Other."], ["Other.", text]):
        judged = verifier.judge(text, evidence(*sentences))
        assert judged.verdict == "supported"
        assert judged.score >= 0.95


def test_another_matter_is_unsupported_and_says_why(verifier):
    judged = verifier.judge("화성에는 카페가 일곱 개 있습니다.", evidence(RULE))
    assert judged.verdict == "unsupported"
    assert judged.reason


def test_support_scores_above_doubt_and_doubt_above_contradiction(verifier):
    same = verifier.judge("육아휴직은 1년 6개월까지 쓸 수 있습니다.", evidence(RULE))
    other = verifier.judge("육아휴직은 2년까지 쓸 수 있습니다.", evidence(RULE))
    assert 0 <= other.score < same.score <= 1
    assert (same.verdict, other.verdict) == ("supported", "contradicted")


def test_the_same_call_gives_the_same_judgement(verifier):
    assert verifier.judge("육아휴직은 2년이다.", evidence(RULE)) == verifier.judge(
        "육아휴직은 2년이다.", evidence(RULE)
    )


@pytest.mark.parametrize(
    "claim", ["", " ", "\x00", "\ud800", "[1]", "?!", "9" * 5000, "가" * 5000, "1." * 2000, "0분의 0"]
)
def test_odd_input_gets_a_judgement(verifier, claim):
    for text in (RULE, claim or "x", "\t\t"):
        judged = verifier.judge(claim, evidence(text), question=claim)
        assert judged.verdict in {"supported", "partial", "unsupported", "contradicted"}
        assert 0 <= judged.score <= 1
