"""What goes back for units of an order: their own share, once, within what each tender paid, to the cent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import LineId
from domain.intake import TenderType
from domain.payments import TenderId
from domain.promotions import BuyGet, Priced, paid_back
from domain.refunds import (
    Clawback,
    MoreThanReceived,
    PaidLine,
    PaidTender,
    RefundPolicy,
    RefundRequest,
    RefundSplit,
    ShippingRule,
    split_over_tenders,
    split_refund,
)
from domain.tender_use import TenderRule
from tests.domain.sample_orders import A, B

NO_FEES = RefundPolicy()
TWO_PLUS_ONE = BuyGet(promotion_id="2+1", buy=2, get=1)


def bought(line_id: LineId = A, units: int = 3, paid: int = 10_000, **more: Any) -> PaidLine:
    return PaidLine(line_id=line_id, units=units, paid=paid, **more)


def tender(n: int, captured: int, refunded: int = 0, kind: TenderType = TenderType.CARD, **more: Any) -> PaidTender:
    return PaidTender(tender_id=TenderId(f"t{n}"), type=kind, captured=captured, refunded=refunded, **more)


def back(
    lines: list[PaidLine], units: dict[LineId, int], policy: RefundPolicy = NO_FEES, **request: Any
) -> RefundSplit:
    paid = sum(line.paid + line.shipping for line in lines)
    return split_refund(lines, [tender(1, paid)], RefundRequest(lines=units, **request), policy)


def amounts(split: tuple[Any, ...]) -> dict[str, int]:
    return {share.tender_id: share.amount for share in split}


def test_three_units_of_a_hundred_euros_go_back_as_33_33_33_33_and_33_34():
    refunds = [back([bought(returned=before)], {A: 1}).refund for before in range(3)]
    assert refunds == [3333, 3333, 3334]


def test_a_unit_takes_its_own_share_of_discount_and_tax_with_it():
    line = bought(units=3, paid=10_000, discount=500, tax=1597)
    [share] = back([line], {A: 2}).by_line
    assert (share.goods, share.discount, share.tax) == (6666, 333, 1064)


def test_more_units_than_are_left_cannot_be_paid_back():
    with pytest.raises(MoreThanReceived):
        back([bought(returned=2)], {A: 2})
    with pytest.raises(MoreThanReceived):
        back([bought()], {B: 1})


def test_two_of_an_offer_of_three_bring_nothing_while_the_kept_one_must_be_paid_whole():
    """Three shirts of 10.00, one of them free, cost 20.00."""
    line = bought(units=3, paid=2000, unit_price=1000, discount=1000, offer=TWO_PLUS_ONE)
    assert back([line], {A: 1}).refund == 0
    assert back([line], {A: 2}).refund == 1000
    assert back([line], {A: 3}).refund == 2000
    [share] = back([line], {A: 1}).by_line
    assert (share.clawed_back, share.tax) == (666, 0)


def test_an_offer_may_be_kept_by_who_keeps_a_part_of_it():
    line = bought(units=3, paid=2000, unit_price=1000, offer=TWO_PLUS_ONE)
    assert back([line], {A: 1}, RefundPolicy(clawback=Clawback.KEEP)).refund == 666


def test_the_cheapest_unit_was_the_free_one_on_whatever_line_it_stands():
    offer = BuyGet(promotion_id="1+1", buy=1, get=1)
    dear = bought(A, 1, 600, unit_price=1000, offer=offer)
    cheap = bought(B, 1, 400, unit_price=600, offer=offer)
    assert back([dear, cheap], {B: 1}).refund == 0, "the dear one is kept, and costs all that was paid"
    assert back([dear, cheap], {A: 1}).refund == 400, "the cheap one is kept, at six tenths of the price"


def test_shipping_goes_back_by_rule():
    lines = [bought(A, 2, 2000, shipping=300), bought(B, 1, 1000, shipping=199)]
    each = RefundPolicy(shipping=ShippingRule.PRO_RATA)
    whole = RefundPolicy(shipping=ShippingRule.WHEN_ALL)
    assert back(lines, {A: 1}).refund == 1000
    assert back(lines, {A: 1}, each).refund == 1150
    assert back(lines, {A: 2}, whole).refund == 2000
    assert back(lines, {A: 2, B: 1}, whole).refund == 3499
    left = [bought(A, 2, 2000, shipping=300, returned=2, shipping_back=150), lines[1]]
    assert back(left, {B: 1}, whole).refund == 1349, "what went back before is not paid twice"


def test_fees_are_taken_off_once_and_never_exceed_the_goods():
    policy = RefundPolicy(fee=499, restocking_percent=10)
    assert (back([bought()], {A: 1}, policy).fees, back([bought()], {A: 1}, policy).refund) == (832, 2501)
    assert back([bought()], {A: 1}, policy, fee_charged_before=True).fees == 333
    assert back([bought()], {A: 1}, policy, without_fee=True).fees == 0
    assert (back([bought(paid=300)], {A: 1}, policy).fees, back([bought(paid=300)], {A: 1}, policy).refund) == (100, 0)


@pytest.mark.parametrize(
    ("rule", "shares"),
    [
        (TenderRule.FIRST, {"t1": 3000, "t2": 1000}),
        (TenderRule.LAST, {"t2": 2000, "t3": 2000}),
        (TenderRule.PRO_RATA, {"t1": 1500, "t2": 1000, "t3": 1500}),
    ],
)
def test_tenders_are_paid_back_by_rule(rule: TenderRule, shares: dict[str, int]):
    tenders = [tender(1, 3000), tender(2, 2000, kind=TenderType.GIFT_CARD), tender(3, 3000, 1000)]
    assert amounts(split_over_tenders(4000, tenders, rule)) == shares


def test_what_one_tender_cannot_take_the_others_do():
    tenders = [tender(1, 1000, 900), tender(2, 1000), tender(3, 1000, blocked=True)]
    assert amounts(split_over_tenders(600, tenders, TenderRule.PRO_RATA)) == {"t1": 100, "t2": 500}


def test_what_no_tender_can_take_back_is_said_so():
    split = split_refund([bought()], [tender(1, 5000, blocked=True)], RefundRequest(lines={A: 1}), NO_FEES)
    assert (split.refund, split.by_tender, split.uncovered) == (3333, (), 3333)


OFFERS = st.builds(BuyGet, promotion_id=st.just("offer"), buy=st.integers(1, 3), get=st.integers(1, 3))


@st.composite
def purchases(draw: st.DrawFn) -> list[PaidLine]:
    offer = draw(st.none() | OFFERS)
    lines = []
    for n in range(draw(st.integers(1, 4))):
        units = draw(st.integers(1, 6))
        lines.append(
            PaidLine(
                line_id=LineId(f"L{n}"),
                units=units,
                paid=draw(st.integers(0, 20_000)),
                shipping=draw(st.integers(0, 500)),
                unit_price=draw(st.integers(0, 5_000)),
                offer=offer if draw(st.booleans()) else None,
            )
        )
    return lines


@given(
    purchases(),
    st.lists(st.integers(0, 30_000), min_size=1, max_size=4),
    st.sampled_from(TenderRule),
    st.sampled_from([ShippingRule.PRO_RATA, ShippingRule.WHEN_ALL]),
    st.sampled_from(Clawback),
    st.data(),
)
def test_any_sequence_of_returns_adds_up_to_what_was_paid(
    lines: list[PaidLine],
    captured: list[int],
    rule: TenderRule,
    shipping: ShippingRule,
    clawback: Clawback,
    data: st.DataObject,
):
    policy = RefundPolicy(tenders=rule, shipping=shipping, clawback=clawback)
    tenders = [tender(n, amount) for n, amount in enumerate(captured, start=1)]
    refunded = 0
    by_offer: dict[bool, int] = {}
    while any(line.left for line in lines):
        open_lines = [line for line in lines if line.left]
        going = data.draw(st.sampled_from(open_lines))
        units = data.draw(st.integers(1, going.left))
        split = split_refund(lines, tenders, RefundRequest(lines={going.line_id: units}), policy)
        [share] = split.by_line
        assert share.goods >= 0
        assert share.shipping >= 0
        assert split.refund == share.goods + share.shipping
        assert split.refund == sum(each.amount for each in split.by_tender) + split.uncovered
        refunded += split.refund
        by_offer[going.offer is not None] = by_offer.get(going.offer is not None, 0) + share.goods
        given_back = amounts(split.by_tender)
        tenders = [
            each.model_copy(update={"refunded": each.refunded + given_back.get(each.tender_id, 0)}) for each in tenders
        ]
        assert all(each.refunded <= each.captured for each in tenders)
        assert not split.uncovered or not any(each.available for each in tenders)
        lines = [
            line.model_copy(
                update={"returned": line.returned + units, "shipping_back": line.shipping_back + share.shipping}
            )
            if line.line_id == going.line_id
            else line
            for line in lines
        ]
    assert refunded == sum(line.paid + line.shipping for line in lines)
    for in_offer, goods in by_offer.items():
        assert goods == sum(line.paid for line in lines if (line.offer is not None) is in_offer)


@given(
    OFFERS, st.lists(st.tuples(st.integers(1, 5), st.integers(0, 900)), min_size=1, max_size=4), st.integers(0, 9999)
)
def test_who_keeps_fewer_units_of_an_offer_never_gets_less_back(offer: BuyGet, units: list[tuple[int, int]], paid: int):
    whole = [Priced(units=n, unit_price=price) for n, price in units]
    assert paid_back(offer, whole, whole, paid) == 0
    for at, each in enumerate(whole):
        fewer = [*whole[:at], each.model_copy(update={"units": each.units - 1}), *whole[at + 1 :]]
        assert paid_back(offer, whole, fewer, paid) >= 0
    nothing = [each.model_copy(update={"units": 0}) for each in whole]
    assert paid_back(offer, whole, nothing, paid) == paid
