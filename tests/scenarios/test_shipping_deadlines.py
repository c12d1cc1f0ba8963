"""Shipments when nobody acts: silent places, an empty search, silent carriers, undecided claims. Days take seconds."""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.shipped import Shipped
from tests.scenarios.world import World, later, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


LASTING = "tok_expires_7d"


@pytest.fixture(scope="module")
def world(short_world: World) -> World:
    return short_world


@story
async def test_a_silent_place_is_reminded_and_replaced_and_its_late_answer_refused(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1)
    order = await Shipped.place(world, sku=shelf.sku, token=LASTING)
    await order.is_offered("S001")
    await order.is_offered("S002", n=2)
    answer = refused(await order.tries("accept", n=1), 409, "not-allowed-now")
    assert "after its time" in answer["detail"]
    assert answer["current"]["status"] == "rejected"
    await order.event("late_answer_refused")
    assert await order.events("store_reminded", "store_silent") == ["store_reminded", "store_silent"]
    taken(await order.cancel())
    await order.reaches("cancelled")
    await shelf.adds_up(S001=1, S002=1)
    await order.store_told("store_new_shipment", "store_waiting", store="S001")


@story
async def test_a_place_that_picked_and_never_ships_is_replaced_and_puts_back(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1)
    order = await Shipped.place(world, sku=shelf.sku, token=LASTING)
    await order.packed()
    group = await order.group_reaches("rejected", n=1)
    assert group["put_back"] == {"1": 1}
    await order.is_offered("S002", n=2)
    await order.at_place("put-back", place="S001")
    taken(await order.cancel())
    await order.reaches("cancelled")
    await shelf.adds_up(S001=1, S002=1)


@story
async def test_every_place_declines_and_the_search_ends_in_a_cancel(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1)
    order = await Shipped.place(world, sku=shelf.sku, token=LASTING)
    for n in (1, 2):
        await order.group_reaches("offered", n=n)
        await order.at_place("reject", {"reason": "closed"}, n=n)
    queued = await order.group_reaches("queued", n=3)
    assert queued["queue"] == "unfillable"
    await order.reaches("cancelled")
    assert (await order.group(3))["status"] == "cancelled"
    await shelf.adds_up(S001=1, S002=1)
    await order.money_rests(authorised=4999)
    await order.told("order_confirmed", "order_cancelled")


@story
async def test_what_nobody_can_send_is_cancelled_at_its_deadline_and_what_left_is_paid(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1)
    order = await Shipped.place(world, sku=shelf.sku, quantity=2, token=LASTING)
    first, second = (group["n"] for group in (await order.view())["groups"])
    await order.at_place("accept", n=second)
    await order.packed(n=first)
    # The parcel has arrived before the search begins: the search lasts longer than a parcel may.
    await order.carrier_says(await order.shipped(n=first), "delivered")
    await order.group_reaches("delivered", n=first)
    await order.at_place("reject", {"reason": "closed"}, n=second)
    queued = await order.group_reaches("queued", n=3)
    assert (queued["queue"], queued["auto_cancel_at"] is not None) == ("unfillable", True)
    await order.group_reaches("cancelled", n=3)
    await order.reaches("completed")
    await shelf.adds_up(S001=0, S002=1)
    await order.money_rests(authorised=9998, captured=4999)
    await order.told("order_confirmed", "shipped", "delivered", "lines_cancelled")


@story
async def test_the_end_of_a_search_can_be_moved(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku, token=LASTING)
    await order.at_place("reject", {"reason": "closed"})
    await order.group_reaches("queued", n=2)
    path = f"/v1/shipments/{order.id}/2/auto-cancel"
    refused(await world.channel("POST", path, {"until": None}), 403, "forbidden")
    assert taken(await world.ops("POST", path, {"until": None}))["auto_cancel_at"] is None
    sooner = later(seconds=1)
    assert taken(await world.ops("POST", path, {"until": sooner}))["auto_cancel_at"]
    await order.reaches("cancelled")


@story
async def test_silence_of_a_place_that_was_asked_to_stop_means_stopped(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku, token=LASTING)
    await order.packed()
    taken(await order.cancel())
    assert sorted(await order.waits()) == ["place says whether it could stop", "place ships"]
    await order.reaches("cancelled")
    assert (await order.group())["put_back"] == {"1": 1}
    await order.money_rests(authorised=4999)


@story
async def test_a_parcel_that_nobody_tracks_is_late_and_counts_as_delivered(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, {"service": "express"}, sku=shelf.sku, token=LASTING)
    await order.packed()
    await order.shipped()
    await order.reaches("completed")
    await order.told("order_confirmed", "shipped", "delivery_late", "delivered")


@story
async def test_a_tracked_parcel_that_is_never_heard_of_again_is_lost_and_paid_back(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, {"service": "express"}, sku=shelf.sku, token=LASTING)
    await order.packed()
    await order.carrier_says(await order.shipped(), "picked_up")
    await order.reaches("cancelled")
    assert (await order.line())["lost"] == 1
    await shelf.adds_up(S001=0)
    await order.money_rests(authorised=4999, captured=4999, refunded=4999)
    await order.told(
        "order_confirmed", "shipped", "delivery_late", "delivery_exception", "claim_decided", "refund_done"
    )


@story
async def test_a_claim_that_nobody_decides_is_paid_back_unless_it_is_put_off(world: World) -> None:
    shelf = await world.shelf(S001=2)
    undecided, put_off = [await Shipped.place(world, sku=shelf.sku, token=LASTING) for _ in range(2)]
    for order in (undecided, put_off):
        await order.packed()
        await order.carrier_says(await order.shipped(), "damaged")
        await order.event("delivery_exception")
    taken(await put_off.claim("wait", until=later(seconds=20)))
    await undecided.reaches("cancelled")
    await undecided.money_rests(authorised=4999, captured=4999, refunded=4999)
    assert (await put_off.group())["status"] == "exception"
    refused(await put_off.claim("wait", until=later(seconds=900)), 422, "beyond-limit")
    await put_off.carrier_says((await put_off.group())["parcels"][0], "delivered")
    await put_off.reaches("completed")
    await put_off.money_rests(authorised=4999, captured=4999)
