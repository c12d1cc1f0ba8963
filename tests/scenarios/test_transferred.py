"""Orders whose goods are sent to the store where they are collected: whole, short, late to be cancelled."""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.shipped import Shipped
from tests.scenarios.transferred import Transferred
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def tasks(world: World, order: Shipped, store: str) -> list[str]:
    return [task["task"] for task in await world.tasks(store, order)]


@story
async def test_goods_of_another_place_are_sent_to_the_store_and_collected_there(world: World) -> None:
    shelf = await world.shelf(S001=1, W001=5)
    order = await Transferred.to_store(world, sku=shelf.sku, quantity=2)
    group = await order.group_reaches("requested")
    assert (group["id"], group["store_id"], group["from_store"]) == (f"pickup/{order.id}/1", "S001", "W001")
    assert await tasks(world, order, "W001") == ["accept"]
    assert await tasks(world, order, "S001") == []
    refused(await order.tries("accept", place="S001"), 409, "not-allowed-now")
    await order.on_its_way()
    group = await order.group_reaches("in_transit_to_store")
    assert (await shelf.levels())["transit:S001"]["on_hand"] == 2
    assert (await shelf.at("W001"))["on_hand"] == 3
    assert (await world.money(order.id))["capture"] == 0
    assert await tasks(world, order, "S001") == ["receive"]
    assert "goods from W001 arrive at the store" in await order.waits()
    assert taken(await world.channel("GET", f"/v1/shipments/{order.id}/1"))["parcels"]
    assert taken(await world.channel("GET", f"/v1/pickups/{order.id}/1"))["status"] == "in_transit_to_store"
    assert (await order.at_place("arrive"))["status"] == "arrived"
    assert (await shelf.at("S001"))["allocated"] == 2
    assert await tasks(world, order, "S001") == ["make_ready"]
    await order.does("ready")
    assert (await order.group())["status"] == "ready"
    assert (await order.status(), (await order.view())["payment"]["captured"]) == ("in_progress", 0)
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await shelf.adds_up(**{"S001": 1, "W001": 3, "transit:S001": 0})
    await order.money_rests(authorised=9998, captured=9998)
    await order.told("order_confirmed", "sent_to_store", "arrived_at_store", "ready_for_pickup", "collected")


@story
async def test_what_the_store_has_itself_is_an_ordinary_pickup(world: World) -> None:
    shelf = await world.shelf(S001=2, W001=5)
    order = await Transferred.to_store(world, sku=shelf.sku, quantity=2)
    group = await order.group_reaches("offered")
    assert (group["kind"], group["store_id"], group["ship_to_store"]) == ("pickup", "S001", False)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await shelf.adds_up(S001=0, W001=5)


@story
async def test_units_that_do_not_arrive_are_sent_again_when_the_customer_waits(world: World) -> None:
    shelf = await world.shelf(W001=5)
    order = await Transferred.to_store(world, sku=shelf.sku, quantity=3)
    await order.on_its_way()
    too_many = {"lines": [{"line_id": "1", "quantity": 4}]}
    refused(await order.tries("arrive", too_many), 422, "too-many-units")
    short = await order.at_place("arrive", {"lines": [{"line_id": "1", "quantity": 2}]})
    assert (short["status"], short["units"]["1"]) == ("arrived", {"picked": 2})
    assert (await order.group_reaches("waiting", n=2))["units"]["1"] == {"open": 1}
    event = await order.event("delivery_exception")
    assert (event["reason"], event["data"]["store"]) == ("arrived_short", "W001")
    taken(await order.ask("choice", {"option": "wait", "n": 2}))
    again = await order.group_reaches("requested", n=3)
    assert (again["from_store"], again["store_id"]) == ("W001", "S001")
    await order.does("ready")
    await order.is_handed_over(await order.code())
    await order.on_its_way(n=3)
    await order.at_place("arrive", n=3)
    await order.does("ready", n=3)
    await order.is_handed_over(await order.code(2), n=3)
    await order.reaches("completed")
    await shelf.adds_up(**{"S001": 0, "W001": 1, "transit:S001": 0})
    await order.money_rests(authorised=3 * 4999, captured=3 * 4999)


@story
async def test_what_arrives_damaged_is_paid_back_when_the_customer_cancels_it(world: World) -> None:
    shelf = await world.shelf(W001=2)
    order = await Transferred.to_store(world, sku=shelf.sku, quantity=2)
    await order.on_its_way()
    await order.at_place("arrive", {"damaged": [{"line_id": "1", "quantity": 2}]})
    assert (await order.group())["status"] == "waiting"
    taken(await order.ask("choice", {"option": "cancel"}))
    await order.reaches("cancelled")
    await shelf.adds_up(**{"W001": 0, "transit:S001": 0})
    await order.money_rests(authorised=9998)


@story
async def test_what_is_cancelled_on_its_way_is_put_on_the_shelf_of_the_store(world: World) -> None:
    shelf = await world.shelf(W001=2)
    order = await Transferred.to_store(world, sku=shelf.sku, quantity=2)
    await order.on_its_way()
    plan = taken(await order.ask("cancel", {"reason": "customer"}))["plan"]
    assert (sum(part["quantity"] for part in plan["recall"]), plan["void"]) == (2, 9998)
    await order.reaches("cancelled")
    assert await tasks(world, order, "S001") == ["put_back"]
    assert (await shelf.levels())["transit:S001"]["set_aside"] == 2
    await order.at_place("put-back")
    await shelf.adds_up(**{"S001": 2, "W001": 0, "transit:S001": 0})
    assert (await shelf.at("S001"))["available"] == 2
    await order.money_rests(authorised=9998)


@story
async def test_some_units_cancelled_on_their_way_arrive_with_the_others(world: World) -> None:
    shelf = await world.shelf(W001=3)
    order = await Transferred.to_store(world, sku=shelf.sku, quantity=3)
    await order.on_its_way()
    taken(await order.ask("cancel", {"lines": [{"line_id": "1", "quantity": 1}], "reason": "customer"}))
    shown = await order.at_place("arrive")
    assert (shown["status"], shown["put_back"], shown["units"]["1"]) == (
        "arrived",
        {"1": 1},
        {"picked": 2, "cancelled": 1},
    )
    await order.at_place("put-back")
    await order.does("ready")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await shelf.adds_up(**{"S001": 1, "W001": 0, "transit:S001": 0})
    await order.money_rests(authorised=3 * 4999, captured=9998)


@story
async def test_a_sender_that_declines_is_replaced(world: World) -> None:
    shelf = await world.shelf(W001=2, S002=2)
    order = await Transferred.to_store(world, sku=shelf.sku, quantity=2)
    first = (await order.group_reaches("requested"))["from_store"]
    await order.at_place("reject", {"reason": "no_variance"})
    second = await order.group_reaches("requested", n=2)
    assert {first, second["from_store"]} == {"W001", "S002"}
    assert (await order.group())["status"] == "rejected"
    partly = {"carrier": "Handcart", "tracking_number": "HC-0001", "lines": [{"line_id": "1", "quantity": 1}]}
    await order.packed(n=2)
    refused(await order.tries("ship", partly, n=2), 409, "not-allowed-now")


@story
async def test_a_parcel_that_the_carrier_loses_is_asked_about(world: World) -> None:
    shelf = await world.shelf(W001=1)
    order = await Transferred.to_store(world, sku=shelf.sku)
    parcel = await order.on_its_way()
    await order.carrier_says(parcel, "in_transit")
    await order.carrier_says(parcel, "lost")
    await order.group_reaches("waiting")
    refused(await order.tries("arrive", {"lines": [{"line_id": "1", "quantity": 1}]}), 409, "not-allowed-now")
    taken(await order.ask("choice", {"option": "cancel"}))
    await order.reaches("cancelled")
    await shelf.adds_up(**{"W001": 0, "transit:S001": 0})


@story
async def test_a_label_for_the_store_is_bought_where_nobody_names_a_carrier(world: World) -> None:
    shelf = await world.shelf(W001=1)
    order = await Transferred.to_store(world, sku=shelf.sku)
    await order.packed()
    [parcel] = (await order.at_place("ship"))["parcels"]
    assert parcel["label_id"]
    await order.carrier_brings(parcel, "picked_up", "out_for_delivery", "delivered")
    await order.event("carrier_event")
    assert (await order.at_place("arrive"))["status"] == "arrived"


@story
async def test_a_sender_that_was_asked_to_stop_and_sent_it_is_overruled_on_the_way(world: World) -> None:
    shelf = await world.shelf(W001=1)
    order = await Transferred.to_store(world, sku=shelf.sku)
    await order.packed()
    plan = taken(await order.cancel())["plan"]
    assert [part["quantity"] for part in plan["asked"]] == [1]
    await order.shipped()
    await order.reaches("cancelled")
    assert await tasks(world, order, "S001") == ["put_back"]
    await order.at_place("put-back")
    await shelf.adds_up(**{"S001": 1, "W001": 0, "transit:S001": 0})
    await order.money_rests(authorised=4999)


@story
async def test_what_the_store_finds_broken_after_it_came_is_asked_about_as_in_any_pickup(world: World) -> None:
    shelf = await world.shelf(W001=2)
    order = await Transferred.to_store(world, sku=shelf.sku, quantity=2)
    await order.on_its_way()
    await order.at_place("arrive")
    await order.does("reject", {"reason": "damaged", "lines": [{"line_id": "1", "quantity": 1}]})
    await order.group_reaches("waiting", n=2)
    taken(await order.choose("cancel", n=2))
    await order.does("ready")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await shelf.adds_up(**{"S001": 0, "W001": 0, "transit:S001": 0})
    await order.money_rests(authorised=9998, captured=4999)
