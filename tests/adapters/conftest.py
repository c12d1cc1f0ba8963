"""The books in memory and in PostgreSQL, under one name: what holds for one holds for the other."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables import (
    backorders,
    brokering,
    inbound,
    notices,
    orders,
    places,
    privacy,
    returns,
    routing,
    stock,
)
from adapters.postgres.transaction import PostgresTransactions
from adapters.transaction.memory import MemoryTransactions
from adapters.transaction.port import Transactions
from tests.conftest import NewDatabase

ROWS = [
    *(inbound.InboundEventRow, notices.NoticeRow),
    *(orders.OrderRow, orders.OrderLineRow, orders.OrderGroupRow, orders.TimelineRow, orders.OrderIntakeRow),
    *(places.PlaceRow, places.ItemRow, places.ChannelRow),
    *(brokering.QueuedShipmentRow, brokering.BrokeringRunRow),
    *(backorders.BackorderRuleRow, backorders.BackorderRow),
    *(returns.ReturnRow, returns.ReturnUnitsRow, returns.ReturnSettlementRow, returns.ReturnPolicyRow),
    *(returns.ExchangeCreditRow, returns.ExchangeRefundRow),
    *(privacy.CustomerKeyRow, privacy.WorkflowKeyRow),
    *(routing.RoutingRulesRow, routing.RoutingDecisionRow),
    *(routing.CapacityDayRow, routing.CapacityOpenRow, routing.CapacityHoldRow),
    *(stock.StockLevelRow, stock.StockBufferRow, stock.ReservationRow, stock.StockMovementRow, stock.StockOperationRow),
]
BOOKS = [Table.metadata.tables[row.__tablename__] for row in ROWS]


@pytest.fixture(scope="session")
async def shared_books(new_database: NewDatabase) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(await new_database("books"), pool_size=20)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=BOOKS)
    yield engine
    await engine.dispose()


@pytest.fixture
async def books_engine(shared_books: AsyncEngine) -> AsyncEngine:
    """Empty books."""
    async with shared_books.begin() as connection:
        await connection.execute(text("TRUNCATE " + ", ".join(table.name for table in BOOKS)))
    return shared_books


@pytest.fixture(params=["memory", "postgres"])
def transactions(request: pytest.FixtureRequest, books_engine: AsyncEngine) -> Transactions:
    return MemoryTransactions() if request.param == "memory" else PostgresTransactions(books_engine)
