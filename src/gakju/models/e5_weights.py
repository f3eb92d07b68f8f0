"""The 4-bit file of multilingual-e5-small ("E5S1"), memory-mapped.

    magic "E5S1", 4 bytes of version
    7 × int32   hidden, layers, heads, feed-forward, vocabulary, positions, token types
    float32     layer norm epsilon;  int32  values in a block of four-bit weights
    5 × int32   pieces, bos, eos, pad, unk;  uint64  bytes of piece text
    uint32[pieces + 1] offsets, float32[pieces] scores, the text of the pieces
    int32, uint32, bytes   the normaliser's table (not used: sentencepiece has the same one)
    int32       tensors; each: uint16 length, name, uint8 type, uint32 count, uint64 offset, uint64 bytes

All little-endian. Type 0 is float32; otherwise rows of blocks of 18 bytes: a float16 scale and 32 values of
four bits, offset by 8, the first 16 in the low halves of the bytes.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gakju.errors import ModelCorrupt, ModelMissing

BLOCK = 32
_BLOCK_BYTES = 18


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network; `positions` counts the tokens a window may have, special ones included."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A unigram vocabulary: the UTF-8 of each piece, its log probability, and the special tokens' ids."""

    pieces: tuple[bytes, ...]
    scores: NDArray[np.float32]
    bos: int
    eos: int
    pad: int
    unk: int


class E5Weights:
    """Raises ModelMissing or ModelCorrupt. Tensors are read when asked for; the mapping is shared by processes."""

    def __init__(self, path: Path) -> None:
        try:
            self._map: NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
            self._parse()
        except OSError as error:
            raise ModelMissing(
                f"{path}: {error.strerror or 'cannot be read'}.", hint="Run `gakju models pull`."
            ) from error
        except (struct.error, ValueError, UnicodeDecodeError) as error:
            raise ModelCorrupt(
                f"{path} is not the embedding model.", hint="Run `gakju models verify`, then `gakju models pull`."
            ) from error

    def _parse(self) -> None:
        data = memoryview(self._map.data)
        if bytes(data[:4]) != b"E5S1":
            raise ValueError("magic")
        *sizes, _epsilon, block = struct.unpack_from("<7ifi", data, 8)
        if block != BLOCK:
            raise ValueError("block size")
        self.shape = Shape(*sizes)
        count, bos, eos, pad, unk, text_bytes = struct.unpack_from("<5iQ", data, 44)
        at = 72
        offsets = np.frombuffer(data, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        scores = np.frombuffer(data, "<f4", count, at)
        at += 4 * count
        text = bytes(data[at : at + text_bytes])
        pieces = tuple(text[a:b] for a, b in itertools.pairwise(offsets))
        self.vocabulary = Vocabulary(pieces, scores, bos, eos, pad, unk)
        at += text_bytes
        _, table_bytes = struct.unpack_from("<iI", data, at)
        at += 8 + table_bytes
        (tensors,) = struct.unpack_from("<i", data, at)
        at += 4
        self._directory: dict[str, tuple[int, int, int]] = {}
        for _ in range(tensors):
            (length,) = struct.unpack_from("<H", data, at)
            name = bytes(data[at + 2 : at + 2 + length]).decode()
            at += 2 + length
            kind, _count, offset, size = struct.unpack_from("<BIQQ", data, at)
            at += 21
            self._directory[name] = (kind, offset, size)

    def tensor(self, name: str) -> NDArray[np.float32]:
        """A float32 tensor, flat."""
        _, offset, size = self._directory[name]
        return np.frombuffer(self._map[offset : offset + size].tobytes(), "<f4")

    def blocks(self, name: str, columns: int) -> NDArray[np.uint8]:
        """A four-bit matrix as stored: shape (rows, columns / 32, 18), not copied."""
        _, offset, size = self._directory[name]
        return self._map[offset : offset + size].reshape(-1, columns // BLOCK, _BLOCK_BYTES)

    def matrix(self, name: str, columns: int) -> NDArray[np.float32]:
        """A four-bit matrix unpacked: shape (rows, columns)."""
        return unpack(self.blocks(name, columns))


def unpack(blocks: NDArray[Any]) -> NDArray[np.float32]:
    """Blocks of shape (rows, n, 18) to float32 of shape (rows, 32 n)."""
    scale = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    packed = blocks[..., 2:]
    values = np.empty((*blocks.shape[:-1], BLOCK), np.float32)
    values[..., : BLOCK // 2] = packed & 15
    values[..., BLOCK // 2 :] = packed >> 4
    values -= 8
    values *= scale
    return values.reshape(blocks.shape[0], -1)
