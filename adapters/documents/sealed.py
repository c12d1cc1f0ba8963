"""Documents as sealed files: under the customer's key, named by the hash of what is in them."""

import hashlib

from adapters.documents.port import MOST_BYTES, FileRefused, Files, Kept, UnknownFile
from adapters.keys.cipher import seal, unseal
from adapters.keys.port import CustomerKeys, DataKey, KeyMissing

_MAGIC = ((b"%PDF-", "application/pdf"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


class SealedDocuments:
    """See `port.Documents`. What keeps the files learns ids and hashes, never what is in them."""

    def __init__(self, files: Files, keys: CustomerKeys):
        self._files = files
        self._keys = keys

    async def put(self, application_id: str, content: bytes, media_types: tuple[str, ...] | None = None) -> Kept:
        if not content:
            raise FileRefused("The file is empty.")
        if media_types is not None and len(content) > MOST_BYTES:
            raise FileRefused(f"The file is larger than {MOST_BYTES} bytes.")
        media_type = sniffed(content)
        if media_types is not None and media_type not in media_types:
            raise FileRefused(f"Send one of {', '.join(media_types)}; this is something else.")
        kept = Kept(sha256=hashlib.sha256(content).hexdigest(), media_type=media_type, size=len(content))
        key = await self._key(application_id)
        sealed = seal(key, content, _purpose(application_id, kept.sha256))
        await self._files.write(_name(application_id, kept.sha256), sealed)
        return kept

    async def get(self, application_id: str, sha256: str) -> bytes:
        sealed = await self._files.read(_name(application_id, sha256))
        return unseal(await self._key(application_id), sealed, _purpose(application_id, sha256))

    async def forget(self, application_id: str) -> int:
        return await self._files.remove(_folder(application_id))

    async def _key(self, application_id: str) -> DataKey:
        key = await self._keys.key_of_workflow(f"application/{application_id}")
        if key is None:
            raise KeyMissing(f"application {application_id} has no customer's key")
        return key


def sniffed(content: bytes) -> str:
    """The type that the bytes themselves show."""
    for magic, media_type in _MAGIC:
        if content.startswith(magic):
            return media_type
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "application/octet-stream" if "\x00" in text else "text/plain"


def _folder(application_id: str) -> str:
    """Spread, so that no folder of a disk and no partition of an object store has them all."""
    if not (application_id.isascii() and application_id.isalnum()):
        raise UnknownFile("no such file")
    return f"{application_id[-2:]}/{application_id}"


def _name(application_id: str, sha256: str) -> str:
    if not (sha256.isascii() and sha256.isalnum()):
        raise UnknownFile("no such file")
    return f"{_folder(application_id)}/{sha256}"


def _purpose(application_id: str, sha256: str) -> bytes:
    return f"document\x00{application_id}\x00{sha256}".encode()
