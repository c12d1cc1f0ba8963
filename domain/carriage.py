"""Parcels in the hands of carriers: what a carriage costs, the label that pays it, where the parcel is said to be."""

from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from domain.hearsay import Heard, Known, Moves
from domain.intake import Service
from domain.money import Money

CarrierId = NewType("CarrierId", str)
LabelId = NewType("LabelId", str)
"""The carrier's id of one label."""
TrackingNumber = NewType("TrackingNumber", str)
"""Printed on the parcel; its carrier's, and known to whoever sees the parcel."""

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""
Grams = Annotated[int, Field(strict=True, gt=0, le=1_000_000)]


class ParcelStatus(StrEnum):
    LABEL_CREATED = "label_created"
    """Nobody has the parcel yet; until then its label can be voided."""
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    """Nobody was there; it is tried again, or goes back."""
    DELIVERED = "delivered"
    LOST = "lost"
    DAMAGED = "damaged"
    REFUSED = "refused"
    RETURNING = "returning"
    RETURNED = "returned"
    UNKNOWN = "unknown"
    """A word of the carrier's that has no meaning here."""


_UNDER_WAY = (
    ParcelStatus.IN_TRANSIT,
    ParcelStatus.OUT_FOR_DELIVERY,
    ParcelStatus.DELIVERY_FAILED,
    ParcelStatus.DELIVERED,
    ParcelStatus.LOST,
    ParcelStatus.DAMAGED,
    ParcelStatus.REFUSED,
    ParcelStatus.RETURNING,
)

PARCEL_MOVES = Moves(
    {
        ParcelStatus.LABEL_CREATED: (ParcelStatus.PICKED_UP,),
        ParcelStatus.PICKED_UP: _UNDER_WAY,
        ParcelStatus.IN_TRANSIT: _UNDER_WAY,
        ParcelStatus.OUT_FOR_DELIVERY: _UNDER_WAY,
        ParcelStatus.DELIVERY_FAILED: _UNDER_WAY,
        # What was lost may turn up anywhere; what is damaged may be delivered all the same.
        ParcelStatus.LOST: (*_UNDER_WAY, ParcelStatus.RETURNED),
        ParcelStatus.DAMAGED: (ParcelStatus.DELIVERED, ParcelStatus.REFUSED, ParcelStatus.RETURNING, ParcelStatus.LOST),
        ParcelStatus.REFUSED: (ParcelStatus.RETURNING, ParcelStatus.DAMAGED, ParcelStatus.LOST),
        ParcelStatus.RETURNING: (ParcelStatus.RETURNED, ParcelStatus.DAMAGED, ParcelStatus.LOST),
        ParcelStatus.DELIVERED: (),
        ParcelStatus.RETURNED: (),
    },
    unknown=ParcelStatus.UNKNOWN,
)

EXCEPTIONS = frozenset(
    {ParcelStatus.LOST, ParcelStatus.DAMAGED, ParcelStatus.REFUSED, ParcelStatus.RETURNING, ParcelStatus.RETURNED}
)
"""What opens a claim: the customer will not have the goods by this parcel, unless it turns up after all."""


def parcel_status(word: str) -> ParcelStatus:
    """The status that a carrier's word means."""
    return ParcelStatus(word) if word in set(ParcelStatus) else ParcelStatus.UNKNOWN


def hear_of_parcel(known: Known[ParcelStatus], status: ParcelStatus, at: datetime) -> Heard[ParcelStatus]:
    """What a carrier's report does to what is known of a parcel; a label is `LABEL_CREATED` when bought."""
    return PARCEL_MOVES.hear(known, Known[ParcelStatus](status=status, at=at))


class PostalArea(BaseModel):
    """As much of an address as a price needs. The rest of a customer's is personal, and is handed over beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    country: Country
    postal_code: Annotated[str, Field(min_length=1, max_length=16, repr=False)]


class Carriage(BaseModel):
    """One parcel and its way."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    origin: PostalArea
    destination: PostalArea
    weight_grams: Grams


class Rate(BaseModel):
    """What one carrier asks for one service, and by when it will have delivered if it has the parcel today."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    carrier: CarrierId
    service: Service
    price: Money
    deliver_by: AwareDatetime


class Label(BaseModel):
    """A carriage that is paid, and its parcel as the carrier says it is now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: LabelId
    carrier: CarrierId
    service: Service
    tracking_number: TrackingNumber
    reference: str
    """Our order id."""
    shipment: str
    """Our name of the shipment, which the carrier gives back in its events."""
    price: Money
    bought_at: AwareDatetime
    deliver_by: AwareDatetime
    status: ParcelStatus
    status_at: AwareDatetime
    voided_at: AwareDatetime | None = None

    @property
    def known(self) -> Known[ParcelStatus]:
        return Known[ParcelStatus](status=self.status, at=self.status_at)


class CarrierRefusal(StrEnum):
    """Why a carrier says no for good."""

    ADDRESS = "address"
    """It does not deliver there: another carrier may."""
    WEIGHT = "weight"
    SERVICE = "service"
    """It has no such service there."""
    IN_USE = "in_use"
    """The parcel is on its way: its label cannot be voided any more."""
    OTHER = "other"


class Standing(StrEnum):
    """Why a carrier stands where it stands among those to be asked for a label."""

    IN_TIME = "in_time"
    LATE = "late"
    """It would deliver after the promise: better than not at all."""
    OTHER_SERVICE = "other_service"
    DEARER = "dearer"
    """The same carrier asks less for the same service, or is sooner for the same money."""
    REFUSED = "refused"
    """It was asked before and said no."""


class RankedRate(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: Rate
    standing: Standing


class CarrierOrder(BaseModel):
    """Whom to ask for a label, one after the other, and who is not asked, each with the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: tuple[RankedRate, ...]
    left_out: tuple[RankedRate, ...]


def carriers_in_order(
    rates: Iterable[Rate], service: Service, promised_by: datetime | None, refused: Collection[CarrierId] = ()
) -> CarrierOrder:
    """Who keeps the promise first, the cheapest of them first; then who is late, the soonest first.

    Each carrier is asked once. Without a promise everybody is in time. Rates are of one currency.
    """
    ask: list[RankedRate] = []
    left_out: list[RankedRate] = []

    def standing(rate: Rate) -> Standing:
        if rate.service is not service:
            return Standing.OTHER_SERVICE
        if rate.carrier in refused:
            return Standing.REFUSED
        if any(better.rate.carrier == rate.carrier for better in ask):
            return Standing.DEARER
        return Standing.IN_TIME if _in_time(rate, promised_by) else Standing.LATE

    for rate in sorted(rates, key=lambda rate: _preference(rate, promised_by)):
        ranked = RankedRate(rate=rate, standing=standing(rate))
        (ask if ranked.standing in (Standing.IN_TIME, Standing.LATE) else left_out).append(ranked)
    return CarrierOrder(ask=tuple(ask), left_out=tuple(left_out))


def _in_time(rate: Rate, promised_by: datetime | None) -> bool:
    return promised_by is None or rate.deliver_by <= promised_by


def _preference(rate: Rate, promised_by: datetime | None) -> tuple[object, ...]:
    if _in_time(rate, promised_by):
        return (0, rate.price.amount, rate.deliver_by, rate.carrier)
    return (1, rate.deliver_by, rate.price.amount, rate.carrier)
