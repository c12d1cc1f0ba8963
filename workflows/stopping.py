"""A cancel of goods that a place has in its hands: it says whether it could stop, or its silence does."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE, Actor
    from domain.cancellation import CancelPlan, UnitsOf
    from domain.ids import LineId
    from domain.notices import NoticeKind
    from domain.refusals import RefusalKind
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.desk import Desk
    from workflows.messages import CancelReason, GroupAnswer
    from workflows.refusing import refuse


class Stopping:
    """The answer to a cancel that was asked of a shipment's place. Called with the turn taken."""

    def __init__(self, desk: Desk):
        self.desk = desk

    async def answer(self, command: messages.AnswerStop) -> GroupAnswer:
        group = self.desk.order.shipment(command.n)
        if group.stop is None:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nobody waits for this answer (any more).")
        self._answered(group, command.actor, "stopped" if command.stopped else "not stopped")
        if command.stopped:
            self._cancel(group, command.actor)
        else:
            self.too_late(group, group.stop.lines)
        await self.desk.book.record()
        return self.desk.answer(group)

    async def silent(self, group: ShipmentGroup) -> None:
        """Nobody has answered, and nothing has left: it counts as stopped."""
        self._answered(group, ENGINE, "silence")
        self._cancel(group, ENGINE)
        await self.desk.book.record()

    def agreed(self, group: ShipmentGroup) -> None:
        """A partner sends nothing of it: what a cancel waited for is cancelled."""
        self._answered(group, ENGINE, "stopped")
        self._cancel(group, ENGINE)

    def left(self, group: ShipmentGroup, lines: dict[LineId, int]) -> None:
        """Units were shipped while their place was asked to stop: for them the cancel came too late."""
        asked = group.stop
        if asked is None:
            return
        owed = group.owed_lines()
        rest = {line: n for line, wanted in asked.lines.items() if (n := min(wanted, owed.get(line, 0))) > 0}
        gone = {line: n for line, wanted in asked.lines.items() if (n := wanted - rest.get(line, 0)) > 0}
        if gone:
            self.too_late(group, gone)
        group.stop = asked.model_copy(update={"lines": rest}) if rest else None

    def too_late(self, group: ShipmentGroup, lines: dict[LineId, int]) -> None:
        """The customer is told that these units come all the same, and may be returned."""
        group.stop = None
        self.desk.book.event(Event.STOP_TOO_LATE, ENGINE, group=group.n, lines=lines)
        self.desk.book.notice(
            NoticeKind.CANCEL_TOO_LATE,
            self.desk.book.occasion,
            group=group,
            lines=self.desk.book.notice_lines(lines),
            ships=True,
            delivery_by=group.promised_at,
        )

    def _answered(self, group: ShipmentGroup, actor: Actor, answer: str) -> None:
        self.desk.book.event(Event.STOP_ANSWERED, actor, reason=answer, group=group.n, store=group.store_id)

    def _cancel(self, group: ShipmentGroup, actor: Actor) -> None:
        """What was asked for is cancelled as far as it is still owed; units on the shelf before picked ones."""
        assert group.stop is not None
        asked, reason = group.stop.lines, CancelReason(group.stop.reason)
        group.stop = None
        shelf, hands = group.owed_lines(UnitState.OPEN, UnitState.ALLOCATED), group.owed_lines(UnitState.PICKED)
        released = {line: min(n, shelf.get(line, 0)) for line, n in asked.items()}
        recalled = {line: min(n - released[line], hands.get(line, 0)) for line, n in asked.items()}
        plan = CancelPlan(release=_units(group, released), recall=_units(group, recalled))
        self.desk.cancel_units(plan, reason, actor)
        self.desk.tell_cancelled(plan.lines, reason)


def _units(group: ShipmentGroup, lines: dict[LineId, int]) -> list[UnitsOf]:
    return [UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n) for line, n in lines.items() if n > 0]
