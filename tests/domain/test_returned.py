"""Every unit of a return is in exactly one place, and the status follows from where they are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import OrderId, ReturnId, refund_key, return_of_key
from domain.refusals import Refused
from domain.returns.exchanging import Exchange, ExchangeState
from domain.returns.policy import ReturnTerms
from domain.returns.returned import PaidBack, Return, UnitPlace
from domain.returns.standing import StandingCard, StandingState
from domain.returns.words import ReturnStatus
from tests.domain.sample_orders import PLACED, A, B
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


def advanced(rule: str, refund: int, **fields: Any) -> Return:
    """Two units of 50.00, paid back before they have come; `refund` has less, since fees were taken off."""
    terms = ReturnTerms.model_validate({"lost_advance": rule})
    line = returned_line(A, 2, "awaited", terms=terms, settled=2, advanced=2)
    paid = PaidBack(n=1, at=PLACED, lines={A: 2}, by_line={A: 10_000}, fees=10_000 - refund, refund=refund)
    return a_return(line, paid_back=[paid], **fields)


@pytest.mark.parametrize("rule", ["collect", "charge"])
def test_no_more_is_owed_for_goods_that_never_come_than_was_paid_back(rule: str):
    state = advanced(rule, 9_500)
    state.line(A).move(UnitPlace.AWAITED, UnitPlace.CLOSED, 1)
    assert state.lose_advances() == ({A: 1}, 5_000)
    state.line(A).move(UnitPlace.AWAITED, UnitPlace.CLOSED, 1)
    assert state.lose_advances() == ({A: 1}, 4_500)
    assert (state.owed, state.to_collect) == (9_500, 9_500)


def test_what_a_card_stands_for_is_not_collected_by_a_person():
    card = StandingCard(token="tok", at_most=9_500, state=StandingState.HELD)
    state = advanced("charge", 10_000, card=card)
    assert not state.card_is_due, "they may still come"
    state.line(A).move(UnitPlace.AWAITED, UnitPlace.CLOSED, 2)
    state.lose_advances()
    state.written_off = 10_000
    assert (state.to_collect, state.card_is_due, state.at_rest) == (0, True, False)
    card.refuse("declined")
    assert (state.to_collect, state.card_is_due) == (10_000, False)


def test_what_is_exchanged_is_not_paid_back_in_advance():
    """What comes back pays for what is wanted instead."""
    terms = ReturnTerms(instant_refund_to=10_000)
    line = returned_line(A, 2, "awaited", terms=terms, unit_worth=5_000)
    assert a_return(line).pays_in_advance() == {A: 2}
    assert a_return(line.model_copy(update={"unit_worth": 5_001})).pays_in_advance() == {}
    exchange = Exchange.model_construct(state=ExchangeState.PLACED)
    state = a_return(line)
    state.exchange = exchange
    assert state.pays_in_advance() == {}
    exchange.state = ExchangeState.FELL_THROUGH
    assert state.pays_in_advance() == {A: 2}


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
