"""/v1/files, as OpenAI's own client uses it."""

from __future__ import annotations

import openai
import pytest

from fronts import LEAVE, TRIP


@pytest.fixture
def client(served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)


def test_a_file_is_kept_listed_read_back_and_forgotten(client: openai.OpenAI, served) -> None:
    first = client.files.create(file=("휴가.txt", LEAVE.encode()), purpose="assistants")
    second = client.files.create(file=("trip.txt", TRIP.encode()), purpose="user_data")
    assert (first.object, first.filename, first.bytes, first.purpose) == (
        "file",
        "휴가.txt",
        len(LEAVE.encode()),
        "assistants",
    )
    assert [f.id for f in client.files.list()] == [second.id, first.id]
    assert [f.id for f in client.files.list(order="asc")] == [first.id, second.id]
    assert [f.id for f in client.files.list(purpose="user_data")] == [second.id]
    assert [f.id for f in client.files.list(limit=1)] == [second.id, first.id]  # the SDK asks for the next page
    assert client.files.retrieve(first.id) == first
    assert client.files.content(first.id).read() == LEAVE.encode()
    deleted = client.files.delete(first.id)
    assert (deleted.id, deleted.deleted) == (first.id, True)
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(first.id)
    assert served.assistant.documents() == []


def test_the_same_bytes_twice_are_two_files(client: openai.OpenAI) -> None:
    one, two = (client.files.create(file=(n, LEAVE.encode()), purpose="assistants") for n in ("a.txt", "b.txt"))
    client.files.delete(one.id)
    assert client.files.content(two.id).read() == LEAVE.encode()


def test_a_document_of_the_library_is_a_file(client: openai.OpenAI, served, folder) -> None:
    added = served.assistant.add([folder])
    files = {f.filename: f for f in client.files.list()}
    assert set(files) == {"leave.txt", "trip.md"}
    assert files["leave.txt"].id == f"file-{added[0].document_id}"
    assert client.files.content(files["leave.txt"].id).read() == LEAVE.encode()
    client.files.delete(files["leave.txt"].id)
    assert [d.title for d in served.assistant.documents()] == ["출장"]


def test_only_the_name_of_a_path_is_kept(client: openai.OpenAI) -> None:
    assert client.files.create(file=("../../etc/rule.txt", b"x"), purpose="assistants").filename == "rule.txt"


def test_a_file_that_expires_is_gone_with_its_bytes(client: openai.OpenAI, served) -> None:
    file = client.files.create(
        file=("a.txt", LEAVE.encode()),
        purpose="assistants",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert file.expires_at == file.created_at + 3600
    kept = served.assistant.files.get(file.id)
    path = served.assistant.parts.blobs.path(kept.digest)
    assert path.exists()
    table = served.assistant.store.files
    table.remove(file.id)
    old = table.add(kept.digest, "a.txt", "assistants", 3, expires_at="2020-01-01T00:00:00.000000+00:00")
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(old.id)
    assert list(client.files.list()) == []
    assert not path.exists()


def test_what_is_wrong_with_an_upload_is_told(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.files.create(file=("a.txt", b"x"), purpose="nonsense")  # type: ignore[arg-type]
    assert refused.value.status_code in {400, 422}
    with pytest.raises(openai.NotFoundError) as missing:
        client.files.content("file-nothing")
    assert missing.value.code == "not_found"
