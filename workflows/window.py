"""The customer's time to collect: its end, its reminders, and what the customer is told of it."""

from datetime import datetime
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.notices import NoticeKind
    from domain.pickup_windows import expiring_notice_at, reminder_times, resumed_deadline
    from domain.pickups import PickupGroup
    from domain.refusals import RefusalKind
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows.desk import REMINDERS, Desk
    from workflows.refusing import refuse


def set_window(desk: Desk, group: PickupGroup, deadline: datetime) -> None:
    policy, now = desk.order.terms.policy.pickup, workflow.now()
    group.deadline = deadline
    ready = group.ready_at or now
    group.reminders = [at for at in reminder_times(policy, ready, deadline) if at > now]
    group.expiring_notice_at = expiring_notice_at(policy, ready, deadline)


def check_extension(group: PickupGroup, until: datetime) -> None:
    """Refuse an end that is no later than the present one, or later than any may be."""
    if group.deadline is None or until <= group.deadline:
        raise refuse(RefusalKind.BEYOND_LIMIT, "The window already ends no earlier than that. Name a later time.")
    if group.latest_deadline is not None and until > group.latest_deadline:
        raise refuse(
            RefusalKind.BEYOND_LIMIT,
            f"The window can be extended to {group.latest_deadline.isoformat(timespec='seconds')} at most.",
        )


def resume_window(desk: Desk, group: PickupGroup, held_since: datetime) -> None:
    """The order's last hold is gone: nobody loses a window for the time in which nobody could collect."""
    if group.deadline is None or group.in_locker:  # there the customer could collect, and the operator sets the time
        return
    policy, hours = desk.order.terms.policy.pickup, desk.hours(group.store_id)
    deadline = resumed_deadline(hours, policy, group.deadline, held_since, workflow.now())
    if deadline == group.deadline:
        return
    group.extensions += 1
    group.latest_deadline = max(deadline, group.latest_deadline or deadline)
    set_window(desk, group, deadline)
    desk.book.event(
        Event.WINDOW_EXTENDED, group=group.n, until=deadline.isoformat(), reason="nobody could collect while held"
    )
    desk.book.withdraw(*REMINDERS, group=group)
    tell_code(desk, NoticeKind.WINDOW_EXTENDED, group, group.extensions)


def locker_facts(group: PickupGroup) -> dict[str, Any]:
    """Where it lies, of what lies in a parcel machine. The code is asked for when the notice is sent."""
    if group.locker is None or not group.in_locker:
        return {}
    return {"locker_id": group.locker.locker_id, "compartment_id": group.locker.compartment_id}


def tell_code(desk: Desk, kind: NoticeKind, group: PickupGroup, *sequence: int, **facts: Any) -> None:
    facts.setdefault("lines", desk.book.notice_lines(group.owed_lines(UnitState.READY)))
    desk.book.notice(
        kind,
        *(sequence or (group.code_serial,)),
        group=group,
        deadline=group.deadline,
        ready_at=group.ready_at,
        code_serial=group.code_serial or None,
        curbside=group.mode.value == "curbside",
        link_kind="arrival" if group.mode.value == "curbside" else "extension",
        **facts,
    )
