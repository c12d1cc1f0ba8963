"""Labels: bought, refused by one carrier or by all, sold without an answer; and parcels that fare as their codes say.

A parcel's way is in its postal code (`adapters/simulators/carrier/postal_codes.py`).
"""

from typing import Any

import pytest

from tests.scenarios.playing import story
from tests.scenarios.shipped import Shipped
from tests.scenarios.world import World, refused

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def packed(world: World, postal_code: str, **wanted: Any) -> Shipped:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, {"address": {"postal_code": postal_code}}, sku=shelf.sku, **wanted)
    await order.packed()
    return order


async def labels(world: World, order: Shipped) -> list[dict[str, Any]]:
    """What carriers did for the order, in their own books."""
    answer = await world.http.get(f"{world.record['carriers']}/ledger", params={"reference": order.id})
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries


@story
async def test_a_carrier_that_refuses_is_followed_by_the_next(world: World) -> None:
    order = await packed(world, "00001")
    [parcel] = (await order.at_place("ship"))["parcels"]
    assert parcel["carrier"] == "kestrel"
    await order.carrier_brings(parcel, "picked_up", "delivered")
    await order.reaches("completed")


@story
async def test_a_carrier_that_is_away_is_followed_by_the_next(world: World) -> None:
    order = await packed(world, "00003")
    [parcel] = (await order.at_place("ship"))["parcels"]
    assert parcel["carrier"] == "kestrel"


@story
async def test_where_no_carrier_sells_a_label_the_pack_stays_and_leaves_by_hand(world: World) -> None:
    order = await packed(world, "00002")
    problem = refused(await order.tries("ship"), 409, "no-label")
    assert "by hand" in problem["detail"]
    group = await order.group()
    assert (group["status"], group["packed"]) == ("packed", {"1": 1})
    assert await world.money(order.id) == {"authorise": 4999, "capture": 0, "void": 0, "refund": 0}
    await order.carrier_says(await order.shipped(), "delivered")
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)


@story
async def test_a_label_whose_answer_was_lost_is_bought_once(world: World) -> None:
    order = await packed(world, "00004")
    [parcel] = (await order.at_place("ship"))["parcels"]
    bought = [entry for entry in await labels(world, order) if entry["operation"] == "buy"]
    assert [entry["label_id"] for entry in bought if entry["status"] == "succeeded"] == [parcel["label_id"]]


@story
async def test_a_label_for_a_parcel_that_cannot_be_paid_is_given_back(world: World) -> None:
    order = await packed(world, "10115", token="tok_capture_declined")
    refused(await order.tries("ship"), 402, "payment-declined")
    await order.event("label_voided")
    assert [entry["operation"] for entry in await labels(world, order)] == ["buy", "void"]
