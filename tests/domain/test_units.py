"""Every unit is in one state; only the moves of the table happen, whole or not at all."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.units import FULFILLED, MOVES, OWED, IllegalMove, Units, UnitState

counts = st.integers(0, 5)
any_units = st.builds(Units, **{state.value: counts for state in UnitState})
states = st.sampled_from(UnitState)

ILLEGAL = [(source, target) for source, target in product(UnitState, UnitState) if target not in MOVES[source]]


def test_picked_units_become_ready_and_the_rest_stay_picked():
    units = Units(picked=3)
    units.move(UnitState.PICKED, UnitState.READY, 2)
    assert units == Units(picked=1, ready=2)


def test_the_ways_out_of_every_state_are_these():
    assert {state.value: sorted(target.value for target in MOVES[state]) for state in UnitState} == {
        "open": ["allocated", "cancelled"],
        "allocated": ["cancelled", "lost", "open", "picked"],
        "picked": ["allocated", "cancelled", "lost", "open", "ready", "shipped"],
        "ready": ["cancelled", "handed_over", "lost", "open", "picked"],
        "handed_over": [],
        "shipped": ["delivered", "lost"],
        "delivered": [],
        "cancelled": ["handed_over"],
        "lost": [],
    }


@pytest.mark.parametrize(("source", "target"), ILLEGAL)
def test_a_move_that_is_not_in_the_table_is_refused_and_changes_nothing(source: UnitState, target: UnitState):
    units = Units(**{state.value: 2 for state in UnitState})
    before = units.model_copy()
    with pytest.raises(IllegalMove):
        units.move(source, target, 1)
    assert units == before


@pytest.mark.parametrize("quantity", [3, -1])
def test_more_units_than_there_are_or_fewer_than_none_do_not_move(quantity: int):
    units = Units(ready=2)
    with pytest.raises(IllegalMove):
        units.move(UnitState.READY, UnitState.HANDED_OVER, quantity)
    assert units == Units(ready=2)


def test_a_unit_is_owed_until_it_leaves_is_cancelled_or_lost():
    assert frozenset({UnitState.OPEN, UnitState.ALLOCATED, UnitState.PICKED, UnitState.READY}) == OWED
    assert frozenset({UnitState.HANDED_OVER, UnitState.SHIPPED, UnitState.DELIVERED}) == FULFILLED
    units = Units(open=1, allocated=2, picked=4, ready=8, handed_over=16, shipped=32, delivered=64, cancelled=128)
    assert (units.owed, units.fulfilled, units.total) == (15, 112, 255)


def test_another_group_takes_over_owed_units_only():
    units = Units(open=2, handed_over=1)
    units.take_out(UnitState.OPEN, 2)
    assert units == Units(handed_over=1)
    for state, quantity in ((UnitState.OPEN, 1), (UnitState.HANDED_OVER, 1), (UnitState.OPEN, -1)):
        with pytest.raises(IllegalMove):
            units.take_out(state, quantity)
    assert units == Units(handed_over=1)


@pytest.mark.parametrize("state", UnitState)
def test_a_count_is_never_below_zero(state: UnitState):
    with pytest.raises(ValidationError):
        Units(**{state.value: -1})


@given(any_units, st.lists(st.tuples(states, states, st.integers(-1, 6)), max_size=20))
def test_no_sequence_of_moves_makes_or_loses_a_unit(units: Units, moves: list[tuple[UnitState, UnitState, int]]):
    total = units.total
    for source, target, quantity in moves:
        before = units.model_copy()
        legal = target in MOVES[source] and 0 <= quantity <= before.count(source)
        try:
            units.move(source, target, quantity)
        except IllegalMove:
            assert not legal
            assert units == before
        else:
            assert legal
            assert before.count(source) - units.count(source) == quantity
            assert units.count(target) - before.count(target) == quantity
    assert units.total == total
    assert all(units.count(state) >= 0 for state in UnitState)


@given(any_units, any_units)
def test_adding_records_adds_every_state(one: Units, other: Units):
    together = one + other
    assert all(together.count(state) == one.count(state) + other.count(state) for state in UnitState)
