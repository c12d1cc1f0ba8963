"""A group of lines, from the offer to a store until the customer has them or they are back on the shelf."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE
    from domain.cancellation import CancelPlan, UnitsOf
    from domain.groups import Ending, GroupStatus, PickupGroup, WaitsFor
    from domain.notices import NoticeKind
    from domain.pickup_windows import escalation_deadline, late_deadline
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows.desk import Desk
    from workflows.messages import CancelReason
    from workflows.waits import Deadline, until


class PickupProcess:
    """The waits of one group and what happens when nobody acts. What people do is in `counter.py`."""

    def __init__(self, desk: Desk, group: PickupGroup):
        self.desk = desk
        self.group = group

    async def run(self) -> None:
        """Phases that are done, or do not apply, return at once; so the story can begin again anywhere in it."""
        while self.group.open:
            await self.holds_are_cleared()
            await self.customer_chooses()
            await self.stock_arrives()
            await self.store_accepts()
            await self.goods_are_made_ready()
            await self.customer_collects()

    async def holds_are_cleared(self) -> None:
        await self._while(GroupStatus.WAITING, WaitsFor.HOLDS, lambda: None, "holds are cleared")

    async def customer_chooses(self) -> None:
        if await self._while(GroupStatus.WAITING, WaitsFor.CHOICE, lambda: self.group.choose_by, "customer chooses"):
            return
        async with self.desk.turn:
            if self._still(GroupStatus.WAITING, WaitsFor.CHOICE):
                self.desk.book.event(Event.CHOICE_DEFAULTED, ENGINE, group=self.group.n, choice="cancel")
                await self._cancel_the_rest(CancelReason.EXPIRED)

    async def stock_arrives(self) -> None:
        if await self._while(GroupStatus.WAITING, WaitsFor.STOCK, lambda: self.group.choose_by, "stock arrives"):
            return
        async with self.desk.turn:
            if self._still(GroupStatus.WAITING, WaitsFor.STOCK):
                await self._cancel_the_rest(CancelReason.INVENTORY)

    async def store_accepts(self) -> None:
        """Silent past its time: reminded once, then the work is withdrawn and the customer asked."""
        if await self._while(GroupStatus.OFFERED, None, self._accept_by, f"{self.group.store_id} accepts"):
            return
        async with self.desk.turn:
            if not self._still(GroupStatus.OFFERED, None) or not self._over(self.group.accept_by):
                return
            if not self.group.escalated:
                await self._remind_store()
            else:
                await self._withdraw_from_store()

    async def goods_are_made_ready(self) -> None:
        """Late past the promised time: reminded once, then the work is withdrawn and the customer asked."""
        for status in (GroupStatus.ACCEPTED, GroupStatus.PICKING):
            if await self._while(status, None, self._ready_by, f"{self.group.store_id} makes it ready"):
                continue
            async with self.desk.turn:
                if not self._still(status, None) or not self._over(self.group.ready_by):
                    continue
                if self.group.late_until is None:
                    await self._remind_late_store()
                else:
                    await self._withdraw_from_store()

    async def customer_collects(self) -> None:
        """Reminders at their times, one last warning, then the window is over."""
        if await self._while(GroupStatus.READY, None, self._next_moment, "customer collects"):
            return
        async with self.desk.turn:
            if not self._still(GroupStatus.READY, None):
                return
            if self._over(self.group.deadline):
                await self.window_is_over()
            elif self._over(self.group.expiring_notice_at):
                await self._warn()
            elif self.group.reminders and self._over(self.group.reminders[0]):
                await self._remind_customer()

    # --- when nobody acts --------------------------------------------------------------------------------------------

    async def window_is_over(self) -> None:
        """Uncollected units are cancelled: put-back task, money freed less the policy's fee, customer told, once."""
        desk, group = self.desk, self.group
        lines = group.owed_lines()
        worth = desk.order.worth(lines)
        desk.book.event(Event.WINDOW_EXPIRED, ENGINE, group=group.n, lines=lines)
        plan = CancelPlan(
            recall=[
                UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n)
                for line, n in group.owed_lines(UnitState.PICKED, UnitState.READY).items()
            ],
            release=[
                UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n)
                for line, n in group.owed_lines(UnitState.OPEN, UnitState.ALLOCATED).items()
            ],
        )
        desk.cancel_units(plan, CancelReason.EXPIRED, ENGINE, ending=Ending.EXPIRED)
        fee = min(desk.order.terms.policy.no_show_fee, worth)
        desk.order.charge_fee(group.n, fee)
        desk.book.notice(
            NoticeKind.PICKUP_EXPIRED,
            group=group,
            lines=desk.book.notice_lines(lines),
            fee=desk.book.money(fee) if fee else None,
            released=desk.book.money(worth - fee),
        )
        await desk.book.record()

    async def _remind_store(self) -> None:
        desk, group = self.desk, self.group
        group.escalated = True
        group.accept_by = escalation_deadline(
            desk.hours(group.store_id), desk.order.terms.policy.pickup, group.accept_by or workflow.now()
        )
        desk.book.event(Event.STORE_REMINDED, ENGINE, group=group.n, store=group.store_id)
        desk.book.notice(
            NoticeKind.STORE_WAITING,
            desk.order.version + 1,
            group=group,
            deadline=group.accept_by,
            lines=desk.book.notice_lines(group.owed_lines()),
        )
        await desk.book.record()

    async def _remind_late_store(self) -> None:
        desk, group = self.desk, self.group
        group.late_until = late_deadline(desk.hours(group.store_id), desk.order.terms.policy.pickup, workflow.now())
        desk.book.event(Event.STORE_REMINDED, ENGINE, group=group.n, store=group.store_id, reason="ready time passed")
        desk.book.notice(
            NoticeKind.STORE_WAITING,
            desk.order.version + 1,
            group=group,
            deadline=group.late_until,
            ready_at=group.promised_ready_at,
            lines=desk.book.notice_lines(group.owed_lines()),
        )
        await desk.book.record()

    async def _withdraw_from_store(self) -> None:
        self.desk.withdraw(self.group)
        await self.desk.book.record()

    async def _remind_customer(self) -> None:
        desk, group = self.desk, self.group
        group.reminders = group.reminders[1:]
        desk.book.event(Event.REMINDER_SENT, ENGINE, group=group.n)
        desk.book.notice(
            NoticeKind.PICKUP_REMINDER,
            group.extensions,
            len(group.reminders),
            group=group,
            until=group.deadline,
            deadline=group.deadline,
            lines=desk.book.notice_lines(group.owed_lines()),
            code_serial=group.code_serial or None,
            link_kind="extension",
        )
        await desk.book.record()

    async def _warn(self) -> None:
        desk, group = self.desk, self.group
        group.expiring_notice_at = None
        desk.book.event(Event.REMINDER_SENT, ENGINE, group=group.n, reason="window ends soon")
        for kind in (NoticeKind.PICKUP_EXPIRING, NoticeKind.STORE_ABOUT_TO_EXPIRE):
            desk.book.notice(
                kind,
                group.extensions,
                group=group,
                until=group.deadline,
                deadline=group.deadline,
                lines=desk.book.notice_lines(group.owed_lines()),
                **({"code_serial": group.code_serial, "link_kind": "extension"} if kind.shows_code else {}),
            )
        await desk.book.record()

    async def _cancel_the_rest(self, reason: CancelReason) -> None:
        desk, group = self.desk, self.group
        lines = group.owed_lines()
        plan = CancelPlan(
            release=[UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n) for line, n in lines.items()]
        )
        desk.cancel_units(plan, reason, ENGINE)
        desk.tell_cancelled(lines, reason, group=group)
        await desk.book.record()

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _still(self, status: GroupStatus, waits_for: WaitsFor | None) -> bool:
        return self.group.status is status and self.group.waits_for is waits_for

    async def _while(self, status: GroupStatus, waits_for: WaitsFor | None, deadline: Deadline, summary: str) -> bool:
        """True when the group is not (any more) in this state; False when the deadline came first.

        While holds stand, no deadline of the group runs.
        """
        held = self.desk.order.holds
        return await until(
            lambda: not self._still(status, waits_for),
            lambda: None if held else deadline(),
            self.desk.alarms,
            f"pickup {self.group.n}: {summary}",
        )

    def _over(self, deadline: datetime | None) -> bool:
        return deadline is not None and workflow.now() >= deadline

    def _accept_by(self) -> datetime | None:
        return self.group.accept_by

    def _ready_by(self) -> datetime | None:
        return self.group.ready_by

    def _next_moment(self) -> datetime | None:
        group = self.group
        moments = [group.deadline, group.expiring_notice_at, *group.reminders[:1]]
        return min((moment for moment in moments if moment is not None), default=None)
