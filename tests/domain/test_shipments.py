"""What a shipment's status is, worked out from its units and events; and how units go from one to another."""

from copy import deepcopy
from typing import Any

import pytest

from domain.carriage import ParcelStatus
from domain.group_views import group_view
from domain.groups import Ending, GroupStatus, WaitsFor
from domain.ids import StoreId
from domain.intake import TenderType
from domain.order import Order
from domain.parcels import Box, Claim, Parcel, Resolution
from domain.refusals import RefusalKind, Refused
from domain.settlement import StepKind, plan_money
from domain.shipments import ShipmentGroup, StopAsked
from domain.units import Units, UnitState
from domain.waiting import waits_of
from tests.domain.sample_orders import PLACED, A, B, after, book, line, order, shipment_terms

S, G = UnitState, GroupStatus
PICKED = {A: Units(picked=2)}
GONE = {A: Units(shipped=2)}


def parcel(**changes: Any) -> Parcel:
    given: dict[str, Any] = {
        "n": 1,
        "lines": {A: 2},
        "carrier": "Handcart",
        "tracking_number": "HC-1",
        "shipped_at": PLACED,
        "due_at": after(days=4),
        "overdue_at": after(days=14),
        "status_at": PLACED,
    }
    return Parcel(**given | changes)


def claim(**changes: Any) -> Claim:
    return Claim(**{"reason": ParcelStatus.LOST, "opened_at": PLACED, "decide_by": after(days=3)} | changes)


def shipped(*lines: Any, **changes: Any) -> Order:
    return order(*(lines or (line(A, 2, 200),)), pickups=[], shipments=[shipment_terms()], **changes)


def group(**changes: Any) -> ShipmentGroup:
    found = shipped().shipment(1)
    for name, value in ({"waits_for": None, "store_id": StoreId("W001")} | deepcopy(changes)).items():
        setattr(found, name, value)
    return found


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"waits_for": WaitsFor.HOLDS}, G.WAITING),
        ({"waits_for": WaitsFor.SOURCING}, G.QUEUED),
        ({"units": {A: Units(allocated=2)}}, G.OFFERED),
        ({"units": {A: Units(allocated=2)}, "accepted_at": PLACED}, G.ACCEPTED),
        ({"units": PICKED, "picking_at": PLACED}, G.PICKING),
        ({"units": PICKED, "picking_at": PLACED, "packed": {A: 1}}, G.PICKING),
        ({"units": PICKED, "picking_at": PLACED, "packed": {A: 2}}, G.PACKED),
        ({"units": {A: Units(picked=1, shipped=1)}, "picking_at": PLACED, "packed": {A: 1}}, G.PACKED),
        ({"units": GONE, "parcels": [parcel()]}, G.SHIPPED),
        ({"units": GONE, "parcels": [parcel(claim=claim())]}, G.EXCEPTION),
        ({"units": {A: Units(delivered=2)}, "parcels": [parcel()]}, G.DELIVERED),
        ({"units": {A: Units(delivered=1, cancelled=1)}, "parcels": [parcel()]}, G.DELIVERED),
        ({"units": {A: Units(lost=2)}, "parcels": [parcel(claim=claim(resolved_at=PLACED))]}, G.EXCEPTION),
        ({"units": {A: Units()}, "ending": Ending.MOVED}, G.REJECTED),
        ({"units": {A: Units(cancelled=2)}, "ending": Ending.CANCELLED}, G.CANCELLED),
    ],
)
def test_the_status_follows_from_units_and_events(state: dict[str, Any], status: GroupStatus):
    assert group(**state).status is status


def test_a_command_that_is_off_says_what_to_do_instead():
    with pytest.raises(Refused) as refused:
        group(units=PICKED, picking_at=PLACED).require((G.PACKED,), "shipping it")
    said = "This shipment is picking, which does not allow shipping it: it must be packed first."
    assert refused.value.refusal.detail == said


def test_units_that_leave_a_shipment_leave_its_boxes_too():
    packed = group(units={A: Units(picked=2), B: Units(picked=1)}, packed={A: 2, B: 1}, boxes=[Box(weight_g=900)])
    packed.units[A].move(S.PICKED, S.CANCELLED, 1)
    packed.keep_packed_within_picked()
    assert (packed.packed, packed.boxes) == ({A: 1, B: 1}, [Box(weight_g=900)])
    packed.take_from_box({A: 1, B: 1})
    assert (packed.packed, packed.boxes) == ({}, [])


def test_a_shipment_that_takes_units_over_keeps_their_past():
    placed = shipped(line(A, 3, 300))
    first = placed.shipment(1)
    first.promised_at, first.hops, first.store_id = after(days=4), 2, StoreId("S1")
    part = placed.split_off(first, {A: 2}, WaitsFor.SOURCING, [StoreId("S1")])
    assert (part.n, part.origin, part.hops, part.promised_at) == (2, 1, 2, after(days=4))
    assert (part.declined_by, part.store_id, part.status) == (["S1"], "", G.QUEUED)
    assert (first.owed, part.owed) == (1, 2)


def test_only_what_is_open_can_go_elsewhere():
    placed = shipped()
    placed.shipment(1).units[A].move(S.OPEN, S.ALLOCATED, 2)
    with pytest.raises(Refused):
        placed.split_off(placed.shipment(1), {A: 1}, WaitsFor.SOURCING, [])


def test_the_parcel_must_be_named_when_there_are_several():
    two = group(units=GONE, parcels=[parcel(lines={A: 1}), parcel(n=2, lines={A: 1})])
    assert two.parcel(2).n == 2
    for asked in (None, 3):
        with pytest.raises(Refused) as refused:
            two.parcel(asked)
        assert refused.value.refusal.kind is RefusalKind.NOT_FOUND
    assert group(parcels=[parcel()]).parcel(None).n == 1


# --- money ------------------------------------------------------------------------------------------------------------


def dispatched(total: int = 100, units: int = 3) -> Order:
    """All units of one line have left and are paid."""
    placed = shipped(line(A, units, total))
    placed.tenders = [book(total, live=0, captured=total)]
    placed.shipment(1).units[A] = Units(shipped=units)
    placed.settle({A: units}, earned=True)
    return placed


def test_what_never_got_there_is_earned_no_more_to_the_cent():
    placed = dispatched(100, 3)
    shares = []
    for _ in range(3):
        placed.shipment(1).move(A, S.LOST, 1, S.SHIPPED)
        shares.append(placed.give_up({A: 1}))
    assert (sum(shares), placed.earned) == (100, 0)
    assert sorted(shares) == [33, 33, 34]


def test_no_more_is_given_up_than_was_earned():
    placed = dispatched(100, 3)
    placed.give_up({A: 2})
    with pytest.raises(ValueError, match="only 1 units"):
        placed.give_up({A: 2})
    assert placed.due_back == 66


def test_money_of_lost_units_goes_back_while_others_are_still_owed():
    placed = shipped(line(A, 2, 200))
    placed.tenders = [book(200, live=100, captured=100)]
    placed.shipment(1).units[A] = Units(picked=1, shipped=1)
    placed.settle({A: 1}, earned=True)
    placed.shipment(1).move(A, S.LOST, 1, S.SHIPPED)
    placed.give_up({A: 1})
    plan = plan_money(placed.tenders, placed.earned, placed.owed_worth, placed.due_back)
    assert [(step.kind, step.amount) for step in plan.steps] == [(StepKind.REFUND, 100)]


def test_units_that_are_sent_again_are_paid_once():
    placed = dispatched(100, 2)
    again = placed.replacement(placed.shipment(1), {A: 1})
    assert (again.replaces, again.status, again.paid) == (1, G.QUEUED, True)
    assert (placed.owed_worth, placed.earned) == (0, 100)
    assert placed.line_units(A) == Units(open=1, shipped=1)
    assert plan_money(placed.tenders, placed.earned, placed.owed_worth, placed.due_back).steps == []


def test_a_shipment_whose_parcel_is_sent_again_is_an_exception_at_its_end():
    placed = dispatched(100, 2)
    first = placed.shipment(1)
    first.parcels = [parcel(claim=claim(resolution=Resolution.RESHIP, resolved_at=PLACED))]
    placed.replacement(first, {A: 2})
    assert first.status is G.EXCEPTION
    assert not first.under_way


def test_what_a_person_wrote_off_is_not_paid_back():
    placed = shipped(line(A, 2, 200))
    placed.tenders = [book(200, captured=120)]
    placed.shipment(1).units[A] = Units(shipped=2)
    placed.settle({A: 2}, earned=True)
    placed.written_off = 80
    placed.give_up({A: 1})
    assert (placed.earned, placed.written_off) == (100, 0)


# --- waits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        (
            {"waits_for": WaitsFor.SOURCING, "auto_cancel_at": after(days=7)},
            [("a place is found that can ship it", "sourcing", after(days=7), "cancel and refund")],
        ),
        ({"waits_for": WaitsFor.SOURCING}, [("a place is found that can ship it", "sourcing", None, None)]),
        (
            {"units": {A: Units(allocated=2)}, "accept_by": after(minutes=30)},
            [("place accepts", "store W001", after(minutes=30), "place is reminded")],
        ),
        (
            {"units": {A: Units(allocated=2)}, "accept_by": after(hours=1), "escalated": True},
            [("place accepts", "store W001", after(hours=1), "another place is found")],
        ),
        (
            {"units": PICKED, "picking_at": PLACED, "packed": {A: 2}, "promised_ready_at": after(hours=4)},
            [("place ships", "store W001", after(hours=4), "place is reminded")],
        ),
        (
            {"units": PICKED, "picking_at": PLACED, "late_until": after(hours=9)},
            [("place packs", "store W001", after(hours=9), "another place is found")],
        ),
        (
            {"units": GONE, "parcels": [parcel()]},
            [("carrier delivers", "carrier Handcart", after(days=4), "customer is told that it is late")],
        ),
        (
            {"units": GONE, "parcels": [parcel(told_late=True)]},
            [("carrier delivers", "carrier Handcart", after(days=14), "it counts as delivered")],
        ),
        (
            {"units": GONE, "parcels": [parcel(claim=claim())]},
            [("what becomes of a parcel that is lost", "ops", after(days=3), "refund")],
        ),
    ],
)
def test_what_it_waits_for(state: dict[str, Any], waits: list[tuple[Any, ...]]):
    placed = shipped()
    placed.groups = [group(**state)]
    assert [(wait.what, wait.who, wait.deadline, wait.default) for wait in waits_of(placed)] == waits


def test_a_place_that_was_asked_to_stop_is_waited_for_beside_its_work():
    placed = shipped()
    stop = StopAsked(lines={A: 2}, reason="customer", since=PLACED, answer_by=after(hours=2))
    placed.groups = [group(units=PICKED, picking_at=PLACED, promised_ready_at=after(hours=4), stop=stop)]
    assert [(wait.id, wait.default) for wait in waits_of(placed)] == [
        ("stop/1", "it counts as stopped"),
        ("dispatch/1", "place is reminded"),
    ]


def test_an_order_with_a_parcel_on_its_way_is_not_at_rest():
    placed = dispatched()
    assert (placed.open, placed.under_way) == (False, True)
    placed.shipment(1).move(A, S.DELIVERED, 3, S.SHIPPED)
    assert not placed.under_way


def test_the_view_of_a_shipment_that_has_no_place_names_none():
    view = group_view(shipped().shipment(1))
    assert (view.store_id, view.mode, view.kind, view.country) == (None, None, "shipment", "DE")


def test_units_that_came_back_are_shown_with_those_to_be_put_back():
    back = group(units={A: Units(lost=1), B: Units(cancelled=1)}, returned={A: 1}, put_back={A: 1, B: 1})
    view = group_view(back)
    assert (view.put_back, view.returned) == ({A: 2, B: 1}, {A: 1})


def test_an_order_as_it_was_kept_before_there_were_shipments_is_read_as_pickups():
    placed = order(line(A, 2, 200), tenders=[(TenderType.CARD, 200)])
    kept = placed.model_dump(mode="json")
    for each in kept["groups"]:
        del each["kind"]
    assert Order.model_validate(kept) == placed


def test_an_order_with_both_kinds_is_read_as_it_was_kept():
    placed = order(line(A, 2, 200), line(B, 1, 100, 2), shipments=[shipment_terms(2)])
    placed.groups = [each for each in placed.groups if each.n == 2 or each.kind == "pickup"]
    assert Order.model_validate_json(placed.model_dump_json()) == placed
