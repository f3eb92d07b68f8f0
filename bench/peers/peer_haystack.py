"""Haystack: PyPDFToDocument, DocumentSplitter, InMemoryDocumentStore with BM25 and embeddings, DocumentJoiner (RRF)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import sets
from haystack import Document, Pipeline
from haystack.components.converters import PyPDFToDocument
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.utils import ComponentDevice
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)

VARIANTS = ("haystack",)


class Peer:
    def __init__(self, weights: str, variant: str) -> None:
        cpu = ComponentDevice.from_str("cpu")
        self._weights, self._variant, self._cpu = weights, variant, cpu
        self._store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        self._splitter = DocumentSplitter()
        self._embedder = SentenceTransformersDocumentEmbedder(
            model=weights, prefix="passage: ", device=cpu, progress_bar=False
        )
        self._splitter.warm_up()
        self._embedder.warm_up()

    def read(self, path: Path) -> list[Document]:
        return PyPDFToDocument().run(sources=[path])["documents"]

    def documents(self, entries: Iterable[sets.Entry]) -> list[Document]:
        return [Document(content=entry.text, meta={"source": entry.id}) for entry in entries]

    def add(self, documents: list[Document]) -> int:
        chunks = self._embedder.run(self._splitter.run(documents)["documents"])["documents"]
        self._store.write_documents(chunks)
        return len(chunks)

    def ready(self, candidates: int) -> dict[str, Callable[[str], list[str]]]:
        pipeline = Pipeline()
        embedder = SentenceTransformersTextEmbedder(
            model=self._weights, prefix="query: ", device=self._cpu, progress_bar=False
        )
        pipeline.add_component("embedder", embedder)
        pipeline.add_component("dense", InMemoryEmbeddingRetriever(self._store, top_k=candidates))
        pipeline.add_component("words", InMemoryBM25Retriever(self._store, top_k=candidates))
        pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        pipeline.connect("embedder.embedding", "dense.query_embedding")
        pipeline.connect("dense", "joiner")
        pipeline.connect("words", "joiner")

        def search(question: str) -> list[str]:
            found = pipeline.run({"embedder": {"text": question}, "words": {"query": question}})
            return [hit.meta.get("source") or hit.meta.get("file_path", "") for hit in found["joiner"]["documents"]]

        return {self._variant: search}
