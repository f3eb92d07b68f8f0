"""Semantic Kernel's services, search and plugin over Gakju, in this process and behind a port."""

from __future__ import annotations

import asyncio

import pytest
from need import need

need("semantic_kernel", "semantic-kernel")

from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.open_ai import OpenAIChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory
from semantic_kernel.data.text_search import TextSearchResult

from fronts import TRIP
from gakju.integrations.semantic_kernel import (
    GakjuChatCompletion,
    GakjuPlugin,
    GakjuTextEmbedding,
    GakjuTextSearch,
)

QUESTION = "연차휴가는 며칠인가?"
SENTENCE = "연차휴가는 15일이다."


@pytest.fixture(params=["url", "assistant"])
def where(request, library) -> dict:
    return {"url": library.url} if request.param == "url" else {"assistant": library.assistant}


def test_the_chat_service_answers_with_marks_and_footnotes(library) -> None:
    async def ask():
        kernel = Kernel()
        kernel.add_service(GakjuChatCompletion(url=library.url))
        chat = kernel.get_service(type=GakjuChatCompletion)
        history = ChatHistory()
        history.add_user_message(QUESTION)
        settings = OpenAIChatPromptExecutionSettings()
        said = await chat.get_chat_message_content(history, settings)
        pieces = [p async for p in chat.get_streaming_chat_message_content(history, settings)]
        return said, pieces, await kernel.invoke_prompt(QUESTION)

    said, pieces, prompted = asyncio.run(ask())
    assert said.content == f"{SENTENCE} [1]"
    assert said.metadata["gakju"]["claims"][0]["verdict"] == "supported"
    assert "".join(p.content or "" for p in pieces) == said.content
    assert any(p.metadata.get("gakju") for p in pieces)
    assert str(prompted) == said.content


def test_embeddings_are_the_librarys(library) -> None:
    async def embed():
        service = GakjuTextEmbedding(url=library.url)
        passages = await service.generate_embeddings(["휴가", "출장"])
        return passages, await service.generate_raw_embeddings(["휴가"], input_type="query")

    passages, questions = asyncio.run(embed())
    embedder = library.assistant.parts.embedder
    assert passages == pytest.approx(embedder.embed_passages(["휴가", "출장"]), abs=1e-6)
    assert questions[0] == pytest.approx(embedder.embed_queries(["휴가"])[0], abs=1e-6)


def test_text_search_gives_texts_places_and_hits(where) -> None:
    async def look():
        search = GakjuTextSearch(**where)
        found = []
        for kind in (str, TextSearchResult, "Any"):
            results = await search.search("출장비는 하루 얼마인가", kind, top=1, include_total_count=True)
            found.append(([r async for r in results.results], results.total_count))
        skipped = await search.search("출장비는 하루 얼마인가", top=1, skip=1)
        return found, [r async for r in skipped.results]

    ((texts, total), (places, _), (hits, _)), skipped = asyncio.run(look())
    assert (texts, total) == ([TRIP], 1)
    assert (places[0].name, places[0].value) == ("trip, p. 1", TRIP)
    assert places[0].link.endswith(f"/v1/documents/{hits[0]['document']['id']}/pages/1")
    assert len(skipped) == 1
    assert skipped != texts


def test_a_search_function_of_the_kernel(where) -> None:
    async def call():
        kernel = Kernel()
        function = GakjuTextSearch(**where).create_search_function(top=1)
        kernel.add_function("library", function)
        return await kernel.invoke(function, query="출장비는 하루 얼마인가")

    assert TRIP in str(asyncio.run(call()))


def test_the_plugin_asks_and_searches(where) -> None:
    async def call():
        kernel = Kernel()
        plugin = kernel.add_plugin(GakjuPlugin(**where), "gakju")
        answer = await kernel.invoke(plugin["ask"], question=QUESTION)
        return str(answer), str(await kernel.invoke(plugin["search"], query="출장비는 하루 얼마인가", top=1))

    answer, passages = asyncio.run(call())
    assert answer == f"{SENTENCE} [1]\n[1] leave, p. 1: {SENTENCE}"
    assert passages == f"trip, p. 1\n{TRIP}"
