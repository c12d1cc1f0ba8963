"""A reconciliation's steps: the provider's ledger is read once, orders are compared at once, suspects one by one."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.faults import AWAY
from adapters.payment.port import PaymentFault, Payments, UnknownPayment
from adapters.reconciling.port import Reconciler, Reconciliation, RunCounts, RunState
from domain.ids import OrderId
from domain.payments import Authorisation, AuthorisationId
from domain.reconciling import Difference, Looked, all_differences, left_over, level_difference, stray

AT_ONCE = 8
"""So many orders are looked at side by side."""
PAGES_A_STEP = 10
"""After so many pages a step gives its place back, so that a lost one repeats little."""
ORDERS_A_PAGE = 1000
PAYMENTS_A_PAGE = 500
SETTLED_FOR = timedelta(minutes=1)
"""What moved later than that may belong to an order that is just being placed."""


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Opening(Message):
    run: str
    by: str
    at: datetime


class Place(Message):
    """How far a part of the run has come."""

    run: str
    at: datetime
    after: str = ""
    more: bool = True
    counts: RunCounts = RunCounts()


class Examiner:
    """One order, held against the ledgers and the stock."""

    def __init__(self, reconciler: Reconciler, payments: Payments):
        self.reconciler = reconciler
        self.payments = payments

    async def all_of(self, orders: Sequence[OrderId]) -> list[Difference]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def looked_at(order_id: OrderId) -> list[Difference]:
            async with gate:
                return await self.differences(order_id)

        return [each for found in await asyncio.gather(*map(looked_at, orders)) for each in found]

    async def differences(self, order_id: OrderId) -> list[Difference]:
        """What differs, and differs still at a second look: an order that changes meanwhile is not at fault."""
        if not (first := await self._look(order_id)):
            return []
        again = await self._look(order_id)
        return [each for each in again if each in first]

    async def _look(self, order_id: OrderId) -> list[Difference]:
        looked = await self.reconciler.look(order_id)
        if looked is None:
            return []
        provider = {each: await self.at_provider(each) for each in looked.authorisations}
        return all_differences(Looked(**looked._asdict() | {"provider": provider}))

    async def at_provider(self, authorisation: AuthorisationId) -> Authorisation | None:
        try:
            return await self.payments.at_provider(authorisation)
        except UnknownPayment:
            return None


class ReconcilingSteps:
    def __init__(self, reconciler: Reconciler, payments: Payments):
        self.reconciler = reconciler
        self.payments = payments
        self.examiner = Examiner(reconciler, payments)

    @activity.defn
    async def open_reconciliation(self, opening: Opening) -> None:
        await self.reconciler.open(
            Reconciliation(run=opening.run, state=RunState.RUNNING, requested_by=opening.by, started_at=opening.at)
        )

    @activity.defn
    async def read_provider(self, place: Place) -> Place:
        """Some pages of the provider's ledger, from the newest on; each is kept before the next one is asked for."""
        after, read = place.after, 0
        for _ in range(PAGES_A_STEP):
            try:
                page = await self.payments.listed(after=after, limit=PAYMENTS_A_PAGE)
            except PaymentFault as fault:
                raise ApplicationError(str(fault), type=AWAY) from fault
            await self.reconciler.keep_payments(place.run, page.items)
            read, after = read + len(page.items), page.after or ""
            activity.heartbeat(after)
            if page.after is None:
                break
        counts = place.counts.model_copy(update={"authorisations": place.counts.authorisations + read})
        return place.model_copy(update={"after": after, "more": bool(after), "counts": counts})

    @activity.defn
    async def compare_orders(self, place: Place) -> Place:
        """Some pages of orders: all at once in the database, and who seems to differ by itself."""
        after, orders, looked = place.after, 0, 0
        more = True
        for _ in range(PAGES_A_STEP):
            page = await self.reconciler.page(place.run, after=after, limit=ORDERS_A_PAGE)
            await self.reconciler.add(place.run, await self.examiner.all_of(page.suspects))
            orders, looked = orders + page.orders, looked + len(page.suspects)
            activity.heartbeat(after)
            more = page.orders == ORDERS_A_PAGE
            if not more or page.last is None:
                break
            after = page.last
        counts = place.counts.model_copy(
            update={"orders": place.counts.orders + orders, "looked_into": place.counts.looked_into + looked}
        )
        return place.model_copy(update={"after": after, "more": more, "counts": counts})

    @activity.defn
    async def compare_rest(self, place: Place) -> Place:
        """What belongs to no order: money at the provider, stock that is kept, levels."""
        await self._strays(place.run)
        await self._orphans(place)
        await self._levels(place.run)
        return place

    @activity.defn
    async def close_reconciliation(self, place: Place) -> RunCounts:
        return await self.reconciler.close(place.run, place.at, place.counts)

    async def _strays(self, run: str) -> None:
        after = ""
        while ids := await self.reconciler.strays(run, after=after, limit=PAYMENTS_A_PAGE):
            found = []
            for each in ids:
                present = await self.examiner.at_provider(each)
                if present is not None and not await self.reconciler.is_ours(present):
                    found.append(stray(present))
            await self.reconciler.add(run, [each for each in found if each is not None])
            after = ids[-1]
            activity.heartbeat(after)

    async def _orphans(self, place: Place) -> None:
        after = ""
        while found := await self.reconciler.orphans(before=place.at - SETTLED_FOR, after=after, limit=PAYMENTS_A_PAGE):
            await self.reconciler.add(place.run, [left_over(order_id, held) for order_id, held in found])
            after = found[-1][0]
            activity.heartbeat(after)

    async def _levels(self, run: str) -> None:
        at: tuple[str, str] | None = ("", "")
        while at is not None:
            found, at = await self.reconciler.unbalanced(after=at, limit=ORDERS_A_PAGE)
            differences = [
                level_difference(each.sku, each.store_id, each.what, each.level, each.movements) for each in found
            ]
            await self.reconciler.add(run, differences)
            activity.heartbeat(at)
