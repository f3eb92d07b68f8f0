"""Gakju in Semantic Kernel: a chat service, embeddings, a text search, and a plugin that asks and searches.

    kernel.add_service(GakjuChatCompletion(url="http://127.0.0.1:8080"))
    kernel.add_plugin(GakjuPlugin(url="http://127.0.0.1:8080"), "gakju")

The services speak to a server, by Semantic Kernel's own OpenAI connectors; the search and the plugin also take an
`assistant=` in this process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from anyio import to_thread
from openai import AsyncOpenAI
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAITextEmbedding
from semantic_kernel.data.text_search import KernelSearchResults, SearchOptions, TextSearch, TextSearchResult
from semantic_kernel.functions import kernel_function

from gakju import wire
from gakju.assistant.cited import Cited
from gakju.integrations.source import DEFAULT, Source, finished, footnotes, source_of

if TYPE_CHECKING:
    from gakju.assistant import Assistant

NO_KEY = "none"
"""Sent where no key is set: the SDK would take one from the environment, and send it to this server."""


def _client(url: str, key: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{url.rstrip('/')}/v1", api_key=key or NO_KEY)


class GakjuChatCompletion(OpenAIChatCompletion):
    """Answers from the library as the model `gakju` or `gakju:COLLECTION`; any other model of the server, too.

    `metadata["gakju"]` of a message holds claims with verdicts and footnotes.
    """

    def __init__(self, *, url: str, key: str = "", model: str = "gakju", service_id: str | None = None) -> None:
        super().__init__(ai_model_id=model, service_id=service_id, async_client=_client(url, key))

    def _get_metadata_from_chat_response(self, response: Any) -> dict[str, Any]:
        return {**super()._get_metadata_from_chat_response(response), "gakju": getattr(response, "gakju", None)}

    def _get_metadata_from_streaming_chat_response(self, response: Any) -> dict[str, Any]:
        known = super()._get_metadata_from_streaming_chat_response(response)
        said = getattr(response, "gakju", None)
        return {**known, "gakju": said} if said else known


class GakjuTextEmbedding(OpenAITextEmbedding):
    """The server's embedder, which embeds texts as passages; `input_type="query"` in a call embeds a question."""

    def __init__(
        self,
        *,
        url: str,
        key: str = "",
        model: str = "embedded:multilingual-e5-small",
        service_id: str | None = None,
    ) -> None:
        super().__init__(ai_model_id=model, service_id=service_id, async_client=_client(url, key))

    async def generate_raw_embeddings(
        self,
        texts: list[str],
        settings: Any = None,
        batch_size: int | None = None,
        *,
        input_type: Literal["passage", "query"] = "passage",
        **kwargs: Any,
    ) -> Any:
        kwargs["extra_body"] = {**kwargs.get("extra_body", {}), "input_type": input_type}
        return await super().generate_raw_embeddings(texts, settings, batch_size, **kwargs)


class GakjuTextSearch(TextSearch):
    """Passages of the library: their text, or `TextSearchResult` with the document's title and a link to the page.

    `output_type="Any"` gives hits as /v1/search shows them, with boxes and scores.
    """

    def __init__(
        self, *, assistant: Assistant | None = None, url: str = "", key: str = "", collection: str = DEFAULT
    ) -> None:
        self._source: Source = source_of(assistant, url, key)
        self._site = url.rstrip("/")
        self._collection = collection

    async def search(self, query: str, output_type: Any = str, **kwargs: Any) -> KernelSearchResults[Any]:
        """`top` and `skip` as in SearchOptions, which may come whole as `options`."""
        given = kwargs.pop("options", None)
        options = given if isinstance(given, SearchOptions) else SearchOptions(**kwargs)
        hits = await to_thread.run_sync(
            lambda: self._source.search(query, options.top + options.skip, collection=self._collection)
        )
        chosen = hits[options.skip :]
        total = len(chosen) if options.include_total_count else None
        return KernelSearchResults(results=self._as(chosen, output_type), total_count=total)

    async def _as(self, hits: Sequence[wire.Json], output_type: Any) -> AsyncIterator[Any]:
        for hit in hits:
            if output_type is str:
                yield hit["text"]
            elif output_type is TextSearchResult:
                yield TextSearchResult(name=_place(hit), value=hit["text"], link=self._link(hit))
            else:
                yield hit

    def _link(self, hit: wire.Json) -> str:
        return f"{self._site}/v1/documents/{hit['document']['id']}/pages/{hit['page']}"


class GakjuPlugin:
    """Two functions for a kernel: `ask` gives an answer with its footnotes, `search` passages."""

    def __init__(
        self, *, assistant: Assistant | None = None, url: str = "", key: str = "", collection: str = DEFAULT
    ) -> None:
        self._source: Source = source_of(assistant, url, key)
        self._collection = collection

    @kernel_function(description="An answer from the user's own documents, with [n] marks and footnotes below.")
    async def ask(self, question: Annotated[str, "What is asked, as a whole sentence."]) -> str:
        return await to_thread.run_sync(self._answer, question)

    @kernel_function(description="Passages of the user's own documents that match, best first.")
    async def search(
        self, query: Annotated[str, "What is looked for."], top: Annotated[int, "How many passages."] = 5
    ) -> str:
        hits = await to_thread.run_sync(lambda: self._source.search(query, top, collection=self._collection))
        return "\n\n".join(f"{_place(hit)}\n{hit['text']}" for hit in hits)

    def _answer(self, question: str) -> str:
        cited = Cited()
        for step in self._source.ask(question, collection=self._collection):
            cited.take(step)
        finished(cited)
        notes = [f"[{n['number']}] {n['title']}, p. {n['page']}: {n['quote']}" for n in footnotes(cited)]
        return "\n".join([cited.text, *notes])


def _place(hit: wire.Json) -> str:
    return f"{hit['document']['title']}, p. {hit['page']}"


__all__ = ["GakjuChatCompletion", "GakjuPlugin", "GakjuTextEmbedding", "GakjuTextSearch"]
