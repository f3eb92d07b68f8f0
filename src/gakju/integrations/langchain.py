"""Gakju in LangChain: a chat model that answers from your documents, a retriever, embeddings.

    ChatGakju(url="http://127.0.0.1:8080").invoke("연차휴가는 며칠인가요?")

Each takes `assistant=Assistant.open()` or `url=` and `key=` of a server, else GAKJU_SERVER and GAKJU_KEY.
For tools, and for models without the library, use LangChain's own ChatOpenAI with `base_url="…/v1"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.retrievers import BaseRetriever
from pydantic import BaseModel, Field, SecretStr

from gakju import wire
from gakju.assistant.cited import Cited
from gakju.errors import UsageError
from gakju.integrations.source import DEFAULT, Embedding, check_one, finished, footnotes, source_of
from gakju.types import Message

_MARKS = re.compile(r"[ \t]?(?:\[\d+\])+")
_ROLES = {"human": "user", "ai": "assistant"}


class _Connected(BaseModel):
    """Where the library is: exactly one of `assistant` and `url`."""

    assistant: Any = Field(default=None, exclude=True, repr=False)
    url: str = ""
    key: SecretStr = SecretStr("")
    collection: str = DEFAULT

    def model_post_init(self, context: Any, /) -> None:
        """Raises UsageError where nothing names a Gakju."""
        super().model_post_init(context)
        if self.assistant is None and not self.url:
            from gakju.settings import load

            settings = load()
            self.url = settings.server
            self.key = self.key if self.key.get_secret_value() else settings.key
        check_one(self.assistant, self.url)

    @cached_property
    def _source(self) -> Embedding:
        """Made at its first use, which for a server loads certificates."""
        return source_of(self.assistant, self.url, self.key.get_secret_value())


class ChatGakju(_Connected, BaseChatModel):
    """Answers the last human message from the library; earlier turns help to understand it.

    The text has `[n]` marks. `response_metadata` holds what they stand for (`footnotes`: document, page, quote,
    boxes), every sentence with its verdict (`claims`), and `refused`. System messages change nothing.
    """

    model: str = ""
    """Who writes, as `provider:model`; Gakju's own setting where empty."""
    stop: list[str] | None = None

    @property
    def _llm_type(self) -> str:
        return "gakju"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"url": self.url, "collection": self.collection, "model": self.model}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        named = {"ls_provider": "gakju", "ls_model_name": kwargs.get("model") or self.model or "gakju"}
        return {**super()._get_ls_params(stop=stop, **kwargs), **named}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """A chunk a sentence, then one with usage and footnotes. Closing it stops the model."""
        question, history = _asked(messages)
        model = kwargs.get("model") or self.model
        steps = self._source.ask(question, collection=self.collection, model=model, history=history)
        cited, ends = Cited(), stop or self.stop or []
        try:
            sent = 0
            for step in steps:
                cited.take(step)
                text, ended = _until(cited.text, ends)
                if len(text) > sent:
                    piece, sent = text[sent:], len(text)
                    chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                    if run_manager:
                        run_manager.on_llm_new_token(piece, chunk=chunk)
                    yield chunk
                if ended and cited.answer is not None:
                    break
        finally:
            if close := getattr(steps, "close", None):
                close()
        yield ChatGenerationChunk(message=_last(cited, model))


def _asked(messages: Sequence[BaseMessage]) -> tuple[str, list[Message]]:
    turns = [(_ROLES[m.type], str(m.text).strip()) for m in messages if m.type in _ROLES]
    asked = max((i for i, (role, text) in enumerate(turns) if role == "user" and text), default=-1)
    if asked < 0:
        raise UsageError("There is no human message to answer.", hint="Send a question.")
    history = [Message(role, _MARKS.sub("", text)) for role, text in turns[:asked] if text]  # type: ignore[arg-type]
    return turns[asked][1], history


def _until(text: str, ends: Sequence[str]) -> tuple[str, bool]:
    """`text` before the first of `ends`, and whether one was there."""
    found = [at for end in ends if end and (at := text.find(end)) >= 0]
    return (text[: min(found)], True) if found else (text, False)


def _last(cited: Cited, model: str) -> AIMessageChunk:
    answer = finished(cited)
    used = answer.usage
    return AIMessageChunk(
        content="",
        usage_metadata={
            "input_tokens": used.prompt_tokens,
            "output_tokens": used.completion_tokens,
            "total_tokens": sum(used),
        },
        response_metadata={
            "model_name": answer.model or model or "gakju",
            "model_provider": "gakju",
            "refused": answer.refused,
            "footnotes": footnotes(cited),
            "claims": [{"text": c.text, "verdict": c.verdict, "score": c.score} for c in answer.claims],
        },
        chunk_position="last",
    )


class GakjuRetriever(_Connected, BaseRetriever):
    """Chunks of the library as documents, best first; metadata names page, boxes, score and document."""

    k: int = 8

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return [_document(hit) for hit in self._source.search(query, k or self.k, collection=self.collection)]


def _document(hit: wire.Json) -> Document:
    found = hit["document"]
    return Document(
        id=hit["chunk_id"],
        page_content=hit["text"],
        metadata={
            "document_id": found["id"],
            "title": found["title"],
            "source": found["path"],
            "page": hit["page"],
            "boxes": hit["boxes"],
            "headings": hit["headings"],
            "score": hit["score"],
        },
    )


class GakjuEmbeddings(_Connected, Embeddings):
    """Gakju's embedder, which embeds questions and passages differently. Vectors have length 1."""

    model: str = "embedded:multilingual-e5-small"
    """What the server calls its embedder; an assistant in this process has its own."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._source.embed(texts, model=self.model)

    def embed_query(self, text: str) -> list[float]:
        return self._source.embed([text], query=True, model=self.model)[0]


__all__ = ["ChatGakju", "GakjuEmbeddings", "GakjuRetriever"]
