"""The stories of orders that wait in the queue of their class, told as those in `journeys.py` are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.brokering.port import Run, RunCounts
from domain.actors import Channel
from domain.carriage import ParcelStatus
from domain.sourcing import DEFAULT_RULES, QueueClass, QueueRuns, RoutingRules
from gateway.brokering import start_run
from tests.workflows.journeys import Journey
from tests.workflows.shop import Shop
from tests.workflows.watched import WatchedOrder, new_id
from workflows.brokering import BrokeringRun

QUEUE = "social"


def waiting_rules(**runs: Any) -> RoutingRules:
    """Orders that come over social media wait for a run; all others are brokered at once."""
    return DEFAULT_RULES.model_copy(
        update={
            "id": "waiting",
            "classes": (*DEFAULT_RULES.classes, QueueClass(queue=QUEUE, channels=(Channel.SOCIAL,))),
            "runs": (QueueRuns(queue=QUEUE, every_seconds=86_400, orders_per_second=1000, **runs),),
        }
    )


@asynccontextmanager
async def under(shop: Shop, rules: RoutingRules) -> AsyncIterator[None]:
    """These rules count until the block ends."""
    now = await shop.clock()
    async with shop.transactions.begin() as books:
        await books.routing.put_rules(rules, now)
    try:
        yield
    finally:
        async with shop.transactions.begin() as books:
            await books.routing.put_rules(DEFAULT_RULES, now)


async def queued(shop: Shop, quantity: int = 2, **more: Any) -> WatchedOrder:
    """An order that waits for a run."""
    order = await shop.place_to_ship(quantity, channel="social", **more)
    await order.until(lambda view: view.groups[0].status == "queued")
    return order


async def broker(shop: Shop, queue: str = QUEUE) -> RunCounts:
    """A run of the queue, and what it did."""
    run = await start_run(shop.client, queue, new_id(), "a test")
    counts: RunCounts = await shop.client.get_workflow_handle_for(BrokeringRun.run, run).result()
    return counts


async def last_run(shop: Shop, queue: str = QUEUE) -> Run:
    async with shop.transactions.begin() as books:
        return (await books.brokering.runs(queue, limit=1))[0]


async def brokered_by_a_run(shop: Shop) -> WatchedOrder:
    """It waits with its stock reserved; the run finds its place, and it goes on as any other."""
    async with under(shop, waiting_rules()):
        order = await queued(shop)
        assert await order.waits() == ["orders of its class are brokered"]
        assert (await shop.levels())[1].reserved == 2
        assert (await broker(shop)).brokered == 1
    await order.make_packed(2)
    await order.carrier_says(await order.ship(), ParcelStatus.DELIVERED)
    view = await order.ended()
    assert (view.status, view.groups[0].store_id) == ("completed", shop.store(1))
    assert await shop.on_hand() == {1: 18, 2: 20}
    return order


async def cancelled_in_its_queue(shop: Shop) -> WatchedOrder:
    """A part is cancelled before the run, the rest too; nothing stays reserved."""
    async with under(shop, waiting_rules()):
        order = await queued(shop, 30)
        await order.cancel(12)
        assert sum(level.reserved for level in (await shop.levels()).values()) == 18
        await order.cancel()
        assert (await broker(shop)).brokered == 0
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


BROKERING_JOURNEYS: dict[str, Journey] = {
    journey.__name__: journey for journey in (brokered_by_a_run, cancelled_in_its_queue)
}
