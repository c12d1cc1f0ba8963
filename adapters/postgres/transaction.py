"""One PostgreSQL transaction over stock, records, notices, intake, places, items, channels and routing."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.backorders.postgres import PostgresBackorders
from adapters.brokering.postgres import PostgresBrokering
from adapters.capacity.postgres import PostgresCapacity
from adapters.channels.postgres import PostgresChannels
from adapters.inventory.asking import MergedQuestions
from adapters.inventory.postgres import PostgresInventory
from adapters.items.postgres import PostgresItems
from adapters.postgres.intake import PostgresIntake
from adapters.postgres.notices import PostgresOutbox
from adapters.postgres.places import PostgresPlaces
from adapters.postgres.records import PostgresRecords
from adapters.reconciling.postgres import PostgresReconciling
from adapters.returns.blind import PostgresBlindReturns
from adapters.returns.postgres import PostgresReturnPolicies, PostgresReturns
from adapters.routing.postgres import PostgresRouting


class PostgresTransaction:
    def __init__(self, connection: AsyncConnection):
        self.connection = connection
        self.records = PostgresRecords(connection)
        self.inventory = PostgresInventory(connection, self.records.picked_at)
        self.outbox = PostgresOutbox(connection)
        self.intake = PostgresIntake(connection)
        self.places = PostgresPlaces(connection)
        self.items = PostgresItems(connection)
        self.channels = PostgresChannels(connection)
        self.backorders = PostgresBackorders(connection)
        self.routing = PostgresRouting(connection)
        self.reconciling = PostgresReconciling(connection)
        self.returns = PostgresReturns(connection)
        self.blind_returns = PostgresBlindReturns(connection)
        self.return_policies = PostgresReturnPolicies(connection)
        self.capacity = PostgresCapacity(connection)
        self.brokering = PostgresBrokering(connection)


class PostgresTransactions:
    """See `port.Transactions`."""

    def __init__(self, engine: AsyncEngine):
        self._engine = engine
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.stock = MergedQuestions(engine)

    def begin(self) -> AbstractAsyncContextManager[PostgresTransaction]:
        return self._begin()

    def reading(self) -> AbstractAsyncContextManager[PostgresTransaction]:
        return self._reading()

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[PostgresTransaction]:
        async with self._single.connect() as connection:
            yield PostgresTransaction(connection)

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[PostgresTransaction]:
        async with self._engine.begin() as connection:
            yield PostgresTransaction(connection)
