"""Chat models and embedders by name: `provider:model`.

embedded:NAME        a model of the catalogue, run on this machine
openai:MODEL         OpenAI
azure:DEPLOYMENT     your Azure OpenAI resource
http(s)://HOST/v1#M  model M of any server with an OpenAI-compatible API
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from gakju.errors import NetworkError, UnknownModel, UsageError
from gakju.http import is_loopback
from gakju.models import catalog, fetch
from gakju.models.catalog import Entry
from gakju.models.engine import Engines
from gakju.models.remote import OPENAI_URL, RemoteEmbedder, azure_client, openai_client
from gakju.protocols import ChatModel, Embedder

if TYPE_CHECKING:
    import openai

HOSTED_CONTEXT = 128_000
"""Tokens; what OpenAI's current chat models take at least."""

__all__ = ["Engines", "open_chat", "open_embedder"]


def open_chat(
    name: str,
    *,
    root: Path,
    engines: Engines,
    threads: int = 0,
    context: int = 8192,
    openai_key: str = "",
    azure_key: str = "",
    azure_endpoint: str = "",
    azure_api_version: str = "2024-10-21",
    offline: bool = False,
) -> ChatModel:
    """The chat model of that name; nothing is loaded or contacted before its first use.

    `root` is the folder of model files. `context` tokens for embedded models and servers by URL. Raises
    UsageError or UnknownModel for a name that means nothing, ModelMissing, NetworkError when offline.
    """
    from gakju.models.chat import EmbeddedChat, OpenAIChat

    provider, model = _parse(name, "chat")
    if provider == "embedded":
        entry = _entry(model, "chat")
        weights = fetch.require(entry, root)
        return EmbeddedChat(name, engines.get(weights, context=min(context, entry.context), threads=threads))
    connect = _connector(
        provider,
        name,
        openai_key=openai_key,
        azure_key=azure_key,
        azure_endpoint=azure_endpoint,
        azure_api_version=azure_api_version,
        offline=offline,
    )
    if provider == "url":
        return OpenAIChat(name, connect, model, context)
    limit_name = "max_completion_tokens" if provider == "openai" else "max_tokens"
    return OpenAIChat(name, connect, model, HOSTED_CONTEXT, limit_name=limit_name)


def open_embedder(
    name: str,
    *,
    root: Path,
    cache: Path,
    threads: int = 0,
    openai_key: str = "",
    azure_key: str = "",
    azure_endpoint: str = "",
    azure_api_version: str = "2024-10-21",
    offline: bool = False,
) -> Embedder:
    """The embedder of that name, as `open_chat`. `cache` is a folder for what can be made again."""
    provider, model = _parse(name, "embed")
    if provider == "embedded":
        from gakju.models.embed import E5

        entry = _entry(model, "embed")
        # Looked for at the first text: listing, deleting and searching by words need no model.
        return E5(lambda: fetch.require(entry, root), cache, threads)
    connect = _connector(
        provider,
        name,
        openai_key=openai_key,
        azure_key=azure_key,
        azure_endpoint=azure_endpoint,
        azure_api_version=azure_api_version,
        offline=offline,
    )
    return RemoteEmbedder(name, connect, model)


def _parse(name: str, kind: str) -> tuple[str, str]:
    """(provider, model); the provider is "url" for a server's address."""
    if name.startswith(("http://", "https://")):
        model = httpx.URL(name).fragment
        if not model:
            raise UsageError(f"{name} names a server but no model.", hint="Write http://host/v1#model.")
        return "url", model
    provider, _, model = name.partition(":")
    if provider not in ("embedded", "openai", "azure") or not model:
        here = ", ".join(f"embedded:{e.name}" for e in catalog.entries() if e.kind == kind)
        raise UnknownModel(
            f"{name!r} is no model.", hint=f"Possible are {here}, openai:NAME, azure:DEPLOYMENT, http://host/v1#NAME."
        )
    return provider, model


def _entry(model: str, kind: str) -> Entry:
    entry = catalog.entry(model)
    if entry.kind != kind:
        fitting = ", ".join(e.name for e in catalog.entries() if e.kind == kind)
        use = "chat" if kind == "chat" else "embedding"
        raise UnknownModel(f"{model} is no {use} model.", hint=f"There are: {fitting}.", name=model)
    return entry


def _connector(
    provider: str,
    name: str,
    *,
    openai_key: str,
    azure_key: str,
    azure_endpoint: str,
    azure_api_version: str,
    offline: bool,
) -> Callable[[], openai.OpenAI]:
    """A function that gives the SDK's client, made once at first use."""
    url = str(httpx.URL(name).copy_with(fragment=None)) if provider == "url" else OPENAI_URL
    if provider == "azure":
        url = azure_endpoint
        if not (azure_key and azure_endpoint):
            raise UsageError(
                f"{name} needs a key and an endpoint.", hint="Set GAKJU_AZURE_API_KEY and GAKJU_AZURE_ENDPOINT."
            )
    if provider == "openai" and not openai_key:
        raise UsageError(f"{name} needs a key.", hint="Set GAKJU_OPENAI_API_KEY.")
    if offline and not is_loopback(url):
        raise NetworkError(
            f"{name} is not on this machine, and Gakju is offline.",
            hint="Choose an `embedded:` model, or set GAKJU_OFFLINE=false.",
        )

    def make() -> openai.OpenAI:
        if provider == "azure":
            return azure_client(azure_endpoint, azure_key, azure_api_version, offline=offline)
        # OpenAI's key goes to OpenAI only.
        return openai_client(url, openai_key if provider == "openai" else "", offline=offline)

    made: list[openai.OpenAI] = []

    def connect() -> openai.OpenAI:
        if not made:
            made.append(make())
        return made[0]

    return connect
