"""What an order waits for, worked out from its state, so that no list of waits can disagree with it."""

from typing import TYPE_CHECKING

from domain.groups import GroupStatus, PickupGroup, WaitsFor
from domain.waits import Wait, WaitKind

if TYPE_CHECKING:
    from domain.order import Order


def waits_of(order: "Order") -> list[Wait]:
    """Every present wait, the next deadline first. A finished order waits for nothing."""
    if order.finished:
        return []
    waits = [*_holds(order), *_systems(order), *_people(order)]
    if not order.holds:
        waits += [wait for group in order.groups if group.open and (wait := _group_wait(order, group))]
    return sorted(waits, key=lambda wait: (wait.deadline is None, wait.deadline or wait.since, wait.id))


def _holds(order: "Order") -> list[Wait]:
    return [
        Wait(
            id=f"hold/{hold.hold_id}",
            kind=WaitKind.HOLD,
            what=f"{hold.kind} hold: {hold.reason}",
            who=hold.owner,
            since=hold.since,
            deadline=hold.deadline,
            default=hold.default if hold.deadline else None,
        )
        for hold in order.holds
    ]


def _systems(order: "Order") -> list[Wait]:
    return [
        Wait(
            id=f"system/{name}",
            kind=WaitKind.PAYMENT_SYSTEM,
            what=f"{trouble.system} answers ({trouble.step})",
            who=trouble.system,
            since=trouble.since,
            default="tried again until it answers",
            last_error=trouble.error,
        )
        for name, trouble in order.troubles.items()
    ]


def _people(order: "Order") -> list[Wait]:
    return [
        Wait(
            id=f"intervention/{intervention.intervention_id}",
            kind=WaitKind.INTERVENTION,
            what=f"a person decides about: {intervention.step}",
            who="ops",
            since=intervention.since,
            last_error=intervention.error,
        )
        for intervention in order.interventions
    ]


def _group_wait(order: "Order", group: PickupGroup) -> Wait | None:
    since = order.terms.received_at
    match group.status:
        case GroupStatus.WAITING if group.waits_for is WaitsFor.CHOICE:
            return Wait(
                id=f"choice/{group.n}",
                kind=WaitKind.CHOICE,
                what="customer chooses another store, to wait, or to cancel",
                who="customer",
                since=group.waiting_since or since,
                deadline=group.choose_by,
                default="cancel and refund",
            )
        case GroupStatus.WAITING if group.waits_for is WaitsFor.STOCK:
            return Wait(
                id=f"stock/{group.n}",
                kind=WaitKind.STOCK,
                what=f"stock arrives at {group.store_id}",
                who=f"store {group.store_id}",
                since=group.waiting_since or since,
                deadline=group.choose_by,
                default="cancel and refund",
            )
        case GroupStatus.OFFERED:
            return Wait(
                id=f"acceptance/{group.n}",
                kind=WaitKind.ACCEPTANCE,
                what="store accepts",
                who=f"store {group.store_id}",
                since=group.offered_at or since,
                deadline=group.accept_by,
                default="customer is offered alternatives" if group.escalated else "store is reminded",
            )
        case GroupStatus.ACCEPTED | GroupStatus.PICKING:
            picking = group.status is GroupStatus.PICKING
            return Wait(
                id=f"picking/{group.n}",
                kind=WaitKind.PICKING,
                what="store makes it ready" if picking else "store picks",
                who=f"store {group.store_id}",
                since=(group.picking_at if picking else group.accepted_at) or since,
                deadline=group.ready_by,
                default="customer is offered alternatives" if group.late_until else "store is reminded",
            )
        case GroupStatus.READY:
            return Wait(
                id=f"collection/{group.n}",
                kind=WaitKind.COLLECTION,
                what="customer collects",
                who="customer",
                since=group.ready_at or since,
                deadline=group.deadline,
                default="cancel and refund",
            )
        case _:
            return None
