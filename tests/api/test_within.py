"""The assistant as a key may use it: what it makes is its own from the first moment on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from fronts import opened
from gakju.api.callers import Caller
from gakju.api.within import Within
from gakju.assistant import Assistant
from gakju.errors import NotFound
from gakju.store import Job

MINE = Caller("key_1", frozenset(["ask", "read", "write"]))
OTHER = Caller("key_2", frozenset(["ask", "read", "write"]))

WAYS: dict[str, Callable[[Within], Job]] = {
    "add": lambda within: within.submit_add([{"path": "a.txt", "digest": "0" * 64}]),
    "pages": lambda within: within.submit_pages(["http://127.0.0.1:9/"]),
    "another": lambda within: within.submit("another", {}),
    "reindex": lambda within: within.submit_reindex(),
    "ask": lambda within: within.submit_ask("연차휴가는 며칠인가?"),
}


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with opened(tmp_path_factory.mktemp("home"), web="auto") as one:
        one.store.claim = lambda kinds: None  # what is queued stays so
        yield one


@pytest.mark.parametrize("way", WAYS)
def test_a_job_is_its_keys_although_the_process_dies_once_it_is_there(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    before = {job.id for job in assistant.store.jobs()}

    def killed(kind: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(assistant.jobs, "queued", killed)
    with pytest.raises(KeyboardInterrupt):
        WAYS[way](Within(assistant, MINE, {}))
    (made,) = (job for job in assistant.store.jobs() if job.id not in before)
    assert assistant.store.keys.maker(made.id) == MINE.id
    assert Within(assistant, MINE, {}).store.job(made.id).kind == way


def test_files_and_responses_are_their_keys_in_one_step(assistant: Assistant) -> None:
    mine, other = Within(assistant, MINE, {}), Within(assistant, OTHER, {})
    file = mine.store.files.add("0" * 64, "a.txt", "assistants", 3)
    for data in ({"at": 1}, {"at": 2}):
        mine.store.responses.put("resp_1", data)
    assert [assistant.store.keys.maker(thing) for thing in (file.id, "resp_1")] == [MINE.id, MINE.id]
    assert mine.store.responses.get("resp_1") == {"at": 2}
    assert [f.id for f in mine.store.files.all()] == [file.id]
    assert other.store.files.all() == []
    with pytest.raises(NotFound):
        other.store.responses.get("resp_1")


def test_a_page_that_is_read_already_stays_the_job_of_who_asked_first(assistant: Assistant) -> None:
    watch = assistant.store.watches.put("http://127.0.0.1:9/other", "default", 24)
    first = Within(assistant, MINE, {}).watches.again(watch.id)
    assert Within(assistant, OTHER, {}).watches.again(watch.id).id == first.id
    assert assistant.store.keys.maker(first.id) == MINE.id
