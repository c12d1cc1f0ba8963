"""A pickup that was to lie in a parcel machine waits at the counter of its store instead, and the customer is told."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE
    from domain.intake import PickupMode
    from domain.locker_stays import CounterReason
    from domain.notices import NoticeKind
    from domain.pickups import PickupGroup
    from domain.timeline import Event
    from workflows.desk import Desk


def to_the_counter(desk: Desk, group: PickupGroup, reason: CounterReason) -> None:
    """The compartment, if there is one, is spare from now on."""
    stay = group.locker
    assert stay is not None
    if stay.compartment_id is not None:
        stay.give_up(group.order_id, group.n)
    stay.counter, group.mode = reason, PickupMode.COUNTER
    desk.book.event(
        Event.COUNTER_INSTEAD, ENGINE, reason=reason, group=group.n, store=group.store_id, locker=stay.locker_id
    )
    desk.book.notice(
        NoticeKind.COUNTER_INSTEAD,
        stay.number,
        group=group,
        lines=desk.book.notice_lines(group.owed_lines()),
        reason=reason.value,
        ready_at=group.promised_ready_at,
    )
