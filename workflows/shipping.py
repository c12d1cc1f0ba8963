"""Everything about the shipments of one order: who does what, and which processes go on beside each."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.order import AnyGroup
    from domain.pickups import PickupGroup
    from domain.shipments import ShipmentGroup
    from domain.virtual import VirtualGroup
    from workflows import messages
    from workflows.assigning import Assigning
    from workflows.brokered import TakingDecisions
    from workflows.declining import DecliningProcess
    from workflows.delivering import Delivering
    from workflows.desk import Desk, process_of
    from workflows.dispatching import Dispatching
    from workflows.dropshipping import PartnerProcess, partner_process_of
    from workflows.labels import SpareLabelProcess
    from workflows.locker import LockerProcess
    from workflows.messages import GroupAnswer
    from workflows.packing import Packing
    from workflows.pickup import PickupProcess
    from workflows.preparing import Preparing
    from workflows.shipment import ParcelProcess, ShipmentProcess, StopProcess
    from workflows.sourcing import Sourcing
    from workflows.stopping import Stopping
    from workflows.virtual import VirtualProcess

Sent = TypeVar("Sent", bound=messages.GroupCommand)


class Process(Protocol):
    """A part of an order that goes on by itself."""

    async def run(self) -> None: ...


class Shipping:
    """The shipments of one order, each part of their story in its own place."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.sourcing = Sourcing(desk)
        self.assigning = Assigning(desk, self.sourcing)
        self.brokering = TakingDecisions(desk, self.sourcing)
        self.stopping = Stopping(desk)
        self.packing = Packing(desk, self.sourcing)
        self.delivering = Delivering(desk, self.sourcing)
        self.dispatching = Dispatching(desk, self.stopping, self.delivering)

    def processes(self, group: AnyGroup) -> dict[str, Process]:
        """By name: what goes on beside the work on a group, and its own process."""
        if isinstance(group, PickupGroup):
            found: dict[str, Process] = {process_of(group): PickupProcess(self.desk, group)}
            if group.locker is not None:
                found[f"locker {group.n}"] = LockerProcess(self.desk, group)
        elif isinstance(group, VirtualGroup):
            return {process_of(group): VirtualProcess(self.desk, group)}
        else:
            found = self._of_shipment(group)
        if group.spare_labels:
            found[f"labels {group.n}"] = SpareLabelProcess(self.desk, group)
        return found

    def _of_shipment(self, group: ShipmentGroup) -> dict[str, Process]:
        """By name: the shipment's own, and one for each parcel that left and for a place that was asked to stop."""
        found: dict[str, Process] = {process_of(group): ShipmentProcess(self.desk, group, self.sourcing)}
        for parcel in group.parcels:
            found[f"parcel {group.n}/{parcel.n}"] = ParcelProcess(self.desk, group, parcel, self.delivering)
        if group.request is not None:
            found[partner_process_of(group)] = PartnerProcess(
                self.desk, group, self.sourcing, self.stopping, self.dispatching
            )
        elif group.stop is not None:
            asked = group.stop.since.isoformat()
            found[f"stop {group.n} {asked}"] = StopProcess(self.desk, group, self.stopping)
        if group.missing:
            found[f"declining {group.n}"] = DecliningProcess(self.desk, group)
        return found


class Work:
    """What every place says about its work; what that means, the kind of the group decides."""

    def __init__(self, desk: Desk, preparing: Preparing, packing: Packing):
        self._desk = desk
        self._preparing = preparing
        self._packing = packing

    async def accept(self, command: messages.Accept) -> GroupAnswer:
        return await self._by_kind(command, self._preparing.accept, self._packing.accept)

    async def reject(self, command: messages.Reject) -> GroupAnswer:
        return await self._by_kind(command, self._preparing.reject, self._packing.reject)

    async def pick(self, command: messages.Pick) -> GroupAnswer:
        return await self._by_kind(command, self._preparing.pick, self._packing.pick)

    async def put_back(self, command: messages.PutBack) -> GroupAnswer:
        return await self._by_kind(command, self._preparing.put_back, self._packing.put_back)

    async def _by_kind(
        self,
        command: Sent,
        of_pickup: Callable[[Sent], Awaitable[GroupAnswer]],
        of_shipment: Callable[[Sent], Awaitable[GroupAnswer]],
    ) -> GroupAnswer:
        is_pickup = isinstance(self._desk.order.group(command.n), PickupGroup)
        return await (of_pickup if is_pickup else of_shipment)(command)
