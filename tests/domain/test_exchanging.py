"""What something else costs instead, what the replacement may use, and what is left out when less comes back."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.actors import ENGINE, Channel
from domain.ids import LineId, OrderId, ReturnId, Sku
from domain.intake import TenderType
from domain.payments import AuthorisationId, TenderId
from domain.policy_packs import STANDARD
from domain.returns.exchanging import (
    Exchange,
    ExchangedLine,
    ExchangeState,
    credit_token,
    for_approved,
    gap_of,
    hold_of,
    is_credit,
    left_out,
    line_of,
    price_wanted,
    replacement_number,
    return_of_credit,
    tax_in,
    tenders_for,
)
from domain.returns.returned import PaidBack, RefundMade, RefundState
from domain.settlement import StepKind, TenderBook, plan_money
from domain.terms import OrderTerms, TenderTerms
from tests.domain.sample_orders import PLACED, A
from tests.domain.sample_returns import a_return, returned_line

B = LineId("B")


def line(line_id: LineId = A, **fields: Any) -> ExchangedLine:
    given_: dict[str, Any] = {"units": 2, "quantity": 2, "credit": 4000, "total": 4000}
    return ExchangedLine(line_id=line_id, sku=Sku("NEW"), **(given_ | fields))


def exchange(*lines: ExchangedLine, **fields: Any) -> Exchange:
    wanted = list(lines) or [line()]
    total = sum(each.total for each in wanted)
    terms = OrderTerms(
        order_id=OrderId("x1"),
        channel=Channel.WEB,
        external_id="X1-X",
        placed_at=PLACED,
        received_at=PLACED,
        currency="EUR",
        locale="en",
        customer_ref="C-1",
        lines=[line_of(e.line_id, e.sku, e.quantity, total=e.total, tax=0, price=0) for e in wanted],
        pickups=[],
        tenders=tenders_for(sum(each.credit for each in wanted), total, None),
        shipping_total=0,
        total=total,
        content_hash="x",
        policy=STANDARD,
        actor=ENGINE,
    )
    return Exchange(terms=terms, lines=wanted, **fields)


# --- prices ----------------------------------------------------------------------------------------------------------


@given(worth=st.integers(0, 10**8), units=st.integers(1, 50), price=st.integers(1, 10**6), quantity=st.integers(1, 50))
def test_at_the_same_price_it_costs_what_the_units_were_paid_to_the_cent(
    worth: int, units: int, price: int, quantity: int
) -> None:
    assert price_wanted(worth=worth, listed=price * units, price=price, quantity=units) == worth
    cheaper = price_wanted(worth=worth, listed=price * units, price=price, quantity=quantity)
    assert (cheaper <= worth) == (quantity <= units) or cheaper == worth


def test_it_has_the_discount_and_the_tax_of_what_comes_back() -> None:
    assert price_wanted(worth=4499, listed=4999, price=5999, quantity=1) == 5398
    assert price_wanted(worth=4499, listed=4999, price=3999, quantity=1) == 3599
    assert price_wanted(worth=0, listed=0, price=1000, quantity=2) == 2000, "what was a gift has no proportion"
    assert tax_in(5398, worth=4499, tax=718) == 861
    priced = line_of(A, Sku("NEW"), 1, total=5398, tax=861, price=5999)
    assert (priced.unit_price, priced.discount, priced.total) == (5999, 601, 5398)


@given(quantity=st.integers(1, 20), price=st.integers(0, 10**5), total=st.integers(0, 10**6))
def test_a_line_adds_up_whatever_it_costs(quantity: int, price: int, total: int) -> None:
    priced = line_of(A, Sku("NEW"), quantity, total=total, tax=0, price=price)
    assert priced.quantity * priced.unit_price - priced.discount == total
    assert priced.discount >= 0


def test_the_return_pays_what_it_gives_back_and_the_customer_the_rest() -> None:
    assert [(each.type, each.amount) for each in tenders_for(4000, 4000, None)] == [
        (TenderType.EXCHANGE_CREDIT, 4000)
    ]  # fmt: skip
    assert [(each.type, each.amount) for each in tenders_for(4000, 3000, None)] == [
        (TenderType.EXCHANGE_CREDIT, 3000)
    ]  # fmt: skip
    card = TenderTerms(tender_id=TenderId("t9"), type=TenderType.CARD, amount=9999, token="tok_ok")
    paid = tenders_for(4000, 5000, card)
    assert [(each.tender_id, each.type, each.amount) for each in paid] == [
        ("t1", TenderType.EXCHANGE_CREDIT, 4000),
        ("t2", TenderType.CARD, 1000),
    ]
    assert gap_of([line(total=5000)]).owed == 1000
    assert gap_of([line(total=3000)]).back == 1000


def test_names_lead_back_to_the_return() -> None:
    token = credit_token(ReturnId("abc"))
    assert (return_of_credit(token), return_of_credit("tok_ok")) == ("abc", None)
    assert (is_credit(f"{token}-1"), is_credit("auth_1"), is_credit(None)) == (True, False, False)
    assert len(replacement_number("x" * 64, ReturnId("0123456789"))) <= 64


# --- less came -------------------------------------------------------------------------------------------------------


def test_as_many_go_out_as_came_back_rounded_down() -> None:
    lines = [line(units=3, quantity=3), line(B, units=4, quantity=2)]
    assert left_out(lines, {A: 3, B: 4}) == {}
    assert left_out(lines, {A: 1, B: 3}) == {A: 2, B: 1}
    assert left_out(lines, {}) == {A: 3, B: 2}


def test_what_is_not_approved_is_not_ordered() -> None:
    whole = exchange(line(), line(B))
    part = for_approved(whole, {A: 1})
    assert [(each.line_id, each.units, each.credit, each.total) for each in part.lines] == [(A, 1, 2000, 2000)]
    assert (part.terms.total, [each.amount for each in part.terms.tenders]) == (2000, [2000])
    assert part.terms.lines[0].total == 2000
    assert for_approved(whole, {A: 2, B: 2}) is whole


# --- what the return keeps for it ------------------------------------------------------------------------------------


def settled(refund: int) -> PaidBack:
    return PaidBack(n=1, at=PLACED, lines={A: 2}, by_line={A: refund}, refund=refund)


def test_what_the_replacement_may_use_is_not_paid_back() -> None:
    state = a_return(returned_line(), exchange=exchange(credit=3000, state=ExchangeState.PLACED))
    state.paid_back.append(settled(4000))
    assert (state.kept, state.due) == (3000, 1000)
    exchanged = state.exchange
    assert exchanged is not None
    exchanged.grant(state.refund)
    assert exchanged.granted == 3000
    exchanged.state, exchanged.ended, exchanged.standing = ExchangeState.COMPLETED, True, 2000
    assert state.due == 2000, "what it has not used goes back too"
    exchanged.state = ExchangeState.FELL_THROUGH
    assert state.due == 4000


def test_what_was_charged_for_goods_that_did_not_come_pays_for_the_replacement() -> None:
    hold = hold_of(AuthorisationId("a1"), 4000, PLACED + timedelta(days=7), PLACED)
    assert hold.charge_by == PLACED + timedelta(days=7, hours=-1)
    short = hold_of(AuthorisationId("a1"), 4000, PLACED + timedelta(seconds=10), PLACED)
    assert short.charge_by == PLACED + timedelta(seconds=9)
    charged = hold.model_copy(update={"captured": 4000, "live": False})
    state = a_return(
        returned_line(where="closed"),
        exchange=exchange(
            credit=4000, standing=4000, state=ExchangeState.COMPLETED, ended=True, advance=True, hold=charged
        ),
    )
    assert (state.kept, state.due, state.at_rest) == (0, 0, True)


def test_credit_given_back_goes_on_to_where_it_came_from() -> None:
    state = a_return(returned_line(where="accepted", settled=2))
    state.paid_back.append(settled(4000))
    before = OrderId("o0")
    back: dict[str, Any] = {"settlement": 1, "amount": 4000, "state": RefundState.DONE}
    state.refunds.append(
        RefundMade(key="k1", tender_id="t1", authorisation_id="exchange-r0-1", source=before, **back)
    )  # fmt: skip
    assert (state.due, state.carried(), state.money_rests) == (0, {before: 4000}, False)
    state.refunds.append(RefundMade(key="k2", tender_id="t1", authorisation_id="a1", order_id=before, **back))
    assert (state.carried(), state.money_rests, state.refunded) == ({}, True, 4000)
    assert state.refunded_elsewhere() == {before: 4000}
    assert state.view().paid_back[0].by_tender == {"o0/t1": 4000}


# --- the replacement's own money -------------------------------------------------------------------------------------


def test_credit_beyond_what_came_back_is_freed_before_the_customers_card_is() -> None:
    """Two of 59.99 for two of 49.99: one came. The card's share of the other one is free, no more and no less."""
    credit = TenderBook(tender_id="t1", type=TenderType.EXCHANGE_CREDIT, amount=4999, authorisation_id="c", live=9998)
    card = TenderBook(tender_id="t2", type=TenderType.CARD, amount=2000, authorisation_id="a", live=2000)
    plan = plan_money([credit, card], 0, 5999)
    assert [(step.kind, step.tender_id, step.amount) for step in plan.steps] == [
        (StepKind.VOID, "t1", 4999),
        (StepKind.VOID, "t2", 1000),
    ]
    assert not plan.uncovered


def test_less_credit_than_it_costs_is_asked_of_the_customer() -> None:
    credit = TenderBook(tender_id="t1", type=TenderType.EXCHANGE_CREDIT, amount=3000, authorisation_id="c", live=4000)
    assert plan_money([credit], 0, 4000).uncovered == 1000
