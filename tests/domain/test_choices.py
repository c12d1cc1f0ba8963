"""What a customer may choose is what the order would accept: never a way that it would only refuse."""

import pytest

from domain.change_policy import ChangePolicy, EditKind, Until
from domain.choices import choices_of
from domain.groups import WaitsFor
from domain.ids import Sku
from domain.order import Order
from domain.pickups import Proposal
from domain.policy_packs import STANDARD
from domain.supply import Supply
from domain.waiting import waits_of
from tests.domain.sample_orders import PLACED, A, line, order, terms


def asked(waits_for: WaitsFor = WaitsFor.CHOICE, placed: Order | None = None) -> Order:
    placed = placed or order(line(A, 2, 100))
    placed.groups[0].waits_for = waits_for
    return placed


def choices(placed: Order) -> list[str]:
    (wait,) = waits_of(placed)
    return [choice.value for choice in wait.choices or ()]


def test_what_a_store_cannot_give_out_may_come_from_another_store_or_home_or_later_or_not_at_all():
    assert choices(asked()) == ["other_store", "ship", "wait", "cancel"]


def test_who_waits_for_stock_is_not_asked_to_wait():
    assert choices(asked(WaitsFor.STOCK)) == ["other_store", "ship", "cancel"]


def test_what_the_store_has_instead_comes_first():
    placed = asked()
    placed.pickup(1).proposal = Proposal(line_id=A, sku=Sku("other"), quantity=2, unit_price=50, worth=100)
    assert choices(placed)[0] == "substitute"


def test_what_is_paid_at_the_till_is_not_sent():
    placed = asked(placed=Order.opened(terms(line(A, 2, 100), till=100)))
    assert placed.tenders[0].expected == 100
    assert choices(placed) == ["other_store", "wait", "cancel"]


def test_a_seller_who_lets_nobody_change_the_way_sends_nothing_instead():
    policy = STANDARD.model_copy(update={"changes": ChangePolicy(until={EditKind.METHOD: Until.NEVER})})
    assert choices(asked(placed=order(line(A, 2, 100), policy=policy))) == ["other_store", "wait", "cancel"]


@pytest.mark.parametrize("waits_for", [WaitsFor.SUPPLY, WaitsFor.CHOICE])
def test_what_was_ordered_ahead_keeps_its_place_in_the_queue(waits_for: WaitsFor):
    placed = asked(waits_for)
    group = placed.pickup(1)
    group.supply = Supply(until=PLACED)
    assert [choice.value for choice in choices_of(placed, group)] == ["wait", "cancel"]
