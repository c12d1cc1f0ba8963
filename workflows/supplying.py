"""Units that were sold beyond stock: they wait in the queue for supply, and then go on as others do."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.beyond_stock import Waiting
    from activities.faults import OUT_OF_STOCK
    from activities.milestones import QueueOperation
    from domain.groups import WaitsFor
    from domain.holds import HoldKind
    from domain.notices import NoticeKind
    from domain.order import AnyGroup, Order
    from domain.supply import awaited, secured_at
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.desk import Desk
    from workflows.holds import PAYMENT_SYSTEM, Holds
    from workflows.payment_calls import Outcome
    from workflows.refusing import StepFailed, failure_type


class Supplying:
    """What becomes of backordered units. Called with the turn taken, save while the order is being placed."""

    def __init__(self, desk: Desk, holds: Holds):
        self.desk = desk
        self.holds = holds

    def wait(self, waiting: list[Waiting]) -> None:
        """Lines of a new order wait for supply; the others of their groups go on in groups of their own."""
        order, now = self.desk.order, workflow.now()
        for each in waiting:
            group = order.pickup(each.n)
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
        """What the group waits for is reserved for it: its money is secured, and it is offered to its place."""
        desk = self.desk
        if not group.open or group.supply is None:
            return
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
            return
        await self._secure()
        if group.open and not desk.order.holds:
            self.holds.take_on(group)
            desk.book.notice(
                NoticeKind.CHOICE_APPLIED,
                desk.order.version + 1,
                group=group,
                choice="in_stock",
                lines=desk.book.notice_lines(group.owed_lines()),
                ready_at=group.promised_ready_at,
            )
        await desk.book.record()

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
                desk.order.version + 1,
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
