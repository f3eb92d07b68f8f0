"""A real pip against a real index that, as mirrors do, has no metadata beside its wheels."""

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gakju.models.catalog import Wheel
from gakju.models.wheels import Link, resolve

NAME = "big_model-1.0-py3-none-any.whl"


def wheel() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("big_model/part.bin", os.urandom(4 << 20))
        info = "big_model-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: big-model\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return made.getvalue()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    body = wheel()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(send=False)

        def do_GET(self) -> None:
            self.answer(send=True)

        def answer(self, send: bool) -> None:
            page = f'<a href="/files/{NAME}#sha256={hashlib.sha256(body).hexdigest()}">{NAME}</a>'.encode()
            whole = body if self.path.startswith("/files/") else page
            asked = self.headers.get("range", "")
            first, last = 0, len(whole) - 1
            if asked:
                low, high = asked.removeprefix("bytes=").split("-")
                first = int(low) if low else len(whole) - int(high)
                last = int(high) if low and high else last
            part = whole[first : last + 1]
            self.send_response(206 if asked else 200)
            self.send_header("content-type", "text/html" if whole is page else "application/octet-stream")
            self.send_header("accept-ranges", "bytes")
            self.send_header("content-length", str(len(part)))
            if asked:
                self.send_header("content-range", f"bytes {first}-{last}/{len(whole)}")
            self.end_headers()
            if send:
                self.wfile.write(part)
                server.sent += len(part)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.body, server.sent = body, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    yield server
    server.shutdown()
    server.server_close()


def test_links_are_found_without_fetching_the_wheels(index: ThreadingHTTPServer) -> None:
    (found,) = resolve([Wheel("big-model", "1.0", "big_model/part.bin")])
    digest = hashlib.sha256(index.body).hexdigest()
    assert found == Link(f"http://127.0.0.1:{index.server_port}/files/{NAME}", digest)
    assert index.sent < len(index.body) / 4
