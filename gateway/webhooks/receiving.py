"""`POST /v1/webhooks/{provider}`: verified on raw bytes, kept, recognised when they come again, then handed on."""

import hashlib
import hmac
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from standardwebhooks.webhooks import Webhook
from starlette.requests import Request
from starlette.responses import JSONResponse

from adapters.inbound.port import InboundEvent
from domain.card_data import has_card_number
from domain.ids import OrderId
from gateway.bodies import StrictRoute, parse_json, pointer_into, read_bounded, reads_raw
from gateway.fields import Reference
from gateway.problems import FieldError, Problem, ProblemKind
from gateway.services import CurrentServices, Services
from gateway.webhooks.carriage import CarrierEvent, LockerEvent, PartnerEvent
from gateway.webhooks.delivery import PaymentData, SignatureData, deliver
from gateway.wording import reason_of

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/webhooks", route_class=StrictRoute, tags=["services"])

MOST_BYTES = 256_000
_HEADERS = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
]


class Provider(StrEnum):
    PAYMENT = "payment"
    FRAUD = "fraud"
    CARRIER = "carrier"
    LOCKER = "locker"
    PARTNER = "partner"
    BUREAU = "bureau"
    SIGNATURE = "signature"


class Envelope(BaseModel):
    """An event as Standard Webhooks recommends it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Reference
    created_at: AwareDatetime | None = None
    timestamp: AwareDatetime | None = None
    data: dict[str, Any]


_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
"""A digest in letters only is no run of digits itself."""


class FraudBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    order_id: Annotated[str, Field(min_length=1, max_length=64)]
    decision: Literal["accept", "decline"]


class OtherBody(BaseModel):
    """Of a system whose part of the house is not there yet: which order, and what kind of event."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    order_id: Annotated[str, Field(min_length=1, max_length=64)] = "-"
    reference: Annotated[str, Field(min_length=1, max_length=64)] | None = None


_TOLD: dict[Provider, type[CarrierEvent] | type[LockerEvent] | type[PartnerEvent]] = {
    Provider.CARRIER: CarrierEvent,
    Provider.LOCKER: LockerEvent,
    Provider.PARTNER: PartnerEvent,
}
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}


@router.post(
    "/{provider}",
    status_code=202,
    summary="An event from an outside system (Standard Webhooks)",
    openapi_extra={**_BODY, "parameters": _HEADERS},
    responses={202: {"description": "Kept; the same event again is recognised"}},
)
@reads_raw
async def receive(provider: Provider, request: Request, services: CurrentServices) -> JSONResponse:
    raw = await read_bounded(request, MOST_BYTES)
    event_id = _verified(services, provider, raw, request)
    event = _event(provider, event_id, parse_json(raw), services.now())
    is_new = await services.events.keep(event)
    if is_new:
        await _try(services, event)
    return JSONResponse({"event_id": event_id, "known": not is_new}, 202)


def _verified(services: Services, provider: Provider, raw: bytes, request: Request) -> str:
    """The sender's id of the event. Raises 401 for what is unsigned, signed by another, or stale."""
    secret = services.webhook_secrets.get(provider)
    event_id = request.headers.get("webhook-id", "")
    if not secret or not event_id or len(event_id) > 255 or not event_id.isprintable():
        raise _unverified()
    try:
        Webhook(secret).verify(raw, dict(request.headers), json_parse=False)
    except Exception:  # whatever a forged header makes the library stumble over
        raise _unverified() from None
    return _kept_id(services, provider, event_id)


def _kept_id(services: Services, provider: Provider, event_id: str) -> str:
    """The id as it is, unless it might be a card number: ids made of digits sometimes are, and no event may be lost.

    Then a digest of it stands for it, by which the same event is recognised when it comes again.
    """
    if not has_card_number(event_id):
        return event_id
    digest = hmac.digest(services.edge.secret, f"webhook-id\0{provider}\0{event_id}".encode(), hashlib.sha256)
    return "digest-" + digest.hex().translate(_LETTERS)


def _unverified() -> Problem:
    return Problem(
        ProblemKind.UNAUTHORISED, "Sign the event with this system's secret and a fresh timestamp (Standard Webhooks)."
    )


def _event(provider: Provider, event_id: str, sent: Any, now: datetime) -> InboundEvent:
    """Only what is needed of the event is kept: ids, amounts and enum values."""
    try:
        if provider is Provider.PAYMENT:
            envelope = Envelope.model_validate(sent)
            at = envelope.created_at or envelope.timestamp
            data = PaymentData.model_validate(envelope.data | ({"created_at": at} if at else {}))
            kind, order_id, kept = envelope.type, data.reference, data.model_dump(mode="json", exclude_none=True)
        elif provider is Provider.FRAUD:
            body = FraudBody.model_validate(_flat(sent))
            kind, order_id, kept = "fraud.decision", body.order_id, body.model_dump(mode="json")
        elif provider is Provider.SIGNATURE:
            envelope = Envelope.model_validate(sent)
            signature = SignatureData.model_validate(envelope.data)
            kind, order_id, kept = envelope.type, signature.reference, signature.model_dump(mode="json")
        elif provider in _TOLD:
            told = _TOLD[provider].model_validate(sent).data.heard(now)
            kind, order_id, kept = told.type, told.reference, told.model_dump(mode="json", exclude_none=True)
        else:
            other = OtherBody.model_validate(_flat(sent))
            kind = sent["type"] if isinstance(sent.get("type"), str) else provider.value
            order_id, kept = other.reference or other.order_id, other.model_dump(mode="json", exclude_none=True)
    except ValidationError as error:
        raise _invalid(error, sent) from None
    return InboundEvent(
        provider=provider, event_id=event_id, type=kind[:255], order_id=OrderId(order_id), received_at=now, data=kept
    )


def _flat(sent: Any) -> Any:
    """The members themselves, whether they came in an envelope's `data` or bare."""
    is_envelope = isinstance(sent, dict) and isinstance(sent.get("data"), dict)
    return sent["data"] if is_envelope else sent


def _invalid(error: ValidationError, sent: Any) -> Problem:
    errors = [
        FieldError(pointer=pointer_into(sent, each["loc"]), reason=reason_of(each))
        for each in error.errors(include_url=False, include_input=False)
    ]
    return Problem(ProblemKind.VALIDATION, "See errors.", errors=errors)


async def _try(services: Services, event: InboundEvent) -> None:
    """Deliver at once. What fails is parked: it was kept, and the sweeper tries again."""
    try:
        await deliver(
            event,
            client=services.temporal,
            payments=services.payments,
            events=services.events,
            transactions=services.transactions,
            clock=services.now,
        )
    except Exception as fault:
        log.warning("event_parked", provider=event.provider, event_id=event.event_id, error=type(fault).__name__)
