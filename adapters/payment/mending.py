"""What makes a provider's books right again, each step under a key that lets it happen once."""

from adapters.payment.provider import PaymentProvider
from adapters.postgres.ledger import Ledger
from domain.ids import OperationKey
from domain.money import Minor, Money
from domain.payments import AuthorisationId, OperationKind


async def do_again(ledger: Ledger, provider: PaymentProvider, authorisation: AuthorisationId) -> Minor:
    """What our ledger has done at an authorisation and the provider does not know, under the same keys."""
    moved = 0
    for operation in await ledger.done_at(authorisation):
        if await provider.find(operation.key) is not None:
            continue
        amount = Money(amount=operation.booked, currency=operation.currency)
        match operation.kind:
            case OperationKind.CAPTURE:
                await provider.capture(authorisation, amount, key=operation.key)
            case OperationKind.VOID:
                await provider.void(authorisation, amount=amount, key=operation.key)
            case OperationKind.REFUND:
                await provider.refund(authorisation, amount, key=operation.key)
            case _:
                continue
        moved += operation.booked
    return moved


async def free_stray(provider: PaymentProvider, authorisation: AuthorisationId, key: OperationKey) -> Minor:
    """Nothing is held and nothing was kept afterwards."""
    state = await provider.authorisation(authorisation)
    held, kept = state.held, state.captured - state.refunded
    if held.amount:
        await provider.void(authorisation, amount=held, key=OperationKey(f"{key}:void"))
    if kept:
        await provider.refund(
            authorisation, Money(amount=kept, currency=state.currency), key=OperationKey(f"{key}:refund")
        )
    return held.amount + kept
