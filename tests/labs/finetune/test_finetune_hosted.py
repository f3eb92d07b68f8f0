"""Jobs on another machine, against a server on loopback that speaks the API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fine_tuning_host import FineTuningHost, hosting, until

from gakju.assistant import Assistant
from gakju.errors import NetworkError, UsageError
from gakju.labs.finetune import hosted, told, tuner
from gakju.labs.finetune.dataset import Dataset, dumped, example
from gakju.labs.finetune.recipe import Recipe
from gakju.models.fakes import FakeChat

DATA = Dataset(
    tuple(example(f"질문 {n}", f"답 {n * n}") for n in range(12)), tuple(example(f"held {n}", "x") for n in range(3))
)


@pytest.fixture(scope="module")
def served() -> Iterator[FineTuningHost]:
    with hosting() as one:
        yield one


@pytest.fixture
def host(served: FineTuningHost) -> FineTuningHost:
    url = served.url
    served.__init__()  # type: ignore[misc]
    served.url = url
    return served


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosted, "POLL", 0.02)
    monkeypatch.setattr(hosted, "SLOWEST", 0.05)


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory, served: FineTuningHost) -> Iterator[Assistant]:
    settings = {"azure_endpoint": served.url, "azure_api_key": "azure-key", "model_retries": 0, "offline": True}
    with Assistant.open(tmp_path_factory.mktemp("home"), **settings) as one:
        yield one


def ended(tuning_id: str, lab: tuner.Tuner) -> tuner.Tuning:
    until(lambda: lab.get(tuning_id).finished)
    return lab.get(tuning_id)


def test_a_job_from_upload_to_model(assistant: Assistant, host: FineTuningHost) -> None:
    lab = tuner.of(assistant)
    made = lab.submit_hosted(DATA, model=f"{host.url}/v1#gpt-x", epochs=2, name="rules")
    done = ended(made.id, lab)
    assert (done.state, done.told["model"]) == ("done", f"{host.url}/v1#ft:gpt-x:o::ftjob-0")
    assert host.jobs["ftjob-0"]["metadata"] == {"gakju": made.id}
    assert (host.jobs["ftjob-0"]["training_file"], host.jobs["ftjob-0"]["suffix"]) == ("file-0", "rules")
    assert '"질문 3"'.encode() in host.files["file-0"]
    assert b"held 2" in host.files["file-1"]
    assert [e["step"] for e in lab.log(made.id)] == [1, 2, 3]
    assert done.told["tokens"] == 1234
    assert host.there == {}
    assert not {"train_file", "held_file", "left"} & set(done.told)
    assert lab.use(made.id) == "rules"
    assert assistant.settings.aliases["rules"] == f"{host.url}/v1#ft:gpt-x:o::ftjob-0"


def test_what_judging_takes_goes_to_the_account_of_its_owner(assistant: Assistant, host: FineTuningHost) -> None:
    lab = tuner.of(assistant)
    made = ended(lab.submit_hosted(DATA, model=f"{host.url}/v1#gpt-j", owner="key_1").id, lab)
    base, tuned = lab.models(made) or ("", "")
    chats = {f"chat/{base}": FakeChat(lambda _: "no"), f"chat/{tuned}": FakeChat(lambda _: "x")}
    assistant.parts._made |= chats
    job = assistant.jobs.wait(lab.submit_judge(made.id).id)
    assert job.state == "done", job.error
    assert [job.result["held"][side]["right"] for side in ("base", "tuned")] == [0, 3]
    assert lab.get(made.id).told["judged"] == job.result
    asked = sum(len(chat.calls) for chat in chats.values())
    assert asked == 2 * len(lab.judged(made.id)) == 46
    assert assistant.store.usage.spent("", "key_1").tokens > asked
    assistant.settings.tokens_per_day = 1
    (lab.folder(made.id) / "judged.jsonl").unlink()
    job = assistant.jobs.wait(lab.submit_judge(made.id).id)
    assistant.settings.tokens_per_day = 0
    assert (job.error["code"], sum(len(chat.calls) for chat in chats.values())) == ("insufficient_quota", asked)


def test_azure_is_asked_with_its_own_key_and_deploys_before_it_answers(
    assistant: Assistant, host: FineTuningHost
) -> None:
    lab = tuner.of(assistant)
    done = ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab)
    assert (done.state, done.told["tuned"], done.told["model"]) == ("done", "ft:gpt-4o-mini:o::ftjob-0", "")
    assert host.keys == {"azure-key"}
    with pytest.raises(UsageError, match="azure:DEPLOYMENT"):
        lab.use(done.id, "rules")


def test_a_job_that_failed_says_why(assistant: Assistant, host: FineTuningHost) -> None:
    host.end, host.error = "failed", "Invalid file format."
    lab = tuner.of(assistant)
    done = ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab)
    assert done.state == "failed"
    assert done.told["error"]["message"] == "azure:gpt-4o-mini: the fine-tuning failed: Invalid file format."
    assert host.there == {}


def test_a_refused_file_starts_no_job(assistant: Assistant, host: FineTuningHost) -> None:
    host.fails = [400]
    lab = tuner.of(assistant)
    done = ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab)
    assert (done.state, done.told["error"]["code"], host.jobs) == ("failed", "request_refused", {})
    assert "secretsecret" not in str(done.told)


def test_a_slow_job_is_cancelled_there_too(assistant: Assistant, host: FineTuningHost) -> None:
    host.looks = 10_000
    lab = tuner.of(assistant)
    made = lab.submit_hosted(DATA, model="azure:gpt-4o-mini")
    until(lambda: host.jobs and host.jobs["ftjob-0"]["looked"] > 2)
    lab.cancel(made.id)
    assert ended(made.id, lab).state == "cancelled"
    assert "POST /fine_tuning/jobs/ftjob-0/cancel" in host.requests
    assert host.there == {}


def test_files_that_a_host_does_not_let_go_of_are_named(assistant: Assistant, host: FineTuningHost) -> None:
    host.holds = True
    lab = tuner.of(assistant)
    done = ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab)
    assert (done.state, done.told["left"], list(host.there)) == ("done", ["file-0", "file-1"], ["file-0", "file-1"])
    assert told.tuning(lab, done)["left"] == ["file-0", "file-1"]


def test_a_job_that_is_refused_leaves_no_examples_there(assistant: Assistant, host: FineTuningHost) -> None:
    lab = tuner.of(assistant)
    create = host._create
    host._create = lambda _: (400, {"error": {"message": "no such model", "type": "x", "code": None}})
    done = ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab)
    assert (done.state, done.told["error"]["code"], host.there) == ("failed", "request_refused", {})
    host._create = create
    lab.resume(done.id)
    until(lambda: lab.get(done.id).finished)
    assert (lab.get(done.id).state, host.jobs["ftjob-0"]["training_file"]) == ("done", "file-2")


def test_an_account_without_credit_ends_it_at_once_and_says_what_to_do(
    assistant: Assistant, host: FineTuningHost
) -> None:
    host.fails, host.code = [429], "insufficient_quota"
    lab = tuner.of(assistant)
    done = ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab)
    assert (done.state, done.told["error"]["code"], host.requests) == ("failed", "credit_spent", ["POST /files"])
    assert "Add credit" in done.told["error"]["hint"]


def test_two_who_go_on_with_one_at_the_same_time_start_it_once(
    assistant: Assistant, host: FineTuningHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.fails = [400]
    lab = tuner.of(assistant)
    done = ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab)
    both, tried = threading.Barrier(2, timeout=20), []

    def resume() -> None:
        both.wait()
        try:
            tried.append(lab.resume(done.id).state)
        except UsageError as error:
            tried.append(error.code)

    threads = [threading.Thread(target=resume) for _ in range(2)]
    with monkeypatch.context() as held:
        held.setattr(assistant.store, "claim", lambda kinds: None)  # it waits in the line
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert sorted(tried) == ["queued", "usage"]
    assistant.jobs.queued(tuner.HOSTED)
    assert ended(done.id, lab).state == "done"
    assert list(host.jobs) == ["ftjob-0"]


def test_one_that_is_stopped_before_it_began_leaves_no_examples_there(
    assistant: Assistant, host: FineTuningHost
) -> None:
    lab = tuner.of(assistant)
    made = assistant.store.tunings.add("azure:gpt-4o-mini", "azure", "", {})
    lab._write(lab.folder(made.id), DATA, "")
    uploaded = hosted.Remote("azure:gpt-4o-mini", *assistant.parts.host("azure:gpt-4o-mini"))
    file = uploaded.upload(b"{}", "train.jsonl")
    uploaded.close()
    assistant.store.tunings.set(made.id, train_file=file, stop=True)  # killed between the upload and the job
    lab._tunings.set(made.id, job_id=assistant.jobs.submit(tuner.HOSTED, {"tuning": made.id}).id)
    assert (ended(made.id, lab).state, host.jobs, host.there) == ("cancelled", {}, {})


def test_trouble_on_the_way_does_not_lose_a_job(assistant: Assistant, host: FineTuningHost) -> None:
    host.looks = 6
    lab = tuner.of(assistant)
    made = lab.submit_hosted(DATA, model="azure:gpt-4o-mini")
    until(lambda: host.jobs)
    host.fails = [500, 429, 503]
    assert ended(made.id, lab).state == "done"


def test_events_in_trouble_do_not_hide_how_a_job_ended(assistant: Assistant, host: FineTuningHost) -> None:
    host.silent = True
    lab = tuner.of(assistant)
    assert ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab).state == "done"


def test_trouble_at_the_beginning_is_waited_out_and_pays_once(assistant: Assistant, host: FineTuningHost) -> None:
    host.fails, host.lost = [429, 500], 1
    lab = tuner.of(assistant)
    assert ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab).state == "done"
    assert list(host.jobs) == ["ftjob-0"]
    assert sum(r == "POST /files" for r in host.requests) == 2 + 2  # two were answered with an error


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_does_not_pass_by_itself_ends_it(assistant: Assistant, host: FineTuningHost, status: int) -> None:
    host.fails = [status]
    lab = tuner.of(assistant)
    done = ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab)
    assert (done.state, host.requests) == ("failed", ["POST /files"])
    assert "secretsecret" not in str(done.told)
    lab.resume(done.id)
    assert ended(done.id, lab).state == "done"


def test_one_that_was_cancelled_at_its_host_is_over_here_too(assistant: Assistant, host: FineTuningHost) -> None:
    host.end = "cancelled"
    lab = tuner.of(assistant)
    done = ended(lab.submit_hosted(DATA, model="azure:gpt-4o-mini").id, lab)
    until(lambda: lab.job(done).finished)
    looked = len(host.requests)
    assert (done.state, lab.job(done).state) == ("cancelled", "cancelled")
    with pytest.raises(UsageError, match="nothing to go on with"):
        lab.resume(done.id)
    assert len(host.requests) == looked


def test_one_that_ends_before_it_can_be_cancelled_keeps_its_model(assistant: Assistant, host: FineTuningHost) -> None:
    host.looks = 10_000
    lab = tuner.of(assistant)
    made = lab.submit_hosted(DATA, model="azure:gpt-4o-mini")
    until(lambda: host.jobs and host.jobs["ftjob-0"]["looked"] > 2)
    host.jobs["ftjob-0"] |= {"status": "succeeded", "fine_tuned_model": "ft:late"}
    lab.cancel(made.id)
    done = ended(made.id, lab)
    assert (done.state, done.told["tuned"]) == ("done", "ft:late")


def test_a_wish_to_stop_reaches_the_host_after_a_kill(tmp_path: Path, host: FineTuningHost) -> None:
    host.looks = 10_000
    settings = {"azure_endpoint": host.url, "azure_api_key": "k", "model_retries": 0}
    with Assistant.open(tmp_path / "home", **settings) as first:
        lab = tuner.of(first)
        made = lab.submit_hosted(DATA, model="azure:gpt-4o-mini")
        until(lambda: lab.get(made.id).told.get("remote"))
    with Assistant.open(tmp_path / "home", own=False, **settings) as looking:
        tuner.Tuner(looking).cancel(made.id)  # and nobody is there to do it
    with Assistant.open(tmp_path / "home", **settings) as second:
        assert ended(made.id, tuner.of(second)).state == "cancelled"
    assert host.jobs["ftjob-0"]["status"] == "cancelled"


def test_long_examples_are_taken_without_a_model_of_this_machine(assistant: Assistant, host: FineTuningHost) -> None:
    long = tuple(example(f"질문 {n}", f"{n} " * 5000) for n in range(12))
    lab = tuner.of(assistant)
    assert lab.bases() == []
    text = dumped(long).encode()
    given = told.Request(
        lab, data=text, held=dumped(DATA.held).encode(), model="azure:gpt-4o-mini", recipe=Recipe(epochs=5)
    )
    assert not given.check(closely=False).refuses
    assert (given.hosted_price()["epochs"], given.start().place) == (5, "azure")
    made = lab.all()[-1]
    ended(made.id, lab)
    assert host.jobs["ftjob-0"]["method"]["supervised"]["hyperparameters"] == {"n_epochs": 5}


def test_after_a_restart_the_same_job_is_followed_and_none_is_paid_twice(tmp_path: Path, host: FineTuningHost) -> None:
    host.looks = 10_000
    settings = {"azure_endpoint": host.url, "azure_api_key": "k", "model_retries": 0}
    with Assistant.open(tmp_path / "home", **settings) as first:
        made = tuner.of(first).submit_hosted(DATA, model="azure:gpt-4o-mini")
        until(lambda: host.jobs)
    with Assistant.open(tmp_path / "home", own=False, **settings) as looking:
        assert looking.store.tunings.get(made.id).state == "queued"
        looking.store.tunings.set(made.id, remote=None)  # as if it had been killed before the id was written
    host.looks = 1
    with Assistant.open(tmp_path / "home", **settings) as second:
        assert ended(made.id, tuner.of(second)).state == "done"
    assert list(host.jobs) == ["ftjob-0"]
    assert sum(r == "POST /files" for r in host.requests) == 2


def test_offline_nothing_leaves(assistant: Assistant, host: FineTuningHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistant.settings, "azure_endpoint", "https://example.openai.azure.com")
    with pytest.raises(NetworkError, match="offline"):
        tuner.of(assistant).submit_hosted(DATA, model="azure:gpt-4o-mini")
    assert host.requests == []


def test_what_was_wound_down_is_refused_after_its_last_day() -> None:
    hosted.check_open("openai:gpt-4o-mini", date(2027, 1, 6))
    hosted.check_open("http://127.0.0.1/v1#x", date(2028, 1, 1))
    for name in ("openai:gpt-4o-mini", "azure:x"):
        with pytest.raises(UsageError, match="2027-01-06"):
            hosted.check_open(name, date(2027, 1, 7))


def test_too_few_examples_are_refused_before_anything_is_sent(assistant: Assistant, host: FineTuningHost) -> None:
    with pytest.raises(UsageError, match="too_few"):
        tuner.of(assistant).submit_hosted(Dataset(DATA.train[:9], DATA.held), model="azure:gpt-4o-mini")
    assert host.requests == []
