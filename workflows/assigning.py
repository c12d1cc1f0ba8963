"""What a person decides about where shipments leave from: the place itself, and how long one is looked for."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.groups import Ending, GroupStatus, WaitsFor
    from domain.ids import LineId, StoreId
    from domain.refusals import RefusalKind
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.desk import Desk
    from workflows.messages import GroupAnswer
    from workflows.refusing import refuse
    from workflows.sourcing import Sourcing
    from workflows.trying import Try

NOT_BEGUN = (GroupStatus.QUEUED, GroupStatus.OFFERED, GroupStatus.ACCEPTED)


class Assigning:
    """Operations' word over the rules. Called with the turn taken."""

    def __init__(self, desk: Desk, sourcing: Sourcing):
        self.desk = desk
        self.sourcing = sourcing

    async def assign(self, command: messages.Assign) -> GroupAnswer:
        """Units go to the place that a person chose. Rules are overridden, stock is not."""
        if self.desk.order.holds:
            raise refuse(RefusalKind.HELD, "The order is held; nobody works on it. Clear the hold first.")
        step = Try(self.desk)
        self.desk.book.hours.update((await self.sourcing.find([], hours_of=[command.location_id])).hours)
        part = self._gather(command)
        part.store_id = command.location_id
        part.declined_by = [place for place in part.declined_by if place != command.location_id]
        self.desk.book.event(
            Event.ASSIGNED,
            command.actor,
            reason=command.reason,
            group=part.n,
            store=command.location_id,
            lines=command.lines,
        )
        placed = self.sourcing.at_its_own_store(part)
        if placed is part:
            await self.sourcing.hold_capacity([part], limited=False)
        self.sourcing.take_up(placed)
        if not await step.record():
            raise refuse(
                RefusalKind.OUT_OF_STOCK,
                f"{command.location_id} does not have these units now. Choose another place, or fewer units.",
            )
        self.sourcing.has_moved(part)
        return self.desk.answer(placed)

    def _gather(self, command: messages.Assign) -> ShipmentGroup:
        """The named units, from wherever nobody has picked them, in one shipment of their own."""
        wanted = dict(command.lines)
        found: list[tuple[ShipmentGroup, dict[LineId, int]]] = []
        for group in self.desk.order.shipments:
            if group.status not in NOT_BEGUN or group.store_id == command.location_id or group.request is not None:
                continue
            there = group.owed_lines(UnitState.OPEN, UnitState.ALLOCATED)
            lines = {line: units for line, n in wanted.items() if (units := min(n, there.get(line, 0))) > 0}
            if lines:
                found.append((group, lines))
                wanted = {line: n - lines.get(line, 0) for line, n in wanted.items()}
        if not found or any(wanted.values()):
            raise refuse(
                RefusalKind.TOO_MANY_UNITS,
                "Not so many units wait to be picked somewhere else. Look at the shipments, then assign what is there.",
            )
        if len({(group.destination, group.service, group.paid, group.bound_for) for group, _ in found}) > 1:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "These units go different ways. Assign them one way at a time.")
        part: ShipmentGroup | None = None
        for group, lines in found:
            self._free(group, lines)
            if part is None:
                part = self._alone(group, lines)
            else:
                self.desk.order.join(group, lines, part)
        assert part is not None
        return part

    def _free(self, group: ShipmentGroup, lines: dict[LineId, int]) -> None:
        self.desk.let_go(group, lines)
        allocated = {
            line: units
            for line, n in lines.items()
            if (units := min(n, group.units[line].count(UnitState.ALLOCATED))) > 0
        }
        if allocated:
            self.desk.give_back(group, allocated)
            if group.accepted_at is not None:
                self.desk.tell_store_to_stop(group, allocated)

    def _alone(self, group: ShipmentGroup, lines: dict[LineId, int]) -> ShipmentGroup:
        """A shipment that no place has worked on stays the one it is."""
        if group.offered_at is None and lines == group.owed_lines():
            return group
        place: list[StoreId] = [group.store_id] if group.store_id else []
        part = self.desk.order.split_off(group, lines, WaitsFor.SOURCING, [])
        if not group.open:
            group.ending = Ending.MOVED
            group.declined_by += place
        return part

    async def move_auto_cancel(self, command: messages.MoveAutoCancel) -> GroupAnswer:
        """Until when a place is looked for: later, sooner, or without an end."""
        group = self.desk.order.shipment(command.n)
        group.require([GroupStatus.QUEUED], "moving its end")
        group.auto_cancel_at = command.until
        self.desk.book.event(
            Event.AUTO_CANCEL_MOVED,
            command.actor,
            group=group.n,
            until=command.until.isoformat() if command.until else "never",
        )
        await self.desk.book.record()
        return self.desk.answer(group)
