"""The stock of promises: kept before an order is there, taken over by one, or freed."""

from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from activities import faults
from activities.supply import Supplies
from adapters.inventory.port import Inventory, OutOfStock, Release, Reservations, Reserve
from adapters.transaction.port import Transactions
from domain.ids import OperationKey, OrderId
from domain.promises import Promise, PromiseState, conversion_key
from domain.stock import MovementKind, StockLine

OURS = "let go"
_ORDER = "order "


class PromiseEnded(BaseModel):
    """A promise whose time is over, or that is let go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    promise: Promise
    at: datetime
    expired: bool


class Standing(NamedTuple):
    state: PromiseState
    order_id: OrderId | None


class PromiseSteps:
    def __init__(self, transactions: Transactions, reservations: Reservations):
        self.transactions = transactions
        self.reservations = reservations
        self.supplies = Supplies(transactions)

    @activity.defn
    async def keep_promise(self, promise: Promise) -> None:
        """Hold all its units or none. Fails with `OutOfStock` (nothing is changed)."""
        await faults.mapped(self._keep, promise)

    async def _keep(self, promise: Promise) -> None:
        await self.reservations.reserve(
            Reserve(
                key=OperationKey(f"{promise.holder}:keep"),
                at=promise.made_at,
                order_id=promise.holder,
                lines=promise.stock,
                channel=promise.channel,
                expires_at=promise.expires_at,
            )
        )

    @activity.defn
    async def end_promise(self, ended: PromiseEnded) -> None:
        """Free what no order has taken over."""
        await faults.mapped(self._end, ended)

    async def _end(self, ended: PromiseEnded) -> None:
        holder, at = ended.promise.holder, ended.at
        async with self.transactions.begin() as books:
            if ended.expired:
                freed = await books.inventory.expire(holder, OperationKey(f"{holder}:expire"), at)
            else:
                key = OperationKey(f"{holder}:release")
                release = Release(key=key, at=at, order_id=holder, lines=ended.promise.stock, reason=OURS)
                freed = await books.inventory.release(release)
        if freed.lines:
            await self.supplies.came({line.place for line in freed.lines}, at)


async def convert(inventory: Inventory, holder: OrderId, order_id: OrderId, at: datetime) -> None:
    """Free a promise's units for the order that takes it over, in the transaction in which that reserves them.

    Nothing is freed for a promise that is over, or that another order was faster to take.
    """
    lines = tuple(
        StockLine(line_id=each.line_id, sku=each.sku, location_id=each.location_id, quantity=each.reserved)
        for each in await inventory.holdings(holder)
        if each.reserved and (each.expires_at is None or at < each.expires_at)
    )
    if lines:
        key = conversion_key(holder, order_id)
        await inventory.release(Release(key=key, at=at, order_id=holder, lines=lines, reason=f"{_ORDER}{order_id}"))


async def keep_again(inventory: Inventory, holder: OrderId, order_id: OrderId, at: datetime) -> None:
    """The order came to nothing, and its stock is free: another one may still take the promise over."""
    expires_at = max((each.expires_at for each in await inventory.holdings(holder) if each.expires_at), default=None)
    moved = [row for row in await inventory.ledger(order_id=holder) if row.reason == f"{_ORDER}{order_id}"]
    lines = tuple(
        StockLine(line_id=row.line_id, sku=row.sku, location_id=row.store_id, quantity=-row.reserved)
        for row in moved
        if row.line_id is not None and row.reserved < 0
    )
    if not lines or expires_at is None or at >= expires_at:
        return
    key = OperationKey(f"{holder}:again:{order_id}")
    again = Reserve(key=key, at=at, order_id=holder, lines=lines, expires_at=expires_at)
    try:
        await inventory.reserve(again)
    except OutOfStock:
        return  # a buffer was raised meanwhile: nothing can be promised there any more


async def standing(inventory: Inventory, promise: Promise, at: datetime) -> Standing:
    """What became of a promise, as the stock ledger has it."""
    if any(each.reserved for each in await inventory.holdings(promise.holder)):
        return Standing(PromiseState.OPEN if at < promise.expires_at else PromiseState.EXPIRED, None)
    rows = await inventory.ledger(order_id=promise.holder)
    last = rows[-1] if rows else None
    if last is None or last.kind is MovementKind.EXPIRY:
        return Standing(PromiseState.EXPIRED, None)
    if last.reason.startswith(_ORDER):
        return Standing(PromiseState.CONVERTED, OrderId(last.reason.removeprefix(_ORDER)))
    return Standing(PromiseState.RELEASED, None)
