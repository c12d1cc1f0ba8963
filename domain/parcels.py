"""A parcel on its way: what a carrier says of it, what that means, and the claim that opens when it goes wrong.

Carriers repeat themselves, contradict themselves and tell things late. Every event is kept; the status changes only by
a move that makes sense from where the parcel is.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from domain.ids import LineId

MOST_EVENTS = 200
"""So many events of one parcel are kept; a carrier that tells more is broken."""


class ParcelStatus(StrEnum):
    LABEL_CREATED = "label_created"
    """It has left its place; the carrier has said nothing of it yet."""
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    """Nobody was there; it is tried again, or goes back."""
    DELIVERED = "delivered"
    LOST = "lost"
    DAMAGED = "damaged"
    REFUSED = "refused"
    """The customer did not take it."""
    RETURNING = "returning"
    """On its way back to the sender."""
    RETURNED = "returned"
    UNKNOWN = "unknown"
    """A word of the carrier's that has no meaning here."""


P = ParcelStatus
_ANYWHERE = frozenset({P.PICKED_UP, P.IN_TRANSIT, P.OUT_FOR_DELIVERY, P.DELIVERY_FAILED})
EXCEPTIONS = frozenset({P.LOST, P.DAMAGED, P.REFUSED, P.RETURNING, P.RETURNED})
"""What opens a claim: the customer will not have the goods by this parcel, unless it turns up after all."""
_UNDER_WAY = _ANYWHERE | EXCEPTIONS | {P.DELIVERED}
MOVES: dict[ParcelStatus, frozenset[ParcelStatus]] = {
    P.LABEL_CREATED: _UNDER_WAY,
    P.PICKED_UP: _UNDER_WAY,
    P.IN_TRANSIT: _UNDER_WAY,
    P.OUT_FOR_DELIVERY: _UNDER_WAY,
    P.DELIVERY_FAILED: _UNDER_WAY,
    P.LOST: _UNDER_WAY,
    P.DAMAGED: frozenset({P.DELIVERED, P.REFUSED, P.LOST, P.RETURNING, P.RETURNED}),
    P.REFUSED: frozenset({P.DAMAGED, P.LOST, P.RETURNING, P.RETURNED}),
    P.RETURNING: frozenset({P.DAMAGED, P.LOST, P.RETURNED}),
    P.DELIVERED: frozenset(),
    P.RETURNED: frozenset(),
}
"""What may be said next of a parcel in each status. What was lost may turn up; what was delivered stays so."""

_ENDS = frozenset({P.DELIVERED, P.RETURNED})
"""True whenever they are told: an earlier clock does not undo them."""


class ParcelEvent(BaseModel):
    """What a carrier said, and what was made of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str
    at: datetime
    """By the carrier's clock."""
    said: str
    """The carrier's own word."""
    status: ParcelStatus
    counted: bool = True
    """False: late, or impossible from where the parcel was. It is kept and changes nothing."""


class Resolution(StrEnum):
    """What becomes of units whose parcel went wrong."""

    RESHIP = "reship"
    REFUND = "refund"
    WAIT = "wait"


class Claim(BaseModel):
    """Somebody must decide what becomes of a parcel that went wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: ParcelStatus
    opened_at: datetime
    decide_by: datetime
    resolution: Resolution | None = None
    resolved_at: datetime | None = None

    @property
    def open(self) -> bool:
        return self.resolved_at is None


class Box(BaseModel):
    """One box of a packed shipment; what was not measured is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight_g: int | None = Field(default=None, ge=1, le=10_000_000)
    length_mm: int | None = Field(default=None, ge=1, le=100_000)
    width_mm: int | None = Field(default=None, ge=1, le=100_000)
    height_mm: int | None = Field(default=None, ge=1, le=100_000)


class Parcel(BaseModel):
    """Units of a shipment that left together under one tracking number."""

    model_config = ConfigDict(extra="forbid")

    n: int
    lines: dict[LineId, int]
    boxes: list[Box] = []
    carrier: str
    tracking_number: str
    label_id: str | None = None
    """The label that was bought for it; none when carrier and number were given by hand."""
    shipped_at: datetime
    due_at: datetime
    """When it should be there; then the customer is told that it is late."""
    overdue_at: datetime
    """When a late one counts as lost, or as delivered."""
    status: ParcelStatus = ParcelStatus.LABEL_CREATED
    status_at: datetime
    told_late: bool = False
    """The customer was told that it comes later."""
    events: list[ParcelEvent] = []
    claim: Claim | None = None

    @property
    def claimed(self) -> bool:
        """A claim stands that nobody has decided."""
        return self.claim is not None and self.claim.open

    @property
    def on_its_way(self) -> bool:
        """Nobody knows yet where it stays, and nothing is decided about it."""
        return self.claim is None and self.status not in _ENDS

    @property
    def asked_at(self) -> datetime:
        """When somebody asks where it is."""
        return self.overdue_at if self.told_late else self.due_at

    @property
    def default(self) -> str:
        """What happens then."""
        if not self.told_late:
            return "customer is told that it is late"
        return "it counts as lost" if self.tracked else "it counts as delivered"

    @property
    def tracked(self) -> bool:
        """The carrier has ever said something of it."""
        return bool(self.events)

    def take(self, event_id: str, at: datetime, said: str, status: ParcelStatus) -> bool:
        """Keep what the carrier said, once. True when the parcel's status has changed by it."""
        if len(self.events) >= MOST_EVENTS or any(known.event_id == event_id for known in self.events):
            return False
        counted = self._makes_sense(status, at)
        self.events.append(ParcelEvent(event_id=event_id, at=at, said=said, status=status, counted=counted))
        if not counted:
            return False
        changed = status is not self.status
        self.status, self.status_at = status, max(at, self.status_at)
        return changed

    def _makes_sense(self, status: ParcelStatus, at: datetime) -> bool:
        return status in MOVES[self.status] and (status in _ENDS or at >= self.status_at)
