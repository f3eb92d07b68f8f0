"""Chat models and embedders by name: `provider:model`.

embedded:NAME        a model of the catalogue, run on this machine
embedded:NAME+TUNED  the same with an adapter that was trained for it
openai:MODEL         OpenAI
azure:DEPLOYMENT     your Azure OpenAI resource
http(s)://HOST/v1#M  model M of any server with an OpenAI-compatible API
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache as once
from pathlib import Path
from typing import TypedDict, Unpack

import httpx

from gakju.errors import NetworkError, UnknownModel, UsageError
from gakju.http import is_loopback
from gakju.models import catalog, fetch
from gakju.models.adapters import Adapters
from gakju.models.catalog import Entry
from gakju.models.engine import Engines
from gakju.models.remote import OPENAI_URL, Host, RemoteEmbedder
from gakju.protocols import ChatModel, Embedder

HOSTED_CONTEXT = 128_000
"""Tokens; what OpenAI's current chat models take at least."""
ENTAILMENT = "multilingual-e5-small"
"""Whose published weights the entailment model changes."""
AZURE_VERSION = "2024-10-21"

__all__ = ["Engines", "Hosts", "open_chat", "open_embedder", "open_entailment", "open_host"]


class Hosts(TypedDict, total=False):
    """What models on other machines need. `seconds` of silence, then `retries` with jitter before an answer begins."""

    openai_key: str
    azure_key: str
    azure_endpoint: str
    azure_api_version: str
    offline: bool
    seconds: float
    retries: int


def open_chat(
    name: str,
    *,
    root: Path,
    engines: Engines,
    threads: int = 0,
    context: int = 8192,
    slots: int = 2,
    queue: int = 32,
    **hosts: Unpack[Hosts],
) -> ChatModel:
    """The chat model of that name; nothing is loaded or contacted before its first use.

    `root` is the folder of model files. `context` tokens for embedded models and servers by URL. Raises
    UsageError or UnknownModel for a name that means nothing, ModelMissing, NetworkError when offline.
    """
    from gakju.models.chat import EmbeddedChat, OpenAIChat
    from gakju.models.raw import HostedModel

    provider, model = _parse(name, "chat")
    if provider == "embedded":
        base, tuned, adapter = model.partition("+")
        entry, shelf = _entry(base, "chat"), Adapters(root)
        weights = fetch.require(entry, root)

        def meant() -> str:
            return shelf.find(base, adapter).id if tuned else ""

        meant()
        limits = {"context": min(context, entry.context), "threads": threads, "slots": slots, "queue": queue}
        return EmbeddedChat(name, engines.get(weights, **limits, adapters=lambda: shelf.of(base)), meant)
    host = _host(provider, name, hosts)
    return OpenAIChat(
        name,
        once(host.client),
        model,
        context if provider == "url" else HOSTED_CONTEXT,
        limit_name="max_completion_tokens" if provider == "openai" else "max_tokens",
        raw=HostedModel(name, model, host),
    )


def open_embedder(name: str, *, root: Path, cache: Path, threads: int = 0, **hosts: Unpack[Hosts]) -> Embedder:
    """The embedder of that name, as `open_chat`. `cache` is a folder for what can be made again."""
    provider, model = _parse(name, "embed")
    if provider == "embedded":
        from gakju.models.embed import E5

        entry = _entry(model, "embed")
        # Looked for at the first text: listing, deleting and searching by words need no model.
        return E5(lambda: fetch.require(entry, root), cache, threads)
    connect = once(_host(provider, name, hosts).client)
    known = catalog.known_server_model(model)
    if known is None:
        return RemoteEmbedder(name, connect, model)
    return RemoteEmbedder(name, connect, model, query_prefix=known.query, passage_prefix=known.passage)


def open_entailment(
    *, root: Path, cache: Path, threads: int = 0
) -> Callable[[str, str, str], tuple[float, float, float]]:
    """(claim, premise, question) to the probabilities of entailed, neutral and denied.

    Nothing is loaded before the first call, which raises ModelMissing where the embedded embedder's file is not here.
    """
    from gakju.models.entailment import Entailment

    return Entailment(lambda: fetch.require(_entry(ENTAILMENT, "embed"), root), cache, threads).entailed


def open_host(name: str, **hosts: Unpack[Hosts]) -> tuple[Host, str]:
    """The server of a model on another machine, for more than answers, and what it calls the model.

    Raises as `open_chat`, and UsageError for a model of this machine.
    """
    provider, model = _parse(name, "chat")
    if provider == "embedded":
        raise UsageError(f"{name} is no model of another machine.", hint="Write openai:MODEL or azure:MODEL.")
    return _host(provider, name, hosts), model


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


def _host(provider: str, name: str, hosts: Hosts) -> Host:
    offline, key, version = hosts.get("offline", False), "", ""
    if provider == "azure":
        url, key = hosts.get("azure_endpoint", ""), hosts.get("azure_key", "")
        version = hosts.get("azure_api_version") or AZURE_VERSION
        if not url:
            raise UsageError(f"{name} needs an endpoint.", hint="Set GAKJU_AZURE_ENDPOINT and GAKJU_AZURE_API_KEY.")
    elif provider == "openai":
        url, key = OPENAI_URL, hosts.get("openai_key", "")
        if not key:
            raise UsageError(f"{name} needs a key.", hint="Set GAKJU_OPENAI_API_KEY.")
    else:  # OpenAI's key goes to OpenAI only.
        url = str(httpx.URL(name).copy_with(fragment=None))
    if offline and not is_loopback(url):
        raise NetworkError(
            f"{name} is not on this machine, and Gakju is offline.",
            hint="Choose an `embedded:` model, or set GAKJU_OFFLINE=false.",
        )
    return Host(url, key, offline, hosts.get("seconds", 120.0), hosts.get("retries", 2), version)
