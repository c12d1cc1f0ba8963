"""Files in an object store: S3 and what speaks like it, Google Cloud Storage, Azure. The extra is `object-store`."""

from datetime import timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from adapters.documents.port import DocumentsAway, UnknownFile

_PATIENCE = timedelta(seconds=10)
"""For all tries of one call. Who waits is a person who uploads, or an activity that is tried again anyway."""


class ObjectFiles:
    """See `port.Files`. A name becomes an object's key under the address's path; no rights but these four are needed:
    put, get, list and delete objects."""

    def __init__(self, store: ObjectStore):
        self._store = store

    async def write(self, name: str, content: bytes) -> None:
        try:
            await obstore.head_async(self._store, name)
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as fault:
            raise DocumentsAway from fault
        else:
            return
        try:
            # Two at once write the same document, sealed twice: either may stay.
            await obstore.put_async(self._store, name, content)
        except (BaseError, OSError) as fault:
            raise DocumentsAway from fault

    async def read(self, name: str) -> bytes:
        try:
            found = await obstore.get_async(self._store, name)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            # A bucket that is gone answers alike, and then nothing may be taken for unknown: listing tells them apart.
            await self._names(name)
            raise UnknownFile("no such file") from None
        except (BaseError, OSError) as fault:
            raise DocumentsAway from fault

    async def remove(self, folder: str) -> int:
        names = await self._names(folder)
        try:
            if names:
                await obstore.delete_async(self._store, names)
        except (BaseError, OSError) as fault:
            raise DocumentsAway from fault
        return len(names)

    async def _names(self, folder: str) -> list[str]:
        try:
            return [each["path"] async for batch in obstore.list(self._store, folder) for each in batch]
        except (BaseError, OSError) as fault:
            raise DocumentsAway from fault


def object_files(address: str) -> ObjectFiles:
    """`s3://bucket/path`, `gs://bucket/path`, `az://container/path`; who we are comes from the environment, as each
    cloud's own tools read it. Raises: ValueError when no store is named so."""
    try:
        store = from_url(
            address,
            client_options={"timeout": "5s", "connect_timeout": "2s", "allow_http": True},
            retry_config={"max_retries": 2, "retry_timeout": _PATIENCE},
        )
    except (BaseError, ValueError) as fault:
        raise ValueError("the address names no object store; write s3://bucket/path, gs://… or az://…") from fault
    return ObjectFiles(store)
