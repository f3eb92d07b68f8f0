"""A real HTTP server on loopback that speaks as much of OpenAI's API as the suites need, over the fakes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gakju.errors import ContextTooLong
from gakju.models.fakes import FakeChat, FakeEmbedder
from gakju.types import Message

KEY = "sk-loopback-0123456789"


class LoopbackServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, chat: FakeChat, embedder: FakeEmbedder) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.chat, self.embedder = chat, embedder
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.hung_up = threading.Event()
        self.answers: list[tuple[int, dict[str, Any]]] = []
        """(status, body) to give to the next requests instead."""
        self.cut_after: int | None = None
        """Events after which the connection is cut."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LoopbackServer

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append((self.path, body))
        self.server.headers.append({k.lower(): v for k, v in self.headers.items()})
        if self.server.answers:
            self.say(*self.server.answers.pop(0))
        elif self.path == "/v1/embeddings":
            self.embeddings(body)
        elif self.path == "/v1/chat/completions":
            self.chat(body)
        else:
            self.say(404, {"error": {"message": "no such path"}})

    def say(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def embeddings(self, body: dict[str, Any]) -> None:
        rows = []
        for index, text in enumerate(body["input"]):
            side, _, rest = text.partition(": ")
            embed = self.server.embedder.embed_queries if side == "query" else self.server.embedder.embed_passages
            vector = (3 * embed([rest])[0]).tolist()
            rows.append({"object": "embedding", "index": index, "embedding": vector})
        # Backwards and not of length 1: a client must not rely on either.
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        self.say(200, {"object": "list", "model": body["model"], "data": rows[::-1], "usage": usage})

    def chat(self, body: dict[str, Any]) -> None:
        messages = [Message(m["role"], m["content"]) for m in body["messages"]]
        pieces = self.server.chat.stream(messages, max_tokens=body.get("max_tokens"), stop=body.get("stop", ()))
        try:
            first = next(pieces)
        except ContextTooLong:
            error = {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}
            self.say(400, {"error": error})
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            self.event(first.text)
            for number, delta in enumerate(pieces, 2):
                if self.server.cut_after == number:
                    self.close_connection = True
                    return
                if delta.usage is None:
                    self.event(delta.text)
                else:
                    self.event("", finish="stop")
                    if body.get("stream_options", {}).get("include_usage"):
                        self.event("", usage=delta.usage._asdict())
            self.chunk(b"data: [DONE]\n\n")
            self.chunk(b"")
        except OSError:
            self.server.hung_up.set()
            self.close_connection = True

    def event(self, text: str, *, finish: str | None = None, usage: dict[str, int] | None = None) -> None:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        if usage is not None:
            usage = {**usage, "total_tokens": sum(usage.values())}
        event = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "usage": usage}
        event["choices"] = [] if usage else [choice]
        self.chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


@contextmanager
def serving(chat: FakeChat | None = None, embedder: FakeEmbedder | None = None) -> Iterator[LoopbackServer]:
    server = LoopbackServer(chat or FakeChat(["yes"]), embedder or FakeEmbedder())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
