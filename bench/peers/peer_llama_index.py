"""LlamaIndex: SimpleDirectoryReader, SentenceSplitter, VectorStoreIndex, its default retriever, no language model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import sets
from llama_index.core import Document, SimpleDirectoryReader, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.embeddings.huggingface import HuggingFaceEmbedding

VARIANTS = ("llama_index",)


class Peer:
    def __init__(self, weights: str, variant: str) -> None:
        self._embedding = HuggingFaceEmbedding(
            weights, query_instruction="query: ", text_instruction="passage: ", device="cpu"
        )
        self._index = VectorStoreIndex([], embed_model=self._embedding, transformations=[SentenceSplitter()])
        self._variant = variant

    def read(self, path: Path) -> list[Document]:
        return SimpleDirectoryReader(input_files=[path]).load_data()

    def documents(self, entries: Iterable[sets.Entry]) -> list[Document]:
        """Without metadata: its names and dates would be embedded too, and the other peers embed none."""
        return [Document(text=entry.text, id_=entry.id) for entry in entries]

    def add(self, documents: list[Document]) -> int:
        nodes = SentenceSplitter().get_nodes_from_documents(documents)
        self._index.insert_nodes(nodes)
        return len(nodes)

    def ready(self, candidates: int) -> dict[str, Callable[[str], list[str]]]:
        retriever = self._index.as_retriever(similarity_top_k=candidates)
        return {self._variant: lambda question: [hit.node.ref_doc_id or "" for hit in retriever.retrieve(question)]}
