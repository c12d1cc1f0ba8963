"""How a money step comes to its end: at once, patiently, declined, or by the decision of a person."""

from collections.abc import Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.faults import DECLINED, NEEDS_A_PERSON
    from activities.payment import PaymentSteps
    from domain.balances import BalanceId
    from domain.ids import derived_id, operation_key
    from domain.intake import TenderType
    from domain.notices import NoticeKind
    from domain.order import Order
    from domain.payments import Authorisation, AuthorisationId, AuthorisationStatus
    from domain.personal import Readable
    from domain.refunds import RefundTarget
    from domain.settlement import MoneyStep, StepKind, TenderBook
    from domain.timeline import Event
    from domain.waits import Trouble
    from workflows import options
    from workflows.book import Book
    from workflows.crediting import give_as_balance
    from workflows.messages import Intervene, InterventionAction
    from workflows.payment_calls import EARLIER, Outcome, PaymentCalls, RefundFailed, authorisation_of
    from workflows.people import People
    from workflows.refusing import StepFailed, failure_detail, failure_text, failure_type

MAY_BE_CREDITED = frozenset({TenderType.CARD, TenderType.GIFT_CARD, TenderType.STORE_CREDIT, TenderType.SETTLED})
"""What a loan or an exchange has paid goes back to nothing else."""


class MoneySteps:
    """Takes one step at a time for the cashier, who sees to it that no two are taken at once."""

    def __init__(self, order: Order, book: Book, people: People, wake: Callable[[], None]):
        self.order = order
        self.book = book
        self.people = people
        self.calls = PaymentCalls(order, book)
        self.wake = wake
        """Have what is left undone finished behind the scenes."""
        self.decline_reason: str | None = None
        self.asking = False
        """A person is asked about a step: nobody else moves money until the answer."""

    async def once(self, step: MoneyStep, group: str | None = None) -> Outcome:
        """A few tries. `AWAY` leaves the step pending; whoever comes next finishes it first, and may ask a person."""
        tender = self.calls.tender(step)
        tender.pending = step
        try:
            outcome = await self.calls.carry_out(step, options.PAYMENT_AT_ONCE, group)
        except RefundFailed:
            # It stays pending: whoever finishes it gets the same answer under its key, and asks a person.
            self.wake()
            return Outcome.AWAY
        except StepFailed as error:
            kind = failure_type(error)
            if kind == DECLINED:
                return self._declined(step, error)
            if kind != NEEDS_A_PERSON:
                self._in_trouble(step, error)
            self.book.lasting_event(Event.PAYMENT_PENDING, reason=step.kind, tender=step.tender_id, amount=step.amount)
            self.wake()
            return Outcome.AWAY
        self._concluded(tender)
        return outcome

    async def patiently(self, step: MoneyStep) -> Outcome:
        """Until the provider answers, however long; a person decides where its answer makes no sense."""
        tender = self.calls.tender(step)
        tender.pending = step
        try:
            if not self.order.troubles:
                outcome = await self._shortly_then_patiently(step)
            else:
                outcome = await self._outlast(step)
        except RefundFailed:
            self.calls.tell_of_refund(step, NoticeKind.REFUND_FAILED)
            return await self._asked(step, "the provider could not pay it back")
        except StepFailed as error:
            if failure_type(error) == DECLINED and step.kind in (StepKind.AUTHORISE, StepKind.CAPTURE):
                return self._declined(step, error)
            return await self._asked(step, failure_text(error))
        self._concluded(tender)
        return outcome

    async def _shortly_then_patiently(self, step: MoneyStep) -> Outcome:
        try:
            return await self.calls.carry_out(step, options.PAYMENT_AT_ONCE, None)
        except StepFailed as error:
            if failure_type(error) in (DECLINED, NEEDS_A_PERSON):
                raise
            self._in_trouble(step, error)
            await self.book.record()
            return await self._outlast(step)

    async def _outlast(self, step: MoneyStep) -> Outcome:
        """The payment system is away: try on until it is back."""
        try:
            return await self.calls.carry_out(step, options.PAYMENT_PATIENT, None)
        finally:
            self.order.troubles.pop("payment", None)

    def _in_trouble(self, step: MoneyStep, error: BaseException) -> None:
        """Show whom the order waits for."""
        self.order.troubles["payment"] = Trouble(
            system="payment system", step=step.kind.value, since=workflow.now(), error=failure_text(error)
        )

    def _concluded(self, tender: TenderBook) -> None:
        tender.pending = None
        tender.steps += 1

    def _declined(self, step: MoneyStep, error: BaseException) -> Outcome:
        tender = self.calls.tender(step)
        self._concluded(tender)
        self.decline_reason = failure_detail(error) or failure_text(error)
        tender.exhausted = True
        if step.kind is StepKind.CAPTURE:
            # What cannot be captured is no cover for anything: it is freed.
            tender.abandoned.append(authorisation_of(step))
            tender.voided += tender.live
            tender.live = 0
        self.book.lasting_event(
            Event.PAYMENT_DECLINED,
            reason=step.kind,
            tender=step.tender_id,
            amount=step.amount,
            detail=self.decline_reason,
        )
        return Outcome.DECLINED

    # --- a person -----------------------------------------------------------------------------------------------------

    async def _asked(self, step: MoneyStep, error: str) -> Outcome:
        """The answer makes no sense (or our ledger forbids it): a person retries it or takes it as done."""
        tender = self.calls.tender(step)
        if step.kind is StepKind.VOID and await self._is_gone(step):
            self._concluded(tender)
            return Outcome.DONE
        words = f"{step.kind} of {EARLIER if step.frees_all else self.book.money(step.amount)} on {step.tender_id}"
        more = [InterventionAction.SUPPLY] if step.kind is StepKind.REFUND and tender.type in MAY_BE_CREDITED else []
        decision = await self.ask(words, error, *more)
        if decision.action is InterventionAction.RETRY:
            tender.steps += 1
            return await self.patiently(step)
        if decision.action is InterventionAction.SUPPLY:
            return await self._credit(step, RefundTarget(decision.value or RefundTarget.STORE_CREDIT))
        if step.kind is StepKind.REFUND:
            self.calls.tell_of_refund(step, NoticeKind.REFUND_DONE)
        self._concluded(tender)
        if step.kind is StepKind.CAPTURE:
            at = authorisation_of(step)
            tender.live = max(0, tender.live - step.amount)
            tender.captured += step.amount
            tender.captures[at] = tender.captures.get(at, 0) + step.amount
        if step.kind is StepKind.VOID:
            tender.live = max(0, tender.live - step.amount)
            tender.voided += step.amount
        if step.kind is StepKind.REFUND and step.authorisation_id:
            tender.captures[step.authorisation_id] -= step.amount
            tender.refunded += step.amount
        if step.kind is StepKind.AUTHORISE:
            tender.exhausted = True
        return Outcome.DONE

    async def _credit(self, step: MoneyStep, target: RefundTarget) -> Outcome:
        """What does not get back to where it came from is the customer's as a balance; the tender keeps it."""
        order, tender = self.order, self.calls.tender(step)
        tender.steps += 1
        at = authorisation_of(step)
        try:
            issued = await give_as_balance(
                self.book.money(step.amount),
                target,
                key=operation_key(order.terms.order_id, step.kind.value, tender.tender_id, tender.steps),
                balance_id=BalanceId(derived_id(target, order.terms.order_id, tender.tender_id, str(tender.steps))),
                order_id=order.terms.order_id,
                tender_id=tender.tender_id,
                authorisation_id=at,
                customer_ref=order.terms.customer_ref,
                reference=order.terms.order_id,
                reason="not delivered",
            )
        except StepFailed as error:
            return await self._asked(step, failure_text(error))
        tender.captures[at] -= step.amount
        tender.refunded += step.amount
        self.book.lasting_event(
            Event.PAYMENT_REFUNDED,
            reason=target.value,
            tender=step.tender_id,
            amount=step.amount,
            balance_id=issued.balance_id,
        )
        self.calls.tell_of_balance(step, target, issued.balance_id)
        self._concluded(tender)
        return Outcome.DONE

    async def ask(self, step: str, error: str, *more: InterventionAction) -> Intervene:
        self.asking = True
        try:
            return await self.people.ask(step, error, [InterventionAction.RETRY, InterventionAction.SKIP, *more])
        finally:
            self.asking = False

    async def _is_gone(self, step: MoneyStep) -> bool:
        """What should be voided has ended by itself."""
        state = await self.look_up(authorisation_of(step), f"Ask what is left to void on {step.tender_id}")
        if state is None or state.held.amount >= max(step.amount, 1):
            return False
        tender = self.calls.tender(step)
        if tender.authorisation_id == state.id:
            self.take_over(tender, state)
        return True

    # --- the provider's present state ---------------------------------------------------------------------------------

    async def look_up(self, authorisation_id: AuthorisationId, words: str) -> Authorisation | None:
        """The provider's present state, however long it takes; none where its answer makes no sense and a person skips.

        A fault that escaped from here would fail the whole order.
        """
        while True:
            try:
                return await workflow.execute_activity_method(
                    PaymentSteps.look_up_authorisation,
                    authorisation_id,
                    summary=Readable(words),
                    **options.PAYMENT_PATIENT,
                )
            except StepFailed as error:
                if failure_type(error) != NEEDS_A_PERSON:
                    raise
                decision = await self.ask(words, failure_text(error))
                if decision.action is InterventionAction.SKIP:
                    return None

    def take_over(self, tender: TenderBook, state: Authorisation) -> None:
        if tender.awaiting == state.id:
            if state.status is AuthorisationStatus.CUSTOMER_ACTION:
                return
            tender.awaiting = None
            if state.status in (AuthorisationStatus.AUTHORISED, AuthorisationStatus.PARTLY_CAPTURED):
                self.calls.authorised(tender, state)
            else:
                tender.exhausted = True
                self.decline_reason = state.status.value
                self.book.lasting_event(Event.PAYMENT_DECLINED, reason=state.status, tender=tender.tender_id)
        elif tender.authorisation_id == state.id and state.held.amount < tender.live:
            gone = tender.live - state.held.amount
            tender.live = state.held.amount
            # A capture of ours may have been made in a workflow task that was lost before it was written down: this
            # word of the provider comes first then. It is money that we have, not money that is free again.
            known = tender.captures.get(state.id, 0) + tender.refunded
            if (taken := min(gone, state.captured - known)) > 0:
                self.calls.found_captured(tender, state.id, taken)
                gone -= taken
            if gone:
                tender.voided += gone
                self.book.lasting_event(Event.PAYMENT_VOIDED, reason=state.status, tender=tender.tender_id, amount=gone)
