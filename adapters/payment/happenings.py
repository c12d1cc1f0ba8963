"""What a provider tells us, or did by itself: each becomes one ledger entry or none, in whatever order it comes."""

from contextlib import suppress
from datetime import datetime

from adapters.payment.port import ProviderEvent
from adapters.payment.provider import Declined, PaymentProvider, UnknownPayment
from adapters.payment.settling import OUTCOMES, Settler
from adapters.postgres.ledger import Ledger
from adapters.postgres.ledger_rows import Operation
from adapters.postgres.ledger_writing import Named
from domain.booking import unseen
from domain.ledger import Movement
from domain.payments import Authorisation, OperationKind, OperationStatus, Refund


async def record_event(ledger: Ledger, settler: Settler, provider: PaymentProvider, event: ProviderEvent) -> bool:
    """The event says what to look at; the provider's own object says what is true. False: nothing known here yet."""
    try:
        operation = await _operation_of(ledger, event)
        if operation is not None and operation.open:
            return await _resolved(settler, operation, event.at)
        if operation is not None and _came_back(operation, event):
            return await _reversed(settler, provider, operation, event.at)
        if operation is None:
            # Without our key it may be about one of these, whose own answer has not come yet.
            for pending in await ledger.open_operations(event.authorisation_id, event.kind):
                await _resolved(settler, pending, event.at)
        elif operation.kind is not OperationKind.AUTHORISE or event.status is OperationStatus.SUCCEEDED:
            return True  # our own answer was first
        if await ledger.standing(event.authorisation_id) is None:
            return operation is not None
        named = None
        if operation is None and event.kind is not OperationKind.AUTHORISE:
            named = Named(Movement(event.kind), event.amount.amount, event.operation_id)
        await take_over(ledger, settler, await provider.authorisation(event.authorisation_id), named, event.at)
    except UnknownPayment:
        return False
    return True


async def take_over(ledger: Ledger, settler: Settler, state: Authorisation, named: Named | None, at: datetime) -> None:
    """Bring our books to what the provider says, writing only where they differ."""
    known = await ledger.standing(state.id)
    if known is None:
        return
    standing, capture_before = known
    if not standing.authorised:
        with suppress(Declined):
            await settler.confirm(state.id, at)
    elif unseen(state, standing) or (state.status, state.capture_before) != (standing.status, capture_before):
        await settler.absorb(state, named, at)


async def _operation_of(ledger: Ledger, event: ProviderEvent) -> Operation | None:
    if event.key is not None and (found := await ledger.operation(event.key)) and found.kind is event.kind:
        return found
    if found := await ledger.operation_answered(event.kind, event.operation_id):
        return found
    return await ledger.opener(event.authorisation_id) if event.kind is OperationKind.AUTHORISE else None


async def _resolved(settler: Settler, operation: Operation, at: datetime) -> bool:
    try:
        return await settler.resolve(OUTCOMES[operation.kind], operation, at) is not None
    except Declined:
        return True


def _came_back(operation: Operation, event: ProviderEvent) -> bool:
    failed = event.status in (OperationStatus.FAILED, OperationStatus.REVERSED)
    return operation.kind is OperationKind.REFUND and operation.status is OperationStatus.SUCCEEDED and failed


async def _reversed(settler: Settler, provider: PaymentProvider, operation: Operation, at: datetime) -> bool:
    if not operation.external:
        present = await provider.find(operation.key)
        if not isinstance(present, Refund) or present.status is OperationStatus.SUCCEEDED:
            return True
    await settler.reverse(operation, at)
    return True
