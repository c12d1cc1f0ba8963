"""Before the customer stands at the counter: more time, another code, another person, a car outside."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.groups import GroupStatus
    from domain.hand_over_codes import MOST_SERIALS
    from domain.notices import NoticeKind
    from domain.refusals import RefusalKind
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.depositing import Depositing
    from workflows.desk import REMINDERS, Desk
    from workflows.messages import GroupAnswer
    from workflows.refusing import refuse
    from workflows.staying_longer import StayingLonger
    from workflows.window import check_extension, set_window, tell_code


class Collecting:
    """Commands on groups that are ready, and on who may collect them. Called with the turn taken."""

    def __init__(self, desk: Desk):
        self.desk = desk

    async def arrived(self, command: messages.Arrive) -> GroupAnswer:
        group = self.desk.order.pickup(command.n)
        group.require((GroupStatus.READY,), "announcing an arrival")
        group.arrived_at = workflow.now()
        group.arrivals += 1
        group.bay = command.bay
        self.desk.book.event(Event.CUSTOMER_ARRIVED, command.actor, group=group.n, bay=command.bay)
        self.desk.book.notice(
            NoticeKind.STORE_CUSTOMER_ARRIVED,
            group.arrivals,
            group=group,
            bay=command.bay,
            location=group.location,
            deadline=workflow.now() + self.desk.order.terms.policy.pickup.curbside_sla,
            lines=self.desk.book.notice_lines(group.owed_lines(UnitState.READY)),
        )
        await self.desk.book.record()
        return self.desk.answer(group)

    async def extend(self, command: messages.ExtendWindow) -> GroupAnswer:
        group = self.desk.order.pickup(command.n)
        group.require((GroupStatus.READY,), "extending its window")
        if group.in_locker:
            return await StayingLonger(self.desk).extend(group, command)
        check_extension(group, command.until)
        group.extensions += 1
        set_window(self.desk, group, command.until)
        self.desk.book.event(Event.WINDOW_EXTENDED, command.actor, group=group.n, until=command.until.isoformat())
        self.desk.book.withdraw(*REMINDERS, group=group)
        tell_code(self.desk, NoticeKind.WINDOW_EXTENDED, group, group.extensions)
        await self.desk.book.record()
        return self.desk.answer(group)

    async def resend_code(self, command: messages.ResendCode) -> GroupAnswer:
        """A new code, which makes the old one void."""
        group = self.desk.order.pickup(command.n)
        group.require((GroupStatus.READY,), "sending a new code")
        if group.in_locker:
            return await Depositing(self.desk).tell_again(group, command)
        if group.code_serial >= MOST_SERIALS:
            # A later one would be known to nobody at the counter.
            raise refuse(RefusalKind.BEYOND_LIMIT, "No more codes can be sent for this pickup. The last one is good.")
        group.code_serial += 1
        self.desk.book.event(Event.CODE_RESENT, command.actor, group=group.n, serial=group.code_serial)
        tell_code(self.desk, NoticeKind.CODE_RESENT, group, group.code_serial)
        await self.desk.book.record()
        return self.desk.answer(group)

    async def unlock(self, command: messages.Unlock) -> GroupAnswer:
        group = self.desk.order.pickup(command.n)
        group.code_locked = False
        group.wrong_codes = 0
        self.desk.book.event(Event.CODE_UNLOCKED, command.actor, group=group.n)
        await self.desk.book.record()
        return self.desk.answer(group)

    async def name_proxy(self, command: messages.NameProxy) -> GroupAnswer:
        group = self.desk.order.pickup(command.n)
        if not group.open:
            group.require((GroupStatus.READY,), "naming who collects")
        group.proxy = command.relation
        await self.desk.book.record()
        return self.desk.answer(group)

    async def note_sale(self, command: messages.NoteSale) -> GroupAnswer:
        """What was sold beside it is in its timeline, once."""
        group = self.desk.order.pickup(command.n)
        self.desk.book.event(
            Event.EXTRAS_SOLD, command.actor, group=group.n, sale=command.sale_id, amount=command.amount
        )
        await self.desk.book.record()
        return self.desk.answer(group)
