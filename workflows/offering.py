"""A group whose units are allocated is put before its place: what the place owes from now on, and until when."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.dropship import PartnerWork
    from domain.groups import Group
    from domain.ids import operation_key
    from domain.locker_stays import CounterReason
    from domain.notices import NoticeKind
    from domain.order import AnyGroup
    from domain.pickup_windows import accept_deadline, promised_ready_at
    from domain.pickups import PickupGroup
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from workflows.counter_instead import to_the_counter
    from workflows.desk import Desk, work_policy


def offer(desk: Desk, group: AnyGroup) -> None:
    """Put a group, whose units are allocated, before its place."""
    if isinstance(group, PickupGroup):
        _offer_pickup(desk, group)
    elif isinstance(group, ShipmentGroup):
        _offer_shipment(desk, group)


def _offer_pickup(desk: Desk, group: PickupGroup) -> None:
    _begin_anew(desk, group)
    group.choose_by = group.ready_at = None
    group.deadline = group.latest_deadline = group.expiring_notice_at = None
    group.reminders = []
    group.transit = group.plan = group.proposal = None  # from the store's own shelf this time
    if group.locker is not None and group.locker.store_id != group.store_id and group.locker.counter is None:
        to_the_counter(desk, group, CounterReason.ELSEWHERE)
    group.promised_ready_at = _promised(desk, group) or promised_ready_at(
        desk.hours(group.store_id), work_policy(desk.order, group), workflow.now(), group.requested_at
    )
    _tell(desk, group, NoticeKind.STORE_NEW_ORDER)


def _promised(desk: Desk, group: PickupGroup) -> datetime | None:
    """The time that was promised before the order was there, while it can be kept."""
    terms = next((each for each in desk.order.terms.pickups if each.n == group.n), None)
    promised = terms.promised_ready_at if terms is not None and terms.store_id == group.store_id else None
    return promised if promised is not None and promised > workflow.now() else None


def _offer_shipment(desk: Desk, group: ShipmentGroup) -> None:
    _begin_anew(desk, group)
    group.queue = group.auto_cancel_at = group.look_again_at = None
    policy = desk.order.terms.policy.shipping
    group.promised_ready_at = promised_ready_at(desk.hours(group.store_id), policy, workflow.now())
    group.leave_by = group.leave_by or group.promised_ready_at
    group.promised_at = group.promised_at or policy.delivered_by(group.service, group.promised_ready_at)
    if (partner := desk.order.partners.get(group.store_id)) is not None and group.bound_for is None:
        group.request = PartnerWork(partner=partner, key=operation_key(group.order_id, "partner", group.n))
        desk.book.event(Event.PARTNER_ASKED, group=group.n, store=group.store_id, partner=partner)
    else:
        _tell(desk, group, NoticeKind.STORE_NEW_SHIPMENT)


def _begin_anew(desk: Desk, group: Group) -> None:
    now = workflow.now()
    group.waits_for = group.waiting_since = None
    group.offered_at = now
    group.escalated = False
    group.accepted_at = group.picking_at = group.late_until = group.location = None
    group.accept_by = accept_deadline(desk.hours(group.store_id), work_policy(desk.order, group), now)


def _tell(desk: Desk, group: Group, kind: NoticeKind) -> None:
    desk.book.event(Event.STORE_OFFERED, group=group.n, store=group.store_id)
    desk.book.notice(
        kind,
        desk.book.occasion,
        group=group,
        lines=desk.book.notice_lines(group.owed_lines()),
        deadline=group.accept_by,
    )
