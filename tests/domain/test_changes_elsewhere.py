"""Changes of what waits for supply, of what is sent to a store, and of kits: what goes, and what to do instead."""

import pytest

from domain.change_wishes import ChangeWish, NewAddress, NewLine
from domain.changes import plan_change
from domain.destinations import Destination
from domain.groups import GroupStatus, WaitsFor
from domain.ids import LineId, Sku, StoreId
from domain.intake import Method
from domain.kits import Component
from domain.order import Order
from domain.parcels import Parcel
from domain.pickups import PickupGroup
from domain.refusals import Refused
from domain.shipments import ShipmentGroup
from domain.supply import Supply
from domain.terms import ShipmentTerms
from domain.transfers import TransferGroup
from domain.units import Units, UnitState
from tests.domain.sample_orders import PLACED, A, B, after, line, order
from tests.domain.test_changes import (
    BERLIN,
    VIENNA,
    authorised,
    by_pickup,
    by_ship,
    collected,
    made,
    new_line,
    offered,
    shipped,
    units,
    why_not,
)

TO_S1 = NewAddress(destination=BERLIN, origin=99)


def ahead(placed: Order, *, unsecured: bool = False) -> Order:
    """The first group was sold beyond stock."""
    group = placed.group(1)
    for each, n in group.owed_lines().items():
        group.units[each] = Units(open=n)
    group.waits_for, group.offered_at, group.supply = WaitsFor.SUPPLY, None, Supply(until=after(days=30))
    placed.unsecured = unsecured
    return placed


def sent_to_store() -> Order:
    """Three of A and two of B, that W1 was asked to send to S1."""
    way = ShipmentTerms(n=1, fulfilment="f1", destination=BERLIN, to_store=StoreId("S1"))
    return offered(authorised(order(line(A, 3, 300), line(B, 2, 100), pickups=[], shipments=[way])))


def to_store(*lines: LineId, store: str = "S1") -> ChangeWish:
    return by_ship(*lines, method=Method.SHIP_TO_STORE, store_id=StoreId(store), address=TO_S1)


# --- supply ----------------------------------------------------------------------------------------------------------


def test_what_waits_for_supply_may_be_taken_off_and_frees_no_stock() -> None:
    placed = ahead(collected())
    plan = plan_change(placed, ChangeWish(quantity={A: 1}))
    assert (units(plan.cut), plan.free, plan.due) == ([(1, A, 2)], [], 200)
    assert made(placed, ChangeWish(quantity={A: 1})).cut[1].shelf == {A: 2}


def test_a_place_in_the_queue_for_supply_is_for_what_was_ordered() -> None:
    with pytest.raises(Refused, match="Order more of it anew"):
        plan_change(ahead(collected()), ChangeWish(quantity={A: 4}))


def test_what_waits_for_supply_goes_no_other_way() -> None:
    for wish in (by_pickup(A), by_ship(A), to_store(A, store="S2")):
        assert why_not(plan_change(ahead(collected()), wish)) == [(A, 3, "awaits_supply")]
    assert why_not(plan_change(ahead(shipped()), by_pickup(A))) == [(A, 3, "awaits_supply")]


def test_what_waits_for_supply_may_be_sent_to_another_address() -> None:
    placed = ahead(shipped())
    abroad = ChangeWish(address=NewAddress(destination=VIENNA, origin=77))
    assert made(placed, abroad).altered == [1]
    assert (placed.shipments[0].origin, placed.shipments[0].status) == (77, GroupStatus.WAITING)


def test_a_new_line_beside_what_waits_for_supply_comes_from_stock() -> None:
    placed = ahead(collected())
    [new] = made(placed, ChangeWish(add=[new_line()])).new
    assert (new.supply, new.store_id, new.units) == (None, "S1", {LineId("N"): Units(open=1)})


def test_more_of_a_line_goes_with_its_units_in_stock() -> None:
    placed = collected()
    placed.groups.append(placed.group(1).successor(2, {A: Units(open=1)}, WaitsFor.SUPPLY, []))
    placed.group(1).units[A] = Units(allocated=2)
    placed.group(2).supply = Supply(until=after(days=30))
    assert made(placed, ChangeWish(quantity={A: 4})).joined == {1: {A: 1}}


def test_nothing_is_added_while_supply_is_far_and_nothing_is_paid() -> None:
    placed = ahead(collected(), unsecured=True)
    for wish in (ChangeWish(add=[new_line()]), ChangeWish(quantity={A: 4})):
        with pytest.raises(Refused, match="Supply is far"):
            plan_change(placed, wish)
    plan = plan_change(placed, ChangeWish(quantity={A: 1}))
    assert (plan.asked, plan.after.total) == (0, 200)


# --- ship to store ---------------------------------------------------------------------------------------------------


def test_a_pickup_may_be_sent_to_its_store_from_elsewhere() -> None:
    placed = collected()
    plan = plan_change(placed, to_store(A, store="S2"))
    assert (plan.owed, {each.store_id for each in plan.hold}) == (0, {None}), "whatever is collected ships free"
    [transfer] = made(placed, to_store(A, store="S2")).new
    assert isinstance(transfer, TransferGroup)
    assert (transfer.to_store, transfer.units, transfer.customer_place) == ("S2", {A: Units(open=3)}, "S2")


def test_what_the_store_has_or_gets_already_is_not_sent_there() -> None:
    assert why_not(plan_change(collected(), to_store(A))) == []
    assert why_not(plan_change(sent_to_store(), to_store(A))) == []


def test_a_transfer_takes_more_units_at_the_place_that_sends_it() -> None:
    placed = sent_to_store()
    plan = plan_change(placed, ChangeWish(quantity={A: 4}))
    assert [(each.line_id, each.store_id) for each in plan.hold] == [(A, "W1")]
    assert made(placed, ChangeWish(quantity={A: 4})).joined == {1: {A: 1}}


def test_a_transfer_may_go_to_another_store_or_to_the_customer_before_it_leaves() -> None:
    placed = sent_to_store()
    with pytest.raises(Refused, match="say where to"):
        plan_change(placed, by_ship(A, address=None))
    [other] = made(placed, to_store(A, store="S2")).new
    assert (other.kind, other.to_store, placed.group(1).owed_lines()) == ("transfer", "S2", {B: 2})
    [home] = made(placed, by_ship(B)).new
    assert (home.kind, home.origin, type(home)) == ("shipment", 77, ShipmentGroup)
    [pickup] = made(placed, by_pickup(A, store="S2")).new
    assert (pickup.kind, pickup.store_id) == ("pickup", "S2")


def test_the_address_of_a_store_is_not_the_customer_s_to_change() -> None:
    wish = ChangeWish(address=NewAddress(destination=Destination(country="FR"), origin=77))
    with pytest.raises(Refused, match="sent to the customer"):
        plan_change(sent_to_store(), wish)
    placed = sent_to_store()
    made(placed, by_ship(B))
    assert plan_change(placed, wish).address == [2]


def test_what_is_on_its_way_to_a_store_stays_on_it() -> None:
    placed = sent_to_store()
    [group] = placed.shipments
    assert isinstance(group, TransferGroup)
    for each, n in group.owed_lines().items():
        group.move(each, UnitState.PICKED, n, UnitState.ALLOCATED)
    parcel = Parcel(
        n=1, lines=group.owed_lines(), carrier="Handcart", tracking_number="HC-1", shipped_at=PLACED,
        due_at=after(days=1), overdue_at=after(days=9), status_at=PLACED,
    )  # fmt: skip
    placed.replace(group, group.sent(parcel))
    assert placed.group(1).status is GroupStatus.IN_TRANSIT_TO_STORE
    for wish in (by_pickup(A), by_ship(A), to_store(A, store="S2")):
        assert why_not(plan_change(placed, wish)) == [(A, 3, "in_transit")]
    assert why_not(plan_change(placed, ChangeWish(quantity={A: 1}))) == [(A, 2, "picked")]
    [beside] = made(placed, ChangeWish(add=[new_line()])).new
    assert (isinstance(beside, PickupGroup), beside.store_id) == (True, "S1")


# --- money and kits --------------------------------------------------------------------------------------------------


def test_what_is_to_be_paid_in_the_store_is_not_sent_to_the_customer() -> None:
    placed = offered(order(line(A, 3, 300), till=300))
    with pytest.raises(Refused, match="Pay it first"):
        plan_change(placed, by_ship(A))
    assert plan_change(placed, to_store(A, store="S2")).move


def test_a_kit_that_is_added_keeps_what_it_is_made_of() -> None:
    kit = [Component(sku=Sku("lamp"), quantity=1), Component(sku=Sku("bulb"), quantity=2)]
    placed = collected()
    new = NewLine(line_id=LineId("K"), sku=Sku("kit"), quantity=1, unit_price=50, fulfilment="f1", components=kit)
    made(placed, ChangeWish(add=[new]))
    assert placed.needs == {A: {"sku-A": 1}, B: {"sku-B": 1}, LineId("K"): {"lamp": 1, "bulb": 2}}
    made(placed, ChangeWish(quantity={LineId("K"): 2}))
    assert placed.needs[LineId("K")] == {"lamp": 1, "bulb": 2}
    assert [each.sku for each in placed.view().lines[-1].components] == ["lamp", "bulb"]
