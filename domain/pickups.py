"""A pickup: the group that a store makes ready for its customer, who comes with a code."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.groups import Ending, Group, GroupStatus, WaitsFor
from domain.ids import GroupId, LineId, OperationKey, Sku, StoreId, pickup_id
from domain.intake import PickupMode, Relation
from domain.kits import Component
from domain.locker_stays import LockerStay
from domain.transits import SendingPlan, Transit, in_transit_to
from domain.units import Units, UnitState


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
    refusal_reasons: dict[LineId, str] = {}
    proof_ref: str | None = None
    """The till's or scanner's own reference to the proof."""
    captured: int
    """Minor units captured for it, or still to be captured when the payment system is away."""
    capture_pending: bool = False


class Proposal(BaseModel):
    """Another article that the store has instead of units that it did not find."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line_id: LineId
    sku: Sku
    quantity: int
    unit_price: int
    """Its usual price, minor units."""
    components: list[Component] = []
    worth: int
    """What the customer would pay for all of it: the lower of the two prices."""


class PickupGroup(Group):
    """What a store owes a customer who comes for it."""

    noun: ClassVar[str] = "pickup"
    hints: ClassVar[dict[GroupStatus, str]] = {
        GroupStatus.WAITING: "it waits for the customer, for stock or for a hold to be cleared",
        GroupStatus.OFFERED: "the store must accept it first",
        GroupStatus.ACCEPTED: "it must be picked first",
        GroupStatus.PICKING: "it must be made ready first",
        GroupStatus.IN_TRANSIT_TO_STORE: "it is on its way to the store; say what came with …/arrive",
        GroupStatus.ARRIVED: "it must be made ready first",
        GroupStatus.EXPIRED: "its pickup window is over; put the units back",
        GroupStatus.CANCELLED: "it was cancelled; put the units back",
        GroupStatus.REJECTED: "it went elsewhere",
        GroupStatus.COLLECTED: "the customer has it",
    }

    kind: Literal["pickup"] = "pickup"
    mode: PickupMode
    proxy: Relation | None = None
    """The buyer named someone else who may collect; the name is in the vault."""
    requested_at: datetime | None = None
    choose_by: datetime | None = None
    """Until when the customer may choose, or wait for stock."""
    ready_at: datetime | None = None
    deadline: datetime | None = None
    latest_deadline: datetime | None = None
    reminders: list[datetime] = Field(default_factory=list)
    expiring_notice_at: datetime | None = None
    extensions: int = 0
    arrived_at: datetime | None = None
    arrivals: int = 0
    bay: str | None = None
    code_serial: int = 0
    wrong_codes: int = 0
    code_locked: bool = False
    hand_overs: list[HandOver] = Field(default_factory=list)
    proposal: Proposal | None = None
    """What its customer is offered instead, while that may be chosen."""
    transit: Transit | None = None
    """Its goods were sent here from another place."""
    plan: SendingPlan | None = None
    """Its goods were to be sent here, and did not come: how they would be sent again."""
    spare_labels: list[OperationKey] = Field(default_factory=list)
    """Of its transfer: purchases of labels that nobody uses, to be given back."""
    locker: LockerStay | None = None
    """The customer wanted it in a parcel machine."""

    @property
    def group_id(self) -> GroupId:
        return pickup_id(self.order_id, self.n)

    @property
    def in_transit(self) -> bool:
        """Goods of it, wanted or not, are on their way to the store."""
        return self.transit is not None and self.transit.arrived_at is None

    @property
    def stock_place(self) -> StoreId:
        return in_transit_to(self.store_id) if self.in_transit else self.store_id

    @property
    def under_way(self) -> bool:
        return bool(self.spare_labels) or self.locker_under_way

    @property
    def locker_under_way(self) -> bool:
        """The operator of its machine has, or is asked for, something that is not where it stays."""
        return self.locker is not None and bool(self.locker.spare or (self.locker.live and not self.open))

    @property
    def in_locker(self) -> bool:
        """Its goods lie in a machine for its customer, as far as anybody has said."""
        there = self.locker is not None and self.locker.counter is None
        return there and self.open and self.waits_for is None and self.ready_at is not None

    @property
    def goes_to_locker(self) -> bool:
        """Its store puts it into a machine, not behind the counter."""
        return self.locker is not None and self.locker.counter is None and self.open and self.ready_at is None

    @property
    def out_of_reach(self) -> bool:
        """It lies, or has lain, in a machine: nothing can be done about it at the counter."""
        return self.locker is not None and self.locker.counter is None and self.ready_at is not None

    @property
    def asks_operator(self) -> bool:
        """Something is asked of the operator that has no answer yet."""
        return self.locker is not None and (self.locker.asking or bool(self.locker.spare or self.locker.take_out))

    @property
    def status(self) -> GroupStatus:
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
        if self.transit is not None:
            return GroupStatus.IN_TRANSIT_TO_STORE if self.in_transit else GroupStatus.ARRIVED
        if self.picking_at is not None:
            return GroupStatus.PICKING
        return GroupStatus.ACCEPTED if self.accepted_at is not None else GroupStatus.OFFERED

    def successor(
        self, n: int, units: dict[LineId, Units], waits_for: WaitsFor, declined_by: list[StoreId]
    ) -> "PickupGroup":
        return PickupGroup(
            order_id=self.order_id,
            n=n,
            store_id=self.store_id,
            mode=self.mode,
            proxy=self.proxy,
            requested_at=self.requested_at,
            units=units,
            waits_for=waits_for,
            declined_by=declined_by,
            plan=self.plan,
            locker=self.locker.anew() if self.locker is not None else None,
        )
