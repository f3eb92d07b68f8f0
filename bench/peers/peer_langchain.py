"""LangChain: PyPDFLoader, RecursiveCharacterTextSplitter, HuggingFaceEmbeddings, FAISS, BM25 and EnsembleRetriever.

Variants: `langchain` splits as its tutorials do (1,000 characters, overlap 200), `langchain-256` by 256 tokens of the
embedder without overlap, as Gakju does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import sets
from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.document_loaders import PyPDFLoader
from langchain_community.retrievers import BM25Retriever
from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

VARIANTS = "langchain", "langchain-256"


class Peer:
    def __init__(self, weights: str, variant: str) -> None:
        self._embeddings = HuggingFaceEmbeddings(
            model_name=weights,
            model_kwargs={"device": "cpu"},
            encode_kwargs={"prompt": "passage: "},
            query_encode_kwargs={"prompt": "query: "},
        )
        if variant == "langchain":
            self._splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        else:
            from transformers import AutoTokenizer

            self._splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
                AutoTokenizer.from_pretrained(weights), chunk_size=256, chunk_overlap=0
            )
        self._variant = variant
        self._chunks: list[Document] = []
        self._store: FAISS | None = None

    def read(self, path: Path) -> list[Document]:
        return PyPDFLoader(str(path)).load()

    def documents(self, entries: Iterable[sets.Entry]) -> list[Document]:
        return [Document(entry.text, metadata={"source": entry.id}) for entry in entries]

    def add(self, documents: list[Document]) -> int:
        """Splits, embeds and indexes; BM25 is made anew in `ready`, as it has no other way."""
        chunks = self._splitter.split_documents(documents)
        for number, chunk in enumerate(chunks, len(self._chunks)):
            chunk.metadata["number"] = str(number)
        self._chunks += chunks
        if chunks:
            if self._store is None:
                self._store = FAISS.from_documents(chunks, self._embeddings)
            else:
                self._store.add_documents(chunks)
        return len(chunks)

    def ready(self, candidates: int) -> dict[str, Callable[[str], list[str]]]:
        """What can be searched: a question to the sources of chunks, best first."""
        assert self._store is not None
        dense = self._store.as_retriever(search_kwargs={"k": candidates})
        words = BM25Retriever.from_documents(self._chunks)
        words.k = candidates
        both = EnsembleRetriever(retrievers=[words, dense], weights=[0.5, 0.5], id_key="number")

        def search(retriever: Any) -> Callable[[str], list[str]]:
            return lambda question: [d.metadata["source"] for d in retriever.invoke(question)]

        named = {"": both, "-dense": dense, "-bm25": words}
        return {self._variant + suffix: search(retriever) for suffix, retriever in named.items()}
