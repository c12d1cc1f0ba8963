"""Money leaves: screened again, booked as pending, paid once, confirmed; or taken back as if it had never begun."""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.faults import DECLINED
    from activities.financing import FinancingSteps
    from activities.lending import LendingSteps, OpenAccount, PayoutRequest, ReplanAccount, SettleTransaction
    from adapters.payout.port import PaidOut
    from domain.ids import OperationKey, derived_id, operation_key
    from domain.lending.accounts import (
        AccountKind,
        AccountTerms,
        Transaction,
        TransactionKind,
        TransactionState,
        disbursement_postings,
    )
    from domain.lending.financing import DisbursementPlan
    from domain.lending.parts import CheckState, Payout, Tranche, TrancheState
    from domain.lending.products import CheckKind, Kind
    from domain.lending.schedule import Instalment
    from domain.lending.stages import Outcome, Stage
    from domain.lending.terms import LoanTerms, figures
    from domain.lending.tranches import begin, planned_advances, schedule_now, tranches_of
    from domain.money import Money
    from domain.personal import Readable
    from workflows import options
    from workflows.applicant_screening import Screening
    from workflows.application_desk import GIVE_UP, RETRY, SKIP, ApplicationDesk, Over
    from workflows.refusing import StepFailed, failure_text, failure_type
    from workflows.saga import Saga

ACCOUNTS = {Kind.LOAN: AccountKind.LOAN, Kind.MORTGAGE: AccountKind.LOAN, Kind.CARD: AccountKind.CARD}
DEFAULT_TOKEN = "tok_ok"
"""Where money goes when the applicant names no account: the one that the simulator knows."""


class Disbursing:
    def __init__(self, desk: ApplicationDesk, screening: Screening):
        self.desk = desk
        self.screening = screening

    async def run(self) -> None:
        """Each step is skipped when it is done, so that the story can begin again anywhere in it."""
        application = self.desk.application
        if application.outcome is not None or application.stage is Stage.BOOKED:
            return
        if application.tranches and application.tranches[0].state is TrancheState.DRAWN:
            return
        if not application.payouts:
            await self.screened()
        application.stage = Stage.DISBURSING
        await self.desk.record()
        if self._lends and workflow.patched("a loan may pay orders") and await self._pays_orders():
            await self._opened_for_orders()
            return
        first = self._first()
        await self.moved(first)
        if application.tranches:
            application.drawing_ends_at = begin(
                application.product, application.tranches, workflow.now(), application.policy.day
            )
        if not application.to_be_drawn:
            self.booked()

    def _first(self) -> Tranche:
        """The first part of the loan, or all of it."""
        application = self.desk.application
        terms = application.offer.terms if application.offer else None
        if terms is not None and application.product.kind.pays_out and not application.tranches:
            application.tranches = tranches_of(application.product, terms)
        if application.tranches:
            return application.tranches[0]
        return Tranche(n=1, name="whole", amount=terms.principal if terms else 0, prepaid=terms.prepaid if terms else 0)

    async def moved(self, part: Tranche) -> None:
        """Booked, paid once and confirmed. Raises `Over` when it could not be paid, with nothing left of it."""
        async with Saga() as saga:
            await self._booked_pending(part, saga)
            await self._paid_out(part)
        await self._confirmed(part)

    def tell_booked(self) -> None:
        application = self.desk.application
        paid = sum(each.amount for each in application.payouts if each.state == "paid")
        self.desk.letter("booked", account_id=application.account_id, principal=paid, paid_out=paid)

    def booked(self) -> None:
        self.desk.application.stage = Stage.BOOKED
        self.desk.event("booked", account_id=self.account_id)

    @property
    def _lends(self) -> bool:
        application = self.desk.application
        return application.offer is not None and application.product.kind.pays_out and not application.payouts

    async def _pays_orders(self) -> bool:
        """Whether an order was first to ask for the money; from here on it is the borrower's or the orders' alone."""
        plan = await workflow.execute_activity_method(
            FinancingSteps.plan_disbursement,
            self.desk.application.application_id,
            summary=Readable("Ask whether the loan pays orders"),
            **options.LENDING_PATIENT,
        )
        return plan is DisbursementPlan.ORDERS

    async def _opened_for_orders(self) -> None:
        """Nothing is paid out: what orders set aside is drawn as their goods arrive."""
        application, now = self.desk.application, workflow.now()
        assert application.offer is not None
        terms = application.offer.terms
        today = application.policy.local_date(now)
        european = application.product.jurisdiction.value == "EU"
        account = AccountTerms(
            account_id=self.account_id,
            application_id=application.application_id,
            kind=AccountKind.LOAN,
            currency=terms.currency,
            annual_rate=terms.annual_rate,
            day_count=terms.day_count,
            opened_on=today,
            limit=terms.principal - terms.prepaid,
        )
        instalments = figures(terms, today, european=european).instalments
        request = OpenAccount(terms=account, instalments=instalments, first=None, at=now)
        await self.desk.step(
            "open the account", lambda: self._do(LendingSteps.open_account, request, "Open the account")
        )
        application.account_id = self.account_id
        application.stage = Stage.BOOKED
        self.desk.event("opened_for_orders", account_id=self.account_id, limit=account.limit)
        await self.desk.record()
        await self._do(FinancingSteps.tell_orders_paid, application.application_id, "Tell the orders that it pays")

    async def screened(self) -> None:
        """Sanctions once more, just before; a hit waits for a person, and says nothing to the applicant."""
        application = self.desk.application
        while application.product.check(CheckKind.SANCTIONS) is not None:
            await self.screening.again(CheckKind.SANCTIONS)
            await self.desk.until(lambda: not application.held or application.drawing_stopped_at is not None)
            if application.held:
                return
            unsure = (CheckState.UNANSWERED, CheckState.UNSURE, CheckState.FAILED)
            if all(each.state not in unsure for each in application.checks if each.kind is CheckKind.SANCTIONS):
                break
            # Nothing is paid to somebody about whom nobody could say anything.
            choice = await self.desk.ask("screen before money leaves", "no list could be asked", (RETRY, GIVE_UP))
            self.desk.look()
            if choice is GIVE_UP:
                raise Over(Outcome.BOOKING_FAILED_REVERSED)
        self.desk.look()

    @property
    def account_id(self) -> str:
        return derived_id("account", self.desk.application.application_id)

    def _key(self, operation: str, part: Tranche) -> OperationKey:
        again = (part.tries,) if part.tries else ()
        return operation_key(self.desk.application.application_id, operation, part.n, *again)  # type: ignore[arg-type]

    async def _booked_pending(self, part: Tranche, saga: Saga) -> None:
        application, now = self.desk.application, workflow.now()
        terms = application.offer.terms if application.offer else None
        today = application.policy.local_date(now)
        instalments: Sequence[Instalment] = ()
        draw = None
        if terms is not None and application.product.kind.pays_out:
            part.drawn_on = today
            instalments = self._instalments(terms, today)
            draw = Transaction(
                key=self._key("disbursement", part),
                kind=TransactionKind.DISBURSEMENT,
                state=TransactionState.PENDING,
                at=now,
                value_date=today,
                postings=disbursement_postings(part.amount, part.prepaid),
            )
        saga.if_it_fails("the pending booking", lambda: self._reverse(part))
        # Without the booking no money leaves, so it cannot be skipped.
        if part.n > 1:
            await self.replanned(instalments, draw)
            return
        pricing = application.product.pricing
        account = AccountTerms(
            account_id=self.account_id,
            application_id=application.application_id,
            kind=ACCOUNTS.get(application.product.kind, AccountKind.DEPOSIT),
            currency=application.product.currency,
            annual_rate=terms.annual_rate if terms else pricing.annual_rate,
            day_count=pricing.day_count,
            opened_on=today,
            limit=terms.principal if terms and application.product.kind is Kind.CARD else 0,
            agreed=terms.principal if terms and application.tranches else 0,
        )
        request = OpenAccount(terms=account, instalments=instalments, first=draw, at=now)
        await self.desk.step(
            "open the account",
            lambda: self._do(LendingSteps.open_account, request, "Open the account"),
            (RETRY, GIVE_UP),
        )
        application.account_id = self.account_id

    def _instalments(self, terms: LoanTerms, today: date) -> Sequence[Instalment]:
        application = self.desk.application
        if application.tranches:
            return schedule_now(application.product, terms, application.tranches, today)
        european = application.product.jurisdiction.value == "EU"
        return figures(terms, today, european=european).instalments

    async def replanned(self, instalments: Sequence[Instalment], draw: Transaction | None) -> None:
        """The account's schedule, and what may be drawn of it, with another advance or without those that lapsed."""
        tranches = self.desk.application.tranches
        request = ReplanAccount(
            account_id=self.account_id,
            instalments=instalments,
            draw=draw,
            agreed=sum(each.amount for each in tranches if each.state is not TrancheState.LAPSED),
        )
        what = f"book part {draw.key.split(':')[2]}" if draw else "end the drawing"
        choices = (RETRY, GIVE_UP) if draw else (RETRY, SKIP)
        await self.desk.step(what, lambda: self._do(LendingSteps.replan_account, request, what.capitalize()), choices)

    async def _reverse(self, part: Tranche) -> None:
        key = self._key("disbursement", part)
        await self._settled(SettleTransaction(key=key, booked=False), "reverse the pending booking")
        part.drawn_on = None
        for payout in self.desk.application.payouts:
            payout.state = "reversed" if payout.state == "pending" else payout.state

    async def _paid_out(self, part: Tranche) -> None:
        application = self.desk.application
        offer = application.offer
        if offer is None or not application.product.kind.pays_out:
            return
        self.desk.look()
        amount = part.amount - part.prepaid
        alive = (each for each in application.payouts if each.tranche == part.n and each.state in ("pending", "paid"))
        payout = next(alive, None)
        if payout is None:
            payout = Payout(tranche=part.n, amount=amount, at=workflow.now())
            application.payouts.append(payout)
            await self.desk.record()
        token = application.fact("amount.payout_token") or DEFAULT_TOKEN
        request = PayoutRequest(
            application_id=application.application_id,
            token=token,
            amount=Money(amount=amount, currency=offer.terms.currency),
            key=self._key("payout", part),
        )
        try:
            paid = await self._sent(request)
        except StepFailed as error:
            if failure_type(error) != DECLINED:
                raise
            payout.state = "declined"
            self.desk.event("payout_declined", reason=failure_text(error), tranche=part.n)
            raise Over(Outcome.BOOKING_FAILED_REVERSED) from None
        payout.state, payout.reference = "paid", paid.reference
        self.desk.event("paid_out", tranche=part.n, amount=amount, reference=paid.reference)
        await self.desk.record()

    async def _sent(self, request: PayoutRequest) -> PaidOut:
        """Once it has begun it may have left: also a cancelled workflow finds out first, and goes on to its end."""
        for _ in range(2):
            try:
                return await workflow.execute_activity_method(
                    LendingSteps.pay_out,
                    request,
                    summary=Readable(f"Pay out {request.amount}"),
                    **options.LENDING_PATIENT,
                )
            except (asyncio.CancelledError, *StepFailed) as error:
                if not is_cancelled_exception(error):
                    raise
        raise asyncio.CancelledError

    async def _confirmed(self, part: Tranche) -> None:
        """The money is with the customer: the books follow, however long they take."""
        key = self._key("disbursement", part)
        await self._settled(SettleTransaction(key=key, booked=True), "confirm the booking")
        part.state = TrancheState.DRAWN
        if self.desk.application.tranches:
            self._tell(part)

    def _tell(self, part: Tranche) -> None:
        """Of a loan in parts, each is told of when it has been paid."""
        tranches = self.desk.application.tranches
        self.desk.letter(
            "tranche_paid",
            n=part.n,
            of=len(tranches),
            paid_out=part.amount - part.prepaid,
            drawn=sum(each.amount for each in tranches if each.state is TrancheState.DRAWN),
            undrawn=sum(each.amount for each in self.desk.application.to_be_drawn),
        )

    async def _settled(self, request: SettleTransaction, what: str) -> None:
        """Skipped by a person only who has put the books right by hand."""
        await self.desk.step(
            what,
            lambda: self._do(LendingSteps.settle_transaction, request, what.capitalize()),
            (RETRY, SKIP),
        )

    async def _do(self, step: object, request: object, summary: str) -> None:
        await workflow.execute_activity_method(
            step,  # type: ignore[arg-type]
            request,
            summary=Readable(summary),
            **options.LENDING_PATIENT,
        )


def offered(terms: LoanTerms, desk: ApplicationDesk) -> dict[str, Any]:
    """What a letter says of terms that are offered today."""
    application = desk.application
    product, today = application.product, application.policy.local_date(workflow.now())
    advances = planned_advances(product, terms, today)
    found = figures(terms, today, european=product.jurisdiction.value == "EU", advances=advances)
    return {
        "principal": terms.principal,
        "annual_rate": str(terms.annual_rate),
        "apr": str(found.apr.quantize(Decimal("0.01"))),
        "amount_financed": found.totals.amount_financed,
        "finance_charge": found.totals.finance_charge,
        "term_months": terms.term_months,
        "payment": found.payment,
        "total_of_payments": found.totals.total_of_payments,
        "totals_from": found.totals.basis.value,
        **({"parts": [each.amount for each in advances]} if advances else {}),
    }
