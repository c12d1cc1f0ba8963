"""One milestone of an order: its stock moves, its record, its timeline and its notices, in one transaction of ours."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from activities import faults
from activities.beyond_stock import Waiting
from activities.promises import keep_again
from activities.supply import Supplies
from adapters.brokering.port import QueuedGroup
from adapters.inventory.port import (
    Allocate,
    Consume,
    OutOfStock,
    Release,
    Relocate,
    Reserve,
    Variance,
)
from adapters.places.port import Place
from adapters.records.port import OrderChange
from adapters.transaction.port import Transaction, Transactions
from domain.actors import Channel
from domain.ids import GroupId, OperationKey, OrderId, Sku, StoreId
from domain.notices import Notice, NoticeKind
from domain.stock import RejectReason, StockEffect, StockLine
from domain.store_hours import StoreHours, with_holidays_written_out


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StockOperation(StrEnum):
    RESERVE = "reserve"
    ALLOCATE = "allocate"
    TAKE = "take"
    """Reserve and allocate in one step, at another store."""
    RELEASE = "release"
    SET_ASIDE = "set_aside"
    PUT_BACK = "put_back"
    TAKE_BACK = "take_back"
    """Goods that had left came back, and are on the shelf."""
    CONSUME = "consume"
    CONSUME_LATE = "consume_late"
    VARIANCE = "variance"
    RELOCATE = "relocate"
    """Allocated units go to another place, as the same order's."""
    RELOCATE_ASIDE = "relocate_aside"
    """The same with units set aside."""


class QueueOperation(StrEnum):
    TAKE_OVER = "take_over"
    """The group has what it waited for: it is reserved."""
    LEAVE = "leave"
    TELL = "tell"
    """The order knows of a new date."""


class QueueStep(Message):
    """What becomes of a group's place in the queue for supply. `key`: for units that it had been given already."""

    operation: QueueOperation
    key: OperationKey
    n: int
    lines: tuple[StockLine, ...] = ()
    expected_at: datetime | None = None


class StockStep(Message):
    """One command to inventory. `key` names the business step: the same on every attempt."""

    operation: StockOperation
    key: OperationKey
    lines: tuple[StockLine, ...]
    channel: Channel | None = None
    expires_at: datetime | None = None
    reason: RejectReason | None = None
    effect: StockEffect | None = None
    found: dict[Sku, int] = {}
    """For a variance: units that the store has picked all the same."""
    to: StoreId | None = None
    """Where units are relocated to."""

    def reservation(self, order_id: OrderId, at: datetime) -> Reserve:
        return Reserve(
            key=self.key,
            at=at,
            order_id=order_id,
            lines=self.lines,
            channel=self.channel,
            expires_at=self.expires_at,
        )


class CapacityEnd(StrEnum):
    GIVE_BACK = "give_back"
    """Declined, moved or cancelled: the place has it free again."""
    FINISH = "finish"
    """The parcels left: the place has one less open."""


class CapacityStep(Message):
    """The end of what was taken of a place's capacity under `key`."""

    key: OperationKey
    end: CapacityEnd


class Withdrawal(Message):
    """Notices that wait to be sent and are pointless from now on."""

    kinds: tuple[NoticeKind, ...]
    group_id: GroupId | None = None


class Milestone(Message):
    change: OrderChange
    stock: list[StockStep] = []
    queue: list[QueueStep] = []
    notices: list[Notice] = []
    withdraw: list[Withdrawal] = []
    capacity: list[CapacityStep] = []
    queued: list[QueuedGroup] = []
    """Shipments that have come to a queue, or that others are than those who stood there."""
    unqueued: list[int] = []
    """Shipments that are in no queue any more, by number."""
    wanted_places: list[StoreId] = []
    taken: bool = False
    """The order is confirmed: its promised start has been kept."""


class Stores(Message):
    """Opening hours of the places that were asked for, by id."""

    hours: dict[StoreId, StoreHours] = {}
    waiting: list[Waiting] = []
    """Always empty; stands in the histories of release 0.1."""


class Forgotten(Message):
    """An order that was refused: free its stock, its places, its record and its external id."""

    order_id: OrderId
    at: datetime
    release: StockStep | None = None
    capacity: list[OperationKey] = []
    promises: list[OrderId] = []
    """It had taken them over: they are open again."""


FREES = frozenset({StockOperation.RELEASE, StockOperation.PUT_BACK, StockOperation.TAKE_BACK})
"""After these somebody else can have the units."""


class Milestones:
    def __init__(self, transactions: Transactions):
        self.transactions = transactions
        self.supplies = Supplies(transactions)

    @activity.defn
    async def record_milestone(self, milestone: Milestone) -> Stores:
        """Make a step of an order real and visible at once. A repetition changes nothing.

        Fails with `OutOfStock` (nothing is changed) when a stock step cannot be done.
        """
        return await faults.mapped(self._record, milestone)

    @activity.defn
    async def forget_order(self, forgotten: Forgotten) -> None:
        """Leave nothing of a refused order: no reservation, no record, and its external id free for another try."""
        async with self.transactions.begin() as books:
            await books.backorders.forget(forgotten.order_id)
            if forgotten.release is not None:
                await _move_stock(books, forgotten.order_id, forgotten.release, forgotten.at)
            for promise in forgotten.promises:
                await keep_again(books.inventory, promise, forgotten.order_id, forgotten.at)
            for key in forgotten.capacity:
                await books.capacity.give_back(key, forgotten.at)
            await books.brokering.leave(forgotten.order_id)
            await books.records.forget(forgotten.order_id)
            await books.intake.forget(forgotten.order_id)
        await self._serve_who_waits([forgotten.release] if forgotten.release else [], [], forgotten.at)

    async def _record(self, milestone: Milestone) -> Stores:
        change = milestone.change
        async with self.transactions.begin() as books:
            # The queue is locked before stock is.
            moved = milestone.queue or milestone.queued or milestone.unqueued
            if moved and (change.instead or not await _is_written(books, change)):
                for place in milestone.queue:
                    await _move_in_queue(books, change, place)
                for n in milestone.unqueued:
                    await books.brokering.leave(change.order_id, n)
                for group in milestone.queued:
                    await books.brokering.enter(change.order_id, group)
            for step in milestone.stock:
                await _move_stock(books, change.order_id, step, change.at)
            for freed in milestone.capacity:
                end = books.capacity.finish if freed.end is CapacityEnd.FINISH else books.capacity.give_back
                await end(freed.key, change.at)
            await books.records.write(change)
            for withdrawal in milestone.withdraw:
                await books.outbox.withdraw(change.order_id, withdrawal.kinds, change.at, withdrawal.group_id)
            if milestone.notices:
                await books.outbox.add(milestone.notices)
            if milestone.taken:
                await books.intake.taken(change.order_id)
            places = await books.places.places(milestone.wanted_places) if milestone.wanted_places else ()
        await self._serve_who_waits(milestone.stock, milestone.queue, change.at)
        return Stores(hours=hours_by_id(places, change.at))

    async def _serve_who_waits(self, stock: Sequence[StockStep], queue: Sequence[QueueStep], at: datetime) -> None:
        freed = {line.place for step in stock if step.operation in FREES for line in step.lines}
        freed |= {line.place for step in queue if step.operation is QueueOperation.LEAVE for line in step.lines}
        if freed:
            await self.supplies.came(freed, at)


def hours_by_id(places: Sequence[Place], at: datetime) -> dict[StoreId, StoreHours]:
    """Opening hours for a workflow: public holidays are written out, so that no later calendar changes a history."""
    return {place.location_id: with_holidays_written_out(place.hours, at) for place in places}


async def _is_written(books: Transaction, change: OrderChange) -> bool:
    order = await books.records.order(change.order_id, hidden=True)
    return order is not None and order.version >= change.sequence


async def _move_in_queue(books: Transaction, change: OrderChange, step: QueueStep) -> None:
    queue, order_id = books.backorders, change.order_id
    match step.operation:
        case QueueOperation.TAKE_OVER:
            if not await queue.take_over(order_id, step.n):
                raise OutOfStock([])
        case QueueOperation.LEAVE:
            if given := await queue.leave(order_id, step.n, step.lines):
                freed = Release(key=step.key, at=change.at, order_id=order_id, lines=given, reason="left the queue")
                await books.inventory.release(freed)
        case QueueOperation.TELL:
            await queue.tell(order_id, step.n, step.expected_at)


async def _move_stock(books: Transaction, order_id: OrderId, step: StockStep, at: datetime) -> None:
    stock = books.inventory
    match step.operation:
        case StockOperation.RESERVE | StockOperation.TAKE:
            wanted = step.reservation(order_id, at)
            await (
                stock.reserve(wanted) if step.operation is StockOperation.RESERVE else stock.allocate_directly(wanted)
            )
        case StockOperation.ALLOCATE:
            await stock.allocate(Allocate(key=step.key, at=at, order_id=order_id, lines=step.lines))
        case StockOperation.RELEASE | StockOperation.SET_ASIDE | StockOperation.PUT_BACK | StockOperation.TAKE_BACK:
            freed = Release(key=step.key, at=at, order_id=order_id, lines=step.lines, reason=step.reason or "")
            move = {
                StockOperation.RELEASE: stock.release,
                StockOperation.SET_ASIDE: stock.set_aside,
                StockOperation.PUT_BACK: stock.put_back,
                StockOperation.TAKE_BACK: stock.take_back,
            }[step.operation]
            await move(freed)
        case StockOperation.CONSUME | StockOperation.CONSUME_LATE:
            late = step.operation is StockOperation.CONSUME_LATE
            await stock.consume(Consume(key=step.key, at=at, order_id=order_id, lines=step.lines, late=late))
        case StockOperation.RELOCATE | StockOperation.RELOCATE_ASIDE:
            assert step.to is not None, "units are relocated to some place"
            aside = step.operation is StockOperation.RELOCATE_ASIDE
            await stock.relocate(
                Relocate(key=step.key, at=at, order_id=order_id, lines=step.lines, to=step.to, aside=aside)
            )
        case StockOperation.VARIANCE:
            for line in step.lines:
                await stock.record_variance(
                    Variance(
                        key=_variance_key(step, line),
                        at=at,
                        order_id=order_id,
                        line_id=line.line_id,
                        sku=line.sku,
                        location_id=line.location_id,
                        quantity=line.quantity,
                        effect=step.effect or StockEffect.NONE,
                        found=step.found.get(line.sku, 0),
                        reason=step.reason or RejectReason.NO_VARIANCE,
                    )
                )


def _variance_key(step: StockStep, line: StockLine) -> OperationKey:
    """A kit's line has a variance for each component."""
    several = sum(each.line_id == line.line_id for each in step.lines) > 1
    return OperationKey(f"{step.key}:{line.line_id}" + (f":{line.sku}" if several else ""))
