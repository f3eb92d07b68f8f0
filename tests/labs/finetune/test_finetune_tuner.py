"""Trainings as jobs: begun, followed, stopped, taken up after a kill, kept, rolled back, deleted.

The trainer is a stand-in that speaks as the real one does; see `test_finetune_training` for that.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fine_tuning_host import until
from starlette.testclient import TestClient

from faked_trainer import FAKE, faked, with_model
from gakju import api
from gakju.assistant import Assistant, generate
from gakju.errors import ModelFailed, UnknownModel, UsageError
from gakju.labs.finetune import judge, told, tuner
from gakju.labs.finetune.dataset import Dataset, dumped, example
from gakju.labs.finetune.recipe import Recipe
from gakju.labs.finetune.train import Trainer
from gakju.labs.finetune.tuner import Tuner

pytestmark = pytest.mark.model  # its vocabulary is read, it is not run
BASE = "qwen2.5-coder-0.5b"
TRAIN = tuple(example(f"문장 {n * 7919}", ("sports", "travel")[n % 2], "주제를 고르세요.") for n in range(24))
DATA = Dataset(TRAIN[:20], TRAIN[20:])


def opened(home: Path, weights: Path) -> tuple[Assistant, Tuner]:
    with_model(home, weights)
    assistant = Assistant.open(home)
    return assistant, faked(assistant)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trainer that rests after its first step until it is told to stop, or killed; `quick` ends that for the next."""
    monkeypatch.setenv("LC_ALL", "C@100")


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, chat_weights: Path) -> Iterator[Tuner]:
    assistant, lab = opened(tmp_path_factory.mktemp("home"), chat_weights)
    yield lab
    assistant.close()


@pytest.fixture
def lab(shared: Tuner) -> Iterator[Tuner]:
    yield shared
    for made in shared.all():
        shared.cancel(made.id)
        until(lambda name=made.id: shared.get(name).finished)
        shared.delete(made.id)


def train(lab: Tuner, name: str = "", **options: object) -> tuner.Tuning:
    made = lab.submit_data(DATA, base=BASE, recipe=Recipe(epochs=1), name=name, **options)  # type: ignore[arg-type]
    until(lambda: lab.get(made.id).finished)
    return lab.get(made.id)


def test_from_examples_to_a_model_and_back(lab: Tuner) -> None:
    first, second = train(lab, "topic"), train(lab, "topic")
    assert (first.state, first.told["base_loss"], first.told["best"]) == ("done", 2.0, 0.5)
    assert first.told["model"] == f"embedded:{BASE}+{tuner.adapter_id(first.id)}"
    assert [e["step"] for e in lab.log(first.id) if e["event"] == "step"] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(UnknownModel):
        lab.assistant.parts.chat(f"embedded:{BASE}+topic")
    assert lab.keep(first.id).model == lab.keep(second.id).model == f"embedded:{BASE}+topic"
    assert f"embedded:{BASE}+topic" in generate.tuned(lab.assistant)
    assert lab.adapters.find(BASE, "topic").id == tuner.adapter_id(second.id)
    back = lab.roll_back("topic")
    assert back
    assert back.id == tuner.adapter_id(first.id)
    lab.delete(first.id)
    assert not lab.folder(first.id).exists()
    with pytest.raises(UnknownModel):
        lab.assistant.parts.chat(f"embedded:{BASE}+topic")
    assert [t.id for t in lab.all()] == [second.id]


def test_what_is_learnt_is_the_answer_alone(lab: Tuner) -> None:
    made = train(lab)
    rows = json.loads((lab.folder(made.id) / "rows.json").read_text())
    row = rows["train"][0]
    (start, end), words = row["learn"][0], lab.weights(BASE)
    from gakju.models.vocabulary import embedded_vocabulary, marks

    assert row["ids"][end - 1] == marks(words)["<|im_end|>"]
    assert embedded_vocabulary(words).decode(row["ids"][start : end - 1]) == "sports"
    assert len(row["ids"]) == end
    assert oct((lab.folder(made.id)).stat().st_mode)[-3:] == "700"


def test_rows_are_what_the_engine_reads(lab: Tuner) -> None:
    from gakju.labs.finetune.rows import Format
    from gakju.labs.tokenizer import prompt_tokens
    from gakju.types import Message

    for system in ("주제를 고르세요.", ""):
        row = Format(lab.weights(BASE)).row(example("어디로 갈까?", "travel", system))
        asked = ([Message("system", system)] if system else []) + [Message("user", "어디로 갈까?")]
        assert row.learn[0][0] == prompt_tokens(asked, f"embedded:{BASE}", lab.assistant.settings)[0]


@pytest.mark.usefixtures("slow")
def test_stopped_it_keeps_what_it_has_learnt(lab: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lab.submit_data(DATA, base=BASE, recipe=Recipe(), name="early")
    until(lambda: any(e["event"] == "checkpoint" for e in lab.log(made.id)))
    lab.cancel(made.id)
    until(lambda: lab.get(made.id).finished and lab.job(lab.get(made.id)).finished)
    ended = lab.get(made.id)
    assert (ended.state, ended.told["why"]) == ("cancelled", "stopped")
    assert lab.job(ended).state == "cancelled"
    assert 1 <= ended.told["step"] < 6
    assert lab.adapter(ended)
    first = lab.keep(made.id, "early")
    lab.assistant.store.tunings.set(made.id, judged={"verdict": "judge_same"})
    (lab.folder(made.id) / judge.FILES[0]).write_text("what the first one said")
    quick(monkeypatch)
    lab.resume(made.id)
    until(lambda: lab.get(made.id).state == "done")
    (second,) = lab.adapters.all()
    assert second.id == f"{first.id}s6", "an engine that has loaded the first takes the second for it"
    assert (second.name, lab.get(made.id).told["model"]) == ("early", first.model)
    assert "judged" not in lab.get(made.id).told
    assert not (lab.folder(made.id) / judge.FILES[0]).exists()
    starts = [e for e in lab.log(made.id) if e["event"] == "start"]
    assert starts[1]["step"] == ended.told["step"]


@pytest.mark.usefixtures("slow")
def test_a_closed_server_goes_on_where_it_was(
    tmp_path: Path, chat_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant, lab = opened(tmp_path, chat_weights)
    made = lab.submit_data(DATA, base=BASE, recipe=Recipe())
    until(lambda: any(e["event"] == "checkpoint" for e in lab.log(made.id)))
    assistant.close()
    assert not lab.adapters.all()
    quick(monkeypatch)
    again, lab = opened(tmp_path, chat_weights)
    until(lambda: lab.get(made.id).finished)
    steps = [e["step"] for e in lab.log(made.id) if e["event"] == "step"]
    again.close()
    assert (lab.log(made.id)[-1]["why"], sorted(set(steps))) == ("done", [1, 2, 3, 4, 5, 6])


@pytest.mark.usefixtures("slow")
def test_a_killed_trainer_is_no_end(lab: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lab.submit_data(DATA, base=BASE, recipe=Recipe())
    until(lambda: any(e["event"] == "checkpoint" for e in lab.log(made.id)))
    found = [p for p in Path("/proc").glob("[0-9]*") if _runs(p, lab.folder(made.id))]
    assert len(found) == 1
    os.kill(int(found[0].name), signal.SIGKILL)
    until(lambda: lab.get(made.id).finished)
    assert lab.get(made.id).told["error"]["code"] == "model_failed"
    quick(monkeypatch)
    lab.resume(made.id)
    until(lambda: lab.get(made.id).state == "done")
    assert "error" not in lab.get(made.id).told


def _runs(process: Path, folder: Path) -> bool:
    try:
        return str(folder).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def test_what_a_kill_or_a_full_disk_left_half_done_can_be_deleted(lab: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    half = lab.assistant.store.tunings.add(BASE, "local", "half", {})
    lab.delete("half")
    assert lab.all() == []
    monkeypatch.setattr(tuner, "dumped", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lab.submit_data(DATA, base=BASE, recipe=Recipe())
    assert (lab.all(), list(lab.folder(half.id).parent.glob("*"))) == ([], [])


@pytest.mark.parametrize(("mode", "said"), [("fails", "RuntimeError: no"), ("memory", "ran out of memory")])
def test_a_trainer_that_fails_says_why(tmp_path: Path, mode: str, said: str) -> None:
    (tmp_path / "mode").write_text(mode)
    with pytest.raises(ModelFailed, match=said):
        Trainer(worker=FAKE).run(tmp_path, {}, lambda _: None, lambda: "")


def test_a_trainer_gets_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAKJU_OPENAI_API_KEY", "sk-secret")
    worker = tmp_path / "told.py"
    worker.write_text("import os, json; print(json.dumps({'event': 'end', 'names': sorted(os.environ)}))")
    told = Trainer(worker=worker).run(tmp_path, {}, lambda _: None, lambda: "")
    assert "HF_HUB_OFFLINE" in told["names"]
    assert not [n for n in told["names"] if n.startswith("GAKJU")]


def test_without_the_extra_it_says_how(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho torch peft\n")
    python.chmod(0o755)
    with pytest.raises(UsageError, match=r"needs torch, peft\. Run `pip install 'gakju\[finetune\]'`"):
        Trainer(str(python)).check(0)
    with pytest.raises(UsageError, match="does not run"):
        Trainer(str(tmp_path / "none")).check(0)
    with pytest.raises(UsageError, match=r"takes about 13\d+\.0 GiB of memory; \d"):
        Trainer().check(1 << 40)


def test_a_price_is_measured(lab: Tuner) -> None:
    for name in ("trial-old", "trial-new"):
        lab.folder(name).mkdir(parents=True)
    os.utime(lab.folder("trial-old"), (0, 0))
    job = lab.submit_price(DATA, base=BASE, recipe=Recipe(epochs=3))
    assert not lab.folder("trial-old").exists()
    lab.folder("trial-new").rmdir()
    done = lab.assistant.jobs.wait(job.id)
    sizes = [len(lab_row) for lab_row in _sizes(lab)]
    assert done.state == "done"
    assert done.result["steps"] == 15
    assert done.result["tokens"] == 3 * sum(sizes)
    # .02 s a token by nine of ten steps, a minute's share of checkpoints, 2 s to load, and 7 times an evaluation.
    expected = 2.0 + done.result["tokens"] * 0.02 * 61 / 60 + 7 * 0.02 * sum(_held(lab)) / 3
    assert done.result["seconds"] == pytest.approx(expected, abs=0.1)
    assert list((lab.assistant.settings.home / "finetune").iterdir()) == []


def _sizes(lab: Tuner) -> list[tuple[int, ...]]:
    from gakju.labs.finetune.rows import Format

    return [row.ids for row in Format(lab.weights(BASE)).rows(DATA.train)]


def _held(lab: Tuner) -> list[int]:
    from gakju.labs.finetune.rows import Format

    return [len(row.ids) for row in Format(lab.weights(BASE)).rows(DATA.held)]


def test_refused_examples_train_nothing(lab: Tuner) -> None:
    leaky = Dataset(TRAIN, TRAIN[:2])
    with pytest.raises(UsageError, match="leak"):
        lab.submit_data(leaky, base=BASE, recipe=Recipe())
    bad = (*TRAIN[:19], example("누구?", "900101-1234567"))
    with pytest.raises(UsageError, match="personal_resident"):
        lab.submit_data(Dataset(bad, DATA.held), base=BASE, recipe=Recipe())
    assert lab.all() == []


def test_openais_own_client_and_ours(lab: Tuner) -> None:
    import openai

    with TestClient(api.create(lab.assistant, ui=False), base_url="http://127.0.0.1") as http:
        client = openai.OpenAI(base_url="http://127.0.0.1/v1", api_key="x", http_client=http)  # type: ignore[arg-type]
        file = client.files.create(file=("t.jsonl", dumped(TRAIN).encode()), purpose="fine-tune")
        jobs = client.fine_tuning.jobs
        job = jobs.create(model=f"embedded:{BASE}", training_file=file.id, suffix="topic", metadata={"a": "b"},
                          hyperparameters={"n_epochs": 1, "learning_rate_multiplier": 2.0})  # fmt: skip
        assert job.status in {"queued", "running"}  # a free lane takes it at once
        assert (job.hyperparameters.n_epochs, job.metadata) == (1, {"a": "b"})
        until(lambda: jobs.retrieve(job.id).status == "succeeded")
        done = jobs.retrieve(job.id)
        assert (done.fine_tuned_model, done.trained_tokens) == (f"embedded:{BASE}+topic", 600)
        assert [j.id for j in jobs.list()] == [j.id for j in jobs.list(metadata={"a": "b"})] == [job.id]
        assert list(jobs.list(metadata={"a": "c"})) == list(jobs.list(extra_query={"metadata": "null"})) == []
        elsewhere = lab.assistant.store.tunings.add("azure:x", "azure", "", {"epochs": 0})
        lab.assistant.store.tunings.set(elsewhere.id, state="cancelled")
        with pytest.raises(openai.NotFoundError):
            jobs.retrieve(elsewhere.id)
        page = jobs.list_events(job.id, limit=3)
        assert (len(page.data), page.has_more, page.has_next_page()) == (3, True, True)
        assert page.get_next_page().data[0].id not in {e.id for e in page.data}
        events = list(page)  # which asks for page after page
        assert len(events) == len({e.id for e in events}) == len(lab.log(job.id)) > 6
        assert events[0].message == "The training has ended (done)"
        assert [e.data["train_loss"] for e in events if e.data and "train_loss" in e.data][::-1][:2] == [1.0, 0.5]
        assert jobs.checkpoints.list(job.id).data[0].fine_tuned_model_checkpoint == f"embedded:{BASE}+topic"
        with pytest.raises(openai.NotFoundError):
            jobs.retrieve("ftjob-none")
        one = b'{"messages": [{"role": "user", "content": "x"}]}'
        bad = client.files.create(file=("b.jsonl", one), purpose="fine-tune")
        other = client.files.create(file=("b.jsonl", b"x"), purpose="assistants")
        with pytest.raises(openai.BadRequestError, match="last_not_assistant"):
            jobs.create(model=BASE, training_file=bad.id)
        with pytest.raises(openai.BadRequestError, match="not uploaded to learn"):
            jobs.create(model=BASE, training_file=other.id)
        shown = http.get("/v1/finetune/topic").json()
        assert (shown["in_use"], shown["log"][0]["event"]) == (True, "start")
        assert http.post("/v1/finetune/topic/roll-back").json() == {"name": "topic", "model": None}
        assert http.delete(f"/v1/finetune/{job.id}").json()["deleted"]
        checked = http.post("/v1/finetune/check", data={"model": BASE}, files={"file": ("t.jsonl", dumped(TRAIN))})
        report = checked.json()
        assert (report["refused"], sorted(report["labels"])) == (False, ["sports", "travel"])
        assert report["examples"] + report["held"] == 24
        assert {f["code"] for f in report["findings"]} == {"few", "few_held"}


def test_examples_of_a_question_set(lab: Tuner) -> None:
    from gakju.store.questions import Item

    items = [Item("", f"물음 {n}", (f"답 {n}",)) for n in range(12)] + [Item("", "왜?", ("x",), state="proposed")]
    lab.assistant.store.questions.put("우리 물음", items)
    given = told.Request(lab, "set:우리 물음", model=BASE, system="짧게")
    assert len(given.data.train) + len(given.data.held) == 12
    assert given.data.train[0].messages[0].content == "짧게"
    with pytest.raises(UsageError, match="no examples"):
        told.Request(lab, "", model=BASE)
