"""More time in a parcel machine: its operator is asked for it, and what the operator answers is what counts."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.lockers import NO_COMPARTMENT, LockerSteps, LongerStay
    from domain.locker_stays import LockerStay, end_of
    from domain.lockers import Compartment, CompartmentStatus
    from domain.notices import NoticeKind
    from domain.personal import Readable
    from domain.pickups import PickupGroup
    from domain.refusals import RefusalKind, Refused
    from domain.timeline import Event
    from workflows import messages, options
    from workflows.depositing import Depositing
    from workflows.desk import REMINDERS, Desk
    from workflows.messages import GroupAnswer
    from workflows.refusing import StepFailed, failure_type, refuse
    from workflows.window import check_extension, locker_facts, set_window, tell_code


class StayingLonger:
    """Called with the turn taken, for goods that lie in a machine."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.depositing = Depositing(desk)

    async def extend(self, group: PickupGroup, command: messages.ExtendWindow) -> GroupAnswer:
        """Raises `Refused` when the operator does not let it wait longer, or has it no more."""
        desk, stay, before = self.desk, group.locker, group.deadline
        assert stay is not None
        assert before is not None
        if stay.take_out is not None:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                f"It was cancelled, and is being taken out of locker {stay.locker_id}. Wait for its operator's answer.",
            )
        check_extension(group, command.until)
        answer = await self._ask(group, stay, command)
        self.depositing.hear_answer(group, answer, command.command_id)
        if answer.status is not CompartmentStatus.DEPOSITED:
            await self.depositing.follow(group)
            await desk.book.record()
            desk.cashier.wake()
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                f"Nothing lies in locker {stay.locker_id} for this customer any more: {answer.status}.",
            )
        until = end_of(answer.collect_by, answer.status_at) or command.until
        if until <= before:
            raise _no_longer(stay, before)
        group.extensions += 1
        stay.look_at, stay.looks = None, 0
        set_window(desk, group, until)
        desk.book.event(
            Event.WINDOW_EXTENDED, command.actor, group=group.n, until=until.isoformat(), locker=stay.locker_id
        )
        desk.book.withdraw(*REMINDERS, group=group)
        tell_code(desk, NoticeKind.WINDOW_EXTENDED, group, group.extensions, **locker_facts(group))
        await desk.book.record()
        return desk.answer(group)

    async def _ask(self, group: PickupGroup, stay: LockerStay, command: messages.ExtendWindow) -> Compartment:
        assert stay.compartment_id is not None
        try:
            return await workflow.execute_activity_method(
                LockerSteps.extend_stay,
                LongerStay(compartment_id=stay.compartment_id, until=command.until),
                summary=Readable("Ask for more time in the locker"),
                **options.COMPARTMENT_AT_ONCE,
            )
        except StepFailed as error:
            if failure_type(error) == NO_COMPARTMENT:
                raise _no_longer(stay, group.deadline) from error
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                f"The operator of locker {stay.locker_id} does not answer, and only it can let the goods wait longer. "
                "Try again in some minutes.",
            ) from error


def _no_longer(stay: LockerStay, ends: datetime | None) -> Refused:
    until = f" until {ends.isoformat(timespec='seconds')}" if ends is not None else ""
    return refuse(
        RefusalKind.BEYOND_LIMIT,
        f"The operator of locker {stay.locker_id} lets the goods wait{until} and no longer. "
        "Collect them by then, or cancel the order: then they are taken out.",
    )
