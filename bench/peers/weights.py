"""multilingual-e5-small as a sentence-transformers folder in float32, made from Gakju's own 4-bit file.

    python bench/peers/weights.py --to DIR

Runs in Gakju's environment and needs nothing else: the weights are the ones Gakju computes with, dequantised, the
tokenizer is XLM-RoBERTa's unigram model over the vocabulary of that file. `texts.json` in the folder holds 1,000
mixed texts with the token ids that Gakju makes of them; `check_weights.py` compares them in a peer's environment.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import struct
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_data_path

from gakju.models import e5_tokenizer
from gakju.models.e5_weights import E5Weights

sys.path.insert(0, str(Path(__file__).resolve().parent))
import sets

NAMES = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value"}
NAMES |= {"ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense"}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def tensors(w: E5Weights) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Names of transformers' BertModel and float32 arrays."""
    s = w.shape
    yield "embeddings.word_embeddings.weight", w.matrix("emb.word", s.hidden)
    yield "embeddings.position_embeddings.weight", w.tensor("emb.pos").reshape(s.positions, s.hidden)
    yield "embeddings.token_type_embeddings.weight", w.tensor("emb.type").reshape(s.token_types, s.hidden)
    yield "embeddings.LayerNorm.weight", w.tensor("emb.ln.w")
    yield "embeddings.LayerNorm.bias", w.tensor("emb.ln.b")
    for layer in range(s.layers):
        ours, theirs = f"l{layer}.", f"encoder.layer.{layer}."
        for short, name in NAMES.items():
            yield (
                theirs + name + ".weight",
                w.matrix(ours + short + ".w", s.feed_forward if short == "fo" else s.hidden),
            )
            yield theirs + name + ".bias", w.tensor(ours + short + ".b")
        for short, name in NORMS.items():
            yield theirs + name + ".weight", w.tensor(ours + short + ".w")
            yield theirs + name + ".bias", w.tensor(ours + short + ".b")


def safetensors(path: Path, named: dict[str, NDArray[np.float32]]) -> None:
    """The format: uint64 length, JSON of types, shapes and offsets, then the data."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, array in named.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in named.values():
            file.write(np.ascontiguousarray(array, "<f4").tobytes())


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a protocol buffer whose other fields are varints."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value, at = _varint(message, at)
        if tag & 7 == 2:
            yield tag >> 3, message[at : at + value]
            at += value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def charsmap(weights: E5Weights) -> bytes:
    """sentencepiece's table of nmt_nfkc: ModelProto field 3 (normalizer_spec), its field 2."""
    model = e5_tokenizer.build(weights.vocabulary)
    normaliser = next(value for number, value in fields(model) if number == 3)
    return next(value for number, value in fields(normaliser) if number == 2)


def tokenizer(weights: E5Weights) -> dict[str, Any]:
    """What `tokenizer.json` of XLM-RoBERTa holds."""
    v = weights.vocabulary
    pieces = [[piece.decode(), float(score)] for piece, score in zip(v.pieces, v.scores, strict=True)]
    special = [(v.bos, "<s>"), (v.pad, "<pad>"), (v.eos, "</s>"), (v.unk, "<unk>"), (len(v.pieces) - 1, "<mask>")]
    ends = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("<s>", "</s>")]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": number,
                "content": name,
                "single_word": False,
                "lstrip": name == "<mask>",
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for number, name in special
        ],
        "normalizer": {
            "type": "Precompiled",
            "precompiled_charsmap": base64.b64encode(charsmap(weights)).decode(),
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [ends[0], {"Sequence": {"id": "A", "type_id": 0}}, ends[1]],
            "pair": [
                ends[0],
                {"Sequence": {"id": "A", "type_id": 0}},
                ends[1],
                ends[1],
                {"Sequence": {"id": "B", "type_id": 0}},
                ends[1],
            ],
            "special_tokens": {
                name: {"id": name, "ids": [number], "tokens": [name]}
                for number, name in special
                if name in {"<s>", "</s>"}
            },
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": v.unk, "vocab": pieces, "byte_fallback": False},
    }


def configurations(weights: E5Weights) -> dict[str, Any]:
    """The small files of the folder, as the model's publisher has them."""
    s = weights.shape
    model = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": s.hidden,
        "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads,
        "intermediate_size": s.feed_forward,
        "vocab_size": s.vocabulary,
        "max_position_embeddings": s.positions,
        "type_vocab_size": s.token_types,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "pad_token_id": weights.vocabulary.pad,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "torch_dtype": "float32",
    }
    words = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": s.positions,
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "model_input_names": ["input_ids", "attention_mask"],
    }
    parts = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": n, "name": str(n), "path": folder, "type": f"sentence_transformers.models.{kind}"}
        for n, (folder, kind) in enumerate(parts)
    ]
    return {
        "config.json": model,
        "tokenizer_config.json": words,
        "tokenizer.json": tokenizer(weights),
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": s.positions, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": s.hidden, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
    }


def mixed_texts(count: int = 1000) -> list[str]:
    """Drawn evenly from the corpora and queries of the benchmark sets, with a seed."""
    texts: list[str] = []
    folders = sets.folders()
    for folder in folders:
        pool = [document.text for document in sets.corpus(folder)] + [q for _, q in sets.queries(folder)]
        texts += random.Random(3).sample(pool, count // len(folders) + 1)
    return texts[:count]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=sets.scratch("e5-fp32"), help="the folder to make")
    models = Path(os.environ.get("GAKJU_BENCH_MODELS") or user_data_path("gakju") / "models")
    parser.add_argument("--file", type=Path, default=models / "multilingual-e5-small-q4.bin")
    args = parser.parse_args()
    weights = E5Weights(args.file)
    args.to.mkdir(parents=True, exist_ok=True)
    for name, content in configurations(weights).items():
        (args.to / name).parent.mkdir(exist_ok=True)
        (args.to / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    texts = mixed_texts()
    ours = e5_tokenizer.load(weights.vocabulary, args.to)
    ids = ours.encode([unicodedata.normalize("NFC", text) for text in texts])
    (args.to / "texts.json").write_text(json.dumps({"texts": texts, "ids": ids}), encoding="utf-8")
    safetensors(args.to / "model.safetensors", dict(tensors(weights)))
    print(args.to)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
