"""LangChain's retrieval chain on a question set, with a chat model behind an OpenAI route: an answer a line of JSON.

    <envs>/langchain/bin/python bench/peers/answers.py SET_FOLDER --ids FILE --url URL/v1 --out FILE.jsonl

Started by bench/answers.py, which serves the model with Gakju's own engine (same weights, same machine), names the
questions and scores what comes out with the scorer of Gakju's own answers. What is there already is not asked again.

The chain is `create_retrieval_chain` over `create_stuff_documents_chain`; documents are cut as in the tutorials (1,000
characters, overlap 200) and kept in FAISS, `as_retriever()` brings its default of 4. The prompt is the tutorials' ("Use
the following pieces of retrieved context …"); it asks for three sentences at most, which helps precision. The
temperature is 0, as Gakju's. A refusal is an answer that says it does not know: REFUSAL. Vectors of passages come from
the store of vectors.py where it has them all (Gakju's int8 engine on the same weights, cosine above .999), questions
are embedded by sentence-transformers in float32.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", LANGSMITH_TRACING="false")

import sets
from langchain_classic.chains import create_retrieval_chain
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_openai import ChatOpenAI
from langchain_text_splitters import RecursiveCharacterTextSplitter
from vectors import Store

PROMPT = (
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved context to answer the "
    "question. If you don't know the answer, just say that you don't know. Use three sentences maximum and keep the "
    "answer concise.\n\n{context}"
)
MOST_TOKENS = 512
"""A small model may repeat itself without end; the tutorials set no limit."""

REFUSAL = re.compile(
    r"\b(?:do(?:es)? ?n[o'’]t|do not|not) (?:know|sure)\b|\b(?:can(?:not|['’]t)|unable to) (?:answer|find|determine)\b"
    r"|\b(?:no|not enough|insufficient) information\b"
    r"|(?:not|n['’]t) (?:(?:explicitly|directly) )?(?:provided?|mention(?:ed)?|specif(?:y|ied)|stated?|contain)\b"
    r"|모르(?:겠|ㅂ|는|지)|모릅니다|알 수 없|알지 못|찾을 수 없|(?:정보|내용|언급)[가이은는]? (?:없|부족)"
    r"|(?:제공|언급|명시)되(?:지|어 있지) 않",
    re.IGNORECASE,
)


def refused(text: str) -> bool:
    """Whether an answer says that it does not know."""
    return not text.strip() or bool(REFUSAL.search(text))


class Embeddings(HuggingFaceEmbeddings):
    """What it is named after, but for passages that are embedded already."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        try:
            store = Store(sets.scratch("peers") / "vectors.db")
            return store.find([f"passage: {text}" for text in texts], ("fp32", "int8"))[0].tolist()
        except KeyError:
            return super().embed_documents(texts)


def chain(folder: Path, weights: str, kept: Path, url: str, model: str) -> Any:
    embeddings = Embeddings(
        model_name=weights,
        model_kwargs={"device": "cpu"},
        encode_kwargs={"prompt": "passage: "},
        query_encode_kwargs={"prompt": "query: "},
    )
    if (kept / "index.faiss").exists():
        store = FAISS.load_local(str(kept), embeddings, allow_dangerous_deserialization=True)  # written below
    else:
        documents = [Document(entry.text, metadata={"source": entry.id}) for entry in sets.corpus(folder)]
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        store = FAISS.from_documents(splitter.split_documents(documents), embeddings)
        store.save_local(str(kept))
    chat = ChatOpenAI(base_url=url, api_key="none", model=model, temperature=0, max_tokens=MOST_TOKENS, timeout=600)
    prompt = ChatPromptTemplate.from_messages([("system", PROMPT), ("human", "{input}")])
    return create_retrieval_chain(store.as_retriever(), create_stuff_documents_chain(chat, prompt))


def done(out: Path) -> set[str]:
    """Questions that have a whole line; half a one, of a run that was killed, is cut off."""
    if not out.exists():
        return set()
    whole = out.read_bytes().rpartition(b"\n")
    out.write_bytes(whole[0] + whole[1])
    return {json.loads(line)["id"] for line in whole[0].splitlines() if line}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ids", type=Path, required=True, help="an id a line")
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", default="embedded:qwen2.5-coder-0.5b")
    parser.add_argument("--weights", default=str(sets.scratch("e5-fp32")))
    parser.add_argument("--kept", type=Path, default=sets.scratch("peers") / "answers")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    known = done(args.out)
    wanted = [n for n in args.ids.read_text(encoding="utf-8").split("\n") if n and n not in known]
    if not wanted:
        return 0
    texts = {line["_id"]: line["text"] for line in sets.lines(args.folder / "queries.jsonl")}
    asked = chain(args.folder, args.weights, args.kept / args.folder.name, args.url, args.model)
    asked.invoke({"input": "warm 준비"})  # what loads at first use is no question's fault
    with args.out.open("a", encoding="utf-8") as file:
        for number, name in enumerate(wanted, 1):
            started = time.perf_counter()
            said = asked.invoke({"input": texts[name]})
            seconds = time.perf_counter() - started
            answer = said["answer"].strip()
            line = {
                "id": name,
                "answer": answer,
                "refused": refused(answer),
                "cited": list(dict.fromkeys(d.metadata["source"] for d in said["context"])),
                "quotes": [d.page_content for d in said["context"]],
                "seconds": round(seconds, 3),
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            print(f"{args.folder.name} {number}/{len(wanted)} {seconds:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
