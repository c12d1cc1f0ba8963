"""The document store: files under the hash of their content. Nobody else holds a file, only its hash."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict

from adapters.outside import Unavailable

MOST_BYTES = 10_000_000
"""Of what others send; what we make ourselves may be larger."""


class FileRefused(ValueError):
    """The bytes are no such document: empty, too large, or of another type than the request takes."""


class UnknownFile(LookupError):
    """The store has no such file for this application."""


class DocumentsAway(Unavailable):
    """The store does not answer, or takes nothing: full, without rights or bucket. Ask again with the same."""

    def __init__(self) -> None:
        super().__init__("document store")


class Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    media_type: str
    size: int


class Documents(Protocol):
    async def put(self, application_id: str, content: bytes, media_types: tuple[str, ...] | None = None) -> Kept:
        """Keep a file, encrypted under the application's key; the same bytes again change nothing.

        The type is read from the content, not believed. Raises: FileRefused, KeyMissing, KeyErased, DocumentsAway.
        """
        ...

    async def get(self, application_id: str, sha256: str) -> bytes:
        """Raises: UnknownFile, KeyErased, SealBroken (the file was changed where it lies), DocumentsAway."""
        ...

    async def forget(self, application_id: str) -> int:
        """Remove every file of an application for ever; how many there were. Repeating finds none.

        Raises: DocumentsAway.
        """
        ...


class Files(Protocol):
    """Where sealed files lie: names with slashes, bytes that nobody here can read. Whole or not at all."""

    async def write(self, name: str, content: bytes) -> None:
        """A name that is there already keeps what it has. Raises: DocumentsAway."""
        ...

    async def read(self, name: str) -> bytes:
        """Raises: UnknownFile, DocumentsAway."""
        ...

    async def remove(self, folder: str) -> int:
        """Everything in a folder; how much there was. Raises: DocumentsAway."""
        ...
