"""Every unit of a return is in exactly one place, and the status follows from where they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import OrderId, ReturnId, refund_key, return_of_key
from domain.refusals import Refused
from domain.returns.returned import UnitPlace
from domain.returns.words import ReturnStatus
from tests.domain.sample_orders import A, B
from tests.domain.sample_returns import a_return, returned_line


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ("undecided", ReturnStatus.REQUESTED),
        ("refused", ReturnStatus.REJECTED),
        ("awaited", ReturnStatus.APPROVED),
        ("received", ReturnStatus.RECEIVED),
        ("accepted", ReturnStatus.INSPECTED),
        ("declined", ReturnStatus.SETTLED),
    ],
)
def test_the_status_says_where_the_units_are(where: str, status: ReturnStatus):
    assert a_return(returned_line(where=where)).view().status is status


def test_what_was_settled_is_not_waited_for_and_what_is_awaited_may_still_come():
    state = a_return(returned_line(A, 1, "accepted", settled=1), returned_line(B, 1, "awaited"))
    assert state.status is ReturnStatus.APPROVED
    state.line(B).move(UnitPlace.AWAITED, UnitPlace.CLOSED, 1)
    assert (state.status, state.at_rest) == (ReturnStatus.SETTLED, True)


def test_more_units_than_are_there_cannot_move():
    line = returned_line(quantity=2)
    with pytest.raises(Refused, match="2 units that are awaited, not 3"):
        line.move(UnitPlace.AWAITED, UnitPlace.RECEIVED, 3)
    assert line.awaited == 2


def test_an_expired_or_cancelled_return_says_so_only_when_nothing_came():
    closed = a_return(returned_line(where="closed"), expired=True)
    assert closed.status is ReturnStatus.EXPIRED
    assert a_return(returned_line(where="closed"), cancelled=True).status is ReturnStatus.CANCELLED


@given(st.lists(st.tuples(st.sampled_from(UnitPlace), st.sampled_from(UnitPlace), st.integers(1, 4)), max_size=20))
def test_no_unit_is_made_or_lost_by_any_moves(moves: list[tuple[UnitPlace, UnitPlace, int]]):
    line = returned_line(quantity=4)
    for source, target, quantity in moves:
        try:
            line.move(source, target, quantity)
        except Refused:
            continue
        assert sum(line.count(place) for place in UnitPlace) == line.quantity
        assert 0 <= line.claimed <= line.quantity


def test_a_refunds_key_names_its_return_and_an_orders_own_names_none():
    key = refund_key(OrderId("o1"), "t1", ReturnId("r1"), 3)
    assert (key, return_of_key(key)) == ("o1:refund:t1:return:r1:3", "r1")
    assert return_of_key("o1:refund:t1:0") is None
