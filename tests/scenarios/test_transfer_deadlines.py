"""What is sent to a store and does not come: the customer hears of it, and is asked when nobody hopes any more."""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.transferred import Transferred
from tests.scenarios.world import World

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LASTING = "tok_expires_7d"


@pytest.fixture(scope="module")
def world(short_world: World) -> World:
    return short_world


@story
async def test_a_parcel_of_which_nobody_hears_is_late_then_lost_and_paid_back(world: World) -> None:
    shelf = await world.shelf(W001=1)
    order = await Transferred.to_store(world, sku=shelf.sku, token=LASTING)
    await order.on_its_way()
    await order.event("delivery_late")
    assert (await order.group())["status"] == "in_transit_to_store"
    lost = await order.event("delivery_exception")
    assert lost["reason"] == "parcel_lost"
    await order.event("choice_asked")
    view = await order.reaches("cancelled")
    assert view["groups"][0]["status"] == "cancelled"
    await shelf.adds_up(**{"W001": 0, "transit:S001": 0})
    await order.told("order_confirmed", "sent_to_store", "transfer_late", "choice_needed", "order_cancelled")


@story
async def test_a_sender_that_says_nothing_is_replaced(world: World) -> None:
    shelf = await world.shelf(W001=1, S002=1)
    order = await Transferred.to_store(world, sku=shelf.sku, token=LASTING)
    first = (await order.group())["from_store"]
    second = await order.group_reaches("requested", n=2)
    assert {first, second["from_store"]} == {"W001", "S002"}
    assert await order.events("store_silent") == ["store_silent"]
    await order.on_its_way(n=2)
    assert (await order.at_place("arrive", n=2))["status"] == "arrived"
