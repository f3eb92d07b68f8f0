"""Spans of the evidence that answer: what is asked for, which spans there are, which one is picked, what is refused."""

from __future__ import annotations

import json

import pytest

from gakju import wire
from gakju.answer import compose
from gakju.answer.asked import asked
from gakju.answer.choose import choose, wants_span, weights
from gakju.answer.claims import standing
from gakju.answer.spans import spans
from gakju.answer.verbatim import CONNECTIVES, foreign_words, joined
from gakju.errors import UsageError
from gakju.models.fakes import FakeChat
from gakju.text.morphemes import Morphemes
from gakju.types import Box, ClaimMade, DocumentRef, Done, Evidence, EvidenceFound, Found, Judgement, Span

REF = DocumentRef("d", "취업규칙", "rules.pdf")
LEAVE = "배우자 출산휴가는 유급으로 20일을 주며, 인사팀이 출산일부터 120일 안에 승인한다."
BRIDGE = "The bridge was designed by Anna Keller and opened in June 1931 at a cost of $4 million."


@pytest.fixture(scope="module")
def tagger():
    return Morphemes().tagged


def evidence(*texts: str) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(i, t, REF, f"c{i}", (Span(1, 0, len(t)),), (Box(1, 0, i, 9, i + 1),), 0.9 - i / 10)
        for i, t in enumerate(texts, 1)
    )


class Says:
    """A verifier with one word for each claim; others are unsupported."""

    def __init__(self, **verdicts: str) -> None:
        self.verdicts = verdicts
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def judge(self, claim, evidence, *, question=""):
        self.asked.append((claim, tuple(e.text for e in evidence)))
        for word, needed in self.verdicts.items():
            if word in claim and any(needed in e.text for e in evidence):
                return Judgement("supported", 0.9)
        return Judgement("unsupported", 0.1, "문서에서 찾지 못함")


def ask(chat, question, found, verifier=None, *, refuse_below=0.0, **options):
    events = list(compose(question, found, lambda: chat, verifier or Says(), refuse_below=refuse_below, **options))
    assert isinstance(events[-1], Done)
    return events, events[-1].answer


@pytest.mark.parametrize(
    ("question", "kind", "is_span"),
    [
        ("What should I do if water leaks onto the table?", "how", False),
        ("What happens when the tank is empty?", "how", False),
        ("What do I have to do?", "how", False),
        ("What did the king order people to do?", "how", False),
        ("What does an employee do before a trip?", "how", False),
        ("What kind of work did she do there?", "what", True),
        ("화재가 나면 무엇을 해야 하나요?", "how", False),
        ("분실하면 뭘 하면 되나요?", "how", False),
        ("언제까지 정산을 해야 하나요?", "date", True),
        ("출산휴가는 누가 승인하나요?", "who", True),
        ("회사가 세워진 해는?", "year", True),
        ("신청은 언제까지 하나요?", "date", True),
        ("휴가는 며칠인가요?", "count", True),
        ("지원금은 얼마인가요?", "amount", True),
        ("본사는 어디에 있나요?", "where", True),
        ("왜 반려되었나요?", "why", False),
        ("신청 방법을 알려 주세요", "how", False),
        ("재택근무가 가능한가요?", "what", False),
        ("연차란 무엇인가요?", "what", False),
        ("Who designed the bridge?", "who", True),
        ("When did it open?", "date", True),
        ("How many days are paid?", "count", True),
        ("How much did it cost?", "amount", True),
        ("Why was it closed?", "why", False),
        ("How do I apply?", "how", False),
        ("Is remote work allowed?", "what", False),
        ("Which company built it?", "who", True),
    ],
)
def test_a_question_says_what_it_wants(tagger, question, kind, is_span):
    wanted = asked(question, tagger)
    assert wanted.kind == kind
    assert wants_span(wanted, question) == is_span


@pytest.mark.parametrize("text", [LEAVE, BRIDGE])
def test_spans_are_pieces_of_their_sentence_at_word_borders(tagger, text):
    found = spans([text], [0.9], asked("누가 승인하나요?", tagger), tagger)
    assert found
    for span in found:
        assert text[span.start : span.end] == span.text
        assert not (span.start and text[span.start - 1].isalnum() and text is BRIDGE)
    texts = {span.text for span in found}
    assert {"20일", "인사팀", "120일"} <= texts if text is LEAVE else {"Anna Keller", "June 1931"} <= texts


@pytest.mark.parametrize(
    ("text", "there", "not_there"),
    [
        ("문의는 02-123-4567로 한다.", {"02-123-4567"}, set()),
        ("접수는 help@gakju.kr에서 받는다.", {"help@gakju.kr"}, set()),
        ("시행일은 2024. 3. 1.이고 끝은 2025-02-28이다.", {"2024. 3. 1.", "2025-02-28"}, set()),
        ("경기는 14:00에 시작한다.", {"14:00"}, set()),
        ("비율은 1/3이다.", {"1/3"}, set()),
        ("위원 3분의 2 이상이 출석한다.", {"3분의 2"}, {"3분", "2"}),
        ("회의는 3분 20초에 끝난다.", {"3분", "20초"}, set()),
        ("비용은 ₩5,000이다.", {"₩5,000"}, {"5,000"}),
        ("The fee of ₩5,000 is due on 2024-03-01.", {"₩5,000", "2024-03-01"}, {"5,000"}),
    ],
)
def test_numbers_dates_and_addresses_are_spans_and_never_cut(tagger, text, there, not_there):
    texts = {span.text for span in spans([text], [0.9], asked("얼마인가요?", tagger), tagger)}
    assert there <= texts
    assert not not_there & texts


def test_a_name_that_begins_with_a_figure_is_no_amount(tagger):
    found = spans(["5G 시장은 5GB와 494억 달러이다."], [0.9], asked("시장 규모는 얼마인가요?", tagger), tagger)
    unfit = {span.text: span.features["unfit"] for span in found}
    assert (unfit["5G"], unfit["5GB"], unfit["494억 달러"]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("배우자 출산휴가는 며칠인가요?", LEAVE, "20일"),
        ("Who designed the bridge?", BRIDGE, "Anna Keller"),
        ("When did the bridge open?", BRIDGE, "June 1931"),
        ("How much did the bridge cost?", BRIDGE, "$4 million"),
    ],
)
def test_the_span_that_answers_is_picked_and_its_sentence_is_the_footnote(tagger, question, text, answer):
    chat = FakeChat([], name="embedded:tiny")
    events, told = ask(chat, question, Found(evidence(text), 0.9), tagger=tagger)
    assert told.answer == answer
    assert told.mode == "verbatim"
    assert [n.quote for n in told.claims[0].footnotes] == [text]
    assert chat.calls == []
    assert foreign_words(told.answer, told.evidence) == []
    assert [type(e) for e in events if isinstance(e, EvidenceFound | ClaimMade | Done)] == [
        EvidenceFound,
        ClaimMade,
        Done,
    ]


def test_the_confidence_of_an_answer_is_what_a_refusal_is_decided_by(tagger):
    found, chat = Found(evidence(BRIDGE), 0.9), FakeChat([], name="embedded:tiny")
    question = "Who designed the bridge?"
    _, told = ask(chat, question, found, tagger=tagger)
    _, kept = ask(chat, question, found, tagger=tagger, refuse_below=told.confidence - 0.001)
    _, refused = ask(chat, question, found, tagger=tagger, refuse_below=told.confidence + 0.001)
    assert (kept.refused, refused.refused) == (False, True)
    assert refused.confidence == told.confidence
    assert refused.evidence == found.sentences
    assert refused.claims == ()


def test_confidence_is_never_above_the_strength_of_the_evidence(tagger):
    _, told = ask(
        FakeChat([], name="embedded:t"), "Who designed the bridge?", Found(evidence(BRIDGE), 0.05), tagger=tagger
    )
    assert told.confidence == 0.05


def test_an_answer_that_fits_the_question_is_surer_than_one_that_does_not(tagger):
    chosen = [
        choose(q, asked(q, tagger), evidence(BRIDGE), 0.9, tagger)
        for q in ("Who designed the bridge?", "Who sold the wine?")
    ]
    assert chosen[0].confidence > chosen[1].confidence + 0.1


def test_words_that_no_document_holds_are_counted():
    assert foreign_words("인사팀이 20일, 30일", [LEAVE]) == ["30일"]
    assert foreign_words("2일 12", [LEAVE]) == ["2일", "12"]
    assert foreign_words("Anna keller", [BRIDGE]) == ["keller"]
    assert foreign_words(joined(["Anna Keller", "June 1931"]), [BRIDGE]) == []
    assert not any(c.isalnum() for sign in CONNECTIVES for c in sign)


def test_every_weight_has_a_name_of_its_kind():
    own = weights()
    assert set(own) == {"ko", "en", "confidence_ko", "confidence_en"}
    assert json.loads(json.dumps(own)) == own
    assert all(abs(v) < 20 for group in own.values() for v in group.values())


BAD = "연차는 15일입니다 [1]. 회사는 우주선을 줍니다 [1]."


def test_a_bad_sentence_is_struck_through():
    _, told = ask(FakeChat([BAD]), "연차는?", Found(evidence("연차는 15일이다."), 1.0), Says(연차="연차"))
    assert [(c.verdict, c.fate) for c in told.claims] == [("supported", "kept"), ("unsupported", "struck")]
    assert told.answer == "연차는 15일입니다. ~~회사는 우주선을 줍니다.~~"
    assert told.claims[1].reason == "문서에서 찾지 못함"
    assert told.supported_share == 0.5


def test_a_bad_sentence_is_removed_with_a_notice():
    found = Found(evidence("연차는 15일이다."), 1.0)
    _, told = ask(FakeChat([BAD]), "연차는?", found, Says(연차="연차"), unsupported="remove")
    assert "우주선" not in json.dumps(wire.answer(told), ensure_ascii=False)
    assert told.claims[1].fate == "removed"
    assert "뺐습니다" in told.answer
    assert told.supported_share == 0.5


@pytest.mark.parametrize(
    ("again", "fate", "share"), [("식대는 10만 원입니다 [1].", "regenerated", 1.0), ("NO_ANSWER", "struck", 0.5)]
)
def test_a_bad_sentence_is_written_once_more_against_what_is_found_for_it(again, fate, share):
    looked = []

    def find(said):
        looked.append(said)
        return evidence("식대는 10만 원이다.")

    chat = FakeChat([BAD, again])
    found = Found(evidence("연차는 15일이다."), 1.0)
    verifier = Says(연차="연차", 식대="식대")
    _, told = ask(chat, "연차와 식대는?", found, verifier, unsupported="regenerate", find=find)
    assert looked[-1] == "회사는 우주선을 줍니다."
    assert len(chat.calls) == 2
    assert "식대는 10만 원이다." in chat.calls[1].messages[-1].content
    assert told.claims[1].fate == fate
    assert told.supported_share == share


def test_evidence_is_looked_for_on_a_claims_own_account_only_where_the_questions_does_not_carry_it():
    looked = []

    def find(said):
        looked.append(said)
        return evidence("식대는 10만 원이다.")

    text = "연차는 15일입니다 [1]. 식대는 10만 원입니다 [1]."
    found = Found(evidence("연차는 15일이다."), 1.0)
    _, told = ask(FakeChat([text]), "연차와 식대는?", found, Says(연차="연차", 식대="식대"), find=find)
    assert looked == ["식대는 10만 원입니다."]
    assert [n.quote for n in told.claims[1].footnotes] == ["식대는 10만 원이다."]
    assert told.supported_share == 1.0


def test_a_footnote_that_adds_nothing_is_left_out():
    found = Found(evidence("연차는 15일이다.", "식대는 10만 원이다."), 1.0)
    _, told = ask(FakeChat(["연차는 15일입니다 [1][2]."]), "연차는?", found, Says(연차="연차"))
    assert [n.quote for n in told.claims[0].footnotes] == ["연차는 15일이다."]


@pytest.mark.parametrize(
    ("sentence", "before", "expected"),
    [
        ("이는 유급입니다.", "배우자 출산휴가는 20일입니다.", "배우자 출산휴가는 유급입니다."),
        ("It was opened in 1931.", "The old bridge was designed by Keller.", "The old bridge was opened in 1931."),
        ("It was opened in 1931.", "Nothing here.", "It was opened in 1931."),
        ("연차는 15일입니다.", "출산휴가는 20일입니다.", "연차는 15일입니다."),
    ],
)
def test_a_pronoun_is_judged_as_what_it_stands_for(sentence, before, expected):
    assert standing(sentence, [before]) == expected


def test_a_mode_that_does_not_exist_is_told():
    from gakju.answer import checked_mode

    assert checked_mode("free") == "free"
    with pytest.raises(UsageError):
        checked_mode("poetic")


def test_the_question_as_understood_is_told_and_survives_the_wire(tagger):
    found = Found(evidence(LEAVE), 0.9)
    events, told = ask(
        FakeChat([], name="embedded:t"), "그럼 배우자는?", found, tagger=tagger, asked="배우자 출산휴가는 며칠인가요?"
    )
    assert (events[0].asked, told.asked, told.answer) == ("배우자 출산휴가는 며칠인가요?",) * 2 + ("20일",)
    for event in events:
        assert wire.load_event(*wire.event(event)) == event
