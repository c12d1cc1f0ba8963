"""Whatever step of a return a worker dies at: units, both ledgers and the mails are those of a quiet run."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.chaos.killing import killer
from tests.scenarios.placed import Placed
from tests.scenarios.shelf import Shelf
from tests.scenarios.world import World
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PRICE, UNITS = 3333, 3
MOMENTS = (
    ("ask", 0.0),
    ("receive", 0.02),
    # Before it is worked out, before the provider is asked, before its answer is written down, before the end.
    ("settle", 0.0),
    ("settle", 0.04),
    ("settle", 0.1),
    ("settle", 0.25),
)


class Return:
    """Asked for, taken in and settled at S002; each step is sent again under its own key until it is answered."""

    def __init__(self, world: World, order: Placed):
        self.world = world
        self.order = order
        self.return_id = ""

    async def take(self, step: str) -> None:
        end = asyncio.get_running_loop().time() + 150
        while True:
            try:
                answer = await self._send(step)
                if answer.status_code in (200, 201):
                    break
            except httpx.TransportError:
                answer = httpx.Response(503)
            assert answer.status_code in (202, 409, 503), answer.text
            assert asyncio.get_running_loop().time() < end, (step, answer.status_code)
            await asyncio.sleep(0.3)
        if step == "ask":
            self.return_id = answer.json()["return_id"]

    async def _send(self, step: str) -> httpx.Response:
        key, name = self.world.key_of("S002"), f"{self.order.external_id}-{step}"
        if step == "ask":
            line = {"line_id": "1", "quantity": 2, "reason": "no_longer_wanted"}
            body: dict[str, Any] = {"order_id": self.order.id, "lines": [line], "via": "store"}
            return await self.world.call("POST", "/v1/returns", key, body, idempotency=name)
        came = {"line_id": "1", "quantity": 2, "condition": "new", "disposition": "restock"}
        body = {"store_id": "S002", "lines": [came]} if step == "receive" else {}
        return await self.world.call("POST", f"/v1/returns/{self.return_id}/{step}", key, body, idempotency=name)

    async def over(self) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            found: dict[str, Any] = (await self.world.channel("GET", f"/v1/returns/{self.return_id}")).json()
            return found if found["finished"] else None

        found: dict[str, Any] = await self.world.until("the return is over", look, patience=150)
        return found


async def played(world: World, at: tuple[str, float] | None, kill: Callable[[], None]) -> dict[str, Any]:
    shelf: Shelf = await world.shelf(S001=UNITS)
    order = await world.place(sku=shelf.sku, quantity=UNITS, price=PRICE)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    back = Return(world, order)
    for step in ("ask", "receive", "settle"):
        sent = asyncio.create_task(back.take(step))
        if at is not None and at[0] == step:
            await asyncio.sleep(at[1])
            kill()
        await sent
    view = await back.over()
    ledger = (await world.ops("GET", f"/v1/orders/{order.id}/ledger")).json()
    await shelf.adds_up(S001=0, S002=2)
    await world.until("the last mail comes", lambda: _told(world, order))
    mails = {
        (mail["subject"].replace(order.external_id, "N"), mail["message_id"])
        for mail in await world.mails(order.mailbox)
    }
    return {
        "units": [(line["accepted"], line["settled"]) for line in view["lines"]],
        "money": (view["refund"], view["refunded"], view["status"]),
        "ours": sorted((each["kind"], each["booked"], each["status"]) for each in ledger["operations"]),
        "wrong": ledger["violations"],
        "provider": sorted(
            (each["operation"], each["amount"], each["status"]) for each in await world.provider_ledger(order.id)
        ),
        "events": Counter(await order.events()),
        "mails": sorted(subject for subject, _ in mails),
    }


async def _told(world: World, order: Placed) -> bool:
    """That the money is back, and all else that is owed to be said."""
    owed = (await world.channel("GET", f"/v1/orders/{order.id}/messages")).json()["items"]
    sent = not any(message["state"] == "pending" for message in owed)
    return sent and any(mail["subject"].startswith("Refunded") for mail in await world.mails(order.mailbox))


@pytest.mark.timeout(900)
async def test_a_worker_killed_at_any_step_of_a_settlement_changes_nothing(world: World, sturdy_stack: Stack) -> None:
    kill = killer(sturdy_stack, "workers")
    quiet = await played(world, None, kill)
    assert quiet["provider"].count(("refund", 2 * PRICE, "succeeded")) == 1
    assert quiet["wrong"] == []
    for moment in MOMENTS:
        assert await played(world, moment, kill) == quiet, f"a worker killed at {moment}"
