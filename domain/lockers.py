"""Parcel machines of an operator: a compartment held for goods, what lies in it, and who may still open it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.hearsay import Heard, Known, Moves

LockerId = NewType("LockerId", str)
"""The operator's name of one machine, which the customer chose."""
CompartmentId = NewType("CompartmentId", str)
"""The operator's id of one compartment held for one parcel of ours, from its reservation to its end."""


class CompartmentSize(StrEnum):
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class CompartmentStatus(StrEnum):
    RESERVED = "reserved"
    DEPOSITED = "deposited"
    """The goods lie in it and the customer can open it with the operator's code."""
    COLLECTED = "collected"
    RELEASED = "released"
    """Given up, or its time ran out, before anything was put in."""
    EXPIRED = "expired"
    """Nobody came in time: the code no longer opens it, and the goods wait for their way back."""
    RETURNED = "returned"
    """The goods are back with their sender."""
    UNKNOWN = "unknown"
    """A word of the operator's that has no meaning here."""


COMPARTMENT_MOVES = Moves(
    {
        CompartmentStatus.RESERVED: (CompartmentStatus.DEPOSITED, CompartmentStatus.RELEASED),
        CompartmentStatus.DEPOSITED: (CompartmentStatus.COLLECTED, CompartmentStatus.EXPIRED),
        CompartmentStatus.EXPIRED: (CompartmentStatus.RETURNED,),
        CompartmentStatus.COLLECTED: (),
        CompartmentStatus.RELEASED: (),
        CompartmentStatus.RETURNED: (),
    },
    unknown=CompartmentStatus.UNKNOWN,
)


def compartment_status(word: str) -> CompartmentStatus:
    """The status that an operator's word means."""
    return CompartmentStatus(word) if word in set(CompartmentStatus) else CompartmentStatus.UNKNOWN


def hear_of_compartment(
    known: Known[CompartmentStatus], status: CompartmentStatus, at: datetime
) -> Heard[CompartmentStatus]:
    """What an operator's report does to what is known of a compartment."""
    return COMPARTMENT_MOVES.hear(known, Known[CompartmentStatus](status=status, at=at))


class Compartment(BaseModel):
    """A compartment that is or was ours, as the operator says it is now. Its codes are asked for apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: CompartmentId
    locker_id: LockerId
    size: CompartmentSize
    reference: str
    """Our order id."""
    group: str
    """Our name of the group of goods, which the operator gives back in its events."""
    status: CompartmentStatus
    status_at: AwareDatetime
    reserved_until: AwareDatetime
    """Deposit before then, or it is given to others."""
    collect_by: AwareDatetime | None = None
    """When the customer's time ends; known once the goods are in."""
    tracking_number: Annotated[str, Field(max_length=64)] | None = None
    """The parcel that is expected, or was put in."""

    @property
    def known(self) -> Known[CompartmentStatus]:
        return Known[CompartmentStatus](status=self.status, at=self.status_at)


class LockerRefusal(StrEnum):
    """Why an operator says no for good."""

    FULL = "full"
    """No compartment of that size is free there: a larger one or another machine may be."""
    UNKNOWN_LOCKER = "unknown_locker"
    OUT_OF_ORDER = "out_of_order"
    """The machine stands still; another one will do."""
    OCCUPIED = "occupied"
    """Something lies in it: it cannot be released, but sent back."""
    EMPTY = "empty"
    """Nothing lies in it that could be sent back or collected."""
    OTHER = "other"
