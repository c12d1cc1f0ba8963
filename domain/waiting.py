"""What an order waits for, worked out from its state, so that no list of waits can disagree with it."""

from datetime import datetime
from typing import TYPE_CHECKING

from domain.choices import ChoiceOption, choices_of
from domain.groups import Group, GroupStatus, WaitsFor
from domain.locker_waits import locker_waits, with_locker
from domain.pickups import PickupGroup
from domain.shipments import ShipmentGroup
from domain.supply import Supply
from domain.waits import Wait, WaitKind

if TYPE_CHECKING:
    from domain.order import Order


def waits_of(order: "Order") -> list[Wait]:
    """Every present wait, the next deadline first. A finished order waits for nothing."""
    if order.finished:
        return []
    waits = [*_holds(order), *_change(order), *_systems(order), *_people(order)]
    if not order.holds:
        pickups = [group for group in order.pickups if group.open]
        waits += [wait for group in pickups if (wait := with_locker(group, _pickup_wait(order, group)))]
        waits += [wait for group in order.shipments if group.open and (wait := _shipment_wait(order, group))]
    # A hold does not stop what has left, nor the answer of a place that was asked to stop.
    waits += [wait for group in order.shipments for wait in (*_stops(group), *_parcels(group))]
    waits += [wait for group in order.pickups for wait in locker_waits(group, order.terms.received_at)]
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


def _change(order: "Order") -> list[Wait]:
    if order.change is None:
        return []
    return [
        Wait(
            id=f"change/{order.change.change_id}",
            kind=WaitKind.CHANGE,
            what="customer pays for a change",
            who="customer",
            since=order.change.since,
            deadline=order.change.deadline,
            default="the change is dropped",
        )
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


def _supply(group: Group, supply: Supply, since: datetime) -> Wait:
    expected = f", expected {supply.expected_at:%Y-%m-%d}" if supply.expected_at is not None else ""
    return Wait(
        id=f"supply/{group.n}",
        kind=WaitKind.STOCK,
        what=f"stock arrives{expected}",
        who="seller",
        since=group.waiting_since or since,
        deadline=supply.until,
        default="cancel",
        choices=[ChoiceOption.WAIT, ChoiceOption.CANCEL],
    )


def _pickup_wait(order: "Order", group: PickupGroup) -> Wait | None:
    since = order.terms.received_at
    match group.status:
        case GroupStatus.WAITING if group.waits_for is WaitsFor.CHOICE:
            return Wait(
                id=f"choice/{group.n}",
                kind=WaitKind.CHOICE,
                what="customer chooses how to go on",
                who="customer",
                since=group.waiting_since or since,
                deadline=group.choose_by,
                default="cancel and refund",
                choices=choices_of(order, group),
            )
        case GroupStatus.WAITING if group.supply is not None:
            return _supply(group, group.supply, since)
        case GroupStatus.WAITING if group.waits_for is WaitsFor.STOCK:
            return Wait(
                id=f"stock/{group.n}",
                kind=WaitKind.STOCK,
                what=f"stock arrives at {group.store_id}",
                who=f"store {group.store_id}",
                since=group.waiting_since or since,
                deadline=group.choose_by,
                default="cancel and refund",
                choices=choices_of(order, group),
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
        case GroupStatus.IN_TRANSIT_TO_STORE if group.transit is not None:
            parcel = group.transit.parcel
            return Wait(
                id=f"arrival/{group.n}",
                kind=WaitKind.ARRIVAL,
                what=f"goods from {group.transit.from_store} arrive at the store",
                who=f"store {group.store_id}",
                since=parcel.shipped_at,
                deadline=parcel.asked_at,
                default="it counts as lost" if parcel.told_late else "customer is told that it is late",
            )
        case GroupStatus.ACCEPTED | GroupStatus.PICKING | GroupStatus.ARRIVED:
            picking = group.status is not GroupStatus.ACCEPTED
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


def _shipment_wait(order: "Order", group: ShipmentGroup) -> Wait | None:
    since = order.terms.received_at
    place = f"store {group.store_id}"
    match group.status:
        case GroupStatus.WAITING if group.supply is not None:
            return _supply(group, group.supply, since)
        case GroupStatus.QUEUED if group.run_within is not None:
            return Wait(
                id=f"sourcing/{group.n}",
                kind=WaitKind.SOURCING,
                what="orders of its class are brokered",
                who="sourcing",
                since=group.waiting_since or since,
                deadline=group.look_again_at,
                default="a place is looked for at once",
            )
        case GroupStatus.QUEUED:
            return Wait(
                id=f"sourcing/{group.n}",
                kind=WaitKind.SOURCING,
                what="a place is found that can ship it",
                who="sourcing",
                since=group.waiting_since or since,
                deadline=group.auto_cancel_at,
                default="cancel and refund" if group.auto_cancel_at else None,
            )
        case GroupStatus.OFFERED if group.request is not None:
            return Wait(
                id=f"acceptance/{group.n}",
                kind=WaitKind.ACCEPTANCE,
                what="partner accepts",
                who=f"partner {group.request.partner}",
                since=group.offered_at or since,
                deadline=group.accept_by,
                default="it is asked to drop it, and another place is found",
            )
        case GroupStatus.ACCEPTED if group.request is not None:
            return Wait(
                id=f"dispatch/{group.n}",
                kind=WaitKind.DISPATCH,
                what="partner ships",
                who=f"partner {group.request.partner}",
                since=group.accepted_at or since,
                deadline=None,
                default=None,
            )
        case GroupStatus.OFFERED:
            return Wait(
                id=f"acceptance/{group.n}",
                kind=WaitKind.ACCEPTANCE,
                what="place accepts",
                who=place,
                since=group.offered_at or since,
                deadline=group.accept_by,
                default="another place is found" if group.escalated else "place is reminded",
            )
        case GroupStatus.ACCEPTED | GroupStatus.PICKING | GroupStatus.PACKED:
            what, began = {
                GroupStatus.ACCEPTED: ("place picks", group.accepted_at),
                GroupStatus.PICKING: ("place packs", group.picking_at),
                GroupStatus.PACKED: ("place ships", group.picking_at),
            }[group.status]
            return Wait(
                id=f"dispatch/{group.n}",
                kind=WaitKind.DISPATCH,
                what=what,
                who=place,
                since=began or since,
                deadline=group.ready_by,
                default="another place is found" if group.late_until else "place is reminded",
            )
        case _:
            return None


def _stops(group: ShipmentGroup) -> list[Wait]:
    if group.stop is None:
        return []
    if group.request is not None:
        return [
            Wait(
                id=f"stop/{group.n}",
                kind=WaitKind.STOP,
                what="partner says whether it could stop",
                who=f"partner {group.request.partner}",
                since=group.stop.since,
                deadline=None,
                default=None,
            )
        ]
    return [
        Wait(
            id=f"stop/{group.n}",
            kind=WaitKind.STOP,
            what="place says whether it could stop",
            who=f"store {group.store_id}",
            since=group.stop.since,
            deadline=group.stop.answer_by,
            default="it counts as stopped",
        )
    ]


def _parcels(group: ShipmentGroup) -> list[Wait]:
    waits = []
    for parcel in group.parcels:
        if parcel.claim is not None and parcel.claim.open:
            waits.append(
                Wait(
                    id=f"claim/{group.n}/{parcel.n}",
                    kind=WaitKind.CLAIM,
                    what=f"what becomes of a parcel that is {parcel.claim.reason}",
                    who="ops",
                    since=parcel.claim.opened_at,
                    deadline=parcel.claim.decide_by,
                    default="refund",
                )
            )
        elif parcel.on_its_way:
            waits.append(
                Wait(
                    id=f"delivery/{group.n}/{parcel.n}",
                    kind=WaitKind.DELIVERY,
                    what="carrier delivers",
                    who=f"carrier {parcel.carrier}",
                    since=parcel.shipped_at,
                    deadline=parcel.asked_at,
                    default=parcel.default,
                )
            )
    return waits
