"""Work that a partner does in our name from its own stock: asked for, answered, and called off only by agreement."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.hearsay import Heard, Known, Moves
from domain.ids import LineId, OperationKey, Sku

PartnerId = NewType("PartnerId", str)
PartnerRequestId = NewType("PartnerRequestId", str)
"""The partner's id of one request of ours."""


class RequestStatus(StrEnum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    SHIPPED = "shipped"
    """The goods have left: nothing can be called off any more."""
    DECLINED = "declined"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """A word of the partner's that has no meaning here."""


REQUEST_MOVES = Moves(
    {
        RequestStatus.REQUESTED: (RequestStatus.ACCEPTED, RequestStatus.DECLINED, RequestStatus.CANCELLED),
        RequestStatus.ACCEPTED: (RequestStatus.SHIPPED, RequestStatus.CANCELLED),
        RequestStatus.SHIPPED: (),
        RequestStatus.DECLINED: (),
        RequestStatus.CANCELLED: (),
    },
    unknown=RequestStatus.UNKNOWN,
)


def request_status(word: str) -> RequestStatus:
    """The status that a partner's word means."""
    return RequestStatus(word) if word in set(RequestStatus) else RequestStatus.UNKNOWN


def hear_of_request(known: Known[RequestStatus], status: RequestStatus, at: datetime) -> Heard[RequestStatus]:
    """What a partner's word does to what is known of a request."""
    return REQUEST_MOVES.hear(known, Known[RequestStatus](status=status, at=at))


class Cancellation(StrEnum):
    """How it stands with calling the work off."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    """The partner has begun and will say whether it can still stop."""
    AGREED = "agreed"
    REFUSED = "refused"
    """It goes on: the goods are on their way or will be."""


class DeclineReason(StrEnum):
    NO_STOCK = "no_stock"
    NOT_THERE = "not_there"
    """It does not deliver to that place."""
    TOO_LATE = "too_late"
    """It cannot keep the time that was asked."""
    OTHER = "other"


class AskedLine(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    line_id: LineId
    sku: Sku
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class PartnerRequest(BaseModel):
    """A request as the partner says it is now. It is taken, declined or called off as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: PartnerRequestId
    partner: PartnerId
    reference: str
    """Our order id."""
    shipment: str
    """Our name of the shipment."""
    lines: tuple[AskedLine, ...]
    status: RequestStatus
    status_at: AwareDatetime
    cancellation: Cancellation = Cancellation.NOT_ASKED
    declined_for: DeclineReason | None = None
    ship_by: AwareDatetime | None = None
    """When the goods will leave; known once it is accepted."""
    tracking_number: str | None = None
    """Known once they have left, if the partner says it."""

    @property
    def known(self) -> Known[RequestStatus]:
        return Known[RequestStatus](status=self.status, at=self.status_at)


class PartnerWork(BaseModel):
    """A shipment's talk with its partner, as far as it has come."""

    model_config = ConfigDict(extra="forbid")

    partner: PartnerId
    key: OperationKey
    """Under which it was asked: once, whatever is repeated."""
    id: PartnerRequestId | None = None
    status: RequestStatus = RequestStatus.REQUESTED
    called_off: bool = False
    """It was asked to drop it."""
    goes_on: bool = False
    """It was asked to drop it, and cannot any more."""
    look_at: datetime | None = None
    """When it is looked at next."""
    speaking: bool = False
    """A question is under way."""
    look_again: bool = False
    """It has said something meanwhile: the answer may be older than that."""
