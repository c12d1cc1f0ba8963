"""Money follows goods: the cashier brings authorisations, captures and refunds into line with what left and is owed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.faults import DECLINED, NEEDS_A_PERSON
    from activities.payment import PaymentSteps
    from adapters.payment.port import AuthoriseRequest, CapturePurpose, CaptureRequest, RefundRequest, VoidRequest
    from domain.actors import ENGINE, Actor
    from domain.ids import OperationKey, operation_key
    from domain.intake import TenderType
    from domain.order import Order
    from domain.payments import (
        Authorisation,
        AuthorisationId,
        AuthorisationStatus,
        Capture,
        OperationStatus,
        TenderId,
    )
    from domain.personal import Readable
    from domain.settlement import MoneyPlan, MoneyStep, StepKind, TenderBook, plan_money
    from domain.terms import TenderTerms
    from domain.timeline import Event
    from domain.waits import Trouble
    from workflows import options
    from workflows.book import Book
    from workflows.messages import Intervene, InterventionAction
    from workflows.people import People
    from workflows.refusing import StepFailed, failure_delay, failure_detail, failure_text, failure_type

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

EARLIER = "an earlier authorisation"
TILL = AuthorisationId("till")
"""Where money came from that a customer paid in a store: it goes back at the till too."""


class RefundFailed(Exception):
    """The provider took the refund on and could not pay it: another try is another operation, a person decides."""


class Outcome(StrEnum):
    DONE = "done"
    ACTION = "action"
    """The customer must confirm first."""
    DECLINED = "declined"
    AWAY = "away"
    """Not known yet: the step is finished behind the scenes, under the same key."""


class Cashier:
    """The tenders of one order. Every step has a key made of order, operation, tender and number."""

    def __init__(self, order: Order, book: Book, people: People):
        self.order = order
        self.book = book
        self.people = people
        self.decline_reason: str | None = None
        self.action_url: str | None = None
        self.in_line: Callable[[], Awaitable[None]] = _nothing
        """What to do whenever the money has been brought into line as far as it can be."""
        self.is_final: Callable[[], bool] = lambda: False
        self._not_before: datetime | None = None
        """Until then the payment system wants to be left alone."""
        self._busy = asyncio.Lock()
        self._asking = False
        """A person is asked about a step: nobody else moves money until the answer."""
        self._dirty = False

    # --- what is planned ---------------------------------------------------------------------------------------------

    def plan(self, more_earned: int = 0) -> MoneyPlan:
        """The steps that would bring money into line, if units worth `more_earned` left now."""
        return plan_money(
            self.order.tenders,
            self.order.earned - self.order.written_off + more_earned,
            self.order.owed_worth - more_earned,
        )

    @property
    def settled(self) -> bool:
        """Nothing moves and nothing is missing."""
        if self._busy.locked() or any(t.pending or t.awaiting or t.abandoned for t in self.order.tenders):
            return False
        plan = self.plan()
        return not plan.steps and not plan.uncovered and not plan.short

    @property
    def awaits_customer(self) -> bool:
        return any(tender.awaiting for tender in self.order.tenders)

    @property
    def awaited(self) -> int:
        """What the customer is confirming with the bank."""
        return sum(tender.expected for tender in self.order.tenders if tender.awaiting)

    def wake(self) -> None:
        """Goods or tenders changed: the money is looked at again."""
        self._dirty = True

    # --- the process -------------------------------------------------------------------------------------------------

    async def follow_the_goods(self) -> None:
        """For as long as the order lives: take the steps that bring the money into line, one after the other."""
        while True:
            await workflow.wait_condition(lambda: self._dirty)
            self._dirty = False
            async with self._busy:
                await self._bring_into_line()
            await self.in_line()
            if self.book.pending or self.is_final():
                await self.book.record()

    async def _bring_into_line(self) -> None:
        if not self.order.open:
            self.give_up_waiting()
        for tender in self.order.tenders:
            if tender.pending is not None:
                await self._patiently(tender.pending)
        await self._free_abandoned()
        while steps := self.plan().steps:
            await self._patiently(steps[0])
            # A capture that was declined just now leaves an authorisation of no use.
            await self._free_abandoned()

    async def _free_abandoned(self) -> None:
        for tender in self.order.tenders:
            while tender.abandoned:
                void = MoneyStep(
                    kind=StepKind.VOID, tender_id=tender.tender_id, amount=0, authorisation_id=tender.abandoned[0]
                )
                await self._patiently(void)
                tender.abandoned.pop(0)

    # --- while a caller waits ----------------------------------------------------------------------------------------

    async def authorise_tenders(self) -> Outcome:
        """Authorise every card of a new order. Stops at the first decline."""
        async with self._busy:
            worst = Outcome.DONE
            for step in self.plan().of(StepKind.AUTHORISE):
                outcome = await self._once(step)
                if outcome is Outcome.DECLINED:
                    return outcome
                worst = outcome if outcome is not Outcome.DONE else worst
            return worst

    async def catch_up(self) -> None:
        """Take the steps that are due, as far as a few tries get."""
        if not await self._free():
            return
        async with self._busy:
            while steps := self.plan().steps:
                if any(tender.pending for tender in self.order.tenders):
                    return
                if await self._once(steps[0]) is not Outcome.DONE:
                    return

    async def _free(self) -> bool:
        """Whether nobody else moves money, after a moment at most: a caller never waits for a system that is away."""
        if self._busy.locked() and not self._asking:
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: not self._busy.locked() or self._asking,
                    timeout=options.A_MOMENT,
                    timeout_summary=Readable("Wait for money that is under way"),
                )
        return not self._busy.locked()

    async def let_go(self) -> None:
        """Free everything that is not needed, and come back only when that is done."""
        async with self._busy:
            await self._bring_into_line()

    async def capture_for(self, worth: int, group: str) -> Outcome:
        """Capture what units worth `worth` cost, before they leave. Away counts as good: the authorisation is live.

        What one tender declines the others are asked for, as far as they are authorised.
        """
        if self.order.troubles or not await self._free():
            return Outcome.AWAY
        async with self._busy:
            if any(tender.pending for tender in self.order.tenders):
                return Outcome.AWAY
            while captures := self.plan(more_earned=worth).of(StepKind.CAPTURE):
                if await self._once(captures[0], group=group) is Outcome.AWAY:
                    return Outcome.AWAY
            return Outcome.DECLINED if self.plan(more_earned=worth).short else Outcome.DONE

    async def pay(self, tenders: list[TenderTerms], actor: Actor) -> Outcome:
        """Add tenders: cards are authorised for what is missing, money at the till is taken as paid."""
        free = await self._free()
        for terms in tenders:
            if terms.type is TenderType.PAY_IN_STORE:
                self._paid_at_the_till(terms, actor)
                continue
            number = len(self.order.tenders) + 1
            self.order.tenders.append(
                TenderBook(tender_id=TenderId(f"t{number}"), type=terms.type, amount=terms.amount, token=terms.token)
            )
        worst = Outcome.DONE if free else Outcome.AWAY
        if free:
            async with self._busy:
                for step in self.plan().of(StepKind.AUTHORISE):
                    outcome = await self._once(step)
                    worst = outcome if outcome is not Outcome.DONE else worst
        self.wake()
        return worst

    def give_up_waiting(self) -> None:
        """The customer pays in another way: an authorisation that waits for a confirmation counts no more."""
        for tender in self.order.tenders:
            if tender.awaiting is not None:
                tender.abandoned.append(tender.awaiting)
                tender.awaiting = None
                tender.exhausted = True

    def _paid_at_the_till(self, terms: TenderTerms, actor: Actor) -> None:
        till = next((each for each in self.order.tenders if each.type is TenderType.PAY_IN_STORE), None)
        if till is None:
            number = len(self.order.tenders) + 1
            till = TenderBook(tender_id=TenderId(f"t{number}"), type=TenderType.PAY_IN_STORE, amount=terms.amount)
            self.order.tenders.append(till)
        till.captured += terms.amount
        till.captures[TILL] = till.captures.get(TILL, 0) + terms.amount
        self.book.lasting_event(Event.PAID_IN_STORE, actor, amount=terms.amount, reference=terms.token)

    # --- events from the provider ------------------------------------------------------------------------------------

    async def look_again(self, authorisation_id: AuthorisationId) -> None:
        """Ask the provider for the present state of one of our authorisations, and take it over."""
        async with self._busy:
            tender = self._tender_of(authorisation_id)
            if tender is None:
                return
            if tender.pending is not None:
                # The event may tell of that very step: its own answer is counted first, and once.
                await self._patiently(tender.pending)
            state = await self._look_up(authorisation_id, f"Ask for the state of {tender.tender_id}'s authorisation")
            if state is not None:
                self._take_over(tender, state)
        self.wake()

    async def _look_up(self, authorisation_id: AuthorisationId, words: str) -> Authorisation | None:
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
                decision = await self._ask(words, failure_text(error))
                if decision.action is InterventionAction.SKIP:
                    return None

    def _take_over(self, tender: TenderBook, state: Authorisation) -> None:
        if tender.awaiting == state.id:
            if state.status is AuthorisationStatus.CUSTOMER_ACTION:
                return
            tender.awaiting = None
            if state.status in (AuthorisationStatus.AUTHORISED, AuthorisationStatus.PARTLY_CAPTURED):
                self._authorised(tender, state)
            else:
                tender.exhausted = True
                self.decline_reason = state.status.value
                self.book.lasting_event(Event.PAYMENT_DECLINED, reason=state.status, tender=tender.tender_id)
        elif tender.authorisation_id == state.id and state.held.amount < tender.live:
            lost = tender.live - state.held.amount
            tender.live = state.held.amount
            tender.voided += lost
            self.book.lasting_event(Event.PAYMENT_VOIDED, reason=state.status, tender=tender.tender_id, amount=lost)

    def _tender_of(self, authorisation_id: AuthorisationId) -> TenderBook | None:
        for tender in self.order.tenders:
            if authorisation_id in (tender.authorisation_id, tender.awaiting):
                return tender
        return None

    # --- renewing ----------------------------------------------------------------------------------------------------

    def next_renewal(self) -> datetime | None:
        """When the next live authorisation must be renewed, or when one that cannot be renewed ends."""
        if not self.order.open:
            return None
        return min((due for tender in self.order.tenders if (due := self._renewal_of(tender))), default=None)

    def _renewal_of(self, tender: TenderBook) -> datetime | None:
        if not tender.live or tender.capture_before is None:
            return None
        if tender.exhausted:
            return tender.capture_before
        lifetime = tender.capture_before - (tender.authorised_at or tender.capture_before)
        margin = min(self.order.terms.policy.renew_authorisation_before, lifetime / 3)
        return tender.capture_before - margin

    def can_renew(self) -> bool:
        """Nobody moves money now, and no step is yet to be finished: the payment system is there."""
        return not self._busy.locked() and not any(tender.pending for tender in self.order.tenders)

    async def renew_due(self) -> None:
        """Renew first, then void the old one: at rest a tender has one live authorisation."""
        async with self._busy:
            for tender in self.order.tenders:
                due = self._renewal_of(tender)
                if due is None or workflow.now() < due or tender.pending is not None:
                    continue
                if tender.exhausted:
                    tender.voided += tender.live
                    tender.live = 0
                    continue
                await self._renew(tender)
        self.wake()

    async def _renew(self, tender: TenderBook) -> None:
        old, left = tender.authorisation_id, tender.live
        step = MoneyStep(kind=StepKind.AUTHORISE, tender_id=tender.tender_id, amount=left, authorisation_id=old)
        outcome = await self._once(step)
        if outcome is Outcome.DONE:
            # The old one is freed behind the scenes: a renewal holds up whatever its order waits for.
            self.book.lasting_event(
                Event.PAYMENT_RENEWED, tender=tender.tender_id, amount=left, until=tender.capture_before
            )
        elif outcome is Outcome.ACTION:
            # The customer is not there to confirm: the old one runs to its end, and the new one is given up.
            if tender.awaiting is not None:
                tender.abandoned.append(tender.awaiting)
            tender.awaiting = None
            tender.exhausted = True

    # --- one step ----------------------------------------------------------------------------------------------------

    async def _once(self, step: MoneyStep, group: str | None = None) -> Outcome:
        """A few tries. `AWAY` leaves the step pending; whoever comes next finishes it first, and may ask a person."""
        tender = self._tender(step)
        tender.pending = step
        try:
            outcome = await self._do(step, options.PAYMENT_AT_ONCE, group)
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

    async def _patiently(self, step: MoneyStep) -> Outcome:
        """Until the provider answers, however long; a person decides where its answer makes no sense."""
        tender = self._tender(step)
        tender.pending = step
        try:
            if not self.order.troubles:
                outcome = await self._shortly_then_patiently(step)
            else:
                outcome = await self._outlast(step)
        except RefundFailed:
            return await self._asked(step, "the provider could not pay it back")
        except StepFailed as error:
            if failure_type(error) == DECLINED and step.kind in (StepKind.AUTHORISE, StepKind.CAPTURE):
                return self._declined(step, error)
            return await self._asked(step, failure_text(error))
        self._concluded(tender)
        return outcome

    async def _shortly_then_patiently(self, step: MoneyStep) -> Outcome:
        try:
            return await self._do(step, options.PAYMENT_AT_ONCE, None)
        except StepFailed as error:
            if failure_type(error) in (DECLINED, NEEDS_A_PERSON):
                raise
            self._in_trouble(step, error)
            await self.book.record()
            return await self._outlast(step)

    async def _outlast(self, step: MoneyStep) -> Outcome:
        """The payment system is away: try on until it is back."""
        try:
            return await self._do(step, options.PAYMENT_PATIENT, None)
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
        tender = self._tender(step)
        self._concluded(tender)
        self.decline_reason = failure_detail(error) or failure_text(error)
        tender.exhausted = True
        if step.kind is StepKind.CAPTURE:
            # What cannot be captured is no cover for anything: it is freed.
            tender.abandoned.append(_authorisation(step))
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

    async def _asked(self, step: MoneyStep, error: str) -> Outcome:
        """The answer makes no sense (or our ledger forbids it): a person retries it or takes it as done."""
        tender = self._tender(step)
        if step.kind is StepKind.VOID and await self._is_gone(step):
            self._concluded(tender)
            return Outcome.DONE
        decision = await self._ask(
            f"{step.kind} of {EARLIER if step.frees_all else self.book.money(step.amount)} on {step.tender_id}", error
        )
        if decision.action is InterventionAction.RETRY:
            tender.steps += 1
            return await self._patiently(step)
        self._concluded(tender)
        if step.kind is StepKind.CAPTURE:
            at = _authorisation(step)
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

    async def _ask(self, step: str, error: str) -> Intervene:
        self._asking = True
        try:
            return await self.people.ask(step, error, [InterventionAction.RETRY, InterventionAction.SKIP])
        finally:
            self._asking = False

    async def ask_about_missing(self, amount: int) -> None:
        """Goods are gone and no tender pays for them: a person collects the money or writes it off."""
        decision = await self.people.ask(
            f"collect {self.book.money(amount)}",
            self.decline_reason or "no tender covers it",
            [InterventionAction.RETRY, InterventionAction.SKIP],
        )
        if decision.action is InterventionAction.SKIP:
            # Some of it may have been paid while the question stood.
            self.order.written_off += min(amount, self.plan().uncovered)
        else:
            for tender in self.order.tenders:
                tender.exhausted = False
        self.wake()

    async def _is_gone(self, step: MoneyStep) -> bool:
        """What should be voided has ended by itself."""
        state = await self._look_up(_authorisation(step), f"Ask what is left to void on {step.tender_id}")
        if state is None or state.held.amount >= max(step.amount, 1):
            return False
        tender = self._tender(step)
        if tender.authorisation_id == state.id:
            self._take_over(tender, state)
        return True

    async def _do(self, step: MoneyStep, how: options.OutsideOptions, group: str | None) -> Outcome:
        tender = self._tender(step)
        amount = self.book.money(step.amount)
        words = f"{step.kind.value.capitalize()} {EARLIER if step.frees_all else amount} ({step.tender_id})"
        match step.kind:
            case StepKind.AUTHORISE:
                state = await self._taken(
                    PaymentSteps.authorise,
                    AuthoriseRequest(
                        key=self._key(step),
                        order_id=self.order.terms.order_id,
                        tender_id=tender.tender_id,
                        token=tender.token or "",
                        amount=amount,
                        at=workflow.now(),
                        replaces=step.authorisation_id,
                    ),
                    words=words,
                    how=how,
                )
                return self._authorised(tender, state)
            case StepKind.CAPTURE:
                capture = await self._taken(
                    PaymentSteps.capture,
                    CaptureRequest(
                        key=self._key(step),
                        order_id=self.order.terms.order_id,
                        tender_id=tender.tender_id,
                        authorisation_id=_authorisation(step),
                        amount=amount,
                        at=workflow.now(),
                        purpose=CapturePurpose.HAND_OVER,
                        group=group,
                    ),
                    words=words,
                    how=how,
                )
                self._captured(tender, capture)
            case StepKind.VOID:
                if step.authorisation_id == TILL:
                    return Outcome.DONE
                void = await self._taken(
                    PaymentSteps.void,
                    VoidRequest(
                        key=self._key(step),
                        order_id=self.order.terms.order_id,
                        tender_id=tender.tender_id,
                        authorisation_id=_authorisation(step),
                        amount=None if step.frees_all else amount,
                        at=workflow.now(),
                        reason="of no use any more" if step.frees_all else "not needed",
                    ),
                    words=words,
                    how=how,
                )
                # What is freed as a whole has counted as voided since it was of no use.
                tender.live -= step.amount
                tender.voided += step.amount
                if void.amount.amount:
                    self.book.lasting_event(
                        Event.PAYMENT_VOIDED,
                        reason="of no use any more" if step.frees_all else None,
                        tender=step.tender_id,
                        amount=void.amount.amount,
                    )
            case StepKind.REFUND:
                refund = None
                if step.authorisation_id != TILL:
                    refund = await self._taken(
                        PaymentSteps.refund,
                        RefundRequest(
                            key=self._key(step),
                            order_id=self.order.terms.order_id,
                            tender_id=tender.tender_id,
                            authorisation_id=_authorisation(step),
                            amount=amount,
                            at=workflow.now(),
                            reason="not delivered",
                        ),
                        words=words,
                        how=how,
                    )
                if refund is not None and refund.status in (OperationStatus.FAILED, OperationStatus.REVERSED):
                    raise RefundFailed(refund.status)
                tender.refunded += step.amount
                tender.captures[_authorisation(step)] -= step.amount
                self.book.lasting_event(
                    Event.PAYMENT_REFUNDED,
                    reason=refund.status if refund is not None else "at the till",
                    tender=step.tender_id,
                    amount=step.amount,
                )
        return Outcome.DONE

    async def _taken(
        self,
        step: Callable[[PaymentSteps, Asked], Awaitable[Answer]],
        asked: Asked,
        *,
        words: str,
        how: options.OutsideOptions,
    ) -> Answer:
        """Speak to the payment system. At once: here first, within the present workflow task, which costs one event.

        What does not succeed here and is not final goes through the payment system's queue, under the same key, and
        not before the payment system wants to hear from us again.
        """
        if how is options.PAYMENT_AT_ONCE:
            try:
                return await workflow.execute_local_activity_method(
                    step, asked, summary=Readable(words), **options.PAYMENT_HERE
                )
            except StepFailed as error:
                if failure_type(error) in (DECLINED, NEEDS_A_PERSON):
                    raise
                if delay := failure_delay(error):
                    self._not_before = workflow.now() + delay
                    raise
        elif self._not_before is not None and (rest := self._not_before - workflow.now()) > timedelta(0):
            await workflow.sleep(rest, summary=Readable("The payment system asked for a pause"))
        return await workflow.execute_activity_method(step, asked, summary=Readable(words), **how)

    def _authorised(self, tender: TenderBook, state: Authorisation) -> Outcome:
        if state.status is AuthorisationStatus.CUSTOMER_ACTION:
            tender.awaiting = state.id
            self.action_url = state.action_url
            return Outcome.ACTION
        if tender.live and tender.authorisation_id not in (None, state.id):
            # It takes over from an older one, also when its answer came late: that one is freed.
            tender.abandoned.append(AuthorisationId(str(tender.authorisation_id)))
            tender.voided += tender.live
        tender.authorisation_id = state.id
        tender.live = state.held.amount
        tender.authorised_at = workflow.now()
        tender.capture_before = state.capture_before
        self.book.lasting_event(Event.PAYMENT_AUTHORISED, ENGINE, tender=tender.tender_id, amount=state.held.amount)
        return Outcome.DONE

    def _captured(self, tender: TenderBook, capture: Capture) -> None:
        amount = capture.amount.amount
        tender.captured += amount
        tender.captures[capture.authorisation_id] = tender.captures.get(capture.authorisation_id, 0) + amount
        released = max(0, tender.live - amount - capture.remaining.amount)
        tender.live = max(0, tender.live - amount - released)
        tender.voided += released
        self.book.lasting_event(Event.PAYMENT_CAPTURED, tender=tender.tender_id, amount=amount)
        if released:
            self.book.lasting_event(
                Event.PAYMENT_VOIDED, tender=tender.tender_id, amount=released, reason="one capture only"
            )

    def _tender(self, step: MoneyStep) -> TenderBook:
        return next(tender for tender in self.order.tenders if tender.tender_id == step.tender_id)

    def _key(self, step: MoneyStep) -> OperationKey:
        tender = self._tender(step)
        return operation_key(self.order.terms.order_id, step.kind.value, tender.tender_id, tender.steps)


def _authorisation(step: MoneyStep) -> AuthorisationId:
    if step.authorisation_id is None:
        raise ValueError(f"a {step.kind} needs the authorisation that it is about")
    return step.authorisation_id


async def _nothing() -> None:
    return None
