"""What is never shipped: gift cards, licences, services. The part of an order that is there as soon as it is paid."""

from itertools import pairwise
from typing import ClassVar, Literal

from domain.groups import Group, GroupStatus, WaitsFor
from domain.ids import GroupId, LineId, StoreId, virtual_id
from domain.units import Units, UnitState

AT_ONCE = (UnitState.OPEN, UnitState.ALLOCATED, UnitState.PICKED, UnitState.SHIPPED, UnitState.DELIVERED)
"""The states of a unit that nobody has to fetch from a shelf."""


class VirtualGroup(Group):
    noun: ClassVar[str] = "delivery"
    hints: ClassVar[dict[GroupStatus, str]] = {
        GroupStatus.QUEUED: "it goes out as soon as it is paid",
        GroupStatus.DELIVERED: "the customer has it",
    }

    kind: Literal["virtual"] = "virtual"
    store_id: StoreId = StoreId("")

    @property
    def group_id(self) -> GroupId:
        return virtual_id(self.order_id, self.n)

    @property
    def status(self) -> GroupStatus:
        if self.open:
            return GroupStatus.WAITING if self.waits_for is not None else GroupStatus.QUEUED
        return GroupStatus.DELIVERED if self.count(UnitState.DELIVERED) else GroupStatus.CANCELLED

    @property
    def has_stock(self) -> bool:
        """Nothing of it lies on a shelf."""
        return False

    def successor(
        self, n: int, units: dict[LineId, Units], waits_for: WaitsFor, declined_by: list[StoreId]
    ) -> "VirtualGroup":
        return VirtualGroup(order_id=self.order_id, n=n, units=units, waits_for=waits_for)

    def deliver(self, lines: dict[LineId, int]) -> None:
        """The customer has these units."""
        for line, quantity in lines.items():
            for before, after in pairwise(AT_ONCE):
                self.move(line, after, quantity, before)
