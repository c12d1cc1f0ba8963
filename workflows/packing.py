"""What a place does with a shipment before the carrier comes: accept or reject, pick, pack, unpack, put back."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from domain.groups import GroupStatus
    from domain.ids import LineId
    from domain.pickup_windows import late_deadline
    from domain.refusals import RefusalKind
    from domain.shipments import ShipmentGroup
    from domain.stock import RejectReason, StockEffect, default_effect
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.accepting import accept, not_too_late
    from workflows.desk import Desk
    from workflows.messages import GroupAnswer
    from workflows.picking import Missing, correct_stock, found_units, missing_components
    from workflows.refusing import refuse
    from workflows.shipment import take_all_away
    from workflows.sourcing import Sourcing

BEFORE_PACKED = (GroupStatus.OFFERED, GroupStatus.ACCEPTED, GroupStatus.PICKING)
AT_WORK = (*BEFORE_PACKED, GroupStatus.PACKED)

GONE = (GroupStatus.REJECTED,)
"""A group whose work was withdrawn from its place."""


class Packing:
    """A place's commands on shipments of one order. Called with the turn taken."""

    def __init__(self, desk: Desk, sourcing: Sourcing):
        self.desk = desk
        self.sourcing = sourcing

    async def accept(self, command: messages.Accept) -> GroupAnswer:
        return await accept(self.desk, self.desk.order.shipment(command.n), command, GONE)

    async def reject(self, command: messages.Reject) -> GroupAnswer:
        """The place cannot serve some or all units: another is looked for, never this one again."""
        group = self.desk.order.shipment(command.n)
        await not_too_late(self.desk, group, command, GONE)
        group.require(AT_WORK, "rejecting it")
        self._not_while_asked_to_stop(group)
        lines = command.lines or group.owed_lines()
        group.check_lines(lines, UnitState.ALLOCATED, UnitState.PICKED)
        missing = missing_components(self.desk, command)
        self.desk.book.event(Event.STORE_REJECTED, command.actor, reason=command.reason, group=group.n, lines=lines)
        self._take_from_place(group, lines, command.reason, command.stock_effect, missing)
        if not command.collateral:
            self._is_missing(group, lines, command.reason, missing)
        await self.desk.book.record()
        return self.desk.answer(group)

    async def pick(self, command: messages.Pick) -> GroupAnswer:
        """Found units go on; fewer than asked is a short pick, and the rest goes to another place."""
        group = self.desk.order.shipment(command.n)
        await not_too_late(self.desk, group, command, GONE)
        group.require(BEFORE_PACKED, "picking it")
        self._not_while_asked_to_stop(group)
        found = found_units(self.desk, group, command)
        group.check_lines(found.lines, UnitState.ALLOCATED)
        now = workflow.now()
        group.escalated = False
        if group.late_until is not None:
            policy = self.desk.order.terms.policy.shipping
            group.late_until = late_deadline(self.desk.hours(group.store_id), policy, now)
        group.accepted_at = group.accepted_at or now
        group.picking_at = group.picking_at or now
        group.location = command.staged_at or group.location
        for line, quantity in found.lines.items():
            group.move(line, UnitState.PICKED, quantity, UnitState.ALLOCATED)
        self.desk.book.event(Event.PICKED, command.actor, group=group.n, lines=found.lines)
        missing = group.owed_lines(UnitState.ALLOCATED)
        if missing:
            self.desk.book.event(
                Event.SHORT_PICK,
                command.actor,
                group=group.n,
                lines=missing,
                components=sorted({sku for skus in found.missing.values() for sku in skus}) or None,
            )
            self._take_from_place(group, missing, RejectReason.NOT_IN_STOCK, StockEffect.ZERO, found.missing)
            self._is_missing(group, missing, RejectReason.NOT_IN_STOCK, found.missing)
        self.desk.book.ask_hours(group.store_id)
        await self.desk.book.record()
        return self.desk.answer(group)

    async def pack(self, command: messages.Pack) -> GroupAnswer:
        """Each unit is checked: only what was picked goes into a box."""
        group = self.desk.order.shipment(command.n)
        await not_too_late(self.desk, group, command, GONE)
        group.require((GroupStatus.PICKING,), "packing it")
        self._check_articles(command)
        unpacked = group.unpacked
        for line, quantity in command.lines.items():
            if quantity > unpacked.get(line, 0):
                raise refuse(
                    RefusalKind.TOO_MANY_UNITS,
                    f"{unpacked.get(line, 0)} picked units of line {line} are in no box, not {quantity}. "
                    "Take the others out.",
                )
        for line, quantity in command.lines.items():
            group.packed[line] = group.packed.get(line, 0) + quantity
        group.boxes = [*group.boxes, *command.boxes]
        self.desk.book.event(Event.PACKED, command.actor, group=group.n, lines=command.lines, boxes=len(group.boxes))
        await self.desk.book.record()
        return self.desk.answer(group)

    async def unpack(self, command: messages.Unpack) -> GroupAnswer:
        """Units are out of their box again, and picked as before."""
        group = self.desk.order.shipment(command.n)
        group.require((GroupStatus.PICKING, GroupStatus.PACKED), "unpacking it")
        lines = command.lines or dict(group.packed)
        if not lines:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing of this shipment is packed.")
        for line, quantity in lines.items():
            if quantity > group.packed.get(line, 0):
                raise refuse(
                    RefusalKind.TOO_MANY_UNITS,
                    f"{group.packed.get(line, 0)} units of line {line} are packed, not {quantity}.",
                )
        group.take_from_box(lines)
        self.desk.book.event(Event.UNPACKED, command.actor, group=group.n, lines=lines)
        await self.desk.book.record()
        return self.desk.answer(group)

    async def put_back(self, command: messages.PutBack) -> GroupAnswer:
        """Units that are not shipped any more, or came back, are on the shelf and may be sold."""
        group = self.desk.order.shipment(command.n)
        waiting = {line: group.put_back.get(line, 0) + group.returned.get(line, 0) for line in group.units}
        lines = command.lines or {line: n for line, n in waiting.items() if n}
        for line, quantity in lines.items():
            if quantity > waiting.get(line, 0):
                raise refuse(
                    RefusalKind.TOO_MANY_UNITS,
                    f"{waiting.get(line, 0)} units of line {line} wait to be put back, not {quantity}.",
                )
        aside = {line: part for line, n in lines.items() if (part := min(n, group.put_back.get(line, 0))) > 0}
        back = {line: part for line, n in lines.items() if (part := n - aside.get(line, 0)) > 0}
        group.put_back = _less(group.put_back, aside)
        group.returned = _less(group.returned, back)
        self.desk.book.stock(StockOperation.PUT_BACK, aside, group.store_id)
        self.desk.book.stock(StockOperation.TAKE_BACK, back, group.store_id)
        self.desk.book.event(Event.PUT_BACK, command.actor, group=group.n, lines=lines)
        await self.desk.book.record()
        return self.desk.answer(group)

    def _not_while_asked_to_stop(self, group: ShipmentGroup) -> None:
        if group.stop is not None:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                "The customer cancelled, and you are asked to stop. Answer that first: …/cancel-answer {stopped}.",
            )

    def _check_articles(self, command: messages.Pack) -> None:
        skus = self.desk.order.skus
        for line, scanned in command.scanned.items():
            if scanned != skus.get(line) and scanned not in self.desk.book.needs.get(line, ()):
                raise refuse(
                    RefusalKind.WRONG_UNIT,
                    f"Line {line} is {skus.get(line, 'not in this order')}; another article was scanned. "
                    "Take it out, and pack the right one.",
                )

    def _is_missing(
        self, group: ShipmentGroup, lines: dict[LineId, int], reason: RejectReason, missing: Missing
    ) -> None:
        """An empty shelf is empty for every order; of a kit, that of the components that were named."""
        if reason is not RejectReason.NOT_IN_STOCK:
            return
        for line in self.desk.order.lines:
            if line.line_id in lines:
                empty = missing.get(line.line_id, set()) if line.components else {line.sku}
                group.missing = sorted({*group.missing, *empty})

    def _take_from_place(
        self,
        group: ShipmentGroup,
        lines: dict[LineId, int],
        reason: RejectReason,
        effect: StockEffect | None,
        missing: Missing,
    ) -> None:
        """Units go back to open, and another place is looked for; the place's stock is corrected by the reason."""
        desk = self.desk
        desk.give_back(group, lines)
        group.keep_packed_within_picked()
        in_hands = group.owed_lines(UnitState.PICKED)
        correct_stock(desk, group, lines, reason, effect or default_effect(reason), missing, in_hands)
        if group.one_place and len(lines) and sum(lines.values()) < group.owed:
            # What must leave from one place goes on whole: the rest of it too.
            take_all_away(desk, group)
            lines = group.owed_lines(UnitState.OPEN)
        self.sourcing.take_from_place(group, lines, reason.value)


def _less(there: dict[LineId, int], taken: dict[LineId, int]) -> dict[LineId, int]:
    return {line: left for line, n in there.items() if (left := n - taken.get(line, 0)) > 0}
