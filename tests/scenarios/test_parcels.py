"""Parcels that go wrong: refused, sent back, damaged, lost, found again. Goods and money follow, each once."""

from typing import Any

import pytest

from tests.scenarios.playing import story
from tests.scenarios.shelf import Shelf
from tests.scenarios.shipped import Shipped
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

TOLD = ("order_confirmed", "shipped", "delivery_exception", "claim_decided", "refund_done")


async def under_way(world: World, **units: int) -> tuple[Shelf, Shipped, dict[str, Any]]:
    """An order of one unit whose parcel, under a bought label, was picked up."""
    shelf = await world.shelf(**units)
    order = await Shipped.place(world, sku=shelf.sku)
    await order.packed()
    [parcel] = (await order.at_place("ship"))["parcels"]
    await order.carrier_brings(parcel, "picked_up")
    return shelf, order, parcel


async def is_put_back(world: World, order: Shipped, store: str = "S001") -> None:
    """The store has it in hand again, and says that it can be sold."""

    async def asked() -> bool:
        return [task["task"] for task in await world.tasks(store, order)] == ["put_back"]

    await world.until("the store is asked to put it back", asked)
    await order.at_place("put-back", place=store)


@story
async def test_what_the_customer_refuses_at_the_door_comes_back_and_is_paid_back(world: World) -> None:
    shelf, order, parcel = await under_way(world, S001=1)
    await order.carrier_brings(parcel, "out_for_delivery", "refused")
    assert (await order.event("delivery_exception"))["reason"] == "refused"
    group = await order.group()
    assert (group["status"], group["parcels"][0]["claim"]["resolution"]) == ("exception", None)
    assert (await world.money(order.id))["refund"] == 0, "nobody has decided"
    await order.carrier_brings(parcel, "returning", "returned")
    await order.event("parcel_returned")
    taken(await order.claim("refund"))
    await order.reaches("cancelled")
    await is_put_back(world, order)
    await shelf.adds_up(S001=1)
    await order.money_rests(authorised=4999, captured=4999, refunded=4999)
    await order.told(*TOLD)
    await order.store_told("store_new_shipment", "store_goods_returned", store="S001")


@story
async def test_what_nobody_takes_in_comes_back_and_is_sent_again_without_a_second_charge(world: World) -> None:
    shelf, order, parcel = await under_way(world, S001=1)
    await order.carrier_brings(parcel, "delivery_failed", "out_for_delivery", "delivery_failed", "returning")
    assert (await order.event("delivery_exception"))["reason"] == "returning"
    assert (await order.events("delivery_exception")) == ["delivery_exception"], "a failed try is none"
    await order.carrier_brings(parcel, "returned")
    await order.event("parcel_returned")
    await is_put_back(world, order)
    taken(await order.claim("reship"))
    again = await order.is_offered("S001", n=2)
    assert again["replaces"] == 1
    await order.packed(n=2)
    await order.carrier_says(await order.shipped(n=2), "delivered")
    await order.reaches("completed")
    await shelf.adds_up(S001=0)
    await order.money_rests(authorised=4999, captured=4999)
    await order.told("order_confirmed", "shipped", "delivery_exception", "claim_decided", "shipped", "delivered")


@story
async def test_what_is_damaged_on_the_way_is_paid_back_once(world: World) -> None:
    shelf, order, parcel = await under_way(world, S001=1)
    await order.carrier_brings(parcel, "damaged")
    assert (await order.event("delivery_exception"))["reason"] == "damaged"
    taken(await order.claim("refund"))
    await order.reaches("cancelled")
    assert refused(await order.claim("refund"), 409, "not-allowed-now")["current"]["status"] == "exception"
    assert (await order.line())["lost"] == 1
    await shelf.adds_up(S001=0)
    await order.money_rests(authorised=4999, captured=4999, refunded=4999)
    await order.told(*TOLD)


@story
async def test_what_was_paid_back_and_is_delivered_after_all_is_told_and_moves_no_money(world: World) -> None:
    shelf, order, parcel = await under_way(world, S001=1)
    await order.carrier_brings(parcel, "lost")
    await order.event("delivery_exception")
    taken(await order.claim("refund"))
    await order.reaches("cancelled")
    await order.money_rests(authorised=4999, captured=4999, refunded=4999)
    await order.carrier_brings(parcel, "in_transit", "delivered")
    await order.event("parcel_turned_up")
    await shelf.adds_up(S001=0)
    await order.money_rests(authorised=4999, captured=4999, refunded=4999)
    await order.told(*TOLD)


@story
async def test_what_was_paid_back_and_comes_back_is_received_without_a_second_refund(world: World) -> None:
    shelf, order, parcel = await under_way(world, S001=1)
    await order.carrier_brings(parcel, "lost")
    await order.event("delivery_exception")
    taken(await order.claim("refund"))
    await order.reaches("cancelled")
    await order.carrier_brings(parcel, "returning", "returned")
    await order.event("parcel_returned")
    await is_put_back(world, order)
    await shelf.adds_up(S001=1)
    assert (await shelf.at("S001"))["available"] == 1
    await order.money_rests(authorised=4999, captured=4999, refunded=4999)


@story
async def test_what_was_sent_again_and_then_arrives_twice_is_charged_once(world: World) -> None:
    shelf, order, parcel = await under_way(world, S001=1, S002=1)
    await order.carrier_brings(parcel, "lost")
    await order.event("delivery_exception")
    taken(await order.claim("reship"))
    await order.is_offered("S002", n=2)
    await order.carrier_brings(parcel, "in_transit", "delivered")
    await order.event("parcel_turned_up")
    await order.packed(n=2)
    await order.carrier_says(await order.shipped(n=2), "delivered")
    await order.reaches("completed")
    await shelf.adds_up(S001=0, S002=0)
    await order.money_rests(authorised=4999, captured=4999)
