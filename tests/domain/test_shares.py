"""What a unit is worth: discounts, tax and shipping are spread once, and any split adds up to the cent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import LineId
from domain.shares import Shares
from tests.domain.sample_orders import A, B, C


def test_three_units_of_a_euro_are_33_33_and_34_cents():
    shares = Shares({A: 100}, {A: 3}, 100)
    assert [shares.of_units(A, settled, 1) for settled in range(3)] == [33, 33, 34]
    assert shares.of_units(A, 0, 3) == 100
    assert shares.of_units(A, 1, 2) == 67


def test_shipping_is_spread_by_the_worth_of_lines():
    shares = Shares({A: 6000, B: 3000, C: 0}, {A: 2, B: 1, C: 1}, 9000 + 499)
    assert (shares.payable(A), shares.payable(B), shares.payable(C)) == (6333, 3166, 0)


def test_what_is_payable_less_than_the_lines_is_taken_off_by_their_worth():
    shares = Shares({A: 6000, B: 3000}, {A: 2, B: 1}, 8999)
    assert (shares.payable(A), shares.payable(B)) == (5999, 3000)


def test_an_order_that_is_paid_by_nothing_is_worth_nothing():
    shares = Shares({A: 6000, B: 3000}, {A: 2, B: 1}, 0)
    assert (shares.payable(A), shares.payable(B)) == (0, 0)


def test_shipping_of_free_goods_falls_on_the_first_line():
    shares = Shares({A: 0, B: 0}, {A: 2, B: 1}, 499)
    assert (shares.payable(A), shares.payable(B)) == (499, 0)
    assert [shares.of_units(A, settled, 1) for settled in range(2)] == [249, 250]


@st.composite
def orders(draw: st.DrawFn) -> tuple[dict[LineId, int], dict[LineId, int], int]:
    """Lines, quantities, and a payable amount that is the sum, more (shipping), less, or nothing."""
    ids = [LineId(f"L{n}") for n in range(draw(st.integers(1, 6)))]
    totals = {line: draw(st.integers(0, 10_000) | st.just(0)) for line in ids}
    quantities = {line: draw(st.integers(1, 12)) for line in ids}
    whole = sum(totals.values())
    payable = draw(st.just(whole) | st.just(0) | st.integers(0, whole) | st.integers(whole, whole + 5_000))
    return totals, quantities, payable


@given(orders(), st.data())
def test_any_sequence_of_splits_adds_up_to_the_cent(
    order: tuple[dict[LineId, int], dict[LineId, int], int], data: st.DataObject
):
    totals, quantities, payable = order
    shares = Shares(totals, quantities, payable)
    given_out = 0
    for line, quantity in quantities.items():
        settled, parts = 0, []
        while settled < quantity:
            part = data.draw(st.integers(1, quantity - settled))
            parts.append(shares.of_units(line, settled, part))
            settled += part
        assert min(parts) >= 0
        assert sum(parts) == shares.payable(line)
        given_out += sum(parts)
    assert given_out == payable


@given(orders())
def test_units_of_a_line_differ_by_a_cent_at_most(order: tuple[dict[LineId, int], dict[LineId, int], int]):
    totals, quantities, payable = order
    shares = Shares(totals, quantities, payable)
    for line, quantity in quantities.items():
        each = [shares.of_units(line, settled, 1) for settled in range(quantity)]
        assert max(each) - min(each) <= 1


@given(orders())
def test_each_line_bears_its_part_of_the_difference_within_a_cent(
    order: tuple[dict[LineId, int], dict[LineId, int], int],
):
    totals, quantities, payable = order
    whole = sum(totals.values())
    shares = Shares(totals, quantities, payable)
    assert sum(shares.payable(line) for line in totals) == payable
    if whole:
        for line, total in totals.items():
            assert shares.payable(line) == pytest.approx(total * payable / whole, abs=1)
