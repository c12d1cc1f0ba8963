"""Orders that wait in the queue of their class, and the run that broker them: seen from outside."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.scenarios.placed import Json
from tests.scenarios.shipped import Shipped
from tests.scenarios.world import World, taken

QUEUE = "economy"
RULES = {
    "id": "economy-waits",
    "rules": [{"name": "anywhere", "split": {"max_parts": 6, "quantity": True}, "ends": "allocate"}],
    "classes": [{"queue": QUEUE, "services": ["economy"]}],
    "otherwise": "standard",
    "runs": [{"queue": QUEUE, "at": ["03:30"], "zone": "Europe/Berlin", "orders_per_second": 200}],
}


@pytest.fixture
async def queue(world: World) -> AsyncIterator[str]:
    """Economy orders wait for a run; all others are brokered at once."""
    before = taken(await world.ops("GET", "/v1/routing-rules"))["items"][0]["rules"]
    taken(await world.ops("PUT", "/v1/routing-rules", RULES))
    yield QUEUE
    before.pop("version")
    taken(await world.ops("PUT", "/v1/routing-rules", before))


async def seen(world: World, queue: str) -> Json:
    found = taken(await world.ops("GET", "/v1/ops/routing/queues"))["items"]
    return next(each for each in found if each["queue"] == queue)


async def run(world: World, queue: str) -> Json:
    """A run of the queue, from its start to what it did."""
    started = await world.ops("POST", "/v1/brokering-runs", {"queue": queue})
    assert started.status_code == 202, started.text
    begun = started.json()["run"]

    async def ended() -> Json | None:
        runs = taken(await world.ops("GET", f"/v1/brokering-runs?queue={queue}"))["items"]
        return next((each for each in runs if each["run"] == begun and each["state"] == "done"), None)

    found: Json = await world.until("the run is over", ended)
    return found["counts"]


async def test_a_batch_waits_for_its_run_and_goes_on_as_any_other(world: World, queue: str) -> None:
    shelf = await world.shelf(S001=4, W001=4)
    orders = [await Shipped.place(world, {"service": "economy"}, sku=shelf.sku) for _ in range(3)]
    assert {(await order.group(1))["status"] for order in orders} == {"queued"}
    assert (await seen(world, queue))["waiting"] == 3
    assert await run(world, queue) == {
        "looked_at": 3, "brokered": 3, "parts": 3, "kept": 0, "unfillable": 0, "refused": 0
    }  # fmt: skip
    assert {(await order.group(1))["status"] for order in orders} == {"offered"}
    shown = await seen(world, queue)
    assert (shown["waiting"], shown["last_run"]["counts"]["brokered"]) == (0, 3)
    await orders[0].packed()
    await orders[0].shipped()
    why = taken(await world.ops("GET", f"/v1/ops/routing/{orders[0].id}"))["items"]
    assert [each["run"] for each in why] == ["until the run", shown["last_run"]["run"]]


async def test_a_paused_queue_says_so_and_has_no_next_run(world: World, queue: str) -> None:
    paused = taken(await world.ops("POST", f"/v1/ops/routing/queues/{queue}/pause", {"reason": "counting"}))
    assert (paused["paused"], paused["next_runs"], paused["note"]) == (True, [], "ada: counting")
    on = taken(await world.ops("POST", f"/v1/ops/routing/queues/{queue}/resume", {"reason": "counted"}))
    assert not on["paused"]
    assert on["next_runs"]
    standard = await world.ops("POST", "/v1/ops/routing/queues/standard/pause", {"reason": "it has no runs"})
    assert standard.status_code == 409
    assert (await world.ops("POST", "/v1/brokering-runs", {"queue": "no-such-queue"})).status_code == 422
    assert (await world.channel("GET", "/v1/ops/routing/queues")).status_code == 403


async def test_orders_that_are_cancelled_while_a_run_goes_on_leave_nothing(world: World, queue: str) -> None:
    shelf = await world.shelf(S001=5)
    orders = [await Shipped.place(world, {"service": "economy"}, sku=shelf.sku) for _ in range(5)]
    counts, *answers = await asyncio.gather(
        run(world, queue),
        *(world.channel("POST", f"/v1/orders/{order.id}/cancel", {"reason": "customer"}) for order in orders),
    )
    assert {answer.status_code for answer in answers} == {200}
    assert counts["brokered"] + counts["refused"] + counts["kept"] == counts["looked_at"]
    level = await world.stock(shelf.sku, "S001")
    assert (level["on_hand"], level["allocated"], level["reserved"], level["available"]) == (5, 0, 0, 5)
    assert (await seen(world, queue))["waiting"] == 0
