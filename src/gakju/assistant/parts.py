"""What the assistant is made of, from settings: each part is made at first use, once, and shared."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from gakju.assistant import keychain
from gakju.assistant.blobs import Blobs
from gakju.protocols import ChatModel, Embedder, Verifier
from gakju.settings import Settings

if TYPE_CHECKING:  # Each of these is imported when it is first needed: start-up is felt by everyone.
    from gakju.chunk import Chunker
    from gakju.index import Index
    from gakju.models import Engines, Hosts
    from gakju.models.remote import Host
    from gakju.read import DocumentReader
    from gakju.retrieve import Retriever
    from gakju.text.lexicon import Lexicon
    from gakju.text.morphemes import Morphemes

T = TypeVar("T")


class Provider(Protocol):
    """Chat models that are made of others."""

    def names(self) -> list[str]: ...

    def open(self, name: str) -> ChatModel:
        """Raises UnknownModel."""
        ...

    def without_library(self) -> Provider:
        """Only those whose answers hold nothing of the documents."""
        ...


class Parts:
    """Thread-safe. A part may be given instead of made: `Parts(settings, embedder=FakeEmbedder())`."""

    def __init__(self, settings: Settings, **given: object) -> None:
        self.settings = settings
        self.blobs = Blobs(settings.blobs, settings.read_bytes)
        self.held: Callable[[str], bool] = lambda _digest: False
        """Whether an original is wanted though no document has it."""
        self.lexicon: Callable[[str | None], Lexicon | None] = lambda _collection: None
        """The reader's own words of a collection, of all where it is None."""
        self.providers: dict[str, Provider] = {}
        """Models of layers above, by what stands before the colon of their names."""
        self._made: dict[str, object] = dict(given)
        self._lock = threading.RLock()

    def close(self) -> None:
        """Stop worker processes and release files."""
        with self._lock:
            made, self._made = self._made, {}
        for part in made.values():
            for end in ("close", "stop"):
                if callable(stop := getattr(part, end, None)):
                    stop()

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]  # type: ignore[return-value]

    @property
    def threads(self) -> int:
        return self.settings.threads or len(os.sched_getaffinity(0))

    @property
    def fingerprint(self) -> dict[str, str]:
        """Whatever changes the meaning of the library on disk."""
        from gakju.read import DocumentReader
        from gakju.text.morphemes import Morphemes

        return {
            "reader": DocumentReader.version,
            "chunker": f"{self.chunker.version}/{self.settings.chunk_tokens}",
            "analyzer": Morphemes.version,
            "embedder": self.embedder.name,
        }

    @property
    def index(self) -> Index:
        def make() -> Index:
            from gakju.index import Index

            return Index(self.settings.library, self.fingerprint, self.embedder.dimensions)

        return self._once("index", make)

    @property
    def reader(self) -> DocumentReader:
        def make() -> DocumentReader:
            from gakju.read import DocumentReader, Limits

            s = self.settings
            limits = Limits(s.read_seconds, s.read_memory_mb, s.read_pages, s.read_bytes)
            return DocumentReader(limits, s.ocr_languages, s.readers or max(1, self.threads - 1))

        return self._once("reader", make)

    @property
    def morphemes(self) -> Morphemes:
        def make() -> Morphemes:
            from gakju.text.morphemes import Morphemes

            return Morphemes()

        return self._once("morphemes", make)

    @property
    def embedder(self) -> Embedder:
        """Its weights load at the first text, not here."""

        def make() -> Embedder:
            from gakju.models import open_embedder

            s = self.settings
            return open_embedder(
                s.embedder, root=s.models, cache=s.models / "cache", threads=self.threads, **self._hosts
            )

        return self._once("embedder", make)

    @property
    def chunker(self) -> Chunker:
        from gakju.chunk import Chunker

        return Chunker(self.embedder.count_tokens, self.settings.chunk_tokens)

    @property
    def retriever(self) -> Retriever:
        def make() -> Retriever:
            from gakju.retrieve import Retriever

            return Retriever(self.index, self.embedder, self.morphemes, self.lexicon)

        return self._once("retriever", make)

    @property
    def verifier(self) -> Verifier:
        def make() -> Verifier:
            from gakju.verify import JudgeVerifier, LocalVerifier

            s = self.settings
            if s.verifier != "local":
                return JudgeVerifier(self.chat(s.verifier), self.morphemes)
            from gakju.models import open_entailment

            entails = open_entailment(root=s.models, cache=s.models / "cache", threads=self.threads)
            return LocalVerifier(self.morphemes, entails)

        return self._once("verifier", make)

    def chat(self, name: str = "") -> ChatModel:
        """The chat model called `name`, or the default one. Raises NotFound, ModelMissing."""
        s = self.settings
        name = name or s.chat_model
        provider, _, rest = name.partition(":")
        if provider in self.providers:
            return self.providers[provider].open(rest)

        def make() -> ChatModel:
            from gakju.models import open_chat

            return open_chat(
                name,
                root=s.models,
                engines=self.engines,
                threads=self.threads,
                context=s.context,
                slots=s.slots,
                queue=s.queue,
                **self._hosts,
            )

        return self._once(f"chat/{name}", make)

    def host(self, name: str) -> tuple[Host, str]:
        """The server behind a model of another machine; see `open_host`."""
        from gakju.models import open_host

        return open_host(name, **self._hosts)

    def close_chat(self, name: str) -> None:
        """Forget a chat model: the next use makes it anew. What answers with it now goes on."""
        with self._lock:
            self._made.pop(f"chat/{name}", None)

    def close_hosted(self) -> None:
        """Forget the models of other machines, since their keys or addresses have changed."""
        with self._lock:
            for name in [n for n in self._made if n.startswith(("chat/openai:", "chat/azure:", "chat/http"))]:
                del self._made[name]

    def opened(self, name: str) -> ChatModel | None:
        """What `chat` has made under that name; waits for nothing."""
        return self._made.get(f"chat/{name}")  # type: ignore[return-value]

    @property
    def engines(self) -> Engines:
        def make() -> Engines:
            from gakju.models import Engines

            return Engines()

        return self._once("engines", make)

    @property
    def _hosts(self) -> Hosts:
        s = self.settings
        return {
            "openai_key": keychain.key(s.openai_api_key.get_secret_value()),
            "azure_key": keychain.key(s.azure_api_key.get_secret_value()),
            "azure_endpoint": s.azure_endpoint,
            "azure_api_version": s.azure_api_version,
            "offline": s.offline,
            "seconds": s.model_seconds,
            "retries": s.model_retries,
        }
