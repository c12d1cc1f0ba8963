"""A pickup group: the lines of one order that one store makes ready for its customer."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.ids import GroupId, LineId, OrderId, StoreId, pickup_id
from domain.intake import PickupMode, Relation
from domain.refusals import Refusal, RefusalKind, Refused
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


FINAL = frozenset({GroupStatus.COLLECTED, GroupStatus.REJECTED, GroupStatus.EXPIRED, GroupStatus.CANCELLED})


class WaitsFor(StrEnum):
    """Why a group's store is not at work."""

    HOLDS = "holds"
    CHOICE = "choice"
    STOCK = "stock"


class Ending(StrEnum):
    """Why the last of a group's units left it without being handed over."""

    MOVED = "moved"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class ProofKind(StrEnum):
    CODE = "code"
    ID_SIGHTED = "id_sighted"
    SIGNATURE = "signature"


class HandOver(BaseModel):
    """Proof of one hand-over: who gave what to whom, when, and how that was checked. Never changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command_id: str
    at: datetime
    recorded_at: datetime
    by: str
    relation: Relation
    proof: ProofKind
    lines: dict[LineId, int]
    refused: dict[LineId, int]
    captured: int
    """Minor units captured for it, or still to be captured when the payment system is away."""
    capture_pending: bool = False


class PickupGroup(BaseModel):
    """What the store owes, and every recorded event from which the group's status is derived."""

    model_config = ConfigDict(extra="forbid")

    order_id: OrderId
    n: int
    store_id: StoreId
    mode: PickupMode
    units: dict[LineId, Units]
    proxy: Relation | None = None
    """The buyer named someone else who may collect; the name is in the vault."""
    requested_at: datetime | None = None
    promised_ready_at: datetime | None = None
    waits_for: WaitsFor | None = WaitsFor.HOLDS
    waiting_since: datetime | None = None
    choose_by: datetime | None = None
    """Until when the customer may choose, or wait for stock."""
    offered_at: datetime | None = None
    accept_by: datetime | None = None
    escalated: bool = False
    accepted_at: datetime | None = None
    picking_at: datetime | None = None
    late_until: datetime | None = None
    """Until when the store may get ready all the same, once it was reminded that the promised time is over."""
    ready_at: datetime | None = None
    location: str | None = None
    deadline: datetime | None = None
    latest_deadline: datetime | None = None
    reminders: list[datetime] = []
    expiring_notice_at: datetime | None = None
    extensions: int = 0
    arrived_at: datetime | None = None
    arrivals: int = 0
    bay: str | None = None
    code_serial: int = 0
    wrong_codes: int = 0
    code_locked: bool = False
    hand_overs: list[HandOver] = []
    put_back: dict[LineId, int] = {}
    """Units set aside that the store must put back on the shelf."""
    declined_by: list[StoreId] = []
    ending: Ending | None = None

    @property
    def group_id(self) -> GroupId:
        return pickup_id(self.order_id, self.n)

    @property
    def owed(self) -> int:
        return sum(units.owed for units in self.units.values())

    @property
    def open(self) -> bool:
        return self.owed > 0

    @property
    def ready_by(self) -> datetime | None:
        """When somebody asks why it is not ready: the store first, the customer the second time."""
        return self.late_until or self.promised_ready_at

    @property
    def has_stock(self) -> bool:
        """The store holds stock for the owed units; it was given back when the customer was asked or stock ran out."""
        return self.waits_for not in (WaitsFor.CHOICE, WaitsFor.STOCK)

    def count(self, *states: UnitState) -> int:
        return sum(units.sum(states) for units in self.units.values())

    @property
    def status(self) -> GroupStatus:
        """Derived from quantities and recorded events; nothing keeps a status beside them."""
        if not self.open:
            if self.count(UnitState.HANDED_OVER):
                return GroupStatus.COLLECTED
            return {Ending.MOVED: GroupStatus.REJECTED, Ending.EXPIRED: GroupStatus.EXPIRED}.get(
                self.ending or Ending.CANCELLED, GroupStatus.CANCELLED
            )
        if self.waits_for is not None:
            return GroupStatus.WAITING
        if self.ready_at is not None:
            return GroupStatus.READY
        if self.picking_at is not None:
            return GroupStatus.PICKING
        return GroupStatus.ACCEPTED if self.accepted_at is not None else GroupStatus.OFFERED

    def require(self, allowed: Iterable[GroupStatus], doing: str) -> None:
        """Refuse, with what to do instead, unless the group is in one of the `allowed` states."""
        wanted = list(allowed)
        if self.status in wanted:
            return
        hint = {
            GroupStatus.WAITING: "it waits for the customer, for stock or for a hold to be cleared",
            GroupStatus.OFFERED: "the store must accept it first",
            GroupStatus.ACCEPTED: "it must be picked first",
            GroupStatus.PICKING: "it must be made ready first",
            GroupStatus.EXPIRED: "its pickup window is over; put the units back",
            GroupStatus.CANCELLED: "it was cancelled; put the units back",
            GroupStatus.REJECTED: "it went elsewhere",
            GroupStatus.COLLECTED: "the customer has it",
        }.get(self.status, "see its present state")
        raise Refused(
            Refusal(
                kind=RefusalKind.NOT_ALLOWED_NOW, detail=f"This pickup is {self.status}, so {doing} is off: {hint}."
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
                detail = f"This pickup has no line {line}."
                raise Refused(Refusal(kind=RefusalKind.TOO_MANY_UNITS, detail=detail))
            there = self.units[line].sum(states)
            if not 0 <= quantity <= there:
                raise Refused(
                    Refusal(
                        kind=RefusalKind.TOO_MANY_UNITS,
                        detail=f"Line {line} has {there} such units in this pickup, not {quantity}.",
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
