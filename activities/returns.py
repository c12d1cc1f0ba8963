"""The steps of a return in our own books: its milestones, and what its settlements come to, under the order's lock."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities import faults
from activities.supply import Supplies
from adapters.intake.port import Intake, IntakeState
from adapters.inventory.port import StockMovement
from adapters.payment.port import Payments
from adapters.records.port import OvertakenTry, whole_timeline
from adapters.returns.port import ReturnChange, Written
from adapters.transaction.port import Transaction, Transactions
from domain.actors import ENGINE, Channel
from domain.ids import LineId, OperationKey, OrderId, ReturnId, Sku, StoreId
from domain.notices import Notice
from domain.refunds import MoreThanReceived, RefundPolicy
from domain.returns.goodwill import Goodwill
from domain.returns.settling import (
    Settled,
    Tenders,
    begun_by,
    came,
    goodwill_of,
    left_of,
    paid_lines,
    settle,
    tenders_of,
)
from domain.returns.words import NEVER_CAME
from domain.stock import MovementKind
from domain.timeline import TimelineEntry

TOO_MANY_UNITS = "TooManyUnits"


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Restock(Message):
    """Pieces that go on a shelf and can be sold again."""

    key: OperationKey
    sku: Sku
    store_id: StoreId
    quantity: int


class ReturnMilestone(Message):
    change: ReturnChange
    events: list[TimelineEntry] = []
    elsewhere: dict[OrderId, list[TimelineEntry]] = {}
    """Events of other orders, whose tenders the money goes back to."""
    notices: list[Notice] = []
    restock: list[Restock] = []


class SettleUnits(Message):
    """Units whose money goes back now. `n`: the settlement's number; the same one gives the first answer."""

    return_id: ReturnId
    order_id: OrderId
    n: int
    units: dict[LineId, int]
    policies: dict[LineId, RefundPolicy]
    fee_charged_before: bool = False
    spent: int = 0
    """What gift cards among them have bought."""


class TendersAsked(Message):
    """What a return knows of its own refunds; what it does not know of was begun by a worker that was lost."""

    order_id: OrderId
    return_id: ReturnId
    refunds: int
    """So many it has made."""
    given_back: dict[str, int] | None
    """By tender; none for an order that is not its own."""


class Replacement(Message):
    """The identity of an order that replaces goods of another one."""

    order_id: OrderId
    replaces: OrderId
    channel: Channel
    external_id: str
    content_hash: str
    at: datetime


class ReturnSteps:
    def __init__(self, transactions: Transactions, payments: Payments):
        self.transactions = transactions
        self.payments = payments
        self.supplies = Supplies(transactions)

    @activity.defn
    async def record_return(self, milestone: ReturnMilestone) -> None:
        """Make a step of a return real and visible at once. A repetition changes nothing.

        Fails with `TooManyUnits` (nothing is changed) when it claims units that never came or that another return has.
        """
        await faults.mapped(self._record, milestone)

    @activity.defn
    async def settle_units(self, asked: SettleUnits) -> Settled:
        """What goes back for some units, each cent of the order once, whatever other returns settle meanwhile."""
        return await faults.mapped(self._settle, asked)

    @activity.defn
    async def read_tenders(self, asked: TendersAsked) -> Tenders:
        """What each tender of the order paid and can take back now, and what was begun under the return's name."""
        return await faults.mapped(self._tenders, asked)

    @activity.defn
    async def promise_replacement(self, replacement: Replacement) -> None:
        """Claim the replacement's number in its channel, for whoever had placed the order. Repetition is nothing.

        Its return starts it, and goes on until it has: no promise of a start is kept beside that.
        """
        async with self.transactions.begin() as books:
            first = await books.intake.by_order(replacement.replaces)
            intake = Intake(
                order_id=replacement.order_id,
                channel=replacement.channel,
                external_id=replacement.external_id,
                content_hash=replacement.content_hash,
                created_by=first.created_by if first else ENGINE.id,
                state=IntakeState.PROMISED,
                promised_at=replacement.at,
            )
            await books.intake.promise(intake, b"")
            await books.intake.taken(replacement.order_id)

    async def _record(self, milestone: ReturnMilestone) -> None:
        change = milestone.change
        try:
            await self._write(milestone)
        except OvertakenTry:
            if not await self._is_told(milestone):
                raise
        if milestone.restock:
            await self.supplies.came({(step.sku, step.store_id) for step in milestone.restock}, change.at)

    async def _is_told(self, milestone: ReturnMilestone) -> bool:
        """Whether a try that died had recorded the very same, and had gone on from there to what is younger."""
        if not milestone.events:
            return not milestone.notices and not milestone.restock
        async with self.transactions.begin() as books:
            told = await whole_timeline(books.records, milestone.change.order_id)
        return all(entry in told for entry in milestone.events)

    async def _write(self, milestone: ReturnMilestone) -> None:
        change = milestone.change
        async with self.transactions.begin() as books:
            # Stock is locked before the order is, as milestones of orders do.
            for step in milestone.restock:
                await books.inventory.move(_movement(change, step))
            await books.returns.lock_order(change.order_id)
            await _check_claim(books, change)
            written = await books.returns.write(change)
            if written is Written.INSTEAD:
                for order_id in (change.order_id, *milestone.elsewhere):
                    await books.records.take_back(order_id, change.return_id, change.since)
            if written is not Written.KNOWN:
                for entry in milestone.events:
                    await books.records.append(change.order_id, entry)
                for order_id, entries in milestone.elsewhere.items():
                    for entry in entries:
                        await books.records.append(order_id, entry)
            if milestone.notices:
                await books.outbox.add(milestone.notices)

    async def _settle(self, asked: SettleUnits) -> Settled:
        async with self.transactions.begin() as books:
            await books.returns.lock_order(asked.order_id)
            known = await books.returns.settlements(asked.order_id)
            for return_id, settled in known:
                if (return_id, settled.n) == (asked.return_id, asked.n):
                    return settled
            order = await books.records.order(asked.order_id)
            assert order is not None, "what is returned was ordered"
            try:
                settled = settle(
                    asked.n,
                    paid_lines(order, (each for _, each in known)),
                    asked.units,
                    asked.policies,
                    fee_charged_before=asked.fee_charged_before,
                )
                settled = settled.without_spent(asked.spent)
                views = await books.returns.of_order(asked.order_id)
                carried = await books.returns.carried_to(asked.order_id)
                settled = settled.at_most(left_of(order, views, known, carried))
            except MoreThanReceived as fault:
                raise _too_many(str(fault)) from None
            await books.returns.add_settlement(asked.return_id, asked.order_id, settled)
            return settled

    async def _tenders(self, asked: TendersAsked) -> Tenders:
        async with self.transactions.begin() as books:
            order = await books.records.order(asked.order_id)
            returns = await books.returns.of_order(asked.order_id)
        assert order is not None, "what is returned was ordered"
        money = await self.payments.statement(asked.order_id)
        begun = begun_by(money, asked.return_id, asked.refunds)
        given_back: dict[str, int] = {}
        if asked.given_back is not None:
            # Its own record may tell of a try that was lost: what it knows itself counts, and what was begun.
            given_back |= asked.given_back
            for each in begun:
                given_back[each.tender_id] = given_back.get(each.tender_id, 0) + each.amount
            recorded = next((view.refunded for view in returns if view.return_id == asked.return_id), 0)
            refunded = order.payment.refunded - recorded + sum(given_back.values())
            order = order.model_copy(update={"payment": order.payment.model_copy(update={"refunded": refunded})})
        for view in (view for view in returns if view.return_id != asked.return_id):
            for settled in view.paid_back:
                for tender, amount in settled.by_tender.items():
                    given_back[tender] = given_back.get(tender, 0) + amount
        return tenders_of(order, money, given_back).model_copy(update={"begun": begun})


async def _check_claim(books: Transaction, change: ReturnChange) -> None:
    if change.view.goodwill is not None:
        await _check_goodwill(books, change, change.view.goodwill)
        return
    order = await books.records.order(change.order_id)
    lines = {line.line_id: line for line in order.lines} if order else {}
    others = await books.returns.claimed(change.order_id, but_for=change.return_id)
    reasons = {line.line_id: line.reason for line in change.view.lines}
    for line_id, units in change.claimed.items():
        if not units:
            continue
        line = lines.get(line_id)
        there = came(line, never_came=reasons.get(line_id) in NEVER_CAME) if line else 0
        if units + others.get(line_id, 0) > there:
            left = max(0, there - others.get(line_id, 0))
            raise _too_many(f"{left} units of line {line_id} can be returned, not {units}.")


async def _check_goodwill(books: Transaction, change: ReturnChange, goodwill: Goodwill) -> None:
    """Who gives within a limit gives no more by giving twice in the same moment."""
    if change.sequence > 1 or goodwill.awaits:
        return
    others = [each for each in await books.returns.of_order(change.order_id) if each.return_id != change.return_id]
    if not goodwill.within(goodwill_of(others)):
        raise _too_many("Goodwill for this order was given in the same moment. Ask again: it may need an approval.")


def _too_many(detail: str) -> ApplicationError:
    return ApplicationError(detail, type=TOO_MANY_UNITS, non_retryable=True, category=ApplicationErrorCategory.BENIGN)


def _movement(change: ReturnChange, step: Restock) -> StockMovement:
    return StockMovement(
        key=step.key,
        at=change.at,
        kind=MovementKind.RETURNED,
        sku=step.sku,
        location_id=step.store_id,
        quantity=step.quantity,
        reason="returned",
        order_id=change.order_id,
    )
