"""What a change would do: which units, at what price, what is owed or due, and what comes too late."""

from typing import Any

import pytest

from domain.amending import totals_of
from domain.change_policy import ChangePolicy, EditKind, ServicePrice, Until
from domain.change_wishes import ChangeWish, NewAddress, NewLine, NewWay, Way
from domain.changes import BlockReason, ChangePlan, check, plan_change
from domain.destinations import Destination
from domain.edits import draw_up
from domain.groups import GroupStatus, WaitsFor
from domain.ids import LineId, Sku, StoreId
from domain.intake import Method, PickupMode, Service, TenderType
from domain.making_changes import Made, make
from domain.order import Order
from domain.pickups import PickupGroup
from domain.policy_packs import STANDARD
from domain.refusals import RefusalKind, Refused
from domain.shipments import ShipmentGroup, StopAsked
from domain.substitution_rules import Substitution, SubstitutionRule
from domain.terms import ChannelRules, ShipmentTerms
from domain.units import Units, UnitState
from tests.domain.sample_orders import PLACED, A, B, after, line, order

S = UnitState
BERLIN, VIENNA = Destination(country="DE"), Destination(country="AT")
NEW = LineId("N")


def authorised(placed: Order) -> Order:
    for tender in placed.tenders:
        if tender.type is TenderType.CARD:
            tender.live, tender.authorisation_id = tender.amount, f"auth-{tender.tender_id}"
    return placed


def offered(placed: Order) -> Order:
    """Every place is asked; its units are allocated."""
    for group in placed.groups:
        for each, units in group.owed_lines(S.OPEN).items():
            group.move(each, S.ALLOCATED, units, S.OPEN)
        group.waits_for, group.offered_at = None, PLACED
        group.store_id = group.store_id or StoreId("W1")
    return placed


def collected(**changes: Any) -> Order:
    """Three of A (300) and two of B (100), in one pickup, offered to its store."""
    return offered(authorised(order(line(A, 3, 300), line(B, 2, 100), **changes)))


def shipped(*, shipping: int = 0, service: Service = Service.STANDARD, **changes: Any) -> Order:
    """The same in one shipment, whose shipping costs so much."""
    way = ShipmentTerms(n=1, fulfilment="f1", destination=BERLIN, service=service)
    placed = order(
        line(A, 3, 300), line(B, 2, 100), card=400 + shipping, pickups=[], shipments=[way], shipping_total=shipping,
        total=400 + shipping, **changes,
    )  # fmt: skip
    return offered(authorised(placed))


def new_line(quantity: int = 1, price: int = 50, **more: Any) -> NewLine:
    return NewLine(line_id=NEW, sku=Sku("sku-new"), quantity=quantity, unit_price=price, fulfilment="f1", **more)


def by_ship(*lines: LineId, service: Service = Service.STANDARD, **more: Any) -> ChangeWish:
    way = Way(method=Method.SHIP, service=service, address=NewAddress(destination=BERLIN, origin=77))
    return ChangeWish(method=NewWay(lines=list(lines), way=way.model_copy(update=more)))


def by_pickup(*lines: LineId, store: str = "S2", **more: Any) -> ChangeWish:
    return ChangeWish(method=NewWay(lines=list(lines), way=Way(method=Method.PICKUP, store_id=StoreId(store), **more)))


def made(placed: Order, wish: ChangeWish) -> Made:
    """The wish carried out, as far as the domain does it; its plan says the same."""
    plan = plan_change(placed, wish)
    check(plan)
    done = make(placed, draw_up(placed, wish))
    assert totals_of(placed) == plan.after
    return done


def units(parts: list) -> list[tuple[int, str, int]]:
    return [(part.n, part.line_id, part.quantity) for part in parts]


def why_not(plan: ChangePlan) -> list[tuple[str, int, str]]:
    with pytest.raises(Refused) as refused:
        check(plan)
    assert refused.value.refusal.kind is RefusalKind.NOT_ALLOWED_NOW
    return [(part.line_id, part.quantity, part.reason.value) for part in plan.refused]


# --- units and prices ------------------------------------------------------------------------------------------------


def test_more_of_a_line_costs_its_unit_price_and_joins_its_pickup():
    placed = collected()
    plan = plan_change(placed, ChangeWish(quantity={A: 5}))
    assert (plan.before.total, plan.after.total, plan.owed, plan.asked, plan.due) == (400, 600, 200, 200, 0)
    assert units(plan.add) == [(1, A, 2)]
    assert [(each.line_id, each.quantity, each.store_id) for each in plan.hold] == [(A, 2, "S1")]
    done = made(placed, ChangeWish(quantity={A: 5}))
    assert (done.joined, placed.group(1).units[A]) == ({1: {A: 2}}, Units(allocated=5))
    assert [(each.line_id, each.ordered, each.total) for each in placed.view().lines] == [(A, 5, 500), (B, 2, 100)]
    assert placed.view().total == 400, "the order's total moves with the record of the change"


def test_a_discount_was_for_what_was_ordered_and_goes_last():
    placed = offered(authorised(order(line(A, 2, 80))))
    placed.terms.lines[0].__dict__["unit_price"] = 60
    made(placed, ChangeWish(quantity={A: 3}))
    assert placed.worth({A: 3}) == 140
    plan = plan_change(placed, ChangeWish(quantity={A: 2}))
    assert plan.after.total == 80, "what was added last is taken off first"


def test_tax_that_is_not_included_is_added_at_the_line_s_own_rate():
    taxed = line(A, 2, 238).model_copy(update={"unit_price": 100, "tax": 38})
    placed = offered(authorised(order(taxed, prices_include_tax=False)))
    plan = plan_change(placed, ChangeWish(quantity={A: 3}))
    assert (plan.after.lines, plan.after.tax, plan.after.total) == (300, 57, 357)


def test_a_new_line_is_kept_with_the_price_of_the_request():
    placed = collected()
    wish = ChangeWish(add=[new_line(2, 50, discount=10)])
    assert plan_change(placed, wish).owed == 90
    made(placed, wish)
    added = placed.lines[-1]
    assert (added.line_id, added.unit_price, added.discount, added.total, added.group) == (NEW, 50, 10, 90, 1)
    assert [each.line_id for each in placed.terms.lines] == [A, B], "the terms never change"
    assert placed.worth({NEW: 2}) == 90


def test_a_new_line_keeps_what_its_customer_allows_instead_of_it():
    placed, wish = collected(), Substitution(rule=SubstitutionRule.ASK)
    made(placed, ChangeWish(add=[new_line(substitution=wish)]))
    assert [each.substitution for each in placed.lines] == [None, None, wish]


def test_units_taken_off_free_their_money_and_their_stock():
    placed = collected()
    plan = plan_change(placed, ChangeWish(remove=[B], quantity={A: 2}))
    assert units(plan.cut) == units(plan.free) == [(1, B, 2), (1, A, 1)]
    assert (plan.after.total, plan.owed, plan.due, plan.void) == (200, 0, 200, 200)
    made(placed, ChangeWish(remove=[B], quantity={A: 2}))
    assert placed.line_units(A) == Units(allocated=2, cancelled=1)


@pytest.mark.parametrize("left", [False, True])
def test_units_taken_off_leave_what_has_its_share_of_the_money_to_the_cent(left: bool):
    """Two of four units for two cents have left, or were cancelled: their share is one cent, and stays so."""
    placed = offered(authorised(order(line(A, 4, 2))))
    placed.group(1).units[A] = Units(allocated=2, **{"handed_over" if left else "cancelled": 2})
    assert placed.settle({A: 2}, earned=left) == 1
    made(placed, ChangeWish(quantity={A: 3 if left else 1}))
    assert (placed.cut[A].worth, placed.owed_worth) == (1, 0), "the last unit takes the remainder"
    assert placed.worth_earned({A: 2 if left else 0}) == placed.earned == left


def test_an_exchange_of_lines_asks_for_the_difference_only():
    plan = plan_change(collected(), ChangeWish(remove=[B], add=[new_line(1, 130)]))
    assert (plan.owed, plan.due) == (30, 0)


def test_nothing_left_is_a_cancel():
    with pytest.raises(Refused, match="Cancel it instead"):
        plan_change(collected(), ChangeWish(remove=[A, B]))


@pytest.mark.parametrize(
    "wish",
    [
        ChangeWish(remove=[LineId("X")]),
        ChangeWish(remove=[A], quantity={A: 1}),
        ChangeWish(add=[new_line(), new_line()]),
        ChangeWish(add=[new_line().model_copy(update={"line_id": A})]),
        ChangeWish(add=[new_line().model_copy(update={"fulfilment": "f9"})]),
        ChangeWish(address=NewAddress(destination=BERLIN, origin=77)),
    ],
)
def test_what_makes_no_sense_is_refused(wish: ChangeWish):
    with pytest.raises(Refused):
        plan_change(collected(), wish)


def test_the_order_as_it_is_needs_no_change():
    assert why_not(plan_change(collected(), ChangeWish(quantity={A: 3}))) == []


def test_looking_changes_nothing():
    placed = collected()
    before = placed.model_copy(deep=True)
    plan_change(placed, ChangeWish(add=[new_line()], remove=[B], quantity={A: 1}))
    plan_change(placed, by_ship(A))
    assert placed == before


def test_who_pays_in_the_store_pays_more_there():
    placed = offered(order(line(A, 3, 300), till=300))
    plan = plan_change(placed, ChangeWish(quantity={A: 4}))
    assert (plan.owed, plan.asked) == (100, 0)
    made(placed, ChangeWish(quantity={A: 4}))
    assert (placed.tenders[0].expected, placed.payment.due) == (400, 400)


# --- until when ------------------------------------------------------------------------------------------------------


def picking(placed: Order, **lines: Units) -> Order:
    placed.group(1).units.update({LineId(name): each for name, each in lines.items()})
    placed.group(1).accepted_at = placed.group(1).picking_at = PLACED
    return placed


def test_what_is_picked_stays_and_the_rest_may_still_be_taken_off():
    placed = picking(collected(), A=Units(picked=2, allocated=1))
    assert why_not(plan_change(placed, ChangeWish(quantity={A: 1}))) == [(A, 1, "picked")]
    assert units(plan_change(placed, ChangeWish(quantity={A: 2})).cut) == [(1, A, 1)]
    assert units(plan_change(placed, ChangeWish(remove=[B])).cut) == [(1, B, 2)]


def test_a_change_is_made_whole_or_not_at_all():
    placed = picking(collected(), A=Units(picked=3))
    plan = plan_change(placed, ChangeWish(remove=[A], add=[new_line()]))
    assert (plan.add, plan.cut, plan.owed, plan.after) == ([], [], 0, plan.before)
    assert why_not(plan) == [(A, 3, "picked")]


def test_what_the_customer_has_can_be_returned_and_not_taken_off():
    placed = picking(collected(), A=Units(handed_over=2, ready=1), B=Units(handed_over=2))
    placed.settle({A: 2, B: 2}, earned=True)
    assert why_not(plan_change(placed, ChangeWish(remove=[B]))) == [(B, 2, "left")]


def test_what_is_added_while_a_store_picks_is_a_pickup_of_its_own():
    placed = picking(collected(), A=Units(picked=3))
    done = made(placed, ChangeWish(add=[new_line()]))
    [beside] = done.new
    assert (beside.n, beside.store_id, beside.units) == (2, "S1", {NEW: Units(open=1)})
    assert placed.lines[-1].group == 2


def test_a_seller_may_let_customers_change_what_is_picked():
    policy = ChangePolicy(until={**ChangePolicy().until, EditKind.LINES: Until.LEFT})
    placed = picking(collected(policy=STANDARD.model_copy(update={"changes": policy})), A=Units(picked=2, allocated=1))
    done = made(placed, ChangeWish(quantity={A: 1}))
    assert (done.cut[1].shelf, done.cut[1].hands) == ({A: 1}, {A: 1})
    assert placed.group(1).put_back == {A: 1}


def test_a_seller_may_offer_no_change_of_the_way():
    policy = ChangePolicy(until={**ChangePolicy().until, EditKind.METHOD: Until.NEVER})
    placed = collected(policy=STANDARD.model_copy(update={"changes": policy}))
    plan = plan_change(placed, by_ship(A))
    assert why_not(plan) == [(A, 3, BlockReason.NOT_OFFERED)]
    assert plan.refused[0].allowed_until is Until.NEVER


def test_what_may_be_cancelled_any_moment_is_left_alone():
    placed = shipped()
    placed.shipments[0].stop = StopAsked(lines={A: 1}, reason="customer", since=PLACED, answer_by=after(hours=1))
    assert why_not(plan_change(placed, ChangeWish(quantity={A: 2}))) == [(A, 1, "asked_to_stop")]


# --- ways ------------------------------------------------------------------------------------------------------------


def priced(**prices: int) -> Any:
    """The standard policy with these prices of services, free from 10,000."""
    shipping = {
        **ChangePolicy().shipping,
        **{Service(name): ServicePrice(price=price, free_from=10_000) for name, price in prices.items()},
    }
    return STANDARD.model_copy(update={"changes": ChangePolicy(shipping=shipping)})


def test_a_pickup_that_is_shipped_costs_the_service_s_price():
    placed = collected(policy=priced(standard=499))
    plan = plan_change(placed, by_ship(A, B))
    assert (plan.before.shipping, plan.after.shipping, plan.after.total, plan.owed) == (0, 499, 899, 499)
    assert units(plan.move) == units(plan.free) == [(1, A, 3), (1, B, 2)]
    assert {(each.line_id, each.store_id) for each in plan.hold} == {(A, None), (B, None)}
    done = made(placed, by_ship(A, B))
    [shipment] = done.new
    assert isinstance(shipment, ShipmentGroup)
    assert (shipment.origin, shipment.units) == (77, {A: Units(open=3), B: Units(open=2)})
    assert (placed.group(1).status, done.moved[1].shelf) == (GroupStatus.REJECTED, {A: 3, B: 2})
    assert placed.owed_worth == 899


def test_orders_above_the_threshold_ship_free():
    placed = offered(authorised(order(line(A, 1, 10_000), policy=priced(standard=499))))
    assert plan_change(placed, by_ship(A)).owed == 0


def test_only_some_lines_go_another_way_and_bear_its_price():
    placed = collected(policy=priced(standard=499))
    made(placed, by_ship(B))
    assert (placed.worth({B: 2}), placed.worth({A: 3})) == (599, 300)
    assert placed.group(1).open


def test_who_collects_after_all_gets_the_shipping_back():
    placed = shipped(shipping=490)
    plan = plan_change(placed, by_pickup(A, B))
    assert (plan.after.shipping, plan.after.total, plan.void) == (0, 400, 490)
    [pickup] = made(placed, by_pickup(A, B)).new
    assert (pickup.kind, pickup.store_id, pickup.owed) == ("pickup", "S2", 5)


def test_shipping_is_taken_off_the_units_that_bear_it_and_none_is_worth_less_than_its_goods():
    way = ShipmentTerms(n=1, fulfilment="f1", destination=BERLIN)
    gift = {"pickups": [], "shipments": [way], "shipping_total": 490}
    placed = offered(authorised(order(line(A, 1, 300), line(B, 9, 0), card=790, total=790, **gift)))
    assert (placed.worth({A: 1}), placed.worth({B: 9})) == (790, 0)
    made(placed, by_pickup(A, B))
    assert (placed.worth({A: 1}), placed.worth({B: 9})) == (300, 0)


def test_units_that_were_added_later_bore_no_shipping_and_get_none_back():
    placed = shipped(shipping=490)
    made(placed, ChangeWish(add=[new_line(5, 0)], quantity={A: 9}))
    made(placed, by_pickup(A, B, NEW))
    assert (placed.worth({A: 3}), placed.worth({A: 9}), placed.worth({B: 2}), placed.worth({NEW: 5})) == (
        300,
        900,
        100,
        0,
    )


def test_a_faster_service_costs_the_difference_and_leaves_the_place_as_it_is():
    placed = shipped(shipping=490, policy=priced(express=990))
    plan = plan_change(placed, by_ship(A, B, service=Service.EXPRESS, address=None))
    assert (plan.owed, plan.hold, plan.free) == (500, [], [])
    done = made(placed, by_ship(A, B, service=Service.EXPRESS, address=None))
    assert (done.altered, done.new, placed.shipments[0].service) == ([1], [], Service.EXPRESS)


def test_a_part_of_a_shipment_goes_faster_from_the_same_place():
    placed = shipped(policy=priced(express=990))
    done = made(placed, by_ship(A, service=Service.EXPRESS, address=None))
    [parted] = done.parted
    assert (parted.store_id, parted.units, parted.waits_for) == ("W1", {A: Units(allocated=3)}, None)
    assert placed.shipments[0].owed_lines() == {B: 2}


def test_another_store_costs_nothing_and_the_same_store_moves_nothing():
    placed = collected()
    plan = plan_change(placed, by_pickup(A, store="S2"))
    assert (plan.owed, plan.due, plan.hold[0].store_id) == (0, 0, "S2")
    done = made(placed, by_pickup(A, B, store="S1", mode=PickupMode.CURBSIDE))
    assert (done.altered, placed.pickups[0].mode) == ([1], PickupMode.CURBSIDE)


def test_units_that_are_picked_go_no_other_way():
    placed = picking(collected(), A=Units(picked=1, allocated=2))
    assert why_not(plan_change(placed, by_ship(A))) == [(A, 1, "picked")]
    assert units(plan_change(placed, by_ship(B)).move) == [(1, B, 2)]


@pytest.mark.parametrize(("charges", "owed"), [(False, 0), (True, 499)])
def test_what_a_store_could_not_give_out_is_shipped_at_its_seller_s_cost(charges: bool, owed: int):
    policy = priced(standard=499)
    changes = policy.changes.model_copy(update={"charges_after_rejection": charges})
    placed = order(line(A, 3, 300), policy=policy.model_copy(update={"changes": changes}))
    authorised(placed).group(1).waits_for = WaitsFor.CHOICE
    plan = plan_change(placed, by_ship(A))
    assert (plan.owed, plan.free) == (owed, [])


# --- addresses -------------------------------------------------------------------------------------------------------


def to(destination: Destination) -> ChangeWish:
    return ChangeWish(address=NewAddress(destination=destination, origin=77))


def test_an_address_changes_until_its_parcel_has_left():
    placed = picking(shipped(), A=Units(picked=3), B=Units(picked=2))
    placed.shipments[0].packed = {A: 3, B: 2}
    done = made(placed, to(BERLIN))
    assert (placed.shipments[0].origin, done.altered) == (77, [1])
    placed.group(1).units.update({A: Units(shipped=3), B: Units(shipped=2)})
    assert why_not(plan_change(placed, to(VIENNA))) == [(A, 3, "left"), (B, 2, "left")]


def test_what_has_left_keeps_its_address_and_the_rest_goes_to_the_new_one():
    placed = shipped()
    part = placed.split_off(placed.shipments[0], {}, WaitsFor.SOURCING, [])
    part.units = {B: Units(open=2)}
    placed.group(1).units = {A: Units(shipped=3)}
    plan = plan_change(placed, to(BERLIN))
    assert (plan.address, [(each.n, each.line_id) for each in plan.refused]) == ([2], [(1, A)])
    made(placed, to(BERLIN))
    assert [group.origin for group in placed.shipments] == [1, 77]


def test_another_country_may_need_another_place_unless_it_is_packed_there():
    assert made(shipped(), to(VIENNA)).abroad == [1]
    assert made(picking(shipped(), A=Units(picked=3)), to(VIENNA)).abroad == []


def test_every_group_knows_its_kind_after_a_change():
    placed = collected(policy=priced(standard=499))
    made(placed, by_ship(B))
    assert [type(group) for group in placed.groups] == [PickupGroup, ShipmentGroup]
    assert Order.model_validate(placed.model_dump()) == placed


# --- fraud screening -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "again"),
    [
        (ChangeWish(quantity={A: 4}), True),
        (ChangeWish(quantity={A: 2}), False),
        (ChangeWish(address=NewAddress(destination=VIENNA, origin=77)), True),
        (ChangeWish(address=NewAddress(destination=BERLIN, origin=77)), False),
        (by_ship(A, service=Service.ECONOMY, address=None), False),
        (by_pickup(A), False),
    ],
)
def test_what_is_worth_more_or_goes_to_another_area_is_screened_again(wish: ChangeWish, again: bool):
    assert plan_change(shipped(shipping=490), wish).screened is again


def test_what_was_to_be_collected_is_screened_before_it_is_shipped():
    assert plan_change(collected(policy=priced(standard=0)), by_ship(A)).screened
    unscreened = collected(policy=priced(standard=0), rules=ChannelRules(screening=False))
    assert not plan_change(unscreened, by_ship(A)).screened
