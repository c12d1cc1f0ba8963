"""A real PostgreSQL with the tables of privacy."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.postgres.metadata import Table
from adapters.postgres.tables.privacy import CustomerKeyRow, PersonalRecordRow, WorkflowKeyRow
from workers.stack.ports import Ports
from workers.stack.postgres import Postgres

TABLES = [row.__table__ for row in (CustomerKeyRow, WorkflowKeyRow, PersonalRecordRow)]


@pytest.fixture(scope="session")
async def privacy_database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder: Path = tmp_path_factory.mktemp("privacy")
    ports = Ports()
    port = ports.pick("database", preferred=False)
    server = Postgres(folder / "postgres", port=port, password="test", log=folder / "postgres.log", fsync=False)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()
        ports.close()


@pytest.fixture
async def engine(privacy_database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(privacy_database, hide_parameters=True)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=TABLES)
    yield engine
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.drop_all, tables=TABLES)
    await engine.dispose()
