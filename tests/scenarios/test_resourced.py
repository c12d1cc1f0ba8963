"""Places that give units up: declined, found short, assigned by hand; and cancels of what a place is working on."""

import asyncio

import httpx
import pytest

from tests.scenarios.playing import story
from tests.scenarios.shipped import Shipped, to_ship
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

DECLINED = {"reason": "not_in_stock"}


@story
async def test_a_declined_shipment_goes_to_the_next_place_and_never_back(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1, S003=1)
    order = await Shipped.place(world, sku=shelf.sku)
    promised = (await order.is_offered("S001"))["promised_at"]
    await order.at_place("reject", DECLINED)
    second = await order.group_reaches("offered", n=2)
    assert second["declined_by"] == ["S001"]
    assert (second["hops"], second["promised_at"]) == (1, promised)
    first = await order.group(1)
    assert (first["status"], first["store_id"]) == ("rejected", "S001")
    await order.at_place("reject", {"reason": "damaged"}, n=2)
    third = await order.group_reaches("offered", n=3)
    assert third["declined_by"] == sorted(["S001", second["store_id"]])
    assert len({"S001", second["store_id"], third["store_id"]}) == 3
    refused(await order.tries("accept", n=1), 409, "not-allowed-now")
    await order.packed(n=3)
    await order.carrier_says(await order.shipped(n=3), "delivered")
    await order.reaches("completed")
    # What was said to be missing or broken is off the books; the third place's unit left.
    await shelf.adds_up(S001=0, S002=0, S003=0)
    await order.money_rests(authorised=4999, captured=4999)


@story
async def test_a_place_declines_some_units_and_ships_the_others(world: World) -> None:
    shelf = await world.shelf(S001=3, S002=3)
    order = await Shipped.place(world, sku=shelf.sku, quantity=3)
    await order.is_offered("S001")
    body = {"reason": "damaged", "lines": [{"line_id": "1", "quantity": 1}]}
    rest = await order.at_place("reject", body)
    assert rest["lines"][0]["quantity"] == 2
    moved = await order.is_offered("S002", n=2)
    assert moved["lines"][0]["quantity"] == 1
    for n in (1, 2):
        await order.packed(n=n)
        await order.carrier_says(await order.shipped(n=n), "delivered")
    await order.reaches("completed")
    await shelf.adds_up(S001=0, S002=2)
    await order.money_rests(authorised=3 * 4999, captured=3 * 4999)


@story
async def test_an_article_that_is_not_there_is_declined_in_all_orders_of_the_place(world: World) -> None:
    shelf = await world.shelf(S001=3, S002=3)
    orders = [await Shipped.place(world, sku=shelf.sku) for _ in range(2)]
    collected = await world.place(sku=shelf.sku)
    await orders[0].at_place("reject", DECLINED)
    for order in orders:
        assert (await order.group_reaches("offered", n=2))["store_id"] == "S002"
        assert (await order.group(1))["status"] == "rejected"
    await collected.group_reaches("waiting")
    assert (await shelf.at("S001"))["on_hand"] == 0
    for order in (*orders, collected):
        taken(await order.cancel())
        await order.reaches("cancelled")
    await shelf.adds_up(S001=0, S002=3)


@story
async def test_a_short_pick_is_completed_elsewhere_to_the_cent(world: World) -> None:
    shelf = await world.shelf(S001=3, S002=3)
    order = await Shipped.place(world, sku=shelf.sku, quantity=3, price=3333, discount=1)
    await order.is_offered("S001")
    await order.packed(found=2)
    await order.shipped()
    await order.is_offered("S002", n=2)
    assert (await shelf.at("S001"))["on_hand"] == 0
    await order.packed(n=2)
    await order.shipped(n=2)
    for n in (1, 2):
        await order.carrier_says((await order.group(n))["parcels"][0], "delivered")
    await order.reaches("completed")
    await shelf.adds_up(S001=0, S002=2)
    await order.money_rests(authorised=9998, captured=9998)


@story
async def test_what_must_stay_together_moves_on_whole(world: World) -> None:
    shelf = await world.shelf(S001=2, S002=2)
    order = await Shipped.place(world, {"keep_together": True}, sku=shelf.sku, quantity=2)
    await order.is_offered("S001")
    await order.at_place("pick", {"lines": [{"line_id": "1", "quantity": 1}]})
    moved = await order.is_offered("S002", n=2)
    assert moved["lines"][0]["quantity"] == 2
    assert (await order.group(1))["put_back"] == {"1": 1}
    await order.at_place("put-back", n=1)
    await order.packed(n=2)
    await order.carrier_says(await order.shipped(n=2), "delivered")
    await order.reaches("completed")
    await shelf.adds_up(S001=1, S002=0)


@story
async def test_what_no_place_has_waits_until_stock_comes(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku)
    await order.at_place("reject", DECLINED)
    queued = await order.group_reaches("queued", n=2)
    assert queued["queue"] == "unfillable"
    assert queued["store_id"] is None
    assert queued["auto_cancel_at"]
    assert await order.waits() == ["a place is found that can ship it"]
    await shelf.receives("S002", 1)
    await order.is_offered("S002", n=2)
    taken(await order.cancel())
    await order.reaches("cancelled")
    await shelf.adds_up(S001=0, S002=1)
    await order.money_rests(authorised=4999)


@story
async def test_operations_choose_a_place_over_the_rules_but_not_over_stock(world: World) -> None:
    shelf = await world.shelf(S001=2, W002=2)
    order = await Shipped.place(world, sku=shelf.sku, quantity=2)
    await order.is_offered("S001")

    async def assign(place: str) -> httpx.Response:
        body = {"lines": ["1"], "location_id": place, "reason": "the truck leaves there"}
        return await world.ops("POST", f"/v1/orders/{order.id}/assign", body)

    hold = {"kind": "manual", "reason": "a second look"}
    held = taken(await world.ops("POST", f"/v1/orders/{order.id}/holds", hold))
    refused(await assign("W002"), 409, "held")
    cleared = {"outcome": "release", "reason": "looked"}
    taken(await world.ops("POST", f"/v1/orders/{order.id}/holds/{held['hold_id']}/resolve", cleared))
    refused(await assign("S002"), 409, "out-of-stock")
    assert (await order.group())["store_id"] == "S001"
    moved = taken(await assign("W002"))
    assert (moved["store_id"], moved["status"]) == ("W002", "offered")
    assert (await shelf.at("S001"))["allocated"] == 0
    n = moved["n"]
    await order.packed(n=n)
    await order.carrier_says(await order.shipped(n=n), "delivered")
    await order.reaches("completed")
    await shelf.adds_up(S001=2, W002=0)


@story
async def test_a_place_at_its_limit_takes_nothing_on_until_something_is_gone(world: World) -> None:
    shelf = await world.shelf(S009=5)
    key = world.keys["managers"]["S009"]
    limit = {"per_day": None, "concurrent": 1}
    taken(await world.call("PUT", "/v1/stores/S009/capacity", key, limit))
    first = await Shipped.place(world, sku=shelf.sku)
    body = world.body(sku=shelf.sku) | {"fulfilments": [to_ship()]}
    refused(await world.channel("POST", "/v1/orders", body), 409, "out-of-stock")
    taken(await first.cancel())
    await first.reaches("cancelled")
    second = await Shipped.place(world, sku=shelf.sku)
    await second.packed()
    await second.shipped()
    third = await Shipped.place(world, sku=shelf.sku)
    taken(await world.call("PUT", "/v1/stores/S009/capacity", key, {"per_day": None, "concurrent": None}))
    taken(await third.cancel())
    why = taken(await world.ops("GET", f"/v1/ops/routing/{third.id}"))
    assert why["items"][0]["decision"]["parts"][0]["location_id"] == "S009"


@story
async def test_a_cancel_before_the_place_began_releases_everything(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await Shipped.place(world, sku=shelf.sku, quantity=2)
    await order.at_place("accept")
    plan = taken(await order.cancel())["plan"]
    assert (sum(part["quantity"] for part in plan["release"]), plan["void"], plan["asked"]) == (2, 9998, [])
    await order.reaches("cancelled")
    await shelf.adds_up(S001=2)
    await order.money_rests(authorised=9998)
    await order.told("order_confirmed", "order_cancelled")


@story
async def test_a_cancel_while_the_place_packs_is_asked_of_it_and_it_stops(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await Shipped.place(world, sku=shelf.sku, quantity=2)
    await order.packed()
    plan = taken(await order.cancel())["plan"]
    assert [part["quantity"] for part in plan["asked"]] == [2]
    assert (plan["release"], plan["void"]) == ([], 0)
    [ship, stop] = await world.tasks("S001", order)
    assert (ship["task"], stop["task"]) == ("ship", "cancel_answer")
    refused(await order.tries("reject", DECLINED), 409, "not-allowed-now")
    await order.at_place("cancel-answer", {"stopped": True})
    await order.reaches("cancelled")
    assert [task["task"] for task in await world.tasks("S001", order)] == ["put_back"]
    await order.at_place("put-back", place="S001")
    await shelf.adds_up(S001=2)
    await order.money_rests(authorised=9998)
    await order.told("order_confirmed", "order_cancelled")
    await order.store_told("store_new_shipment", "store_asked_to_stop", "store_put_back", store="S001")


@story
async def test_a_place_that_cannot_stop_ships_and_the_customer_is_told(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku)
    await order.packed()
    taken(await order.cancel())
    await order.at_place("cancel-answer", {"stopped": False})
    refused(await order.tries("cancel-answer", {"stopped": True}), 409, "not-allowed-now")
    await order.carrier_says(await order.shipped(), "delivered")
    await order.reaches("completed")
    await order.told("order_confirmed", "cancel_too_late", "shipped", "delivered")
    await order.money_rests(authorised=4999, captured=4999)


@story
async def test_goods_that_leave_before_the_answer_are_gone(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await Shipped.place(world, sku=shelf.sku, quantity=2)
    await order.packed()
    taken(await order.cancel())
    parcel = await order.shipped()
    assert (await order.group())["asked_to_stop"] == {}
    plan = refused(await order.cancel(), 409, "not-allowed-now")
    assert "returned" in plan["detail"]
    await order.carrier_says(parcel, "delivered")
    await order.reaches("completed")
    await order.event("stop_too_late")
    await order.money_rests(authorised=9998, captured=9998)


@story
async def test_a_cancel_and_a_dispatch_in_the_same_second_agree(world: World) -> None:
    shelf = await world.shelf(S001=6)
    parcel = {"carrier": "Handcart", "tracking_number": "HC-SAME-SECOND"}
    orders = [await Shipped.place(world, sku=shelf.sku) for _ in range(3)]
    for order in orders:
        await order.packed()
    await asyncio.gather(*(each for order in orders for each in (order.cancel(), order.tries("ship", parcel))))
    for order in orders:
        group = await order.group()
        assert group["status"] == "shipped"
        assert group["asked_to_stop"] == {}
        await order.carrier_says(group["parcels"][0], "delivered")
        await order.reaches("completed")
        await order.money_rests(authorised=4999, captured=4999)


@story
async def test_after_a_part_has_left_a_cancel_stops_the_rest(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1)
    order = await Shipped.place(world, sku=shelf.sku, quantity=2)
    groups = {group["store_id"]: group["n"] for group in (await order.view())["groups"]}
    await order.packed(n=groups["S001"])
    parcel = await order.shipped(n=groups["S001"])
    plan = taken(await order.cancel())["plan"]
    assert ([part["n"] for part in plan["release"]], plan["void"]) == ([groups["S002"]], 4999)
    assert [part["n"] for part in plan["refused"]] == [groups["S001"]]
    await order.carrier_says(parcel, "delivered")
    view = await order.reaches("completed")
    assert {group["store_id"]: group["status"] for group in view["groups"]} == {
        "S001": "delivered",
        "S002": "cancelled",
    }
    await order.money_rests(authorised=9998, captured=4999)
