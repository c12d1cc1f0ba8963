"""A pickup's stay in a parcel machine: the compartment held for it, what the operator says, and what follows from that.

The operator alone knows what lies in a machine, so every step here follows from its word; what was asked of it is kept
until it has answered. A compartment that is not wanted any more is *spare* until the operator has it back, empty.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from domain.hearsay import Effect, Known
from domain.ids import LineId, OperationKey, OrderId, StoreId, operation_key
from domain.lockers import (
    Compartment,
    CompartmentId,
    CompartmentSize,
    CompartmentStatus,
    LockerId,
    LockerRefusal,
    hear_of_compartment,
)

if TYPE_CHECKING:
    from domain.pickups import PickupGroup

MOST_EVENTS = 100
"""So many events of one stay are kept; an operator that tells more is broken."""
LONGEST_STAY = timedelta(days=366)
"""An operator that names a later end knows of none."""
SMALL_HOLDS, MEDIUM_HOLDS = 2, 6
"""Units that fit into a compartment, where nobody has measured them."""


class StayStatus(StrEnum):
    REQUESTED = "requested"
    """The customer wants it; no compartment is held yet."""
    RESERVED = "reserved"
    DEPOSITED = "deposited"
    COLLECTED = "collected"
    RELEASED = "released"
    EXPIRED = "expired"
    RETURNED = "returned"
    UNKNOWN = "unknown"
    FULL = "full"
    """No compartment was free: the customer comes to the counter."""
    COUNTER = "counter"
    """The customer comes to the counter for another reason."""


class CounterReason(StrEnum):
    """Why goods wait at the counter instead of in the machine."""

    FULL = "locker_full"
    OUT_OF_ORDER = "locker_out_of_order"
    AWAY = "locker_away"
    """Its operator did not answer in time."""
    NOT_FILLED = "locker_not_filled"
    """The time of the compartment was over before anything was put in."""
    ELSEWHERE = "locker_elsewhere"
    """Another store has the goods now, and the machine does not stand there."""


def counter_reason(refusal: LockerRefusal) -> CounterReason:
    return CounterReason.FULL if refusal is LockerRefusal.FULL else CounterReason.OUT_OF_ORDER


class LockerNews(BaseModel):
    """What the operator said of one compartment, and when by its clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str
    compartment_id: CompartmentId
    at: datetime
    said: str
    """The operator's own word."""
    status: CompartmentStatus
    collect_by: datetime | None = None


class Sighting(BaseModel):
    """One piece of news, and what was made of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    news: LockerNews
    effect: Effect


class TakeOut(BaseModel):
    """A cancel that the operator was asked to carry out, unless the customer is quicker."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: dict[LineId, int]
    reason: str
    """A cancel's reason."""
    since: datetime


class LockerStay(BaseModel):
    model_config = ConfigDict(extra="forbid")

    locker_id: LockerId
    store_id: StoreId
    """Where the machine stands, and whose people fill it."""
    number: int = 1
    """Of the compartment that is, or is to be, held; part of its key."""
    asking: bool = False
    """The operator is being asked for it."""
    compartment_id: CompartmentId | None = None
    size: CompartmentSize | None = None
    known: Known[CompartmentStatus] | None = None
    """What the operator last said of that compartment."""
    reserved_until: datetime | None = None
    collect_by: datetime | None = None
    look_at: datetime | None = None
    """When the operator is asked how it stands, if it says nothing by then."""
    looks: int = 0
    take_out: TakeOut | None = None
    counter: CounterReason | None = None
    spare: list[OperationKey] = []
    """Keys of reservations that nobody needs any more: to be released, or emptied."""
    left: list[CompartmentId] = []
    """Compartments that were given up."""
    sightings: list[Sighting] = []
    early: list[LockerNews] = []
    """News of compartments of which nothing is known (yet)."""

    @property
    def status(self) -> StayStatus:
        if self.counter is not None:
            return StayStatus.FULL if self.counter is CounterReason.FULL else StayStatus.COUNTER
        if self.known is not None:
            return StayStatus(self.known.status.value)
        return StayStatus.RELEASED if self.left and not self.asking else StayStatus.REQUESTED

    @property
    def said(self) -> CompartmentStatus | None:
        """How the compartment stands, while there is one."""
        return self.known.status if self.known is not None else None

    @property
    def live(self) -> bool:
        """Something of it is, or may come to be, in the operator's hands."""
        return self.asking or (self.said is not None and self.said in HELD)

    def key(self, order_id: OrderId, n: int) -> OperationKey:
        """Under which the compartment is reserved."""
        return operation_key(order_id, "locker", n, self.number)

    def reserved(self, compartment: Compartment) -> None:
        """The operator holds a compartment; what it said of it before our answer came counts now."""
        self.asking = False
        self.compartment_id, self.size = compartment.id, compartment.size
        self.known, self.reserved_until = compartment.known, compartment.reserved_until
        self.collect_by = end_of(compartment.collect_by, compartment.status_at)
        for news in [each for each in self.early if each.compartment_id == compartment.id]:
            self.early.remove(news)
            self.take(news)

    def take(self, news: LockerNews) -> Effect | None:
        """Keep what the operator said, once, and follow it where that can be true; what it did, or none if known.

        What is said of a compartment that was given up, or of one that is not known, changes nothing.
        """
        kept = [sighting.news for sighting in self.sightings] + self.early
        if len(kept) >= MOST_EVENTS or any(each.event_id == news.event_id for each in kept):
            return None
        if news.compartment_id != self.compartment_id or self.known is None:
            if news.compartment_id in self.left:
                self.sightings.append(Sighting(news=news, effect=Effect.OUT_OF_ORDER))
                return Effect.OUT_OF_ORDER
            self.early.append(news)
            return None
        heard = hear_of_compartment(self.known, news.status, news.at)
        self.known = heard.known
        if heard.effect in (Effect.APPLIED, Effect.REPEATED):
            self.collect_by = end_of(news.collect_by, news.at) or self.collect_by
        self.sightings.append(Sighting(news=news, effect=heard.effect))
        return heard.effect

    def anew(self) -> "LockerStay":
        """The same wish, for units that leave their group."""
        return LockerStay(locker_id=self.locker_id, store_id=self.store_id, counter=self.counter)

    def give_up(self, order_id: OrderId, n: int) -> None:
        """The compartment, if there is one, is spare from now on; another may be asked for."""
        if self.compartment_id is not None:
            self.left.append(self.compartment_id)
            if self.said in HELD:
                self.spare.append(self.key(order_id, n))
        self.forget()

    def unanswered(self, order_id: OrderId, n: int) -> None:
        """Nobody knows whether a compartment was reserved: if one was, it goes back."""
        self.spare.append(self.key(order_id, n))
        self.forget()

    def forget(self) -> None:
        self.asking, self.number = False, self.number + 1
        self.compartment_id = self.size = self.known = self.reserved_until = self.collect_by = None
        self.look_at, self.looks, self.take_out = None, 0, None


def end_of(collect_by: datetime | None, said_at: datetime) -> datetime | None:
    """Until when the customer may come, if that is a time to reckon with."""
    return collect_by if collect_by is not None and collect_by - said_at <= LONGEST_STAY else None


HELD = frozenset({CompartmentStatus.RESERVED, CompartmentStatus.DEPOSITED, CompartmentStatus.UNKNOWN})
"""While the operator holds it for us."""
GOING_BACK = frozenset({CompartmentStatus.EXPIRED, CompartmentStatus.RETURNED})


class StayStep(StrEnum):
    """What is to be done next about a stay."""

    RESERVE = "reserve"
    FILL = "fill"
    """The goods lie in it: the customer is told."""
    HAND_OUT = "hand_out"
    """The customer has taken them."""
    TAKE_OUT = "take_out"
    """The operator is to take them out again, for a cancel."""
    GO_BACK = "go_back"
    """The operator brings them back."""
    TO_COUNTER = "to_counter"
    GIVE_UP = "give_up"
    """The compartment is not wanted any more."""
    EMPTY = "empty"
    """The operator is to have a spare compartment back."""


def next_step(group: "PickupGroup", *, held: bool) -> StayStep | None:
    """What follows from what is known. `held`: a hold stands, so that nothing begins; what has happened counts."""
    stay = group.locker
    if stay is None:
        return None
    said, wanted = stay.said, group.open and group.waits_for is None and stay.counter is None
    if said is not None:
        if not wanted:
            if said in HELD:
                return StayStep.GIVE_UP
        elif said is CompartmentStatus.COLLECTED:
            return StayStep.HAND_OUT
        elif said in GOING_BACK:
            return StayStep.GO_BACK
        elif said is CompartmentStatus.RELEASED:
            return StayStep.TO_COUNTER
        elif said is CompartmentStatus.DEPOSITED and group.ready_at is None and not held:
            return StayStep.FILL
        elif said is CompartmentStatus.DEPOSITED and stay.take_out is not None:
            return StayStep.TAKE_OUT
    if stay.spare:
        return StayStep.EMPTY
    may_begin = wanted and group.accepted_at is not None and group.ready_at is None and not held
    idle = said is None and not stay.asking
    return StayStep.RESERVE if may_begin and idle else None


def size_for(units: int) -> CompartmentSize:
    """The smallest compartment that should hold so many units."""
    if units <= SMALL_HOLDS:
        return CompartmentSize.SMALL
    return CompartmentSize.MEDIUM if units <= MEDIUM_HOLDS else CompartmentSize.LARGE
