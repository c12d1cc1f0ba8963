"""Supply that does not come in time, and money that is asked for before it does. A day takes a second here."""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.test_backorders import queue, sold_ahead
from tests.scenarios.world import World, later, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def world(short_world: World) -> World:
    return short_world


@story
async def test_what_has_not_come_in_the_end_is_cancelled(world: World) -> None:
    shelf = await world.shelf()
    await sold_ahead(world, shelf, 1)
    order = await world.place(sku=shelf.sku)
    assert await queue(world, shelf) == [(order.id, 1)]
    await order.reaches("cancelled")
    assert (await order.event("units_cancelled"))["reason"] == "inventory"
    assert await queue(world, shelf) == []
    await order.money_rests()
    await order.told("order_confirmed", "order_cancelled")
    assert (await world.place(sku=shelf.sku)).answer["status"] == "in_progress", "its place is free again"


@story
async def test_money_is_authorised_when_supply_is_near(world: World) -> None:
    shelf = await world.shelf()
    await sold_ahead(world, shelf, 1, later(seconds=8))
    order = await world.place(sku=shelf.sku, token="tok_expires_7d")
    assert await world.money(order.id) == {"authorise": 0, "capture": 0, "void": 0, "refund": 0}
    near = await order.event("supply_near")
    assert near["data"]["amount"] == 4999

    async def authorised() -> bool:
        return (await world.money(order.id))["authorise"] == 4999

    await world.until("the money is authorised before the goods are there", authorised)
    assert (await order.group())["status"] == "waiting"
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.money_rests(authorised=4999)


@story
async def test_a_new_date_moves_the_end_of_the_wait(world: World) -> None:
    shelf = await world.shelf()
    await sold_ahead(world, shelf, 1, later(seconds=1))
    order = await world.place(sku=shelf.sku)
    [before] = [wait["deadline"] for wait in (await order.view())["waiting_for"]]
    await sold_ahead(world, shelf, 1, later(seconds=30))
    await order.event("supply_rescheduled")
    [after] = [wait["deadline"] for wait in (await order.view())["waiting_for"]]
    assert after > before
    await shelf.receives("S001", 1)
    await order.group_reaches("offered")
