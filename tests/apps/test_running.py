"""Apps at work: as jobs, from the terminal, and as models of the API; only the models are fakes."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from fronts import LEAVE, opened, serving, slow_chat
from gakju import apps
from gakju.apps import AppError, Apps
from gakju.apps.model import values_of
from gakju.apps.shelf import shipped
from gakju.assistant import Assistant
from gakju.cli import main
from gakju.errors import NotFound, UnknownModel, UsageError
from gakju.models.fakes import FakeChat
from gakju.store import Job

POEM = "눈이 온다\n마당에 온다"
MINE = """name: mine
title: {ko: 내 것, en: Mine}
fields:
  - {name: topic, label: x}
messages:
  - {role: user, content: "About {topic}"}
temperature: 0.9
output: list
"""


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat([POEM], name="openai:fake")


@pytest.fixture
def assistant(tmp_path: Path, chat: FakeChat) -> Iterator[Assistant]:
    with opened(tmp_path / "home", chat) as one:
        yield one


@pytest.fixture
def some(assistant: Assistant) -> Apps:
    return apps.of(assistant)


def run(some: Apps, name: str, values: dict[str, object]) -> Job:
    entry = some.shelf.get(name)
    return some.assistant.jobs.wait(some.submit(entry.app, entry.text, values, "ko").id)


def test_a_run_is_a_job_with_its_text_and_what_it_used(some: Apps, chat: FakeChat) -> None:
    job = run(some, "poet", {"name": "하늘", "subject": "첫눈"})
    assert (job.state, job.result["text"], job.result["output"]) == ("done", POEM, "text")
    assert job.result["usage"]["completion_tokens"] > 0
    told = [e for e in some.assistant.store.events(job.id) if e.kind == "token"]
    assert "".join(e.data["text"] for e in told) == POEM
    call = chat.calls[0]
    assert [m.role for m in call.messages] == ["system", "user", "user", "user"]
    assert [m.content for m in call.messages[1:3]] == ["글쓴이의 이름은 하늘입니다.", "시의 주제는 첫눈입니다."]
    assert (call.temperature, call.max_tokens, call.extra) == (0.5, 400, {"frequency_penalty": 0.6})
    assert some.assistant.store.usage.days("")[0].completion_tokens == job.result["usage"]["completion_tokens"]


def test_a_wrong_form_is_no_job(some: Apps) -> None:
    with pytest.raises(AppError, match="subject: is needed"):
        run(some, "poet", {"name": "하늘"})
    assert some.assistant.store.jobs(kinds=["app"]) == []


def test_a_stopped_run_stops_its_model(tmp_path: Path) -> None:
    chat = slow_chat()
    with opened(tmp_path / "home", chat) as assistant:
        some = apps.of(assistant)
        entry = some.shelf.get("poet")
        job = some.submit(entry.app, entry.text, {"subject": "비"}, "ko")
        for event in assistant.jobs.follow(job.id):
            if event.kind == "token":
                assistant.jobs.cancel(job.id)
                break
        assert assistant.jobs.wait(job.id).state == "cancelled"
        assert chat.closed == 1


def test_a_run_that_a_restart_found_waiting_goes_on(tmp_path: Path, chat: FakeChat) -> None:
    poet = shipped()["poet"]
    payload = {"app": "poet", "text": poet.text, "values": {"subject": "비"}, "language": "ko"}
    with opened(tmp_path / "home", chat) as first:
        job = first.jobs.submit("app", payload)  # nobody serves apps yet
        time.sleep(0.1)
        assert first.store.job(job.id).state == "queued"
    with opened(tmp_path / "home", chat) as second:
        apps.of(second)
        assert second.jobs.wait(job.id).result["text"] == POEM


def test_a_file_is_read_by_the_run_and_forgotten(some: Apps, chat: FakeChat) -> None:
    a = some.assistant
    kept = a.keep(io.BytesIO("회의: 하늘이 금요일까지 견적을 보낸다.".encode()), "notes.txt")
    job = run(some, "actions", {"notes": "", "file": kept})
    assert job.state == "done"
    assert "회의록 파일:\n회의: 하늘이 금요일까지 견적을 보낸다." in chat.calls[0].messages[1].content
    assert not a.parts.blobs.path(kept["digest"]).exists()


def test_a_long_file_is_cut_to_the_models_window_and_that_is_told(some: Apps, chat: FakeChat) -> None:
    chat.context = 2000
    job = run(some, "actions", {"notes": "", "file": "할 일이 있다. " * 4000})
    assert job.state == "done"
    assert 30_000 < job.result["cut"] < 36_000
    assert run(some, "translation", {"direction": "ko-en", "text": "가나다라 " * 2000}).error["code"] == (
        "context_length_exceeded"
    )


def test_a_broken_file_fails_the_run_with_its_reason(some: Apps) -> None:
    kept = some.assistant.keep(io.BytesIO(b"%PDF-1.7 nothing"), "a.pdf")
    job = run(some, "actions", {"notes": "", "file": kept})
    assert (job.state, job.error["code"]) == ("failed", "broken_file")
    assert not some.assistant.parts.blobs.path(kept["digest"]).exists()


def test_the_file_of_a_stopped_run_is_forgotten_and_that_of_a_closing_process_stays(tmp_path: Path) -> None:
    chat = slow_chat()
    with opened(tmp_path / "home", chat) as assistant:
        some, entry = apps.of(assistant), shipped()["actions"]
        paths = []
        for text in ("첫째 회의.", "둘째 회의."):
            kept = assistant.keep(io.BytesIO(text.encode()), "notes.txt")
            paths.append(assistant.parts.blobs.path(kept["digest"]))
            job = some.submit(entry.app, entry.text, {"notes": "", "file": kept}, "ko")
            next(e for e in assistant.jobs.follow(job.id) if e.kind == "token")
            if len(paths) == 1:
                assistant.jobs.cancel(job.id)
                assert assistant.jobs.wait(job.id).state == "cancelled"
    assert [path.exists() for path in paths] == [False, True]


LONG = " ".join(f"제{i}조 직원은 규정 {i}에 따라 신청서를 내고 승인을 받아야 한다." for i in range(1, 30))


def test_a_document_is_summed_up_in_its_own_words_with_footnotes(tmp_path: Path) -> None:
    chat = FakeChat(["x"], name="embedded:fake")
    with opened(tmp_path / "home", chat, chat_model="embedded:fake") as assistant:
        (tmp_path / "rules.txt").write_text(LONG, "utf-8")
        document = assistant.add([tmp_path / "rules.txt"])[0].document_id
        job = run(apps.of(assistant), "summary", {"document": document})
        claims = job.result["claims"]
        assert len(claims) == 7
        page = assistant.page(document, 1).text
        notes = [c["footnotes"][0] for c in claims]
        assert [page[n["start"] : n["end"]].split() for n in notes] == [c["text"].split() for c in claims]
        starts = [n["start"] for n in notes]
        assert starts == sorted(starts)
        assert chat.calls == []


def test_a_model_that_writes_sums_up_with_marks_that_become_footnotes(tmp_path: Path) -> None:
    chat = FakeChat(["직원은 신청서를 내고 승인을 받아야 한다. [1]"], name="openai:fake")
    with opened(tmp_path / "home", chat) as assistant:
        kept = assistant.keep(io.BytesIO(LONG.encode()), "rules.txt")
        job = run(apps.of(assistant), "summary", {"document": kept, "focus": "승인"})
        assert job.result["claims"][0]["footnotes"][0]["page"] == 1
        assert [d.collection for d in assistant.documents()] == ["apps"]
        asked = chat.calls[0].messages[-1].content
        assert "‘rules’의 핵심 내용" in asked
        assert "승인" in asked


# Files of one's own


def test_ones_own_app_is_kept_replaced_renamed_and_deleted(some: Apps, tmp_path: Path) -> None:
    shelf = some.shelf
    assert shelf.put(MINE).name == "mine"
    assert [e.name for e in shelf.all() if e.own] == ["mine"]
    with pytest.raises(UsageError, match="'mine-2'"):
        shelf.put(MINE)
    shelf.put(MINE.replace("name: mine", "name: other"), replaces="mine")
    assert [e.name for e in shelf.all() if e.own] == ["other"]
    with pytest.raises(UsageError, match="poet-2"):
        shelf.put(MINE.replace("name: mine", "name: poet"))
    with pytest.raises(UsageError, match="comes with Gakju"):
        shelf.delete("poet")
    shelf.delete("other")
    for wrong in ("other", "../../etc/passwd", "", "a/b"):
        with pytest.raises(NotFound):
            shelf.get(wrong)


def test_a_deleted_app_can_be_had_back_for_a_day_and_takes_no_name_from_another(
    some: Apps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, folder = some.shelf, tmp_path / "home" / "apps"
    shelf.put(MINE)
    first = shelf.delete("mine")
    assert [e.name for e in shelf.all() if e.own] == []
    ((file, entry, at),) = shelf.removed()
    assert (file, entry.text) == (first, MINE)
    assert datetime.fromisoformat(at) <= datetime.now(UTC)
    assert shelf.restore(first) == "mine"
    assert (shelf.get("mine").text, shelf.removed()) == (MINE, [])
    again = shelf.delete("mine")
    shelf.put(MINE)
    assert shelf.restore(again) == "mine-2"
    assert shelf.get("mine").text == MINE
    assert shelf.app("mine-2").name == "mine-2"
    for wrong in (again, "../mine.yaml", "mine.yaml", ""):
        with pytest.raises(NotFound):
            shelf.restore(wrong)
    old = shelf.delete("mine-2")
    later = time.time() + timedelta(hours=25).total_seconds()
    monkeypatch.setattr("gakju.apps.shelf.time", SimpleNamespace(time=lambda: later, time_ns=lambda: int(later * 1e9)))
    assert shelf.removed() == []
    shelf.delete("mine")
    assert [r.entry.name for r in shelf.removed()] == ["mine"]
    assert not (folder / old).exists()


def test_a_file_that_was_broken_by_hand_is_shown_with_its_error(some: Apps, tmp_path: Path) -> None:
    some.shelf.put(MINE)
    path = tmp_path / "home" / "apps" / "mine.yaml"
    path.write_text(MINE.replace("temperature: 0.9", "temperature: hot"), "utf-8")
    entry = some.shelf.get("mine")
    assert entry.app is None
    assert str(entry.error).startswith("mine.yaml: Line 7: temperature: must be a number.")
    with pytest.raises(UnknownModel, match=r"no app .mine. that works"):
        some.assistant.parts.chat("app:mine")


# As a model


def test_a_message_fills_the_first_field_that_is_needed_or_all_as_json() -> None:
    poet, email, translation = (shipped()[n].app for n in ("poet", "email", "translation"))
    assert values_of(poet, "첫눈") == {"subject": "첫눈"}
    assert values_of(poet, '{"subject": "비", "name": "하늘"}') == {"subject": "비", "name": "하늘"}
    assert values_of(poet, "{not json") == {"subject": "{not json"}
    assert values_of(translation, "hello") == {"direction": "ko-en", "text": "hello"}
    with pytest.raises(UsageError, match=r'app:email needs to, points\. Send them as JSON: \{"to"'):
        values_of(email, "hello")


def test_the_openai_sdk_lists_and_runs_an_app(tmp_path: Path, chat: FakeChat) -> None:
    openai = pytest.importorskip("openai")
    with serving(tmp_path / "home", chat, prices={"openai:fake": (1.0, 1.0)}) as served:
        client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)
        names = [m.id for m in client.models.list()]
        assert [n for n in names if n.startswith("app:")] == [f"app:{n}" for n in shipped()]
        ask = [{"role": "user", "content": "첫눈"}]
        answer = client.chat.completions.create(model="app:poet", messages=ask)
        assert answer.choices[0].message.content == POEM
        assert answer.usage.completion_tokens > 0
        said = client.chat.completions.create(
            model="app:poet", messages=[{"role": "user", "content": '{"subject": "snow", "name": "Kim"}'}], stream=True
        )
        assert "".join(c.choices[0].delta.content or "" for c in said if c.choices) == POEM
        assert chat.calls[-1].messages[1].content == "The writer's name is Kim."
        spent = served.assistant.store.usage.days("")
        assert [day.model for day in spent] == ["fake"]  # the model that did the work
        for name, content in (
            ("app:none", "x"),
            ("app:email", "x"),
            ("app:poet", '{"subject": {"path": "/etc/passwd"}}'),
        ):
            with pytest.raises(openai.APIStatusError) as refused:
                client.chat.completions.create(model=name, messages=[{"role": "user", "content": content}])
            assert refused.value.status_code in {400, 404}


def test_a_key_of_one_collection_cannot_read_others_through_an_app(tmp_path: Path, chat: FakeChat) -> None:
    openai = pytest.importorskip("openai")
    with serving(tmp_path / "home", chat, keys=True) as served:
        _, secret = served.assistant.store.keys.add("k", ["ask", "models"], collections=["work"])
        client = openai.OpenAI(base_url=f"{served.url}/v1", api_key=secret, max_retries=0)
        names = [m.id for m in client.models.list()]
        assert "app:poet" in names
        assert "app:summary" not in names
        for name, status in (("app:summary", 404), ("app:poet", 200)):
            try:
                client.chat.completions.create(model=name, messages=[{"role": "user", "content": "비"}])
                got = 200
            except openai.APIStatusError as error:
                got = error.status_code
            assert got == status


# From the terminal


def test_the_terminal_lists_checks_adds_runs_and_deletes(tmp_path: Path, chat: FakeChat) -> None:
    def gakju(*arguments: str, server: str = "") -> tuple[int, str, str]:
        env = {"LC_ALL": "C", "GAKJU_HOME": str(tmp_path / "home"), "GAKJU_SERVER": server}
        result = CliRunner().invoke(main, list(arguments), env=env, catch_exceptions=False)
        return result.exit_code, result.stdout, result.stderr

    mine = tmp_path / "mine.yaml"
    mine.write_text(MINE.replace("0.9", "9"), "utf-8")
    code, out, _ = gakju("apps", "check", str(mine))
    assert (code, out) == (1, f"{mine}: Line 7: temperature: must not be more than 2.0.\n")
    mine.write_text(MINE, "utf-8")
    assert gakju("apps", "check", str(mine))[:2] == (0, f"{mine}: fine\n")
    assert gakju("apps", "add", str(mine))[0] == 0
    assert gakju("apps", "add", str(mine))[0] == 2
    assert gakju("apps", "add", str(mine), "--replace")[0] == 0
    assert [row["name"] for row in json.loads(gakju("apps", "--json")[1])] == [*shipped(), "mine"]
    assert gakju("apps", "show", "mine")[1] == MINE
    (tmp_path / "notes.txt").write_text(LEAVE, "utf-8")
    with serving(tmp_path / "home", chat) as served:
        assert gakju("apps", "list", server=served.url)[1].split() == [*shipped(), "mine"]
        assert gakju("apps", "run", "mine", "-f", f"topic=@{tmp_path / 'notes.txt'}", server=served.url)[:2] == (
            0,
            POEM + "\n",
        )
        assert chat.calls[-1].messages[0].content == f"About {LEAVE}"
        assert gakju("apps", "run", "mine", "--json", "-f", "topic=a", server=served.url)[1].startswith(
            '{\n  "app": "mine"'
        )
        assert gakju("apps", "run", "mine", server=served.url)[0] == 2
    assert gakju("apps", "rm", "mine")[0] == 0
    assert gakju("apps", "rm", "poet")[0] == 2


def test_the_terminal_counts_tokens(tmp_path: Path) -> None:
    def gakju(*arguments: str, **options: str) -> str:
        env = {"LC_ALL": "C", "GAKJU_HOME": str(tmp_path / "home"), "GAKJU_SERVER": ""}
        return CliRunner().invoke(main, ["tokens", *arguments], env=env, catch_exceptions=False, **options).stdout

    assert gakju("각주 hi", "-v", "cl100k_base", "--ids").splitlines()[0].startswith("[EA B0]·")
    assert gakju("a\x1b b").splitlines()[0] == "a|␛| b"
    found = json.loads(gakju("-", "--json", "-v", "cl100k_base", input="안녕하세요, 세계! Hello world"))
    assert [t["id"] for t in found["ids"]] == [
        31495,
        230,
        75265,
        243,
        92245,
        11,
        28867,
        116,
        22783,
        226,
        0,
        22691,
        1917,
    ]
    assert list(found["vocabularies"]) == ["cl100k_base", "o200k_base"]  # the embedded model is not here
    assert (found["tokens"], found["words"], found["by_rule"]) == (13, 4, 5)
    (tmp_path / "a.txt").write_text(LEAVE, "utf-8")
    assert json.loads(gakju(str(tmp_path / "a.txt"), "--json"))["characters"] == len(LEAVE)


@pytest.mark.model
def test_the_poet_writes_with_the_embedded_model(tmp_path: Path, chat_weights: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(chat_weights.parent)
    with Assistant.open(home, chat_model="embedded:qwen2.5-coder-0.5b", context=2048) as assistant:
        some = apps.of(assistant)
        entry = some.shelf.get("poet")
        sure = entry.text.replace(
            "temperature: 0.5", "temperature: 0"
        )  # a small model that draws lots may write one word
        assert sure != entry.text
        job = assistant.jobs.wait(some.submit(entry.app, sure, {"name": "Kim", "subject": "First snow"}, "en").id)
        assert job.state == "done", job.error
        assert "snow" in job.result["text"].lower()
        assert job.result["model"] == "embedded:qwen2.5-coder-0.5b"
