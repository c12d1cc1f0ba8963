"""A place takes on what it was offered, or answers after its time: the same for pickups and shipments."""

from collections.abc import Container

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.groups import GroupStatus
    from domain.order import AnyGroup
    from domain.refusals import RefusalKind
    from domain.timeline import Event
    from workflows import messages
    from workflows.desk import Desk
    from workflows.messages import GroupAnswer
    from workflows.refusing import refuse


async def accept(desk: Desk, group: AnyGroup, command: messages.Accept, gone: Container[GroupStatus]) -> GroupAnswer:
    if group.status is GroupStatus.ACCEPTED:
        return desk.answer(group, already=True)
    await not_too_late(desk, group, command, gone)
    group.require([GroupStatus.OFFERED], "accepting it")
    group.accepted_at = workflow.now()
    group.escalated = False
    desk.book.event(Event.STORE_ACCEPTED, command.actor, group=group.n)
    desk.book.ask_hours(group.store_id)
    await desk.book.record()
    return desk.answer(group)


async def not_too_late(
    desk: Desk, group: AnyGroup, command: messages.GroupCommand, gone: Container[GroupStatus]
) -> None:
    """A place that answers after its work went elsewhere is told so politely, and the answer is shown.

    `gone`: the states of a group whose work was withdrawn.
    """
    if group.status not in gone or group.store_id not in group.declined_by:
        return
    desk.book.event(Event.LATE_ANSWER_REFUSED, command.actor, group=group.n, answer=type(command).__name__)
    await desk.book.record()
    raise refuse(
        RefusalKind.NOT_ALLOWED_NOW, "The answer came after its time; the order has gone another way. Thank you."
    )
