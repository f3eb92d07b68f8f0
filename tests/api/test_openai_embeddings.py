"""/v1/embeddings."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from fronts import serving
from gakju.models.fakes import FakeEmbedder
from gakju.models.vocabulary import decoded

NAME = "embedded:multilingual-e5-small"


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        serving(tmp_path_factory.mktemp("home")) as one,
        httpx.Client(base_url=one.url, timeout=30, trust_env=False) as client,
    ):
        yield client


def embed(http: httpx.Client, **body: object) -> httpx.Response:
    return http.post("/v1/embeddings", json={"model": NAME, **body})


def vectors(response: httpx.Response) -> np.ndarray:
    data = response.json()["data"]
    assert [d["index"] for d in data] == list(range(len(data)))
    return np.array([d["embedding"] for d in data], np.float32)


def test_texts_in_their_order_and_what_they_cost(http: httpx.Client) -> None:
    response = embed(http, input=["two words", "one"])
    assert np.allclose(vectors(response), FakeEmbedder().embed_passages(["two words", "one"]))
    assert response.json()["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert (response.json()["object"], response.json()["model"]) == ("list", NAME)
    assert np.allclose(vectors(embed(http, input="one"))[0], FakeEmbedder().embed_passages(["one"])[0])


def test_the_question_side_on_request(http: httpx.Client) -> None:
    found = vectors(embed(http, input="one", input_type="query"))
    assert np.allclose(found, FakeEmbedder().embed_queries(["one"]))


def test_base64_is_the_same_numbers(http: httpx.Client) -> None:
    coded = embed(http, input="one", encoding_format="base64").json()["data"][0]["embedding"]
    assert np.array_equal(np.frombuffer(base64.b64decode(coded), "<f4"), vectors(embed(http, input="one"))[0])


def test_fewer_dimensions_are_the_first_ones_made_length_1(http: httpx.Client) -> None:
    whole, short = vectors(embed(http, input="one"))[0], vectors(embed(http, input="one", dimensions=8))[0]
    assert np.allclose(short, whole[:8] / np.linalg.norm(whole[:8]), atol=1e-6)


def test_tokens_are_texts(http: httpx.Client) -> None:
    assert decoded([9906, 1917]) == "Hello world"
    assert np.array_equal(vectors(embed(http, input=[9906, 1917])), vectors(embed(http, input="Hello world")))
    both = vectors(embed(http, input=[[9906, 1917], [9906]]))
    assert np.array_equal(both, vectors(embed(http, input=["Hello world", "Hello"])))


def test_azures_path_takes_any_deployment(http: httpx.Client) -> None:
    response = http.post("/openai/deployments/ada/embeddings?api-version=2023-05-15", json={"input": "one"})
    assert np.array_equal(vectors(response), vectors(embed(http, input="one")))


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"input": []}, 400, "invalid_value", "input"),
        ({"input": ""}, 400, "invalid_value", "input"),
        ({"input": ["a", ""]}, 400, "invalid_value", "input"),
        ({"input": [[]]}, 400, "invalid_value", "input"),
        ({"input": [99_999_999]}, 400, "usage", "input"),
        ({"input": "x " * 8193}, 400, "context_length_exceeded", "input"),
        ({"input": ["x " * 8000] * 38}, 400, "context_length_exceeded", "input"),
        ({"input": "x", "dimensions": 0}, 400, "invalid_value", "dimensions"),
        ({"input": "x", "dimensions": 65}, 400, "usage", "dimensions"),
        ({"input": "x", "encoding_format": "hex"}, 400, "invalid_value", "encoding_format"),
        ({"input": "x", "model": "text-embedding-3-small"}, 404, "model_not_found", "model"),
        ({"input": "x", "model": "gakju"}, 400, "usage", "model"),
        ({"input": "x", "model": "embedded:qwen2.5-coder-0.5b"}, 400, "usage", "model"),
        ({"input": "x", "model": "fake"}, 400, "usage", "model"),
    ],
)
def test_what_cannot_be_embedded(http: httpx.Client, body: dict, status: int, code: str, param: str) -> None:
    response = embed(http, **body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"].partition(".")[0]) == (status, code, param)
