"""Shipments at the edge of what is taken: five hundred lines, a place at its limit, captures to the cent."""

import asyncio

import pytest

from tests.scenarios.playing import story
from tests.scenarios.shipped import Shipped, to_ship
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def is_delivered(order: Shipped, n: int) -> None:
    await order.packed(n=n)
    await order.carrier_says(await order.shipped(n=n), "delivered")


@story
async def test_five_hundred_lines_leave_from_two_places_and_add_up_to_the_cent(world: World) -> None:
    shelf = await world.shelf(S001=300, W001=200)
    lines = [{"line_id": str(n), "sku": shelf.sku, "quantity": 1, "unit_price": 10 * n + 3} for n in range(1, 501)]
    body = world.body(lines=lines) | {"fulfilments": [to_ship()]}
    order = await Shipped.placed(world, body)
    groups = (await order.view())["groups"]
    assert {group["store_id"]: len(group["lines"]) for group in groups} == {"S001": 300, "W001": 200}
    for group in groups:
        await is_delivered(order, group["n"])
    await order.reaches("completed")
    await shelf.adds_up(S001=0, W001=0)
    await order.money_rests(authorised=body["total"], captured=body["total"])
    captured = [entry for entry in await world.provider_ledger(order.id) if entry["operation"] == "capture"]
    assert len(captured) == 2


@story
async def test_a_discount_and_shipping_are_split_over_three_places_to_the_cent(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1, W001=1)
    body = world.body(sku=shelf.sku, quantity=3, price=3333, discount=2)
    total = body["total"] + 500
    body |= {"fulfilments": [to_ship()], "shipping_total": 500, "total": total}
    body["tenders"][0]["amount"] = total
    order = await Shipped.placed(world, body)
    captured: list[int] = []
    for group in (await order.view())["groups"]:
        await is_delivered(order, group["n"])
        captured.append((await world.money(order.id))["capture"] - sum(captured))
    assert max(captured) - min(captured) <= 1, "each unit bears its share, to the cent"
    await order.reaches("completed")
    await order.money_rests(authorised=total, captured=total)


@story
async def test_of_many_orders_at_once_a_place_takes_on_no_more_than_its_limit(world: World) -> None:
    shelf = await world.shelf(S010=9)
    key = world.keys["managers"]["S010"]
    taken(await world.call("PUT", "/v1/stores/S010/capacity", key, {"per_day": None, "concurrent": 3}))

    bodies = [world.body(sku=shelf.sku) | {"fulfilments": [to_ship()]} for _ in range(6)]
    answers = await asyncio.gather(*(world.channel("POST", "/v1/orders", body) for body in bodies))
    placed = [
        Shipped(world, body, taken(answer), "web")
        for body, answer in zip(bodies, answers, strict=True)
        if answer.status_code != 409
    ]
    assert len(placed) == 3, [(answer.status_code, answer.text[:150]) for answer in answers]
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "out-of-stock")
    for order in placed:
        taken(await order.cancel())
        await order.reaches("cancelled")
    once_more = await Shipped.place(world, sku=shelf.sku)
    await once_more.is_offered("S010")
    taken(await once_more.cancel())
    await once_more.reaches("cancelled")
    taken(await world.call("PUT", "/v1/stores/S010/capacity", key, {"per_day": None, "concurrent": None}))
    await shelf.adds_up(S010=9)
