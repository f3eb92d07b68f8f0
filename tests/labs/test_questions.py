"""Question sets: files in and out, what readers liked, what a model proposes of documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fronts import opened
from gakju.assistant import Assistant
from gakju.errors import LimitExceeded, NotFound, UsageError
from gakju.labs import question_files, questions
from gakju.labs.finetune import dataset
from gakju.labs.question_files import Form, dump, form_of, parse
from gakju.labs.questions import QuestionSets
from gakju.models.fakes import FakeChat
from gakju.store import Feedback
from gakju.store.questions import Gold, Item, QuestionSet

ITEMS = (
    Item("a", "연차는 며칠인가?", ("15일", "열닷새"), (Gold("취업 규칙#2판", 3), Gold("별표", 1)), "휴가", "쉬운 것"),
    Item("b", '=SUM(A1), "그리고"\n다음 줄', (), state="proposed"),
    Item("c", "'-1은?", ("-1",), label="+수"),
)


def of(*items: Item) -> QuestionSet:
    return QuestionSet("qset_1", "x", 1, "", "", items)


@pytest.mark.parametrize("form", question_files.FORMS)
def test_what_is_written_is_read_back(form: Form) -> None:
    data = dump(of(*ITEMS), form)
    assert tuple(parse(data, form)) == ITEMS
    if form == "csv":  # nothing that a spreadsheet would work out
        cells = data.decode("utf-8-sig").replace('"', "").splitlines()
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in cells for cell in row.split(","))


def test_a_name_says_the_form() -> None:
    assert [form_of(name) for name in ("A.CSV", "a.tsv", "a.jsonl")] == ["csv", "csv", "jsonl"]
    with pytest.raises(UsageError, match="neither"):
        form_of("a.xlsx")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"question": "가?", "answers": ["1"]}\n\n{"question": "나?"}', "Line 3: answers: Field required"),
        ('{"question": "가?", "answers": "1", "answer": "1"}', "Line 1: answer: Extra"),
        ('{"question": " ", "answers": []}', "Line 1: question"),
        ('{"question": "가?", "answers": [1]}', "Line 1: answers.0"),
        ('{"question": "가?", "answers": [], "gold": [{"document": "x", "page": 0}]}', "Line 1: gold.0.page"),
        ('{"question": "가?", "answers": []}\n{"question": "가?", "answers": []}', "Line 2: the same id or question"),
        ("[1]", "Line 1: no JSON object"),
        ("\n{", "Line 2: no JSON"),
        ("[" * 100_000, "Line 1: no JSON"),
        ('{"question": "half \\ud800", "answers": []}', "Line 1: question"),
        ("\n", "The file has 0 questions"),
    ],
)
def test_a_wrong_line_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text.encode(), "jsonl")
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("question,answer\n가?,1\n나?", "Line 3: 1 cells, and the header has 2"),
        ("question,reply\n가?,1", "Line 1: 'reply' is no column"),
        ("question\n가?", "Line 1: question and answers"),
        ("question,answers,gold\n가?,1,규정", "Line 2: gold: '규정' is no document#page"),
        (f"question,answers,gold\n가?,1,규정#{'9' * 5000}", "Line 2: gold: '규정#999"),
        ('question,answers\n가?,"1', "Line 2: unexpected end"),
    ],
)
def test_a_wrong_row_is_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text.encode(), "csv")
    assert said in raised.value.message


def test_a_table_with_tabs_is_read_and_text_is_made_whole() -> None:
    decomposed = "\u1100\u1161?"  # 가? in two letters
    (item,) = parse(f"question\tanswer\n{decomposed}\t하나, 둘".encode(), "csv")
    assert (item.question, item.answers) == ("가?", ("하나, 둘",))
    (item,) = parse(b'{"question": "a\\u0000b", "answers": []}', "jsonl")
    assert item.question == "ab"


def test_limits() -> None:
    with pytest.raises(UsageError, match="Line 2: no UTF-8"):
        parse("질문\n".encode() + b"\xff", "jsonl")
    with pytest.raises(LimitExceeded):
        parse(b" " * (question_files.BYTES + 1), "jsonl")
    with pytest.raises(UsageError, match="several lines"):
        dump(of(Item("a", "?", ("1\n2",))), "csv")


class Library:
    """An assistant with two documents, and a model that writes what `replies` say."""

    def __init__(self, assistant: Assistant, chat: FakeChat) -> None:
        self.assistant, self.chat = assistant, chat
        self.sets = QuestionSets(assistant)


LEAVE = "연차휴가는 입사한 지 한 해가 지난 날에 열닷새가 생기고, 쓰지 않은 날은 이듬해로 넘길 수 없다. " * 2
TRIP = "출장비는 하루에 오만 원을 주며, 영수증은 돌아온 날부터 이레 안에 총무과에 내야 받을 수 있다. " * 2


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    def reply(messages) -> str:
        text = messages[-1].content
        if "연차" in text:
            return json.dumps({"question": "연차휴가는 며칠인가?", "answer": "열닷새"}, ensure_ascii=False)
        return json.dumps({"question": "출장비는 얼마인가?", "answer": "십만 원"}, ensure_ascii=False)

    for name, text in (("leave.txt", LEAVE), ("trip.txt", TRIP)):
        (tmp_path / name).write_text(text, "utf-8")
    chat = FakeChat(reply)
    with opened(tmp_path / "home", chat) as assistant:
        assistant.add([tmp_path / "leave.txt", tmp_path / "trip.txt"])
        yield Library(assistant, chat)


def test_a_question_is_proposed_where_the_passage_holds_its_answer(library: Library) -> None:
    sets, jobs = library.sets, library.assistant.jobs
    job = jobs.wait(sets.propose("제안", count=5).id)
    assert (job.state, job.result["proposed"], job.result["passages"]) == ("done", 1, 2)
    made = library.assistant.store.questions.get("제안")
    (item,) = made.items
    assert (item.question, item.answers, item.gold) == ("연차휴가는 며칠인가?", ("열닷새",), (Gold("leave", 1),))
    assert item.state == "proposed"
    assert made.confirmed == ()
    asked = len(library.chat.calls)
    jobs.wait(sets.propose("제안", count=5).id)
    assert len(library.chat.calls) == asked, "an answer that was paid for is asked for again"
    assert library.assistant.store.questions.get("제안").version == 1
    assert [i.state for i in sets.confirm("제안").items] == ["confirmed"]


@pytest.mark.parametrize(
    ("question", "answer", "usable"),
    [
        ("What is the warranty period?", "3 years", True),
        ("보증 기간은 얼마인가요?", "3  YEARS", True),
        ("The warranty is three years.", "3 years", False),
        ("Is the warranty 3 years?", "3 years", False),
        ("What is the warranty period?", "three years", False),
        ("What is the warranty period?", " ", False),
        ("How?", "3 years", False),
    ],
)
def test_what_a_model_wrote_is_looked_at(question: str, answer: str, usable: bool) -> None:
    assert questions._usable(question, answer, "The purifier body has a warranty of 3 years.") is usable


def test_what_was_proposed_before_the_money_was_spent_is_kept(library: Library) -> None:
    library.assistant.settings.tokens_per_day = 1
    leave_first = [d.id for d in sorted(library.assistant.documents("default"), key=lambda d: d.title)]
    job = library.assistant.jobs.wait(library.sets.propose("제안", count=5, documents=leave_first).id)
    assert (job.state, job.error["code"]) == ("failed", "insufficient_quota")
    assert [i.question for i in library.assistant.store.questions.get("제안").items] == ["연차휴가는 며칠인가?"]


def test_nothing_is_proposed_without_documents(library: Library) -> None:
    with pytest.raises(UsageError, match="holds no document"):
        library.sets.propose("제안", collection="elsewhere")
    with pytest.raises(UsageError, match="answers from documents"):
        library.sets.propose("제안", model="gakju")
    with pytest.raises(UsageError, match="at once"):
        library.sets.propose("제안", count=0)


def test_answers_that_readers_liked_become_items(library: Library) -> None:
    a = library.assistant
    library.chat._script = lambda _: f"{LEAVE[:56].strip()} [1]"
    with pytest.raises(UsageError, match="thumbs-up"):
        library.sets.from_feedback("좋은 답")
    thread = a.start_thread("연차")
    rated = []
    for question, value in (("연차휴가는 며칠인가?", 1), ("출장비는 얼마인가?", -1)):
        job = a.jobs.wait(a.submit_ask(question, thread=thread.id).id)
        a.store.talks.rate(job.id, Feedback(value))
        rated.append(job.result)
    made = library.sets.from_feedback("좋은 답")
    (item,) = made.items
    assert item.question == "연차휴가는 며칠인가?"
    assert item.gold[0] == Gold("leave", 1)
    assert item.answers[0] in rated[0]["answer"]
    assert library.sets.from_feedback("좋은 답") == made
    (learnt,) = dataset.from_talks(a, system="짧게")
    assert (learnt.question, learnt.answer) == (item.question, item.answers[0])
    assert len(dataset.from_talks(a, liked=False)) == 2


def test_hands_that_change_a_set_at_the_same_time_lose_nothing(library: Library) -> None:
    sets = library.sets
    items = [Item(str(n), f"질문 {n}?", (str(n),), state="proposed") for n in range(24)]
    sets.add("수", items[:12])

    def change(n: int) -> None:
        if n % 2:
            sets.add("수", [items[12 + n // 2]])
        else:
            sets.confirm("수", [str(n // 2)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(24)))
    made = library.assistant.store.questions.get("수")
    assert sorted(int(i.id) for i in made.items) == list(range(24))
    assert sorted(int(i.id) for i in made.confirmed) == list(range(12))


def test_items_are_changed_by_hand_and_split(library: Library) -> None:
    sets = library.sets
    items = [Item(str(n), f"질문 {n}?", (str(n),)) for n in range(6)]
    first = sets.add("수", [*items, Item("x", "질문   0 ?", ("0",))])
    assert len(first.items) == 6
    changed = sets.change("수", [Item("1", "고친 질문?", ("하나",))], drop=["2"])
    assert [i.question for i in changed.items][:2] == ["질문 0?", "고친 질문?"]
    assert (changed.version, len(changed.items)) == (2, 5)
    with pytest.raises(NotFound, match="no item '9'"):
        sets.change("수", [], drop=["9"])
    bank, tests = sets.split("수", 2)
    assert (bank.name, len(bank.items), tests.name, len(tests.items)) == ("수 · examples", 3, "수 · test", 2)
    assert {i.id for i in bank.items} | {i.id for i in tests.items} == {"0", "1", "3", "4", "5"}
    with pytest.raises(UsageError, match="split"):
        sets.split("수", 5)
