"""The sentencepiece model of XLM-RoBERTa, made from the vocabulary in the weights file.

The normaliser's table is sentencepiece's own `nmt_nfkc`: a toy model is trained for it and the pieces replaced.
Building takes a second, so the result is kept in a cache folder.
"""

from __future__ import annotations

import io
import os
import struct
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from gakju.models.e5_weights import Vocabulary

VERSION = 1
_held: WeakValueDictionary[Path, Any] = WeakValueDictionary()
"""Two models of one vocabulary share it: 20 MB and half a second. It is safe to use from several threads."""


def load(vocabulary: Vocabulary, cache: Path) -> Any:
    """A `SentencePieceProcessor`. A cache that cannot be read or written is done without."""
    import sentencepiece

    key = zlib.crc32(vocabulary.scores.tobytes())
    kept = cache / f"e5-{VERSION}-{sentencepiece.__version__}-{key:08x}.spm"
    if (held := _held.get(kept)) is not None:
        return held
    # Whatever is wrong with a kept file, building another one mends it.
    with suppress(OSError, RuntimeError):
        _held[kept] = made = sentencepiece.SentencePieceProcessor(model_proto=kept.read_bytes())
        return made
    proto = build(vocabulary)
    with suppress(OSError):
        _write(kept, proto)
    _held[kept] = made = sentencepiece.SentencePieceProcessor(model_proto=proto)
    return made


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def build(vocabulary: Vocabulary) -> bytes:
    """The serialised ModelProto (sentencepiece_model.proto: 1 pieces, 2 trainer, 3 normaliser)."""
    toy = _toy(vocabulary)
    # SentencePiece: 1 piece, 2 score, 3 type; types 2 unknown, 3 control. The last piece is XLM-R's <mask>.
    special = {
        vocabulary.bos: 3,
        vocabulary.pad: 3,
        vocabulary.eos: 3,
        len(vocabulary.pieces) - 1: 3,
        vocabulary.unk: 2,
    }
    out = bytearray()
    for number, (piece, score) in enumerate(zip(vocabulary.pieces, vocabulary.scores.tolist(), strict=True)):
        message = b"\x0a" + _varint(len(piece)) + piece + b"\x15" + struct.pack("<f", score)
        if number in special:
            message += b"\x18" + bytes([special[number]])
        out += b"\x0a" + _varint(len(message)) + message
    return bytes(out + _without_pieces(toy))


def _toy(vocabulary: Vocabulary) -> bytes:
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([f"hello world tiny corpus {n}" for n in range(200)]),
        model_writer=model,
        model_type="unigram",
        normalization_rule_name="nmt_nfkc",
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
        bos_id=vocabulary.bos,
        eos_id=vocabulary.eos,
        pad_id=vocabulary.pad,
        unk_id=vocabulary.unk,
    )
    return model.getvalue()


def _without_pieces(proto: bytes) -> bytes:
    """The message's top-level fields, all of them length-delimited, but field 1."""
    kept, at = bytearray(), 0
    while at < len(proto):
        start, tag = at, proto[at]
        at += 1
        length = shift = 0
        while True:
            byte = proto[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        at += length
        if tag >> 3 != 1:
            kept += proto[start:at]
    return bytes(kept)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)
