"""The PostgreSQL that all parties share: the wheel's own binaries, fsync on, one database for each that asks."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from adapters.postgres.migrate import upgrade
from workers.stack.ports import Ports
from workers.stack.postgres import Postgres


@dataclass
class Database:
    server: Postgres

    @property
    def dsn(self) -> str:
        return self.server.dsn

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def pid(self) -> int:
        assert self.server.child is not None
        assert self.server.child.pid is not None
        return self.server.child.pid

    async def make(self, name: str) -> str:
        """An empty database of that name; its address for any client."""
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            await connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"{self.dsn.rpartition('/')[0]}/{name}"

    async def settle(self, *others: str) -> None:
        """Write what is dirty and sweep what is dead, so that no turn pays for the last. `others`: peers' databases."""
        for dsn in (self.dsn, *others):
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                await connection.execute("VACUUM (ANALYZE)")
                await connection.execute("CHECKPOINT")


@asynccontextmanager
async def database(folder: Path) -> AsyncIterator[Database]:
    """A server with our schema in its main database; nothing is left of it."""
    ports = Ports()
    port = ports.pick("database", preferred=False)
    server = Postgres(folder / "postgres", port=port, password="benchmarks", log=folder / "postgres.log", fsync=True)
    try:
        await server.start()
        upgrade(server.url)
        yield Database(server)
    finally:
        await server.stop()
        server.discard()
        ports.close()


@asynccontextmanager
async def folder_for(what: str) -> AsyncIterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"throughline-bench-{what}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
