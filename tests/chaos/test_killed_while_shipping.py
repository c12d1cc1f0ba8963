"""Workers are killed again and again while parcels are offered, packed, labelled and paid: each leaves once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.killing import killer
from tests.scenarios.shelf import Shelf
from tests.scenarios.shipped import Shipped
from tests.scenarios.transferred import Transferred
from tests.scenarios.world import World
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PRICE = 3333
TOLD = {
    Shipped: ("order_confirmed", "shipped", "delivered"),
    Transferred: ("order_confirmed", "sent_to_store", "arrived_at_store", "ready_for_pickup", "collected"),
}
BY_PARCEL = ("shipped", "delivered")
KILLS = 3
APART = 4.0
"""Seconds in which a worker comes back and takes up some of the work."""


async def is_delivered(order: Shipped, n: int) -> None:
    """Under a label that is bought for it; the carrier brings it."""
    await order.group_reaches("offered", n=n)
    await order.packed(n=n)
    [parcel] = (await order.at_place("ship", n=n))["parcels"]
    await order.carrier_brings(parcel, "picked_up", "delivered")


async def split(world: World) -> tuple[Shipped, Shelf, dict[str, int]]:
    shelf = await world.shelf(S001=1, S002=1, W001=1)
    order = await Shipped.place(world, sku=shelf.sku, quantity=3, price=PRICE, discount=1)
    await asyncio.gather(*(is_delivered(order, group["n"]) for group in (await order.view())["groups"]))
    return order, shelf, {"S001": 0, "S002": 0, "W001": 0}


async def declined(world: World) -> tuple[Shipped, Shelf, dict[str, int]]:
    shelf = await world.shelf(S001=3, W001=3)
    order = await Shipped.place(world, sku=shelf.sku, quantity=3, price=PRICE, discount=1)
    await order.at_place("reject", {"reason": "no_variance"})
    await is_delivered(order, 2)
    left = {"S001": 3, "W001": 3}
    return order, shelf, left | {str((await order.group(2))["store_id"]): 0}


async def sent_to_the_store(world: World) -> tuple[Shipped, Shelf, dict[str, int]]:
    shelf = await world.shelf(W001=3)
    order = await Transferred.to_store(world, sku=shelf.sku, quantity=3, price=PRICE, discount=1)
    await order.on_its_way()
    await order.at_place("arrive")
    await order.does("ready")
    await order.is_handed_over(await order.code())
    return order, shelf, {"W001": 0, "S001": 0, "transit:S001": 0}


async def kill_now_and_then(kill: Callable[[], None]) -> None:
    for _ in range(KILLS):
        await asyncio.sleep(APART)
        kill()


async def labels(world: World, order: Shipped) -> Counter[str]:
    """What carriers did for the order, by their own books."""
    answer = await world.http.get(f"{world.record['carriers']}/ledger", params={"reference": order.id})
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return Counter(entry["operation"] for entry in entries if entry["status"] == "succeeded")


async def told(world: World, order: Shipped) -> Counter[str]:
    """The messages that went to the customer, by kind. One that was sent again has one Message-ID."""
    sent: list[dict[str, Any]] = []

    async def all_sent() -> bool:
        answer = await world.channel("GET", f"/v1/orders/{order.id}/messages")
        sent[:] = [message for message in answer.json()["items"] if message["audience"] == "customer"]
        return all(message["state"] == "sent" for message in sent)

    await world.until("every message was sent", all_sent)
    mails = {mail["message_id"] for mail in await world.mails(order.mailbox)}
    assert len(mails) == len(sent)
    return Counter(message["kind"] for message in sent)


@pytest.mark.timeout(200)
async def test_workers_killed_while_shipments_are_open_lose_and_double_nothing(
    world: World, sturdy_stack: Stack
) -> None:
    killing = asyncio.create_task(kill_now_and_then(killer(sturdy_stack, "workers")))
    plays = (split(world), declined(world), sent_to_the_store(world))
    for order, shelf, left in await asyncio.gather(*plays):
        view = await order.reaches("completed", patience=90)
        [line] = view["lines"]
        assert line["delivered"] + line["handed_over"] == 3
        await shelf.adds_up(**left)
        await order.money_rests(authorised=3 * PRICE - 1, captured=3 * PRICE - 1)
        bought = [parcel for group in view["groups"] for parcel in group["parcels"] if parcel["label_id"]]
        assert (await labels(world, order)) == Counter({"buy": len(bought)} if bought else {})
        parcels = sum(len(group["parcels"]) for group in view["groups"])
        assert await told(world, order) == {kind: parcels if kind in BY_PARCEL else 1 for kind in TOLD[type(order)]}
    await killing
