"""Brings operations to their end: takes an answer, or asks for it by key, and writes down what it moved, once."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel

from adapters.payment.provider import (
    AmountMismatch,
    Declined,
    KeyConflict,
    PaymentFault,
    PaymentProvider,
    UnknownPayment,
)
from adapters.postgres.ledger import Ledger
from adapters.postgres.ledger_rows import REFUSED, Operation
from adapters.postgres.ledger_writing import Named, Settlement
from domain.booking import Booking, book, book_authorisation, fits, unseen
from domain.ledger import Movement
from domain.payments import (
    Authorisation,
    AuthorisationId,
    AuthorisationStatus,
    Capture,
    DeclineReason,
    OperationKind,
    OperationStatus,
    Refund,
    Void,
)

Answer = Authorisation | Capture | Void | Refund
OUTCOMES: Mapping[OperationKind, type[Answer]] = {
    OperationKind.AUTHORISE: Authorisation,
    OperationKind.CAPTURE: Capture,
    OperationKind.VOID: Void,
    OperationKind.REFUND: Refund,
}
Outcome = TypeVar("Outcome", bound=BaseModel)


class Settler:
    def __init__(self, ledger: Ledger, provider: PaymentProvider) -> None:
        self._ledger = ledger
        self._provider = provider

    def answer(self, kind: type[Outcome], operation: Operation) -> Outcome:
        """The stored outcome of an operation that is settled: its result, or its decline once more."""
        if operation.failure in set(DeclineReason) and operation.status is OperationStatus.FAILED:
            if not (kind is Refund and operation.result):
                raise Declined(DeclineReason(operation.failure))
        elif operation.failure == REFUSED or operation.result is None:
            raise AmountMismatch("The provider refused this operation before. Read the order's statement, then decide.")
        return kind.model_validate(operation.result)

    async def resolve(self, kind: type[Outcome], operation: Operation, at: datetime) -> Outcome | None:
        """Ask what became of an open operation and settle it; None when it never arrived."""
        try:
            outcome = await self._ask(operation)
        except Declined as fault:
            await self.close(operation, fault.reason, at)
            raise
        if outcome is None:
            return None
        if not isinstance(outcome, kind):
            raise KeyConflict
        return await self.settle(kind, operation, outcome, at)

    async def _ask(self, operation: Operation) -> Answer | None:
        if operation.kind is OperationKind.AUTHORISE and operation.authorisation_id:
            return await self._provider.authorisation(operation.authorisation_id)
        return await self._provider.find(operation.key)

    async def settle(self, kind: type[Outcome], operation: Operation, outcome: Outcome, at: datetime) -> Outcome:
        """Write down `outcome`, unless it is written already; the answer to the operation either way."""
        if isinstance(outcome, Authorisation):
            await self._settle_authorisation(operation, outcome, at)
            return outcome
        if not isinstance(outcome, Capture | Void | Refund):
            raise KeyConflict
        total = await self._total_if_already(outcome)
        async with self._ledger.settling(operation) as settlement:
            present, standing = settlement.operation, settlement.standing
            if not _expects_answer(present):
                return self.answer(kind, present)
            if standing is None:
                raise UnknownPayment
            unconfirmed = standing.status is AuthorisationStatus.CUSTOMER_ACTION
            freed = outcome.amount.amount if isinstance(outcome, Void) else 0
            if not (unconfirmed and freed):
                others = standing.capturing - (present.amount if present.open else 0)
                new = book(outcome, standing, None if total is None else total - others)
                await self._write(settlement, outcome, new, at)
        if unconfirmed and operation.authorisation_id:
            # It was given up, or the customer confirmed a moment before: either way its opening has its end now.
            with suppress(Declined):
                await self.confirm(operation.authorisation_id, at)
            return await self.settle(kind, operation, outcome, at) if freed else outcome
        if isinstance(outcome, Void) and freed < operation.amount:
            await self.sync(operation.authorisation_id, at)
        return outcome

    async def _total_if_already(self, outcome: Capture | Void | Refund) -> int | None:
        """For a capture that was made under another key: the provider's total, to tell whether our books have it."""
        if isinstance(outcome, Capture) and outcome.already:
            return (await self._provider.authorisation(outcome.authorisation_id)).captured
        return None

    async def _write(
        self, settlement: Settlement, outcome: Capture | Void | Refund, booking: Booking, at: datetime
    ) -> None:
        if settlement.standing is None or not fits(booking, settlement.standing):
            raise AmountMismatch("The provider moved more than our ledger has room for. Compare the two by hand.")
        already = isinstance(outcome, Capture) and outcome.already
        failed = booking.status is OperationStatus.FAILED
        await settlement.settle(
            booking,
            at,
            answer=None if already else outcome.id,
            result=outcome,
            failure=DeclineReason.OTHER if failed else None,
        )

    async def _settle_authorisation(self, operation: Operation, state: Authorisation, at: datetime) -> None:
        booking = book_authorisation(state)
        reason = None
        if booking.status is OperationStatus.FAILED:
            expired = state.status is AuthorisationStatus.EXPIRED
            reason = DeclineReason.EXPIRED if expired else DeclineReason.DECLINED
        await self._ledger.settle_authorisation(operation, state, booking, at, failure=reason)
        if reason:
            raise Declined(reason)
        if state.captured or state.voided or state.refunded:
            await self.absorb(state, None, at)

    async def confirm(self, authorisation: AuthorisationId, at: datetime) -> Authorisation | None:
        """Settle an authorisation that waited for the customer, by its present state."""
        opener = await self._ledger.opener(authorisation)
        if opener is None or not opener.open:
            return None
        return await self.resolve(Authorisation, opener, at)

    async def close(self, operation: Operation, failure: str, at: datetime) -> None:
        """It ended without effect: free what it had spoken for."""
        async with self._ledger.settling(operation) as settlement:
            if settlement.operation.open:
                await settlement.settle(Booking(OperationStatus.FAILED), at, failure=failure)

    async def reverse(self, operation: Operation, at: datetime) -> None:
        """A refund that had succeeded came back."""
        async with self._ledger.settling(operation) as settlement:
            present = settlement.operation
            if present.status is not OperationStatus.SUCCEEDED or not present.booked:
                return
            movements = ((Movement.REFUND_REVERSED, present.booked),)
            result = None
            if present.result:
                result = Refund.model_validate(present.result | {"status": OperationStatus.REVERSED})
            booking = Booking(OperationStatus.REVERSED, 0, movements)
            await settlement.settle(booking, at, answer=present.provider_operation_id, result=result)

    async def sync(self, authorisation: AuthorisationId | None, at: datetime) -> None:
        """Enter what the provider did by itself, if it can be asked now; whoever asks next does it otherwise."""
        if authorisation is not None:
            with suppress(PaymentFault):
                await self.absorb(await self._provider.authorisation(authorisation), None, at)

    async def absorb(self, state: Authorisation, named: Named | None, at: datetime) -> None:
        """Enter what `state` has and we have neither booked nor under way, `named` under the provider's id."""
        for late in await self._ledger.given_up(state.id):
            with suppress(Declined):
                await self.resolve(OUTCOMES[late.kind], late, at)
        async with self._ledger.locked(state.id) as sight:
            if sight is None or not sight.standing.authorised:
                return
            found = unseen(state, sight.standing)
            booking = Booking(OperationStatus.SUCCEEDED, 0, found)
            if not fits(booking, sight.standing):
                raise AmountMismatch("The provider moved more than our ledger has room for. Compare the two by hand.")
            if found:
                await sight.enter(found, named, at)
            captured = sight.standing.captured + booking.moved(Movement.CAPTURE)
            voided = sight.standing.voided + booking.moved(Movement.VOID)
            if (captured, voided) == (state.captured, state.voided):
                await sight.see(state)  # otherwise it was read before something that we have booked since


def _expects_answer(operation: Operation) -> bool:
    """Open; or given up as never arrived, and it had arrived after all."""
    return operation.open or operation.may_begin_again
