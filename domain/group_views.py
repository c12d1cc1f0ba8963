"""What everybody reads of a group: its units, its status, and what its kind has to say."""

from typing import Any

from domain.pickups import PickupGroup
from domain.shipments import ShipmentGroup
from domain.views import GroupLineView, GroupView


def group_view(group: PickupGroup | ShipmentGroup) -> GroupView:
    return _pickup_view(group) if isinstance(group, PickupGroup) else _shipment_view(group)


def _pickup_view(group: PickupGroup) -> GroupView:
    return GroupView(
        **_shared(group),
        mode=group.mode,
        ready_at=group.ready_at,
        deadline=group.deadline,
        latest_deadline=group.latest_deadline,
        arrived_at=group.arrived_at,
        bay=group.bay,
        locked=group.code_locked,
        put_back=group.put_back,
        hand_overs=group.hand_overs,
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


def _shared(group: PickupGroup | ShipmentGroup) -> dict[str, Any]:
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
        "accepted_at": group.accepted_at,
        "location": group.location,
    }
