"""What the waits of every group have in common: no deadline runs while holds stand; a silent place is reminded once."""

from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE
    from domain.cancellation import CancelPlan, UnitsOf
    from domain.groups import Group, GroupStatus, WaitsFor
    from domain.notices import NoticeKind
    from domain.pickup_windows import WorkPolicy, escalation_deadline, late_deadline
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from workflows.desk import Desk, work_policy
    from workflows.messages import CancelReason
    from workflows.supplying import secure_at, supply_is_near
    from workflows.waits import Deadline, until

OneKind = TypeVar("OneKind", bound=Group)


class GroupProcess(Generic[OneKind]):
    """Phases that are done, or do not apply, return at once; so the story can begin again anywhere in it."""

    def __init__(self, desk: Desk, group: OneKind):
        self.desk = desk
        self.group = group

    @property
    def policy(self) -> WorkPolicy:
        return work_policy(self.desk.order, self.group)

    async def withdraw(self) -> None:
        """Take the work from a silent or late place. The caller has the turn."""
        raise NotImplementedError

    async def holds_are_cleared(self) -> None:
        await self._while(GroupStatus.WAITING, WaitsFor.HOLDS, lambda: None, "holds are cleared")

    async def supply_arrives(self) -> None:
        """In the queue for supply: money is asked for when it is near; what has not come in the end is cancelled."""
        if await self._while(GroupStatus.WAITING, WaitsFor.SUPPLY, self._next_of_supply, "stock arrives"):
            return
        async with self.desk.turn:
            supply = self.group.supply
            if supply is None:
                return
            if self._over(supply.until):
                await self.cancel_the_rest(CancelReason.INVENTORY)
            elif self.desk.order.unsecured and self._over(secure_at(self.desk.order)):
                supply_is_near(self.desk)
                await self.desk.book.record()

    def _next_of_supply(self) -> datetime | None:
        supply = self.group.supply
        if supply is None:
            return None
        near = secure_at(self.desk.order) if self.desk.order.unsecured else None
        return min(near, supply.until) if near is not None else supply.until

    async def place_accepts(self) -> None:
        """Silent past its time: reminded once, then the work is withdrawn."""
        if await self._while(GroupStatus.OFFERED, None, self._accept_by, f"{self.group.store_id} accepts"):
            return
        async with self.desk.turn:
            if not self._still(GroupStatus.OFFERED, None) or not self._over(self._accept_by()):
                return
            if not self.group.escalated:
                await self._remind_place()
            else:
                await self.withdraw()

    async def place_gets_ready(self, statuses: Iterable[GroupStatus], what: str) -> None:
        """Late past the promised time: reminded once, then the work is withdrawn."""
        for status in statuses:
            if await self._while(status, None, self._ready_by, f"{self.group.store_id} {what}"):
                continue
            async with self.desk.turn:
                if not self._still(status, None) or not self._over(self._ready_by()):
                    continue
                if self.group.late_until is None:
                    await self._remind_late_place()
                else:
                    await self.withdraw()

    async def _remind_place(self) -> None:
        desk, group = self.desk, self.group
        group.escalated = True
        group.accept_by = escalation_deadline(
            desk.hours(group.store_id), self.policy, group.accept_by or workflow.now()
        )
        desk.book.event(Event.STORE_REMINDED, ENGINE, group=group.n, store=group.store_id)
        desk.book.notice(
            NoticeKind.STORE_WAITING,
            desk.book.occasion,
            group=group,
            ships=isinstance(group, ShipmentGroup),
            deadline=group.accept_by,
            lines=desk.book.notice_lines(group.owed_lines()),
        )
        await desk.book.record()

    async def _remind_late_place(self) -> None:
        desk, group = self.desk, self.group
        group.late_until = late_deadline(desk.hours(group.store_id), self.policy, workflow.now())
        desk.book.event(Event.STORE_REMINDED, ENGINE, group=group.n, store=group.store_id, reason="ready time passed")
        desk.book.notice(
            NoticeKind.STORE_WAITING,
            desk.book.occasion,
            group=group,
            ships=isinstance(group, ShipmentGroup),
            deadline=group.late_until,
            ready_at=group.promised_ready_at,
            lines=desk.book.notice_lines(group.owed_lines()),
        )
        await desk.book.record()

    async def cancel_the_rest(self, reason: CancelReason, told: str | None = None) -> None:
        """Nobody found a way for what is owed: it is cancelled, and the customer told. The caller has the turn."""
        desk, group = self.desk, self.group
        lines = group.owed_lines()
        plan = CancelPlan(
            release=[UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n) for line, n in lines.items()]
        )
        desk.cancel_units(plan, reason, ENGINE)
        desk.tell_cancelled(lines, reason, told, group=group)
        await desk.book.record()

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _still(self, status: GroupStatus, waits_for: WaitsFor | None) -> bool:
        return self.group.status is status and self.group.waits_for is waits_for

    async def _while(self, status: GroupStatus, waits_for: WaitsFor | None, deadline: Deadline, summary: str) -> bool:
        """True when the group is not (any more) in this state; False when the deadline came first."""
        held = self.desk.order.holds
        return await until(
            lambda: not self._still(status, waits_for),
            lambda: None if held else deadline(),
            self.desk.alarms,
            f"{self.group.kind} {self.group.n}: {summary}",
        )

    def _over(self, deadline: datetime | None) -> bool:
        return deadline is not None and workflow.now() >= deadline

    def _accept_by(self) -> datetime | None:
        return self.group.accept_by

    def _ready_by(self) -> datetime | None:
        return self.group.ready_by
