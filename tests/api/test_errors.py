"""However a request fails, it ends in one shape with the right status."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from fronts import NoLabs
from gakju import errors
from gakju.api import create
from gakju.api.errors import STATUS
from gakju.settings import Settings


def all_classes() -> set[type]:
    return {v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, errors.GakjuError)}


def client_raising(tmp_path, raised: Exception) -> TestClient:
    def documents(collection):
        raise raised

    assistant = SimpleNamespace(
        settings=Settings(home=tmp_path),
        documents=documents,
        parts=SimpleNamespace(providers={}),
        jobs=SimpleNamespace(serve=lambda *given: None),
        labs=NoLabs(),
    )
    app = create(assistant, ui=False)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


def test_every_class_has_a_status() -> None:
    assert set(STATUS) == all_classes()


@pytest.mark.parametrize("kind", sorted(all_classes(), key=lambda k: k.__name__))
def test_an_error_is_told_with_its_code_and_next_step(tmp_path, kind: type[errors.GakjuError]) -> None:
    response = client_raising(tmp_path, kind("It broke.", hint="Mend it.")).get("/v1/documents")
    assert response.status_code == STATUS[kind]
    family = "invalid_request_error" if STATUS[kind] < 500 else "server_error"
    family = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(STATUS[kind], family)
    told = {"code": kind.code, "message": "It broke.", "hint": "Mend it.", "type": family, "param": None}
    assert response.json() == {"error": told}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("UsageError", 400),
        ("NotFound", 404),
        ("UnknownModel", 404),
        ("LibraryBusy", 409),
        ("RateLimited", 429),
        ("StorageFull", 507),
        ("ModelFailed", 503),
    ],
)
def test_the_statuses_that_programs_rely_on(kind: str, status: int) -> None:
    assert STATUS[getattr(errors, kind)] == status


def test_only_what_may_succeed_later_says_when_to_retry(tmp_path) -> None:
    assert client_raising(tmp_path, errors.ModelFailed("x")).get("/v1/documents").headers["retry-after"] == "5"
    assert "retry-after" not in client_raising(tmp_path, errors.ModelMissing("x")).get("/v1/documents").headers
    limited = client_raising(tmp_path, errors.RateLimited("x", retry_after=17)).get("/v1/documents")
    assert limited.headers["retry-after"] == "17"


def test_a_bug_tells_nothing_of_the_documents(tmp_path) -> None:
    response = client_raising(tmp_path, RuntimeError("secret text")).get("/v1/documents")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal"
    assert "secret" not in response.text
    assert response.headers["connection"] == "close"


def test_what_is_no_route_is_told_in_the_same_shape(tmp_path) -> None:
    http = client_raising(tmp_path, RuntimeError())
    assert http.get("/v1/nothing").json()["error"]["code"] == "not_found"
    response = http.put("/v1/documents")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "usage")
    assert response.headers["allow"] == "GET, POST"


def test_a_malformed_request_names_the_field(tmp_path) -> None:
    response = client_raising(tmp_path, RuntimeError()).post("/v1/search", json={"query": "x", "k": 0})
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "usage"
    assert response.json()["error"]["message"].startswith("k: ")
    broken = client_raising(tmp_path, RuntimeError()).post(
        "/v1/search", content="{", headers={"content-type": "application/json"}
    )
    assert (broken.status_code, broken.json()["error"]["code"]) == (422, "usage")
