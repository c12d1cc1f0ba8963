"""What everybody reads of a group: its units, its status, and what its kind has to say."""

from typing import Any

from domain.groups import Group, GroupStatus, WaitsFor
from domain.intake import PickupMode
from domain.locker_stays import LockerStay
from domain.pickups import PickupGroup
from domain.shipments import ShipmentGroup
from domain.transfers import TransferGroup
from domain.views import GroupLineView, GroupView, LockerView
from domain.virtual import VirtualGroup


def group_view(group: PickupGroup | ShipmentGroup | VirtualGroup) -> GroupView:
    if isinstance(group, VirtualGroup):
        return GroupView(**_shared(group))
    if isinstance(group, TransferGroup):
        return _transfer_view(group)
    return _pickup_view(group) if isinstance(group, PickupGroup) else _shipment_view(group)


def _transfer_view(group: TransferGroup) -> GroupView:
    """Whoever waits for it sees the pickup that it is going to be; how far its sender is stands beside that."""
    return _shipment_view(group).model_copy(
        update={
            "kind": "pickup",
            "ship_to_store": True,
            "mode": PickupMode.COUNTER,
            "store_id": group.to_store,
            "from_store": group.store_id or None,
            "sending": group.status,
            "status": group.shown_status,
        }
    )


def _pickup_view(group: PickupGroup) -> GroupView:
    transit = group.transit
    return GroupView(
        **_shared(group),
        ship_to_store=transit is not None,
        from_store=transit.from_store if transit else None,
        in_transit=group.in_transit,
        parcels=[transit.parcel.model_copy(deep=True)] if transit else [],
        mode=group.mode,
        ready_at=group.ready_at,
        deadline=group.deadline,
        latest_deadline=group.latest_deadline,
        arrived_at=group.arrived_at,
        bay=group.bay,
        locked=group.code_locked,
        put_back=group.put_back,
        locker=_locker_view(group.locker) if group.locker is not None else None,
        proposal=group.proposal if group.waits_for in (WaitsFor.CHOICE, WaitsFor.STOCK) else None,
        hand_overs=group.hand_overs,
    )


def _locker_view(stay: LockerStay) -> LockerView:
    return LockerView(
        locker_id=stay.locker_id,
        status=stay.status,
        compartment_id=stay.compartment_id,
        size=stay.size,
        reserved_until=stay.reserved_until,
        collect_by=stay.collect_by,
        counter=stay.counter,
        asked_to_take_out=stay.take_out is not None,
    )


def _shipment_view(group: ShipmentGroup) -> GroupView:
    asked = group.stop
    return GroupView(
        **_shared(group),
        origin=group.origin,
        service=group.service,
        country=group.destination.country,
        promised_at=group.promised_at,
        hops=group.hops,
        declined_by=group.declined_by,
        queue=group.queue,
        auto_cancel_at=group.auto_cancel_at,
        replaces=group.replaces,
        packed=group.packed,
        boxes=group.boxes,
        parcels=[parcel.model_copy(deep=True) for parcel in group.parcels],
        asked_to_stop=asked.lines if asked else {},
        answer_by=asked.answer_by if asked else None,
        put_back={
            line: n for line in group.units if (n := group.put_back.get(line, 0) + group.returned.get(line, 0)) > 0
        },
        returned=group.returned,
    )


def _shared(group: Group) -> dict[str, Any]:
    is_open = group.open  # looks at every line: once, not for each of five hundred
    return {
        "id": group.group_id,
        "n": group.n,
        "kind": group.kind,
        "store_id": group.store_id or None,
        "status": group.status,
        "lines": [
            GroupLineView(line_id=line, quantity=units.owed if is_open else units.total)
            for line, units in group.units.items()
            if units.total
        ],
        "units": {
            line: {state: n for state, n in units.model_dump().items() if n} for line, units in group.units.items()
        },
        "backordered": group.supply is not None,
        "expected_at": group.supply.expected_at if group.supply is not None else None,
        "promised_ready_at": group.promised_ready_at,
        "accept_by": group.accept_by if group.status is GroupStatus.OFFERED else None,
        "accepted_at": group.accepted_at,
        "location": group.location,
    }
