"""The main job through the assistant: real reader, library, morphemes and jobs; models are fakes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fpdf import FPDF
from PIL import Image

import gakju as gakju_package
from gakju import wire
from gakju.assistant import Assistant
from gakju.errors import LibraryBusy, ModelFailed, NotFound, UsageError
from gakju.language import retold
from gakju.models.fakes import FakeChat, FakeEmbedder
from gakju.settings import Settings
from gakju.text.morphemes import Morphemes
from gakju.types import Answer, Done, EvidenceFound
from gakju.ui import words

SAMPLES = Path(gakju_package.__file__).parent / "samples"

MORPHEMES = Morphemes()
"""Loading Kiwi takes a second; it has no state between tests."""


@pytest.fixture
def gakju(tmp_path: Path) -> Iterator[Assistant]:
    with open_at(tmp_path / "home") as assistant:
        yield assistant


def open_at(home: Path, **given: object) -> Assistant:
    parts = {
        "embedder": FakeEmbedder(),
        "morphemes": MORPHEMES,
        "chat/embedded:fake": FakeChat(["[1]"] * 9, name="embedded:fake"),
        **given,
    }
    return Assistant(Settings(home=home, chat_model="embedded:fake", ocr=False, refuse_below=0.0), **parts)


def text(path: Path, words: str) -> Path:
    path.write_text(words, "utf-8")
    return path


def test_a_scan_that_nobody_may_read_is_told_in_korean_with_the_next_step(gakju: Assistant, tmp_path: Path) -> None:
    drawn = FPDF()
    drawn.add_page()
    drawn.image(Image.new("L", (600, 800), 200), 0, 0, 210, 297)
    drawn.output(str(tmp_path / "scan.pdf"))
    (added,) = gakju.add([tmp_path / "scan.pdf"])
    step = "그림뿐인 쪽인데 OCR이 꺼져 있습니다. GAKJU_OCR=true로 켜고 파일을 다시 추가하세요."
    whole = f"scan.pdf: 글자를 읽을 수 있는 쪽이 없습니다. {step}"
    assert retold(added.error or "", "mistakes", "ko") == whole
    assert [detail for _, _, detail in words.problems(added.problems, "ko")] == [whole, step]


def test_a_refusal_tells_of_documents_on_their_way_in(tmp_path: Path) -> None:
    read = threading.Event()

    class Waiting(FakeEmbedder):
        def embed_passages(self, texts):
            assert read.wait(60)
            return super().embed_passages(texts)

    with open_at(tmp_path / "home", embedder=Waiting()) as gakju:
        job = gakju.submit_add([text(tmp_path / "a.txt", "연차휴가는 15일이다.")], collection="rules")
        early = gakju.answer("연차휴가는 며칠인가?", collection="rules")
        elsewhere = gakju.answer("연차휴가는 며칠인가?")
        read.set()
        gakju.jobs.wait(job.id)
        late = gakju.answer("연차휴가는 며칠인가?", collection="rules")
    assert [a.refused for a in (early, elsewhere, late)] == [True, True, False]
    assert ["아직 읽고 있는 문서" in a.answer for a in (early, elsewhere, late)] == [True, False, False]


def test_a_pdf_in_and_an_answer_with_a_true_footnote_out(gakju: Assistant) -> None:
    added = gakju.add([SAMPLES / "handbook.ko.pdf"])
    assert [(a.status, a.pages) for a in added] == [("added", 15)]
    told = list(gakju.ask("신입 직원의 수습 기간은?"))
    assert isinstance(told[0], EvidenceFound)
    assert isinstance(told[-1], Done)
    answer = told[-1].answer
    assert not answer.refused
    for claim in answer.claims:
        for note in claim.footnotes:
            page = gakju.page(note.document.id, note.page)
            assert page.text[note.start : note.end] in note.quote
            assert note.boxes == tuple(
                b for s in note.spans for b in gakju.page(note.document.id, s.page).boxes(s.start, s.end)
            )
            assert note.boxes
    assert "수습 기간" in answer.evidence[0].text
    assert wire.load_answer(wire.answer(answer)) == answer


def test_the_same_bytes_are_unchanged_wherever_they_lie_and_embed_nothing(tmp_path: Path, gakju: Assistant) -> None:
    first = text(tmp_path / "a.txt", "연차휴가는 15일이다.")
    again = shutil.copy(first, tmp_path / "b.txt")
    one, two = gakju.add([first, again])
    assert (one.status, two.status) == ("added", "unchanged")
    assert two.document_id == one.document_id

    class NoEmbedder(FakeEmbedder):
        def embed_parts(self, texts, spans):
            raise AssertionError("embedded again")

    gakju.parts._made["embedder"] = NoEmbedder()
    assert [a.status for a in gakju.add([first])] == ["unchanged"]


def test_a_file_that_changed_replaces_what_was_added_from_its_path(tmp_path: Path, gakju: Assistant) -> None:
    path = text(tmp_path / "rule.txt", "연차휴가는 15일이다.")
    (old,) = gakju.add([path])
    text(path, "연차휴가는 20일이다.")
    (new,) = gakju.add([path])
    assert new.status == "added"
    assert [d.id for d in gakju.documents()] == [new.document_id]
    assert [h.chunk.text for h in gakju.search("연차휴가")] == ["연차휴가는 20일이다."]
    with pytest.raises(NotFound):
        gakju.parts.index.document(old.document_id)


def test_reading_again_replaces_the_old_reading_only_once_it_is_whole(tmp_path: Path, gakju: Assistant) -> None:
    path = text(tmp_path / "rule.txt", "연차휴가는 15일이다.")
    (old,) = gakju.add([path])

    class Broken(FakeEmbedder):
        def embed_parts(self, texts, spans):
            raise ModelFailed("The embedder broke.")

    whole, gakju.parts._made["embedder"] = gakju.parts._made["embedder"], Broken()
    (failed,) = gakju.add([path], reread=True)
    assert (failed.status, failed.error) == ("failed", "The embedder broke.")
    assert [h.document.id for h in gakju.search("연차휴가", retrievers=["bm25"])] == [old.document_id]
    gakju.parts._made["embedder"] = whole
    (again,) = gakju.add([path], reread=True)
    assert again.status == "added"
    assert [d.id for d in gakju.documents()] == [again.document_id]
    assert gakju.original(again.document_id).read_text("utf-8") == "연차휴가는 15일이다."


def test_one_bad_file_gets_one_line_and_the_rest_goes_on(tmp_path: Path, gakju: Assistant) -> None:
    paths = [
        text(tmp_path / "1.txt", "첫째 문서다."),
        text(tmp_path / "2.pdf", ""),
        text(tmp_path / "3.txt", "셋째 문서다."),
    ]
    results = gakju.add(paths)
    assert [r.status for r in results] == ["added", "failed", "added"]
    assert results[1].error
    assert "\n" not in results[1].error
    assert "2.pdf" in results[1].error
    assert len(gakju.documents()) == 2
    assert len(list(gakju.settings.blobs.glob("*/*"))) == 2, "a failed file leaves nothing behind"


def test_one_file_of_an_add_is_cancelled_while_it_waits_or_is_read_and_the_rest_goes_on(
    tmp_path: Path, gakju: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go = threading.Event(), threading.Event()
    embed = gakju.parts.embedder.embed_parts

    def held(*texts: object):
        reached.set()
        assert go.wait(60)
        return embed(*texts)

    monkeypatch.setattr(gakju.parts.embedder, "embed_parts", held)
    paths = [text(tmp_path / f"{n}.txt", f"{n}째 문서다.") for n in range(4)]
    job = gakju.submit_add(paths)
    assert reached.wait(60)  # the first is in hand, others are read ahead
    for part in (0, 2):
        gakju.jobs.leave_out(job.id, part)
    go.set()
    results = gakju.jobs.wait(job.id).result["files"]
    assert [r["status"] for r in results] == ["failed", "added", "failed", "added"]
    assert [p["kind"] for r in results for p in r["problems"]] == ["cancelled", "cancelled"]
    assert results[2]["error"] == "2.txt was cancelled."
    assert [d.title for d in gakju.documents()] == ["1", "3"]
    assert len(list(gakju.settings.blobs.glob("*/*"))) == 2


def test_a_file_that_was_cancelled_stays_so_after_a_kill(tmp_path: Path) -> None:
    paths = [text(tmp_path / f"{n}.txt", f"{n}째 문서다.") for n in range(2)]
    with open_at(tmp_path / "home") as gakju:
        payload = {"collection": "default", "files": [{"path": str(p)} for p in paths], "passwords": []}
        job = gakju.store.add_job("unserved", payload)
        gakju.jobs.leave_out(job.id, 0)
        gakju.store.set_job(job.id, kind="add", state="running")  # as a kill leaves it
    with open_at(tmp_path / "home") as gakju:
        assert [r["status"] for r in gakju.jobs.wait(job.id).result["files"]] == ["failed", "added"]


def test_a_file_without_text_says_so_of_each_page(tmp_path: Path, gakju: Assistant) -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.add_page()
    pdf.output(str(tmp_path / "blank.pdf"))
    (added,) = gakju.add([tmp_path / "blank.pdf"])
    assert (added.status, added.document_id) == ("failed", None)
    assert [(p.page, p.kind) for p in added.problems] == [(None, "broken_file"), (1, "no_text"), (2, "no_text")]


def test_deleting_forgets_rows_and_original(tmp_path: Path, gakju: Assistant) -> None:
    one, two = gakju.add([text(tmp_path / "1.txt", "사과는 빨갛다."), text(tmp_path / "2.txt", "바다는 푸르다.")])
    gakju.delete(one.document_id)
    assert [h.document.id for h in gakju.search("사과 바다")] == [two.document_id]
    assert len(list(gakju.settings.blobs.glob("*/*"))) == 1
    with pytest.raises(NotFound):
        gakju.delete(one.document_id)


def test_collections_do_not_see_each_other(tmp_path: Path, gakju: Assistant) -> None:
    path = text(tmp_path / "1.txt", "사과는 빨갛다.")
    (a,), (b,) = gakju.add([path]), gakju.add([path], collection="둘째")
    assert (a.status, b.status) == ("added", "added")
    assert a.document_id != b.document_id
    assert [h.document.id for h in gakju.search("사과", collection="둘째")] == [b.document_id]
    gakju.delete(a.document_id)
    assert gakju.original(b.document_id).read_text("utf-8") == "사과는 빨갛다.", "the bytes are shared until the last"
    with pytest.raises(UsageError):
        gakju.search("사과", collection="../x")


def test_folders_are_walked_in_order_without_links_and_strange_files(tmp_path: Path, gakju: Assistant) -> None:
    folder = tmp_path / "docs"
    (folder / "b").mkdir(parents=True)
    text(folder / "b" / "2.md", "# 둘")
    text(folder / "a.txt", "하나")
    text(folder / "c.exe", "MZ")
    text(folder / ".hidden.txt", "x")
    (folder / "link.txt").symlink_to(folder / "a.txt")
    assert [p.name for p in gakju.walk([folder])] == ["a.txt", "2.md"]
    with pytest.raises(UsageError, match="nowhere"):
        gakju.walk([tmp_path / "nowhere"])


def test_a_conversation_is_turns_whose_jobs_hold_the_answers(tmp_path: Path, gakju: Assistant) -> None:
    gakju.add([text(tmp_path / "1.txt", "정규직의 연차휴가는 15일이다. 계약직의 연차휴가는 11일이다.")])
    thread = gakju.start_thread("정규직 연차휴가는?")
    job = gakju.submit_ask("정규직 연차휴가는?", thread=thread.id)
    kinds = [e.kind for e in gakju.follow(job) if e.seq]
    assert kinds[0] == "evidence"
    assert kinds[-1] == "done"
    assert "claim" in kinds
    (turn,) = gakju.store.talks.turns(thread.id)
    answer = wire.load_answer(gakju.store.job(turn.job_id).result)
    assert isinstance(answer, Answer)
    assert "15일" in answer.answer


def test_a_second_process_reads_but_does_not_write(tmp_path: Path, gakju: Assistant) -> None:
    gakju.add([text(tmp_path / "1.txt", "사과는 빨갛다.")])
    with pytest.raises(LibraryBusy):
        open_at(gakju.settings.home)
    with Assistant(gakju.settings, own=None, embedder=FakeEmbedder(), morphemes=MORPHEMES) as other:
        assert not other.owner
        assert [h.chunk.text for h in other.search("사과")] == ["사과는 빨갛다."]
        with pytest.raises(LibraryBusy):
            other.submit_add([tmp_path / "1.txt"])


def test_a_changed_fingerprint_is_told_and_a_reindex_keeps_ids_and_searches(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_at(home) as before:
        (added,) = before.add([text(tmp_path / "1.txt", "사과는 빨갛다.")])

    class Other(FakeEmbedder):
        name = "another"

    with open_at(home, embedder=Other()) as after:
        assert after.parts.index.stale == ("embedder",)
        job = after.jobs.wait(after.submit_reindex().id)
        assert (job.state, job.result) == ("done", {"documents": 1})
        assert after.parts.index.stale == ()
        assert [d.id for d in after.documents()] == [added.document_id]
        assert [h.chunk.text for h in after.search("사과")] == ["사과는 빨갛다."]


def test_page_images_mark_the_words_and_leave_the_rest(gakju: Assistant) -> None:
    import io

    from PIL import Image

    (added,) = gakju.add([SAMPLES / "handbook.ko.pdf"])
    page = gakju.page(added.document_id, 4)
    at = page.text.index("3개월")
    boxes = page.boxes(at, at + 3)
    image = Image.open(io.BytesIO(gakju.page_image(added.document_id, 4, width=1000, highlight=boxes)))
    plain = Image.open(io.BytesIO(gakju.page_image(added.document_id, 4, width=1000)))
    scale = image.width / page.width
    x, y = round(boxes[0].x0 * scale), round((boxes[0].y0 + boxes[0].y1) / 2 * scale)
    assert image.width == 1000
    assert image.getpixel((x, y))[2] < 140, "yellow has little blue"
    far = (round(page.width * scale) - 3, 3)
    assert image.convert("RGB").getpixel(far) == plain.convert("RGB").getpixel(far)
