"""Another address, another price: what the channel told the customer counts, else the channel's rules; to the cent."""

from typing import Any

import pytest

from domain.amending import totals_of
from domain.change_policy import ServicePrice
from domain.change_wishes import ChangeWish, NewAddress, NewPrices
from domain.changes import plan_change
from domain.destinations import Destination
from domain.ids import LineId
from domain.intake import Service
from domain.order import Order
from domain.refusals import Refused
from domain.terms import ChannelRules, ShipmentTerms
from domain.units import Units
from tests.domain.sample_orders import A, B, line, order
from tests.domain.test_changes import BERLIN, VIENNA, authorised, made, offered, shipped

ABROAD = ChannelRules(shipping_to={"AT": {Service.STANDARD: ServicePrice(price=990, free_from=50_000)}})


def to(place: Destination = VIENNA, shipping: int | None = None, **tax: int) -> ChangeWish:
    prices = NewPrices(shipping=shipping, tax={LineId(each): n for each, n in tax.items()})
    return ChangeWish(address=NewAddress(destination=place, origin=77), prices=prices)


def taxed(*, included: bool, shipping: int = 0, **more: Any) -> Order:
    """Two of A, whose tax is 38 of 238, or on top of 200."""
    way = ShipmentTerms(n=1, fulfilment="f1", destination=BERLIN)
    goods = line(A, 2, 238).model_copy(update={"unit_price": 119 if included else 100, "tax": 38})
    placed = order(
        goods, card=238 + shipping, pickups=[], shipments=[way], shipping_total=shipping, total=238 + shipping,
        prices_include_tax=included, **more,
    )  # fmt: skip
    return offered(authorised(placed))


def test_the_same_price_is_no_matter_of_an_address():
    plan = plan_change(shipped(shipping=50), ChangeWish(address=NewAddress(destination=VIENNA, origin=77)))
    assert (plan.before, plan.owed, plan.due) == (plan.after, 0, 0)


@pytest.mark.parametrize(("shipping", "owed", "due"), [(120, 70, 0), (50, 0, 0), (10, 0, 40), (0, 0, 50)])
def test_shipping_costs_what_the_customer_was_told(shipping: int, owed: int, due: int):
    placed = shipped(shipping=50)
    plan = plan_change(placed, to(shipping=shipping))
    assert (plan.after.shipping, plan.after.total, plan.owed, plan.asked, plan.due) == (
        shipping, 400 + shipping, owed, owed, due,
    )  # fmt: skip
    made(placed, to(shipping=shipping))
    assert placed.worth({A: 3, B: 2}) == 400 + shipping


def test_without_a_told_price_the_channel_s_rule_for_the_country_counts():
    placed = shipped(shipping=50, rules=ABROAD)
    assert plan_change(placed, to()).owed == 940
    assert plan_change(placed, to(shipping=60)).owed == 10, "what the customer was told goes before"
    assert plan_change(placed, to(Destination(country="FR"))).owed == 0, "no rule names it"
    made(placed, to())
    other = Destination(country="AT", latitude=47.1, longitude=15.4)
    assert plan_change(placed, to(other)).owed == 0, "within a country it costs what it did"


def test_a_rule_may_let_dear_orders_ship_free():
    free = ChannelRules(shipping_to={"AT": {Service.STANDARD: ServicePrice(price=990, free_from=400)}})
    assert plan_change(shipped(shipping=50, rules=free), to()).due == 50


def test_tax_on_top_is_owed_or_due():
    placed = taxed(included=False)
    plan = plan_change(placed, to(A=40))
    assert (plan.after.lines, plan.after.tax, plan.after.total, plan.owed) == (200, 40, 240, 2)
    assert plan_change(placed, to(A=0)).due == 38
    made(placed, to(A=40))
    assert [(each.tax, each.total) for each in placed.lines] == [(40, 240)]
    assert placed.worth({A: 1}) == 120


def test_tax_within_the_prices_is_evidence_and_moves_no_money():
    placed = taxed(included=True)
    plan = plan_change(placed, to(A=40))
    assert (plan.after.tax, plan.after.total, plan.owed, plan.due) == (40, 238, 0, 0)
    made(placed, to(A=40))
    assert totals_of(placed).tax == 40


@pytest.mark.parametrize("included", [False, True])
def test_what_has_left_keeps_its_share_of_everything(included: bool):
    placed = taxed(included=included, shipping=10)
    placed.shipments[0].units[A] = Units(allocated=1, shipped=1)
    first = placed.settle({A: 1}, earned=True)
    made(placed, to(shipping=30, A=25))
    assert placed.earned == first == 124
    assert placed.worth({A: 1}) == 119 + 30 + (0 if included else 25 - 19)
    assert totals_of(placed).total == first + placed.worth({A: 1})
    assert totals_of(placed).tax == 19 + 25


def test_a_tax_for_what_does_not_go_there_is_refused():
    with pytest.raises(Refused, match="line B"):
        plan_change(taxed(included=True), to(B=1))


def test_a_line_that_the_same_change_takes_off_needs_no_tax_any_more():
    placed = shipped()
    made(placed, to(B=1, shipping=0).model_copy(update={"remove": [B]}))
    assert totals_of(placed).total == 300
