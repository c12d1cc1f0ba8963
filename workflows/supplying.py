"""Units that were sold beyond stock: they wait in the queue for supply, and then go on as others do."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.beyond_stock import Waiting
    from activities.faults import OUT_OF_STOCK
    from activities.milestones import QueueOperation, StockOperation
    from domain.groups import WaitsFor
    from domain.holds import HoldKind
    from domain.notices import NoticeKind
    from domain.order import AnyGroup, Order
    from domain.pickups import PickupGroup
    from domain.shipments import ShipmentGroup
    from domain.supply import awaited, secured_at
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.desk import Desk
    from workflows.holds import PAYMENT_SYSTEM, Holds
    from workflows.payment_calls import Outcome
    from workflows.refusing import StepFailed, failure_type
    from workflows.sourcing import Sourcing, missing_of
    from workflows.trying import Try


class Supplying:
    """What becomes of backordered units. Called with the turn taken, save while the order is being placed."""

    def __init__(self, desk: Desk, holds: Holds, sourcing: Sourcing):
        self.desk = desk
        self.holds = holds
        self.sourcing = sourcing

    def wait(self, waiting: list[Waiting]) -> None:
        """Lines of a new order wait for supply; the others of their groups go on in groups of their own."""
        order, now = self.desk.order, workflow.now()
        for each in waiting:
            group = order.group(each.n)
            if isinstance(group, PickupGroup):
                owed = group.owed_lines(UnitState.OPEN)
                if in_stock := {line: n for line, n in owed.items() if line not in each.lines}:
                    order.split_off(group, in_stock, WaitsFor.HOLDS, [])
            group.waits_for, group.waiting_since = WaitsFor.SUPPLY, now
            group.supply = awaited(each.expected_at, now, order.terms.policy.wait_for_supply)
            self.desk.book.event(
                Event.BACKORDERED,
                group=group.n,
                store=group.store_id or None,
                lines=group.owed_lines(UnitState.OPEN),
                expected=_written(each.expected_at),
            )
        near = secure_at(order)
        order.unsecured = all(group.supply is not None for group in order.groups) and (near is None or near > now)

    async def arrived(self, group: AnyGroup, arrival: messages.StockArrived) -> None:
        """The group takes over what it waited for; its money is secured, and it is offered to its place."""
        if not group.open or group.supply is None:
            return
        if isinstance(group, ShipmentGroup):
            taken: Sequence[AnyGroup] = await self._take_from_places(group)
        else:
            assert isinstance(group, PickupGroup), "what is never shipped waits for no supply"
            taken = [group] if await self._take_over(group, arrival) else []
        if not taken:
            return
        await self._secure()
        for each in taken:
            if each.open and not self.desk.order.holds:
                self.holds.take_on(each)
                self._tell(each)
        await self.desk.book.record()

    async def _take_from_places(self, group: ShipmentGroup) -> list[ShipmentGroup]:
        """Some place has what a shipment waits for: the rules say which, and it is reserved there, all or nothing."""
        desk, lines = self.desk, group.owed_lines(UnitState.OPEN)
        found = await self.sourcing.find([group])
        if missing_of(lines, found.parts[group.n]):
            return []
        step = Try(desk)
        desk.book.hours.update(found.hours)
        shipments = self.sourcing.spread(group, found.parts[group.n], WaitsFor.HOLDS)
        if not await self.sourcing.hold_capacity(shipments):
            step.undo()
            return []
        desk.book.queue(QueueOperation.LEAVE, group, lines)
        for part in shipments:
            part.waits_for, part.supply = WaitsFor.HOLDS, None
            owed = part.owed_lines(UnitState.OPEN)
            desk.book.stock(StockOperation.RESERVE, owed, part.store_id)
            desk.book.event(Event.STOCK_ARRIVED, group=part.n, store=part.store_id, lines=owed)
        return shipments if await step.record() else []

    async def _take_over(self, group: PickupGroup, arrival: messages.StockArrived) -> bool:
        """What the group waits for was reserved for it when supply came."""
        desk = self.desk
        kept, earlier = group.model_copy(deep=True), desk.book.collected()
        desk.book.queue(QueueOperation.TAKE_OVER, group)
        group.waits_for, group.supply = WaitsFor.HOLDS, None
        group.store_id = arrival.store_id or group.store_id
        desk.book.ask_hours(group.store_id)
        desk.book.event(
            Event.STOCK_ARRIVED, group=group.n, store=group.store_id, lines=group.owed_lines(UnitState.OPEN)
        )
        try:
            await desk.book.record()
        except StepFailed as error:
            if failure_type(error) != OUT_OF_STOCK:
                raise
            for field in type(group).model_fields:
                setattr(group, field, getattr(kept, field))
            desk.book.collect_again(earlier)
            return False
        return True

    def _tell(self, group: AnyGroup) -> None:
        ships = isinstance(group, ShipmentGroup)
        self.desk.book.notice(
            NoticeKind.CHOICE_APPLIED,
            self.desk.book.occasion,
            group=group,
            choice="in_stock",
            lines=self.desk.book.notice_lines(group.owed_lines()),
            ships=ships,
            ready_at=None if ships else group.promised_ready_at,
        )

    async def _secure(self) -> None:
        """Authorise what was not while supply was far; when that fails, the order is held for the customer to pay."""
        desk = self.desk
        if not desk.order.unsecured:
            return
        supply_is_near(desk)
        outcome = await desk.cashier.authorise_tenders()
        if outcome is Outcome.AWAY:
            away = bool(desk.order.troubles)
            reason = "the payment system is away" if away else "a person looks at the payment"
            self.holds.place(HoldKind.PAYMENT, reason, PAYMENT_SYSTEM)
        elif outcome is not Outcome.DONE:
            self.holds.ask_customer_to_pay(confirm=outcome is Outcome.ACTION)

    async def rescheduled(self, group: AnyGroup, news: messages.SupplyRescheduled) -> None:
        """Supply comes at another time: the customer is told, and may cancel. The end of the wait moves with it."""
        desk, before = self.desk, group.supply
        if not group.open or before is None:
            return
        group.supply = awaited(news.expected_at, workflow.now(), desk.order.terms.policy.wait_for_supply)
        desk.book.queue(QueueOperation.TELL, group, expected_at=news.expected_at)
        if news.expected_at != before.expected_at:
            lines = group.owed_lines(UnitState.OPEN)
            desk.book.event(
                Event.SUPPLY_RESCHEDULED,
                group=group.n,
                lines=lines,
                before=_written(before.expected_at),
                expected=_written(news.expected_at),
            )
            desk.book.notice(
                NoticeKind.SUPPLY_DATE_CHANGED,
                desk.book.occasion,
                group=group,
                lines=desk.book.notice_lines(lines),
                expected_at=news.expected_at,
                choices=("wait", "cancel"),
                default_choice="wait",
                link_kind="choice",
            )
        await desk.book.record()


def supply_is_near(desk: Desk) -> None:
    """From now on the order's money is kept in line with what is owed, as that of any other."""
    desk.order.unsecured = False
    desk.book.event(Event.SUPPLY_NEAR, amount=desk.order.owed_worth)
    desk.cashier.wake()


def secure_at(order: Order) -> datetime | None:
    """When the money of an order that has none authorised is asked for; none while no date is known."""
    near = order.terms.policy.authorise_before_supply
    dates = [secured_at(group.supply.expected_at, near) for group in order.groups if group.supply is not None]
    return min((date for date in dates if date is not None), default=None)


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
