"""Payments through our ledger: speak for the money, ask the provider, write down what it did. In that order, always.

Nothing is sent before the operation is on record, and nothing is sent again before the provider was asked whether it
had arrived; so a crash at any point leaves an operation that its key, or the provider's event, brings to its end.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.clock import Clock, system_clock
from adapters.payment.happenings import record_event, take_over
from adapters.payment.port import (
    AuthoriseRequest,
    CaptureRequest,
    CeilingExceeded,
    ProviderDispute,
    ProviderEvent,
    RefundRequest,
    VoidRequest,
)
from adapters.payment.provider import (
    AmountMismatch,
    Declined,
    KeyConflict,
    OutcomeUnknown,
    PaymentFault,
    PaymentProvider,
    Unavailable,
    UnknownPayment,
)
from adapters.payment.settling import OUTCOMES, Outcome, Settler
from adapters.postgres.ledger import Ledger, NoSuchAuthorisation, Refusal
from adapters.postgres.ledger_reading import read_order
from adapters.postgres.ledger_rows import ABANDONED, REFUSED, Asked, Operation
from domain.booking import is_held
from domain.ids import OperationKey, OrderId
from domain.ledger import CapturePurpose, Dispute, OrderGoods, OrderStatement, check_order
from domain.money import CurrencyMismatch, Money
from domain.payments import (
    Authorisation,
    AuthorisationId,
    AuthorisationStatus,
    Capture,
    DeclineReason,
    OperationKind,
    Refund,
    Void,
)


class LedgeredPayments:
    """The `Payments` port over any `PaymentProvider`. `clock` dates only what the provider did without being asked."""

    def __init__(
        self, engine: AsyncEngine, provider: PaymentProvider, provider_name: str, *, clock: Clock = system_clock
    ) -> None:
        self._engine = engine
        self._provider = provider
        self._ledger = Ledger(engine, provider_name)
        self._settler = Settler(self._ledger, provider)
        self._clock = clock

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        asked = _asked(OperationKind.AUTHORISE, request, request.amount, replaces=request.replaces)
        operation, new = await self._ledger.begin_authorisation(request.key, asked, request.at)

        async def send() -> Authorisation:
            return await self._provider.authorise(
                reference=request.order_id,
                token=request.token,
                amount=request.amount,
                key=request.key,
                extend=request.replaces,
            )

        return await self._carry_out(Authorisation, asked, operation, send, request.at, new=new)

    async def capture(self, request: CaptureRequest) -> Capture:
        asked = _asked(OperationKind.CAPTURE, request, request.amount, purpose=request.purpose, group_id=request.group)
        operation, new = await self._begin(request.key, asked, request.at)

        async def send() -> Capture:
            return await self._provider.capture(request.authorisation_id, request.amount, key=request.key)

        return await self._carry_out(Capture, asked, operation, send, request.at, new=new)

    async def void(self, request: VoidRequest) -> Void:
        asked = _asked(OperationKind.VOID, request, request.amount, reason=request.reason)
        if request.amount is None:
            await self._clear_the_way(request.authorisation_id, request.key, request.at)
        operation, new = await self._begin(request.key, asked, request.at)
        amount = None if operation.entire else Money(amount=operation.amount, currency=operation.currency)

        async def send() -> Void:
            if amount is not None and not amount.amount:
                # Whatever is left is spoken for by something under way: there is nothing to ask for.
                return Void(id=request.key, authorisation_id=request.authorisation_id, amount=amount)
            return await self._provider.void(request.authorisation_id, amount=amount, key=request.key)

        return await self._carry_out(Void, asked, operation, send, request.at, new=new)

    async def refund(self, request: RefundRequest) -> Refund:
        asked = _asked(OperationKind.REFUND, request, request.amount, reason=request.reason)
        operation, new = await self._begin(request.key, asked, request.at)

        async def send() -> Refund:
            return await self._provider.refund(request.authorisation_id, request.amount, key=request.key)

        return await self._carry_out(Refund, asked, operation, send, request.at, new=new)

    async def authorisation(self, authorisation_id: AuthorisationId) -> Authorisation:
        state = await self._provider.authorisation(authorisation_id)
        await take_over(self._ledger, self._settler, state, None, self._clock())
        return state

    async def at_provider(self, authorisation_id: AuthorisationId) -> Authorisation:
        return await self._provider.authorisation(authorisation_id)

    async def record_external(self, event: ProviderEvent) -> bool:
        return await record_event(self._ledger, self._settler, self._provider, event)

    async def record_dispute(self, event: ProviderDispute) -> bool:
        return await self._ledger.dispute(event.dispute_id, event.authorisation_id, event.amount.amount, event.at)

    async def open_disputes(self, limit: int) -> list[Dispute]:
        return await self._ledger.open_disputes(limit)

    async def close_dispute(self, dispute: str, at: datetime, by: str, reason: str) -> bool:
        return await self._ledger.close_dispute(dispute, at, by, reason)

    async def statement(self, order_id: OrderId, goods: OrderGoods | None = None) -> OrderStatement:
        money = await read_order(self._engine, order_id)
        return OrderStatement(**dict(money), violations=tuple(check_order(money, goods)))

    # One operation ---------------------------------------------------------------------------------------------------

    async def _begin(self, key: OperationKey, asked: Asked, at: datetime) -> tuple[Operation, bool]:
        try:
            begun = await self._ledger.begin(key, asked, at)
            if isinstance(begun, Refusal) and await self._makes_room(key, asked, begun, at):
                begun = await self._ledger.begin(key, asked, at)
        except NoSuchAuthorisation:
            raise UnknownPayment from None
        except CurrencyMismatch as fault:
            raise AmountMismatch(str(fault)) from None
        if not isinstance(begun, Refusal):
            return begun
        if begun.status is AuthorisationStatus.EXPIRED and asked.kind is OperationKind.CAPTURE:
            raise Declined(DeclineReason.EXPIRED)
        raise CeilingExceeded(asked.kind, asked.asked or 0, begun.available)

    async def _makes_room(self, key: OperationKey, asked: Asked, refusal: Refusal, at: datetime) -> bool:
        """Whether a refusal may come from what we have not heard of yet."""
        if asked.authorisation_id is None:
            return False
        if refusal.status is AuthorisationStatus.CUSTOMER_ACTION:
            with suppress(PaymentFault):
                state = await self._settler.confirm(asked.authorisation_id, at)
                return state is not None and is_held(state)
        if asked.kind is OperationKind.VOID:
            return await self._clear_the_way(asked.authorisation_id, key, at)
        return False

    async def _clear_the_way(self, authorisation: AuthorisationId, key: OperationKey, at: datetime) -> bool:
        """End what is under way on an authorisation to be voided: done, or given up because it never arrived."""
        under_way = await self._ledger.open_operations(authorisation, OperationKind.CAPTURE, OperationKind.VOID)
        cleared = False
        for operation in under_way:
            if operation.key == key:
                continue
            with suppress(Unavailable, OutcomeUnknown):
                try:
                    if await self._settler.resolve(OUTCOMES[operation.kind], operation, at) is None:
                        await self._settler.close(operation, ABANDONED, at)
                except Declined:
                    pass  # its end is on record
                cleared = True
        return cleared

    async def _carry_out(
        self,
        kind: type[Outcome],
        asked: Asked,
        operation: Operation,
        send: Callable[[], Awaitable[Outcome]],
        at: datetime,
        *,
        new: bool,
    ) -> Outcome:
        if not operation.asks(asked):
            raise KeyConflict
        if not operation.open:
            return self._settler.answer(kind, operation)
        if not new and (known := await self._settler.resolve(kind, operation, at)) is not None:
            return known
        try:
            outcome = await send()
        except OutcomeUnknown:
            return await self._find_out(kind, operation, at)
        except Declined as fault:
            await self._settler.close(operation, fault.reason, at)
            await self._settler.sync(operation.authorisation_id, at)
            raise
        except (AmountMismatch, UnknownPayment):
            await self._settler.close(operation, REFUSED, at)
            await self._settler.sync(operation.authorisation_id, at)
            raise
        return await self._settler.settle(kind, operation, outcome, at)

    async def _find_out(self, kind: type[Outcome], operation: Operation, at: datetime) -> Outcome:
        """No answer came: ask once, at once. It may still be on its way, so what has not arrived stays unknown."""
        try:
            known = await self._settler.resolve(kind, operation, at)
        except Unavailable as fault:
            raise OutcomeUnknown from fault
        if known is None:
            raise OutcomeUnknown
        return known


def _asked(
    kind: OperationKind,
    request: AuthoriseRequest | CaptureRequest | VoidRequest | RefundRequest,
    amount: Money | None,
    *,
    purpose: CapturePurpose | None = None,
    group_id: str | None = None,
    replaces: AuthorisationId | None = None,
    reason: str | None = None,
) -> Asked:
    return Asked(
        kind=kind,
        order_id=request.order_id,
        tender_id=request.tender_id,
        authorisation_id=None if isinstance(request, AuthoriseRequest) else request.authorisation_id,
        asked=amount.amount if amount else None,
        currency=amount.currency if amount else None,
        purpose=purpose,
        group_id=group_id,
        replaces=replaces,
        reason=reason,
    )
