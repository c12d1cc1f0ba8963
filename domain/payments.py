"""What a payment provider can do for us, in the field's words: authorise, capture, void, refund, and their outcomes."""

from enum import StrEnum
from typing import NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.money import Currency, Minor, Money

AuthorisationId = NewType("AuthorisationId", str)
"""The provider's id of one authorisation."""
TenderId = NewType("TenderId", str)


class AuthorisationStatus(StrEnum):
    AUTHORISED = "authorised"
    CUSTOMER_ACTION = "customer_action"
    """The customer must confirm first (3-D Secure): nothing is held yet."""
    CAPTURED = "captured"
    PARTLY_CAPTURED = "partly_captured"
    VOIDED = "voided"
    EXPIRED = "expired"
    """Its time ended while something was left; that rest is free again. It may have been captured in part before."""
    DECLINED = "declined"


class DeclineReason(StrEnum):
    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    FRAUD = "fraud"
    CARD_EXPIRED = "card_expired"
    EXPIRED = "expired"
    """The authorisation ended before the capture."""
    OTHER = "other"


class OperationKind(StrEnum):
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class OperationStatus(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PENDING = "pending"
    REVERSED = "reversed"


class Authorisation(BaseModel):
    """A provider's promise to pay up to `amount`, and what has become of it. Amounts are minor units of `currency`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: AuthorisationId
    reference: str
    """Our order, return or application id."""
    amount: Minor
    currency: Currency
    status: AuthorisationStatus
    captured: Minor = 0
    voided: Minor = 0
    """Given back uncaptured: voided, expired, or released by a single capture."""
    refunded: Minor = 0
    capture_before: AwareDatetime | None = None
    single_capture: bool = False
    """One capture is all there is: whatever it leaves is released at once."""
    action_url: str | None = None

    @property
    def held(self) -> Money:
        """What can still be captured."""
        live = self.status in (AuthorisationStatus.AUTHORISED, AuthorisationStatus.PARTLY_CAPTURED)
        return Money(amount=self.amount - self.captured - self.voided if live else 0, currency=self.currency)


class Capture(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    authorisation_id: AuthorisationId
    amount: Money
    remaining: Money
    """What can still be captured afterwards."""
    already: bool = False
    """The same amount had been captured before under another key; nothing was taken again."""


class Void(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    authorisation_id: AuthorisationId
    amount: Money
    """What was freed; zero when nothing was left."""


class Refund(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    authorisation_id: AuthorisationId | None
    """None for a refund of money that a channel had settled, which the provider knows by its reference only."""
    amount: Money
    status: OperationStatus
