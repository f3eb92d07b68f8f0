"""What every Verifier owes its callers, on every backend."""

from __future__ import annotations

import pytest

from fronts import shared
from gakju.models.fakes import FakeChat
from gakju.types import DocumentRef, Evidence, Span
from gakju.verify import JudgeVerifier, LexicalVerifier, LocalVerifier


def letter(messages):
    """A judge that looks for the claim's first word."""
    sources, _, claim = messages[-1].content.partition("Claim: ")
    return "A" if claim.strip('"').split(" ")[0] in sources else "C"


def alike(claim, premise, _question):
    return (0.95, 0.04, 0.01) if claim.split(" ")[0] in premise else (0.02, 0.9, 0.08)


@pytest.fixture(
    scope="module", params=["lexical", "local", "judge", pytest.param("local, real", marks=pytest.mark.model)]
)
def verifier(request):
    morphemes = shared()["morphemes"]
    if request.param == "local, real":
        from gakju.models.entailment import Entailment

        e5 = request.getfixturevalue("e5_file")
        return LocalVerifier(morphemes, Entailment(e5, e5.parent / "cache").entailed)
    return {
        "lexical": lambda: LexicalVerifier(morphemes),
        "local": lambda: LocalVerifier(morphemes, alike),
        "judge": lambda: JudgeVerifier(FakeChat(letter), morphemes),
    }[request.param]()


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
