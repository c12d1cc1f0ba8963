"""A group of lines, from the offer to a store until the customer has them or they are back on the shelf."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE
    from domain.cancellation import CancelPlan, UnitsOf
    from domain.groups import Ending, GroupStatus, WaitsFor
    from domain.notices import NoticeKind
    from domain.pickups import PickupGroup
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows.group_process import GroupProcess
    from workflows.messages import CancelReason
    from workflows.transferring import Transferring
    from workflows.window import locker_facts


class PickupProcess(GroupProcess[PickupGroup]):
    """The waits of one group and what happens when nobody acts. What people do is in `counter.py`."""

    async def run(self) -> None:
        """Phases that are done, or do not apply, return at once; so the story can begin again anywhere in it."""
        while self.group.open:
            await self.holds_are_cleared()
            await self.customer_chooses()
            await self.stock_arrives()
            await self.supply_arrives()
            await self.goods_arrive()
            await self.store_accepts()
            await self.goods_are_made_ready()
            await self.customer_collects()

    async def customer_chooses(self) -> None:
        if await self._while(GroupStatus.WAITING, WaitsFor.CHOICE, lambda: self.group.choose_by, "customer chooses"):
            return
        async with self.desk.turn:
            if self._still(GroupStatus.WAITING, WaitsFor.CHOICE):
                self.desk.book.event(Event.CHOICE_DEFAULTED, ENGINE, group=self.group.n, choice="cancel")
                await self.cancel_the_rest(CancelReason.EXPIRED, told="no_choice")

    async def stock_arrives(self) -> None:
        if await self._while(GroupStatus.WAITING, WaitsFor.STOCK, lambda: self.group.choose_by, "stock arrives"):
            return
        async with self.desk.turn:
            if self._still(GroupStatus.WAITING, WaitsFor.STOCK):
                await self.cancel_the_rest(CancelReason.INVENTORY)

    async def goods_arrive(self) -> None:
        """Sent from another place: late, then given up."""
        if await self._while(GroupStatus.IN_TRANSIT_TO_STORE, None, self._asked_at, "goods arrive at the store"):
            return
        async with self.desk.turn:
            transit = self.group.transit
            if (
                transit is not None
                and self._still(GroupStatus.IN_TRANSIT_TO_STORE, None)
                and self._over(self._asked_at())
            ):
                await Transferring(self.desk).is_late(self.group, transit)

    async def store_accepts(self) -> None:
        await self.place_accepts()

    async def goods_are_made_ready(self) -> None:
        statuses = (GroupStatus.ACCEPTED, GroupStatus.PICKING, GroupStatus.ARRIVED)
        await self.place_gets_ready(statuses, "makes it ready")

    async def customer_collects(self) -> None:
        """Reminders at their times, one last warning, then the window is over."""
        if await self._while(GroupStatus.READY, None, self._next_moment, "customer collects"):
            return
        async with self.desk.turn:
            if not self._still(GroupStatus.READY, None):
                return
            if self._over(self.group.deadline) and not self.group.in_locker:
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

    async def withdraw(self) -> None:
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
            **locker_facts(group),
        )
        await desk.book.record()

    async def _warn(self) -> None:
        desk, group = self.desk, self.group
        group.expiring_notice_at = None
        desk.book.event(Event.REMINDER_SENT, ENGINE, group=group.n, reason="window ends soon")
        for kind in (NoticeKind.PICKUP_EXPIRING, NoticeKind.STORE_ABOUT_TO_EXPIRE):
            for_customer = kind.shows_code
            if group.in_locker and not for_customer:
                continue  # the store can do nothing about it
            desk.book.notice(
                kind,
                group.extensions,
                group=group,
                until=group.deadline,
                deadline=group.deadline,
                lines=desk.book.notice_lines(group.owed_lines()),
                code_serial=(group.code_serial or None) if for_customer else None,
                link_kind="extension" if for_customer else None,
                **locker_facts(group),
            )
        await desk.book.record()

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _asked_at(self) -> datetime | None:
        return self.group.transit.parcel.asked_at if self.group.transit is not None else None

    def _next_moment(self) -> datetime | None:
        group = self.group
        # What lies in a parcel machine waits for its operator's word.
        ends = None if group.in_locker else group.deadline
        moments = [ends, group.expiring_notice_at, *group.reminders[:1]]
        return min((moment for moment in moments if moment is not None), default=None)
