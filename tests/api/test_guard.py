"""What a foreign web page in the reader's own browser must not do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from fronts import NoLabs
from gakju.api import OVERHEAD, create
from gakju.settings import Settings


def app(tmp_path, *, loopback: bool = True, **given):
    settings = Settings(home=tmp_path, read_bytes=1000, **given)
    assistant = SimpleNamespace(
        settings=settings,
        documents=lambda collection: [],
        delete=lambda identity: None,
        search=lambda query, k, collection: [],
        parts=SimpleNamespace(providers={}),
        jobs=SimpleNamespace(serve=lambda *given: None),
        labs=NoLabs(),
    )
    application = create(assistant, ui=False, loopback=loopback)

    @application.websocket("/socket")
    async def socket(websocket):  # pragma: no cover
        await websocket.accept()

    return application


def client(tmp_path, host: str = "127.0.0.1:8080", **given) -> TestClient:
    return TestClient(app(tmp_path, **given), base_url=f"http://{host}")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080"])
def test_this_machines_names_are_answered(tmp_path, host: str) -> None:
    assert client(tmp_path, host).get("/v1/documents").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8080", "", "[::1"])
def test_a_name_that_was_made_to_lead_here_is_refused(tmp_path, host: str) -> None:
    response = client(tmp_path).get("/v1/documents", headers={"host": host})
    assert response.status_code == 421
    assert response.json()["error"]["hint"] == "Open it as http://127.0.0.1."


def test_other_names_are_answered_where_others_were_let_in(tmp_path) -> None:
    assert client(tmp_path, "nas.local", loopback=False).get("/v1/documents").status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1"])
@pytest.mark.parametrize("loopback", [True, False])
def test_a_foreign_origin_may_not_change_anything(tmp_path, origin: str, loopback: bool) -> None:
    response = client(tmp_path, loopback=loopback).delete("/v1/documents/d", headers={"origin": origin})
    assert response.status_code == 403


def test_our_own_origin_and_programs_without_one_may(tmp_path) -> None:
    own = client(tmp_path).delete("/v1/documents/d", headers={"origin": "http://127.0.0.1:8080"})
    assert own.status_code == 204
    assert client(tmp_path).delete("/v1/documents/d").status_code == 204


def test_nothing_is_readable_across_origins(tmp_path) -> None:
    response = client(tmp_path).get("/v1/documents", headers={"origin": "http://evil.example"})
    assert "access-control-allow-origin" not in response.headers


def test_a_site_that_a_setting_names_may(tmp_path) -> None:
    http = client(tmp_path, cors="https://app.example, http://localhost:5173/")
    origin = {"origin": "https://app.example"}
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    preflight = http.options("/v1/search", headers=origin | asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    answer = http.post("/v1/search", json={"query": "x"}, headers=origin)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://app.example")
    assert "access-control-allow-credentials" not in answer.headers
    assert http.delete("/v1/documents/d", headers={"origin": "http://localhost:5173"}).status_code == 204
    other = http.post("/v1/search", json={"query": "x"}, headers={"origin": "https://other.example"})
    assert (other.status_code, "access-control-allow-origin" in other.headers) == (403, False)


def test_a_foreign_origin_gets_no_websocket(tmp_path) -> None:
    headers = {"host": "127.0.0.1:8080", "origin": "http://evil.example"}
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client(tmp_path).websocket_connect("/socket", headers=headers),
    ):
        pass
    assert refused.value.status_code == 403


def test_browsers_are_told_not_to_guess_types(tmp_path) -> None:
    assert client(tmp_path).get("/healthz").headers["x-content-type-options"] == "nosniff"


def test_a_body_beyond_the_limit_is_refused_by_its_length(tmp_path) -> None:
    http = client(tmp_path)
    big = http.post("/v1/search", content=b" " * (OVERHEAD + 1), headers={"content-type": "application/json"})
    assert (big.status_code, big.json()["error"]["code"]) == (413, "limit_exceeded")
    upload = http.post("/v1/documents", files={"files": ("a.txt", b"x" * (OVERHEAD + 1001))})
    assert (upload.status_code, upload.json()["error"]["code"]) == (413, "limit_exceeded")


@pytest.mark.parametrize("path", ["/key", "/mcp", "/", "/healthz"])
def test_only_documents_may_be_large(tmp_path, path: str) -> None:
    """A form is read into memory whole, and whoever has no key yet may send the one that asks for it."""
    big = client(tmp_path).post(path, data={"key": "x" * OVERHEAD})
    assert (big.status_code, big.json()["error"]["code"]) == (413, "limit_exceeded")


def test_a_body_that_hides_its_length_is_refused_while_it_comes(tmp_path) -> None:
    def endless():
        for _ in range(OVERHEAD // 65536 + 2):
            yield b" " * 65536

    response = client(tmp_path).post("/v1/search", content=endless(), headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["error"]["code"]) == (413, "limit_exceeded")
