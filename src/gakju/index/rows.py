"""Documents, pages and chunks as Arrow rows and back."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gakju.protocols import Vectors
from gakju.types import Block, BlockKind, Box, Chunk, Document, Page, Part, Problem, Segment

if TYPE_CHECKING:
    from gakju.index import Whole

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("state", pa.string()),
        ("collection", pa.string()),
        ("digest", pa.string()),
        ("secret", pa.string()),
        ("record", pa.string()),
    ]
)
PAGES = pa.schema(
    [
        ("key", pa.string()),
        ("document_id", pa.string()),
        ("number", pa.int32()),
        ("text", pa.large_string()),
        ("status", pa.string()),
        ("width", pa.float32()),
        ("height", pa.float32()),
        ("blocks", pa.string()),
        ("problems", pa.string()),
        ("glyphs", pa.large_binary()),
    ]
)
LAYOUT = ("document_id", "number", "glyphs")
"""What `layout_of` wants of a page."""
_KINDS: tuple[BlockKind, ...] = get_args(BlockKind)

# Columns of libraries made before a chunk had a body.
_FIRST_LAYOUT = ("id", "document_id", "ordinal", "text", "headings", "segments", "boxes")
# Of segments, parts, boxes, bytes of names, vectors of parts.
_COUNTS = struct.Struct("<5i")

# Glyph boxes are kept in steps of this many points, so exact to .025.
_STEP = 0.05
_FAR = 1e6


def chunk_schema(dimensions: int) -> Any:
    return pa.schema(
        [
            ("id", pa.string()),
            ("document_id", pa.string()),
            ("collection", pa.string()),
            ("ordinal", pa.int32()),
            # All of a chunk in one place: a search fetches a hundred rows, and each column is a read of its own.
            ("body", pa.binary()),
            ("words", pa.string()),
            ("vector", pa.list_(pa.float32(), dimensions)),
        ]
    )


def key(document_id: str, number: int) -> str:
    return f"{document_id}:{number}"


def document_rows(documents: Sequence[tuple[str, str, Document | None, str]]) -> Any:
    """Of `(id, state, document, secret)`; a document still being written has no record yet."""
    rows = []
    for name, state, document, secret in documents:
        record = json.dumps(asdict(document), ensure_ascii=False) if document else ""
        collection, digest = (document.collection, document.digest) if document else ("", "")
        rows.append((name, state, collection, digest, secret, record))
    return _table(rows, DOCUMENTS)


def document_of(record: str) -> Document:
    fields = json.loads(record)
    fields["problems"] = tuple(Problem(**problem) for problem in fields["problems"])
    return Document(**fields)


def page_rows(document_id: str, pages: Sequence[Page]) -> Any:
    rows = [
        (
            key(document_id, page.number),
            document_id,
            page.number,
            page.text,
            page.status,
            page.width,
            page.height,
            json.dumps(page.blocks),
            json.dumps([asdict(problem) for problem in page.problems], ensure_ascii=False),
            pack_glyphs(page.glyphs),
        )
        for page in pages
    ]
    return _table(rows, PAGES)


def page_of(row: Mapping[str, Any]) -> Page:
    return Page(
        number=row["number"],
        text=row["text"],
        blocks=tuple(Block(*block) for block in json.loads(row["blocks"])),
        status=row["status"],
        width=row["width"],
        height=row["height"],
        glyphs=unpack_glyphs(row["glyphs"]),
        problems=tuple(Problem(**problem) for problem in json.loads(row["problems"])),
    )


def layout_of(row: Mapping[str, Any]) -> Page:
    """The page with its number and glyphs alone."""
    return Page(row["number"], "", (), glyphs=unpack_glyphs(row["glyphs"]))


def chunk_rows(
    chunks: Sequence[Chunk],
    collection: str,
    vectors: Vectors,
    words: Sequence[Sequence[str]],
    parts: Sequence[Vectors],
) -> Any:
    """`parts` may be empty: then no part has a vector."""
    schema = chunk_schema(vectors.shape[1])
    plain = [
        (
            chunk.id,
            chunk.document_id,
            collection,
            chunk.ordinal,
            pack_chunk(chunk, own),
            " ".join(terms),
        )
        for chunk, terms, own in zip(chunks, words, parts or [vectors[:0]] * len(chunks), strict=True)
    ]
    table = _table(plain, pa.schema([field for field in schema if field.name != "vector"]))
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
    return table.append_column(schema.field("vector"), pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]))


def whole_rows(batch: Sequence[Whole]) -> tuple[Any, Any]:
    """The pages and the chunks of a batch, each in one table; None where there are none."""
    pages = [page_rows(whole.document.id, whole.pages) for whole in batch if whole.pages]
    chunks = [
        chunk_rows(whole.chunks, whole.document.collection, whole.vectors, whole.words, whole.parts)
        for whole in batch
        if whole.chunks
    ]
    return pa.concat_tables(pages) if pages else None, pa.concat_tables(chunks) if chunks else None


def columns_of(schema: Any) -> list[str]:
    """Those that `Stored` wants."""
    return ["body", *_FIRST_LAYOUT] if "text" in schema.names else ["body"]


class Stored:
    """A chunk as it lies on disk: who it is and the vectors of its parts at once, the rest where it is asked for.

    A search fetches eighty and shows eight. `parts` has shape (len(chunk.parts), dimensions), (0, dimensions) where
    none are kept.
    """

    __slots__ = ("_body", "_chunk", "_row", "_text", "document_id", "id", "parts")

    def __init__(self, row: Mapping[str, Any], dimensions: int) -> None:
        self._chunk: Chunk | None = None
        self._body: bytes = row["body"]
        if self._body is None:
            self._chunk = _first_layout(row)
            self.id, self.document_id = self._chunk.id, self._chunk.document_id
            self.parts: Vectors = np.empty((0, dimensions), np.float32)
            return
        counts = _COUNTS.unpack_from(self._body)
        segments, parts, boxes, names, vectors = counts
        at = _COUNTS.size + 4 * (4 * segments + 3 * parts + boxes + 4 * boxes)
        self._row = counts, json.loads(self._body[at : at + names])
        self.id, self.document_id, *_ = self._row[1]
        self._text = at + names + vectors * (dimensions + 4)
        self.parts = unpack_vectors(self._body[at + names : self._text], dimensions)

    @property
    def chunk(self) -> Chunk:
        if self._chunk is None:
            self._chunk = self._unpacked()
        return self._chunk

    def _unpacked(self) -> Chunk:
        (segments, parts, boxes, _, _), (identity, document_id, ordinal, *headings) = self._row
        whole = np.frombuffer(self._body, np.int32, 4 * segments + 3 * parts + boxes, _COUNTS.size).tolist()
        at = _COUNTS.size + 4 * len(whole)
        sides = np.frombuffer(self._body, np.float32, 4 * boxes, at).astype(np.float64).round(2).reshape(-1, 4).tolist()
        spans, cuts, pages = whole[: 4 * segments], whole[4 * segments : 4 * segments + 3 * parts], whole[-boxes:]
        return Chunk(
            id=identity,
            document_id=document_id,
            ordinal=ordinal,
            text=self._body[self._text :].decode(),
            headings=tuple(headings),
            segments=tuple(Segment(*spans[i : i + 4]) for i in range(0, len(spans), 4)),
            boxes=tuple(Box(page, *four) for page, four in zip(pages, sides, strict=False)),
            parts=tuple(Part(cuts[i], cuts[i + 1], _KINDS[cuts[i + 2]]) for i in range(0, len(cuts), 3)),
        )


def _first_layout(row: Mapping[str, Any]) -> Chunk:
    boxes = np.frombuffer(row["boxes"], np.float32).reshape(-1, 5).tolist()
    return Chunk(
        id=row["id"],
        document_id=row["document_id"],
        ordinal=row["ordinal"],
        text=row["text"],
        headings=tuple(row["headings"]),
        segments=tuple(Segment(*four) for four in np.frombuffer(row["segments"], np.int32).reshape(-1, 4).tolist()),
        boxes=tuple(Box(int(page), *(round(side, 2) for side in sides)) for page, *sides in boxes),
    )


def pack_chunk(chunk: Chunk, parts: Vectors) -> bytes:
    """A chunk with the vectors of its parts: counts, then arrays, then texts."""
    names = json.dumps([chunk.id, chunk.document_id, chunk.ordinal, *chunk.headings], ensure_ascii=False).encode()
    arrays = [
        np.array(chunk.segments, np.int32),
        np.array([(p.start, p.end, _KINDS.index(p.kind)) for p in chunk.parts], np.int32),
        np.array([box.page for box in chunk.boxes], np.int32),
        np.array([box[1:] for box in chunk.boxes], np.float32),
    ]
    counts = [len(chunk.segments), len(chunk.parts), len(chunk.boxes), len(names), len(parts)]
    return b"".join(
        [_COUNTS.pack(*counts), *(a.tobytes() for a in arrays), names, pack_vectors(parts), chunk.text.encode()]
    )


def pack_vectors(vectors: Vectors) -> bytes:
    """Unit vectors, shape (n, dimensions), in a byte a number, each after its own float32 scale."""
    scales = np.abs(vectors).max(axis=1, keepdims=True, initial=1e-12) / 127
    codes = np.rint(vectors / scales).astype(np.int8)
    return np.concatenate([scales.astype("<f4").view(np.int8), codes], axis=1).tobytes()


def unpack_vectors(packed: bytes | None, dimensions: int) -> Vectors:
    table = np.frombuffer(packed or b"", np.int8).reshape(-1, dimensions + 4)
    scales = np.ascontiguousarray(table[:, :4]).view("<f4")
    unpacked: Vectors = table[:, 4:].astype(np.float32) * scales
    return unpacked


def pack_glyphs(glyphs: NDArray[np.float32]) -> bytes:
    """Boxes in 1/20 pt, columns by difference to the glyph before, deflated: 2 to 3 bytes a glyph."""
    if not len(glyphs):
        return b""
    placed = np.isfinite(glyphs).all(axis=1)
    steps = np.rint(np.clip(glyphs[placed].astype(np.float64), -_FAR, _FAR) / _STEP).astype(np.int32)
    x0, y0, x1, y1 = steps.T
    # Where one glyph ends the next begins, so the gap is near 0; lines share y; heights hardly change.
    columns = [x0 - np.concatenate(([0], x1[:-1])), x1 - x0, np.diff(y0, prepend=0), np.diff(y1 - y0, prepend=0)]
    planes = np.array(columns, "<i4").view(np.uint8).reshape(-1, 4).T
    body = np.packbits(placed).tobytes() + planes.tobytes()
    return len(glyphs).to_bytes(4, "little") + zlib.compress(body, 6)


def unpack_glyphs(packed: bytes) -> NDArray[np.float32]:
    if not packed:
        return np.empty((0, 4), np.float32)
    count = int.from_bytes(packed[:4], "little")
    body = np.frombuffer(zlib.decompress(packed[4:]), np.uint8)
    mask = -(-count // 8)
    placed = np.unpackbits(body[:mask], count=count).astype(bool)
    gap, width, down, taller = np.ascontiguousarray(body[mask:].reshape(4, -1).T).view("<i4").reshape(4, -1)
    x1 = np.cumsum(gap + width)
    y0 = np.cumsum(down)
    glyphs = np.full((count, 4), np.nan, np.float32)
    glyphs[placed] = np.stack([x1 - width, y0, x1, y0 + np.cumsum(taller)], axis=1) * _STEP
    return glyphs


def _table(rows: Sequence[Sequence[Any]], schema: Any) -> Any:
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in schema]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
