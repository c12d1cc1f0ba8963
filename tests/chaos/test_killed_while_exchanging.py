"""A worker dies as a return hands over to its replacement: one replacement goes out, and all ledgers are as ever."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.chaos.killing import killer
from tests.scenarios.exchanged import agrees, is_collected, over, replacement, wish
from tests.scenarios.placed import Json
from tests.scenarios.returned import collected
from tests.scenarios.world import World
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PRICE = 1000
MOMENTS = (
    # While the replacement is placed; when the goods are in and pay for it.
    ("ask", 0.05),
    ("receive", 0.05),
)


async def insists(world: World, path: str, body: Json, name: str) -> Json:
    """Sent again under its own key until it is answered."""
    end = asyncio.get_running_loop().time() + 60
    while True:
        try:
            answer = await world.call("POST", path, world.key_of("S001"), body, idempotency=name)
        except httpx.TransportError:
            answer = httpx.Response(503)
        if answer.status_code in (200, 201):
            answered: Json = answer.json()
            return answered
        assert answer.status_code in (202, 409, 503), answer.text
        assert asyncio.get_running_loop().time() < end, (path, answer.status_code)
        await asyncio.sleep(0.3)


async def played(world: World, at: tuple[str, float] | None, kill: Callable[[], None]) -> dict[str, Any]:
    """One of two units is exchanged for another article of the same price."""
    first, second = await world.shelf(S001=2), await world.shelf(S001=3)
    order = await collected(world, first.sku, quantity=2, price=PRICE)

    async def step(name: str, path: str, body: Json) -> Json:
        sent = asyncio.create_task(insists(world, path, body, f"{order.external_id}-{name}"))
        if at is not None and at[0] == name:
            await asyncio.sleep(at[1])
            kill()
        return await sent

    asked = await step("ask", "/v1/returns", wish(order, second.sku))
    new = replacement(world, order, asked)
    came = {"line_id": "1", "quantity": 1, "condition": "new", "disposition": "restock"}
    await step("receive", f"/v1/returns/{asked['return_id']}/receive", {"store_id": "S001", "lines": [came]})
    await is_collected(new, "S001", codes=2)
    ended = await over(world, asked)
    await first.adds_up(S001=1)
    await second.adds_up(S001=2)
    await agrees(world, order, new)
    theirs = await world.channel("GET", f"/v1/orders?customer={order.body['customer']['ref']}")
    assert {each["order_id"] for each in theirs.json()["items"]} == {order.id, new.id}
    seen: dict[str, Any] = {"return": (ended["status"], ended["refund"], ended["refunded"], ended["exchange"]["state"])}
    for name, each in (("order", order), ("replacement", new)):
        ledger = (await world.ops("GET", f"/v1/orders/{each.id}/ledger")).json()
        seen[name] = {
            "paid": (await each.view())["payment"],
            "ours": sorted((one["kind"], one["booked"], one["status"]) for one in ledger["operations"]),
            "wrong": ledger["violations"],
            "provider": sorted(
                (one["operation"], one["amount"], one["status"]) for one in await world.provider_ledger(each.id)
            ),
            "events": Counter(await each.events()),
        }
    return seen


@pytest.mark.timeout(300)
async def test_a_worker_killed_as_a_return_orders_its_replacement_changes_nothing(
    world: World, sturdy_stack: Stack
) -> None:
    kill = killer(sturdy_stack, "workers")
    quiet = await played(world, None, kill)
    assert quiet["order"]["events"]["exchange_ordered"] == 1
    assert quiet["replacement"]["provider"] == [], "an even exchange moves no money"
    # Side by side: each of them also lives through the other's kill, wherever it is by then.
    for seen in await asyncio.gather(*(played(world, moment, kill) for moment in MOMENTS)):
        assert seen == quiet
