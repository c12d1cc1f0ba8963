"""A pickup group's status follows from its units and recorded events; what cannot be done is refused with a hint."""

from datetime import datetime
from typing import Any

import pytest

from domain.groups import Ending, GroupStatus, WaitsFor
from domain.ids import OrderId, StoreId
from domain.intake import PickupMode
from domain.pickups import PickupGroup
from domain.refusals import RefusalKind, Refused
from domain.units import Units, UnitState
from tests.domain.sample_orders import PLACED, A, B, after


def group(units: dict[Any, Units] | None = None, **state: Any) -> PickupGroup:
    state.setdefault("waits_for", None)
    return PickupGroup(
        order_id=OrderId("o1"),
        n=1,
        store_id=StoreId("S1"),
        mode=PickupMode.COUNTER,
        units=units or {A: Units(allocated=2)},
        **state,
    )


GONE, BACK = {A: Units(handed_over=1, cancelled=1)}, {A: Units(cancelled=2)}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"waits_for": WaitsFor.HOLDS}, GroupStatus.WAITING),
        ({"waits_for": WaitsFor.CHOICE, "ready_at": PLACED}, GroupStatus.WAITING),
        ({"offered_at": PLACED}, GroupStatus.OFFERED),
        ({"accepted_at": PLACED}, GroupStatus.ACCEPTED),
        ({"accepted_at": PLACED, "picking_at": PLACED}, GroupStatus.PICKING),
        ({"accepted_at": PLACED, "picking_at": PLACED, "ready_at": PLACED}, GroupStatus.READY),
        ({"units": {A: Units(handed_over=1, ready=1)}, "ready_at": PLACED}, GroupStatus.READY),
        ({"units": GONE, "ending": Ending.EXPIRED}, GroupStatus.COLLECTED),
        ({"units": BACK, "ending": Ending.EXPIRED}, GroupStatus.EXPIRED),
        ({"units": BACK, "ending": Ending.CANCELLED}, GroupStatus.CANCELLED),
        ({"units": BACK}, GroupStatus.CANCELLED),
        ({"units": {A: Units()}, "ending": Ending.MOVED}, GroupStatus.REJECTED),
        ({"units": BACK, "waits_for": WaitsFor.CHOICE}, GroupStatus.CANCELLED),
    ],
)
def test_the_status_follows_from_units_and_events(state: dict[str, Any], status: GroupStatus):
    assert group(**state).status is status


def test_a_group_has_an_address_of_its_own():
    assert group().group_id == "pickup/o1/1"


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        ({"waits_for": WaitsFor.CHOICE}, "it waits for"),
        ({}, "the store must accept it first"),
        ({"accepted_at": PLACED}, "it must be picked first"),
        ({"picking_at": PLACED}, "it must be made ready first"),
        ({"units": BACK, "ending": Ending.EXPIRED}, "put the units back"),
        ({"units": GONE}, "the customer has it"),
    ],
)
def test_what_is_off_now_is_refused_with_what_to_do_instead(state: dict[str, Any], hint: str):
    with pytest.raises(Refused) as refused:
        group(**state).require([GroupStatus.READY], "handing it over")
    assert refused.value.refusal.kind is RefusalKind.NOT_ALLOWED_NOW
    assert "handing it over" in refused.value.refusal.detail
    assert hint in refused.value.refusal.detail


def test_what_is_allowed_is_not_refused():
    group(ready_at=PLACED).require([GroupStatus.PICKING, GroupStatus.READY], "rejecting it")


def test_owed_lines_name_only_units_in_the_asked_states():
    both = group({A: Units(ready=2, cancelled=1), B: Units(open=1, handed_over=3)})
    assert both.owed_lines() == {A: 2, B: 1}
    assert both.owed_lines(UnitState.READY) == {A: 2}
    assert both.owed == 3
    assert both.count(UnitState.HANDED_OVER, UnitState.CANCELLED) == 4


@pytest.mark.parametrize("asked", [{A: 3}, {B: 1}, {B: 0}, {A: -1}])
def test_units_that_are_not_there_cannot_be_asked_for(asked: dict[Any, int]):
    with pytest.raises(Refused) as refused:
        group().check_lines(asked, UnitState.ALLOCATED)
    assert refused.value.refusal.kind is RefusalKind.TOO_MANY_UNITS


def test_units_are_taken_from_the_first_named_state_first():
    both = group({A: Units(allocated=1, picked=2)})
    both.move(A, UnitState.CANCELLED, 2, UnitState.PICKED, UnitState.ALLOCATED)
    assert both.units[A] == Units(allocated=1, cancelled=2)
    both.move(A, UnitState.CANCELLED, 1, UnitState.PICKED, UnitState.ALLOCATED)
    assert both.units[A] == Units(cancelled=3)


@pytest.mark.parametrize(("line", "quantity"), [(A, 4), (B, 1), (B, 0), (A, -1)])
def test_a_move_of_too_many_units_moves_none(line: Any, quantity: int):
    both = group({A: Units(allocated=1, picked=2)})
    with pytest.raises(Refused):
        both.move(line, UnitState.OPEN, quantity, UnitState.ALLOCATED, UnitState.PICKED)
    assert both.units == {A: Units(allocated=1, picked=2)}


def test_groups_do_not_share_their_lists():
    one, other = group(), group()
    one.declined_by.append(StoreId("S9"))
    one.reminders.append(after(days=2))
    one.put_back[A] = 1
    assert (other.declined_by, other.reminders, other.put_back) == ([], [], {})
    assert isinstance(one.reminders[0], datetime)
