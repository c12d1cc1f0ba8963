"""Placing an order: reserve, screen, authorise; then it is confirmed or held, or nothing is left of it."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.claiming import Claim, ClaimSteps
    from activities.faults import OUT_OF_STOCK
    from activities.milestones import Forgotten, Milestones, StockOperation, StockStep
    from adapters.fraud.port import Verdict
    from domain.holds import HoldKind, HoldOutcome
    from domain.ids import LineId, OperationKey, OrderId, StoreId, operation_key
    from domain.kits import pieces
    from domain.personal import Readable
    from domain.refusals import Refusal, RefusalKind, Shortfall
    from domain.stock import StockLine
    from domain.supply import ANYWHERE
    from domain.timeline import Event
    from workflows import options
    from workflows.desk import Desk
    from workflows.holds import PAYMENT_SYSTEM, Holds
    from workflows.payment_calls import Outcome
    from workflows.refusing import StepFailed
    from workflows.saga import Saga
    from workflows.screening import hold_for_review, screen, screening_of
    from workflows.selling import sell
    from workflows.sourcing import ANY_PLACE, TRIES, Sourcing
    from workflows.supplying import Supplying


class RefusedPlacement(Exception):
    """The order cannot be; the saga undoes what was done for it."""

    def __init__(self, refusal: Refusal):
        self.refusal = refusal


class Placing:
    """From the order's terms to its fate. Each step registers what undoes it before it is taken."""

    def __init__(self, desk: Desk, holds: Holds, sourcing: Sourcing, supplying: Supplying, *, screened_at_once: bool):
        self.desk = desk
        self.holds = holds
        self.sourcing = sourcing
        self.supplying = supplying
        self.verdict = Verdict.ACCEPT
        self.screened_at_once = screened_at_once

    async def run(self) -> Refusal | None:
        """Nothing when the order stands (confirmed or held), or why it was refused."""
        try:
            async with Saga() as saga:
                saga.if_it_fails("the order's record and stock", self._forget)
                await self._hold_stock()
                if not self.screened_at_once:
                    self.verdict = await screen(self.desk, self.desk.order.terms.total)
                self._refuse_if_declined()
                saga.if_it_fails("the authorisations", self._void)
                outcome = await self._authorise()
                self._hold_if_needed(outcome)
                if self.desk.order.terms.sale is not None and (unsold := await sell(self.desk)) is not None:
                    raise RefusedPlacement(unsold)
                await self._stand()
        except RefusedPlacement as refused:
            return refused.refusal
        return None

    async def _hold_stock(self) -> None:
        desk, terms = self.desk, self.desk.order.terms
        desk.book.lasting_event(
            Event.ORDER_PLACED, terms.actor, external_id=terms.external_id, amount=terms.total, lines=len(terms.lines)
        )
        for tries_left in reversed(range(TRIES)):
            short: list[Shortfall] = []
            ahead: dict[int, dict[LineId, int]] = {}
            if not terms.shipments or await self._choose_places(ahead):
                short = await self._claim(TRIES - tries_left, ahead)
                if not short:
                    return
            if not terms.shipments or not tries_left:
                raise _out_of_stock(short)
            self.sourcing.forget_choice()

    async def _choose_places(self, ahead: dict[int, dict[LineId, int]]) -> bool:
        """Every shipment has its places, and they take it on; false when others took the last of their capacity."""
        if short := await self.sourcing.choose_at_placing(ahead):
            raise _out_of_stock(short)
        placed = [group for group in self.desk.order.shipments if group.store_id]
        return not placed or await self.sourcing.hold_capacity(placed)

    async def _claim(self, number: int, ahead: dict[int, dict[LineId, int]]) -> list[Shortfall]:
        """Hold all units where they are to come from, or none: then what is missing."""
        desk, terms = self.desk, self.desk.order.terms
        claim = Claim(
            order_id=terms.order_id,
            at=workflow.now(),
            stock=StockStep(
                operation=StockOperation.RESERVE,
                # Another choice of places is another wish.
                key=operation_key(terms.order_id, "reserve", *([number] if number > 1 else [])),
                lines=self._wanted(),
                channel=terms.channel,
            ),
            places=sorted({group.store_id for group in desk.order.groups if group.store_id}),
            groups=self._beyond_stock(ahead),
            ahead=tuple(line for lines in ahead.values() for line in desk.book.stock_lines(lines, StoreId(ANYWHERE))),
            promises=self._promises(),
            screening=screening_of(desk, terms.total) if self.screened_at_once else None,
        )
        try:
            claimed = await workflow.execute_local_activity_method(
                ClaimSteps.claim_stock,
                claim,
                summary=Readable("Hold the stock" + (", screen for fraud" if claim.screening else "")),
                **options.OUR_BOOKS,
            )
        except StepFailed as error:
            shortfalls = _shortfalls(error)
            if shortfalls is None:
                raise
            return shortfalls
        desk.book.hours.update(claimed.hours)
        self.supplying.wait(claimed.waiting)
        self.verdict = claimed.verdict
        return []

    def _refuse_if_declined(self) -> None:
        if self.verdict is Verdict.DECLINE:
            raise RefusedPlacement(
                Refusal(
                    kind=RefusalKind.PAYMENT_DECLINED,
                    detail="The order was declined by fraud screening. Do not try again with the same details.",
                    reason="fraud",
                )
            )

    async def _authorise(self) -> Outcome:
        outcome = await self.desk.cashier.authorise_tenders()
        if outcome is Outcome.DECLINED:
            raise RefusedPlacement(
                Refusal(
                    kind=RefusalKind.PAYMENT_DECLINED,
                    detail="The payment was declined. Ask the customer for another way to pay.",
                    reason=self.desk.cashier.decline_reason,
                )
            )
        return outcome

    def _hold_if_needed(self, outcome: Outcome) -> None:
        terms, now = self.desk.order.terms, workflow.now()
        policy = terms.policy.pickup
        if terms.discrepancy is not None and not terms.discrepancy.adds_up:
            self.holds.place(HoldKind.DATA, terms.discrepancy.explain(), "ops", deadline=now + policy.approval_within)
        limit = terms.rules.approval_above
        if limit is not None and terms.total > limit:
            self.holds.place(
                HoldKind.APPROVAL,
                "orders of this value wait for approval",
                "ops",
                deadline=now + policy.approval_within,
            )
        if self.verdict is Verdict.REVIEW:
            hold_for_review(self.desk, self.holds)
        if terms.change_window:
            self.holds.place(
                HoldKind.REMORSE,
                "the order may still be changed",
                "customer",
                deadline=now + terms.change_window,
                default=HoldOutcome.RELEASE,
            )
        if outcome is Outcome.ACTION:
            self.holds.ask_customer_to_pay(confirm=True)
        elif outcome is Outcome.AWAY:
            away = bool(self.desk.order.troubles)
            reason = "the payment system is away" if away else "a person looks at the payment"
            self.holds.place(HoldKind.PAYMENT, reason, PAYMENT_SYSTEM)
        if terms.exchange is not None:
            if terms.exchange.waits:
                self.holds.place(HoldKind.EXCHANGE, "what it replaces comes back", "customer")
            if outcome is Outcome.DONE and self.desk.cashier.plan().uncovered:
                self.holds.ask_customer_to_pay(confirm=False)

    async def _stand(self) -> None:
        self.desk.book.visible = True
        if not self.desk.order.holds:
            self.holds.go_on()
        await self.desk.book.record(taken=True)

    # --- undoing -----------------------------------------------------------------------------------------------------

    async def _forget(self) -> None:
        terms, held = self.desk.order.terms, self._wanted()
        release = StockStep(operation=StockOperation.RELEASE, key=operation_key(terms.order_id, "forget"), lines=held)
        await workflow.execute_local_activity_method(
            Milestones.forget_order,
            Forgotten(
                order_id=terms.order_id,
                at=workflow.now(),
                release=release if held else None,
                capacity=self._capacity(),
                promises=self._promises(),
            ),
            summary=Readable("Leave nothing of the refused order"),
            **options.OUR_BOOKS,
        )

    def _beyond_stock(self, ahead: dict[int, dict[LineId, int]]) -> dict[LineId, int]:
        """Lines that may be sold beyond stock, with their groups; over the counter nobody sells what is not there."""
        order = self.desk.order
        if order.terms.sale is not None:
            return {}
        at_stores = {line: group.n for group in order.pickups for line in group.units}
        return at_stores | {line: n for n, lines in ahead.items() for line in lines}

    def _promises(self) -> list[OrderId]:
        return [pickup.promise for pickup in self.desk.order.terms.pickups if pickup.promise is not None]

    def _capacity(self) -> list[OperationKey]:
        order = self.desk.order
        held = [group.capacity_key for group in order.shipments if group.capacity_key is not None]
        return [*held, *order.spare_capacity]

    async def _void(self) -> None:
        self.desk.order.settle({line.line_id: line.quantity for line in self.desk.order.terms.lines}, earned=False)
        for group in self.desk.order.groups:
            for units in group.units.values():
                units.open, units.cancelled = 0, units.total
        await self.desk.cashier.let_go()

    def _wanted(self) -> tuple[StockLine, ...]:
        """Each line where it is to be collected, or is shipped from; nothing of what has no place."""
        order = self.desk.order
        held = [
            stock
            for group in order.shipments
            for place, lines in group.held.items()
            for stock in self.desk.book.stock_lines(lines, place)
        ]
        return (
            *held,
            *(
                StockLine(line_id=line.line_id, sku=sku, location_id=group.store_id, quantity=asked)
                for line in order.terms.lines
                for group in order.groups
                if group.store_id and line.line_id in group.units
                for sku, asked in pieces(line.needs, group.units[line.line_id].total).items()
                if asked > 0
            ),
        )


def _out_of_stock(shortfalls: list[Shortfall]) -> RefusedPlacement:
    anywhere = bool(shortfalls) and all(each.location_id == ANY_PLACE for each in shortfalls)
    detail = (
        "No places that ship have all of these units, and room for one more parcel, now. Offer fewer units or a pickup."
        if anywhere
        else "Not all units are available there. Offer fewer units or another store."
    )
    return RefusedPlacement(Refusal(kind=RefusalKind.OUT_OF_STOCK, detail=detail, shortfalls=shortfalls))


def _shortfalls(error: BaseException) -> list[Shortfall] | None:
    fault = error.cause if isinstance(error, ActivityError) else error
    if not isinstance(fault, ApplicationError) or fault.type != OUT_OF_STOCK:
        return None
    return [Shortfall.model_validate(each) for each in (fault.details[0] if fault.details else [])]
