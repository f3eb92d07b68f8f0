"""A server that is told to stop hands back what it was reading, and the next one goes on with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from fronts import opened

SERVER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from fronts import opened
from gakju.api import serve
from gakju.models.fakes import FakeEmbedder

class Slow(FakeEmbedder):
    def embed_passages(self, texts):
        time.sleep(0.5)
        return super().embed_passages(texts)

with serve.terminable(), serve.bind("127.0.0.1", 0) as listening:
    with opened(Path(sys.argv[1])) as assistant:
        assistant.parts._made["embedder"] = Slow()
        server = serve.server(assistant, lambda: print(serve.address(listening), flush=True), ui=False)
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            pass
"""


def test_sigterm_while_it_reads_loses_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-c", SERVER, str(home), str(Path(__file__).parents[1])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUTF8": "1"})
    assert process.stdout
    try:
        url = process.stdout.readline().strip()
        files = [("files", (f"{n}.txt", f"제{n}조 연차휴가는 {n}일이다.".encode())) for n in range(12)]
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            job = http.post("/v1/documents", files=files).json()["id"]
            until = time.monotonic() + 60
            while not (told := http.get("/v1/documents").json()):
                assert time.monotonic() < until
                time.sleep(0.05)
        assert len(told) < 12
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in {0, -signal.SIGTERM}
    finally:
        process.kill()
    with opened(home) as assistant:
        ended = assistant.jobs.wait(job)
        assert ended.state == "done"
        statuses = [f["status"] for f in ended.result["files"]]
        assert statuses == sorted(statuses, reverse=True)  # What was in the library already, then the rest.
        assert (len(statuses), set(statuses)) == (12, {"unchanged", "added"})
        assert sorted(d.title for d in assistant.documents()) == sorted(str(n) for n in range(12))
        assert ended.error == {}
