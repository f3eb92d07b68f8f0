"""Models behind an API: errors in our words, names to models, and no key where it does not belong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sites
from gakju.errors import (
    ContextTooLong,
    CreditSpent,
    GakjuError,
    ModelFailed,
    ModelMissing,
    NetworkError,
    NotFound,
    RateLimited,
    RequestRefused,
    UsageError,
)
from gakju.models import Engines, open_chat, open_embedder
from gakju.models.chat import EmbeddedChat, OpenAIChat
from gakju.models.fakes import FakeChat
from gakju.models.remote import RemoteEmbedder, openai_client, translated
from gakju.types import Message

sys.path.append(str(Path(__file__).parents[1] / "conformance"))
from loopback import KEY, LoopbackServer, serving

HI = [Message("system", "Be brief."), Message("user", "Say hi.")]


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with serving(FakeChat(["one two three"])) as server:
        yield server


@pytest.fixture
def chat(server: LoopbackServer) -> OpenAIChat:
    client = openai_client(server.url, KEY, offline=True, retries=0)
    return OpenAIChat("test:m", lambda: client, "m", 1000)


def ask(chat: OpenAIChat, **options: Any) -> str:
    return "".join(d.text for d in chat.stream(HI, **options))


def test_what_is_sent(server: LoopbackServer, chat: OpenAIChat) -> None:
    assert ask(chat, temperature=0.5, max_tokens=7, stop=["x"], extra={"grammar": "g"}) == "one two three"
    path, body = server.requests[0]
    assert path == "/v1/chat/completions"
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hi."}],
        "temperature": 0.5,
        "max_tokens": 7,
        "stop": ["x"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "grammar": "g",
    }
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("status", "error", "kind", "words"),
    [
        (401, {"message": f"Incorrect API key provided: {KEY}"}, ModelFailed, "refused the key"),
        (403, {"message": "no"}, ModelFailed, "refused the key"),
        (
            404,
            {"message": "no such model", "code": "model_not_found"},
            ModelMissing,
            "knows no model test:m",
        ),
        (429, {"message": "slow down"}, RateLimited, "no more requests"),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, CreditSpent, "Add credit"),
        (429, {"message": "quota", "type": "insufficient_quota"}, CreditSpent, "Add credit"),
        (402, {"message": "Insufficient Balance"}, CreditSpent, "Add credit"),
        (400, {"message": "x", "code": "context_length_exceeded"}, ContextTooLong, "longer than test:m"),
        (400, {"message": "x", "type": "exceed_context_size_error"}, ContextTooLong, "longer than test:m"),
        (400, {"message": "This model's maximum context length is 8"}, ContextTooLong, "longer than test:m"),
        (400, {"message": f"bad\nvalue {KEY}"}, RequestRefused, "bad value …"),
        (500, {"message": "boom"}, ModelFailed, "boom"),
    ],
)
def test_refusals(
    server: LoopbackServer, chat: OpenAIChat, status: int, error: dict[str, str], kind: type[GakjuError], words: str
) -> None:
    server.answers.append((status, {"error": error}))
    with pytest.raises(kind, match=words) as caught:
        ask(chat)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert ask(chat) == "one two three"


def test_the_sdk_tries_again(server: LoopbackServer) -> None:
    client = openai_client(server.url, KEY, offline=True)
    server.answers.append((503, {"error": {"message": "busy"}}))
    assert ask(OpenAIChat("test:m", lambda: client, "m", 1000)) == "one two three"
    assert len(server.requests) == 2


def test_a_connection_cut_within_the_answer(server: LoopbackServer, chat: OpenAIChat) -> None:
    server.cut_after = 3
    with pytest.raises(NetworkError, match="test:m"):
        ask(chat)


def test_no_server() -> None:
    client = openai_client("http://127.0.0.1:9/v1", KEY, offline=True, retries=0)
    with pytest.raises(NetworkError, match="could not be reached"):
        ask(OpenAIChat("test:m", lambda: client, "m", 1000))


def test_offline_holds_for_the_sdk_too() -> None:
    client = openai_client("https://api.example/v1", KEY, offline=True, retries=0)
    with pytest.raises(NetworkError, match="Offline"):
        ask(OpenAIChat("test:m", lambda: client, "m", 1000))


def test_every_error_of_the_sdk_is_translated() -> None:
    import httpx
    import openai

    request = httpx.Request("POST", "https://api.example/v1/chat/completions")
    kinds = {openai.OpenAIError}
    pending = [openai.OpenAIError]
    while pending:
        pending += (found := [k for k in pending.pop().__subclasses__() if k not in kinds])
        kinds.update(found)
    assert openai.RateLimitError in kinds
    for kind in kinds:
        error = kind.__new__(kind)
        values = {"message": f"said {KEY}", "request": request, "response": httpx.Response(418, request=request)}
        nothing = dict.fromkeys(["code", "type", "body", "param"])
        error.__dict__.update(values, **nothing, status_code=getattr(kind, "status_code", 418))
        Exception.__init__(error, f"said {KEY}")
        with pytest.raises(GakjuError) as caught, translated("test:m"):
            raise error
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"object": "embedding", "index": 0, "embedding": [1.0]}],
        [{"object": "embedding", "index": i, "embedding": [1.0, float(i)][: 2 - i]} for i in range(2)],
        [{"object": "embedding", "index": 0, "embedding": [1.0]}] * 2,
    ],
    ids=["none", "fewer", "ragged", "one index twice"],
)
def test_vectors_that_do_not_fit(server: LoopbackServer, data: list[dict[str, Any]]) -> None:
    client = openai_client(server.url, KEY, offline=True, retries=0)
    embedder = RemoteEmbedder("test:e", lambda: client, "e")
    server.answers.append((200, {"object": "list", "model": "e", "data": data, "usage": {}}))
    with pytest.raises(ModelFailed, match="test:e"):
        embedder.embed_passages(["a", "b"])


def test_batches(server: LoopbackServer) -> None:
    client = openai_client(server.url, KEY, offline=True)
    embedder = RemoteEmbedder("test:e", lambda: client, "e", batch=2)
    assert embedder.embed_passages(["a", "b", "c", "d", "e"]).shape == (5, 64)
    assert [body["input"] for _, body in server.requests] == [["a", "b"], ["c", "d"], ["e"]]


class TestOpen:
    def chat(self, name: str, tmp_path: Path, **options: Any) -> Any:
        return open_chat(name, root=tmp_path, engines=Engines(), **options)

    @pytest.mark.parametrize("name", ["gpt-4o", "", "embedded:", "gakju:default", "mailto:x"])
    def test_a_name_that_means_nothing(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(NotFound, match=r"embedded:qwen2\.5-coder-0\.5b, .*azure:DEPLOYMENT"):
            self.chat(name, tmp_path)

    def test_an_embedder_does_not_chat(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="no chat model"):
            self.chat("embedded:multilingual-e5-small", tmp_path)
        with pytest.raises(NotFound, match="no embedding model"):
            open_embedder("embedded:qwen2.5-coder-0.5b", root=tmp_path, cache=tmp_path)

    def test_a_missing_file_names_the_command(self, tmp_path: Path) -> None:
        with pytest.raises(ModelMissing, match=r"gakju models pull qwen2\.5-coder-0\.5b"):
            self.chat("embedded:qwen2.5-coder-0.5b", tmp_path)
        with pytest.raises(ModelMissing, match="gakju models pull multilingual-e5-small"):
            open_embedder("embedded:multilingual-e5-small", root=tmp_path, cache=tmp_path).embed_queries(["q"])

    def test_a_library_opens_without_its_embedders_file(self, tmp_path: Path) -> None:
        embedder = open_embedder("embedded:multilingual-e5-small", root=tmp_path, cache=tmp_path)
        assert (embedder.name, embedder.dimensions) == ("e5-small-ov-q8-3", 384)

    def test_a_missing_key_names_the_setting(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="GAKJU_OPENAI_API_KEY"):
            self.chat("openai:gpt-4o-mini", tmp_path)
        with pytest.raises(UsageError, match="GAKJU_AZURE_ENDPOINT"):
            self.chat("azure:dev-model", tmp_path, azure_key="k")

    def test_offline_refuses_what_is_hosted(self, tmp_path: Path) -> None:
        for name in ("openai:gpt-4o-mini", "azure:dev-model", "http://models.example/v1#m"):
            with pytest.raises(NetworkError, match="offline"):
                self.chat(
                    name,
                    tmp_path,
                    offline=True,
                    openai_key="k",
                    azure_key="k",
                    azure_endpoint="https://me.example",
                )

    def test_a_server_by_url(self, tmp_path: Path, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
        chat = self.chat(f"{server.url}#qwen", tmp_path, offline=True, openai_key=KEY, context=4000)
        assert chat.context == 4000
        assert ask(chat) == "one two three"
        assert server.requests[0][1]["model"] == "qwen"
        # OpenAI's key is for OpenAI, wherever it came from.
        assert server.headers[0]["authorization"] == "Bearer none"
        embedder = open_embedder(f"{server.url}#e", root=tmp_path, cache=tmp_path, offline=True, openai_key=KEY)
        assert embedder.dimensions == 64

    def test_an_embedder_of_the_catalogue_gets_its_prefixes(self, tmp_path: Path, server: LoopbackServer) -> None:
        def sent(model: str) -> list[str]:
            embedder = open_embedder(f"{server.url}#{model}", root=tmp_path, cache=tmp_path, offline=True)
            embedder.embed_queries(["휴가"])
            embedder.embed_passages(["휴가"])
            return [request[1]["input"][0] for request in server.requests[-2:]]

        assert sent("google/embeddinggemma-300m") == ["task: search result | query: 휴가", "title: none | text: 휴가"]
        assert sent("BAAI/bge-m3") == ["휴가", "휴가"]
        query, passage = sent("intfloat/multilingual-e5-large-instruct")
        assert query.startswith("Instruct: ")
        assert query.endswith("\nQuery: 휴가")
        assert passage == "휴가"

    def test_azure_asks_for_the_deployment(self, tmp_path: Path, server: LoopbackServer) -> None:
        endpoint = server.url.removesuffix("/v1")
        chat = self.chat("azure:dev-model", tmp_path, azure_key=KEY, azure_endpoint=endpoint)
        with pytest.raises(ModelMissing):  # this server has no such path, which is what is asserted on
            ask(chat)
        path = server.requests[0][0]
        assert path == "/openai/deployments/dev-model/chat/completions?api-version=2024-10-21"
        assert server.headers[0]["api-key"] == KEY

    def test_azures_key_does_not_follow_a_redirect(self, tmp_path: Path) -> None:
        def on(handler: sites.Handler) -> None:
            handler.send_response(307)
            handler.send_header("location", other.url)
            handler.end_headers()

        with sites.running() as site, sites.running() as other:
            site.always = on
            chat = self.chat("azure:dev-model", tmp_path, azure_key=KEY, azure_endpoint=site.url)
            with pytest.raises(ModelFailed):
                ask(chat)
            assert site.sent[0]["api-key"] == KEY
            assert other.sent == []

    def test_a_url_without_a_model(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="#model"):
            self.chat("http://127.0.0.1:1/v1", tmp_path)

    @pytest.mark.model
    def test_the_embedded_models(self, model_folder: Path, embedded_chat: EmbeddedChat, tmp_path: Path) -> None:
        chat = self.chat("embedded:qwen2.5-coder-0.5b", model_folder, context=2048)
        assert (chat.name, chat.context) == ("embedded:qwen2.5-coder-0.5b", 2048)
        assert not chat.engine.running
        embedder = open_embedder("embedded:multilingual-e5-small", root=model_folder, cache=tmp_path)
        assert (embedder.name, embedder.dimensions) == ("e5-small-ov-q8-3", 384)


def test_the_cli_start_pays_for_no_model() -> None:
    import subprocess

    code = "import sys, gakju.models; print([m for m in ('openai', 'openvino', 'xllamacpp') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
