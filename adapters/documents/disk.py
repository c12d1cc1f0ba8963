"""Documents as files on a disk: sealed under the customer's key, named by the hash of what is in them."""

import asyncio
import hashlib
import os
import secrets
import shutil
from pathlib import Path

from adapters.documents.port import MOST_BYTES, FileRefused, Kept, UnknownFile
from adapters.keys.cipher import seal, unseal
from adapters.keys.port import CustomerKeys, DataKey, KeyMissing

_MAGIC = ((b"%PDF-", "application/pdf"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


class DiskDocuments:
    """See `port.Documents`. A file is written beside its name and moved there whole."""

    def __init__(self, folder: Path, keys: CustomerKeys):
        self._folder = folder
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
        await asyncio.to_thread(_write, self._file(application_id, kept.sha256), sealed)
        return kept

    async def get(self, application_id: str, sha256: str) -> bytes:
        file = self._file(application_id, sha256)
        try:
            sealed = await asyncio.to_thread(file.read_bytes)
        except OSError:
            raise UnknownFile(f"no file {sha256[:12]} of {application_id}") from None
        return unseal(await self._key(application_id), sealed, _purpose(application_id, sha256))

    async def forget(self, application_id: str) -> int:
        return await asyncio.to_thread(_remove, self._file(application_id, "0").parent)

    async def _key(self, application_id: str) -> DataKey:
        key = await self._keys.key_of_workflow(f"application/{application_id}")
        if key is None:
            raise KeyMissing(f"application {application_id} has no customer's key")
        return key

    def _file(self, application_id: str, sha256: str) -> Path:
        safe = all(part and part.isascii() and part.isalnum() for part in (application_id, sha256))
        if not safe:
            raise UnknownFile("no such file")
        return self._folder / application_id[-2:] / application_id / sha256


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


def _write(file: Path, content: bytes) -> None:
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)


def _remove(folder: Path) -> int:
    found = [file for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
    if folder.is_dir():
        shutil.rmtree(folder)
    return len(found)


def _purpose(application_id: str, sha256: str) -> bytes:
    return f"document\x00{application_id}\x00{sha256}".encode()
