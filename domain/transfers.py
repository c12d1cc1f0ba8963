"""A transfer: the group that a place sends to the store where the customer collects it; there it becomes a pickup."""

from typing import ClassVar, Literal

from domain.groups import GroupStatus, WaitsFor
from domain.ids import GroupId, LineId, StoreId, pickup_id
from domain.intake import PickupMode, Relation
from domain.parcels import Parcel
from domain.pickups import PickupGroup
from domain.shipments import ShipmentGroup
from domain.transits import SendingPlan, Transit
from domain.units import Units

AT_ITS_SENDER = frozenset({GroupStatus.OFFERED, GroupStatus.ACCEPTED, GroupStatus.PICKING, GroupStatus.PACKED})
"""What a place does before the goods leave: whoever waits for them reads `requested`."""


class TransferGroup(ShipmentGroup):
    """What a place owes a carrier who brings it to a store. All of it leaves at once, and nothing is paid for that."""

    noun: ClassVar[str] = "transfer"

    kind: Literal["transfer"] = "transfer"  # type: ignore[assignment]
    to_store: StoreId
    proxy: Relation | None = None
    """The buyer named someone else who may collect; the name is in the vault."""

    @property
    def group_id(self) -> GroupId:
        return pickup_id(self.order_id, self.n)

    @property
    def customer_place(self) -> StoreId | None:
        return self.to_store

    @property
    def bound_for(self) -> StoreId | None:
        return self.to_store

    @property
    def shown_status(self) -> GroupStatus:
        return GroupStatus.REQUESTED if self.status in AT_ITS_SENDER else self.status

    @property
    def plan(self) -> SendingPlan:
        return SendingPlan(
            origin=self.origin,
            to_store=self.to_store,
            service=self.service,
            destination=self.destination,
            allow_split=self.allow_split,
            keep_together=self.keep_together,
            exclude=self.exclude,
        )

    def sent(self, parcel: Parcel) -> PickupGroup:
        """The pickup that it is once its goods have left."""
        pickup = self.at_its_store()
        pickup.waits_for = None
        pickup.offered_at = pickup.accepted_at = pickup.picking_at = parcel.shipped_at
        pickup.transit = Transit(
            from_store=self.store_id, plan=self.plan, parcel=parcel, capacity_key=self.capacity_key
        )
        # A label that is being given back is known to its process by this very list.
        pickup.spare_labels = self.spare_labels
        return pickup

    def at_its_store(self) -> PickupGroup:
        """The ordinary pickup that it is when the store itself has the goods."""
        return PickupGroup(
            order_id=self.order_id,
            n=self.n,
            store_id=self.to_store,
            mode=PickupMode.COUNTER,
            proxy=self.proxy,
            units=self.units,
            waits_for=self.waits_for,
            waiting_since=self.waiting_since,
        )

    def retire(self) -> None:
        """A pickup has taken its place: nothing is owed here any more."""
        self.units = {}

    def successor(
        self, n: int, units: dict[LineId, Units], waits_for: WaitsFor, declined_by: list[StoreId]
    ) -> "TransferGroup":
        return TransferGroup(
            order_id=self.order_id,
            n=n,
            store_id=StoreId(""),
            units=units,
            waits_for=waits_for,
            declined_by=declined_by,
            hops=self.hops,
            promised_at=self.promised_at,
            proxy=self.proxy,
            **self.plan.model_dump(),
        )


def sent_again(group: PickupGroup, n: int) -> TransferGroup:
    """A new transfer, numbered `n`, for units of a pickup that did not come to its store."""
    if group.plan is None:
        raise ValueError(f"{group.group_id} was never sent from anywhere")
    return TransferGroup(
        order_id=group.order_id,
        n=n,
        store_id=StoreId(""),
        units={line: Units(open=quantity) for line, quantity in group.owed_lines().items()},
        waits_for=WaitsFor.SOURCING,
        proxy=group.proxy,
        **group.plan.model_dump(),
    )
