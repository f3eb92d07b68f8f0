"""A server on loopback that speaks OpenAI's fine-tuning API, slowly, wrongly or not at all, as it is told to."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FineTuningHost:
    """`looks` until a job has ended, as `end` says; `fails`: statuses that the next requests are answered with.

    `lost`: so many jobs are made and not told of. `silent`: nobody is told of events. `holds`: no file is deleted.
    `code` goes with the failures.
    """

    def __init__(self) -> None:
        self.looks, self.end, self.error = 3, "succeeded", ""
        self.fails: list[int] = []
        self.lost, self.silent, self.holds = 0, False, False
        self.code: str | None = None
        self.files: dict[str, bytes] = {}
        """All that were ever uploaded; `there` are those that were not deleted."""
        self.there: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.keys: set[str] = set()
        self.url = ""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        path = re.sub(r"^/(?:openai/)?(?:v1/)?", "/", path.partition("?")[0])
        self.requests.append(f"{method} {path}")
        if self.fails:
            return self.fails.pop(0), {"error": {"message": "no sk-secretsecret today", "type": "x", "code": self.code}}
        if method == "DELETE":
            return self._drop(path.rpartition("/")[2])
        if path == "/files":
            name = f"file-{len(self.files)}"
            self.files[name] = self.there[name] = body
            return 200, {"id": name, "object": "file", "bytes": len(body), "created_at": 0, "filename": "x",
                         "purpose": "fine-tune", "status": "processed"}  # fmt: skip
        if path == "/fine_tuning/jobs":
            if method == "GET":
                return self._list()
            made = self._create(json.loads(body))
            self.lost -= 1
            return made if self.lost < 0 else (503, {"error": {"message": "busy"}})
        _, _, _, job, *rest = path.split("/")
        if job not in self.jobs:
            return 404, {"error": {"message": "no such job", "type": "x", "code": None}}
        if rest == ["events"]:
            if self.silent:
                return 500, {"error": {"message": "no events today"}}
            return 200, {"object": "list", "has_more": False, "data": self._events(job)}
        if rest == ["cancel"]:
            if self.jobs[job]["status"] in {"succeeded", "failed", "cancelled"}:
                return 400, {"error": {"message": "Job has already completed", "type": "x", "code": None}}
            self.jobs[job]["status"] = "cancelled"
        elif self.jobs[job]["status"] in {"queued", "running"}:
            self._on(job)
        return 200, self.jobs[job]

    def _drop(self, name: str) -> tuple[int, dict[str, Any]]:
        if self.holds:
            return 409, {"error": {"message": "in use", "type": "x", "code": None}}
        if self.there.pop(name, None) is None:
            return 404, {"error": {"message": "no such file", "type": "x", "code": None}}
        return 200, {"id": name, "object": "file", "deleted": True}

    def _list(self) -> tuple[int, dict[str, Any]]:
        return 200, {"object": "list", "has_more": False, "data": list(self.jobs.values())}

    def _create(self, told: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = f"ftjob-{len(self.jobs)}"
        self.jobs[name] = {
            "id": name, "object": "fine_tuning.job", "created_at": 0, "error": None, "fine_tuned_model": None,
            "finished_at": None, "hyperparameters": {"n_epochs": 3}, "model": told["model"], "organization_id": "o",
            "result_files": [], "seed": 0, "status": "queued", "trained_tokens": None,
            "training_file": told["training_file"], "validation_file": told.get("validation_file"),
            "metadata": told.get("metadata"), "suffix": told.get("suffix"), "looked": 0,
            "method": told.get("method"),
        }  # fmt: skip
        return 200, self.jobs[name]

    def _on(self, job: str) -> None:
        told = self.jobs[job]
        told["looked"] += 1
        told["status"] = "running"
        if told["looked"] >= self.looks:
            told["status"] = self.end
            if self.end == "succeeded":
                told |= {"fine_tuned_model": f"ft:{told['model']}:o::{job}", "trained_tokens": 1234}
            else:
                told["error"] = {"code": "bad", "message": self.error, "param": None}

    def _events(self, job: str) -> list[dict[str, Any]]:
        return [
            {"id": f"e{i}", "object": "fine_tuning.job.event", "created_at": i, "level": "info", "message": "Step",
             "type": "metrics", "data": {"step": i, "train_loss": 1.0 / i}}
            for i in range(self.jobs[job]["looked"], 0, -1)
        ]  # fmt: skip


@contextmanager
def hosting() -> Iterator[FineTuningHost]:
    host = FineTuningHost()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            host.keys.add(self.headers.get("authorization") or self.headers.get("api-key") or "")
            status, told = host.answer(self.command, self.path, body)
            data = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _do  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


def until(wanted: Any, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
