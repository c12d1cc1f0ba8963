"""Parcels of a shipment: what left in each, what carriers said of it, and the claim that opens when it goes wrong."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from domain.carriage import ParcelStatus, hear_of_parcel
from domain.hearsay import Effect, Known
from domain.ids import LineId

MOST_EVENTS = 200
"""So many events of one parcel are kept; a carrier that tells more is broken."""


SETTLED = frozenset({ParcelStatus.DELIVERED, ParcelStatus.RETURNED})
"""Where a parcel stays."""


class ParcelEvent(BaseModel):
    """What a carrier said, and what was made of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str
    at: datetime
    """By the carrier's clock."""
    said: str
    """The carrier's own word."""
    status: ParcelStatus
    effect: Effect


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
    """By the carrier's clock, or before it can have said anything."""
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
        return self.claim is None and self.status not in SETTLED

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

    def take(self, event_id: str, at: datetime, said: str, status: ParcelStatus) -> Effect | None:
        """Keep what the carrier said, once, and follow it where that makes sense; what it did, or none if known."""
        if len(self.events) >= MOST_EVENTS or any(known.event_id == event_id for known in self.events):
            return None
        heard = hear_of_parcel(Known[ParcelStatus](status=self.status, at=self.status_at), status, at)
        self.status, self.status_at = heard.known.status, heard.known.at
        self.events.append(ParcelEvent(event_id=event_id, at=at, said=said, status=status, effect=heard.effect))
        return heard.effect


class CarrierNews(BaseModel):
    """What a carrier said of a parcel before anybody here said that it had left."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str
    tracking_number: str
    at: datetime
    said: str
    status: ParcelStatus
