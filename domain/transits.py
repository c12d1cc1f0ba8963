"""Goods on their way from one place to the store where their customer collects them."""

from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from domain.destinations import Destination
from domain.ids import LineId, OperationKey, StoreId
from domain.intake import Service
from domain.parcels import Parcel
from domain.refusals import Refusal, RefusalKind, Refused


def in_transit_to(store_id: StoreId) -> StoreId:
    """The place at which stock is counted while it travels to a store: nobody can be promised anything there."""
    return StoreId(f"transit:{store_id}")


class SendingPlan(BaseModel):
    """What is kept of how goods are sent to a store, should some have to be sent again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: int
    to_store: StoreId
    service: Service
    destination: Destination
    allow_split: bool = True
    keep_together: bool = False
    exclude: list[StoreId] = []


class Transit(BaseModel):
    """One parcel of a transfer. Nobody has paid for it: the customer does when the goods are handed over."""

    model_config = ConfigDict(extra="forbid")

    from_store: StoreId
    plan: SendingPlan
    parcel: Parcel
    capacity_key: OperationKey | None = None
    """Under which its sender had taken it on, until that is recorded as done."""
    arrived_at: datetime | None = None
    """When the store said what came, or nothing is waited for any more."""


class Received(NamedTuple):
    """What a store found in a parcel, against what was sent."""

    came: dict[LineId, int]
    """For the customer."""
    shelved: dict[LineId, int]
    """Came, though it is not wanted any more: for the shelf."""
    missing: dict[LineId, int]
    """The customer's, and not there or not whole."""
    written_off: dict[LineId, int]
    """Not wanted any more, and not there or not whole."""


def receive(
    owed: dict[LineId, int],
    unwanted: dict[LineId, int],
    good: dict[LineId, int] | None,
    damaged: dict[LineId, int],
) -> Received:
    """Divide what came: the customer's share first. `good`: by default all that is not damaged.

    Raises `Refused` for more units than were sent.
    """
    sent = {line: owed.get(line, 0) + unwanted.get(line, 0) for line in (*owed, *unwanted)}
    if good is None:
        good = {line: max(0, n - damaged.get(line, 0)) for line, n in sent.items()}
    for line in (*good, *damaged):
        said, known = good.get(line, 0) + damaged.get(line, 0), sent.get(line, 0)
        if said > known:
            detail = f"{known} units of line {line} were sent, not {said}. What came beside them is not this order's."
            raise Refused(Refusal(kind=RefusalKind.TOO_MANY_UNITS, detail=detail))
    came = {line: min(n, good.get(line, 0)) for line, n in owed.items()}
    shelved = {line: min(n, good.get(line, 0) - came.get(line, 0)) for line, n in unwanted.items()}
    return Received(
        came=_some(came),
        shelved=_some(shelved),
        missing=_some({line: n - came[line] for line, n in owed.items()}),
        written_off=_some({line: n - shelved[line] for line, n in unwanted.items()}),
    )


def _some(lines: dict[LineId, int]) -> dict[LineId, int]:
    return {line: n for line, n in lines.items() if n > 0}
