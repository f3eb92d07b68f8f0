"""The tools as the protocol's own client sees them: over HTTP with keys, and over stdin and stdout."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from need import need

need("mcp", "mcp")

import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from fronts import LEAVE, REPLY, TRIP, opened, serving
from gakju.api import serve
from gakju.errors import Cancelled
from gakju.models.fakes import FakeChat
from gakju.types import Delta

QUESTION = "연차휴가는 며칠인가?"
SENTENCE = "연차휴가는 15일이다."


def run(work, where):
    """`work(client)` of a client of `where`."""

    async def inside():
        async with Client(where) as client:
            return await work(client)

    return asyncio.run(asyncio.wait_for(inside(), 60))


def test_the_five_tools_say_what_they_take_and_give(library) -> None:
    async def look(client):
        return await client.list_tools()

    tools = {t.name: t for t in run(look, f"{library.url}/mcp").tools}
    assert set(tools) == {"search", "ask", "documents", "page", "add"}
    assert all(t.description and t.output_schema for t in tools.values())
    assert [name for name, t in tools.items() if not t.annotations.read_only_hint] == ["add"]
    assert set(tools["ask"].input_schema["properties"]) == {"question", "collection", "sources"}


def test_ask_gives_marks_and_footnotes(library) -> None:
    said: list[str] = []

    async def progress(_done, _total, message):
        said.append(message)

    async def ask(client):
        return await client.call_tool("ask", {"question": QUESTION}, progress_callback=progress)

    result = run(ask, f"{library.url}/mcp")
    told = result.structured_content
    assert (told["answer"], told["refused"]) == (f"{SENTENCE} [1]", False)
    (note,) = told["footnotes"]
    assert (note["number"], note["title"], note["page"], note["quote"]) == (1, "leave", 1, SENTENCE)
    assert told["claims"] == [{"text": SENTENCE, "verdict": "supported"}]
    assert result.content[0].text == f"{SENTENCE} [1]\n\n[1] leave, p. 1: “{SENTENCE}”"
    assert said == [f"{SENTENCE} [1]"]
    page = library.assistant.page(note["document_id"], note["page"])
    assert page.text[note["start"] : note["end"]] == note["quote"]


def test_ask_takes_sources_and_says_where_the_web_is_off(library) -> None:
    async def ask(client):
        return await client.call_tool("ask", {"question": QUESTION, "sources": "web"})

    told = run(ask, f"{library.url}/mcp")
    assert told.is_error
    assert "The web is switched off." in told.content[0].text


def test_search_documents_and_page_read_the_library(library) -> None:
    async def look(client):
        found = await client.call_tool("search", {"query": "출장비는 하루 얼마인가", "k": 2})
        listed = await client.call_tool("documents", {})
        best = found.structured_content["passages"][0]
        page = await client.call_tool("page", {"document_id": best["document_id"], "number": best["page"]})
        return found.structured_content["passages"], listed.structured_content["documents"], page.structured_content

    passages, documents, page = run(look, f"{library.url}/mcp")
    assert (passages[0]["title"], passages[0]["text"]) == ("trip", TRIP)
    assert [d["title"] for d in documents] == ["leave", "trip"]
    assert (page["text"], page["status"]) == (TRIP, "ok")


def test_what_is_added_is_found(library) -> None:
    async def add(client):
        text = {"name": "bike.md", "text": "# 자전거\n\n자전거는 지하에 둔다."}
        first, again = [await client.call_tool("add", text) for _ in range(2)]
        sent = {"name": "../car.txt", "text": b64encode("차는 밖에 둔다.".encode()).decode(), "encoded": True}
        encoded = await client.call_tool("add", sent)
        found = await client.call_tool("search", {"query": "자전거는 어디에", "k": 1})
        wrong = await client.call_tool("add", {"name": "x.txt", "text": "x", "encoded": True})
        unread = await client.call_tool("add", {"name": "x.pdf", "text": "%PDF-1.7 nothing"})
        return first, again, encoded, found, wrong, unread

    first, again, encoded, found, wrong, unread = run(add, f"{library.url}/mcp")
    assert (first.structured_content["status"], first.structured_content["pages"]) == ("added", 1)
    assert again.structured_content == {**first.structured_content, "status": "unchanged"}
    assert library.assistant.document(encoded.structured_content["document_id"]).path == "car.txt"
    (passage,) = found.structured_content["passages"]
    assert passage["document_id"] == first.structured_content["document_id"]
    assert wrong.is_error
    assert "base64" in wrong.content[0].text
    assert unread.is_error


def test_what_goes_wrong_is_told_to_the_model(library) -> None:
    async def fail(client):
        return [
            await client.call_tool("page", {"document_id": "nothing", "number": 1}),
            await client.call_tool("ask", {"question": "x", "collection": "a/b"}),
        ]

    missing, named = run(fail, f"{library.url}/mcp")
    assert missing.is_error
    assert "nothing" in missing.content[0].text
    assert named.is_error
    assert "collection" in named.content[0].text


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"host": "evil.example"}, 421), ({"origin": "https://evil.example"}, 403)],
)
def test_another_web_site_gets_nothing(library, headers, status) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"accept": "application/json, text/event-stream"}
    refused = httpx.post(f"{library.url}/mcp", json=body, headers={**accept, **headers}, trust_env=False, timeout=60)
    assert refused.status_code == status


async def as_key(url: str, token: str, work):
    http = httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"})
    async with http, Client(streamable_http_client(f"{url}/mcp", http_client=http)) as client:
        return await work(client)


def test_a_key_reaches_its_own_collections_and_rights(tmp_path: Path) -> None:
    (tmp_path / "leave.txt").write_text(LEAVE, "utf-8")
    (tmp_path / "trip.txt").write_text(TRIP, "utf-8")
    with serving(tmp_path / "home", keys=True) as one:
        one.assistant.add([tmp_path / "leave.txt"], collection="hr")
        one.assistant.add([tmp_path / "trip.txt"], collection="secret")
        assert httpx.post(f"{one.url}/mcp", json={}, trust_env=False, timeout=60).status_code == 401
        asks, reads = (
            one.assistant.store.keys.add("mcp", rights, collections=["hr"])[1] for rights in (["ask"], ["ask", "read"])
        )

        async def look(client):
            return [
                await client.call_tool("search", {"query": "출장비", "collection": "hr"}),
                await client.call_tool("search", {"query": "출장비", "collection": "secret"}),
                await client.call_tool("documents", {}),
                await client.call_tool("add", {"name": "a.txt", "text": "a", "collection": "hr"}),
            ]

        own, other, listed, added = asyncio.run(as_key(one.url, asks, look))
        assert {p["text"] for p in own.structured_content["passages"]} == {LEAVE}
        assert other.is_error
        assert listed.is_error
        assert added.is_error
        _, _, listed, added = asyncio.run(as_key(one.url, reads, look))
        assert [d["title"] for d in listed.structured_content["documents"]] == ["leave"]
        assert added.is_error
        writes = one.assistant.store.keys.add("mcp", ["ask", "write"], collections=["hr"])[1]
        *_, added = asyncio.run(as_key(one.url, writes, look))
        assert added.structured_content["status"] == "added"
        assert one.assistant.document(added.structured_content["document_id"]).collection == "hr"


def test_what_a_key_asks_here_goes_to_its_account(tmp_path: Path) -> None:
    (tmp_path / "leave.txt").write_text(LEAVE, "utf-8")
    with serving(tmp_path / "home", keys=True) as one:
        one.assistant.add([tmp_path / "leave.txt"])
        made, token = one.assistant.store.keys.add("mcp", ["ask", "read"], tokens_per_day=1)

        async def ask(client):
            first, again = [await client.call_tool("ask", {"question": QUESTION}) for _ in range(2)]
            return first, again, await client.call_tool("documents", {})

        first, again, listed = asyncio.run(as_key(one.url, token, ask))
        assert not first.is_error
        assert [(d.key_id, d.requests) for d in one.assistant.store.usage.days("")] == [(made.id, 1)]
        assert again.is_error
        assert "The day's 1 tokens of this key are used up." in again.content[0].text
        assert not listed.is_error


@pytest.mark.parametrize(("tool", "given"), [("ask", {"question": QUESTION}), ("add", {"name": "a.txt", "text": "a"})])
def test_a_call_under_way_does_not_hold_the_servers_end(tmp_path: Path, monkeypatch, tool: str, given: dict) -> None:
    monkeypatch.setattr(serve, "GRACE", 15)  # seconds; before them it is not cut off
    began, told = threading.Event(), []

    def held(*_) -> None:
        began.set()
        while not one.assistant.jobs.is_cancelled(""):  # until the library closes, which is after the server has ended
            time.sleep(0.02)
        raise Cancelled("Stopped.")

    class Silent(FakeChat):
        def stream(self, messages, **options):
            held()
            yield Delta("")

    async def call(client):
        return await client.call_tool(tool, given)

    def client() -> None:
        try:
            told.append(run(call, f"{one.url}/mcp"))
        except Exception as error:
            told.append(error)

    (tmp_path / "leave.txt").write_text(LEAVE, "utf-8")
    with serving(tmp_path / "home", Silent([""])) as one:
        one.assistant.add([tmp_path / "leave.txt"])
        one.assistant.jobs.serve("add", held, 1)
        caller = threading.Thread(target=client)
        caller.start()
        assert began.wait(60)
    caller.join(60)
    assert "Gakju is closing." in told[0].content[0].text


def test_nothing_waits_here_for_a_server_that_never_calls(library) -> None:
    for method in ("GET", "DELETE"):
        asked = httpx.request(
            method, f"{library.url}/mcp", headers={"accept": "text/event-stream"}, trust_env=False, timeout=60
        )
        assert (asked.status_code, asked.headers["allow"]) == (405, "POST")


def test_the_command_speaks_on_stdin_and_stdout(library) -> None:
    command = Path(sys.executable).with_name("gakju")
    where = StdioServerParameters(command=str(command), args=["mcp", "--server", library.url])

    async def work(client):
        listed = await client.call_tool("documents", {})
        answer = await client.call_tool("ask", {"question": QUESTION})
        added = await client.call_tool("add", {"name": "later.txt", "text": "나중에 온 문서."})
        assert library.assistant.document(added.structured_content["document_id"]).title == "later"
        return listed.structured_content["documents"], answer.structured_content["answer"]

    documents, answer = run(work, stdio_client(where))
    assert [d["title"] for d in documents[:2]] == ["leave", "trip"]  # other tests add theirs behind them
    assert answer == f"{SENTENCE} [1]"


def test_without_the_protocol_the_route_says_how_to_get_it(library, monkeypatch) -> None:
    from gakju.api import mcp

    monkeypatch.setattr(mcp, "find_spec", lambda _: None)
    lacking = httpx.post(f"{library.url}/mcp", json={}, trust_env=False, timeout=60)
    assert (lacking.status_code, lacking.json()["error"]["hint"]) == (501, "pip install 'gakju[mcp]'")


def test_the_protocol_costs_nothing_until_it_is_used(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys; from gakju.api import create; import gakju.cli; "
        "sys.exit('mcp.server' in sys.modules or 'mcp_types' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_assistant_in_process_is_a_source_too(tmp_path: Path) -> None:
    from gakju.integrations.mcp import server
    from gakju.integrations.source import InProcess

    (tmp_path / "leave.txt").write_text(LEAVE, "utf-8")
    with opened(tmp_path / "home") as assistant:
        assistant.add([tmp_path / "leave.txt"])
        tools = server(lambda _ctx, _right: InProcess(assistant))

        async def ask(client):
            return (await client.call_tool("ask", {"question": QUESTION})).structured_content["answer"]

        assert run(ask, tools) == REPLY
