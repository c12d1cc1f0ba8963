"""Shipments that wait for the next run of their class, with stock reserved for them where some was found."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.sourcing import Part, RunAwaited
    from domain.actors import ENGINE
    from domain.groups import WaitsFor
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows.desk import Desk


def reserve_until_the_run(group: ShipmentGroup, parts: list[Part], run: RunAwaited) -> None:
    """A new order's shipment stays whole: what was found keeps its stock, and the run may choose otherwise."""
    group.held = {part.location_id: dict(part.lines) for part in parts}
    group.queue, group.run_within = run.queue, run.within


def wait_for_run(desk: Desk, group: ShipmentGroup) -> None:
    """Into the queue of its class: a run finds its places, or it is looked for by itself when none has come."""
    assert group.run_within is not None, "only what has a class waits for its run"
    now = workflow.now()
    group.waits_for, group.waiting_since = WaitsFor.SOURCING, now
    group.look_again_at = now + group.run_within
    group.auto_cancel_at = group.look_again_at + desk.order.terms.policy.shipping.unfillable_within
    desk.book.event(
        Event.QUEUED,
        ENGINE,
        reason="waits_for_run",
        group=group.n,
        queue=group.queue,
        lines=group.owed_lines(UnitState.OPEN),
        until=group.look_again_at,
    )
