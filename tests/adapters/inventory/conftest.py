"""Both inventories under one name, and a real PostgreSQL for what only a database can show."""

import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.inventory.memory import MemoryInventory
from adapters.inventory.port import Inventory
from adapters.inventory.postgres import PostgresInventory
from adapters.postgres.metadata import Table
from adapters.postgres.tables import stock
from workers.stack.ports import Ports
from workers.stack.postgres import Postgres

TABLES = [
    stock.StockLevelRow.__table__,
    stock.StockBufferRow.__table__,
    stock.ReservationRow.__table__,
    stock.StockMovementRow.__table__,
    stock.StockOperationRow.__table__,
]


@pytest.fixture(scope="session")
async def database_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder: Path = tmp_path_factory.mktemp("inventory")
    ports = Ports()
    server = Postgres(
        folder / "postgres",
        port=ports.pick("database", preferred=False),
        password=secrets.token_hex(8),
        log=folder / "postgres.log",
        fsync=False,
    )
    await server.start()
    try:
        engine = create_async_engine(server.url)
        async with engine.begin() as connection:
            await connection.run_sync(Table.metadata.create_all, tables=TABLES)
        await engine.dispose()
        yield server.url
    finally:
        await server.stop()
        ports.close()
        # Started by root, the files lie outside the test's folder, behind a link.
        shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)


@pytest.fixture(scope="session")
async def shared_engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url, pool_size=40, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def engine(shared_engine: AsyncEngine) -> AsyncEngine:
    """An empty database."""
    async with shared_engine.begin() as connection:
        await connection.execute(text("TRUNCATE " + ", ".join(table.name for table in TABLES)))
    return shared_engine


@pytest.fixture(params=["memory", "postgres"])
async def inventory(request: pytest.FixtureRequest, engine: AsyncEngine) -> AsyncIterator[Inventory]:
    if request.param == "memory":
        yield MemoryInventory()
        return
    async with engine.connect() as connection:
        yield PostgresInventory(connection)
        await connection.rollback()
