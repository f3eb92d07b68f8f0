"""The reader of every format: workers under limits, hostile files, many threads."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from pdfs import file_of, page_of, pages_of, show, stream
from test_pdf import scan

from gakju.errors import BrokenFile, LimitExceeded, PasswordRequired, ReadError, UnsupportedFormat, UsageError
from gakju.protocols import Reader
from gakju.read import DocumentReader, Limits
from gakju.read.pool import Worker, WorkerLost


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    made = DocumentReader(Limits(seconds=20, memory_mb=512, pages=1000, bytes=50 << 20), processes=2)
    yield made
    made.close()


def text(reader: Reader, path: Path, **options: object) -> list[str]:
    with reader.open(path, name=path.name, **options) as reading:  # type: ignore[arg-type]
        return [page.text for page in reading]


def workers() -> set[int]:
    found = set()
    for p in psutil.Process().children():
        with suppress(psutil.Error):  # it may have ended by now
            if "gakju.read.worker" in " ".join(p.cmdline()):
                found.add(p.pid)
    return found


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "a.pdf"
    path.write_bytes(page_of(show("Vacation is 15 days.", 72, 700)))
    return path


class TestReading:
    def test_gives_title_type_count_and_pages_with_boxes(self, reader: DocumentReader, tmp_path: Path) -> None:
        path = tmp_path / "blob"
        path.write_bytes(pages_of([show(t, 72, 500) for t in ("one one", "two two")]))
        with reader.open(path, name="Handbook.pdf") as reading:
            assert (reading.title, reading.media_type, reading.page_count) == ("Handbook", "application/pdf", 2)
            pages = list(reading)
        assert [(p.number, p.text, p.status) for p in pages] == [(1, "one one", "ok"), (2, "two two", "ok")]
        assert pages[1].glyphs.shape == (7, 4)
        assert pages[1].glyphs[0, 0] == pytest.approx(72, abs=0.2)
        assert pages[0].blocks[0].kind == "text"

    def test_a_worker_is_reused(self, reader: DocumentReader, pdf: Path) -> None:
        text(reader, pdf)
        before = workers()
        for _ in range(5):
            text(reader, pdf)
        assert workers() == before

    def test_leaving_early_stops_the_work(self, reader: DocumentReader, tmp_path: Path) -> None:
        path = tmp_path / "long.pdf"
        path.write_bytes(pages_of([show(f"page number {n}", 72, 500) for n in range(300)]))
        with reader.open(path, name="long.pdf") as reading:
            assert next(iter(reading)).text == "page number 0"
            busy = workers()
        assert not busy <= workers()  # its worker is gone
        assert text(reader, path)[299] == "page number 299"

    def test_a_worker_waits_for_a_slow_consumer(self, tmp_path: Path) -> None:
        path = tmp_path / "long.pdf"
        line = "word " * 400
        path.write_bytes(pages_of([show(f"{line}{n}", 72, 500, 3) for n in range(150)]))
        own = DocumentReader(processes=1)
        before = workers()
        try:
            with own.open(path, name="long.pdf") as reading:
                pages = iter(reading)
                next(pages)
                (pid,) = workers() - before
                used, end = psutil.Process(pid).cpu_times, time.monotonic() + 60
                spent = -1.0
                while used().user != spent:
                    assert time.monotonic() < end
                    spent = used().user
                    time.sleep(0.5)
                assert len(list(pages)) == 149
                assert used().user > spent  # it had not read them all
        finally:
            own.close()

    def test_threads_read_at_once(self, reader: DocumentReader, pdf: Path) -> None:
        found: list[list[str]] = []
        threads = [threading.Thread(target=lambda: found.append(text(reader, pdf))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [["Vacation is 15 days."]] * 6

    def test_a_worker_outlives_the_thread_that_started_it(self, pdf: Path) -> None:
        own = DocumentReader(processes=1)
        try:
            thread = threading.Thread(target=text, args=(own, pdf))
            thread.start()
            thread.join()
            before = workers()
            assert text(own, pdf) == ["Vacation is 15 days."]
            assert workers() == before
        finally:
            own.close()

    def test_a_server_with_many_open_files_reads_on(self, pdf: Path) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        held, own = [os.open(os.devnull, os.O_RDONLY)], DocumentReader(processes=1)
        try:
            while held[-1] < 1100:  # select() takes numbers below 1024
                held.append(os.dup(held[0]))
            assert text(own, pdf) == ["Vacation is 15 days."]
        finally:
            own.close()
            for each in held:
                os.close(each)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_close_ends_the_workers(self, pdf: Path) -> None:
        before = workers()
        own = DocumentReader(processes=1)
        text(own, pdf)
        assert workers() > before
        own.close()
        assert workers() == before

    def test_workers_die_with_their_parent(self, pdf: Path) -> None:
        code = (
            "import sys, time; from pathlib import Path; from gakju.read import DocumentReader\n"
            "r = DocumentReader(); p = Path(sys.argv[1])\n"
            "with r.open(p, name='a.pdf') as d: list(d)\n"
            "import psutil; print(psutil.Process().children()[0].pid, flush=True); time.sleep(60)"
        )
        parent = subprocess.Popen([sys.executable, "-c", code, str(pdf)], stdout=subprocess.PIPE, text=True)
        assert parent.stdout
        worker = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 60
        while psutil.pid_exists(worker):
            with suppress(psutil.Error):
                if psutil.Process(worker).status() == psutil.STATUS_ZOMBIE:
                    break  # dead, and nobody asked for its end yet
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def test_a_worker_sees_little_of_the_environment_and_loads_little(
        self, pdf: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GAKJU_OPENAI_API_KEY", "secret")
        own = DocumentReader(processes=1)
        before = workers()
        try:
            text(own, pdf)
            (pid,) = workers() - before
            process = psutil.Process(pid)
            assert "secret" not in " ".join(process.environ().values())
            loaded = {Path(m.path).name for m in process.memory_maps()}
            assert not [name for name in loaded if "lance" in name or "openvino" in name or "kiwi" in name]
        finally:
            own.close()

    def test_a_page_is_drawn(self, reader: DocumentReader, pdf: Path) -> None:
        assert reader.render(pdf, 1, width=200).startswith(b"\x89PNG")
        with pytest.raises(UsageError):
            reader.render(pdf, 0, width=200)
        with pytest.raises(BrokenFile, match="cannot be drawn"):
            reader.render(pdf, 2, width=200)


class TestLimits:
    def test_a_file_may_not_be_larger(self, tmp_path: Path) -> None:
        path = tmp_path / "big.pdf"
        path.write_bytes(b"%PDF-1.4" + b" " * 3_000_000)
        with pytest.raises(LimitExceeded, match="GAKJU_READ_BYTES"):
            text(DocumentReader(Limits(bytes=1 << 20)), path)

    def test_memory_runs_out_for_the_worker_alone(self, reader: DocumentReader, pdf: Path, tmp_path: Path) -> None:
        path = tmp_path / "flate.pdf"
        path.write_bytes(page_of(b"").replace(b"%PDF", b"%PDF"))
        bomb = stream(b" " * (600 << 20), times=2)
        path.write_bytes(file_of([*_one_page(), bomb, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]))
        before = workers()
        with pytest.raises(ReadError) as caught:
            text(reader, path)
        assert caught.value.code in {"limit_exceeded", "broken_file"}
        assert "flate.pdf" in str(caught.value)
        assert len(before - workers()) <= 1
        assert text(reader, pdf) == ["Vacation is 15 days."]

    def test_time_runs_out(self, tmp_path: Path) -> None:
        form = (
            b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>/Length 17>>stream\n"
            b"/X Do /X Do /X Do\nendstream"
        )
        path = tmp_path / "cycle.pdf"
        path.write_bytes(page_of("q /X Do Q", others=[form], resources="/XObject<</X 6 0 R>>"))
        own = DocumentReader(Limits(seconds=1.5, memory_mb=512))
        start = time.monotonic()
        try:
            with pytest.raises(ReadError) as caught:
                text(own, path)
        finally:
            own.close()
        assert time.monotonic() - start < 30
        assert "cycle.pdf" in str(caught.value)

    def test_what_the_consumer_takes_does_not_count(self, tmp_path: Path) -> None:
        path = tmp_path / "a.pdf"
        path.write_bytes(pages_of([show(f"page {n}", 72, 500) for n in range(3)]))
        own = DocumentReader(Limits(seconds=3.0))
        try:
            with own.open(path, name="a.pdf") as reading:
                numbers = [(page.number, time.sleep(1.1))[0] for page in reading]
            assert numbers == [1, 2, 3]
        finally:
            own.close()

    def test_a_page_that_kills_the_worker_does_not_lose_the_others(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The worker is killed while it reads page 4 of 6, as a fault in the parser would."""
        path = tmp_path / "a.pdf"
        path.write_bytes(pages_of([show(f"page number {n}", 72, 500) for n in range(1, 7)]))
        killer = tmp_path / "sitecustomize.py"
        killer.write_text(
            "import os\n"
            "if os.environ.get('LANG') == 'C.UTF-8':\n"
            "    import gakju.read.pdf as pdf\n"
            "    fill = pdf._Pages._fill\n"
            "    pdf._Pages._fill = lambda self, d: os.abort() if d.number == 4 else fill(self, d)\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        own = DocumentReader(processes=1)
        try:
            with own.open(path, name="a.pdf") as reading:
                pages = list(reading)
        finally:
            own.close()
        assert [p.text for p in pages] == [f"page number {n}" if n != 4 else "" for n in range(1, 7)]
        assert [p.kind for p in pages[3].problems] == ["page_failed"]


def test_a_large_server_does_not_make_every_crash_a_want_of_memory() -> None:
    """The peak of a process is handed down to those it starts; it says nothing of the worker."""
    held = b"x" * (1500 << 20)
    worker = Worker()
    del held
    os.kill(worker.pid, signal.SIGSEGV)
    with pytest.raises(WorkerLost) as lost:
        worker.answer(5.0)
    assert (lost.value.signal, lost.value.peak_mb) == (signal.SIGSEGV, 0)
    assert isinstance(lost.value.as_error("a.pdf", 2048), BrokenFile)


OCR = """#!/bin/sh
if [ "$1" = --list-langs ]; then echo "List of languages (1):"; echo kor; exit; fi
echo $$ > MARK
exec sleep 100
"""
READ = """
import sys
from pathlib import Path
from gakju.read import DocumentReader, Limits
from gakju.read.pool import Worker

request = DocumentReader(Limits(), "kor")._request("read", Path(sys.argv[1]), "scan.pdf", ())
worker = Worker()
worker.ask({**request, "ocr": True, "languages": "kor", "start": 1, "skip": []})
input()
worker.close()
"""


@pytest.mark.parametrize("how", ["closed", "left by a parent that is killed"])
def test_a_worker_ends_with_what_it_started(tmp_path: Path, how: str) -> None:
    mark, path, tool = tmp_path / "pid", tmp_path / "scan.pdf", tmp_path / "tesseract"
    tool.write_text(OCR.replace("MARK", str(mark)))
    tool.chmod(0o755)
    path.write_bytes(scan())
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with subprocess.Popen([sys.executable, "-c", READ, path], env=env, stdin=subprocess.PIPE) as running:
        end = time.monotonic() + 60
        while not (mark.exists() and mark.read_text().strip()):
            assert time.monotonic() < end
            time.sleep(0.02)
        if how == "closed":
            running.communicate(b"\n", timeout=60)
        else:
            running.kill()
    assert running.returncode == (0 if how == "closed" else -signal.SIGKILL)
    started = int(mark.read_text())
    while alive(started):
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def _one_page() -> list[bytes]:
    return [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
    ]


class TestBombs:
    """Each gives pages or one line, soon, and the next file is read."""

    HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"

    def bombs(self) -> dict[str, bytes]:
        catalog, _, page = _one_page()
        short = stream(show("x", 10, 10).encode())
        ring = b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 9999>>"
        script = b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>"
        hello = stream(show("hello", 10, 10).encode())
        many = b"<</Type/Pages/Kids[%s]/Count 200000>>" % (b"3 0 R " * 200_000)
        return {
            "text.pdf": page_of(b"BT /F 12 Tf " + b"(A) Tj " * 600_000 + b"ET"),
            "cycle.pdf": file_of([catalog, ring, page, short, self.HELVETICA]),
            "pages.pdf": file_of([catalog, many, page, short, self.HELVETICA]),
            "deep.pdf": file_of([*_one_page(), b"[" * 100_000 + b"]" * 100_000, self.HELVETICA]),
            "loop.pdf": file_of([*_one_page(), b"<</Length 4 0 R>>stream\nBT (x) Tj ET\nendstream", self.HELVETICA]),
            "script.pdf": file_of([script, *_one_page()[1:], hello, self.HELVETICA]),
        }

    def test_none_takes_the_reader_down(self, reader: DocumentReader, pdf: Path, tmp_path: Path) -> None:
        outcomes: dict[str, str] = {}
        lines: list[str] = []
        for name, data in self.bombs().items():
            path = tmp_path / name
            path.write_bytes(data)
            before = workers()
            try:
                outcomes[name] = str(text(reader, path))
            except ReadError as error:
                outcomes[name] = error.code
                lines.append(str(error))
            assert len(before - workers()) <= 1, name
            assert text(reader, pdf) == ["Vacation is 15 days."]
        assert not [line for line in lines if "\n" in line]
        assert outcomes["pages.pdf"] == "limit_exceeded"
        assert outcomes["script.pdf"] == "['hello']"
        assert outcomes["text.pdf"] == "['']"


class TestSniffing:
    @pytest.mark.parametrize(
        ("name", "data", "code", "said"),
        [
            ("empty.pdf", b"", "broken_file", "is empty"),
            ("notes.pdf", b"only words, no PDF at all", "broken_file", "plain text"),
            ("a.pdf", b"\x00\x01\x02\x03" * 50, "broken_file", "not a PDF"),
            ("old.hwp", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "unsupported_format", "hwpx"),
            ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "unsupported_format", "docx"),
            ("photo.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 100, "unsupported_format", "JPEG"),
            ("a.zip", b"PK\x05\x06" + b"\0" * 18, "unsupported_format", "Unpack"),
            ("cut.docx", b"PK\x03\x04" + b"\1" * 90, "broken_file", "damaged"),
            ("data.bin", bytes(range(256)) * 4, "unsupported_format", "Known are PDF"),
        ],
    )
    def test_what_cannot_be_read_is_named(
        self, reader: DocumentReader, tmp_path: Path, name: str, data: bytes, code: str, said: str
    ) -> None:
        path = tmp_path / "blob"
        path.write_bytes(data)
        with pytest.raises(ReadError) as caught, reader.open(path, name=name):
            pass
        assert caught.value.code == code
        assert said in str(caught.value)
        assert name in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "data", "media_type", "words"),
        [
            ("a.txt", page_of(show("in truth a PDF", 72, 700)), "application/pdf", "in truth a PDF"),
            (
                "junk.pdf",
                b"\r\nHTTP junk\r\n\r\n" + page_of(show("after junk", 72, 700)),
                "application/pdf",
                "after junk",
            ),
            ("a.pdf", b"<!DOCTYPE html><html><body><p>in truth a web page</p></body></html>", "text/html", "web page"),
            ("a.txt", "한글 글입니다.".encode("cp949"), "text/plain", "한글 글입니다."),
            ("a.txt", "한글 글입니다.".encode("utf-16"), "text/plain", "한글 글입니다."),
            ("a.txt", ("한글 글입니다. " * 9).encode("utf-16-le"), "text/plain", "한글 글입니다."),
            ("a.htm", ("<p>한글 글입니다. " * 9).encode("utf-16-be"), "text/html", "한글 글입니다."),
            ("a.md", "# 제목\n\n본문".encode(), "text/markdown", "본문"),
            ("a.md", "한 PDF는 `%PDF-1.7`로 시작한다.".encode(), "text/markdown", "%PDF-1.7"),
            ("a.md", '<p align="center">로고</p>\n\n# 제목\n'.encode(), "text/markdown", "제목"),
            ("a.md", "<!doctype html><p># 제목</p>".encode(), "text/html", "# 제목"),
            ("a.md", b"<!-- x -->\n" * 60 + "# 제목".encode(), "text/markdown", "제목"),
        ],
    )
    def test_the_content_decides(
        self, reader: DocumentReader, tmp_path: Path, name: str, data: bytes, media_type: str, words: str
    ) -> None:
        path = tmp_path / "blob"
        path.write_bytes(data)
        with reader.open(path, name=name) as reading:
            assert reading.media_type == media_type
            assert any(words in page.text for page in reading)

    def test_a_missing_file_is_one_line(self, reader: DocumentReader, tmp_path: Path) -> None:
        with pytest.raises(BrokenFile, match=r"no\.pdf cannot be opened"), reader.open(tmp_path / "no", name="no.pdf"):
            pass

    def test_a_locked_file_asks_for_its_password(self, reader: DocumentReader, pdf: Path) -> None:
        from pypdf import PdfWriter

        writer = PdfWriter(clone_from=pdf)
        writer.encrypt("한글암호", algorithm="AES-256")
        writer.write(pdf)
        with pytest.raises(PasswordRequired, match="--password"), reader.open(pdf, name="a.pdf"):
            pass
        assert text(reader, pdf, passwords=["no", "한글암호"]) == ["Vacation is 15 days."]
        assert reader.render(pdf, 1, width=100, passwords=["한글암호"]).startswith(b"\x89PNG")

    def test_an_image_is_unsupported(self, reader: DocumentReader, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
        with pytest.raises(UnsupportedFormat), reader.open(path, name="a.png"):
            pass
