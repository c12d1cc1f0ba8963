"""A group of lines, from the search for a place until a carrier has them; and each parcel until the customer has it."""

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from domain.actors import ENGINE
    from domain.groups import GroupStatus, WaitsFor
    from domain.parcels import Parcel
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows.delivering import Delivering
    from workflows.desk import Desk
    from workflows.group_process import GroupProcess
    from workflows.messages import CancelReason
    from workflows.sourcing import Sourcing
    from workflows.stopping import Stopping
    from workflows.waits import Deadline, until


class ShipmentProcess(GroupProcess[ShipmentGroup]):
    """The waits of one shipment and what happens when nobody acts. What people do is in `packing.py` and others."""

    def __init__(self, desk: Desk, group: ShipmentGroup, sourcing: Sourcing):
        super().__init__(desk, group)
        self.sourcing = sourcing

    async def run(self) -> None:
        while self.group.open:
            await self.holds_are_cleared()
            await self.supply_arrives()
            await self.place_is_found()
            await self.place_accepts()
            await self.goods_leave()

    async def place_is_found(self) -> None:
        """Looked for at once, then again and again; what nobody can serve in time is cancelled."""
        group = self.group
        if await self._while(GroupStatus.QUEUED, WaitsFor.SOURCING, self._next_look, "a place is found"):
            return
        async with self.desk.turn:
            if not self._still(GroupStatus.QUEUED, WaitsFor.SOURCING):
                return
            if self._over(group.auto_cancel_at):
                await self.cancel_the_rest(CancelReason.INVENTORY)
            elif self._over(group.look_again_at):
                await self.sourcing.find_place(group)

    async def goods_leave(self) -> None:
        statuses = (GroupStatus.ACCEPTED, GroupStatus.PICKING, GroupStatus.PACKED)
        await self.place_gets_ready(statuses, "ships")

    async def withdraw(self) -> None:
        """The place is silent or late: its work goes to another. What it has picked it puts back."""
        desk, group = self.desk, self.group
        desk.book.event(Event.STORE_SILENT, ENGINE, group=group.n, store=group.store_id)
        take_all_away(desk, group)
        self.sourcing.take_from_place(group, group.owed_lines(UnitState.OPEN), "store_silent")
        await desk.book.record()

    def _next_look(self) -> datetime | None:
        moments = (self.group.look_again_at, self.group.auto_cancel_at)
        return min((moment for moment in moments if moment is not None), default=None)

    def _ready_by(self) -> datetime | None:
        # Who was asked to stop is waited for until that is answered; a partner, until it says what became of it.
        return None if self.group.stop is not None or self.group.request is not None else self.group.ready_by

    def _accept_by(self) -> datetime | None:
        return None if self.group.request is not None else self.group.accept_by


def take_all_away(desk: Desk, group: ShipmentGroup) -> None:
    """All owed units are open again; those that the place has in its hands it puts back on the shelf."""
    allocated = group.owed_lines(UnitState.ALLOCATED)
    if allocated:
        desk.give_back(group, allocated)
    picked = group.owed_lines(UnitState.PICKED)
    for line, quantity in picked.items():
        group.move(line, UnitState.OPEN, quantity, UnitState.PICKED)
        group.put_back[line] = group.put_back.get(line, 0) + quantity
    group.keep_packed_within_picked()
    desk.book.stock(StockOperation.SET_ASIDE, picked, group.store_id)
    if group.accepted_at is not None:
        desk.tell_store_to_stop(group, allocated)


class ParcelProcess:
    """One parcel on its way: late, then given up; and its claim, if it went wrong."""

    def __init__(self, desk: Desk, group: ShipmentGroup, parcel: Parcel, delivering: Delivering):
        self.desk = desk
        self.group = group
        self.parcel = parcel
        self.delivering = delivering

    async def run(self) -> None:
        while self.parcel.on_its_way or self.parcel.claimed:
            await self.carrier_delivers()
            await self.claim_is_decided()

    async def carrier_delivers(self) -> None:
        """Late: the customer is told. Silent for too long: it counts as lost, or delivered if nobody tracks it."""
        parcel = self.parcel
        if await self._while(lambda: parcel.on_its_way, lambda: parcel.asked_at, "carrier delivers"):
            return
        async with self.desk.turn:
            if not parcel.on_its_way or workflow.now() < parcel.asked_at:
                return
            if not parcel.told_late:
                await self.delivering.is_late(self.group, parcel)
            else:
                await self.delivering.is_given_up(self.group, parcel)

    async def claim_is_decided(self) -> None:
        """Nobody decides: the customer gets the money back."""
        parcel = self.parcel
        if await self._while(lambda: parcel.claimed, self._decide_by, "claim is decided"):
            return
        async with self.desk.turn:
            decide_by = self._decide_by()
            if decide_by is not None and workflow.now() >= decide_by:
                await self.delivering.refund_by_default(self.group, parcel)

    def _decide_by(self) -> datetime | None:
        claim = self.parcel.claim
        return claim.decide_by if claim is not None and claim.open else None

    async def _while(self, goes_on: Callable[[], bool], deadline: Deadline, summary: str) -> bool:
        """True when it does not go on (any more); False when the deadline came first. Holds stop no carrier."""
        words = f"shipment {self.group.n}, parcel {self.parcel.n}: {summary}"
        return await until(lambda: not goes_on(), deadline, self.desk.alarms, words)


class StopProcess:
    """A place was asked to stop: its silence is an answer."""

    def __init__(self, desk: Desk, group: ShipmentGroup, stopping: Stopping):
        self.desk = desk
        self.group = group
        self.stopping = stopping

    async def run(self) -> None:
        group = self.group
        while group.stop is not None:
            if await until(
                lambda: group.stop is None,
                lambda: group.stop.answer_by if group.stop is not None else None,
                self.desk.alarms,
                f"shipment {group.n}: {group.store_id} says whether it could stop",
            ):
                return
            async with self.desk.turn:
                if group.stop is not None and workflow.now() >= group.stop.answer_by:
                    await self.stopping.silent(group)
