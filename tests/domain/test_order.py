"""An order's worth, its parts and its status, worked out from units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.groups import Ending, GroupStatus, WaitsFor
from domain.holds import Hold, HoldKind
from domain.ids import HoldId, StoreId
from domain.intake import Relation
from domain.order import GivenUp, Order
from domain.refusals import RefusalKind, Refused
from domain.units import Units, UnitState
from domain.views import InterventionView, OrderStatus
from tests.domain.sample_orders import PLACED, A, B, after, line, order


def hand_over(order: Order, quantity: int, *, n: int = 1) -> int:
    units = order.group(n).units[A]
    units.open -= quantity
    units.handed_over += quantity
    return order.settle({A: quantity}, earned=True)


def cancel(order: Order, quantity: int, *, n: int = 1) -> int:
    order.group(n).move(A, UnitState.CANCELLED, quantity, UnitState.OPEN)
    return order.settle({A: quantity}, earned=False)


# --- opening --------------------------------------------------------------------------------------------------------


def test_an_order_opens_with_a_waiting_group_a_pickup_and_all_units_open():
    placed = order(line(A, 3, 100), line(B, 1, 50, group=2), card=150)
    assert [(group.n, group.store_id, group.units) for group in placed.groups] == [
        (1, "S1", {A: Units(open=3)}),
        (2, "S2", {B: Units(open=1)}),
    ]
    assert {group.status for group in placed.groups} == {GroupStatus.WAITING}
    assert (placed.earned, placed.owed_worth, placed.payment.due) == (0, 150, 150)


# --- worth ----------------------------------------------------------------------------------------------------------


def test_what_left_is_earned_and_the_rest_is_owed():
    placed = order(line(A, 3, 100))
    assert hand_over(placed, 2) == 66
    assert (placed.earned, placed.owed_worth) == (66, 34)


def test_a_cancelled_unit_is_owed_no_more_and_earns_nothing():
    placed = order(line(A, 3, 100))
    assert cancel(placed, 1) == 33
    assert (placed.earned, placed.owed_worth) == (0, 67)
    assert hand_over(placed, 2) == 67
    assert (placed.earned, placed.owed_worth) == (67, 0)


def test_asking_for_the_worth_settles_nothing():
    placed = order(line(A, 3, 100))
    assert [placed.worth({A: 1}), placed.worth({A: 1}), placed.worth({A: 3})] == [33, 33, 100]


@pytest.mark.parametrize("quantity", [4, -1])
def test_units_are_settled_once(quantity: int):
    placed = order(line(A, 3, 100), line(B, 1, 50))
    with pytest.raises(ValueError, match="line A"):
        placed.settle({B: 1, A: quantity}, earned=True)
    assert (placed.settled, placed.earned) == ({}, 0)


def test_units_that_are_settled_are_not_settled_again():
    placed = order(line(A, 3, 100))
    hand_over(placed, 1)
    cancel(placed, 1)
    with pytest.raises(ValueError, match="2 units of line A"):
        placed.settle({A: 2}, earned=True)
    assert placed.settle({A: 1}, earned=True) == 34


def test_units_that_left_before_they_were_cancelled_are_earned_to_the_cent():
    placed = order(line(A, 3, 100))
    cancel(placed, 3)
    assert [placed.settle_late({A: 1}), placed.settle_late({A: 1}), placed.settle_late({A: 1})] == [33, 33, 34]
    assert (placed.earned, placed.owed_worth) == (100, 0)


def test_a_late_hand_over_does_not_touch_the_worth_of_units_still_owed():
    placed = order(line(A, 3, 100))
    cancel(placed, 1)
    assert placed.worth_given_up({A: 1}) == 33
    assert placed.settle_late({A: 1}) == 33
    assert (placed.earned, placed.owed_worth, placed.worth({A: 2})) == (33, 67, 67)


@pytest.mark.parametrize("quantity", [2, -1])
def test_only_units_that_were_given_up_can_be_taken_back(quantity: int):
    placed = order(line(A, 3, 100))
    hand_over(placed, 2)
    cancel(placed, 1)
    with pytest.raises(ValueError, match="given up"):
        placed.settle_late({A: quantity})
    assert placed.earned == 66


@given(
    st.integers(0, 1000),
    st.integers(1, 9),
    st.lists(st.tuples(st.sampled_from(["out", "off", "late"]), st.integers(1, 4))),
)
def test_earned_owed_and_given_up_always_make_the_whole(total: int, quantity: int, steps: list[tuple[str, int]]):
    placed = order(line(A, quantity, total))
    for what, wanted in steps:
        open_units, off = placed.line_units(A).open, placed.given_up.get(A, GivenUp()).units
        if what == "late":
            placed.settle_late({A: min(wanted, off)})
        elif what == "out":
            hand_over(placed, min(wanted, open_units))
        else:
            cancel(placed, min(wanted, open_units))
        given_up = placed.given_up.get(A, GivenUp())
        assert placed.earned + placed.owed_worth + given_up.worth == total
        assert given_up.worth >= 0


def test_a_fee_is_earned_until_its_reason_turns_out_wrong():
    placed = order(line(A, 3, 100))
    cancel(placed, 3)
    placed.charge_fee(1, 20)
    assert placed.earned == 20
    assert placed.drop_fee(1) == 20
    assert placed.drop_fee(1) == 0
    placed.settle_late({A: 3})
    assert (placed.earned, placed.fees) == (100, {})


def test_what_was_written_off_was_the_fee_first():
    placed = order(line(A, 3, 100))
    hand_over(placed, 1)
    cancel(placed, 2)
    placed.charge_fee(1, 20)
    placed.written_off = 25
    placed.drop_fee(1)
    assert (placed.earned, placed.written_off) == (33, 5)
    placed.charge_fee(1, 20)
    placed.drop_fee(1)
    assert placed.written_off == 0


# --- parts ----------------------------------------------------------------------------------------------------------


def test_units_that_a_store_cannot_serve_become_a_group_of_their_own():
    placed = order(line(A, 3, 100), line(B, 1, 50))
    whole = placed.groups[0]
    whole.proxy, whole.requested_at, whole.declined_by = Relation.FRIEND, after(days=3), [StoreId("S6"), StoreId("S7")]
    part = placed.split_off(whole, {A: 2}, WaitsFor.CHOICE, ["S1", "S7"])
    assert (part.n, part.units, part.status, part.waits_for) == (2, {A: Units(open=2)}, GroupStatus.WAITING, "choice")
    assert (part.proxy, part.requested_at, part.declined_by) == (Relation.FRIEND, after(days=3), ["S1", "S6", "S7"])
    assert whole.units == {A: Units(open=1), B: Units(open=1)}
    assert (whole.ending, placed.groups) == (None, [whole, part])
    assert placed.line_units(A) == Units(open=3)


def test_a_group_that_gave_all_away_went_elsewhere():
    placed = order(line(A, 3, 100), line(B, 1, 50, group=2))
    part = placed.split_off(placed.group(1), {A: 3}, WaitsFor.STOCK, [])
    assert (part.n, placed.group(1).status) == (3, GroupStatus.REJECTED)
    assert placed.group(1).ending is Ending.MOVED


def test_a_group_s_number_is_never_another_s():
    placed = order(line(A, 3, 100))
    placed.split_off(placed.group(1), {A: 1}, WaitsFor.CHOICE, [])
    third = placed.split_off(placed.group(1), {A: 1}, WaitsFor.CHOICE, [])
    placed.groups.remove(placed.group(2))
    assert (third.n, placed.split_off(placed.group(1), {A: 1}, WaitsFor.CHOICE, []).n) == (3, 4)


def test_a_group_from_which_something_was_collected_stays_collected():
    placed = order(line(A, 3, 100))
    hand_over(placed, 1)
    placed.split_off(placed.group(1), {A: 2}, WaitsFor.CHOICE, [])
    assert placed.group(1).status is GroupStatus.COLLECTED


@pytest.mark.parametrize("lines", [{B: 1, A: 4}, {B: 2}, {"Z": 1}])
def test_units_that_are_not_open_cannot_be_split_off(lines: dict):
    placed = order(line(A, 3, 100), line(B, 1, 50))
    before = placed.model_copy(deep=True)
    with pytest.raises(Refused) as refused:
        placed.split_off(placed.groups[0], lines, WaitsFor.CHOICE, [])
    assert refused.value.refusal.kind is RefusalKind.TOO_MANY_UNITS
    assert placed == before


def test_a_group_that_is_not_there_is_not_found():
    with pytest.raises(Refused) as refused:
        order(line(A, 1, 1)).group(2)
    assert refused.value.refusal.kind is RefusalKind.NOT_FOUND


# --- status and view ------------------------------------------------------------------------------------------------


def hold() -> Hold:
    return Hold(hold_id=HoldId("h1"), kind=HoldKind.FRAUD, reason="reviewed", owner="fraud", since=PLACED)


def test_the_status_follows_from_interventions_the_end_holds_and_units():
    placed = order(line(A, 2, 100))
    assert placed.status is OrderStatus.IN_PROGRESS
    placed.holds.append(hold())
    assert placed.status is OrderStatus.HELD
    placed.interventions.append(
        InterventionView(intervention_id="i1", step="capture", error="?", since=PLACED, choices=["retry"])
    )
    assert placed.status is OrderStatus.NEEDS_ATTENTION
    placed.interventions.clear()
    placed.holds.clear()
    cancel(placed, 2)
    assert not placed.open
    assert placed.status is OrderStatus.IN_PROGRESS
    placed.finished = True
    assert placed.status is OrderStatus.CANCELLED


def test_an_order_of_which_something_left_is_completed():
    placed = order(line(A, 2, 100))
    hand_over(placed, 1)
    cancel(placed, 1)
    placed.finished = True
    assert placed.status is OrderStatus.COMPLETED


def test_the_view_counts_each_line_over_all_groups():
    placed = order(line(A, 3, 100), line(B, 1, 50))
    hand_over(placed, 1)
    placed.split_off(placed.group(1), {A: 2}, WaitsFor.CHOICE, ["S1"])
    view = placed.view()
    assert [(each.line_id, each.ordered, each.open, each.handed_over) for each in view.lines] == [
        ("A", 3, 2, 1),
        ("B", 1, 1, 0),
    ]
    assert [(each.id, {one.line_id: one.quantity for one in each.lines}) for each in view.groups] == [
        ("pickup/o1/1", {"A": 0, "B": 1}),
        ("pickup/o1/2", {"A": 2}),
    ]
    assert view.groups[0].units == {"A": {"handed_over": 1}, "B": {"open": 1}}
    assert (view.total, view.payment.due, view.status) == (150, 150, OrderStatus.IN_PROGRESS)


def test_an_ended_pickup_is_shown_with_the_units_that_it_had():
    placed = order(line(A, 3, 100), line(B, 1, 50))
    hand_over(placed, 1)
    cancel(placed, 2)
    placed.group(1).units[B] = Units(cancelled=1)
    (group,) = placed.view().groups
    assert {each.line_id: each.quantity for each in group.lines} == {"A": 3, "B": 1}


def test_what_is_due_is_neither_kept_nor_live_nor_written_off():
    placed = order(line(A, 2, 100), card=60, till=40)
    card, till = placed.tenders
    assert placed.payment.due == 100
    card.live = 60
    assert (placed.payment.authorised, placed.payment.due) == (60, 40)
    till.captured = 40
    assert placed.payment.due == 0
    hand_over(placed, 2)
    card.live, card.voided = 0, 60
    assert (placed.payment.captured, placed.payment.voided, placed.payment.due) == (40, 60, 60)
    placed.written_off = 60
    assert placed.payment.due == 0


def test_a_view_and_an_order_survive_json():
    placed = order(line(A, 3, 100), line(B, 1, 50, group=2), card=100, till=50)
    placed.holds.append(hold())
    cancel(placed, 1)
    placed.charge_fee(1, 7)
    again = Order.model_validate_json(placed.model_dump_json())
    assert again == placed
    assert again.view().public() == placed.view().public()
    assert "token" not in repr(placed.view())
