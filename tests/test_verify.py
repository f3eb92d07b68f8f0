"""Verdicts on paraphrases and on swaps of one number, name, code or yes and no; reasons; speed."""

from __future__ import annotations

import time

import pytest

from gakju.text.morphemes import Morphemes
from gakju.types import DocumentRef, Evidence, Span
from gakju.verify import LexicalVerifier
from gakju.verify.compare import Comparer


@pytest.fixture(scope="module")
def verifier():
    return LexicalVerifier(Morphemes())


def evidence(*texts):
    ref = DocumentRef("d", "handbook", "handbook.pdf")
    return [Evidence(i, t, ref, "d-0", (Span(1, 0, len(t)),), (), 1.0) for i, t in enumerate(texts, 1)]


SOURCES = {
    "birth": "배우자 출산휴가는 유급 20일로 하며, 출산일부터 120일 안에 세 번까지 나누어 쓸 수 있다.",
    "remote": "직원은 1주에 2일까지 재택근무를 할 수 있으며, 전날 오후 5시까지 누리터에 신청한다.",
    "overtime": "연장근로는 1주에 12시간을 넘을 수 없으며, 시작하기 전에 누리터에서 소속장의 승인을 받아야 한다.",
    "cafe": "카페와 같은 공공장소에서는 재택근무를 할 수 없으나, 회사가 계약한 공유 사무실 6개 지점은 예외로 한다.",
    "wedding": "결혼\t본인\t7일\t100만 원\t화환",
    "password": "비밀번호는 14자 이상으로 하고 숫자와 기호를 하나 이상 넣는다.",
    "pay": "임금은 매월 1일부터 말일까지 계산하여 그달 25일에 지급한다.",
    "resign": "사직하려는 직원은 퇴직일 30일 전까지 사직서(서식 HR-3090)를 낸다.",
    "parental": "육아휴직은 자녀 한 명마다 1년 6개월까지 쓸 수 있다.",
    "founding": "회사 창립기념일(10월 17일)로 한다.",
    "amended": "제정 2001. 3. 2. 전부개정 2024. 2. 21.",
    "retire": "정년은 만 62세가 되는 해의 12월 31일로 한다.",
    "bonus": "성과급은 전년도 영업이익의 12%를 재원으로 하여 3월 급여일에 지급한다.",
    "loss": "영업이익이 나지 않은 해에는 지급하지 않는다.",
    "loan": "근속 2년 이상인 직원은 주택 자금을 5,000만 원까지 연 1.8%의 이율로 빌릴 수 있다.",
    "parents": "부모는 지원 대상이 아니나 회사 협약 가격으로 검진을 받을 수 있다.",
    "sick": "2일 이하의 병가에는 증빙이 필요하지 않다.",
    "warranty": "The warranty starts on the day of delivery.",
    "wash": "Every week: wash the rear tank, the lid and the drip tray by hand with mild soap.",
    "vinegar": "Never use bleach, vinegar, alcohol or scouring pads.",
    "descale": "Turn the dial to 85 °C and hold Lock for eight seconds. The cycle lasts 32 minutes.",
    "pump": "Pump\t5 years\t5 years\tgenuine filters only",
    "nitrate": "Nitrate\tnot reduced\tnot tested\tnone",
    "return": "You may return the purifier within 30 days for any reason.",
    "wifi": "Wi-Fi is optional, and every function of the purifier works without it.",
    "surface": "Use the purifier only indoors, on a level surface that carries at least 15 kg.",
    "tank": "The inner tank holds 1.6 litres.",
    "revenue": "Revenue grew to $30.3 billion on December 31, 2015.",
    "night": "Errors still light up in night mode.",
    "points": "복지포인트는 도서, 공연, 운동, 여행, 병원, 육아 용품에 쓸 수 있다.",
    "lunch": "점심 식대로 하루 12,000원을 식권 앱에 넣어 준다.",
    "cycle": "The cycle lasts 32 minutes.",
    "smith": "Dr. Smith of Harvard led the study.",
    "seller": "The purifier is sold by Aquilune Works.",
    "code": "E4 means that the leak sensor is wet.",
    "river": "한강의 길이는 약 494km이고 유역 면적은 약 26,219㎢이다.",
    "letters": "세종대왕은 1443년에 훈민정음을 창제하였다.",
    "treaty": "대한민국은 1991년에 협정에 서명하였다.",
    "vote": "회원은 누구나 총회에서 한 표를 행사할 수 있다.",
    "fever": "두통을 호소한 환자는 많았지만 열이 난 환자는 없었다.",
    "lessons": "강습은 화요일과 목요일에 있다.",
    "fee": "체육관 이용료는 무료이다.",
    "lease": "계약 기간은 2025년 4월 1일부터 2년으로 하며, 통지가 없으면 1년 연장된다.",
    "members": "Members must be at least eighteen.",
    "whale": "고래는 물고기가 아니라 젖먹이동물이다.",
    "bridge": "The bridge is closed to lorries over 12 tonnes.",
    "keys": "열쇠는 총무과에 돌려준다.",
    "lead": "Lead is denser than iron and melts at 327 °C.",
    "sales": "매출은 작년보다 30% 늘었다.",
    "cleaning": "물탱크는 일주일에 한 번 씻어야 한다.",
    "museum": "The museum opens at 10 a.m. every day except Monday.",
    "budget": "Half of the budget goes to road repairs.",
    "term": "The contract ends automatically after five years unless both parties renew it.",
    "guests": "Members may bring up to three guests, but guests may not vote.",
    "entry": "Entry is free for children.",
    "traders": "Coffee was brought to the island by Dutch traders of the East India Company.",
    "brothers": "The company was founded in Oslo in 1978 by two brothers.",
    "train": "급행열차는 대구역과 경주역에 서지만 김천역에는 서지 않는다.",
    "bees": "벌은 사람에게 보이지 않는 자외선을 볼 수 있지만 소리를 듣지 못한다.",
    "photo": "Photography is allowed in the hall but not in the yard.",
    "ferry": "The ferry runs every forty minutes and carries no lorries.",
    "corridor": "복도에는 상자를 두어서는 안 되며, 두면 관리 사무소가 치운다.",
    "room": "회의실은 세 시간까지 빌릴 수 있고, 쓰지 않게 되면 하루 전에 취소해야 한다.",
    "record": "Kipruto broke the record in Rotterdam, although it rained.",
    "lake": "No boats are allowed on the lake, where 140 birds breed.",
    "delete": "Administrators can delete accounts, but deleted accounts cannot be recovered.",
    "pot": "이 솥은 식기세척기에 넣으면 안 된다.",
    "dorm": "Rooms are shared by three students, and pets are not permitted.",
    "escort": "Visitors are accompanied at all times.",
    "dose": "이 시럽은 하루 세 번 10ml씩 먹는다.",
    "deadline": "The form is due from March 3 to 20.",
}

TRUE = [
    ("birth", "배우자 출산휴가는 유급 20일입니다."),
    ("birth", "출산일부터 120일 안에 3회까지 나누어 쓸 수 있습니다."),
    ("remote", "재택근무는 일주일에 이틀까지 가능합니다."),
    ("remote", "재택근무는 전날 17시까지 누리터에서 신청합니다."),
    ("overtime", "연장근로는 1주에 12시간까지입니다."),
    ("overtime", "연장근로는 1주에 12시간을 초과할 수 없습니다."),
    ("cafe", "카페와 같은 공공장소에서는 재택근무를 할 수 없습니다."),
    ("cafe", "카페에서는 재택근무가 불가능합니다."),
    ("wedding", "본인이 결혼하면 휴가는 7일입니다."),
    ("password", "비밀번호는 최소 14자여야 합니다."),
    ("pay", "임금은 매월 25일에 지급됩니다."),
    ("resign", "사직서(HR-3090)는 퇴직일 30일 전까지 내야 합니다."),
    ("parental", "육아휴직은 자녀 1명당 18개월까지 쓸 수 있습니다."),
    ("founding", "회사 창립기념일은 10월 17일입니다."),
    ("amended", "전부개정된 날은 2024년 2월 21일입니다."),
    ("retire", "정년은 만 62세가 되는 해의 12월 31일입니다."),
    ("bonus", "성과급 재원은 전년도 영업이익의 12퍼센트입니다."),
    ("loss", "영업이익이 나지 않은 해에는 지급되지 않습니다."),
    ("loan", "주택 자금은 5천만 원까지 연 1.8%로 빌릴 수 있습니다."),
    ("parents", "부모는 지원 대상이 아닙니다."),
    ("sick", "2일 이하의 병가에는 증빙이 필요 없습니다."),
    ("warranty", "The warranty starts on the day of delivery."),
    ("wash", "Wash the rear tank by hand every week."),
    ("vinegar", "You should not use vinegar."),
    ("descale", "The cycle lasts 32 minutes."),
    ("nitrate", "Nitrate is not reduced."),
    ("return", "You can return the purifier within thirty days."),
    ("wifi", "Wi-Fi is optional; every function works without it."),
    ("surface", "The surface must carry at least 15 kg."),
    ("tank", "The inner tank holds 1,600 ml."),
    ("revenue", "On 31 December 2015 revenue grew to 30.3 billion dollars."),
    ("night", "In night mode, errors still light up."),
    ("river", "한강의 유역 면적은 약 26,219㎢입니다."),
    ("treaty", "한국은 1991년에 협정에 서명했습니다."),
    ("vote", "회원은 누구나 총회에서 1표를 행사할 수 있습니다."),
    ("fever", "열이 난 환자는 없었습니다."),
    ("lessons", "강습은 화요일에 있습니다."),
    ("fee", "체육관 이용료는 없습니다."),
    ("lease", "계약 기간은 2년입니다."),
    ("whale", "고래는 젖먹이동물입니다."),
    ("bridge", "The bridge is not open to lorries over 12 tonnes."),
    ("museum", "Every day except Mondays the museum opens at 10:00."),
    ("budget", "50% of the budget goes to road repairs."),
    ("term", "If both parties do not renew it, the contract ends automatically after five years."),
    ("term", "The contract ends automatically after 5 years."),
    ("brothers", "Two brothers founded the company in 1978."),
    ("deadline", "The form is due March 20."),
    ("train", "급행열차는 경주역에 섭니다."),
    ("bees", "벌은 자외선을 볼 수 있습니다."),
    ("photo", "Photography is not allowed in the yard."),
    ("ferry", "The ferry runs every 40 minutes."),
    ("escort", "Visitors are at no times unaccompanied, accompanied at all times."),
    ("overtime", "연장근로는 1주에 12시간을 넘지 말아야 합니다."),
    ("corridor", "복도에 둔 상자는 관리 사무소가 치웁니다."),
    ("room", "회의실은 3시간까지 쓸 수 있습니다."),
    ("lake", "140 birds breed on the lake."),
    ("dose", "이 시럽은 한 번에 10밀리리터씩 먹습니다."),
]

FALSE = [
    ("birth", "배우자 출산휴가는 유급 10일입니다."),
    ("birth", "출산일부터 90일 안에 세 번까지 나누어 쓸 수 있습니다."),
    ("birth", "출산일부터 120일 안에 다섯 번까지 나누어 쓸 수 있습니다."),
    ("remote", "직원은 1주에 3일까지 재택근무를 할 수 있습니다."),
    ("remote", "재택근무는 전날 오전 9시까지 누리터에 신청합니다."),
    ("cafe", "카페와 같은 공공장소에서 재택근무를 할 수 있습니다."),
    ("overtime", "연장근로는 1주에 15시간을 넘을 수 없습니다."),
    ("overtime", "연장근로는 1주에 12시간을 넘을 수 있습니다."),
    ("wedding", "본인 결혼 시 경조금은 50만 원입니다."),
    ("password", "비밀번호는 14자 이하로 합니다."),
    ("password", "비밀번호는 8자 이상으로 합니다."),
    ("pay", "임금은 매월 10일에 지급합니다."),
    ("resign", "사직서(서식 HR-3091)는 퇴직일 30일 전까지 냅니다."),
    ("parental", "육아휴직은 자녀 한 명마다 1년까지 쓸 수 있습니다."),
    ("founding", "회사 창립기념일은 10월 7일입니다."),
    ("amended", "전부개정된 날은 2023년 2월 21일입니다."),
    ("bonus", "성과급은 전년도 영업이익의 15%를 재원으로 합니다."),
    ("loss", "영업이익이 나지 않은 해에도 지급합니다."),
    ("loan", "주택 자금은 5억 원까지 빌릴 수 있습니다."),
    ("loan", "주택 자금은 연 2.5%의 이율로 빌릴 수 있습니다."),
    ("sick", "2일 이하의 병가에는 증빙이 필요하다."),
    ("parents", "부모는 지원 대상입니다."),
    ("points", "복지포인트는 주식 투자와 부동산 구입에 쓸 수 있다."),
    ("lunch", "저녁 식사는 호텔 뷔페에서 무료로 제공됩니다."),
    ("warranty", "The warranty does not start on the day of delivery."),
    ("wash", "Wash the rear tank by hand every 3 months."),
    ("vinegar", "You can use bleach, vinegar and alcohol."),
    ("cycle", "The cycle lasts 28 minutes."),
    ("pump", "The pump is covered for three years."),
    ("return", "You may not return the purifier within 30 days."),
    ("return", "You may return the purifier within 60 days for any reason."),
    ("surface", "The surface carries at most 15 kg."),
    ("tank", "The inner tank holds 1.1 litres."),
    ("smith", "Dr. Jones of Harvard led the study."),
    ("seller", "The purifier is sold by Samsung Electronics."),
    ("code", "E7 means that the leak sensor is wet."),
    ("revenue", "Revenue grew to $30.3 million on December 31, 2015."),
    ("river", "낙동강의 길이는 약 494km입니다."),
    ("letters", "성종대왕은 1443년에 훈민정음을 창제하였다."),
    ("vote", "회원은 누구나 총회에서 두 표를 행사할 수 있습니다."),
    ("fever", "열이 난 환자가 있었습니다."),
    ("lessons", "강습은 월요일과 수요일에 있습니다."),
    ("fee", "체육관 이용료는 무료가 아닙니다."),
    ("lease", "계약 기간은 2025년 4월 1일부터 3년으로 한다."),
    ("whale", "고래는 물고기입니다."),
    ("bridge", "The bridge is open to lorries over 12 tonnes."),
    ("keys", "열쇠는 인사과에 돌려준다."),
    ("lead", "Tin melts at 327 °C."),
    ("sales", "매출은 작년보다 30% 줄었다."),
    ("cleaning", "물탱크는 한 달에 한 번 씻어야 한다."),
    ("museum", "The museum opens at 10 a.m. every day except Friday."),
    ("budget", "A third of the budget goes to road repairs."),
    ("guests", "Members may bring up to three guests, and guests may vote."),
    ("entry", "Entry is not free for children."),
    ("traders", "Coffee was brought to the island by Spanish traders."),
    ("brothers", "The company was founded in Oslo in 1987."),
    ("train", "급행열차는 김천역에 섭니다."),
    ("bees", "벌은 자외선을 볼 수 없습니다."),
    ("photo", "Photography is allowed in the yard."),
    ("ferry", "The ferry carries lorries."),
    ("room", "회의실을 쓰지 않게 되면 한 달 전에 취소해야 합니다."),
    ("delete", "Administrators cannot delete accounts."),
    ("pot", "이 솥은 식기세척기에 넣어도 된다."),
    ("dorm", "Pets are permitted in rooms."),
]


@pytest.mark.parametrize(("source", "claim"), TRUE, ids=[c for _, c in TRUE])
def test_a_true_paraphrase_is_supported(verifier, source, claim):
    judged = verifier.judge(claim, evidence(SOURCES[source]))
    assert (judged.verdict, judged.reason) == ("supported", "")


@pytest.mark.parametrize(("source", "claim"), FALSE, ids=[c for _, c in FALSE])
def test_a_swap_is_caught(verifier, source, claim):
    judged = verifier.judge(claim, evidence(SOURCES[source]))
    assert judged.verdict in {"contradicted", "unsupported"}
    assert judged.reason
    assert judged.score < 0.5


@pytest.mark.parametrize("claim", ["People under 18 cannot become members.", "Nobody under 18 is a member."])
def test_what_is_denied_below_a_bound_is_no_denial_of_what_is_said_above_it(verifier, claim):
    assert verifier.judge(claim, evidence(SOURCES["members"])).verdict not in {"contradicted"}


def test_a_name_stands_in_other_forms():
    comparer, said = Comparer(Morphemes()), [SOURCES["traders"]]
    assert comparer.compare("It came with EIC traders from the Netherlands.", said).missing == ()
    assert comparer.compare("It came with UN traders from Spain.", said).missing == ("UN", "Spain")
    assert comparer.compare("Bekele broke the record in Rotterdam.", [SOURCES["record"]]).strange == ("Bekele",)
    assert comparer.compare("Nobody broke the record before.", [SOURCES["record"]]).strange == ()
    assert comparer.compare("On Mondays, or in April, it came.", said).missing == ()


@pytest.mark.parametrize("claim", ["There is no entry fee for children.", "Children do not have to pay for entry."])
def test_free_of_charge_is_no_denial(verifier, claim):
    assert verifier.judge(claim, evidence(SOURCES["entry"])).verdict == "partial"


def test_words_of_the_question_need_not_stand_in_the_source(verifier):
    claim, source = "The pump is covered for five years.", evidence(SOURCES["pump"])
    assert verifier.judge(claim, source).verdict == "partial"
    assert verifier.judge(claim, source, question="How long is the pump covered?").verdict == "supported"


@pytest.mark.parametrize("source", SOURCES)
def test_a_verbatim_sentence_is_supported(verifier, source):
    judged = verifier.judge(SOURCES[source], evidence("Something else.", SOURCES[source]))
    assert judged.verdict == "supported"
    assert judged.score >= 0.95


@pytest.mark.parametrize(
    ("source", "claim", "verdict", "reason"),
    [
        ("birth", "배우자 출산휴가는 유급 10일입니다.", "contradicted", "답은 10일, 문서는 20일"),
        ("remote", "직원은 1주에 3일까지 재택근무를 할 수 있습니다.", "contradicted", "답은 3일, 문서는 2일"),
        ("password", "비밀번호는 14자 이하로 합니다.", "contradicted", "답은 14자 이하, 문서는 14자 이상"),
        ("cafe", "카페에서 재택근무를 할 수 있습니다.", "contradicted", "답과 문서의 긍정·부정이 반대"),
        ("cycle", "The cycle lasts 28 minutes.", "contradicted", "28 minutes in the answer, 32 minutes in the source"),
        ("wash", "Wash the tank by hand every 3 months.", "unsupported", "3 months is not in the source"),
        ("code", "E7 means that the leak sensor is wet.", "contradicted", "E7 is not in the source"),
        ("seller", "The purifier is sold by Samsung.", "unsupported", "not in the source: Samsung"),
        ("lunch", "저녁은 호텔 뷔페에서 무료로 제공됩니다.", "unsupported", "문서에서 찾지 못함"),
        ("pump", "The pump is covered for five years.", "partial", "only partly in the source"),
    ],
)
def test_the_reason_is_said_in_the_language_of_the_claim(verifier, source, claim, verdict, reason):
    judged = verifier.judge(claim, evidence(SOURCES[source]))
    assert (judged.verdict, judged.reason) == (verdict, reason)


def test_a_piece_of_a_sentence_is_not_verbatim_where_a_negation_turns_it_round(verifier):
    source = evidence("카페와 같은 공공장소에서는 재택근무를 할 수 없다.")
    assert verifier.judge("카페와 같은 공공장소에서는 재택근무를 할 수", source).score < 1.0
    assert verifier.judge("sold separately", evidence("The body is not sold separately.")).verdict != "supported"


def test_between_languages_only_numbers_are_compared(verifier):
    judged = verifier.judge("Spouses get 20 days of paid leave.", evidence(SOURCES["birth"]))
    assert (judged.verdict, judged.reason) == ("partial", "another language than the source: only numbers compared")
    assert verifier.judge("Spouses get 15 days of paid leave.", evidence(SOURCES["birth"])).verdict == "unsupported"
    judged = verifier.judge("세척은 32분 걸립니다.", evidence(SOURCES["cycle"]))
    assert (judged.verdict, judged.reason) == ("partial", "문서와 답의 언어가 달라 수만 견줌")


def test_two_sentences_carry_a_claim_together(verifier):
    claim = "육아휴직은 1년 6개월까지 쓰고 정년은 만 62세입니다."
    one, both = evidence(SOURCES["parental"]), evidence(SOURCES["parental"], SOURCES["retire"])
    assert verifier.judge(claim, one).verdict != "supported"
    assert verifier.judge(claim, both).verdict == "supported"


def test_a_claim_takes_under_five_milliseconds(verifier):
    for source, claim in TRUE + FALSE:
        verifier.judge(claim, evidence(SOURCES[source]))
    taken = []
    for source, claim in TRUE + FALSE:
        began = time.process_time()  # the machine may be busy with other things
        verifier.judge(claim + " ", evidence(SOURCES[source]))
        taken.append(time.process_time() - began)
    assert sorted(taken)[len(taken) // 2] < 0.005
