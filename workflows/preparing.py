"""What a store does before the customer comes, and after: accept or reject, pick, make ready, put back."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from domain.groups import GroupStatus, WaitsFor
    from domain.ids import LineId
    from domain.notices import NoticeKind
    from domain.pickup_windows import late_deadline, latest_extension, pickup_deadline
    from domain.pickups import PickupGroup, Proposal
    from domain.refusals import RefusalKind
    from domain.stock import RejectReason, StockEffect, default_effect
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.accepting import accept, not_too_late
    from workflows.depositing import Depositing
    from workflows.desk import Desk
    from workflows.messages import GroupAnswer
    from workflows.picking import Missing, correct_stock, found_units, missing_components
    from workflows.refusing import refuse
    from workflows.substituting import Offered, Substituting
    from workflows.window import set_window, tell_code

AT_WORK = (GroupStatus.OFFERED, GroupStatus.ACCEPTED, GroupStatus.PICKING)

GONE = (GroupStatus.WAITING, GroupStatus.REJECTED, GroupStatus.CANCELLED)
"""A group whose work was withdrawn from its place."""


class Preparing:
    """A store's commands on pickup groups of one order. Called with the turn taken, as the counter's are."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.substituting = Substituting(desk)

    async def accept(self, command: messages.Accept) -> GroupAnswer:
        return await accept(self.desk, self.desk.order.pickup(command.n), command, GONE)

    async def reject(self, command: messages.Reject) -> GroupAnswer:
        """The store cannot serve some or all units: never silently re-sourced, the customer chooses."""
        group = self.desk.order.pickup(command.n)
        await not_too_late(self.desk, group, command, GONE)
        group.require((*AT_WORK, GroupStatus.ARRIVED, GroupStatus.READY), "rejecting it")
        lines = command.lines or group.owed_lines()
        group.check_lines(lines, UnitState.ALLOCATED, UnitState.PICKED, UnitState.READY)
        missing = missing_components(self.desk, command)
        self.desk.book.event(Event.STORE_REJECTED, command.actor, reason=command.reason, group=group.n, lines=lines)
        self._take_from_store(group, lines, command.reason, command.stock_effect, missing)
        await self.desk.book.record()
        return self.desk.answer(group)

    async def pick(self, command: messages.Pick) -> GroupAnswer:
        """Found units go on; fewer than asked is a short pick, and the rest is the customer's choice."""
        group = self.desk.order.pickup(command.n)
        await not_too_late(self.desk, group, command, GONE)
        group.require(AT_WORK, "picking it")
        found = found_units(self.desk, group, command)
        group.check_lines(found.lines, UnitState.ALLOCATED)
        short = {line: n - found.lines.get(line, 0) for line, n in group.owed_lines(UnitState.ALLOCATED).items()}
        instead = self.substituting.offered(group, command.substitutes, short)
        before = self.desk.order.model_copy(deep=True) if instead.at_once else None
        earlier = self.desk.book.collected()
        now = workflow.now()
        group.escalated = False
        if group.late_until is not None:
            group.late_until = late_deadline(self.desk.hours(group.store_id), self.desk.order.terms.policy.pickup, now)
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
            self._go_on_without(group, missing, found.missing, instead, command)
        self.desk.book.ask_hours(group.store_id)
        if before is not None:
            await self.substituting.recorded(before, earlier)
        else:
            await self.desk.book.record()
        return self.desk.answer(group)

    def _go_on_without(
        self, group: PickupGroup, lines: dict[LineId, int], missing: Missing, instead: Offered, command: messages.Pick
    ) -> None:
        """Substitutes go on at once where they may; for the others, and for what has none, the customer is asked."""
        rest = dict(lines)
        for proposal in instead.at_once:
            units = {proposal.line_id: proposal.quantity}
            self.desk.give_back(group, units)
            in_hands = group.owed_lines(UnitState.PICKED, UnitState.READY)
            correct_stock(self.desk, group, units, RejectReason.NOT_IN_STOCK, StockEffect.ZERO, missing, in_hands)
            self.substituting.take(group, proposal, command.actor, command.command_id)
            rest[proposal.line_id] -= proposal.quantity
        for proposal in instead.asked:
            units = {proposal.line_id: proposal.quantity}
            self.desk.book.event(
                Event.SUBSTITUTE_PROPOSED,
                command.actor,
                group=group.n,
                lines=units,
                sku=proposal.sku,
                amount=proposal.worth,
            )
            self._take_from_store(group, units, RejectReason.NOT_IN_STOCK, StockEffect.ZERO, missing, proposal)
            rest[proposal.line_id] -= proposal.quantity
        if rest := {line: n for line, n in rest.items() if n}:
            self._take_from_store(group, rest, RejectReason.NOT_IN_STOCK, StockEffect.ZERO, missing)

    async def ready(self, command: messages.MakeReady) -> GroupAnswer:
        """Units are staged; the customer is told place, hours, deadline and code."""
        group = self.desk.order.pickup(command.n)
        if group.status is GroupStatus.READY:
            return self.desk.answer(group, already=True)
        await not_too_late(self.desk, group, command, GONE)
        group.require((GroupStatus.PICKING, GroupStatus.ARRIVED), "making it ready")
        if group.goes_to_locker:
            return await Depositing(self.desk).is_in(group, command)
        for line, quantity in group.owed_lines(UnitState.PICKED).items():
            group.move(line, UnitState.READY, quantity, UnitState.PICKED)
        now, policy, hours = workflow.now(), self.desk.order.terms.policy.pickup, self.desk.hours(group.store_id)
        group.ready_at = now
        group.location = command.location or group.location
        group.latest_deadline = latest_extension(hours, policy, now)
        group.code_serial += 1
        set_window(self.desk, group, pickup_deadline(hours, policy, now))
        self.desk.book.event(Event.READY, command.actor, group=group.n, lines=group.owed_lines(UnitState.READY))
        tell_code(self.desk, NoticeKind.READY_FOR_PICKUP, group)
        await self.desk.book.record()
        return self.desk.answer(group)

    async def put_back(self, command: messages.PutBack) -> GroupAnswer:
        """Units of an ended pickup are on the shelf again and may be sold."""
        group = self.desk.order.pickup(command.n)
        lines = command.lines or dict(group.put_back)
        for line, quantity in lines.items():
            if quantity > group.put_back.get(line, 0):
                raise refuse(
                    RefusalKind.TOO_MANY_UNITS,
                    f"{group.put_back.get(line, 0)} units of line {line} wait to be put back, not {quantity}.",
                )
        group.put_back = {line: left for line, n in group.put_back.items() if (left := n - lines.get(line, 0)) > 0}
        if group.in_transit:
            # Not wanted any more when it was on its way: whoever puts it on the shelf has received it.
            self.desk.book.stock(StockOperation.RELOCATE_ASIDE, lines, group.stock_place, to=group.store_id)
        self.desk.book.stock(StockOperation.PUT_BACK, lines, group.store_id)
        self.desk.book.event(Event.PUT_BACK, command.actor, group=group.n, lines=lines)
        await self.desk.book.record()
        return self.desk.answer(group)

    def _take_from_store(
        self,
        group: PickupGroup,
        lines: dict[LineId, int],
        reason: RejectReason,
        effect: StockEffect | None,
        missing: Missing,
        proposal: Proposal | None = None,
    ) -> None:
        """Units go back to open and the store's stock is corrected; they become a question to the customer."""
        desk = self.desk
        desk.give_back(group, lines)
        in_hands = group.owed_lines(UnitState.PICKED, UnitState.READY)
        correct_stock(desk, group, lines, reason, effect or default_effect(reason), missing, in_hands)
        whole = sum(lines.values()) == group.owed
        if whole:
            group.declined_by.append(group.store_id)
            group.proposal = proposal
            desk.ask_for_choice(group, reason.value)
        else:
            part = desk.order.split_off(group, lines, WaitsFor.CHOICE, [group.store_id])
            part.proposal = proposal
            desk.ask_for_choice(part, reason.value)
