"""Zip packages of XML from strangers: checked before a library opens them, parsed without entities or network."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from gakju.errors import BrokenFile, GakjuError, LimitExceeded, UnsupportedFormat

MAX_BYTES = 512 << 20
"""Most bytes all members may unpack to."""
MAX_RATIO, RATIO_FROM = 200, 10 << 20
"""Members that unpack to more than RATIO_FROM bytes may not unpack to more than MAX_RATIO times their size."""
MAX_MEMBERS = 20_000

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def check(path: Path, name: str) -> None:
    """Raises ReadError for a package that is broken, encrypted, a bomb, or declares entities."""
    if not zipfile.is_zipfile(path):
        raise _not_a_package(path, name)
    with reading(name, "package"), zipfile.ZipFile(path) as package:
        members = package.infolist()
        unpacked = sum(m.file_size for m in members)
        if len(members) > MAX_MEMBERS or unpacked > MAX_BYTES:
            what = f"{len(members):,} parts of {unpacked >> 20:,} MiB"
            limit = f"The limit is {MAX_MEMBERS:,} parts and {MAX_BYTES >> 20} MiB."
            raise LimitExceeded(f"{name}: unpacks to {what}.", hint=limit)
        for member in members:
            if member.file_size > RATIO_FROM and member.file_size > MAX_RATIO * member.compress_size:
                raise LimitExceeded(
                    f"{name}: {member.filename} unpacks to more than {MAX_RATIO} times its size.",
                    hint="This looks like a zip bomb; save the document again with the program that made it.",
                )
            if member.flag_bits & 1:
                raise encrypted(name)
        # Every part, since a content type can make XML of any name; a picture ends at its first byte.
        for member in members:
            _check_prolog(package, member, name)


def encrypted(name: str) -> UnsupportedFormat:
    """The error for a protected package: its key is derived from the password in ways Gakju does not read."""
    return UnsupportedFormat(
        f"{name}: protected by a password, which Gakju can open in PDFs only.",
        hint="Save a copy without a password, or as PDF, and add that.",
    )


def _not_a_package(path: Path, name: str) -> GakjuError:
    data = path.read_bytes()
    if not data:
        return BrokenFile(f"{name}: empty.", hint="Check the download or the export that made it.")
    if not data.startswith(_OLE):
        return BrokenFile(
            f"{name}: damaged or incomplete.", hint="Open it in the program that made it and save it again."
        )
    if "EncryptedPackage".encode("utf-16-le") in data:
        return encrypted(name)
    return UnsupportedFormat(
        f"{name}: an older binary format.", hint="Save it as docx, pptx, xlsx, hwpx or PDF and add that."
    )


class _Prolog(Exception):
    """The root element came: the prolog holds no document type."""


def _check_prolog(package: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> None:
    # None of these formats uses a document type; entities, the bombs and the external ones, need one.
    parser = expat.ParserCreate()

    def doctype(*_: object) -> None:
        raise BrokenFile(
            f"{name}: {member.filename} declares a document type, which no office program writes.",
            hint="The file may be hostile; ask whoever sent it.",
        )

    def element(*_: object) -> None:
        raise _Prolog

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = element
    with package.open(member) as stream:
        try:
            while data := stream.read(1 << 14):
                parser.Parse(data)
        except (_Prolog, expat.ExpatError):
            # Broken XML is for the library to report, which knows whether the part matters.
            return


def parse(data: bytes) -> etree._Element:
    """The root element: no entities, no network, libxml2's own limits on depth and size."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    return etree.fromstring(data, parser)


def local(element: etree._Element) -> str:
    """The tag without its namespace; "" for comments and processing instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def number(text: str | None, default: float) -> float:
    """What an attribute says, `default` where that is no number: one odd attribute must not lose the document."""
    try:
        found = float(text or "")
    except ValueError:
        return default
    return found if abs(found) < 1e9 else default


@contextmanager
def reading(name: str, what: str) -> Iterator[None]:
    """Whatever a library raises inside on broken bytes becomes BrokenFile; ours and MemoryError pass."""
    try:
        yield
    except (GakjuError, MemoryError):
        raise
    except Exception as e:
        reason = " ".join(str(e).split())[:120] or type(e).__name__
        raise BrokenFile(
            f"{name}: not a readable {what} ({reason}).",
            hint="Open it in the program that made it and save it again.",
        ) from e
