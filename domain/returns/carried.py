"""How goods come back without a counter: under a label that we buy, or through the door of a parcel machine."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from domain.carriage import Label, ParcelStatus, hear_of_parcel
from domain.hearsay import Effect, Known
from domain.ids import OperationKey, OrderId, ReturnId, StoreId, operation_key
from domain.locker_stays import LockerStay
from domain.lockers import CompartmentStatus
from domain.parcels import MOST_EVENTS, ParcelEvent
from domain.returns.words import ReturnVia

UNWEIGHED_GRAMS = 500
"""What a unit counts for: nobody has weighed what a customer packs."""
HEAVIEST_GRAMS = 1_000_000


class LabelState(StrEnum):
    WANTED = "wanted"
    BOUGHT = "bought"
    NONE = "none"
    """No carrier sold one: the customer brings it, or sends it by a carrier of their own."""
    GIVEN_BACK = "given_back"
    """Nobody used it."""


ON_ITS_WAY = frozenset(
    {
        ParcelStatus.PICKED_UP,
        ParcelStatus.IN_TRANSIT,
        ParcelStatus.OUT_FOR_DELIVERY,
        ParcelStatus.DELIVERY_FAILED,
        ParcelStatus.DELIVERED,
    }
)
"""Said of a return's parcel, its customer has given it away."""
ASTRAY = frozenset(
    {
        ParcelStatus.LOST,
        ParcelStatus.DAMAGED,
        ParcelStatus.REFUSED,
        ParcelStatus.RETURNING,
        ParcelStatus.RETURNED,
    }
)
"""It does not come by itself: a person decides."""


class ReturnParcel(BaseModel):
    """The parcel of a return under a label of ours, from the wish for it to its arrival."""

    model_config = ConfigDict(extra="forbid")

    to: StoreId
    """The place to which it goes."""
    state: LabelState = LabelState.WANTED
    tries: NonNegativeInt = 0
    key: OperationKey | None = None
    """Under which the label was bought."""
    label_id: str | None = None
    carrier: str | None = None
    tracking_number: str | None = None
    status: ParcelStatus = ParcelStatus.LABEL_CREATED
    status_at: datetime | None = None
    events: list[ParcelEvent] = []

    def bought(self, label: Label, key: OperationKey) -> None:
        self.state, self.key, self.label_id = LabelState.BOUGHT, key, label.id
        self.carrier, self.tracking_number = label.carrier, label.tracking_number
        self.status, self.status_at = label.status, label.status_at

    def take(self, event_id: str, at: datetime, said: str, status: ParcelStatus) -> Effect | None:
        """Keep what the carrier said, once, and follow it where that can be true; what it did, or none if known."""
        if len(self.events) >= MOST_EVENTS or any(known.event_id == event_id for known in self.events):
            return None
        heard = hear_of_parcel(Known[ParcelStatus](status=self.status, at=self.status_at or at), status, at)
        self.status, self.status_at = heard.known.status, heard.known.at
        self.events.append(ParcelEvent(event_id=event_id, at=at, said=said, status=status, effect=heard.effect))
        return heard.effect

    @property
    def unused(self) -> bool:
        """It was bought, and no carrier has seen the parcel."""
        return self.state is LabelState.BOUGHT and self.status is ParcelStatus.LABEL_CREATED


def label_key(order_id: OrderId, return_id: ReturnId, tries: int) -> OperationKey:
    return operation_key(order_id, "return-label", return_id, tries)


def compartment_key(order_id: OrderId, return_id: ReturnId, number: int) -> OperationKey:
    return operation_key(order_id, "return-locker", return_id, number)


def is_compartment(key: OperationKey) -> bool:
    """Whether something that nobody needs is a compartment; otherwise it is a label."""
    return key.split(":")[1] == "return-locker"


def weight_of(units: int) -> int:
    return min(max(1, units) * UNWEIGHED_GRAMS, HEAVIEST_GRAMS)


class ParcelView(BaseModel):
    """A return's parcel as everybody reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: StoreId
    label: LabelState
    carrier: str | None = None
    tracking_number: str | None = None
    status: ParcelStatus | None = None
    status_at: datetime | None = None


class DropView(BaseModel):
    """A return's stay in a parcel machine. Its codes are the operator's, and never here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    locker_id: str
    status: str
    compartment_id: str | None = None
    reserved_until: datetime | None = None
    collect_by: datetime | None = None
    """Until when the store may fetch it; then its operator brings it."""


def parcel_view(parcel: ReturnParcel | None) -> ParcelView | None:
    if parcel is None:
        return None
    bought = parcel.label_id is not None
    return ParcelView(
        to=parcel.to,
        label=parcel.state,
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        status=parcel.status if bought else None,
        status_at=parcel.status_at if bought else None,
    )


def drop_view(drop: LockerStay | None) -> DropView | None:
    if drop is None:
        return None
    return DropView(
        locker_id=drop.locker_id,
        status=drop.status.value,
        compartment_id=drop.compartment_id,
        reserved_until=drop.reserved_until,
        collect_by=drop.collect_by,
    )


WITH_OPERATOR = frozenset({CompartmentStatus.DEPOSITED, CompartmentStatus.EXPIRED})
"""It lies in the machine, or its operator brings it."""
AT_STORE = frozenset({CompartmentStatus.COLLECTED, CompartmentStatus.RETURNED})
"""The store has fetched it, or was brought it."""


def wants_label(via: ReturnVia, parcel: ReturnParcel | None) -> bool:
    return via is ReturnVia.POST and parcel is not None and parcel.state is LabelState.WANTED


def wants_compartment(via: ReturnVia, drop: LockerStay | None) -> bool:
    return via is ReturnVia.LOCKER and drop is not None and drop.compartment_id is None and drop.counter is None
