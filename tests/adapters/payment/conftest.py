"""A real PostgreSQL for the books, and a provider that a test can trip at any point."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.payment.ledgered import LedgeredPayments
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables import ledger
from tests.adapters.payment.tripping import Shop, TrippingProvider
from workers.stack.ports import Ports
from workers.stack.postgres import Postgres


@pytest.fixture(scope="session")
async def ledger_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder: Path = tmp_path_factory.mktemp("ledger")
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
        yield server.url
    finally:
        await server.stop()
        ports.close()


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
