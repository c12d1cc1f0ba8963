"""Files in a folder of a disk that every API and every worker of the pool `lending` shares."""

import asyncio
import os
import secrets
import shutil
from pathlib import Path

from adapters.documents.port import DocumentsAway, UnknownFile


class DiskFiles:
    """See `port.Files`. A file is written beside its name and moved there whole."""

    def __init__(self, folder: Path):
        self._folder = folder

    async def write(self, name: str, content: bytes) -> None:
        try:
            await asyncio.to_thread(_write, self._folder / name, content)
        except OSError as fault:
            raise DocumentsAway from fault

    async def read(self, name: str) -> bytes:
        try:
            return await asyncio.to_thread((self._folder / name).read_bytes)
        except FileNotFoundError:
            raise UnknownFile("no such file") from None
        except OSError as fault:
            raise DocumentsAway from fault

    async def remove(self, folder: str) -> int:
        try:
            return await asyncio.to_thread(_remove, self._folder / folder)
        except OSError as fault:
            raise DocumentsAway from fault


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
    try:
        found = [file for file in folder.iterdir() if file.is_file()]
    except FileNotFoundError:
        return 0
    shutil.rmtree(folder)
    return len(found)
