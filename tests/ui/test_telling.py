"""What the piece that draws a turn is given: words for verdicts, versions, facts, the text that is copied."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gakju.store import Feedback
from gakju.store import Turn as Row
from gakju.types import Box, Claim, DocumentRef, Evidence, Footnote, Span, Usage, WebRef, WebStep
from gakju.ui import state, telling, web, words
from gakju.ui.turns import Turn

NOTE = Footnote(DocumentRef("d", "규정", "/a.pdf"), 3, "카페에서는\n할 수 없다.", (), 0, 5)
ROW = Row(7, "카페는?", "j1", "2026-01-01", 3, (5, 7, 9))
CLAIMS = (
    Claim("안내해 드립니다.", "unsupported", 0.0, (), "왜", scored=False),
    Claim("할 수 없다.", "supported", 1.0, (NOTE,)),
    Claim("지어낸 말이다.", "unsupported", 0.1, (), "근거가 없다", fate="struck"),
)


@pytest.fixture(autouse=True)
def screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "language", lambda: "ko")
    monkeypatch.setattr(telling, "language", lambda: "ko")
    prices = SimpleNamespace(price=lambda model, asked, said: 0.0012 if model.startswith("openai:") else 0.0)
    monkeypatch.setattr(telling, "assistant", lambda: SimpleNamespace(accounts=prices))


def told(shown: Turn, **more) -> dict:  # type: ignore[type-arg]
    return telling.turn(shown, ROW, **{"opened": "", "last": True, "rated": None, **more})


def test_each_sentence_has_its_word_and_a_courtesy_has_none() -> None:
    data = told(Turn("j1", "카페는?", "answered", claims=CLAIMS))
    assert [(c["verdict"], c["word"], c["struck"], c["reason"]) for c in data["claims"]] == [
        ("courtesy", "", False, ""),
        ("supported", "근거 있음", False, ""),
        ("unsupported", "근거 없음 · 지움", True, "근거가 없다"),
    ]
    assert data["foot"]["facts"] == ["근거 있는 문장 1/2"]
    answer, notes = data["foot"]["copied"].split("\n\n")
    assert answer == "안내해 드립니다. 할 수 없다. [1] ~~지어낸 말이다.~~"
    assert notes == "[1] 규정 · 3쪽: “카페에서는 할 수 없다.”"


def test_facts_say_time_tokens_cost_and_model() -> None:
    shown = Turn(
        "j1", "?", "answered", text="a", seconds=3.21, usage=Usage(1200, 34), model="openai:gpt", checked=False
    )
    assert told(shown)["foot"]["facts"] == ["3.2초", "1,234토큰", "비용 0.0012", "gpt"]
    assert told(shown)["note"] == "문서로 확인하지 않은 답입니다"


def test_a_refusal_keeps_what_was_struck_behind_a_click() -> None:
    data = told(Turn("j1", "?", "refused", claims=CLAIMS[2:], text="답하지 않습니다."))
    assert (data["claims"], data["tail"], data["struck"]["title"]) == (
        [],
        "답하지 않습니다.",
        "근거가 없어 지운 문장 1개",
    )


def test_versions_lead_to_their_neighbours() -> None:
    version = told(Turn("j1", "?", "answered"))["question"]["version"]
    assert (version["said"], version["previous"], version["next"]) == ("2/3", 5, 9)


@pytest.mark.parametrize(("asked", "line"), [("", ""), (" 카페는? ", ""), ("재택은? 카페는?", True)])
def test_a_rewritten_question_is_shown_where_it_differs(asked: str, line: object) -> None:
    assert bool(told(Turn("j1", "카페는?", "answered", asked=asked))["asked"]) is bool(line)


def test_a_running_turn_can_be_stopped_and_an_ended_one_tried_again() -> None:
    running = told(Turn("j1", "?", "adding", files={"done": 3, "total": 12, "item": "a.pdf"}))
    assert (running["foot"], running["status"]["part"], running["status"]["stop"]) == (None, 0.25, "중지")
    assert running["status"]["said"] == "파일을 읽는 중입니다… a.pdf"
    failed = told(Turn("j1", "?", "failed", error={"code": "model_missing", "message": "m", "hint": "h"}), last=False)
    assert (failed["foot"]["again"], failed["foot"]["bare"], failed["foot"]["rate"]) == (True, True, False)
    assert failed["error"] == {"said": "모델을 아직 내려받지 않았습니다.", "more": "m h"}


def test_a_rating_asks_why_once() -> None:
    assert told(Turn("j1", "?", "answered"), rated=Feedback(-1))["opinion"]["noted"] == ""
    assert told(Turn("j1", "?", "answered"), rated=Feedback(1, "좋아요"))["opinion"]["noted"] == "남긴 말: 좋아요"


PAGE = WebRef("w", "최저임금 고시", "https://www.moel.go.kr/view?a=1", "2026-11-23T01:00:00+00:00", "2026-08-05")


def test_the_web_is_told_live_and_afterwards() -> None:
    step = WebStep("searching", "asked", ("최저임금 2027", "wage"))
    status = told(Turn("j1", "?", "searching", web=step))["status"]
    assert (status["said"], status["sites"]) == ("웹에서 찾는 중입니다: 최저임금 2027 · wage", [])
    step = WebStep("reading", "asked", step.queries, 3, 5, ("moel.go.kr", "a.example", "moel.go.kr"))
    running = told(Turn("j1", "?", "searching", web=step))
    assert running["status"]["said"] == "5쪽 가운데 3쪽을 읽었습니다…"
    assert [(s["letter"], s["site"]) for s in running["status"]["sites"]] == [("M", "moel.go.kr"), ("A", "a.example")]
    assert running["web"] is None
    done = told(
        Turn(
            "j1",
            "?",
            "answered",
            web=WebStep("read", "asked", ("a",), 3, 3, ("a.example",), ("b did not answer in time.",)),
        )
    )
    assert (done["web"]["title"], done["web"]["open"]) == ("웹에서 읽은 쪽 3개", False)
    assert (done["web"]["asked"], done["web"]["why"], done["web"]["problems"]) == (
        "찾은 말: a",
        "",
        ["b: 제때 답하지 않았습니다."],
    )
    auto = told(Turn("j1", "?", "answered", web=WebStep("read", "cutoff", ("a",), 3, 3)))
    assert auto["web"]["why"] == "모델이 아는 때보다 뒤의 일이라 웹에서 찾았습니다."


def test_a_web_that_could_not_be_looked_at_says_so_at_once() -> None:
    step = WebStep("skipped", "asked", problems=("Offline: the web was not searched.",))
    data = told(Turn("j1", "?", "writing", web=step))["web"]
    assert (data["title"], data["open"]) == ("웹을 보지 못했습니다", True)
    assert data["problems"][0].startswith("오프라인이라 웹을 찾지 않았습니다.")
    assert told(Turn("j1", "?", "answered"))["web"] is None


def test_a_page_of_the_web_is_named_by_its_site() -> None:
    box, span = Box(1, 0, 0, 1, 1), Span(1, 0, 5)
    evidence = Evidence(1, "시급 1만 320원", PAGE, "c", (span,), (box,), 0.9)
    (item,) = told(Turn("j1", "?", "answered", evidence=(evidence,)))["evidence"]["items"]
    assert (item["where"], item["mark"]["letter"]) == ("최저임금 고시 · moel.go.kr", "M")
    assert words.place(NOTE.document, 3, "en") == "규정 · page 3"
    assert web.mark(NOTE.document.path) is None


def test_a_mark_is_the_initial_of_a_site_in_a_colour_of_its_own() -> None:
    here, there = web.mark("https://a.example/1"), web.mark("http://www.a.example/2")
    assert here == there
    assert web.mark("https://xn--9t4b11yi5a.example/") == {
        "letter": "테", "hue": here["hue"], "site": "xn--9t4b11yi5a.example",
    } | {"hue": web.mark("https://xn--9t4b11yi5a.example/x")["hue"]}  # fmt: skip
    assert here["hue"] != web.mark("https://b.example/")["hue"]
    assert web.mark("https://<b>/")["letter"] == "B"
    assert "<b>" not in web.disc("https://<b>/")
