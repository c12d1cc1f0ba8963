"""One order, from its placing until its units and its money are where they stay. All about it is decided here."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    # By their full names: `from workflows import …` would load a second copy inside the sandbox, and no enum of the one
    # is a member of the other.
    import workflows.messages as messages
    import workflows.summaries as summaries
    import workflows.visibility as visibility
    from domain.cancellation import CancelPlan, plan_cancel, why_nothing
    from domain.change_wishes import ChangeWish
    from domain.changes import plan_change
    from domain.holds import HoldKind, HoldOutcome
    from domain.ids import HoldId, LineId
    from domain.intake import TenderType
    from domain.pickups import PickupGroup
    from domain.refusals import Refusal, RefusalKind, Refused
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from domain.views import OrderView
    from workflows.changing import Changing
    from workflows.collecting import Collecting
    from workflows.counter import Counter
    from workflows.depositing import Depositing
    from workflows.desk import Desk, OrderStart
    from workflows.dropshipping import hear_from_partner, require_own_place
    from workflows.exchange_messages import ExchangeSettled
    from workflows.exchanged import Exchanged
    from workflows.holds import Holds
    from workflows.messages import (
        CancelAnswer,
        ChangeAnswer,
        ChangePreview,
        GroupAnswer,
        OrderAnswer,
        OrderResult,
        Placed,
    )
    from workflows.placing import Placing
    from workflows.preparing import Preparing
    from workflows.refusing import StepFailed, failure, failure_text, refuse
    from workflows.shipping import Process, Shipping, Work
    from workflows.supplying import Supplying

Answer = TypeVar("Answer")

WORK = (messages.Accept, messages.Pick, messages.MakeReady, messages.GiveOut, messages.Pack, messages.Ship)
"""What nobody does while a hold stands."""
AT_THE_COUNTER = (
    messages.Arrive,
    messages.GiveOut,
    messages.ReportShortage,
    messages.RefuseUnits,
    messages.Reject,
)
"""What nobody does with goods that lie in a parcel machine."""
AT_ITS_PLACE = (
    messages.Accept,
    messages.Reject,
    messages.Pick,
    messages.Pack,
    messages.Unpack,
    messages.Ship,
    messages.AnswerStop,
)
"""What nobody does with goods that a partner sends."""


@workflow.defn(failure_exception_types=[ValidationError])
class OrderWorkflow:
    @workflow.init
    def __init__(self, start: OrderStart) -> None:
        self.desk = Desk(start.terms)
        self.holds = Holds(self.desk)
        self.preparing = Preparing(self.desk)
        self.collecting = Collecting(self.desk)
        self.counter = Counter(self.desk)
        self.shipping = Shipping(self.desk)
        self.supplying = Supplying(self.desk, self.holds, self.shipping.sourcing)
        self.depositing = Depositing(self.desk)
        self.work = Work(self.desk, self.preparing, self.shipping.packing)
        self.choosing = self.counter.choosing
        self.changing = Changing(self.desk, self.holds, self.shipping.sourcing)
        self.choosing.ship = self.changing.ship
        self.exchanged = Exchanged(self.desk, self.holds)
        self.placed: Placed | None = None
        if start.resumed is not None:
            self.desk.resume(start.resumed)
            self._answer_placing(None)

    @workflow.run
    async def run(self, start: OrderStart) -> OrderResult:
        """Place the order; if it stands, follow its groups, its holds and its money to their ends."""
        refusal = None
        if start.resumed is None:
            workflow.set_current_details(summaries.order(start.terms))
            placing = Placing(
                self.desk,
                self.holds,
                self.shipping.sourcing,
                self.supplying,
                screened_at_once=start.screened_at_once,
            )
            refusal = await placing.run()
            self._answer_placing(refusal)
        else:
            workflow.set_current_details(summaries.details(self.desk.order))
        if refusal is None:
            await self._until_everything_is_final()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._result(refusal)

    async def _until_everything_is_final(self) -> None:
        desk = self.desk
        desk.cashier.in_line = self.holds.mind_payment
        desk.crew.start("money follows goods", desk.cashier.follow_the_goods())
        desk.cashier.wake()
        self.holds.watch_all()
        self.changing.watch()
        if desk.order.terms.exchange is not None:
            desk.crew.start("tell the return", self.exchanged.tell(desk.order.terms.exchange))
        while not desk.book.closed:
            await self._go_on_in_a_new_run_if_long()
            for name, process in self._processes().items():
                if not desk.crew.has(name):
                    desk.crew.start(name, process.run())
            await desk.crew.wait_until(self._something_for_the_order)
        desk.crew.stop()

    def _something_for_the_order(self) -> bool:
        """The end is on record, something came to be that has no process yet, or the history is long."""
        started = all(self.desk.crew.has(name) for name in self._processes())
        return self.desk.book.closed or not started or self._is_long()

    def _processes(self) -> dict[str, Process]:
        """What goes on in this order, by name: each group, and what shipments wait for beside their work."""
        found: dict[str, Process] = {}
        for group in self.desk.order.groups:
            found |= self.shipping.processes(group)
        return found

    def _is_long(self) -> bool:
        """The history should end here, and nothing is under way that could not begin again in a new run."""
        return workflow.info().is_continue_as_new_suggested() and self.desk.is_idle and workflow.all_handlers_finished()

    async def _go_on_in_a_new_run_if_long(self) -> None:
        if self._is_long():
            self.desk.crew.stop()
            workflow.continue_as_new(
                OrderStart(terms=self.desk.order.terms, resumed=self.desk.snapshot()),
                search_attributes=visibility.carried(self.desk.order),
            )

    def _answer_placing(self, refusal: Refusal | None) -> None:
        order = self.desk.order
        self.placed = Placed(
            order_id=order.terms.order_id,
            status=order.status,
            version=order.version,
            next_action=order.next_action,
            refusal=refusal,
        )

    def _result(self, refusal: Refusal | None) -> OrderResult:
        order = self.desk.order
        return OrderResult(
            order_id=order.terms.order_id,
            status=None if refusal else order.status,
            version=order.version,
            payment=order.payment,
            refusal=refusal,
            credit_used=self.exchanged.used,
            unpaid=order.unpaid,
        )

    # --- placing -----------------------------------------------------------------------------------------------------

    @workflow.update
    async def place(self) -> Placed:
        """The order's fate. Started together with the workflow: placing is one round trip."""
        await workflow.wait_condition(lambda: self.placed is not None)
        assert self.placed is not None
        return self.placed

    # --- the store ---------------------------------------------------------------------------------------------------

    @workflow.update
    async def accept(self, command: messages.Accept) -> GroupAnswer:
        """The store takes it on."""
        return await self._in_turn(command, self.work.accept)

    @workflow.update
    async def reject(self, command: messages.Reject) -> GroupAnswer:
        """The store cannot serve some or all units."""
        return await self._in_turn(command, self.work.reject)

    @workflow.update
    async def pick(self, command: messages.Pick) -> GroupAnswer:
        """Units were found and taken off the shelf."""
        return await self._in_turn(command, self.work.pick)

    @workflow.update
    async def ready(self, command: messages.MakeReady) -> GroupAnswer:
        """Units are staged and verified for the customer."""
        return await self._in_turn(command, self.preparing.ready)

    @workflow.update
    async def arrived(self, command: messages.Arrive) -> GroupAnswer:
        """The customer is outside."""
        return await self._in_turn(command, self.collecting.arrived)

    @workflow.update
    async def hand_over(self, command: messages.GiveOut) -> GroupAnswer:
        """Give the named units to the customer and capture exactly their share."""
        return await self._in_turn(command, self.counter.hand_over)

    @workflow.update
    async def shortage(self, command: messages.ReportShortage) -> GroupAnswer:
        """A staged unit is missing at the counter."""
        return await self._in_turn(command, self.counter.shortage)

    @workflow.update
    async def refuse(self, command: messages.RefuseUnits) -> GroupAnswer:
        """The customer does not want some units after all."""
        return await self._in_turn(command, self.counter.refuse_units)

    @workflow.update
    async def extend(self, command: messages.ExtendWindow) -> GroupAnswer:
        """Move the end of the pickup window."""
        return await self._in_turn(command, self.collecting.extend)

    @workflow.update
    async def resend_code(self, command: messages.ResendCode) -> GroupAnswer:
        """Send a new code, which makes the old one void."""
        return await self._in_turn(command, self.collecting.resend_code)

    @workflow.update
    async def unlock(self, command: messages.Unlock) -> GroupAnswer:
        """A manager lets a group be handed over again after wrong codes."""
        return await self._in_turn(command, self.collecting.unlock)

    @workflow.update
    async def put_back(self, command: messages.PutBack) -> GroupAnswer:
        """Units of an ended group are on the shelf again."""
        return await self._in_turn(command, self.work.put_back)

    @workflow.update
    async def name_proxy(self, command: messages.NameProxy) -> GroupAnswer:
        """The buyer names who else may collect."""
        return await self._in_turn(command, self.collecting.name_proxy)

    @workflow.update
    async def note_sale(self, command: messages.NoteSale) -> GroupAnswer:
        """Extra items were sold to who collected: a sale of its own, known here by its name."""
        return await self._in_turn(command, self.collecting.note_sale)

    @workflow.query
    def card_on_file(self) -> str | None:
        """The token of the card that pays for this order, for more that its customer buys at the counter."""
        cards = [each for each in self.desk.order.tenders if each.type is TenderType.CARD and not each.exhausted]
        return cards[0].token if cards else None

    # --- shipments ---------------------------------------------------------------------------------------------------

    @workflow.update
    async def pack(self, command: messages.Pack) -> GroupAnswer:
        """Picked units were checked and are in a box."""
        return await self._in_turn(command, self.shipping.packing.pack)

    @workflow.update
    async def unpack(self, command: messages.Unpack) -> GroupAnswer:
        """Packed units are out of their box again."""
        return await self._in_turn(command, self.shipping.packing.unpack)

    @workflow.update
    async def ship(self, command: messages.Ship) -> GroupAnswer:
        """A carrier takes packed units away; exactly their share is captured."""
        return await self._in_turn(command, self.shipping.dispatching.ship)

    @workflow.update
    async def arrive(self, command: messages.Receive) -> GroupAnswer:
        """A store says what came of goods that were sent to it for a pickup."""
        return await self._in_turn(command, self.shipping.delivering.transferring.arrive)

    @workflow.update
    async def cancel_answer(self, command: messages.AnswerStop) -> GroupAnswer:
        """A place that was asked to stop says whether it could."""
        return await self._in_turn(command, self.shipping.stopping.answer)

    @workflow.update
    async def decide_claim(self, command: messages.DecideClaim) -> GroupAnswer:
        """What becomes of a parcel that went wrong."""
        return await self._in_turn(command, self.shipping.delivering.decide)

    @workflow.update
    async def move_auto_cancel(self, command: messages.MoveAutoCancel) -> GroupAnswer:
        """Until when a place is looked for."""
        return await self._in_turn(command, self.shipping.assigning.move_auto_cancel)

    @workflow.update
    async def assign(self, command: messages.Assign) -> GroupAnswer:
        """A person chooses the place of units that nobody has picked yet."""
        return await self._in_turn(command, self.shipping.assigning.assign)

    @workflow.update
    async def broker(self, command: messages.Broker) -> GroupAnswer:
        """A brokering run has decided where a shipment leaves from."""
        return await self._in_turn(command, self.shipping.brokering.take)

    @workflow.signal
    async def store_command(self, command: messages.StoreCommand) -> None:
        """The same commands from stores that can only fire and forget; their fate is in the timeline."""
        handlers: dict[str, Callable[..., Awaitable[GroupAnswer]]] = {
            "accept": self.work.accept,
            "reject": self.work.reject,
            "pick": self.work.pick,
            "ready": self.preparing.ready,
            "arrived": self.collecting.arrived,
            "hand_over": self.counter.hand_over,
            "shortage": self.counter.shortage,
            "refuse": self.counter.refuse_units,
            "extend": self.collecting.extend,
            "resend_code": self.collecting.resend_code,
            "unlock": self.collecting.unlock,
            "put_back": self.work.put_back,
            "pack": self.shipping.packing.pack,
            "unpack": self.shipping.packing.unpack,
            "ship": self.shipping.dispatching.ship,
            "arrive": self.shipping.delivering.transferring.arrive,
            "cancel_answer": self.shipping.stopping.answer,
        }
        try:
            await self._in_turn(command, handlers[command.kind])
        except StepFailed as refused:  # the timeline shows why; nobody waits for an answer
            self.desk.book.event(
                Event.COMMAND_REFUSED,
                command.actor,
                reason=failure_text(refused),
                command=command.kind,
                group=command.n,
            )
            await self.desk.book.record()

    # --- customers, channels, ops ------------------------------------------------------------------------------------

    @workflow.update
    async def choose(self, command: messages.Choose) -> GroupAnswer:
        """The customer's answer after a rejection."""
        return await self._in_turn(command, self.choosing.choose)

    @workflow.update
    async def cancel(self, command: messages.Cancel) -> CancelAnswer:
        """Stop what can be stopped; the answer is the exact plan, which is then carried out."""
        return await self._in_turn(command, self._cancel)

    @workflow.query
    def cancel_plan(self, lines: dict[LineId, int] | None = None) -> CancelPlan:
        """What a cancel would do now."""
        return plan_cancel(self.desk.order, lines)

    @workflow.update
    async def change(self, command: messages.Change) -> ChangeAnswer:
        """Lines, quantities, the address or the way to the customer: all of the wish, or nothing."""
        return await self._in_turn(command, self.changing.change)

    @workflow.update
    async def drop_change(self, command: messages.DropChange) -> ChangeAnswer:
        """Leave the order as it is: the change that waits for its payment is dropped."""
        return await self._in_turn(command, self.changing.drop)

    @workflow.query
    def change_plan(self, wish: ChangeWish) -> ChangePreview:
        """What a change would do now."""
        try:
            self.changing.may_change()
            return ChangePreview(plan=plan_change(self.desk.order, wish))
        except Refused as refused:
            return ChangePreview(refusal=refused.refusal)

    @workflow.update
    async def place_hold(self, command: messages.PlaceHold) -> OrderAnswer:
        """Stop the order for a named reason until somebody clears it."""
        return await self._in_turn(command, self._place_hold)

    @workflow.update
    async def resolve_hold(self, command: messages.ResolveHold) -> OrderAnswer:
        """Clear a hold, or cancel the order for it."""
        return await self._in_turn(command, self._resolve_hold)

    @workflow.update
    async def pay(self, command: messages.Pay) -> OrderAnswer:
        """Another try to pay, or a payment at the till."""
        return await self._in_turn(command, self._pay)

    @workflow.update
    async def intervene(self, command: messages.Intervene) -> OrderAnswer:
        """A person decides about a step in trouble. Not in turn: who has the turn may be waiting for just this."""
        await self._placing_is_over()
        return await self._answered(command, self._intervene)

    # --- events from outside -----------------------------------------------------------------------------------------

    @workflow.signal
    async def payment_event(self, event: messages.PaymentEvent) -> None:
        """The provider has news of an authorisation: ask it for the state."""
        await self._placing_is_over()
        if event.came_back:
            await self.desk.cashier.refund_came_back(event)
        elif not self.desk.order.finished:
            await self.desk.cashier.look_again(event.authorisation_id)  # type: ignore[arg-type]

    @workflow.signal
    async def fraud_decision(self, decision: messages.FraudDecision) -> None:
        """The answer of a fraud review, minutes or days later."""
        await self._placing_is_over()
        async with self.desk.turn.of(decision.event_id):
            for hold in [hold for hold in self.desk.order.holds if hold.kind is HoldKind.FRAUD]:
                outcome = HoldOutcome.RELEASE if decision.accept else HoldOutcome.CANCEL
                if hold in self.desk.order.holds:  # a declined one before it ended them all
                    await self.holds.resolve(hold, outcome, decision.actor, "fraud screening decided")

    @workflow.signal
    async def stock_arrived(self, arrival: messages.StockArrived) -> None:
        """Stock came for which units of this order wait."""
        async with self.desk.turn:
            group = self.desk.order.group(arrival.n)
            if group.supply is not None:
                await self.supplying.arrived(group, arrival)
            elif isinstance(group, PickupGroup):
                await self.choosing.stock_arrived(group)
            elif isinstance(group, ShipmentGroup):
                await self.shipping.sourcing.stock_arrived(group)

    @workflow.signal
    async def supply_rescheduled(self, news: messages.SupplyRescheduled) -> None:
        """What units of this order wait for comes at another time."""
        await self._placing_is_over()
        async with self.desk.turn:
            await self.supplying.rescheduled(self.desk.order.group(news.n), news)

    @workflow.signal
    async def carrier_event(self, event: messages.CarrierEvent) -> None:
        """A carrier has news of a parcel."""
        await self._placing_is_over()
        async with self.desk.turn.of(event.event_id):
            await self.shipping.delivering.carrier_event(event)

    @workflow.signal
    async def exchange_settled(self, message: ExchangeSettled) -> None:
        """The goods that this order replaces have come back, or as many as will."""
        await self._placing_is_over()
        async with self.desk.turn:
            if not self.desk.order.finished:
                await self.exchanged.settle(message)

    @workflow.signal
    async def locker_event(self, event: messages.LockerEvent) -> None:
        """The operator of a parcel machine has news of a compartment."""
        await self._placing_is_over()
        async with self.desk.turn.of(event.news.event_id):
            await self.depositing.locker_event(event)

    @workflow.signal
    async def partner_event(self, event: messages.PartnerEvent) -> None:
        """A partner has news of what it was asked to ship."""
        await self._placing_is_over()
        async with self.desk.turn:
            await hear_from_partner(self.desk, event)

    @workflow.query
    def view(self) -> OrderView:
        """The order as every role sees it."""
        return self.desk.order.view()

    # --- what commands do to the whole order -------------------------------------------------------------------------

    async def _cancel(self, command: messages.Cancel) -> CancelAnswer:
        desk = self.desk
        plan = plan_cancel(desk.order, command.lines)
        if not plan.stops_something:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, why_nothing(desk.order, plan))
        desk.cancel_units(plan, command.reason, command.actor)
        if not desk.order.open:
            self.holds.clear_all()
        if command.notify and plan.lines:
            desk.tell_cancelled(plan.lines, command.reason)
        await desk.book.record()
        return CancelAnswer(version=desk.order.version, status=desk.order.status, plan=plan)

    async def _place_hold(self, command: messages.PlaceHold) -> OrderAnswer:
        if not self.desk.order.open:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW, "Nothing of this order is open any more; a hold would stop nothing."
            )
        hold = self.holds.place(
            command.hold_kind,
            command.reason,
            command.actor.id,
            deadline=command.deadline or workflow.now() + self.desk.order.terms.policy.pickup.hold_within,
            default=command.default,
            actor=command.actor,
            lines=command.lines,
        )
        await self.desk.book.record()
        return self._order_answer(hold_id=hold.hold_id)

    async def _resolve_hold(self, command: messages.ResolveHold) -> OrderAnswer:
        hold = self.holds.find(command.hold_id)
        await self.holds.resolve(hold, command.outcome, command.actor, command.reason)
        return self._order_answer(hold_id=hold.hold_id)

    async def _pay(self, command: messages.Pay) -> OrderAnswer:
        desk = self.desk
        if desk.order.unsecured:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW, "Supply is far: the payment is asked for when it is near, not before."
            )
        before = desk.cashier.plan()
        if desk.order.change is not None and not before.uncovered and self.holds.payment is None:
            await self.changing.pay(command)
            return self._order_answer()
        if not before.uncovered and not before.expected:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "This order is paid or covered; nothing more is due.")
        due, offered = before.uncovered + before.expected, sum(tender.amount for tender in command.tenders)
        at_till = sum(tender.amount for tender in command.tenders if tender.type is TenderType.PAY_IN_STORE)
        if at_till > due:
            # A card is asked for what is missing at most. What the till reports would be booked as it is and paid back.
            raise refuse(
                RefusalKind.BEYOND_LIMIT,
                f"{desk.book.money(due)} is due ({due} in minor units), not {desk.book.money(at_till)}. "
                "Nothing was booked: send what the till has kept, without the change that it gave.",
            )
        if offered >= due:
            desk.cashier.give_up_waiting()
        elif desk.cashier.awaited >= due:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                f"The customer is confirming {desk.book.money(due)} with the bank. Pay all of it in another way, "
                "or let the bank answer first.",
            )
        outcome = await desk.cashier.pay(command.tenders, command.actor)
        await desk.book.record()
        if desk.cashier.plan().uncovered and outcome.value == "declined":
            raise refuse(
                RefusalKind.PAYMENT_DECLINED,
                "The payment was declined. Ask the customer for another way to pay.",
                reason=desk.cashier.decline_reason or "declined",
            )
        return self._order_answer()

    async def _intervene(self, command: messages.Intervene) -> OrderAnswer:
        await self.desk.people.answer(command)
        return self._order_answer()

    def _order_answer(self, hold_id: HoldId | None = None) -> OrderAnswer:
        order = self.desk.order
        return OrderAnswer(
            version=order.version,
            status=order.status,
            next_action=order.next_action,
            hold_id=hold_id,
        )

    # --- how commands are taken --------------------------------------------------------------------------------------

    async def _in_turn(self, command: messages.Command, do: Callable[..., Awaitable[Answer]]) -> Answer:
        """One decision at a time. What was refused fails the update with the refusal; nothing else fails it."""
        await self._placing_is_over()
        async with self.desk.turn.of(command.command_id):
            return await self._answered(command, do)

    async def _answered(self, command: messages.Command, do: Callable[..., Awaitable[Answer]]) -> Answer:
        try:
            self._check(command)
            return await do(command)
        except Refused as refused:
            raise failure(refused.refusal) from None

    def _check(self, command: messages.Command) -> None:
        order = self.desk.order
        if self.placed is not None and self.placed.refusal is not None:
            raise refuse(RefusalKind.NOT_FOUND, "This order was refused; nothing of it is left.")
        if command.version is not None and command.version != order.version:
            raise refuse(
                RefusalKind.STALE_VERSION,
                f"You saw version {command.version}; it is {order.version} now. Look at it again, then decide.",
            )
        if isinstance(command, AT_THE_COUNTER):
            self.depositing.require_reach(command)
        if isinstance(command, AT_ITS_PLACE):
            require_own_place(self.desk, command)
        blocked = isinstance(command, WORK)
        if order.holds and blocked and self._still_open(command):
            payment = self.holds.payment
            if payment is not None and isinstance(command, (messages.GiveOut, messages.Ship)):
                raise refuse(RefusalKind.PAYMENT_DUE, f"It is not paid: {payment.reason}.")
            raise refuse(
                RefusalKind.HELD,
                f"The order is held ({', '.join(hold.kind for hold in order.holds)}); nobody works on it.",
            )

    def _still_open(self, command: messages.Command) -> bool:
        n = getattr(command, "n", None)
        group = next((group for group in self.desk.order.groups if group.n == n), None)
        return group is not None and group.open

    async def _placing_is_over(self) -> None:
        await workflow.wait_condition(lambda: self.placed is not None)
