"""Supply for those who wait: what is there goes to the queue in its order, and each order is told once it has it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

from temporalio import activity

from adapters.backorders.port import Party
from adapters.inventory.port import OutOfStock, Reserve
from adapters.transaction.port import Transaction, Transactions
from domain.ids import OrderId, StoreId, operation_key, order_workflow_id
from domain.stock import Place, StockLine, total_demand
from domain.supply import ANYWHERE

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=2)
PROMPTLY = 1.0
"""Seconds that somebody else's step takes at most to tell who was served; the sweeper tells the others."""
BATCH = 200

Arrived = Callable[[OrderId, int, StoreId], Awaitable[None]]
"""Tell an order that what one of its groups waits for is reserved for it, and where."""
Rescheduled = Callable[[OrderId, int, datetime | None], Awaitable[None]]
"""Tell an order the new date of what one of its groups waits for."""


async def tell_supply_arrived(order_id: OrderId, n: int, at: StoreId) -> None:
    """`OrderWorkflow.stock_arrived`, by its name: steps know no workflows."""
    order = activity.client().get_workflow_handle(order_workflow_id(order_id))
    await order.signal("stock_arrived", {"n": n, "store_id": at if at != ANYWHERE else None}, rpc_timeout=PATIENCE)


async def tell_supply_rescheduled(order_id: OrderId, n: int, expected_at: datetime | None) -> None:
    """`OrderWorkflow.supply_rescheduled`, by its name."""
    order = activity.client().get_workflow_handle(order_workflow_id(order_id))
    news = {"n": n, "expected_at": expected_at.isoformat() if expected_at else None}
    await order.signal("supply_rescheduled", news, rpc_timeout=PATIENCE)


class Supplies:
    """Serves the queues. `arrived` tells an order; who cannot be told now is told at a later look."""

    def __init__(self, transactions: Transactions, arrived: Arrived = tell_supply_arrived):
        self.transactions = transactions
        self.arrived = arrived

    async def came(self, places: Collection[Place], now: datetime) -> None:
        """Units became free at these places, in a step that is done: no trouble here may undo it."""
        try:
            async with asyncio.timeout(PROMPTLY):
                await self.tell(await self.serve(places, now))
        except Exception as fault:
            log.warning("who waits for supply was not told: %s", type(fault).__name__)

    async def serve(self, places: Collection[Place] | None, now: datetime) -> list[Party]:
        """Reserve what is there (anywhere, or at these places) for who waits; gives who was served.

        In the order of the queue, each party whole or not at all, each in a transaction of its own, so that nobody
        holds the locks of two orders. For who waits at no certain place nothing is reserved: its order asks the rules
        of routing, once it is told that some place has what it wants.
        """
        served: list[Party] = []
        after = 0
        while True:
            async with self.transactions.begin() as books:
                queue = await books.backorders.queue(sorted(places) if places else None, after=after, limit=BATCH)
                there = await _available(books, queue)
            given: dict[Place, int] = {}
            for party in queue:
                left = {place: n - given.get(place, 0) for place, n in there[party.channel].items()}
                asked = _fitting(party, left)
                if asked and (waits_anywhere(party) or await self._is_served(party, now)):
                    served.append(party)
                    for place, quantity in asked.items():
                        given[place] = given.get(place, 0) + quantity
            if len(queue) < BATCH:
                return served
            after = queue[-1].position

    async def _is_served(self, party: Party, now: datetime) -> bool:
        try:
            async with self.transactions.begin() as books:
                if not await _is_awaited(books, party):
                    return False
                lines = await books.backorders.serve(party.order_id, party.n)
                if not lines:
                    return False
                await books.inventory.reserve(_reservation(party, lines, now))
                return True
        except OutOfStock:  # others took it meanwhile; the party keeps its place
            return False

    async def is_awaited(self, party: Party) -> bool:
        """Whether its order waits for it; if it certainly does not, the place is given up."""
        async with self.transactions.begin() as books:
            return await _is_awaited(books, party)

    async def tell(self, parties: Iterable[Party]) -> list[Party]:
        """Tell orders that they have what they waited for; those that could be told."""
        told = []
        for party in parties:
            try:
                await self.arrived(party.order_id, party.n, where(party))
                told.append(party)
            except Exception as fault:
                log.warning("order %s was not told of its supply: %s", party.order_id, type(fault).__name__)
        return told


def where(party: Party) -> StoreId:
    return party.lines[0].location_id


def waits_anywhere(party: Party) -> bool:
    return where(party) == ANYWHERE


def _fitting(party: Party, left: Mapping[Place, int]) -> dict[Place, int]:
    """What the party takes of which place, if there is enough of all of it in one; else nothing."""
    for location in sorted({at for _, at in left}) if waits_anywhere(party) else [where(party)]:
        asked = total_demand(line.model_copy(update={"location_id": location}) for line in party.lines)
        if all(left.get(place, 0) >= quantity for place, quantity in asked.items()):
            return asked
    return {}


async def _available(books: Transaction, queue: Iterable[Party]) -> dict[str, dict[Place, int]]:
    """What can be promised of all that the parties wait for, as their channels see it."""
    wanted: dict[str, set[Place]] = {}
    for party in queue:
        wanted.setdefault(party.channel, set()).update(line.place for line in party.lines)
    there: dict[str, dict[Place, int]] = {}
    for channel, places in sorted(wanted.items()):
        skus, locations = sorted({sku for sku, _ in places}), sorted({location for _, location in places})
        anywhere = ANYWHERE in locations
        levels = await books.inventory.levels(skus, None if anywhere else locations, channel)
        there[channel] = {(each.sku, each.store_id): each.available for each in levels}
    return there


async def _is_awaited(books: Transaction, party: Party) -> bool:
    order = await books.records.order(party.order_id)
    if order is None:  # it is being placed, and may yet be refused
        return False
    if any(group.n == party.n and group.backordered for group in order.groups):
        return True
    await books.backorders.leave(party.order_id, party.n, party.lines)
    return False


def _reservation(party: Party, lines: tuple[StockLine, ...], now: datetime) -> Reserve:
    key = operation_key(party.order_id, "supply", party.n)
    return Reserve(key=key, at=now, order_id=party.order_id, lines=lines, channel=party.channel)
