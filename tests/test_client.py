"""Commands do the same through a server as on the library itself."""

from __future__ import annotations

import http.server
import os
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from fronts import LEAVE, opened, serving, shared, slow_chat
from gakju import client, wire
from gakju.assistant import Assistant
from gakju.client import Library, RemoteAssistant, connect
from gakju.errors import Cancelled, LibraryBusy, NetworkError, NotFound, UsageError
from gakju.jobs import Ownership
from gakju.models.fakes import FakeEmbedder
from gakju.settings import Settings
from gakju.types import Added, ClaimMade, Done, EvidenceFound, Message, Progress, Token


@pytest.fixture(params=["library", "server"])
def backend(request, tmp_path: Path):
    if request.param == "library":
        with closing(Library(opened(tmp_path / "home"))) as one:
            yield one
    else:
        with serving(tmp_path / "home") as served, closing(RemoteAssistant(served.url)) as one:
            yield one


def added(backend, *paths, **options) -> list[Added]:
    return [step for step in backend.add(paths, **options) if isinstance(step, Added)]


# Both backends


def test_a_folder_is_added_in_order_with_the_paths_of_its_files(backend, folder: Path) -> None:
    told = list(backend.add([folder]))
    results = [t for t in told if isinstance(t, Added)]
    assert [(r.path, r.status, r.pages) for r in results] == [
        (str(folder / "leave.txt"), "added", 1),
        (str(folder / "trip.md"), "added", 1),
    ]
    assert {t.stage for t in told if isinstance(t, Progress)} >= {"opening", "reading"}
    assert [d.path for d in backend.documents()] == [r.path for r in results]
    assert [r.status for r in added(backend, folder)] == ["unchanged", "unchanged"]


def test_a_broken_file_leaves_the_rest(backend, folder: Path) -> None:
    (folder / "a.pdf").write_bytes(b"%PDF-1.7 nothing")
    results = added(backend, folder)
    assert [(Path(r.path).name, r.status) for r in results] == [
        ("a.pdf", "failed"),
        ("leave.txt", "added"),
        ("trip.md", "added"),
    ]
    assert results[0].error.startswith("a.pdf")


def test_a_file_without_rights_leaves_the_rest(backend, folder: Path, monkeypatch) -> None:
    real = Path.open

    def refusing(self: Path, *args, **options):
        if self.name == "leave.txt":
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", refusing)
    results = added(backend, folder)
    assert [r.status for r in results] == ["failed", "added"]
    assert results[0].error.startswith("leave.txt cannot be opened: Permission denied")


def test_what_may_have_no_end_is_a_usage_error(backend, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        list(backend.add([tmp_path / "pipe"]))


def test_a_path_that_is_none_is_a_usage_error(backend, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file or folder"):
        list(backend.add([tmp_path / "nothing"]))


def test_names_of_every_kind_arrive(backend, tmp_path: Path) -> None:
    names = ["보고서 2024.txt", 'quote"d.txt', "new\nline.txt", "a\u2028b.txt"]
    for n, name in enumerate(names):
        (tmp_path / name).write_text(f"{n}번 문서다. {LEAVE}", "utf-8")
    results = added(backend, *[tmp_path / name for name in names])
    assert [(r.path, r.status) for r in results] == [(str(tmp_path / name), "added") for name in names]
    assert len(backend.documents()) == len(names)


def test_search_document_and_delete(backend, folder: Path) -> None:
    leave, trip = added(backend, folder)
    found = backend.search("출장비는 하루 얼마인가", 1)
    assert [h["document"]["id"] for h in found] == [trip.document_id]
    assert backend.document(leave.document_id).title == "leave"
    backend.delete(leave.document_id)
    assert [d.id for d in backend.documents()] == [trip.document_id]
    with pytest.raises(NotFound):
        backend.document(leave.document_id)
    with pytest.raises(NotFound):
        backend.delete("../../healthz")
    assert backend.documents("other") == []


def test_an_answer_streams_in_order(backend, folder: Path) -> None:
    added(backend, folder)
    told = list(backend.ask("연차휴가는 며칠인가?"))
    assert isinstance(told[0], EvidenceFound)
    assert isinstance(told[-1], Done)
    assert {type(t) for t in told[1:-1]} <= {Token, ClaimMade}
    answer = told[-1].answer
    assert tuple(t.claim for t in told if isinstance(t, ClaimMade)) == answer.claims
    assert "15일" in answer.claims[0].footnotes[0].quote


def test_history_reaches_the_question(backend, folder: Path) -> None:
    added(backend, folder)
    history = [Message("user", "출장비는 얼마인가?"), Message("assistant", "하루 5만 원이다.")]
    told = list(backend.ask("그럼 영수증은?", history=history))
    assert isinstance(told[-1], Done)


def test_an_error_keeps_its_class(backend) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a collection"):
        list(backend.ask("무엇?", collection="a/b"))
    with pytest.raises(UsageError, match="cannot be the name of a collection"):
        backend.search("무엇", collection="a/b")


def test_reindex_tells_progress_and_keeps_everything(backend, folder: Path) -> None:
    before = [r.document_id for r in added(backend, folder)]
    assert "reindexing" in {p.stage for p in backend.reindex()}
    assert [d.id for d in backend.documents()] == before


# Stopping


@pytest.mark.parametrize("remote", [False, True])
def test_leaving_an_add_cancels_its_job(tmp_path: Path, remote: bool) -> None:
    big = tmp_path / "big.txt"
    big.write_text("\n\n".join(f"{n}번 조항은 {n}일을 넘기지 못한다." for n in range(30_000)), "utf-8")
    with serving(tmp_path / "home") as served:
        backend = RemoteAssistant(served.url) if remote else Library(served.assistant)
        told = backend.add([big])
        assert isinstance(next(told), Progress)
        told.close()
        (job,) = served.assistant.store.jobs()
        assert served.assistant.jobs.wait(job.id).state == "cancelled"
        assert served.assistant.documents() == []
        if remote:
            backend.close()


def test_leaving_an_answer_stops_the_model_of_the_server(slow) -> None:
    with closing(RemoteAssistant(slow.url)) as backend:
        told = backend.ask("연차휴가는 며칠인가?")
        while not isinstance(next(told), Token):
            pass
        told.close()
        deadline = time.monotonic() + 60
        while slow.chat.closed == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_job_that_another_stops_is_cancelled_here_too(tmp_path: Path, folder: Path) -> None:
    with serving(tmp_path / "home", slow_chat()) as served, closing(RemoteAssistant(served.url)) as backend:
        served.assistant.add([folder])
        told = backend.ask("연차휴가는 며칠인가?")
        assert isinstance(next(told), EvidenceFound)
        served.assistant.jobs.cancel(served.assistant.store.jobs(kinds=["ask"])[0].id)
        with pytest.raises(Cancelled):
            list(told)


# Uploads


def test_a_long_batch_goes_in_several_requests(served, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(client, "UPLOAD_FILES", 2)
    for n in range(5):
        (tmp_path / f"{n}.txt").write_text(f"{n}번 문서다.", "utf-8")
    paths = [tmp_path / f"{n}.txt" for n in (3, 0, 4, 1, 2)]
    with closing(RemoteAssistant(served.url)) as backend:
        assert [r.path for r in added(backend, *paths)] == [str(p) for p in paths]
    assert [len(j.payload["files"]) for j in served.assistant.store.jobs(newest=False)] == [2, 2, 1]


def test_a_name_that_is_no_text_arrives_as_one(served, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"latin-\xe9.txt")
    path.write_text(LEAVE, "utf-8")
    with closing(RemoteAssistant(served.url)) as backend:
        assert [(r.path, r.status) for r in added(backend, path)] == [(str(path), "added")]
        assert [Path(d.path).name for d in backend.documents()] == ["latin-\ufffd.txt"]


def test_a_file_too_large_for_the_server_fails_alone(tmp_path: Path, folder: Path) -> None:
    (folder / "big.txt").write_text("가" * 2000, "utf-8")
    with serving(tmp_path / "home", read_bytes=1000) as served, closing(RemoteAssistant(served.url)) as backend:
        results = added(backend, folder)
    assert [(Path(r.path).name, r.status) for r in results] == [
        ("big.txt", "failed"),
        ("leave.txt", "added"),
        ("trip.md", "added"),
    ]
    assert "GAKJU_READ_BYTES" in results[0].error


# Which backend


@pytest.fixture
def fakes(monkeypatch) -> None:
    """`connect` opens libraries with a fake embedder."""

    def opening(settings: Settings, *, own: bool) -> Assistant:
        return Assistant(settings, own=own, embedder=FakeEmbedder(), **shared())

    monkeypatch.setattr(client, "Assistant", opening)


@pytest.mark.usefixtures("fakes")
def test_the_library_is_opened_where_nobody_has_it(tmp_path: Path) -> None:
    with connect(Settings(home=tmp_path), own=False) as backend:
        assert isinstance(backend, Library)
        assert backend.documents() == []
        assert Ownership(tmp_path).other() is None


@pytest.mark.parametrize("own", [False, True])
def test_the_server_of_the_data_folder_is_asked(served, folder: Path, own: bool) -> None:
    with connect(Settings(home=served.home), own=own) as backend:
        assert isinstance(backend, RemoteAssistant)
        added(backend, folder)
    assert len(served.assistant.documents()) == 2


def test_a_named_server_comes_first(served, tmp_path: Path) -> None:
    with connect(Settings(home=tmp_path / "other", server=served.url + "/"), own=True) as backend:
        assert backend.documents() == []
    assert not (tmp_path / "other").exists()


@pytest.mark.usefixtures("fakes")
def test_beside_an_owner_that_does_not_serve_one_can_read_but_not_write(
    tmp_path: Path, folder: Path, monkeypatch
) -> None:
    monkeypatch.setattr(client, "WAIT", 0.3)
    with opened(tmp_path / "home") as owner:
        owner.add([folder])
        settings = Settings(home=tmp_path / "home")
        with pytest.raises(LibraryBusy, match=f"process {os.getpid()}"), connect(settings, own=True):
            pass
        with connect(settings, own=False) as backend:
            assert isinstance(backend, Library)
            assert len(backend.documents()) == 2


def test_an_owner_that_is_starting_is_waited_for(tmp_path: Path) -> None:
    home = tmp_path / "home"
    owner = Ownership(home)
    assert owner.acquire()
    with serving(tmp_path / "elsewhere") as served:
        threading.Timer(0.5, owner.announce, [served.url]).start()
        with connect(Settings(home=home), own=True) as backend:
            assert isinstance(backend, RemoteAssistant)
            assert backend.documents() == []
    owner.release()


@pytest.mark.usefixtures("fakes")
def test_an_owner_that_is_stopping_is_waited_for(tmp_path: Path, monkeypatch) -> None:
    home = tmp_path / "home"
    owner = Ownership(home)
    assert owner.acquire()
    owner.announce("http://127.0.0.1:9")
    mine = SimpleNamespace(sleep=lambda _: owner.release(), monotonic=time.monotonic)
    monkeypatch.setattr(client, "time", mine)  # the module itself is every thread's
    with connect(Settings(home=home), own=True) as backend:
        assert isinstance(backend, Library)


def test_no_server_is_one_clear_line() -> None:
    with pytest.raises(NetworkError) as refused, closing(RemoteAssistant("http://127.0.0.1:9")) as backend:
        backend.documents()
    assert str(refused.value) == "No Gakju answers at http://127.0.0.1:9. Check the address."


@pytest.mark.parametrize("status", [200, 404])
def test_another_kind_of_server_is_one_clear_line(status: int) -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as other:
        threading.Thread(target=other.handle_request).start()
        with (
            closing(RemoteAssistant(f"http://127.0.0.1:{other.server_port}")) as backend,
            pytest.raises(NetworkError, match="not a Gakju"),
        ):
            backend.documents()


def test_offline_leaves_the_machine_for_no_server() -> None:
    settings = Settings(server="http://192.0.2.1", offline=True)
    with pytest.raises(NetworkError, match="Offline"), connect(settings, own=False) as backend:
        backend.documents()


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_are_cut_at_line_feeds_alone(size: int) -> None:
    stream = 'event: token\ndata: {"text": "가\u2028b\x85c"}\n\n: ping\n\nevent: end\ndata: {}\n\n'.encode()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert list(wire.events(pieces)) == [("token", {"text": "가\u2028b\x85c"}), ("end", {})]
