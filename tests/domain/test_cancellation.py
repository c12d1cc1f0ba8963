"""What a cancel would do, exactly, whatever has happened already."""

from typing import Any

import pytest

from domain.cancellation import CancelPlan, plan_cancel, why_nothing
from domain.dropship import PartnerId, PartnerRequestId, PartnerWork
from domain.groups import WaitsFor
from domain.ids import OperationKey, StoreId
from domain.order import Order
from domain.refusals import RefusalKind, Refused
from domain.shipments import StopAsked
from domain.units import Units
from tests.domain.sample_orders import PLACED, A, B, book, line, order, shipment_terms


def units(parts: list) -> list[tuple[int, str, int]]:
    return [(part.n, part.line_id, part.quantity) for part in parts]


def at_work(*, live: int = 150, **changes: Units) -> Order:
    """Three of A (100) and one of B (50), in one pickup."""
    placed = order(line(A, 3, 100), line(B, 1, 50))
    placed.tenders[0].live = live
    placed.tenders[0].authorisation_id = "auth-1"
    placed.groups[0].units.update(changes)
    return placed


def test_what_is_on_the_shelf_is_released_and_its_money_freed():
    assert plan_cancel(at_work(A=Units(allocated=3))) == CancelPlan(
        release=plan_cancel(at_work(A=Units(open=3))).release, void=150
    )
    assert units(plan_cancel(at_work()).release) == [(1, "A", 3), (1, "B", 1)]


def test_what_was_picked_must_be_put_back():
    plan = plan_cancel(at_work(A=Units(picked=1, ready=2), B=Units(allocated=1)))
    assert units(plan.recall) == [(1, "A", 3)]
    assert units(plan.release) == [(1, "B", 1)]
    assert (plan.void, plan.refund, plan.stops_something) == (150, 0, True)


def test_some_units_of_a_line_are_taken_from_the_shelf_first():
    plan = plan_cancel(at_work(A=Units(allocated=1, picked=2)), {A: 2})
    assert (units(plan.release), units(plan.recall), plan.refused) == ([(1, "A", 1)], [(1, "A", 1)], [])
    assert plan.void == 66


def test_a_line_that_several_pickups_have_is_cancelled_over_them():
    placed = at_work()
    placed.split_off(placed.groups[0], {A: 2}, WaitsFor.CHOICE, [])
    assert units(plan_cancel(placed, {A: 2}).release) == [(1, "A", 1), (2, "A", 1)]
    assert units(plan_cancel(placed).release) == [(1, "A", 1), (1, "B", 1), (2, "A", 2)]


def test_what_the_customer_has_is_refused_and_named():
    placed = at_work(A=Units(ready=1, handed_over=2), live=84)
    placed.settle({A: 2}, earned=True)
    placed.tenders[0].captured, placed.tenders[0].captures = 66, {"auth-1": 66}
    plan = plan_cancel(placed)
    assert (units(plan.recall), units(plan.release)) == ([(1, "A", 1)], [(1, "B", 1)])
    assert units(plan.refused) == [(1, "A", 2)]
    assert (plan.void, plan.refund) == (84, 0)


def test_only_what_the_asked_quantity_goes_beyond_is_refused():
    placed = at_work(A=Units(ready=1, handed_over=2))
    assert units(plan_cancel(placed, {A: 1}).refused) == []
    assert units(plan_cancel(placed, {A: 2}).refused) == [(1, "A", 1)]


def test_what_was_paid_and_not_delivered_is_refunded():
    placed = order(line(A, 3, 100), till=100)
    placed.tenders[0].captured, placed.tenders[0].captures = 100, {"till": 100}
    plan = plan_cancel(placed, {A: 1})
    assert (plan.void, plan.refund) == (0, 33)


def test_cancelling_twice_plans_nothing_more():
    placed = at_work()
    placed.groups[0].units[A] = Units(cancelled=3)
    placed.settle({A: 3}, earned=False)
    placed.tenders[0].live = 50
    plan = plan_cancel(placed, {A: 3})
    assert plan == CancelPlan()
    assert not plan.stops_something


def test_money_that_an_earlier_cancel_frees_is_not_counted_again():
    placed = at_work()
    placed.groups[0].units[A] = Units(cancelled=1, open=2)
    placed.settle({A: 1}, earned=False)
    assert plan_cancel(placed, {A: 1}).void == 33
    assert plan_cancel(placed).void == 117


def test_nothing_asked_is_nothing_cancelled():
    assert not plan_cancel(at_work(), {A: 0}).stops_something
    assert not plan_cancel(at_work(), {}).stops_something


def test_more_units_than_ordered_cancel_what_is_there():
    assert units(plan_cancel(at_work(), {A: 9}).release) == [(1, "A", 3)]


def test_a_line_that_is_not_there_is_not_found():
    with pytest.raises(Refused) as refused:
        plan_cancel(at_work(), {"Z": 1})
    assert refused.value.refusal.kind is RefusalKind.NOT_FOUND


def test_money_that_a_person_gave_up_is_not_taken_from_what_is_freed():
    placed = at_work(A=Units(handed_over=3), live=50)
    placed.settle({A: 3}, earned=True)
    placed.written_off = 100
    assert plan_cancel(placed).void == 50


def test_planning_changes_nothing():
    placed = at_work(A=Units(ready=1, handed_over=2))
    before = placed.model_copy(deep=True)
    plan_cancel(placed)
    assert placed == before


# --- shipments --------------------------------------------------------------------------------------------------------


def packing(**state: Any) -> Order:
    """Two units of one line in the hands of a place that ships them, one on another's shelf."""
    placed = order(line(A, 3, 300), pickups=[], shipments=[shipment_terms()])
    placed.tenders = [book(300, live=300)]
    first = placed.shipment(1)
    part = placed.split_off(first, {A: 1}, WaitsFor.SOURCING, [])
    for group, units in ((first, Units(picked=2)), (part, Units(allocated=1))):
        group.units[A], group.waits_for, group.store_id = units, None, StoreId(f"S{group.n}")
    for name, value in state.items():
        setattr(first, name, value)
    return placed


def test_a_place_that_has_goods_in_its_hands_is_asked_and_others_stop_at_once():
    plan = plan_cancel(packing())
    assert [(part.n, part.quantity) for part in plan.release] == [(2, 1)]
    assert [(part.n, part.quantity) for part in plan.asked] == [(1, 2)]
    assert (plan.void, plan.refund, plan.lines, plan.stops_something) == (100, 0, {A: 1}, True)


def test_units_that_need_no_question_are_cancelled_first():
    plan = plan_cancel(packing(), {A: 2})
    assert ([part.quantity for part in plan.release], [part.quantity for part in plan.asked]) == ([1], [1])


def test_nobody_is_asked_twice_about_the_same_units():
    stop = StopAsked(lines={A: 1}, reason="customer", since=PLACED, answer_by=PLACED)
    plan = plan_cancel(packing(stop=stop))
    assert [part.quantity for part in plan.asked] == [1]
    again = plan_cancel(packing(stop=stop.model_copy(update={"lines": {A: 2}})), {A: 1})
    assert ([part.n for part in again.release], again.asked) == ([2], [])


def test_a_partner_that_could_not_stop_is_not_asked_again():
    work = PartnerWork(partner=PartnerId("P001"), key=OperationKey("k"), id=PartnerRequestId("req_1"))
    placed = packing(request=work)
    assert [(part.n, part.quantity) for part in plan_cancel(placed).asked] == [(1, 2)]
    work.goes_on = True
    plan = plan_cancel(placed)
    assert (plan.asked, [(part.n, part.quantity) for part in plan.refused]) == ([], [(1, 2)])


def test_what_has_left_is_refused():
    placed = packing()
    placed.shipment(1).units[A] = Units(shipped=1, delivered=1)
    plan = plan_cancel(placed)
    assert [(part.n, part.quantity) for part in plan.refused] == [(1, 2)]


def test_a_cancel_of_units_that_are_sent_again_pays_back_what_they_cost():
    placed = order(line(A, 1, 100), pickups=[], shipments=[shipment_terms()])
    placed.tenders = [book(100, captured=100)]
    placed.shipment(1).units[A] = Units(shipped=1)
    placed.settle({A: 1}, earned=True)
    placed.replacement(placed.shipment(1), {A: 1})
    plan = plan_cancel(placed)
    assert ([(part.n, part.quantity) for part in plan.release], plan.refund) == ([(2, 1)], 100)


def test_who_cancels_what_its_place_is_asked_about_already_hears_that_the_place_has_to_say():
    asked = order(line(A, 2, 100), pickups=[], shipments=[shipment_terms()])
    group = asked.shipment(1)
    group.units[A], group.picking_at = Units(picked=2), PLACED
    group.stop = StopAsked(lines={A: 2}, reason="customer", since=PLACED, answer_by=PLACED)
    plan = plan_cancel(asked)
    assert not plan.stops_something
    assert "asked to stop" in why_nothing(asked, plan)
    group.units[A] = Units(picked=2, shipped=1)
    assert "asked to stop" in why_nothing(asked, plan_cancel(asked)), "also when some of it has left"
    group.stop, group.units[A] = None, Units(shipped=2)
    assert "can be returned" in why_nothing(asked, plan_cancel(asked))
    group.units[A] = Units(cancelled=2)
    assert why_nothing(asked, plan_cancel(asked)) == "Nothing is left to cancel."
