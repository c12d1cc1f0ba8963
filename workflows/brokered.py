"""What a brokering run has decided about a shipment: taken whole, or refused when the order has changed meanwhile."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from activities.sourcing import Part
    from domain.groups import GroupStatus, WaitsFor
    from domain.refusals import RefusalKind, Refused
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.desk import Desk
    from workflows.messages import GroupAnswer
    from workflows.refusing import refuse
    from workflows.sourcing import Sourcing
    from workflows.trying import Try


class TakingDecisions:
    """The order's word on a run's decision. Called with the turn taken."""

    def __init__(self, desk: Desk, sourcing: Sourcing):
        self.desk = desk
        self.sourcing = sourcing

    async def take(self, command: messages.Broker) -> GroupAnswer:
        """Units leave what was reserved for them and are offered where the run keeps room. Its room is its own: what is
        refused the run gives back."""
        group = self.desk.order.shipment(command.n)
        keys = {part.capacity for part in command.parts}
        if group.capacity_key is not None and group.capacity_key in keys:
            return self.desk.answer(group, already=True)
        self._know_what_was_moved(group, command)
        try:
            self._must_be_as_decided(group, command)
        except Refused:
            if self.desk.book.pending:
                await self.desk.book.record()
            raise
        if not command.parts:
            self.sourcing.nobody_can(group, command.then)
            await self.desk.book.record()
            return self.desk.answer(group)
        places = sorted({part.location_id for part in command.parts})
        found = await self.sourcing.find([], hours_of=places)
        step = Try(self.desk)
        self.desk.book.hours.update(found.hours)
        self.desk.let_go(group, command.lines)
        shipments = self._spread(group, command)
        self.sourcing.take_up_parts(shipments, command.then)
        taken = await step.record()
        self.desk.order.spare_capacity = [key for key in self.desk.order.spare_capacity if key not in keys]
        if not taken:
            raise refuse(RefusalKind.OUT_OF_STOCK, "Others took the stock meanwhile; it waits for another decision.")
        return self.desk.answer(self.desk.order.group(group.n))

    def _know_what_was_moved(self, group: ShipmentGroup, command: messages.Broker) -> None:
        """The run has had units reserved elsewhere: they are this order's, or free again if it needs them no more."""
        if not command.moved or group.moved_by == command.run:
            return
        group.moved_by = command.run
        held = {part.location_id: dict(part.lines) for part in command.parts}
        if group.status is GroupStatus.QUEUED:
            owed = group.owed_lines(UnitState.OPEN)
            excess = {line: n for line, asked in command.lines.items() if (n := asked - owed.get(line, 0)) > 0}
            group.held = held
            if excess:
                # What was cancelled meanwhile was freed where it was believed to be, which may be one of these places.
                self._free(command)
                group.let_go(excess)
                for place, lines in group.held.items():
                    self.desk.book.stock(StockOperation.RESERVE, lines, place)
        else:
            self._free(command)

    def _free(self, command: messages.Broker) -> None:
        for part in command.parts:
            self.desk.book.stock(StockOperation.RELEASE, part.lines, part.location_id)

    def _must_be_as_decided(self, group: ShipmentGroup, command: messages.Broker) -> None:
        if self.desk.order.holds:
            raise refuse(RefusalKind.HELD, "The order is held; nobody works on it. It is brokered after that.")
        group.require([GroupStatus.QUEUED], "being brokered")
        if group.queue != command.queue or group.owed_lines(UnitState.OPEN) != command.lines:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW, "It has changed since the run looked at it. The next run looks again."
            )

    def _spread(self, group: ShipmentGroup, command: messages.Broker) -> list[ShipmentGroup]:
        queue, parts = group.queue, command.parts
        shipments = self.sourcing.spread(
            group, [Part(location_id=part.location_id, lines=part.lines) for part in parts], WaitsFor.SOURCING
        )
        for shipment, part in zip(shipments, parts, strict=False):  # what is left of it has no part
            shipment.capacity_key = part.capacity
            self.desk.book.event(
                Event.BROKERED,
                command.actor,
                group=shipment.n,
                run=command.run,
                queue=queue,
                store=part.location_id,
                lines=part.lines,
            )
        return shipments
