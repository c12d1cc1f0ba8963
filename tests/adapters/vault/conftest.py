"""A real PostgreSQL with the tables of privacy."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.postgres.metadata import Table
from adapters.postgres.tables.privacy import CardRecordRow, CustomerKeyRow, PersonalRecordRow, WorkflowKeyRow
from tests.conftest import NewDatabase

TABLES = [row.__table__ for row in (CustomerKeyRow, WorkflowKeyRow, PersonalRecordRow, CardRecordRow)]


@pytest.fixture(scope="session")
async def privacy_database(new_database: NewDatabase) -> str:
    return await new_database("vault")


@pytest.fixture
async def engine(privacy_database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(privacy_database, hide_parameters=True)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=TABLES)
    yield engine
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.drop_all, tables=TABLES)
    await engine.dispose()
