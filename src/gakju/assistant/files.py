"""Files as programs keep them: bytes under a name, whether or not they are in the library.

A file lies among the originals, so that putting it into a collection copies nothing. A document that came in
another way is a file too: its id is `file-` and the document's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gakju.errors import NotFound
from gakju.store import now
from gakju.store.files import Files as FilesTable
from gakju.store.files import StoredFile

if TYPE_CHECKING:
    from gakju.assistant import Assistant
    from gakju.types import Document

_PREFIX = "file-"
LIBRARY = "assistants"
"""The purpose of a file that is in the library."""


def of_document(document: Document) -> StoredFile:
    """A document as the file it came from."""
    name = Path(document.path).name
    return StoredFile(_PREFIX + document.id, document.digest, name, LIBRARY, document.bytes, document.added_at)


class Files:
    """Thread-safe."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    @property
    def _store(self) -> FilesTable:
        return self._assistant.store.files

    def keep(self, source: BinaryIO, name: str, purpose: str, expires_at: str = "") -> StoredFile:
        """Durable on return. Raises LimitExceeded, StorageFull."""
        kept = self._assistant.keep(source, name)
        size = self._assistant.parts.blobs.path(kept["digest"]).stat().st_size
        return self._store.add(kept["digest"], kept["path"], purpose, size, expires_at)

    def all(self) -> list[StoredFile]:
        """Files, and documents whose bytes no file holds; newest last. What has expired is forgotten now."""
        kept = self._store.all()
        gone = {f.id for f in kept if f.expires_at and f.expires_at <= now()}
        for file_id in gone:
            self._store.remove(file_id)
        files = [f for f in kept if f.id not in gone]
        held = {f.digest for f in files}
        documents = [of_document(d) for d in self._assistant.documents() if d.digest not in held]
        for digest in {f.digest for f in kept if f.id in gone} - held:
            self._drop(digest)
        return sorted([*files, *documents], key=lambda f: f.created_at)

    def get(self, file_id: str) -> StoredFile:
        """Raises NotFound."""
        try:
            return self._store.get(file_id)
        except NotFound:
            for document in self._assistant.documents():
                if _PREFIX + document.id == file_id:
                    return of_document(document)
            raise

    def path(self, file_id: str) -> Path:
        """Where the bytes are."""
        path = self._assistant.parts.blobs.path(self.get(file_id).digest)
        if not path.exists():
            raise NotFound(f"The bytes of {file_id!r} are gone.", id=file_id)
        return path

    def delete(self, file_id: str) -> None:
        """The file, and the documents that were made of it. Raises NotFound."""
        file = self.get(file_id)
        for attached in self._store.attached(file_id=file_id):
            self._assistant.vector_stores.detach(attached.collection, file_id)
        if file.id == _PREFIX + (document := file.id.removeprefix(_PREFIX)) and self._is_document(document):
            self._assistant.delete(document)
        self._store.remove(file_id)
        self._drop(file.digest)

    def _is_document(self, document_id: str) -> bool:
        return any(d.id == document_id for d in self._assistant.documents())

    def _drop(self, digest: str) -> None:
        """The bytes, where nothing needs them any more."""
        if not self._store.holds(digest) and not self._assistant.holds(digest):
            self._assistant.parts.blobs.delete(digest)
