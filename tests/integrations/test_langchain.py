"""LangChain's standard suites over Gakju, in this process and behind a port, and what they do not ask for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from need import need

need("langchain_core", "langchain")
need("langchain_tests", "langchain] 'langchain-tests==1.1.9")

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnablePassthrough
from langchain_tests.integration_tests import (
    ChatModelIntegrationTests,
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
)
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from gakju.errors import UsageError
from gakju.integrations.langchain import ChatGakju, GakjuEmbeddings, GakjuRetriever

QUESTION = "연차휴가는 며칠인가?"
SENTENCE = "연차휴가는 15일이다."


class Chat:
    """What both suites of chat models are told."""

    where: dict[str, Any]

    @property
    def chat_model_class(self):
        return ChatGakju

    @property
    def chat_model_params(self):
        return self.where

    @property
    def has_tool_calling(self):
        return False  # the library answers; for tools there is ChatOpenAI with Gakju's address

    @property
    def has_structured_output(self):
        return False

    @property
    def supports_model_override(self):
        return False


@pytest.fixture(scope="class", params=["url", "assistant"])
def where(request, library):
    request.cls.where = {"url": library.url} if request.param == "url" else {"assistant": library.assistant}


@pytest.mark.usefixtures("where")
class TestChatUnit(Chat, ChatModelUnitTests):
    @property
    def init_from_env_params(self):
        return (
            {"GAKJU_SERVER": "http://127.0.0.1:9", "GAKJU_KEY": "gk-secret"},
            {},
            {"url": "http://127.0.0.1:9", "key": "gk-secret"},
        )


@pytest.mark.usefixtures("where")
class TestChat(Chat, ChatModelIntegrationTests):
    pass


class Embeds:
    where: dict[str, Any]

    @property
    def embeddings_class(self):
        return GakjuEmbeddings

    @property
    def embedding_model_params(self):
        return self.where


@pytest.mark.usefixtures("where")
class TestEmbeddingsUnit(Embeds, EmbeddingsUnitTests):
    @property
    def init_from_env_params(self):
        return ({"GAKJU_SERVER": "http://127.0.0.1:9"}, {}, {"url": "http://127.0.0.1:9"})


@pytest.mark.usefixtures("where")
class TestEmbeddings(Embeds, EmbeddingsIntegrationTests):
    pass


@pytest.mark.usefixtures("where")
class TestRetriever(RetrieversIntegrationTests):
    where: dict[str, Any]

    @property
    def retriever_constructor(self):
        return GakjuRetriever

    @property
    def retriever_constructor_params(self):
        return self.where

    @property
    def retriever_query_example(self):
        return "연차휴가 출장비 영수증"

    @pytest.fixture(autouse=True)
    def enough(self, library, tmp_path_factory) -> None:
        """The suite asks for three passages."""
        if len(library.assistant.documents()) < 3:
            more = tmp_path_factory.mktemp("more") / "gym.txt"
            more.write_text("체육관은 밤 10시에 닫는다.", "utf-8")
            library.assistant.add([more])


@pytest.fixture(params=["url", "assistant"])
def chat(request, library) -> ChatGakju:
    return ChatGakju(**({"url": library.url} if request.param == "url" else {"assistant": library.assistant}))


def test_an_answer_has_marks_and_what_they_stand_for(chat: ChatGakju, library) -> None:
    said = chat.invoke(QUESTION)
    assert said.text == f"{SENTENCE} [1]"
    (note,) = said.response_metadata["footnotes"]
    assert (note["number"], note["title"], note["page"], note["quote"]) == (1, "leave", 1, SENTENCE)
    page = library.assistant.page(note["document_id"], note["page"])
    assert page.text[note["start"] : note["end"]] == note["quote"]
    assert [(c["text"], c["verdict"]) for c in said.response_metadata["claims"]] == [(SENTENCE, "supported")]
    assert said.response_metadata["refused"] is False
    used = said.usage_metadata
    assert used["total_tokens"] == used["input_tokens"] + used["output_tokens"] > 0


def test_earlier_turns_go_along_without_marks(chat: ChatGakju, library) -> None:
    turns = [
        SystemMessage("Be brief."),
        HumanMessage(QUESTION),
        AIMessage(f"{SENTENCE} [1]"),
        HumanMessage("넘길 수 있는가?"),
    ]
    chat.invoke(turns)
    asked = library.chat.calls[-1].messages
    assert [(m.role, m.content) for m in asked[1:3]] == [("user", QUESTION), ("assistant", SENTENCE)]


def test_stop_cuts_the_text_and_keeps_the_footnotes(chat: ChatGakju) -> None:
    said = chat.invoke(QUESTION, stop=["15"])
    assert said.text == "연차휴가는 "
    assert said.usage_metadata["total_tokens"] > 0


def test_a_retriever_tells_the_place(library) -> None:
    (found,) = GakjuRetriever(url=library.url, k=1).invoke("출장비는 하루 얼마인가")
    assert found.metadata["title"] == "trip"
    assert (found.metadata["page"], found.metadata["boxes"]) == (1, [])
    assert 0 <= found.metadata["score"] <= 1
    assert found.id


def test_questions_and_passages_are_embedded_differently_and_alike_on_both_ways(library) -> None:
    there, here = GakjuEmbeddings(url=library.url), GakjuEmbeddings(assistant=library.assistant)
    assert there.embed_query("휴가") == pytest.approx(here.embed_query("휴가"), abs=1e-6)
    assert there.embed_documents(["휴가", "출장"]) == [
        pytest.approx(v, abs=1e-6) for v in here.embed_documents(["휴가", "출장"])
    ]


def test_a_chain_of_both_and_the_async_side(library) -> None:
    chain = {"context": GakjuRetriever(url=library.url), "question": RunnablePassthrough()} | RunnablePassthrough()
    assert chain.invoke(QUESTION)["context"][0].page_content

    async def pieces() -> list[str]:
        return [c.text async for c in ChatGakju(url=library.url).astream(QUESTION)]

    assert "".join(asyncio.run(pieces())) == f"{SENTENCE} [1]"


def test_without_a_gakju_nothing_is_made(monkeypatch) -> None:
    monkeypatch.delenv("GAKJU_SERVER", raising=False)
    with pytest.raises(UsageError, match="url="):
        ChatGakju()
    with pytest.raises(UsageError):
        ChatGakju(assistant=object(), url="http://127.0.0.1:9")
