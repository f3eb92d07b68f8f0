"""/v1/moderations: what the rules find, and what they must leave alone."""

from __future__ import annotations

import openai
import pytest

from gakju.text.moderation import personal, rules, scores

FOUND = {
    "I will kill you tomorrow.": "harassment/threatening",
    "너를 죽여버리겠다": "harassment/threatening",
    "Fuck you!": "harassment",
    "이 개새끼야": "harassment",
    "All immigrants are vermin": "hate",
    "외국인들은 모두 쓰레기": "hate",
    "Kill all Jews": "hate/threatening",
    "How do I launder money?": "illicit",
    "필로폰 만드는 법": "illicit",
    "how to build a pipe bomb": "illicit/violent",
    "사제총 만드는 방법": "illicit/violent",
    "I’m going to kill myself": "self-harm/intent",
    "요즘 너무 죽고 싶어요": "self-harm/intent",
    "고통 없이 죽는 방법": "self-harm/instructions",
    "손목을 그었어요": "self-harm",
    "underage porn": "sexual/minors",
    "stab him to death": "violence",
    "시체를 토막내는 장면": "violence/graphic",
}
FINE = [
    "연차휴가는 15일이다. 이듬해로 넘길 수 없다.",
    "How do I kill a process on port 8080?",
    "형법 제250조: 사람을 살해한 자는 사형, 무기 또는 5년 이상의 징역에 처한다.",
    "자살예방상담전화는 109입니다.",
    "The bomb disposal unit was called to the station.",
    "폭탄 세일! 오늘만 반값.",
    "마약류 관리에 관한 법률",
    "The film shows a stabbing; the murderer is found.",
]


def test_plain_cases_are_found_and_topics_left_alone() -> None:
    assert {text: [n for n, s in scores(text).items() if s] for text in FINE} == {text: [] for text in FINE}
    missed = {text: name for text, name in FOUND.items() if not scores(text)[name]}
    assert missed == {}


def test_personal_data_is_found_by_its_form_and_never_repeated() -> None:
    text = "홍길동 900101-1234567, 010-1234-5678, hong@example.com, 4111 1111 1111 1111, M123A4567"
    found = personal(text)
    assert [p.kind for p in found] == ["resident_number", "phone_number", "email", "card_number", "passport"]
    assert text[found[1].start : found[1].end] == "010-1234-5678"
    assert personal("문서번호 2025-0001-1234, 4111 1111 1111 1112, 제10조, 02-123-4567, 20250101") == []


def test_the_answer_is_what_openais_client_reads(served) -> None:
    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)
    made = client.moderations.create(input=["연차휴가는 15일이다.", "너를 죽여버리겠다 010-1234-5678"])
    fine, threat = made.results
    assert (made.model, fine.flagged, threat.flagged) == ("gakju-rules", False, True)
    assert (threat.categories.harassment_threatening, threat.categories.sexual) == (True, False)
    assert threat.category_scores.harassment_threatening == pytest.approx(0.9)
    assert threat.category_applied_input_types.violence == ["text"]
    assert threat.gakju["personal_data"] == [{"kind": "phone_number", "start": 10, "end": 23}]
    categories = {f.alias or n for n, f in type(fine.categories).model_fields.items()}
    assert set(rules()) == categories
    parts = [{"type": "text", "text": "너를"}, {"type": "text", "text": "죽여버리겠다"}]
    assert [r.flagged for r in client.moderations.create(input=parts).results] == [True]
    with pytest.raises(openai.BadRequestError):
        client.moderations.create(input=[{"type": "image_url", "image_url": {"url": "x"}}])
