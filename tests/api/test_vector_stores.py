"""/v1/vector_stores, as OpenAI's own client uses it: a collection under another name."""

from __future__ import annotations

import time

import httpx
import openai
import pytest

from fronts import LEAVE, TRIP


@pytest.fixture
def client(served) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)


def put(client: openai.OpenAI, name: str, text: str) -> str:
    return client.files.create(file=(name, text.encode()), purpose="assistants").id


@pytest.fixture
def handbook(client: openai.OpenAI):
    """A store with two files, ready."""
    store = client.vector_stores.create(name="handbook", metadata={"team": "hr"})
    for name, text, year in (("leave.txt", LEAVE, 2025), ("trip.txt", TRIP, 2026)):
        done = client.vector_stores.files.create_and_poll(
            put(client, name, text),
            vector_store_id=store.id,
            attributes={"year": year, "kind": name[:4], "draft": year == 2026},
            poll_interval_ms=50,
        )
        assert done.status == "completed", done
    return client.vector_stores.retrieve(store.id)


def test_a_store_counts_its_files_and_is_a_collection(client: openai.OpenAI, served, handbook) -> None:
    assert (handbook.object, handbook.name, handbook.metadata, handbook.status) == (
        "vector_store",
        "handbook",
        {"team": "hr"},
        "completed",
    )
    assert handbook.file_counts.model_dump() == {
        "in_progress": 0,
        "completed": 2,
        "failed": 0,
        "cancelled": 0,
        "total": 2,
    }
    assert handbook.usage_bytes == len((LEAVE + TRIP).encode())
    assert served.assistant.collections() == {"handbook": 2}
    assert [d.path for d in served.assistant.documents("handbook")] == ["leave.txt", "trip.txt"]


def test_a_collection_of_the_library_is_a_store(client: openai.OpenAI, served, folder) -> None:
    added = served.assistant.add([folder], collection="규정")
    (store,) = client.vector_stores.list()
    assert (store.name, store.file_counts.completed) == ("규정", 2)
    files = list(client.vector_stores.files.list(store.id, order="asc"))
    assert [f.id for f in files] == [f"file-{a.document_id}" for a in added]
    client.vector_stores.files.update(files[0].id, vector_store_id=store.id, attributes={"year": 2024})
    again = client.vector_stores.files.retrieve(files[0].id, vector_store_id=store.id)
    assert (again.attributes, again.status) == ({"year": 2024}, "completed")
    # Deleted on the screen, gone here too.
    served.assistant.delete(added[0].document_id)
    assert [f.id for f in client.vector_stores.files.list(store.id)] == [files[1].id]
    assert client.vector_stores.retrieve(store.id).file_counts.total == 1


def test_search_gives_chunks_with_their_files_and_places(client: openai.OpenAI, handbook, served) -> None:
    found = list(client.vector_stores.search(handbook.id, query="출장비는 하루 얼마인가"))
    assert (found[0].filename, found[0].content[0].text) == ("trip.txt", TRIP)
    assert found[0].attributes == {"year": 2026, "kind": "trip", "draft": True}
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    assert found[0].gakju["page"] == 1
    assert found[0].gakju["document"]["id"] == served.assistant.documents()[1].id
    both = list(client.vector_stores.search(handbook.id, query=["출장비", "연차휴가"], max_num_results=1))
    assert len(both) == 1
    strict = client.vector_stores.search(handbook.id, query="출장비", ranking_options={"score_threshold": 0.99})
    assert {f.filename for f in strict} == {"trip.txt"}


FILTERS = [
    ({"type": "eq", "key": "year", "value": 2025}, {"leave.txt"}),
    ({"type": "ne", "key": "year", "value": 2025}, {"trip.txt"}),
    ({"type": "gt", "key": "year", "value": 2025}, {"trip.txt"}),
    ({"type": "gte", "key": "year", "value": 2025}, {"leave.txt", "trip.txt"}),
    ({"type": "lt", "key": "year", "value": 2026}, {"leave.txt"}),
    ({"type": "lte", "key": "year", "value": 2024}, set()),
    ({"type": "in", "key": "kind", "value": ["leav", "none"]}, {"leave.txt"}),
    ({"type": "nin", "key": "kind", "value": ["leav"]}, {"trip.txt"}),
    ({"type": "eq", "key": "draft", "value": True}, {"trip.txt"}),
    ({"type": "eq", "key": "draft", "value": 1}, set()),
    ({"type": "gt", "key": "kind", "value": 3}, set()),
    (
        {
            "type": "or",
            "filters": [
                {"type": "eq", "key": "year", "value": 2025},
                {
                    "type": "and",
                    "filters": [
                        {"type": "eq", "key": "year", "value": 2026},
                        {"type": "eq", "key": "draft", "value": True},
                    ],
                },
            ],
        },
        {"leave.txt", "trip.txt"},
    ),
]


def test_filters_choose_files(client: openai.OpenAI, handbook) -> None:
    for filters, names in FILTERS:
        found = client.vector_stores.search(handbook.id, query="연차휴가 출장비 영수증", filters=filters)
        assert {f.filename for f in found} == names, filters


def test_a_file_that_cannot_be_read_fails_alone_and_says_why(client: openai.OpenAI) -> None:
    store = client.vector_stores.create(name="mixed")
    broken = put(client, "broken.pdf", "%PDF-1.7 nothing")
    odd = put(client, "odd.bin", "\x00\x01\x02" * 50)
    good = put(client, "good.txt", LEAVE)
    batch = client.vector_stores.file_batches.create_and_poll(
        store.id, file_ids=[broken, good, odd], attributes={"a": "b"}, poll_interval_ms=50
    )
    assert (batch.status, batch.file_counts.completed, batch.file_counts.failed) == ("completed", 1, 2)
    listed = {f.id: f for f in client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)}
    assert listed[broken].status == "failed"
    assert listed[broken].last_error.code == "invalid_file"
    assert "broken.pdf" in listed[broken].last_error.message
    assert listed[odd].last_error.code == "unsupported_file"
    assert (listed[good].status, listed[good].last_error, listed[good].attributes) == ("completed", None, {"a": "b"})
    only = client.vector_stores.files.list(store.id, filter="failed", order="asc")
    assert [f.id for f in only] == [broken, odd]
    assert client.files.content(broken).read() == b"%PDF-1.7 nothing"  # a file outlives the document it could not be


def test_files_wait_their_turn_and_can_be_stopped(client: openai.OpenAI, served) -> None:
    import threading

    gate, real = threading.Event(), served.assistant.parts.embedder.embed_passages

    def slowly(texts):
        gate.wait(100)
        return real(texts)

    served.assistant.parts.embedder.embed_passages = slowly
    try:
        first = client.vector_stores.create(name="first", file_ids=[put(client, "a.txt", LEAVE)])
        second = client.vector_stores.create(name="second")
        batch = client.vector_stores.file_batches.create(second.id, file_ids=[put(client, "b.txt", TRIP)])
        assert (batch.status, batch.file_counts.in_progress) == ("in_progress", 1)
        assert client.vector_stores.retrieve(first.id).status == "in_progress"
        stopped = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=second.id)
        assert (stopped.status, stopped.file_counts.cancelled) == ("cancelled", 1)
    finally:
        gate.set()
        served.assistant.parts.embedder.embed_passages = real
    deadline = time.monotonic() + 60
    while client.vector_stores.retrieve(first.id).status == "in_progress":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert client.vector_stores.retrieve(first.id).file_counts.completed == 1
    assert served.assistant.collections() == {"first": 1}


def test_taking_a_file_out_leaves_the_file(client: openai.OpenAI, served, handbook) -> None:
    leave = next(f for f in client.vector_stores.files.list(handbook.id, order="asc"))
    gone = client.vector_stores.files.delete(leave.id, vector_store_id=handbook.id)
    assert (gone.id, gone.deleted, gone.object) == (leave.id, True, "vector_store.file.deleted")
    assert [d.path for d in served.assistant.documents()] == ["trip.txt"]
    assert client.files.content(leave.id).read() == LEAVE.encode()
    again = client.vector_stores.files.create_and_poll(leave.id, vector_store_id=handbook.id, poll_interval_ms=50)
    assert again.status == "completed"


def test_deleting_a_store_keeps_its_files_and_deleting_a_file_empties_stores(client, served, handbook) -> None:
    other = client.vector_stores.create(name="other")
    ids = [f.id for f in client.vector_stores.files.list(handbook.id, order="asc")]
    client.vector_stores.files.create_and_poll(ids[0], vector_store_id=other.id, poll_interval_ms=50)
    gone = client.vector_stores.delete(handbook.id)
    assert (gone.id, gone.deleted, gone.object) == (handbook.id, True, "vector_store.deleted")
    assert served.assistant.collections() == {"other": 1}
    assert {f.id for f in client.files.list()} == set(ids)
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(handbook.id)
    client.files.delete(ids[0])
    assert served.assistant.collections() == {}
    assert client.vector_stores.retrieve(other.id).file_counts.total == 0


def test_names_that_no_collection_can_have_get_one_near(client: openai.OpenAI, served) -> None:
    made = [client.vector_stores.create(name=n) for n in ("a/b", "a/b", "")]
    assert [s.name for s in made] == ["a/b", "a/b", ""]
    collections = [s.gakju["collection"] for s in made]
    assert collections[:2] == ["a-b", "a-b 2"]
    assert len(set(collections)) == 3
    renamed = client.vector_stores.update(made[0].id, name="new", metadata={"a": "1"})
    assert (renamed.id, renamed.name, renamed.metadata) == (made[0].id, "new", {"a": "1"})


def test_a_store_that_has_expired_is_not_searched(client: openai.OpenAI, served, handbook) -> None:
    from dataclasses import replace

    kept = client.vector_stores.update(handbook.id, expires_after={"anchor": "last_active_at", "days": 1})
    assert kept.expires_at == kept.last_active_at + 24 * 3600
    store = served.assistant.vector_stores.get(handbook.id)
    served.assistant.store.files.put_store(replace(store, active_at="2020-01-01T00:00:00.000000+00:00"))
    assert client.vector_stores.retrieve(handbook.id).status == "expired"
    with pytest.raises(openai.BadRequestError, match="expired"):
        client.vector_stores.search(handbook.id, query="x")


def test_pages_of_a_list_and_a_files_text(client: openai.OpenAI, handbook) -> None:
    ids = [f.id for f in client.vector_stores.files.list(handbook.id, limit=1)]
    assert len(ids) == 2
    before = client.vector_stores.files.list(handbook.id, before=ids[1])
    assert [f.id for f in before.data] == [ids[0]]
    parts = client.vector_stores.files.content(ids[1], vector_store_id=handbook.id)
    assert [p.text for p in parts] == [LEAVE]
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.files.list(handbook.id, after="file-nothing")


def test_unknown_things_are_not_found(client: openai.OpenAI, handbook, served) -> None:
    for call in (
        lambda: client.vector_stores.retrieve("vs_nothing"),
        lambda: client.vector_stores.files.create("vs_nothing", file_id="file-1"),
        lambda: client.vector_stores.files.create(handbook.id, file_id="file-1"),
        lambda: client.vector_stores.files.retrieve("file-1", vector_store_id=handbook.id),
        lambda: client.vector_stores.file_batches.retrieve("vsfb_1", vector_store_id=handbook.id),
        lambda: client.vector_stores.create(name="x", file_ids=["file-1"]),
    ):
        with pytest.raises(openai.NotFoundError):
            call()
    assert [s.name for s in client.vector_stores.list()] == ["handbook"]
    for wrong in (
        '{"name": "a\\u0000b"}',
        '{"name": "\\ud800"}',
        '{"metadata": {"a": 1}}',
        '{"expires_after": {"days": 0}}',
    ):
        assert (
            httpx.post(f"{served.url}/v1/vector_stores", content=wrong, trust_env=False, timeout=60).status_code == 400
        ), wrong
    for wrong in ('{"attributes": {"a": NaN}}', '{"attributes": {"a": 1e999}}'):
        url = f"{served.url}/v1/vector_stores/{handbook.id}/files/{handbook.id}"
        assert httpx.post(url, content=wrong, trust_env=False, timeout=60).status_code == 400, wrong
    deep: dict = {"type": "eq", "key": "a", "value": 1}
    for _ in range(300):
        deep = {"type": "and", "filters": [deep]}
    response = httpx.post(
        f"{served.url}/v1/vector_stores/{handbook.id}/search",
        json={"query": "x", "filters": deep},
        trust_env=False,
        timeout=60,
    )
    assert response.status_code in {400, 422}
