"""Handing an outside event to its order: the ledger first, then the workflow, if there is news in it."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from adapters.clock import Clock, system_clock
from adapters.inbound.port import InboundEvent, InboundEvents
from adapters.keys.port import KeyErased, KeyMissing
from adapters.payment.port import Payments, ProviderDispute, ProviderEvent
from adapters.transaction.port import Transactions
from domain.actors import Actor, ActorKind, Channel
from domain.carriage import parcel_status
from domain.dropship import PartnerId, PartnerRequestId, request_status
from domain.ids import OperationKey, ReturnId, application_workflow_id, return_of_key, return_of_workflow
from domain.ledger import OrderStatement
from domain.money import Currency, Money
from domain.payments import AuthorisationId, OperationKind, OperationStatus
from gateway.commands import PATIENCE, handle_of, is_not_found
from gateway.returns.sending import handle_of as handle_of_return
from gateway.webhooks import late_lockers, late_parcels, late_partners, late_returns
from gateway.webhooks.carriage import CarrierData, LockerData, PartnerData
from gateway.webhooks.late_money import ask_about, came_back, disputed
from workflows.application import ApplicationWorkflow
from workflows.application_messages import SignatureEvent
from workflows.messages import CarrierEvent, FraudDecision, LockerEvent, PartnerEvent, PaymentEvent
from workflows.order import OrderWorkflow
from workflows.return_messages import CarrierWord, RefundEvent
from workflows.returns import ReturnWorkflow

log = structlog.get_logger(__name__)

PAYMENT, FRAUD, CARRIER, LOCKER = "payment", "fraud", "carrier", "locker"
PARTNER, SIGNATURE = "partner", "signature"
SCREENING = Actor(kind=ActorKind.SERVICE, id="fraud screening", channel=Channel.SYSTEM)

_ABOUT = {
    "authorisation.succeeded": (OperationKind.AUTHORISE, OperationStatus.SUCCEEDED),
    "authorisation.failed": (OperationKind.AUTHORISE, OperationStatus.FAILED),
    "authorisation.expired": (OperationKind.AUTHORISE, OperationStatus.FAILED),
    "authorisation.voided": (OperationKind.VOID, OperationStatus.SUCCEEDED),
    "capture.succeeded": (OperationKind.CAPTURE, OperationStatus.SUCCEEDED),
    "capture.failed": (OperationKind.CAPTURE, OperationStatus.FAILED),
    "refund.succeeded": (OperationKind.REFUND, OperationStatus.SUCCEEDED),
    "refund.failed": (OperationKind.REFUND, OperationStatus.FAILED),
    "refund.reversed": (OperationKind.REFUND, OperationStatus.REVERSED),
    "refund.pending": (OperationKind.REFUND, OperationStatus.PENDING),
}
"""What a payment event is about. Its word is a reason to look; the provider's own object says what is true."""
_CAME_BACK = frozenset({"refund.failed", "refund.reversed"})
"""The customer has not got it after all."""
_CHANGED_BY_PROVIDER = frozenset({"authorisation.expired", "authorisation.failed", "refund.failed", "refund.reversed"})
_ASKED_AND_ANSWERED = (OperationKind.CAPTURE, OperationKind.VOID)
"""What a provider decides at once, so that no later event is the first to tell."""


class PaymentData(BaseModel):
    """What is kept of a payment provider's event."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    authorisation_id: Annotated[str, Field(min_length=1, max_length=255)]
    operation_id: Annotated[str, Field(min_length=1, max_length=255)]
    reference: Annotated[str, Field(min_length=1, max_length=255)]
    amount: Annotated[int, Field(ge=0, le=10**15)]
    currency: Currency
    key: Annotated[str, Field(max_length=255)] | None = None
    created_at: AwareDatetime | None = None


class SignatureData(BaseModel):
    """What is kept of a signature provider's event: which envelope of which application to look at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    envelope_id: Annotated[str, Field(min_length=1, max_length=255)]
    reference: Annotated[str, Field(min_length=1, max_length=64)]


async def deliver(
    event: InboundEvent,
    *,
    client: Client,
    payments: Payments,
    events: InboundEvents,
    transactions: Transactions,
    clock: Clock = system_clock,
) -> bool:
    """Hand the event on and mark it so. False: its order or step is not there yet, it stays parked."""
    if event.provider == PAYMENT:
        done = await _payment(event, client, payments, transactions)
    elif event.provider == FRAUD:
        done = await _fraud(event, client)
    elif event.provider == CARRIER:
        done = await _carrier(event, client, transactions)
    elif event.provider == LOCKER:
        done = await _locker(event, client, transactions)
    elif event.provider == PARTNER:
        done = await _partner(event, client, transactions)
    elif event.provider == SIGNATURE:
        done = await _signature(event, client)
    else:
        done = True  # bureaus: checked and kept, and nobody here waits for them yet
    if done:
        await events.delivered(event.provider, event.event_id, clock())
    return done


async def _payment(event: InboundEvent, client: Client, payments: Payments, transactions: Transactions) -> bool:
    about = _ABOUT.get(event.type)
    if event.type == "dispute.created":
        return await _dispute(event, payments, transactions)
    if about is None:
        log.warning("payment_event_unknown", type=event.type, order_id=event.order_id)
        return True
    data = PaymentData.model_validate(event.data)
    provider_event = _provider_event(data, about, event.received_at)
    statement = await payments.statement(event.order_id)
    if _is_no_news(event.type, provider_event, statement):
        return True
    if not await payments.record_external(provider_event):
        return False
    if _is_awaited(provider_event, statement):
        return True
    if (return_id := return_of_key(data.key or "")) is not None:
        return await _tell_return(client, transactions, event, return_id, data)
    message = PaymentEvent(
        event_id=event.event_id,
        type=event.type,
        authorisation_id=data.authorisation_id,
        came_back=data.amount if event.type in _CAME_BACK else 0,
    )

    async def ask() -> None:
        # An order that has ended is told nothing more: our ledger has the event, and that is where it counts.
        if message.came_back:
            await ask_about(transactions, event, data.amount, data.currency)

    await _signal(client, event, OrderWorkflow.payment_event, message, ask)
    return True


async def _dispute(event: InboundEvent, payments: Payments, transactions: Transactions) -> bool:
    """The ledger first: from then on no refund of that money passes. Then the order shows it, and ops have a case."""
    data = PaymentData.model_validate(event.data)
    dispute = ProviderDispute(
        dispute_id=data.operation_id,
        authorisation_id=AuthorisationId(data.authorisation_id),
        amount=Money(amount=data.amount, currency=data.currency),
        at=data.created_at or event.received_at,
    )
    if not await payments.record_dispute(dispute):
        return False
    await disputed(transactions, event, data.operation_id, data.amount)
    return True


def _provider_event(
    data: PaymentData, about: tuple[OperationKind, OperationStatus], received_at: datetime
) -> ProviderEvent:
    kind, status = about
    return ProviderEvent(
        operation_id=data.authorisation_id if kind is OperationKind.AUTHORISE else data.operation_id,
        kind=kind,
        status=status,
        authorisation_id=AuthorisationId(data.authorisation_id),
        amount=Money(amount=data.amount, currency=data.currency),
        at=data.created_at or received_at,
        key=OperationKey(data.key) if data.key else None,
    )


def _is_no_news(kind: str, event: ProviderEvent, statement: OrderStatement) -> bool:
    """Our own answer was first and says the same: the order is not woken for it."""
    if event.key is None or kind in _CHANGED_BY_PROVIDER:
        return False
    return any(
        operation.key == event.key and operation.kind is event.kind and operation.status is event.status
        for operation in statement.operations
    )


def _is_awaited(event: ProviderEvent, statement: OrderStatement) -> bool:
    """The step that asked for it is at work and gets the answer itself; waking its order beside it only disturbs."""
    return event.kind in _ASKED_AND_ANSWERED and any(
        operation.key == event.key and operation.kind is event.kind for operation in statement.operations
    )


async def _fraud(event: InboundEvent, client: Client) -> bool:
    decision = FraudDecision(event_id=event.event_id, accept=event.data.get("decision") == "accept", actor=SCREENING)
    return await _signal(client, event, OrderWorkflow.fraud_decision, decision)


async def _carrier(event: InboundEvent, client: Client, transactions: Transactions) -> bool:
    data = CarrierData.model_validate(event.data)
    if (return_id := return_of_workflow(data.shipment)) is not None:
        word = CarrierWord(
            event_id=event.event_id,
            tracking_number=data.tracking_number,
            at=data.at,
            said=data.status,
            status=parcel_status(data.status),
        )
        return await _told(
            handle_of_return(client, return_id),
            ReturnWorkflow.carrier_word,
            word,
            lambda: late_returns.parcel(transactions, event, return_id, data.status),
        )
    news = CarrierEvent(
        event_id=event.event_id,
        carrier=data.carrier,
        tracking_number=data.tracking_number,
        at=data.at,
        said=data.status,
        status=parcel_status(data.status),
    )
    return await _signal(
        client, event, OrderWorkflow.carrier_event, news, lambda: late_parcels.keep(transactions, event, data)
    )


async def _locker(event: InboundEvent, client: Client, transactions: Transactions) -> bool:
    data = LockerData.model_validate(event.data)
    if (return_id := return_of_workflow(data.group)) is not None:
        return await _told(
            handle_of_return(client, return_id),
            ReturnWorkflow.locker_news,
            late_lockers.news_of(event.event_id, data),
            lambda: late_returns.locker(transactions, event, return_id, data.status),
        )
    news = LockerEvent(n=data.pickup, news=late_lockers.news_of(event.event_id, data))
    return await _signal(
        client, event, OrderWorkflow.locker_event, news, lambda: late_lockers.keep(transactions, event, data)
    )


async def _partner(event: InboundEvent, client: Client, transactions: Transactions) -> bool:
    data = PartnerData.model_validate(event.data)
    news = PartnerEvent(
        event_id=event.event_id,
        n=data.number,
        partner=PartnerId(data.partner),
        request_id=PartnerRequestId(data.request_id),
        at=data.at,
        said=data.status,
        status=request_status(data.status),
    )
    return await _signal(
        client, event, OrderWorkflow.partner_event, news, lambda: late_partners.keep(transactions, event, data)
    )


async def _signature(event: InboundEvent, client: Client) -> bool:
    """The application looks at the envelope itself; one that has ended is told nothing more."""
    data = SignatureData.model_validate(event.data)
    news = SignatureEvent(event_id=event.event_id, envelope_id=data.envelope_id)
    handle = client.get_workflow_handle(application_workflow_id(data.reference))
    return await _told(handle, ApplicationWorkflow.signature_event, news, None)


async def _signal(
    client: Client,
    event: InboundEvent,
    signal: Any,
    message: Any,
    once_ended: Callable[[], Awaitable[None]] | None = None,
) -> bool:
    """False: there is no such order (yet). One that has ended is told nothing more; `once_ended` is done instead."""
    return await _told(handle_of(client, event.order_id), signal, message, once_ended)


async def _tell_return(
    client: Client, transactions: Transactions, event: InboundEvent, return_id: ReturnId, data: PaymentData
) -> bool:
    """A refund of a return has news. Once the return is over, money that came back is shown on its order."""
    message = RefundEvent(event_id=event.event_id, key=OperationKey(data.key or ""))

    async def show() -> None:
        if event.type in _CAME_BACK:
            await came_back(transactions, event, data.amount, return_id)

    return await _told(handle_of_return(client, return_id), ReturnWorkflow.refund_event, message, show)


async def _told(
    handle: WorkflowHandle[Any, Any], signal: Any, message: Any, once_ended: Callable[[], Awaitable[None]] | None
) -> bool:
    try:
        await handle.signal(signal, message, rpc_timeout=PATIENCE)
    except KeyMissing:
        return False  # nothing of this name was ever promised
    except KeyErased:
        return True
    except RPCError as fault:
        if not is_not_found(fault):
            raise
        ended = await _has_ended(handle)
        if ended and once_ended is not None:
            await once_ended()
        return ended
    return True


async def _has_ended(handle: WorkflowHandle[Any, Any]) -> bool:
    try:
        await handle.describe(rpc_timeout=PATIENCE)
    except RPCError as fault:
        if is_not_found(fault):
            return False
        raise
    return True
