"""Turns of a conversation: by a model alone, on branches, and after files that came with the question."""

from __future__ import annotations

from pathlib import Path

import pytest

from gakju.assistant import Assistant
from gakju.errors import ContextTooLong
from gakju.models.fakes import FakeChat, FakeEmbedder
from gakju.settings import Settings
from gakju.store import Job, Manner
from gakju.types import Message, Usage

ALONE = Manner(sources="none", persona="너는 시인이다.", temperature=0.4)


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat(lambda messages: f"답: {messages[-1].content}", name="fake:chat")


@pytest.fixture
def gakju(tmp_path: Path, chat: FakeChat):
    settings = Settings(home=tmp_path / "home", chat_model="fake", ocr=False, refuse_below=0.0, readers=1)
    with Assistant(settings, embedder=FakeEmbedder(), **{"chat/fake": chat}) as assistant:
        yield assistant


def ended(gakju: Assistant, job: Job) -> Job:
    return gakju.jobs.wait(job.id)


def test_a_model_alone_hears_persona_temperature_and_the_branch(gakju: Assistant, chat: FakeChat) -> None:
    thread = gakju.start_thread("안녕", manner=ALONE).id
    job = ended(gakju, gakju.submit_ask("안녕", thread=thread, manner=ALONE))
    assert [(k, job.result[k]) for k in ("answer", "refused", "claims", "evidence", "model")] == [
        ("answer", "답: 안녕"),
        ("refused", False),
        ("claims", []),
        ("evidence", []),
        ("model", "fake:chat"),
    ]
    ended(gakju, gakju.submit_ask("하나 더", thread=thread, manner=ALONE))
    call = chat.calls[-1]
    assert call.temperature == 0.4
    assert call.messages == (
        Message("system", "너는 시인이다."),
        Message("user", "안녕"),
        Message("assistant", "답: 안녕"),
        Message("user", "하나 더"),
    )
    first = gakju.store.talks.turns(thread)[0]
    ended(gakju, gakju.submit_ask("고친 말", thread=thread, manner=ALONE, after=first.parent))
    assert [m.content for m in chat.calls[-1].messages] == ["너는 시인이다.", "고친 말"]
    assert gakju.store.usage.days("")[0].requests == 3


def test_an_answer_alone_keeps_the_latest_history_that_fits(chat: FakeChat) -> None:
    from gakju.assistant.talk import PERSONA, alone

    chat.context = 1200
    told = [Message(role, f"{n} " + "가" * 150) for n in range(6) for role in ("user", "assistant")]
    *_, done = alone(chat, "지금은?", told, "", 0.0)
    heard = chat.calls[-1].messages
    assert heard[0].content == PERSONA
    assert [m.role for m in heard[1:-1]] == ["user", "assistant"]
    assert heard[1].content.startswith("5 ")
    assert done.answer.usage != Usage()
    with pytest.raises(ContextTooLong):
        list(alone(chat, "가" * 2000, [], ""))


def test_an_answer_from_documents_takes_the_manner_of_its_conversation(
    gakju: Assistant, chat: FakeChat, tmp_path: Path
) -> None:
    (tmp_path / "leave.txt").write_text("연차휴가는 15일이다.", "utf-8")
    gakju.add([tmp_path / "leave.txt"])
    for manner, temperature in ((Manner(persona="너는 시인이다."), 0.0), (Manner(temperature=0.4), 0.4)):
        thread = gakju.start_thread("연차휴가는 며칠?", manner=manner).id
        ended(gakju, gakju.submit_ask("연차휴가는 며칠?", thread=thread, manner=manner))
        call = chat.calls[-1]
        assert "<evidence>" in call.messages[-1].content
        assert (manner.persona in call.messages[0].content, call.temperature) == (True, temperature)
    ended(gakju, gakju.submit_ask("안녕", thread=thread, manner=Manner(sources="none")))
    assert chat.calls[-1].temperature == 0.7


def test_a_question_waits_for_its_files_and_looks_in_them_only(gakju: Assistant, tmp_path: Path) -> None:
    for name, text in (("하나.txt", "연차휴가는 15일이다."), ("둘.txt", "연차휴가는 21일이다.")):
        (tmp_path / name).write_text(text, "utf-8")
    gakju.add([tmp_path / "하나.txt"])
    thread = gakju.start_thread("연차휴가는?").id
    add = gakju.submit_add([tmp_path / "둘.txt"])
    job = ended(gakju, gakju.submit_ask("연차휴가는?", thread=thread, waits=add.id))
    assert (job.kind, job.state) == ("attach", "done")
    assert [e["text"] for e in job.result["evidence"]] == ["연차휴가는 21일이다."]
    manner = gakju.store.talks.get(thread).manner
    assert [gakju.document(d).title for d in manner.files] == ["둘"]
    again = ended(gakju, gakju.submit_ask("연차휴가는 며칠?", thread=thread, manner=manner))
    assert [e["text"] for e in again.result["evidence"]] == ["연차휴가는 21일이다."]
    everywhere = ended(gakju, gakju.submit_ask("연차휴가는 며칠?", thread=thread, manner=Manner()))
    assert len(everywhere.result["evidence"]) == 2


def test_files_that_cannot_be_read_are_named(gakju: Assistant, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\n" + b"\0" * 200)
    thread = gakju.start_thread("?").id
    add = gakju.submit_add([tmp_path / "broken.pdf"])
    job = ended(gakju, gakju.submit_ask("무엇?", thread=thread, waits=add.id))
    assert (job.state, job.error["code"]) == ("failed", "broken_file")
    assert "broken.pdf" in job.error["message"]
    assert gakju.store.talks.get(thread).manner.files == ()
