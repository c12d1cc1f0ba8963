"""Goods in a parcel machine that nobody takes in time, or that wait longer as asked for. Days take seconds."""

from datetime import datetime

import pytest

from tests.scenarios.lockers import InLocker
from tests.scenarios.playing import story
from tests.scenarios.test_links import link_in_mail
from tests.scenarios.test_not_collected import LASTING, passes
from tests.scenarios.world import World, later, refused

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def world(short_world: World) -> World:
    return short_world


@story
async def test_when_the_operator_s_time_is_over_the_goods_come_back_by_themselves(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await InLocker.to(world, sku=shelf.sku, quantity=2, token=LASTING)
    await order.is_put_in()
    await order.reaches("cancelled")
    assert (await order.group())["status"] == "expired"
    await order.stay_becomes("returned")
    refused(await world.store(order, "extend", {"until": later(seconds=20)}), 409, "not-allowed-now")
    await order.does("put-back")
    await shelf.adds_up(S001=2)
    await order.money_rests(authorised=9998)
    await order.told("order_confirmed", "ready_in_locker", "pickup_reminder", "pickup_expiring", "pickup_expired")


@story
async def test_a_customer_who_needs_more_time_has_it_by_the_link_in_the_mail(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await InLocker.to(world, sku=shelf.sku, token=LASTING)
    before = (await order.is_put_in())["deadline"]
    link = await link_in_mail(order, "In the locker")
    [form] = await link.forms()
    assert "Done. We keep it for you until" in await link.sends(form)
    group = await order.group()
    assert datetime.fromisoformat(group["deadline"]) > datetime.fromisoformat(before)
    assert group["deadline"] == group["locker"]["collect_by"], "its operator has said so"
    await passes(world, before)
    assert (await order.group())["status"] == "ready"
    await order.opens("collect", await order.operator_code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=0)
    assert (await order.event("window_extended"))["data"]["locker"] == "L001"
