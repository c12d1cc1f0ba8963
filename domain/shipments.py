"""A shipment: the group that a store or warehouse picks, packs and gives to a carrier."""

from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.destinations import Destination
from domain.dropship import PartnerWork
from domain.groups import Ending, Group, GroupStatus, WaitsFor
from domain.ids import GroupId, LineId, OperationKey, Sku, StoreId, shipment_id
from domain.intake import Service
from domain.parcels import Box, Parcel
from domain.refusals import Refusal, RefusalKind, Refused
from domain.sourcing.rules import Queue
from domain.units import Units, UnitState


class StopAsked(BaseModel):
    """A cancel that a place at work was asked to carry out, if it still can."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: dict[LineId, int]
    reason: str
    """A cancel's reason."""
    since: datetime
    answer_by: datetime
    """Silence until then means that it stopped, unless the goods left."""


class ShipmentGroup(Group):
    """What a place owes a carrier, and the parcels that have left."""

    noun: ClassVar[str] = "shipment"
    hints: ClassVar[dict[GroupStatus, str]] = {
        GroupStatus.WAITING: "a hold must be cleared first",
        GroupStatus.QUEUED: "a place for it is looked for",
        GroupStatus.OFFERED: "the place must accept it first",
        GroupStatus.ACCEPTED: "it must be picked first",
        GroupStatus.PICKING: "it must be packed first",
        GroupStatus.PACKED: "it is packed; unpack it first",
        GroupStatus.SHIPPED: "it has left",
        GroupStatus.DELIVERED: "the customer has it",
        GroupStatus.EXCEPTION: "its parcel went wrong; decide its claim",
        GroupStatus.REJECTED: "it went to another place",
        GroupStatus.CANCELLED: "it was cancelled; put the units back",
    }

    kind: Literal["shipment"] = "shipment"
    origin: int
    """The number of the shipment that its units began in: its address is kept under that."""
    service: Service
    destination: Destination
    allow_split: bool = True
    keep_together: bool = False
    exclude: list[StoreId] = Field(default_factory=list)
    """Places that may not serve it, by the order's own wish."""
    hops: int = 0
    """How often it was taken to another place."""
    promised_at: datetime | None = None
    """When the customer was told to expect it: the first promise, kept over all hops."""
    queue: Queue | None = None
    """Where its units wait for a place: one queue at a time."""
    run_within: timedelta | None = None
    """The next run of its queue finds its places; what no run has come for after so long is looked for by itself."""
    held: dict[StoreId, dict[LineId, int]] = Field(default_factory=dict)
    """Where its units are reserved until a run finds their places."""
    moved_by: str | None = None
    """The run that has its units reserved elsewhere."""
    auto_cancel_at: datetime | None = None
    """Until when a place is looked for; nothing else ends the search when it was cleared."""
    look_again_at: datetime | None = None
    leave_by: datetime | None = None
    """When it was first promised to leave its place."""
    capacity_key: OperationKey | None = None
    """Under which its place counts it among the parcels that it takes on."""
    replaces: int | None = None
    """The shipment whose lost units these stand for: they are paid already."""
    packed: dict[LineId, int] = Field(default_factory=dict)
    """Picked units that were checked and are in a box."""
    boxes: list[Box] = Field(default_factory=list)
    """Boxes that are packed and have not left."""
    parcels: list[Parcel] = Field(default_factory=list)
    request: PartnerWork | None = None
    """What was asked of the partner that sends it; none of a place of ours."""
    partner_events: list[str] = Field(default_factory=list)
    """What its partner said by itself, by the ids of the events: each is heard once."""
    stop: StopAsked | None = None
    labels_tried: int = 0
    spare_labels: list[OperationKey] = Field(default_factory=list)
    """Purchases of labels that nobody uses, or whose outcome is not known: they are given back."""
    missing: list[Sku] = Field(default_factory=list)
    """Articles that its place has just declined as not in stock, of which its other orders are yet to be told."""
    returned: dict[LineId, int] = Field(default_factory=dict)
    """Units that came back from the carrier, to be looked at and put on the shelf."""

    @property
    def group_id(self) -> GroupId:
        return shipment_id(self.order_id, self.n)

    @property
    def status(self) -> GroupStatus:
        return self._status_at_work() if self.open else self._status_at_the_end()

    def _status_at_work(self) -> GroupStatus:
        if self.waits_for is not None:
            return GroupStatus.QUEUED if self.waits_for is WaitsFor.SOURCING else GroupStatus.WAITING
        if self.all_packed:
            return GroupStatus.PACKED
        if self.picking_at is not None:
            return GroupStatus.PICKING
        return GroupStatus.ACCEPTED if self.accepted_at is not None else GroupStatus.OFFERED

    def _status_at_the_end(self) -> GroupStatus:
        if any(parcel.claimed for parcel in self.parcels):
            return GroupStatus.EXCEPTION
        if self.count(UnitState.SHIPPED):
            return GroupStatus.SHIPPED
        if self.count(UnitState.DELIVERED):
            return GroupStatus.DELIVERED
        if self.parcels:
            return GroupStatus.EXCEPTION
        return GroupStatus.REJECTED if self.ending is Ending.MOVED else GroupStatus.CANCELLED

    @property
    def paid(self) -> bool:
        return self.replaces is not None

    @property
    def under_way(self) -> bool:
        return self.count(UnitState.SHIPPED) > 0 or bool(self.spare_labels or self.missing)

    @property
    def has_stock(self) -> bool:
        return super().has_stock and not self.held

    @property
    def customer_place(self) -> StoreId | None:
        return None

    @property
    def bound_for(self) -> StoreId | None:
        """The store that the goods are sent to, unless they go to the customer."""
        return None

    @property
    def one_place(self) -> bool:
        """It leaves from one place, or not at all."""
        return self.keep_together or not self.allow_split

    @property
    def all_packed(self) -> bool:
        """Everything that is owed lies in a box."""
        return bool(self.packed) and sum(self.packed.values()) == self.owed

    @property
    def begun(self) -> bool:
        """The place has goods in its hands, or is no place of ours: it can only be asked to stop."""
        return self.count(UnitState.PICKED) > 0 or self.request is not None

    @property
    def unpacked(self) -> dict[LineId, int]:
        """Picked units that are not in a box yet."""
        picked = self.owed_lines(UnitState.PICKED)
        return {line: left for line, n in picked.items() if (left := n - self.packed.get(line, 0)) > 0}

    def parcel(self, n: int | None) -> Parcel:
        """The named parcel, or the only one. Raises `Refused`."""
        found = [parcel for parcel in self.parcels if n in (None, parcel.n)]
        if len(found) == 1:
            return found[0]
        detail = (
            "Nothing of this shipment has left."
            if not self.parcels
            else f"This shipment has no parcel {n}."
            if n is not None
            else f"This shipment left in {len(self.parcels)} parcels: name one in `parcel`."
        )
        raise Refused(Refusal(kind=RefusalKind.NOT_FOUND, detail=detail))

    def let_go(self, lines: dict[LineId, int]) -> dict[StoreId, dict[LineId, int]]:
        """Up to so many units are not held any more; where they were. The smallest part of a line goes first."""
        freed: dict[StoreId, dict[LineId, int]] = {}
        for line, quantity in lines.items():
            left = quantity
            for place in sorted(self.held, key=lambda each: (self.held[each].get(line, 0), each)):
                if (n := min(left, self.held[place].get(line, 0))) > 0:
                    freed.setdefault(place, {})[line] = n
                    self.held[place][line] -= n
                    left -= n
        left_there = {place: {line: n for line, n in there.items() if n} for place, there in self.held.items()}
        self.held = {place: there for place, there in left_there.items() if there}
        return freed

    def take_from_box(self, lines: dict[LineId, int]) -> None:
        """Units leave their box: what is left in no box is not packed."""
        self.packed = {line: left for line, n in self.packed.items() if (left := n - lines.get(line, 0)) > 0}
        if not self.packed:
            self.boxes = []

    def keep_packed_within_picked(self) -> None:
        """After units left the group otherwise: no more is packed than is picked."""
        picked = self.owed_lines(UnitState.PICKED)
        self.take_from_box({line: max(0, n - picked.get(line, 0)) for line, n in self.packed.items()})

    def successor(
        self, n: int, units: dict[LineId, Units], waits_for: WaitsFor, declined_by: list[StoreId]
    ) -> "ShipmentGroup":
        return ShipmentGroup(
            order_id=self.order_id,
            n=n,
            store_id=StoreId(""),
            units=units,
            waits_for=waits_for,
            declined_by=declined_by,
            origin=self.origin,
            service=self.service,
            destination=self.destination,
            allow_split=self.allow_split,
            keep_together=self.keep_together,
            exclude=self.exclude,
            hops=self.hops,
            promised_at=self.promised_at,
            leave_by=self.leave_by,
            replaces=self.replaces,
        )
