"""Changes to a placed order: made whole, or opened until the customer has paid for them, or dropped."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from adapters.fraud.port import Verdict
    from domain.actors import ENGINE, Actor
    from domain.change_wishes import ChangeWish, NewWay
    from domain.changes import ChangePlan, check, plan_change
    from domain.holds import HoldKind
    from domain.ids import LineId, StoreId
    from domain.notices import NoticeKind
    from domain.open_changes import HeldStock, OpenChange
    from domain.pickups import PickupGroup
    from domain.refusals import RefusalKind, Refused
    from domain.settlement import HELD
    from domain.terms import TenderTerms
    from domain.timeline import Event
    from domain.views import NextAction
    from workflows import messages
    from workflows.desk import Desk
    from workflows.holds import Holds
    from workflows.making import Making, new_shipments
    from workflows.messages import ChangeAnswer, GroupAnswer
    from workflows.payment_calls import Outcome
    from workflows.refusing import refuse
    from workflows.screening import screen
    from workflows.sourcing import Sourcing
    from workflows.waits import until

PAY_CHANGE = "pay_change"
"""The next action of a customer whose change waits for its payment."""
CONFIRM = "confirm_payment"


class Changing:
    """One change at a time. Called with the turn taken."""

    def __init__(self, desk: Desk, holds: Holds, sourcing: Sourcing):
        self.desk = desk
        self.making = Making(desk, holds, sourcing)

    async def change(self, command: messages.Change) -> ChangeAnswer:
        """Make the change, or hold its stock and ask for its payment."""
        return await self._change(command, command.wish, command.tenders)

    async def ship(self, group: PickupGroup, command: messages.Choose) -> GroupAnswer:
        """The customer's choice: what a store could not give out is sent instead."""
        assert command.way is not None
        desk, lines = self.desk, list(group.owed_lines())
        desk.book.event(Event.CHOICE_MADE, command.actor, group=group.n, choice=command.option)
        answer = await self._change(
            command, ChangeWish(method=NewWay(lines=lines, way=command.way, n=group.n)), command.tenders
        )
        shipment = desk.order.shipments[-1] if answer.applied else group
        return desk.answer(shipment)

    async def drop(self, command: messages.DropChange) -> ChangeAnswer:
        """The customer does not want the open change after all."""
        change = self.desk.order.change
        if change is None:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "No change of this order waits for its payment.")
        plan = plan_change(self.desk.order, change.wish)
        await self._drop("withdrawn", command.actor)
        return self._answer(change.change_id, plan, applied=False)

    async def pay(self, command: messages.Pay) -> None:
        """The customer pays for the open change. Raises `Refused`; the change stays open then."""
        change = self.desk.order.change
        assert change is not None
        if any(tender.type not in HELD for tender in command.tenders):
            raise refuse(RefusalKind.NOT_SUPPORTED, "What pays for a change is held first; money at a till cannot be.")
        outcome = await self._authorise(command.tenders)
        if outcome is Outcome.DECLINED:
            await self.desk.book.record()
            raise self._declined()
        if not await self._made_if_covered(change):
            if self._awaits_bank(self.desk.order.change or change):
                self._ask_to_pay()
            await self.desk.book.record()

    def watch(self) -> None:
        """An open change has its end, also after a new run began."""
        change = self.desk.order.change
        if change is not None and not self.desk.crew.has(name := f"change {change.change_id}"):
            self.desk.crew.start(name, self._until_paid(change.change_id))

    # --- opening -----------------------------------------------------------------------------------------------------

    async def _change(self, command: messages.Command, wish: ChangeWish, tenders: list[TenderTerms]) -> ChangeAnswer:
        self.may_change()
        plan = plan_change(self.desk.order, wish)
        check(plan)
        if plan.asked and self._order_awaits_payment:
            raise refuse(RefusalKind.PAYMENT_DUE, "The order itself is not paid yet. Pay it first, then change it.")
        in_review = await self._screen(plan)
        if not plan.asked:
            await self.making.make(wish, plan, command.command_id, command.actor, in_review=in_review)
            return self._answer(command.command_id, plan, applied=True)
        await self._open(command, wish, plan, in_review)
        if tenders and await self._authorise(tenders) is Outcome.DECLINED:
            await self._drop("payment_declined", ENGINE)
            raise self._declined()
        applied = await self._made_if_covered(self.desk.order.change)
        if not applied:
            self._ask_to_pay()
            await self.desk.book.record()
        return self._answer(command.command_id, plan, applied=applied)

    @property
    def _order_awaits_payment(self) -> bool:
        held = any(hold.kind is HoldKind.PAYMENT for hold in self.desk.order.holds)
        return held or bool(self.desk.cashier.plan().uncovered)

    def may_change(self) -> None:
        order = self.desk.order
        if order.change is not None:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                f"Change {order.change.change_id} waits for its payment. Pay it or drop it first.",
            )
        if not order.open:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing of this order is open any more. Place another one.")

    async def _screen(self, plan: ChangePlan) -> bool:
        """Whether fraud screening wants to review the change. Raises `Refused` when it declines it."""
        if not plan.screened:
            return False
        order = self.desk.order
        order.screened_again += 1
        verdict = await screen(self.desk, plan.after.total, attempt=1 + order.screened_again)
        if verdict is Verdict.DECLINE:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                "The change was declined by fraud screening. The order stays as it was.",
                reason="fraud",
            )
        return verdict is Verdict.REVIEW

    async def _open(self, command: messages.Command, wish: ChangeWish, plan: ChangePlan, in_review: bool) -> None:
        """Hold the stock that is needed, all or none: at known places, and at those that can ship what is shipped."""
        desk, now = self.desk, workflow.now()
        stock = [HeldStock(store_id=place, lines=lines) for place, lines in needed(plan).items()]
        stock += await self.making.places_for(wish)
        earlier = desk.book.collected()
        desk.order.change = OpenChange(
            change_id=command.command_id,
            wish=wish,
            actor=command.actor,
            since=now,
            deadline=now + desk.order.terms.policy.pickup.payment_within,
            owed=plan.asked,
            before=plan.before,
            after=plan.after,
            stock=stock,
            in_review=in_review,
        )
        for held in stock:
            desk.book.stock(StockOperation.RESERVE, held.lines, held.store_id)
        desk.book.event(Event.CHANGE_OPENED, command.actor, change=command.command_id, amount=plan.asked)
        if not await self.making.is_recorded(earlier):
            desk.order.change = None
            raise refuse(RefusalKind.OUT_OF_STOCK, "Not all units are available there. Nothing was changed.")

    def _ask_to_pay(self) -> None:
        """By the bank's page while the bank is asked, else in any way."""
        desk, change = self.desk, self.desk.order.change
        if change is None:
            return
        confirms = self._awaits_bank(change)
        desk.order.next_action = NextAction(
            kind=CONFIRM if confirms else PAY_CHANGE,
            url=(desk.cashier.action_url or "") if confirms else "",
            deadline=change.deadline,
        )
        desk.book.notice(
            NoticeKind.CHANGE_AWAITS_PAYMENT,
            f"{change.change_id}/{len(change.tenders)}",
            until=change.deadline,
            deadline=change.deadline,
            due=desk.book.money(change.owed - desk.order.held_for_change),
            total=desk.book.money(change.after.total),
            link_kind="payment",
        )
        self.watch()

    # --- its end -----------------------------------------------------------------------------------------------------

    async def _until_paid(self, change_id: str) -> None:
        desk = self.desk

        def present() -> OpenChange | None:
            change = desk.order.change
            return change if change is not None and change.change_id == change_id else None

        def is_news() -> bool:
            change = present()
            return change is None or self._covered(change) or not desk.order.open or self._bank_said_no(change)

        def deadline() -> datetime | None:
            change = present()
            return change.deadline if change is not None else None

        in_time = True
        while in_time:
            in_time = await until(is_news, deadline, desk.alarms, "the customer pays for a change: it is dropped")
            async with desk.turn:
                change = present()
                if change is None:
                    return
                # What cannot be made any more, though it is paid, was dropped with its reason.
                with suppress(Refused):
                    if await self._made_if_covered(change):
                        return
                    if in_time and desk.order.open:
                        self._ask_to_pay()
                        await desk.book.record()
                    else:
                        await self._drop("expired" if desk.order.open else "order_ended", ENGINE)

    async def _made_if_covered(self, change: OpenChange | None) -> bool:
        """Make the open change if it is paid; drop it if it cannot be made any more."""
        order = self.desk.order
        if change is None or not self._covered(change) or not order.open:
            return False
        self.desk.cashier.give_up_waiting(change.tenders)
        self._ask_no_more()
        plan = plan_change(order, change.wish)
        try:
            check(plan)
            if plan.asked or not self._holds_all(change, plan):
                raise refuse(RefusalKind.NOT_ALLOWED_NOW, "The order is another one now.")
            await self.making.make(
                change.wish, plan, change.change_id, change.actor, held=change.stock, in_review=change.in_review
            )
        except Refused as refused:
            await self._drop(refused.refusal.kind.value, ENGINE)
            raise
        return True

    def _holds_all(self, change: OpenChange, plan: ChangePlan) -> bool:
        known = {held.store_id: held.lines for held in change.stock if held.shipment is None}
        shipped = {
            number: _sums_of(held.lines for held in change.stock if held.shipment == number)
            for number in {held.shipment for held in change.stock if held.shipment is not None}
        }
        wanted = new_shipments(self.desk.order, change.wish)
        return needed(plan) == known and all(wanted.get(number) == lines for number, lines in shipped.items())

    async def _drop(self, reason: str, actor: Actor) -> None:
        """Nothing of the change is left: its stock and its money are free again."""
        desk, change = self.desk, self.desk.order.change
        assert change is not None
        for held in change.stock:
            desk.book.stock(StockOperation.RELEASE, held.lines, held.store_id)
        desk.cashier.give_up_tenders(change.tenders)
        desk.order.change = None
        self._ask_no_more()
        desk.book.event(Event.CHANGE_DROPPED, actor, reason=reason, change=change.change_id)
        desk.book.notice(NoticeKind.CHANGE_DROPPED, change.change_id, total=desk.book.money(change.before.total))
        desk.cashier.wake()
        await desk.book.record()

    def _ask_no_more(self) -> None:
        """What the customer is asked for the order itself stays."""
        if not self._order_awaits_payment:
            self.desk.order.next_action = None

    # --- its money ---------------------------------------------------------------------------------------------------

    async def _authorise(self, tenders: list[TenderTerms]) -> Outcome:
        change = self.desk.order.change
        assert change is not None
        return await self.desk.cashier.authorise_for(change, tenders)

    def _covered(self, change: OpenChange) -> bool:
        return self.desk.order.held_for_change >= change.owed

    def _awaits_bank(self, change: OpenChange) -> bool:
        return any(each.awaiting for each in self.desk.order.tenders if each.tender_id in change.tenders)

    def _bank_said_no(self, change: OpenChange) -> bool:
        action = self.desk.order.next_action
        asked = action is not None and action.kind == CONFIRM and not self._order_awaits_payment
        return asked and not self._awaits_bank(change)

    def _declined(self) -> Exception:
        return refuse(
            RefusalKind.PAYMENT_DECLINED,
            "The payment for the change was declined. Ask the customer for another way to pay.",
            reason=self.desk.cashier.decline_reason or "declined",
        )

    def _answer(self, change_id: str, plan: ChangePlan, *, applied: bool) -> ChangeAnswer:
        order = self.desk.order
        return ChangeAnswer(
            version=order.version,
            status=order.status,
            change_id=change_id,
            applied=applied,
            plan=plan,
            next_action=order.next_action if not applied else None,
        )


def _sums_of(parts: Iterable[dict[LineId, int]]) -> dict[LineId, int]:
    sums: dict[LineId, int] = {}
    for part in parts:
        for line, n in part.items():
            sums[line] = sums.get(line, 0) + n
    return sums


def needed(plan: ChangePlan) -> dict[StoreId, dict[LineId, int]]:
    """Stock at places that are known already; for what is shipped anew a place is looked for."""
    wanted: dict[StoreId, dict[LineId, int]] = {}
    for held in plan.hold:
        if held.store_id is not None:
            lines = wanted.setdefault(held.store_id, {})
            lines[held.line_id] = lines.get(held.line_id, 0) + held.quantity
    return wanted
