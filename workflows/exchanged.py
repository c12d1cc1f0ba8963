"""The order that replaces goods of a return: it waits for them, goes on with what came, and tells how it stands."""

from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE
    from domain.cancellation import plan_cancel
    from domain.holds import HoldKind, HoldOutcome
    from domain.ids import return_workflow_id
    from domain.intake import TenderType
    from domain.settlement import TenderBook
    from domain.terms import ExchangeOf
    from workflows.desk import Desk
    from workflows.exchange_messages import ExchangeNews, ExchangeSettled
    from workflows.holds import Holds
    from workflows.messages import CancelReason

NEWS = "exchange_news"
"""The signal of the return."""


class Exchanged:
    def __init__(self, desk: Desk, holds: Holds):
        self.desk = desk
        self.holds = holds
        self._told: object = None

    @property
    def credit(self) -> TenderBook | None:
        return next((each for each in self.desk.order.tenders if each.type is TenderType.EXCHANGE_CREDIT), None)

    @property
    def used(self) -> int:
        """What it keeps of the return's value."""
        return self.credit.held if self.credit else 0

    async def tell(self, exchange: ExchangeOf) -> None:
        """For as long as the order lives: tell its return whenever its money stands otherwise."""
        handle = workflow.get_external_workflow_handle(return_workflow_id(exchange.return_id))
        while True:
            # How it ended the return hears from the order's result.
            await workflow.wait_condition(lambda: not self.desk.order.finished and self._standing() != self._told)
            self._told = self._standing()
            with suppress(FailureError):  # a return that is over needs to know nothing
                await handle.signal(NEWS, self._news())

    def _standing(self) -> tuple[object, ...]:
        payment = self.holds.payment
        credit = self.credit.live + self.credit.held if self.credit else 0
        return credit, payment and (payment.hold_id, payment.deadline), self.desk.order.exchange_settled

    def _news(self) -> ExchangeNews:
        payment, plan = self.holds.payment, self.desk.cashier.plan()
        return ExchangeNews(
            credit=self.credit.live + self.credit.held if self.credit else 0,
            due=plan.uncovered + plan.expected if payment is not None else 0,
            pay_by=payment.deadline if payment is not None else None,
            heard=self.desk.order.exchange_settled,
        )

    async def settle(self, message: ExchangeSettled) -> None:
        """The goods that this order replaces have come, or some of them, or none. The caller has the turn."""
        desk, order = self.desk, self.desk.order
        if self.credit is not None:
            self.credit.amount = min(self.credit.amount, message.credit)
        order.exchange_settled = True
        if message.left_out and order.open:
            plan = plan_cancel(order, message.left_out)
            if plan.stops_something:
                desk.cancel_units(plan, CancelReason.CUSTOMER, ENGINE)
        if not order.open:
            self.holds.clear_all()
        hold = next((each for each in order.holds if each.kind is HoldKind.EXCHANGE), None)
        if hold is not None:
            await self.holds.resolve(hold, HoldOutcome.RELEASE, ENGINE, "what it replaces has come back")
        else:
            await desk.book.record()
        desk.cashier.wake()
