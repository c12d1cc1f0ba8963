"""What a settlement comes to: from the order's record, under each line's own terms, over what the tenders can take."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.actors import Channel
from domain.ids import LineId, OrderId
from domain.intake import TenderType
from domain.ledger import AuthorisationBalance, OrderMoney, TenderTotals
from domain.order import Order
from domain.payments import AuthorisationId, AuthorisationStatus, TenderId
from domain.refunds import RefundPolicy, ShippingRule
from domain.returns.settling import TILL, Settled, paid_lines, settle, tenders_of
from domain.units import UnitState
from domain.views import OrderView, PaymentView
from tests.domain.sample_orders import A, B, line, terms

PLAIN = RefundPolicy()


def handed_over(left: dict[LineId, int], *lines: Any, shipping: int = 0) -> OrderView:
    """The record of an order of which these units were handed over; the others were cancelled before."""
    total = sum(each.total for each in lines) + shipping
    order = Order.opened(terms(*lines, card=total, shipping_total=shipping, total=total))
    group = order.pickup(1)
    for each in lines:
        cancelled = each.quantity - left[each.line_id]
        group.move(each.line_id, UnitState.CANCELLED, cancelled, UnitState.OPEN)
        order.settle({each.line_id: cancelled}, earned=False)
        group.move(each.line_id, UnitState.ALLOCATED, left[each.line_id], UnitState.OPEN)
        group.move(each.line_id, UnitState.PICKED, left[each.line_id], UnitState.ALLOCATED)
        group.move(each.line_id, UnitState.READY, left[each.line_id], UnitState.PICKED)
        group.move(each.line_id, UnitState.HANDED_OVER, left[each.line_id], UnitState.READY)
        order.settle({each.line_id: left[each.line_id]}, earned=True)
    return order.view()


def test_units_that_were_cancelled_first_leave_the_others_their_own_cents():
    """10,000 in three units: the cancelled one was given back 33.33, so the two that came were paid 66.67."""
    [paid] = paid_lines(handed_over({A: 2}, line(A, 3, 10_000)), [])
    assert (paid.units, paid.paid, paid.shipping) == (2, 6667, 0)


def test_shipping_is_told_apart_from_the_goods():
    lines = paid_lines(handed_over({A: 2, B: 1}, line(A, 2, 6000), line(B, 1, 3000), shipping=499), [])
    assert [(each.paid, each.shipping) for each in lines] == [(6000, 333), (3000, 166)]


def test_each_line_is_settled_under_its_own_terms_and_the_fee_is_charged_once():
    order = handed_over({A: 2, B: 1}, line(A, 2, 6000), line(B, 1, 3000), shipping=499)
    policies = {A: RefundPolicy(fee=500), B: RefundPolicy(shipping=ShippingRule.PRO_RATA)}
    settled = settle(1, paid_lines(order, []), {A: 1, B: 1}, policies, fee_charged_before=False)
    assert (settled.goods, settled.shipping, settled.fees, settled.refund) == ({A: 3000, B: 3000}, {B: 166}, 500, 5666)
    rest = settle(2, paid_lines(order, [settled]), {A: 1}, policies, fee_charged_before=True)
    assert (rest.fees, rest.refund) == (0, 3000)


@given(st.integers(1, 9), st.integers(0, 20_000), st.integers(0, 900), st.data())
def test_the_settlements_of_an_order_add_up_to_what_was_captured_for_it(
    quantity: int, total: int, shipping: int, data: st.DataObject
):
    came = data.draw(st.integers(1, quantity))
    order = handed_over({A: came}, line(A, quantity, total), shipping=shipping)
    earned = order.lines[0].earned
    policy = {A: RefundPolicy(shipping=ShippingRule.PRO_RATA)}
    done: list[Settled] = []
    left = came
    while left:
        units = data.draw(st.integers(1, left))
        done.append(settle(len(done) + 1, paid_lines(order, done), {A: units}, policy, fee_charged_before=False))
        left -= units
    assert sum(each.refund for each in done) == earned


def money(captured: int, refunded: int = 0) -> OrderMoney:
    totals = TenderTotals(
        tender_id=TenderId("t1"), currency="EUR", authorised=captured, captured=captured, voided=0, refunded=refunded
    )
    authorisations = tuple(
        AuthorisationBalance(
            id=AuthorisationId(name),
            tender_id=TenderId("t1"),
            status=AuthorisationStatus.CAPTURED,
            currency="EUR",
            authorised=part,
            captured=part,
            voided=0,
            refunded=back,
            capture_before=None,
        )
        for name, part, back in (("a1", captured // 2, refunded), ("a2", captured - captured // 2, 0))
    )
    return OrderMoney(order_id=OrderId("o1"), tenders=(totals,), authorisations=authorisations)


def paid_in(order: OrderView, **payment: int) -> OrderView:
    return order.model_copy(update={"payment": PaymentView(**payment), "channel": Channel.WEB})


def test_a_tenders_part_goes_back_to_its_oldest_authorisation_first():
    order = paid_in(handed_over({A: 1}, line(A, 1, 1000)), captured=1000, refunded=200)
    tenders = tenders_of(order, money(1000, 200), {})
    assert [(each.captured, each.refunded) for each in tenders.tenders] == [(1000, 200)]
    assert tenders.of(TenderId("t1"), 600) == [("a1", 300), ("a2", 300)]


def test_what_no_provider_knows_was_paid_at_the_till_and_goes_back_there():
    order = paid_in(handed_over({A: 2}, line(A, 2, 3000)), captured=3000, refunded=700)
    tenders = tenders_of(order, money(1000, 200), {"t1": 200, TILL: 300})
    till = tenders.tenders[-1]
    assert (till.type, till.captured, till.refunded) == (TenderType.PAY_IN_STORE, 2000, 500), "200 by the order itself"
