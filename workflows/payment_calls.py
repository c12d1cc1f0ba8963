"""One money step at the provider: the request under its key, and what its answer changes in the tender's book."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.faults import DECLINED, NEEDS_A_PERSON
    from activities.payment import PaymentSteps
    from adapters.payment.port import AuthoriseRequest, CapturePurpose, CaptureRequest, RefundRequest, VoidRequest
    from domain.actors import ENGINE
    from domain.balances import BalanceId
    from domain.ids import OperationKey, operation_key
    from domain.notices import NoticeKind
    from domain.order import Order
    from domain.payments import Authorisation, AuthorisationId, AuthorisationStatus, Capture, OperationStatus
    from domain.personal import Readable
    from domain.refunds import RefundTarget
    from domain.settlement import MoneyStep, StepKind, TenderBook
    from domain.timeline import Event
    from workflows import options
    from workflows.book import Book
    from workflows.refusing import StepFailed, failure_delay, failure_type

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


class PaymentCalls:
    """Every step has a key made of order, operation, tender and number."""

    def __init__(self, order: Order, book: Book):
        self.order = order
        self.book = book
        self.action_url: str | None = None
        """Where the customer confirms the last authorisation that asked for it."""
        self._not_before: datetime | None = None
        """Until then the payment system wants to be left alone."""

    async def carry_out(self, step: MoneyStep, how: options.OutsideOptions, group: str | None) -> Outcome:
        tender = self.tender(step)
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
                return self.authorised(tender, state)
            case StepKind.CAPTURE:
                capture = await self._taken(
                    PaymentSteps.capture,
                    CaptureRequest(
                        key=self._key(step),
                        order_id=self.order.terms.order_id,
                        tender_id=tender.tender_id,
                        authorisation_id=authorisation_of(step),
                        amount=amount,
                        at=workflow.now(),
                        purpose=CapturePurpose.DISPATCH if step.for_dispatch else CapturePurpose.HAND_OVER,
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
                        authorisation_id=authorisation_of(step),
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
                            authorisation_id=authorisation_of(step),
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
                tender.captures[authorisation_of(step)] -= step.amount
                self.book.lasting_event(
                    Event.PAYMENT_REFUNDED,
                    reason=refund.status if refund is not None else "at the till",
                    tender=step.tender_id,
                    amount=step.amount,
                )
                done = refund is not None and refund.status is OperationStatus.SUCCEEDED
                self.tell_of_refund(step, NoticeKind.REFUND_DONE if done else NoticeKind.REFUND_STARTED)
        return Outcome.DONE

    def tell_of_refund(self, step: MoneyStep, kind: NoticeKind) -> None:
        """Once for each refund: it has the refund's own number. Cash is the store's to pay out, and nobody tells us."""
        groups = self.order.groups
        self.book.notice(
            kind,
            step.tender_id,
            self.tender(step).steps,
            group=groups[0] if len(groups) == 1 else None,
            lasting=True,
            refund=self.book.money(step.amount),
            at_till=step.authorisation_id == TILL,
        )

    def tell_of_balance(self, step: MoneyStep, target: RefundTarget, balance_id: BalanceId) -> None:
        """It went to store credit, or to a gift card: the mail has the number that pays."""
        self.book.notice(
            NoticeKind.BALANCE_GIVEN,
            step.tender_id,
            self.tender(step).steps,
            lasting=True,
            refund=self.book.money(step.amount),
            refund_target=target.value,
            balance_id=balance_id,
        )

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

    def authorised(self, tender: TenderBook, state: Authorisation) -> Outcome:
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

    def found_captured(self, tender: TenderBook, authorisation: AuthorisationId, amount: int) -> None:
        """It was captured, and nobody here knows of it: the number of that step is used up."""
        tender.captured += amount
        tender.captures[authorisation] = tender.captures.get(authorisation, 0) + amount
        tender.steps += 1
        self.book.lasting_event(Event.PAYMENT_CAPTURED, tender=tender.tender_id, amount=amount)

    def tender(self, step: MoneyStep) -> TenderBook:
        return next(tender for tender in self.order.tenders if tender.tender_id == step.tender_id)

    def _key(self, step: MoneyStep) -> OperationKey:
        tender = self.tender(step)
        return operation_key(self.order.terms.order_id, step.kind.value, tender.tender_id, tender.steps)


def authorisation_of(step: MoneyStep) -> AuthorisationId:
    if step.authorisation_id is None:
        raise ValueError(f"a {step.kind} needs the authorisation that it is about")
    return step.authorisation_id
