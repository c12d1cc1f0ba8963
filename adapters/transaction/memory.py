"""One transaction over books in memory, for tests: one at a time, and what fails leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from typing import Any

from adapters.backorders.memory import MemoryBackorders
from adapters.brokering.memory import MemoryBrokering
from adapters.capacity.memory import MemoryCapacity
from adapters.channels.memory import MemoryChannels
from adapters.intake.memory import MemoryIntake
from adapters.inventory.memory import MemoryInventory
from adapters.inventory.port import AvailableStock
from adapters.items.memory import MemoryItems
from adapters.notification.memory import MemoryOutbox
from adapters.places.memory import MemoryPlaces
from adapters.records.memory import MemoryRecords
from adapters.returns.memory import MemoryReturnPolicies, MemoryReturns
from adapters.routing.memory import MemoryRouting
from domain.ids import OrderId


class MemoryTransaction:
    """The books themselves; tests may look into them between transactions."""

    def __init__(self, customer_of: Callable[[OrderId], str | None] = lambda order_id: None) -> None:
        self.outbox = MemoryOutbox()
        self.intake = MemoryIntake()
        self.records = MemoryRecords(self.intake, customer_of)
        self.inventory = MemoryInventory(self.records.picked_at)
        self.places = MemoryPlaces()
        self.items = MemoryItems()
        self.channels = MemoryChannels()
        self.backorders = MemoryBackorders()
        self.routing = MemoryRouting()
        self.returns = MemoryReturns()
        self.return_policies = MemoryReturnPolicies()
        self.capacity = MemoryCapacity()
        self.brokering = MemoryBrokering()


class MemoryTransactions:
    """See `port.Transactions`."""

    def __init__(self, books: MemoryTransaction | None = None) -> None:
        self.books = books or MemoryTransaction()
        self._turn = asyncio.Lock()
        self._owner: asyncio.Task[Any] | None = None

    def begin(self) -> AbstractAsyncContextManager[MemoryTransaction]:
        return self._begin()

    def reading(self) -> AbstractAsyncContextManager[MemoryTransaction]:
        return self._begin()

    @property
    def stock(self) -> AvailableStock:
        return self.books.inventory

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[MemoryTransaction]:
        me = asyncio.current_task()
        if self._owner is not None and self._owner is me:
            raise RuntimeError("a transaction is open in this task already; use that one")
        async with self._turn:
            self._owner = me
            before = _kept_by(self.books)
            try:
                yield self.books
            except BaseException:  # a cancelled task leaves nothing behind either
                for book, state in before:
                    vars(book).update(state)
                raise
            finally:
                self._owner = None


def _kept_by(books: MemoryTransaction) -> list[tuple[object, dict[str, Any]]]:
    """Copies of every book's dictionaries and lists. What stands in them is never changed, only replaced."""
    return [
        (book, {name: copy(value) for name, value in vars(book).items() if isinstance(value, dict | list)})
        for book in vars(books).values()
    ]
