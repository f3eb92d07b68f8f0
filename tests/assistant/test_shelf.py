"""Collections made, moved, renamed and removed; documents read again; what it all takes up."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdf
import pytest

from fronts import LEAVE, TRIP, opened
from gakju.assistant import Scope
from gakju.errors import NotFound, UsageError
from gakju.store import now
from gakju.store.files import VectorStore

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

    (tmp_path / "other.txt").write_text("회의실은 예약한다.", "utf-8")
    assistant.add([tmp_path / "other.txt"])
    trip = ids(assistant)["trip"]
    assistant.shelf.move([trip], "규정")
    assistant.shelf.discard([trip])  # its chunks are none of those that are missed
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


def test_a_removed_collection_comes_back_with_all_that_goes_with_it(assistant) -> None:
    from gakju.text.lexicon import Word

    leave, store = ids(assistant)["leave"], assistant.store
    assistant.shelf.move([leave], "규정")
    assistant.words.put("규정", [Word("가람톡플러스", ("GTP",))])
    watch = store.watches.put("https://example.com/", "규정", 24)
    store.files.put_store(VectorStore("규정", "rules", now(), now(), {"a": "b"}, 7))
    store.files.attach("규정", [("file-1", {"year": 2026})])
    held = store.files.stores(), store.files.attached("규정")
    assert assistant.shelf.remove("규정") == [leave]
    assert assistant.collections() == {"default": 1}
    assert (assistant.words.get("규정"), store.watches.all()) == ((), [])
    assert (store.files.stores(), store.files.attached("규정")) == ([], [])
    assert [d.id for d in assistant.shelf.restore([leave])] == [leave]
    assert assistant.collections() == {"default": 1, "규정": 1}
    assert [w.word for w in assistant.words.get("규정")] == ["가람톡플러스"]
    assert store.watches.all() == [watch]
    assert (store.files.stores(), store.files.attached("규정")) == held


def test_what_is_new_in_a_removed_collection_is_not_written_over(assistant) -> None:
    from gakju.text.lexicon import Word

    leave = ids(assistant)["leave"]
    assistant.shelf.move([leave], "규정")
    assistant.words.put("규정", [Word("옛말", ())])
    assistant.shelf.remove("규정")
    assistant.words.put("규정", [Word("새말", ())])
    assistant.shelf.restore([leave])
    assert [w.word for w in assistant.words.get("규정")] == ["새말"]


def test_a_removed_collection_takes_its_originals_along(assistant) -> None:
    leave, store = ids(assistant)["leave"], assistant.store
    assistant.shelf.move([leave], "규정")
    original = assistant.original(leave)
    store.watches.put("https://example.com/", "규정", 24)
    assistant.shelf.remove("규정")
    assert original.exists()
    assistant.shelf.forget(timedelta(0))
    assert not original.exists()
    store.collections.restore("규정")
    assert store.watches.all() == []


def test_a_discarded_document_is_nowhere_until_it_is_restored(assistant, tmp_path) -> None:
    leave, before = ids(assistant)["leave"], assistant.documents()
    original = assistant.original(leave)
    assistant.shelf.discard([leave])
    assert ids(assistant).keys() == {"trip"}
    assert found(assistant, "연차휴가", "default") == ["trip"]
    with pytest.raises(NotFound):
        assistant.page(leave, 1)
    assert [d.id for d, _ in assistant.shelf.removed()] == [leave]
    assert original.read_text("utf-8") == LEAVE
    assistant.close()
    with opened(tmp_path / "home") as again:
        assert [d.id for d in again.shelf.restore([leave])] == [leave]
        assert sorted(again.documents(), key=lambda d: d.id) == sorted(before, key=lambda d: d.id)
        assert found(again, "연차휴가", "default") == ["leave", "trip"]
        assert again.original(leave).read_text("utf-8") == LEAVE


def test_a_day_later_a_discarded_document_is_off_the_disk(assistant, monkeypatch, tmp_path) -> None:
    leave, trip = ids(assistant)["leave"], ids(assistant)["trip"]
    originals = [assistant.original(leave), assistant.original(trip)]
    yesterday = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    with monkeypatch.context() as patch:
        patch.setattr("gakju.assistant.shelf.now", lambda: yesterday)
        assistant.shelf.discard([leave])
    assert assistant.shelf.removed() == []
    assistant.shelf.discard([trip])
    assert assistant.shelf.restore([leave]) == []
    assert [path.exists() for path in originals] == [False, True]
    assistant.shelf.erase([trip])
    assert [path.exists() for path in originals] == [False, False]
    assert assistant.shelf.removed() == []


def test_what_was_discarded_and_added_again_keeps_its_bytes(assistant, tmp_path) -> None:
    leave = ids(assistant)["leave"]
    assistant.shelf.discard([leave])
    (added,) = assistant.add([tmp_path / "leave.txt"])
    assert added.status == "added"
    assert added.document_id != leave
    assert assistant.shelf.restore([leave]) == []
    assistant.shelf.erase([leave])
    assert assistant.original(added.document_id).read_text("utf-8") == LEAVE


def test_a_reindex_keeps_what_can_come_back(assistant) -> None:
    leave = ids(assistant)["leave"]
    assistant.shelf.discard([leave])
    assert assistant.jobs.wait(assistant.submit_reindex().id).result == {"documents": 1}
    assert ids(assistant).keys() == {"trip"}
    assistant.shelf.restore([leave])
    assert found(assistant, "연차휴가", "default") == ["leave", "trip"]


def test_bytes_on_their_way_in_outlive_a_document_that_is_deleted(assistant, tmp_path, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(assistant.store, "claim", lambda *_: None)  # nothing is taken up
        kept = assistant.keep(io.BytesIO(LEAVE.encode()), "leave.txt")
        job = assistant.submit_add([kept], collection="규정")
        assistant.delete(ids(assistant)["leave"])
    assistant.jobs.queued("add")
    assert [f["status"] for f in assistant.jobs.wait(job.id).result["files"]] == ["added"]


@pytest.mark.parametrize("way", ["delete", "discard"])
def test_a_document_that_is_deleted_before_it_is_read_again_stays_deleted(assistant, monkeypatch, way) -> None:
    leave = ids(assistant)["leave"]
    with monkeypatch.context() as patch:
        patch.setattr(assistant.store, "claim", lambda *_: None)  # nothing is taken up
        (job,) = assistant.shelf.reread([leave])
        assistant.delete(leave) if way == "delete" else assistant.shelf.discard([leave])
    assistant.jobs.queued("add")
    assert [f["status"] for f in assistant.jobs.wait(job.id).result["files"]] == ["failed"]
    assert ids(assistant).keys() == {"trip"}


def test_bytes_that_another_run_waits_for_stay(assistant) -> None:
    kept = assistant.keep(io.BytesIO(b"notes"), "notes.txt")
    first, second = (assistant.store.add_job("unserved", {"values": {"file": kept}}) for _ in range(2))
    path = assistant.parts.blobs.path(kept["digest"])
    assistant.shelf.drop(kept["digest"], besides=first.id)
    assert path.exists()
    assistant.jobs.cancel(first.id)
    assistant.shelf.drop(kept["digest"], besides=second.id)
    assert not path.exists()


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


def test_what_a_killed_process_left_half_written_is_erased_a_day_later(assistant) -> None:
    old, new = (assistant.settings.blobs / name for name in ("part-old", "part-new"))
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    assistant.shelf.sweep()
    assert (old.exists(), new.exists()) == (False, True)
    assert len(assistant.documents()) == 2


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


def test_an_upload_that_became_no_document_is_erased_a_day_after_its_job(assistant, monkeypatch, tmp_path) -> None:
    def upload(state: str, *, result: object = None, age: int = 25) -> Path:
        kept = assistant.keep(io.BytesIO(f"{state} {result} {age}".encode()), "notes.txt")
        at = (datetime.now(UTC) - timedelta(hours=age)).isoformat()
        with monkeypatch.context() as patch:
            patch.setattr("gakju.store.now", lambda: at)
            job = assistant.store.add_job("unserved", {"files": [dict(kept)]})
            done = {"files": [{"document_id": result}]} if state == "done" else {}
            kind = "unserved" if state == "queued" else "add"
            assistant.store.set_job(job.id, kind=kind, state=state, result=done)
        return assistant.parts.blobs.path(kept["digest"])

    gone = [upload("cancelled"), upload("done")]  # which stayed locked
    kept = [upload("cancelled", age=23), upload("done", age=23), upload("queued"), upload("done", result="away")]
    of_a_program, orphan = upload("failed"), assistant.keep(io.BytesIO(b"nobody's"), "x.txt")
    assistant.store.files.add(of_a_program.name, "notes.txt", "assistants", 9)
    kept += [of_a_program, assistant.parts.blobs.path(orphan["digest"])]
    kept += [assistant.original(document_id) for document_id in ids(assistant).values()]
    assistant.close()
    with opened(tmp_path / "home") as again:
        assert [path.exists() for path in gone] == [False] * 2
        assert [path.exists() for path in kept] == [True] * 8
        (asked,) = again.jobs.wait(again.submit_add([{"path": "a.txt", "digest": gone[0].name}]).id).result["files"]
        assert asked["error"] == "The upload of a.txt was not kept any longer. Add the file again."
