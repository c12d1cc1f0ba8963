"""Changed orders whose goods wait for supply, or are sent to a store: queue, stock and places follow the change."""

import pytest

from domain.change_wishes import ChangeWish, NewAddress, NewLine, NewWay, Way
from domain.destinations import Destination
from domain.ids import LineId
from domain.intake import Method
from domain.refusals import RefusalKind
from tests.workflows.changing_journeys import ONE, change, sent_home
from tests.workflows.shop import PRICE, card
from tests.workflows.supply_journeys import sell_ahead, serve
from tests.workflows.test_supply import queue, waiting
from tests.workflows.working import OpenShop

pytestmark = pytest.mark.stack


async def test_units_taken_off_leave_the_queue_for_supply(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=0)
    await sell_ahead(shop, days=1)
    order = await shop.place(3)
    assert await order.refused(change(order, ChangeWish(quantity={ONE: 4}))) is RefusalKind.NOT_ALLOWED_NOW
    assert await order.refused(change(order, sent_home())) is RefusalKind.NOT_ALLOWED_NOW
    assert (await change(order, ChangeWish(quantity={ONE: 2}))).applied
    assert (await waiting(shop), [party.order_id for party in await queue(shop)]) == (2, [order.order_id])
    await shop.receive(3)
    assert await serve(shop) == [order.order_id]
    await order.until(lambda view: view.groups[0].status == "offered")
    await order.make_ready(2)
    await order.hand_over()
    assert (await order.ended()).total == 2 * PRICE
    assert await order.money() == [f"authorise {3 * PRICE}", f"void {PRICE}", f"capture {2 * PRICE}"]
    assert await shop.on_hand() == {1: 1}


async def test_an_order_without_money_takes_less_and_not_more(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=0, s2=5)
    await sell_ahead(shop)
    order = await shop.place(3)
    new = NewLine(line_id=LineId("2"), sku=shop.sku, quantity=1, unit_price=1000, fulfilment="f1")
    assert await order.refused(change(order, ChangeWish(add=[new]), card(1000))) is RefusalKind.NOT_ALLOWED_NOW
    assert (await change(order, ChangeWish(quantity={ONE: 1}))).applied
    assert (await waiting(shop), await order.money()) == (1, [])
    await shop.receive(1)
    await serve(shop)
    await order.until(lambda view: view.groups[0].status == "offered")
    assert await order.money() == [f"authorise {PRICE}"], "what is left is all that was ever asked for"
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 1, 2: 5}


async def test_a_pickup_is_sent_to_another_store_and_home_after_all(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=5, s2=0)
    order = await shop.place(2)
    place = NewAddress(destination=Destination(country="DE", latitude=52.2, longitude=13.0), origin=1_000_079)
    there = Way(method=Method.SHIP_TO_STORE, store_id=shop.store(2), address=place)
    assert (await change(order, ChangeWish(method=NewWay(lines=[ONE], way=there)))).applied
    view = await order.until(lambda view: view.groups[-1].sending == "offered")
    group = view.groups[1]
    assert (group.store_id, group.from_store, group.status) == (shop.store(2), shop.store(1), "requested")
    assert (await shop.levels())[1].allocated == 2
    await change(order, sent_home())
    view = await order.until(lambda view: view.groups[-1].status == "offered")
    assert [(each.kind, each.status) for each in view.groups[1:]] == [("pickup", "rejected"), ("shipment", "offered")]
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 5}
