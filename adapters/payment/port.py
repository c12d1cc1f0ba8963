"""What the engine asks of payments: each operation done once a key, within what may move, and written in our ledger.

All requests carry the business identity of the operation as `key` and the business instant `at`; repeating a key gives
the first answer.
"""

from datetime import datetime
from typing import Annotated, Protocol

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from adapters.payment.provider import (
    AmountMismatch,
    Declined,
    KeyConflict,
    NotUnderstood,
    OutcomeUnknown,
    PaymentFault,
    Unavailable,
    UnknownPayment,
)
from domain.ids import OperationKey, OrderId
from domain.ledger import CapturePurpose, Dispute, OrderGoods, OrderStatement
from domain.money import Minor, Money
from domain.payments import (
    Authorisation,
    AuthorisationId,
    Capture,
    OperationKind,
    OperationStatus,
    Refund,
    TenderId,
    Void,
)

__all__ = [
    "AmountMismatch",
    "AuthoriseRequest",
    "CapturePurpose",
    "CaptureRequest",
    "CeilingExceeded",
    "Declined",
    "KeyConflict",
    "NotUnderstood",
    "OutcomeUnknown",
    "PaymentFault",
    "Payments",
    "ProviderDispute",
    "ProviderEvent",
    "RefundRequest",
    "Unavailable",
    "UnknownPayment",
    "VoidRequest",
]


class CeilingExceeded(PaymentFault):
    """Our ledger refused it before anything was sent; final for this key and amount."""

    def __init__(self, kind: OperationKind, asked: Minor, available: Minor) -> None:
        super().__init__(
            f"A {kind} of {asked} was asked and {available} may still move. Read the order's statement, ask for less."
        )
        self.kind = kind
        self.asked = asked
        self.available = available


def _positive(money: Money) -> Money:
    if money.amount <= 0:
        raise ValueError("an operation moves more than zero")
    return money


PositiveMoney = Annotated[Money, AfterValidator(_positive)]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: OperationKey
    order_id: OrderId
    tender_id: TenderId
    at: AwareDatetime


class AuthoriseRequest(_Request):
    token: Annotated[str, Field(repr=False)]
    amount: PositiveMoney
    replaces: AuthorisationId | None = None
    """The authorisation that this one renews; void it afterwards."""


class CaptureRequest(_Request):
    authorisation_id: AuthorisationId
    amount: PositiveMoney
    purpose: CapturePurpose
    group: str | None = None
    """The fulfilment group whose goods this pays."""


class VoidRequest(_Request):
    authorisation_id: AuthorisationId
    amount: PositiveMoney | None = None
    """None: all that is left."""
    reason: str


class RefundRequest(_Request):
    authorisation_id: AuthorisationId
    amount: PositiveMoney
    reason: str


class ProviderEvent(BaseModel):
    """A provider's verified word that an operation happened; the state is read from the provider, not from here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation_id: str
    """The provider's id of the operation; of an authorisation, the authorisation's."""
    kind: OperationKind
    status: OperationStatus
    authorisation_id: AuthorisationId
    amount: Money
    at: AwareDatetime
    key: OperationKey | None = None
    """Our key, where the provider gives it back."""


class ProviderDispute(BaseModel):
    """A provider's verified word that a customer disputes a payment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dispute_id: str
    authorisation_id: AuthorisationId
    amount: PositiveMoney
    at: AwareDatetime


class Payments(Protocol):
    """Every operation is done once a key, and is in our ledger when it returns.

    Raise `Declined` (final; again for the same key), `Unavailable` (later, same key), `OutcomeUnknown` (later, same
    key: it will be asked for first), `CeilingExceeded`, `AmountMismatch`, `UnknownPayment`, `KeyConflict` (a person).
    """

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        """Hold an amount. `CUSTOMER_ACTION`: nothing is held yet; repeat the key or await the provider's event."""
        ...

    async def capture(self, request: CaptureRequest) -> Capture:
        """Take an exact amount. Captured already, the same amount: a success."""
        ...

    async def void(self, request: VoidRequest) -> Void:
        """Give back what is held, in part or all that is left; zero when nothing was left."""
        ...

    async def refund(self, request: RefundRequest) -> Refund:
        """Return captured money. PENDING ends later (repeat the key or await the event); FAILED is for a person."""
        ...

    async def authorisation(self, authorisation_id: AuthorisationId) -> Authorisation:
        """The provider's present state; what it did by itself (expiry) is entered in our ledger on the way."""
        ...

    async def at_provider(self, authorisation_id: AuthorisationId) -> Authorisation:
        """The provider's present state, only read: nothing is entered in our ledger for it."""
        ...

    async def record_external(self, event: ProviderEvent) -> bool:
        """Make a provider's event one ledger entry or none, whichever came first. False: unknown here yet, park it."""
        ...

    async def record_dispute(self, event: ProviderDispute) -> bool:
        """A bank took captured money back: that much is never refunded again. False: unknown here yet, park it."""
        ...

    async def open_disputes(self, limit: int) -> list[Dispute]:
        """Cases that somebody has to decide, the oldest first."""
        ...

    async def close_dispute(self, dispute: str, at: datetime, by: str, reason: str) -> bool:
        """Accepted, or contested and won. The money stays blocked. False: nobody waits for that any more."""
        ...

    async def statement(self, order_id: OrderId, goods: OrderGoods | None = None) -> OrderStatement:
        """Our ledger of an order, with the violations found in it."""
        ...
