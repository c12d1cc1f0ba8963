"""A fulfilment group: the units of one order that one place gets ready, for its customer or for a carrier."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from domain.ids import GroupId, LineId, OrderId, StoreId
from domain.refusals import Refusal, RefusalKind, Refused
from domain.supply import Supply
from domain.units import OWED, Units, UnitState


class GroupStatus(StrEnum):
    WAITING = "waiting"
    QUEUED = "queued"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    PICKING = "picking"
    READY = "ready"
    PACKED = "packed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    REQUESTED = "requested"
    IN_TRANSIT_TO_STORE = "in_transit_to_store"
    ARRIVED = "arrived"
    COLLECTED = "collected"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


FINAL = frozenset(
    {
        GroupStatus.COLLECTED,
        GroupStatus.DELIVERED,
        GroupStatus.REJECTED,
        GroupStatus.EXPIRED,
        GroupStatus.CANCELLED,
    }
)


class WaitsFor(StrEnum):
    """Why a group's place is not at work."""

    HOLDS = "holds"
    CHOICE = "choice"
    STOCK = "stock"
    SUPPLY = "supply"
    """It was sold beyond stock."""
    SOURCING = "sourcing"
    """No place has it: one is looked for."""


class Ending(StrEnum):
    """Why the last of a group's units left it without being handed over or dispatched."""

    MOVED = "moved"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Group(BaseModel):
    """What a place owes, and the recorded events from which the group's status is derived."""

    model_config = ConfigDict(extra="forbid")

    noun: ClassVar[str]
    """What people call it."""
    hints: ClassVar[dict[GroupStatus, str]]
    """What to do instead of something that the status forbids."""

    kind: Literal["pickup", "shipment", "transfer", "virtual"]
    order_id: OrderId
    n: int
    """Unique within the order, over both kinds."""
    store_id: StoreId
    """The store or warehouse; empty while none is found."""
    units: dict[LineId, Units]
    promised_ready_at: datetime | None = None
    """When it is to be ready for whoever takes it away: the customer, or the carrier."""
    waits_for: WaitsFor | None = WaitsFor.HOLDS
    waiting_since: datetime | None = None
    offered_at: datetime | None = None
    accept_by: datetime | None = None
    escalated: bool = False
    accepted_at: datetime | None = None
    picking_at: datetime | None = None
    late_until: datetime | None = None
    """Until when the place may get ready all the same, once it was reminded that the promised time is over."""
    location: str | None = None
    put_back: dict[LineId, int] = {}
    """Units set aside that the place must put back on the shelf."""
    declined_by: list[StoreId] = []
    supply: Supply | None = None
    """What it waits for, while it waits in the queue for supply."""
    ending: Ending | None = None

    @property
    def group_id(self) -> GroupId:
        raise NotImplementedError

    @property
    def status(self) -> GroupStatus:
        """Derived from quantities and recorded events; nothing keeps a status beside them."""
        raise NotImplementedError

    def successor(self, n: int, units: dict[LineId, Units], waits_for: WaitsFor, declined_by: list[StoreId]) -> "Group":
        """A new group, numbered `n`, for units that this one's place cannot serve."""
        raise NotImplementedError

    @property
    def paid(self) -> bool:
        """Its units have had their share of the money before: they stand for others that were lost."""
        return False

    @property
    def under_way(self) -> bool:
        """Units have left and are not where they stay."""
        return False

    @property
    def customer_place(self) -> StoreId | None:
        """Where its customer has business; nowhere when the goods come to the customer."""
        return self.store_id or None

    @property
    def stock_place(self) -> StoreId:
        """Where its units are counted."""
        return self.store_id

    @property
    def owed(self) -> int:
        return sum(units.owed for units in self.units.values())

    @property
    def open(self) -> bool:
        return self.owed > 0

    @property
    def ready_by(self) -> datetime | None:
        """When somebody asks why it is not ready: the place first; the second time the work is taken from it."""
        return self.late_until or self.promised_ready_at

    @property
    def has_stock(self) -> bool:
        """The place holds stock for the owed units; otherwise it was given back, or never was."""
        return self.waits_for in (None, WaitsFor.HOLDS)

    def count(self, *states: UnitState) -> int:
        return sum(units.sum(states) for units in self.units.values())

    def require(self, allowed: Iterable[GroupStatus], doing: str) -> None:
        """Refuse, with what to do instead, unless the group is in one of the `allowed` states."""
        wanted = list(allowed)
        if self.status in wanted:
            return
        hint = self.hints.get(self.status, "see its present state")
        raise Refused(
            Refusal(
                kind=RefusalKind.NOT_ALLOWED_NOW,
                detail=f"This {self.noun} is {self.status}, which does not allow {doing}: {hint}.",
            )
        )

    def owed_lines(self, *states: UnitState) -> dict[LineId, int]:
        """Units per line that are in one of `states` (by default: any state that is still owed)."""
        among = states or tuple(OWED)
        return {line: n for line, units in self.units.items() if (n := units.sum(among)) > 0}

    def check_lines(self, asked: dict[LineId, int], *states: UnitState) -> None:
        """Refuse unknown lines and more units than are there."""
        for line, quantity in asked.items():
            if line not in self.units:
                detail = f"This {self.noun} has no line {line}."
                raise Refused(Refusal(kind=RefusalKind.TOO_MANY_UNITS, detail=detail))
            there = self.units[line].sum(states)
            if not 0 <= quantity <= there:
                raise Refused(
                    Refusal(
                        kind=RefusalKind.TOO_MANY_UNITS,
                        detail=f"Line {line} has {there} such units in this {self.noun}, not {quantity}.",
                    )
                )

    def move(self, line: LineId, target: UnitState, quantity: int, *sources: UnitState) -> None:
        """Move units to `target`, taking them from `sources` in that order. Raises `Refused` with nothing changed."""
        self.check_lines({line: quantity}, *sources)
        left = quantity
        for source in sources:
            part = min(left, self.units[line].count(source))
            if part:
                self.units[line].move(source, target, part)
                left -= part
