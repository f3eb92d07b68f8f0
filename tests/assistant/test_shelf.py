"""Collections made, moved, renamed and removed; documents read again; what it all takes up."""

from __future__ import annotations

from pathlib import Path

import pypdf
import pytest

from fronts import LEAVE, TRIP, opened
from gakju.assistant import Scope
from gakju.errors import NotFound, UsageError

HANDBOOK = Path(__file__).parents[2] / "src/gakju/samples/handbook.ko.pdf"


@pytest.fixture
def assistant(tmp_path):
    with opened(tmp_path / "home") as one:
        for name, text in (("leave.txt", LEAVE), ("trip.txt", TRIP)):
            (tmp_path / name).write_text(text, "utf-8")
        assert [a.status for a in one.add([tmp_path / "leave.txt", tmp_path / "trip.txt"])] == ["added", "added"]
        yield one


def found(assistant, question: str, collection: str) -> list[str]:
    return [hit.document.title for hit in assistant.search(question, collection=collection)]


def ids(assistant) -> dict[str, str]:
    return {d.title: d.id for d in assistant.documents()}


def test_a_moved_document_is_found_where_it_is_and_nowhere_else(assistant) -> None:
    leave = ids(assistant)["leave"]
    assistant.shelf.move([leave], "규정")
    assert assistant.collections() == {"default": 1, "규정": 1}
    assert found(assistant, "연차휴가", "규정") == ["leave"]
    assert found(assistant, "연차휴가", "default") == ["trip"]
    assert ids(assistant)["leave"] == leave  # what footnotes name


def test_the_bytes_of_a_moved_document_can_come_back_to_where_it_was(assistant, tmp_path) -> None:
    leave = ids(assistant)["leave"]
    assistant.shelf.move([leave], "규정")
    (added,) = assistant.add([tmp_path / "leave.txt"])
    assert added.status == "added"
    assert added.document_id != leave
    with pytest.raises(UsageError, match="already"):
        assistant.shelf.move([leave], "default")
    assert assistant.collections() == {"default": 2, "규정": 1}


def test_a_move_that_was_cut_short_is_ended_at_the_next_start(assistant, tmp_path, monkeypatch) -> None:
    from gakju.index.generation import Generation

    with monkeypatch.context() as patch:
        patch.setattr(Generation, "_assign", lambda *_: None)  # as a kill between the two writes
        assistant.shelf.move([ids(assistant)["leave"]], "규정")
    assert found(assistant, "연차휴가", "규정") == []
    assistant.parts.index.recover()
    assert found(assistant, "연차휴가", "규정") == ["leave"]


def test_a_renamed_collection_keeps_its_conversations_and_words(assistant) -> None:
    from gakju.text.lexicon import Word

    assistant.shelf.move(list(ids(assistant).values()), "old")
    thread = assistant.start_thread("연차는?", "old")
    assistant.words.put("old", [Word("가람톡플러스", ("GTP",))])
    assistant.shelf.rename("old", "새 이름")
    assert assistant.collections() == {"새 이름": 2}
    assert assistant.store.talks.get(thread.id).collection == "새 이름"
    assert [w.word for w in assistant.words.get("새 이름")] == ["가람톡플러스"]
    assert assistant.words.get("old") == ()
    with pytest.raises(NotFound):
        assistant.shelf.rename("old", "x")


def test_no_name_is_taken_twice_and_none_that_is_none(assistant) -> None:
    assistant.shelf.move([ids(assistant)["leave"]], "규정")
    with pytest.raises(UsageError, match="already"):
        assistant.shelf.rename("규정", "default")
    with pytest.raises(UsageError, match="name"):
        assistant.shelf.rename("규정", "a/b")
    assert assistant.collections() == {"default": 1, "규정": 1}


def test_a_removed_collection_takes_its_originals_along(assistant) -> None:
    assistant.shelf.move([ids(assistant)["leave"]], "규정")
    original = assistant.original(ids(assistant)["leave"])
    assert assistant.shelf.remove("규정") == 1
    assert assistant.collections() == {"default": 1}
    assert not original.exists()


def test_a_locked_document_is_read_again_with_the_password_it_came_with(assistant, tmp_path) -> None:
    writer = pypdf.PdfWriter(clone_from=HANDBOOK)
    writer.encrypt("비밀", algorithm="AES-256")
    writer.write(tmp_path / "locked.pdf")
    (before,) = assistant.add([tmp_path / "locked.pdf"], passwords=["비밀"])
    (job,) = assistant.shelf.reread([before.document_id], ocr=False)
    (after,) = assistant.jobs.wait(job.id).result["files"]
    assert (after["status"], after["pages"]) == ("added", before.pages)
    assert [d.id for d in assistant.documents() if d.path.endswith("locked.pdf")] == [after["document_id"]]
    assert assistant.store.job(job.id).payload["passwords"] == []


def test_storage_counts_what_is_there(assistant) -> None:
    s = assistant.shelf.storage()
    assert s.originals == len((LEAVE + TRIP).encode())
    assert s.index > 1_000
    assert s.database > 4_000
    assert s.models == 0
    assert s.total == s.originals + s.index + s.database


def test_a_scope_follows_a_move(assistant) -> None:
    assistant.shelf.move([ids(assistant)["leave"]], "규정")
    hits = assistant.search_in("출장비 연차휴가", Scope(("default", "규정")))
    assert {h.document.title for h in hits} == {"leave", "trip"}
