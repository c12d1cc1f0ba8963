"""A real PostgreSQL for the books, and a provider that a test can trip at any point."""

import secrets
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.payment.ledgered import LedgeredPayments
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables import ledger
from tests.adapters.payment.tripping import Shop, TrippingProvider
from tests.conftest import NewDatabase


@pytest.fixture(scope="session")
async def ledger_url(new_database: NewDatabase) -> str:
    return await new_database("ledger")


@pytest.fixture(scope="session")
async def ledger_engine(ledger_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(ledger_url, pool_size=25, wait_seconds=30)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=ledger.TABLES)
    yield engine
    await engine.dispose()


@pytest.fixture
def shop(ledger_engine: AsyncEngine) -> Shop:
    """An order of its own, with a provider of its own."""
    provider = TrippingProvider()
    payments = LedgeredPayments(ledger_engine, provider, f"memory-{secrets.token_hex(4)}", clock=provider.clock)
    return Shop(payments, provider, order_id=f"o{secrets.token_hex(8)}")
