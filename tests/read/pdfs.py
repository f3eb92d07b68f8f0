"""Tiny PDFs written by hand, so that a test says exactly what stands where."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

from gakju.read.pdf import Options, open_pdf
from gakju.types import Page


def file_of(objects: Sequence[bytes]) -> bytes:
    """Objects from number 1 on, the first one being the catalog."""
    out, offsets = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        table,
        len(objects) + 1,
        len(out),
    )


def stream(data: bytes, extra: bytes = b"", times: int = 1) -> bytes:
    """A Flate stream, compressed `times` over."""
    for _ in range(times):
        data = zlib.compress(data, 9)
    filters = b"[" + b"/FlateDecode " * times + b"]"
    return b"<</Length %d/Filter %s%s>>stream\n%s\nendstream" % (len(data), filters, extra, data)


def hangul_font(text: str, *, mapped: bool = True) -> tuple[list[bytes], dict[str, int]]:
    """Objects of a Type0 font (numbers from 5 on) whose codes 1, 2, … are the characters of `text`, 1 em wide."""
    codes = {c: n for n, c in enumerate(dict.fromkeys(text), 1)}
    lines = "\n".join(f"<{n:04x}> <{c.encode('utf-16-be').hex()}>" for c, n in codes.items())
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(codes)} beginbfchar\n{lines}\nendbfchar endcmap end end"
    )
    to_unicode = b"/ToUnicode 8 0 R" if mapped else b""
    objects = [
        b"<</Type/Font/Subtype/Type0/BaseFont/Test/Encoding/Identity-H/DescendantFonts[6 0 R]%s>>" % to_unicode,
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Test/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)"
        b"/Supplement 0>>/DW 1000/FontDescriptor 7 0 R>>",
        b"<</Type/FontDescriptor/FontName/Test/Flags 4/FontBBox[0 -200 1000 800]/Ascent 800/Descent -200"
        b"/CapHeight 700/ItalicAngle 0/StemV 80>>",
        stream(cmap.encode()),
    ]
    return objects, codes


def page_of(
    content: str | bytes,
    *,
    box: str = "0 0 612 792",
    extra: str = "",
    fonts: Sequence[bytes] = (b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",),
    others: Sequence[bytes] = (),
    resources: str = "",
) -> bytes:
    """A file of one page. Object 5 is font /F; `others` follow the fonts."""
    data = content.encode("latin-1") if isinstance(content, str) else content
    page = (
        f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>{resources}>>{extra}>>"
    )
    return file_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            page.encode(),
            stream(data),
            *fonts,
            *others,
        ]
    )


def pages_of(contents: Sequence[str]) -> bytes:
    """A file with one page for each content stream, in Helvetica as /F and Helvetica-Bold as /B."""
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(contents)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(contents)}>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>",
    ]
    for n, content in enumerate(contents):
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {6 + 2 * n} 0 R"
            "/Resources<</Font<</F 3 0 R/B 4 0 R>>>>>>".encode()
        )
        objects.append(stream(content.encode("latin-1")))
    return file_of(objects)


def show(text: str, x: float, y: float, size: float = 12, font: str = "F") -> str:
    """Content that writes `text` (Latin-1, no brackets) with its baseline at `x`, `y` from the bottom left."""
    return f"BT /{font} {size} Tf {x} {y} Td ({text}) Tj ET\n"


def read(path: Path, data: bytes, **options: object) -> list[Page]:
    """The pages of a PDF, read in this process, without OCR unless asked for."""
    path.write_bytes(data)
    return list(open_pdf(path, path.name, Options(**{"ocr": False, **options})).pages)  # type: ignore[arg-type]


def blocks(page: Page) -> list[tuple[str, str]]:
    return [(b.kind, page.text[b.start : b.end]) for b in page.blocks]
