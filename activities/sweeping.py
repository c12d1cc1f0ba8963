"""Finding what was promised and not done: lost starts, events before their order, stock that nobody was told of."""

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from activities.supply import (
    Arrived,
    Rescheduled,
    Supplies,
    tell_supply_arrived,
    tell_supply_rescheduled,
    waits_anywhere,
)
from adapters.inbound.port import InboundEvent, InboundEvents
from adapters.records.port import StockWait
from adapters.transaction.port import Transactions
from domain.ids import OrderId, Sku, StoreId, order_workflow_id

OVERDUE = timedelta(seconds=8)
"""A start that was promised longer ago than this was lost with its process."""
SOONEST = timedelta(seconds=15)
LATEST_WHEN_AWAY, LATEST_WHEN_UNKNOWN = timedelta(minutes=1), timedelta(minutes=10)
"""Between two tries of one thing: as long as it has waited so far, within these. What a system that is away holds up
goes on soon after it is back; an event of something that is not ours may come less often."""
GIVE_UP = timedelta(days=3)
"""What could not be done for so long is left to a person (`GET /v1/ops/parked`)."""
WAKE_AGAIN = timedelta(minutes=5)
"""A group that was told of stock and still waits is not told again before this."""
BATCH = 100
MOST_SECONDS = 40.0
"""One look ends by then: what it did not come to is due at the next."""
PATIENCE = timedelta(seconds=2)

StartAgain = Callable[[OrderId, bytes], Awaitable[None]]
"""Start an order's workflow from its sealed start, or find that it runs already."""
Deliver = Callable[[InboundEvent], Awaitable[bool]]
"""Hand an event to its order; false when the order is not there yet."""
Wake = Callable[[OrderId, int], Awaitable[None]]
"""Tell an order that stock is there for one of its groups."""


class Swept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    started: int = 0
    delivered: int = 0
    woken: int = 0
    supplied: int = 0
    """Groups that were told of their supply, or of its new date."""


def next_try(since: datetime, now: datetime, latest: timedelta) -> datetime | None:
    """When to try again what has waited since `since`; None when it is for a person now."""
    waited = now - since
    return None if waited >= GIVE_UP else now + min(max(waited, SOONEST), latest)


async def tell_stock_arrived(order_id: OrderId, n: int) -> None:
    """`OrderWorkflow.stock_arrived`, by its name: steps know no workflows."""
    order = activity.client().get_workflow_handle(order_workflow_id(order_id))
    await order.signal("stock_arrived", {"n": n}, rpc_timeout=PATIENCE)


async def nothing_is_scheduled() -> None:
    """Where no schedules are kept."""


class SweepingSteps:
    def __init__(
        self,
        transactions: Transactions,
        events: InboundEvents,
        start_again: StartAgain,
        deliver: Deliver,
        wake: Wake = tell_stock_arrived,
        supplied: Arrived = tell_supply_arrived,
        rescheduled: Rescheduled = tell_supply_rescheduled,
        keep_schedules: Callable[[], Awaitable[None]] = nothing_is_scheduled,
    ):
        self.transactions = transactions
        self.events = events
        self.start_again = start_again
        self.deliver = deliver
        self.wake = wake
        self.supplies = Supplies(transactions, supplied)
        self.rescheduled = rescheduled
        self.keep_schedules = keep_schedules
        self._rules_version = 0
        self._woken: dict[tuple[OrderId, int], datetime] = {}
        self._supplied: dict[tuple[OrderId, int], datetime] = {}
        self._seen_waiting: set[tuple[OrderId, int]] = set()

    @activity.defn
    async def sweep(self, now: datetime) -> Swept:
        """One look at everything that is overdue at `now`. What fails is put off, so that it never blocks the rest."""
        end = time.monotonic() + MOST_SECONDS
        await self._keep_schedules()
        return Swept(
            # Who bought before the stock was there goes before who chose to wait for it.
            supplied=await self._supply(now),
            woken=await self._wake_who_waits(now, end),
            started=await self._start_again(now, end),
            delivered=await self._deliver(now, end),
        )

    async def _keep_schedules(self) -> None:
        """Brokering runs come as the newest rules say, also when nobody could see to that when they were put."""
        async with self.transactions.begin() as books:
            newest = (await books.routing.versions())[0].rules.version
        if newest == self._rules_version:
            return
        try:
            await self.keep_schedules()
            self._rules_version = newest
        except Exception as fault:
            activity.logger.warning("schedules were not kept: %s", type(fault).__name__)

    async def _start_again(self, now: datetime, end: float) -> int:
        async with self.transactions.begin() as books:
            overdue = await books.intake.overdue(now - OVERDUE, BATCH)
        started = 0
        for late in overdue:
            if time.monotonic() > end:
                break
            try:
                await self.start_again(late.order_id, late.start)
                started += 1
                continue
            except Exception as fault:
                error = type(fault).__name__
            again = next_try(late.promised_at, now, LATEST_WHEN_AWAY)
            _tell("order %s could not be started again: %s", again, late.order_id, error)
            async with self.transactions.begin() as books:
                await books.intake.put_off(late.order_id, again)
        return started

    async def _deliver(self, now: datetime, end: float) -> int:
        delivered = 0
        while time.monotonic() < end:
            due = await self.events.waiting(before=now - OVERDUE / 2, limit=BATCH)
            for event in due:
                if time.monotonic() > end:
                    break
                error, latest = "its order or step is not there", LATEST_WHEN_UNKNOWN
                try:
                    if await self.deliver(event):
                        delivered += 1
                        continue
                except Exception as fault:
                    error, latest = type(fault).__name__, LATEST_WHEN_AWAY
                again = next_try(event.received_at, now, latest)
                _tell("event %s could not be delivered: %s", again, event.event_id, error)
                await self.events.put_off(event.provider, event.event_id, again)
            if len(due) < BATCH:
                break
        return delivered

    async def _supply(self, now: datetime) -> int:
        """Serve the queues with whatever is there, and tell orders that have not taken over what they were given."""
        await self._clear_queue(now)
        looking = [party for party in await self.supplies.serve(None, now) if waits_anywhere(party)]
        async with self.transactions.begin() as books:
            served = await books.backorders.served(BATCH)
            untold = await books.backorders.untold(BATCH)
        self._supplied = {group: at for group, at in self._supplied.items() if now - at < WAKE_AGAIN}
        due = [party for party in (*served, *looking) if (party.order_id, party.n) not in self._supplied]
        reached = await self.supplies.tell(due)
        self._supplied |= {(party.order_id, party.n): now for party in reached}
        told = len(reached)
        for party in untold:
            try:
                await self.rescheduled(party.order_id, party.n, party.expected_at)
                told += 1
            except Exception as fault:
                activity.logger.warning("order %s was not told a date: %s", party.order_id, type(fault).__name__)
        return told

    async def _clear_queue(self, now: datetime) -> None:
        """A place whose order does not wait was taken by a try that was lost: the next one found stock."""
        async with self.transactions.begin() as books:
            queue = await books.backorders.queue()
        waiting = {(party.order_id, party.n) for party in queue}
        self._seen_waiting &= waiting
        for party in queue:
            if party.since > now - OVERDUE or (party.order_id, party.n) in self._seen_waiting:
                continue
            if await self.supplies.is_awaited(party):
                self._seen_waiting.add((party.order_id, party.n))

    async def _wake_who_waits(self, now: datetime, end: float) -> int:
        """Tell groups that wait for stock which is there, the longest wait first, as many as it is enough for."""
        self._woken = {group: at for group, at in self._woken.items() if now - at < WAKE_AGAIN}
        woken, promised, after = 0, dict[tuple[Sku, StoreId], int](), None
        while time.monotonic() < end:
            async with self.transactions.begin() as books:
                waits = await books.records.stock_waits(after=after, limit=BATCH)
                available = {}
                for channel in sorted({wait.channel for wait in waits}):
                    available[channel] = await books.inventory.availability(*_asked(waits, channel), channel)
            there = {
                (channel, each.sku, each.location_id): each.available
                for channel, found in available.items()
                for each in found
            }
            for wait in waits:
                left = {
                    sku: there[wait.channel, sku, wait.store_id] - promised.get((sku, wait.store_id), 0)
                    for sku in wait.wanted
                }
                if not wait.wanted or any(left[sku] < quantity for sku, quantity in wait.wanted.items()):
                    continue
                for sku, quantity in wait.wanted.items():
                    promised[sku, wait.store_id] = promised.get((sku, wait.store_id), 0) + quantity
                if (wait.order_id, wait.n) not in self._woken and time.monotonic() < end:
                    woken += await self._woke(wait, now)
            if len(waits) < BATCH:
                break
            after = (waits[-1].since, waits[-1].order_id, waits[-1].n)
        return woken

    async def _woke(self, wait: StockWait, now: datetime) -> bool:
        try:
            await self.wake(wait.order_id, wait.n)
        except Exception as fault:
            activity.logger.warning("order %s was not told of stock: %s", wait.order_id, type(fault).__name__)
            return False
        self._woken[wait.order_id, wait.n] = now
        return True


def _asked(waits: Sequence[StockWait], channel: str) -> tuple[list[Sku], list[StoreId]]:
    mine = [wait for wait in waits if wait.channel == channel]
    return sorted({sku for wait in mine for sku in wait.wanted}), sorted({wait.store_id for wait in mine})


def _tell(what: str, again: datetime | None, *about: object) -> None:
    if again is None:
        activity.logger.error(f"{what}; given up, see /v1/ops/parked", *about)
    else:
        activity.logger.warning(what, *about)
