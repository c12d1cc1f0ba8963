"""Both inventories under one name, and a real PostgreSQL for what only a database can show."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.inventory.memory import MemoryInventory
from adapters.inventory.port import Inventory
from adapters.inventory.postgres import PostgresInventory
from adapters.postgres.metadata import Table
from adapters.postgres.tables import stock
from tests.conftest import NewDatabase

TABLES = [
    stock.StockLevelRow.__table__,
    stock.StockBufferRow.__table__,
    stock.ReservationRow.__table__,
    stock.StockMovementRow.__table__,
    stock.StockOperationRow.__table__,
]


@pytest.fixture(scope="session")
async def database_url(new_database: NewDatabase) -> str:
    url = await new_database("inventory")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=TABLES)
    await engine.dispose()
    return url


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
