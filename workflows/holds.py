"""Holds: an order starts to work only when all are cleared, and each has its own end."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from domain.actors import ENGINE, Actor
    from domain.groups import GroupStatus, WaitsFor
    from domain.holds import Hold, HoldKind, HoldOutcome
    from domain.ids import HoldId, LineId
    from domain.notices import NoticeKind
    from domain.order import AnyGroup
    from domain.pickup_windows import accept_deadline, late_deadline
    from domain.pickups import PickupGroup
    from domain.refusals import RefusalKind
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from domain.units import UnitState
    from domain.views import NextAction
    from domain.virtual import VirtualGroup
    from workflows.desk import Desk, work_policy
    from workflows.messages import CancelReason
    from workflows.offering import offer
    from workflows.queueing import wait_for_run
    from workflows.refusing import refuse
    from workflows.waits import until
    from workflows.window import resume_window

CANCEL_REASONS = {
    HoldKind.FRAUD: CancelReason.FRAUD,
    HoldKind.PAYMENT: CancelReason.DECLINED,
    HoldKind.STOCK: CancelReason.INVENTORY,
}
PAYS_IN_ANOTHER_WAY = "the customer pays in another way"
PAYMENT_SYSTEM = "payment system"
"""The owner of a payment hold while nobody can say whether the customer has to do anything."""


class Holds:
    """The named holds of one order, and what happens when the last one goes."""

    def __init__(self, desk: Desk):
        self._desk = desk

    def place(
        self,
        kind: HoldKind,
        reason: str,
        owner: str,
        *,
        deadline: datetime | None = None,
        default: HoldOutcome = HoldOutcome.CANCEL,
        actor: Actor = ENGINE,
        lines: list[LineId] | None = None,
    ) -> Hold:
        self._desk.holds_placed += 1
        hold = Hold(
            hold_id=HoldId(f"h{self._desk.holds_placed}"),
            kind=kind,
            reason=reason,
            owner=owner,
            since=workflow.now(),
            deadline=deadline,
            default=default,
            lines=lines,
        )
        self._desk.order.holds.append(hold)
        self._desk.order.held_since = self._desk.order.held_since or workflow.now()
        self._desk.book.event(Event.HOLD_PLACED, actor, reason=reason, hold=hold.hold_id, kind=kind)
        self._start_watching(hold)
        return hold

    def watch_all(self) -> None:
        """After a new run began: every standing hold has its end again."""
        for hold in self._desk.order.holds:
            self._start_watching(hold)

    def _start_watching(self, hold: Hold) -> None:
        name = f"hold {hold.hold_id}"
        if not self._desk.crew.has(name):
            self._desk.crew.start(name, self._watch(hold))

    def find(self, hold_id: HoldId) -> Hold:
        """Resolving a hold that is not there is an error, never a new hold."""
        for hold in self._desk.order.holds:
            if hold.hold_id == hold_id:
                return hold
        raise refuse(RefusalKind.NO_SUCH_HOLD, f"Hold {hold_id} does not stand on this order (any more).")

    async def resolve(self, hold: Hold, outcome: HoldOutcome, actor: Actor, reason: str) -> None:
        """Clear a hold or cancel the order for it. The caller has the turn."""
        desk = self._desk
        desk.order.holds.remove(hold)
        desk.book.event(
            Event.HOLD_RESOLVED, actor, reason=reason or None, hold=hold.hold_id, kind=hold.kind, outcome=outcome
        )
        if hold.kind is HoldKind.PAYMENT:
            desk.order.next_action = None
        if outcome is HoldOutcome.CANCEL:
            self.clear_all()
            late = hold.kind is HoldKind.PAYMENT and reason == "deadline"
            desk.order.unpaid = desk.order.unpaid or late
            cause = CANCEL_REASONS.get(hold.kind, CancelReason.STAFF)
            await desk.cancel_everything(cause, actor, "payment_expired" if late else None)
        elif not desk.order.holds:
            self.go_on()
        await desk.book.record()

    def clear_all(self) -> None:
        self._desk.order.holds.clear()
        self._desk.order.held_since = None
        self._desk.order.next_action = None

    def go_on(self) -> None:
        """Nothing stands in the way: reserved units are committed and offered, clocks that stood still run on."""
        desk, now = self._desk, workflow.now()
        for group in desk.order.groups:
            if not group.open:
                continue
            policy = work_policy(desk.order, group)
            if group.waits_for is WaitsFor.HOLDS:
                self.take_on(group)
            elif group.status is GroupStatus.OFFERED:
                group.accept_by = accept_deadline(desk.hours(group.store_id), policy, now)
            elif group.late_until is not None and group.status is not GroupStatus.READY:
                group.late_until = late_deadline(desk.hours(group.store_id), policy, now)
            elif desk.order.held_since is not None:
                self._resume(group, desk.order.held_since)
        desk.order.held_since = None
        if not desk.confirmed:
            desk.confirmed = True
            ahead = {
                line: n
                for group in desk.order.groups
                if group.supply is not None
                for line, n in group.owed_lines().items()
            }
            dates = [group.supply.expected_at for group in desk.order.groups if group.supply is not None]
            desk.book.event(Event.ORDER_CONFIRMED)
            if desk.order.terms.sale is not None:
                return  # the customer has it in hand
            desk.book.notice(
                NoticeKind.ORDER_CONFIRMED,
                lines=desk.book.notice_lines(
                    {line.line_id: line.quantity - ahead.get(line.line_id, 0) for line in desk.order.lines}
                ),
                remaining=desk.book.notice_lines(ahead),
                expected_at=max((date for date in dates if date is not None), default=None),
                total=desk.book.money(desk.order.total),
                ready_at=max((at for g in desk.order.groups if (at := _collected_from(g)) is not None), default=None),
                group=desk.order.groups[0] if len(desk.order.groups) == 1 else None,
                ships=any(g.customer_place is None for g in desk.order.groups),
                delivery_by=max((at for g in desk.order.groups if (at := _delivered_by(g)) is not None), default=None),
            )

    def take_on(self, group: AnyGroup) -> None:
        """Reserved units are committed, and offered to their place; or they wait for the run that finds one."""
        if isinstance(group, ShipmentGroup) and group.held:
            wait_for_run(self._desk, group)
            return
        if isinstance(group, VirtualGroup):
            group.waits_for = None  # its own process goes on
            return
        lines = group.owed_lines(UnitState.OPEN)
        for line, quantity in lines.items():
            group.move(line, UnitState.ALLOCATED, quantity, UnitState.OPEN)
        self._desk.book.stock(StockOperation.ALLOCATE, lines, group.store_id)
        offer(self._desk, group)

    def _resume(self, group: AnyGroup, held_since: datetime) -> None:
        """Nobody loses the time in which nobody could act."""
        if isinstance(group, ShipmentGroup):
            if group.auto_cancel_at is not None:
                group.auto_cancel_at += workflow.now() - held_since
        elif isinstance(group, PickupGroup) and group.status is GroupStatus.READY:
            resume_window(self._desk, group, held_since)

    async def _watch(self, hold: Hold) -> None:
        desk = self._desk
        standing = await until(
            lambda: self._present(hold) is None,
            lambda: hold.deadline,
            desk.alarms,
            f"{hold.kind} hold ends: {hold.default}",
        )
        if standing:
            return
        async with desk.turn:
            if (present := self._present(hold)) is not None:
                await self.resolve(present, present.default, ENGINE, "deadline")

    def _present(self, hold: Hold) -> Hold | None:
        """The hold as it stands now: what it waits for may have changed since it was placed."""
        return next((each for each in self._desk.order.holds if each.hold_id == hold.hold_id), None)

    # --- the payment hold follows the cashier ------------------------------------------------------------------------

    @property
    def payment(self) -> Hold | None:
        return next((hold for hold in self._desk.order.holds if hold.kind is HoldKind.PAYMENT), None)

    async def mind_payment(self) -> None:
        """After the money was brought into line: hold the order for what is missing, or let it go on."""
        desk = self._desk
        async with desk.turn:
            plan = desk.cashier.plan()
            hold = self.payment
            if desk.order.open and (plan.uncovered or desk.cashier.awaits_customer):
                if hold is not None and hold.owner == PAYMENT_SYSTEM and not desk.order.troubles:
                    self._pass_on(hold)
                    hold = None
                if hold is None:
                    self.ask_customer_to_pay(confirm=desk.cashier.awaits_customer)
                elif not desk.cashier.awaits_customer:
                    self._ask_for_another_way_to_pay(hold)
            elif hold is not None and not desk.order.troubles:
                await self.resolve(hold, HoldOutcome.RELEASE, ENGINE, "paid")
        if not desk.order.open and plan.uncovered and not desk.crew.runs("missing money"):
            desk.crew.start("missing money", desk.cashier.ask_about_missing(plan.uncovered))

    def _pass_on(self, hold: Hold) -> None:
        """The payment system is back and has said that it is the customer's turn, who is told and has a deadline."""
        self._desk.order.holds.remove(hold)
        self._desk.book.event(
            Event.HOLD_RESOLVED,
            reason="the payment system is back",
            hold=hold.hold_id,
            kind=hold.kind,
            outcome=HoldOutcome.RELEASE,
        )

    def _ask_for_another_way_to_pay(self, hold: Hold) -> None:
        """The bank has said no, or is not asked any more: there is nothing left to confirm. The deadline stays."""
        desk, action = self._desk, self._desk.order.next_action
        if action is None or action.kind != "confirm_payment":
            return
        holds = desk.order.holds
        holds[holds.index(hold)] = hold.model_copy(update={"reason": PAYS_IN_ANOTHER_WAY})
        desk.order.next_action = NextAction(kind="pay", url="", deadline=action.deadline)
        if desk.cashier.decline_reason is not None:
            self._tell_customer(NoticeKind.PAYMENT_FAILED, hold, action.deadline)

    def ask_customer_to_pay(self, *, confirm: bool) -> None:
        """Hold the order until the customer confirms with the bank, or pays in another way."""
        desk = self._desk
        deadline = workflow.now() + desk.order.terms.policy.pickup.payment_within
        hold = self.place(
            HoldKind.PAYMENT,
            "the customer confirms with the bank" if confirm else PAYS_IN_ANOTHER_WAY,
            "customer",
            deadline=deadline,
        )
        url = desk.cashier.action_url if confirm else None
        desk.order.next_action = NextAction(
            kind="confirm_payment" if confirm else "pay", url=url or "", deadline=deadline
        )
        kind = NoticeKind.ACTION_NEEDED if confirm else NoticeKind.PAYMENT_FAILED
        if desk.order.terms.exchange is not None and not confirm and desk.cashier.decline_reason is None:
            kind = NoticeKind.EXCHANGE_PAYMENT
        self._tell_customer(kind, hold, deadline)

    def _due_for_exchange(self, kind: NoticeKind) -> int:
        return self._desk.cashier.plan().uncovered if kind is NoticeKind.EXCHANGE_PAYMENT else 0

    def _tell_customer(self, kind: NoticeKind, hold: Hold, deadline: datetime | None) -> None:
        self._desk.book.notice(
            kind,
            hold.hold_id,
            until=deadline,
            deadline=deadline,
            total=self._desk.book.money(self._desk.order.total),
            due=self._desk.book.money(due) if (due := self._due_for_exchange(kind)) else None,
            link_kind="payment",
        )


def _collected_from(group: AnyGroup) -> datetime | None:
    """When the customer may come for it, as far as that is known: what is sent to the store must be there first."""
    if group.customer_place is None:
        return None
    return group.promised_at if isinstance(group, ShipmentGroup) else group.promised_ready_at


def _delivered_by(group: AnyGroup) -> datetime | None:
    return group.promised_at if isinstance(group, ShipmentGroup) and group.customer_place is None else None
