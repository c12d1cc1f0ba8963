"""Everything that the processes and commands of one order share: its state, its book, its cashier, its alarms."""

from pydantic import BaseModel, ConfigDict
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import QueueOperation, StockOperation
    from domain.actors import ENGINE, Actor
    from domain.cancellation import CancelPlan, UnitsOf, by_payment, plan_cancel
    from domain.choices import choices_of
    from domain.group_views import group_view
    from domain.groups import Ending, Group, WaitsFor
    from domain.ids import LineId, StoreId
    from domain.locker_stays import TakeOut
    from domain.notices import NoticeKind, NoticeLine
    from domain.order import AnyGroup, Order
    from domain.pickup_windows import WorkPolicy
    from domain.pickups import PickupGroup
    from domain.settlement import StepKind
    from domain.shipments import ShipmentGroup, StopAsked
    from domain.store_hours import StoreHours, always_open
    from domain.terms import OrderTerms
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows.book import Book
    from workflows.cashier import Cashier
    from workflows.crew import Crew
    from workflows.messages import CancelReason, GroupAnswer
    from workflows.people import People
    from workflows.refused_stock import settle_refused_stock
    from workflows.renewing import Renewals
    from workflows.turn import Turn
    from workflows.waits import Alarms

REMINDERS = (NoticeKind.PICKUP_REMINDER, NoticeKind.PICKUP_EXPIRING, NoticeKind.STORE_ABOUT_TO_EXPIRE)


def process_of(group: Group) -> str:
    """The name of a group's process in the crew."""
    return f"{group.kind} {group.n}"


def speaks(group: ShipmentGroup) -> bool:
    """A partner is being asked something."""
    return group.request is not None and group.request.speaking


def work_policy(order: Order, group: Group) -> WorkPolicy:
    """How long the group's place may take."""
    policy = order.terms.policy
    return policy.shipping if isinstance(group, ShipmentGroup) else policy.pickup


class Snapshot(BaseModel):
    """What the next run of a long order needs to go on as if nothing had happened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: Order
    hours: dict[StoreId, StoreHours]
    confirmed: bool
    holds_placed: int
    questions_asked: int


class OrderStart(BaseModel):
    """The workflow's one input: the order's terms, and where the run before ended, if there was one.

    What is done otherwise for new orders than for those of an earlier release stands here too, off by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: OrderTerms
    resumed: Snapshot | None = None
    screened_at_once: bool = False
    """Screened for fraud in the step that holds its stock; before release 0.2 that was a step of its own."""


class Desk:
    """The tools of one order. Whoever decides takes the `turn` first: one decision at a time, in order of arrival."""

    def __init__(self, terms: OrderTerms):
        self.order = Order.opened(terms)
        self.turn = Turn()
        self.book = Book(self.order, self.turn, self.is_final)
        self.people = People(self.order, self.book)
        self.cashier = Cashier(self.order, self.book, self.people)
        self.cashier.is_final = lambda: self.is_final() and not self.order.finished
        self.alarms = Alarms()
        self.renewals = Renewals(self.cashier)
        self.alarms.next_due = self.renewals.next_renewal
        self.alarms.can_ring = self.renewals.can_renew
        self.alarms.ring = self.renewals.renew_due
        self.crew = Crew()
        self.book.ask_about_refused = self._settle_refused_stock
        self.confirmed = False
        self.holds_placed = 0

    @property
    def is_idle(self) -> bool:
        """Nobody decides, no money moves, no person is asked: everything that goes on is a wait."""
        order = self.order
        asked = order.interventions or order.troubles
        told = any(group.spare_labels or group.missing or speaks(group) for group in order.shipments)
        machines = any(group.asks_operator for group in order.pickups)
        busy = self.turn.locked() or self.book.busy or asked or told or machines
        return not busy and self.cashier.settled

    def snapshot(self) -> Snapshot:
        return Snapshot(
            order=self.order,
            hours=self.book.hours,
            confirmed=self.confirmed,
            holds_placed=self.holds_placed,
            questions_asked=self.people.asked,
        )

    def resume(self, snapshot: Snapshot) -> None:
        """Take over where the run before ended. The parts share one order, so its fields are replaced in place."""
        for field in Order.model_fields:
            setattr(self.order, field, getattr(snapshot.order, field))
        self.book.resume(snapshot.hours)
        self.turn.goes_on(self.order.version)
        self.confirmed = snapshot.confirmed
        self.holds_placed = snapshot.holds_placed
        self.people.asked = snapshot.questions_asked

    def is_final(self) -> bool:
        """Units and money are where they stay."""
        order = self.order
        asked = order.interventions or self.book.refused
        rests = not order.open and not order.under_way and not asked and order.change is None
        return rests and not order.troubles and self.cashier.settled

    def _settle_refused_stock(self) -> None:
        if not self.crew.runs("refused stock"):
            self.crew.start("refused stock", self._until_stock_is_settled())

    async def _until_stock_is_settled(self) -> None:
        await settle_refused_stock(self.book, self.people)
        self.cashier.wake()

    def hours(self, store_id: StoreId) -> StoreHours:
        """The store's opening hours as last read; a place that nobody described counts as always open."""
        return self.book.hours.get(store_id) or always_open("UTC")

    def answer(self, group: AnyGroup, *, already: bool = False) -> GroupAnswer:
        """What a command on a group answers: the group as it is now."""
        order = self.order
        return GroupAnswer(version=order.version, status=order.status, group=group_view(group), already=already)

    # --- moves that several processes make ---------------------------------------------------------------------------

    def give_back(self, group: Group, lines: dict[LineId, int]) -> None:
        """Units that the store cannot serve are open again and free their stock there."""
        for line, quantity in lines.items():
            group.move(line, UnitState.OPEN, quantity, UnitState.ALLOCATED, UnitState.PICKED, UnitState.READY)
        self.book.stock(StockOperation.RELEASE, lines, group.store_id)

    def let_go(self, group: ShipmentGroup, lines: dict[LineId, int]) -> None:
        """Units that are reserved until a run finds their places are not any more."""
        for place, there in group.let_go(lines).items():
            self.book.stock(StockOperation.RELEASE, there, place)

    def withdraw(self, group: PickupGroup) -> None:
        """The store is silent: its work is taken from it and the customer asked. What it has picked it puts back."""
        worked_on = group.accepted_at is not None
        self.book.event(Event.STORE_SILENT, ENGINE, group=group.n, store=group.store_id)
        group.declined_by.append(group.store_id)
        if allocated := group.owed_lines(UnitState.ALLOCATED):
            self.give_back(group, allocated)
        picked = group.owed_lines(UnitState.PICKED)
        for line, quantity in picked.items():
            group.move(line, UnitState.OPEN, quantity, UnitState.PICKED)
            group.put_back[line] = group.put_back.get(line, 0) + quantity
        self.book.stock(StockOperation.SET_ASIDE, picked, group.store_id)
        if worked_on:
            self.tell_store_to_stop(group, allocated)
        self.ask_for_choice(group, "store_silent")

    def ask_for_choice(self, group: PickupGroup, reason: str) -> None:
        """The customer chooses what happens to a group's open units; the link is in the mail."""
        now = workflow.now()
        group.waits_for = WaitsFor.CHOICE
        group.waiting_since = now
        group.choose_by = now + self.order.terms.policy.pickup.choice_within
        lines = group.owed_lines(UnitState.OPEN)
        self.book.event(Event.CHOICE_ASKED, group=group.n, reason=reason, lines=lines)
        self.book.notice(
            NoticeKind.CHOICE_NEEDED,
            self.book.occasion,
            group=group,
            until=group.choose_by,
            lines=self.book.notice_lines(lines),
            deadline=group.choose_by,
            reason=reason,
            choices=tuple(choice.value for choice in choices_of(self.order, group)),
            remaining=(NoticeLine(sku=group.proposal.sku, quantity=group.proposal.quantity),) if group.proposal else (),
            price=self.book.money(group.proposal.worth) if group.proposal else None,
            default_choice="cancel",
            link_kind="choice",
        )

    def cancel_units(
        self, plan: CancelPlan, reason: CancelReason, actor: Actor, *, ending: Ending = Ending.CANCELLED
    ) -> None:
        """Carry out a cancel plan: units, stock, put-back tasks, notices to stores; the cashier follows."""
        touched: dict[int, dict[LineId, int]] = {}
        cancelled: dict[LineId, int] = {}
        for units, sources, operation in (
            (plan.release, (UnitState.OPEN, UnitState.ALLOCATED), StockOperation.RELEASE),
            (plan.recall, (UnitState.PICKED, UnitState.READY), StockOperation.SET_ASIDE),
        ):
            by_group: dict[int, dict[LineId, int]] = {}
            for part in units:
                by_group.setdefault(part.n, {})[part.line_id] = part.quantity
                cancelled[part.line_id] = cancelled.get(part.line_id, 0) + part.quantity
            for n, lines in by_group.items():
                group = self.order.group(n)
                for line, quantity in lines.items():
                    group.move(line, UnitState.CANCELLED, quantity, *sources)
                    known = touched.setdefault(n, {})
                    known[line] = known.get(line, 0) + quantity
                    if operation is StockOperation.SET_ASIDE:
                        group.put_back[line] = group.put_back.get(line, 0) + quantity
                if isinstance(group, ShipmentGroup):
                    group.keep_packed_within_picked()
                if group.supply is not None:
                    self.book.queue(QueueOperation.LEAVE, group, lines)
                if group.has_stock:
                    # Else they would be taken from another group of the same line at the same store.
                    self.book.stock(operation, lines, group.stock_place)
                elif isinstance(group, ShipmentGroup):
                    self.let_go(group, lines)
        unpaid, paid = by_payment(self.order, [*plan.release, *plan.recall])
        worth = self.order.settle(unpaid, earned=False) + self.order.give_up(paid)
        for n, lines in touched.items():
            self._tell_store(self.order.group(n), lines, ending)
        if cancelled:
            self.book.event(
                Event.UNITS_CANCELLED, actor, reason=reason, lines=cancelled, amount=worth, groups=sorted(touched)
            )
        self._ask_to_stop(plan.asked, reason, actor)
        self.cashier.wake()

    def _ask_to_stop(self, units: list[UnitsOf], reason: CancelReason, actor: Actor) -> None:
        """Places that have goods of a shipment in their hands are asked whether they can still stop."""
        by_shipment: dict[int, dict[LineId, int]] = {}
        for part in units:
            by_shipment.setdefault(part.n, {})[part.line_id] = part.quantity
        for n, lines in by_shipment.items():
            group, now = self.order.group(n), workflow.now()
            if isinstance(group, PickupGroup):
                self._ask_operator(group, lines, reason, actor)
                continue
            assert isinstance(group, ShipmentGroup), "what is never shipped is in nobody's hands"
            answer_by = now + self.order.terms.policy.shipping.answer_within
            asked = group.stop or StopAsked(lines={}, reason=reason, since=now, answer_by=answer_by)
            more = {line: asked.lines.get(line, 0) + quantity for line, quantity in lines.items()}
            group.stop = asked.model_copy(update={"lines": asked.lines | more})
            self.book.event(Event.STOP_ASKED, actor, reason=reason, group=n, lines=lines, until=group.stop.answer_by)
            if group.request is not None:
                continue  # its process asks the partner
            self.book.notice(
                NoticeKind.STORE_ASKED_TO_STOP,
                self.book.occasion,
                group=group,
                deadline=group.stop.answer_by,
                lines=self.book.notice_lines(lines),
            )

    def _ask_operator(self, group: PickupGroup, lines: dict[LineId, int], reason: CancelReason, actor: Actor) -> None:
        """Goods in a parcel machine: its operator takes them out, or the customer is quicker."""
        assert group.locker is not None
        group.locker.take_out = TakeOut(lines=lines, reason=reason, since=workflow.now())
        self.book.event(Event.STOP_ASKED, actor, reason=reason, group=group.n, lines=lines)

    def _tell_store(self, group: Group, lines: dict[LineId, int], ending: Ending) -> None:
        if not group.open:
            group.ending = ending
            self.book.withdraw(*REMINDERS, group=group)
        if group.offered_at is None or group.waits_for is not None:
            return
        if group.put_back or ending is Ending.CANCELLED:
            self.tell_store_to_stop(group, lines)

    def tell_store_to_stop(self, group: Group, lines: dict[LineId, int]) -> None:
        if group.put_back:
            self.book.notice(
                NoticeKind.STORE_PUT_BACK,
                self.book.occasion,
                group=group,
                lines=self.book.notice_lines(group.put_back),
                location=group.location,
            )
        else:
            self.book.notice(
                NoticeKind.STORE_CANCELLED_WHILE_PICKING,
                self.book.occasion,
                group=group,
                lines=self.book.notice_lines(lines),
            )

    async def cancel_everything(
        self, reason: CancelReason, actor: Actor = ENGINE, told: str | None = None
    ) -> CancelPlan:
        """Stop whatever can be stopped; the caller has the turn."""
        plan = plan_cancel(self.order)
        if plan.stops_something:
            self.cancel_units(plan, reason, actor)
            if plan.lines:
                self.tell_cancelled(plan.lines, reason, told)
        return plan

    def tell_cancelled(
        self,
        lines: dict[LineId, int],
        reason: CancelReason,
        told: str | None = None,
        *,
        group: Group | None = None,
    ) -> None:
        """Tell the customer: of the whole order when nothing of it is left, of these lines otherwise.

        `told`: a finer word for the reason, where the reader is owed one.
        """
        nothing_left = not self.order.open and not self.order.fulfilled_units
        money = self.cashier.plan()
        released = sum(step.amount for step in money.of(StepKind.VOID))
        refund = sum(step.amount for step in money.of(StepKind.REFUND))
        # That nothing is left comes true once, whoever says it first.
        self.book.notice(
            NoticeKind.ORDER_CANCELLED if nothing_left else NoticeKind.LINES_CANCELLED,
            *(() if nothing_left else (self.book.occasion,)),
            group=group,
            lines=self.book.notice_lines(lines),
            reason=told or reason.value,
            released=self.book.money(released) if released else None,
            refund=self.book.money(refund) if refund else None,
        )
