"""Finding what was promised and not done: starts that were lost, events that came before their order."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from adapters.inbound.port import InboundEvent, InboundEvents
from adapters.transaction.port import Transactions
from domain.ids import OrderId

OVERDUE = timedelta(seconds=8)
"""A start that was promised longer ago than this was lost with its process."""
BATCH = 100

StartAgain = Callable[[OrderId, bytes], Awaitable[None]]
"""Start an order's workflow from its sealed start, or find that it runs already."""
Deliver = Callable[[InboundEvent], Awaitable[bool]]
"""Hand an event to its order; false when the order is not there yet."""


class Swept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    started: int = 0
    delivered: int = 0


class SweepingSteps:
    def __init__(self, transactions: Transactions, events: InboundEvents, start_again: StartAgain, deliver: Deliver):
        self.transactions = transactions
        self.events = events
        self.start_again = start_again
        self.deliver = deliver

    @activity.defn
    async def sweep(self, now: datetime) -> Swept:
        """One look at every promise that is overdue at `now`. What fails is found again by the next look."""
        async with self.transactions.begin() as books:
            overdue = await books.intake.overdue(now - OVERDUE, BATCH)
        started = delivered = 0
        for order_id, start in overdue:
            try:
                await self.start_again(order_id, start)
                started += 1
            except Exception as fault:
                activity.logger.warning("order %s could not be started again: %s", order_id, type(fault).__name__)
        for event in await self.events.waiting(before=now - OVERDUE / 2, limit=BATCH):
            try:
                delivered += await self.deliver(event)
            except Exception as fault:
                activity.logger.warning("event %s could not be delivered: %s", event.event_id, type(fault).__name__)
        return Swept(started=started, delivered=delivered)
