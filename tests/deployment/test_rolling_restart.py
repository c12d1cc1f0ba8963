"""An upgrade under load: every process is told to stop and replaced, one after the other, while orders are played.

Callers behave as they are told: they ask again, under the same key, when an answer says so or the connection breaks.
"""

import asyncio
import itertools
from collections import Counter

import httpx
import pytest

from tests.deployment.callers import Callers
from tests.deployment.team import APIS, WORKERS, Team
from tests.scenarios.placed import Placed
from tests.scenarios.shelf import Shelf

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(1800)]

AT_ONCE = 4
LEAST = 12
"""Orders that must have been played, so that the load was one."""
LONGEST = 90.0
PRICE = 2500


async def _played(callers: Callers, shelf: Shelf) -> Placed:
    """Placed, made ready and collected; every step under a key of its own."""
    order = await callers.place(sku=shelf.sku, quantity=2, price=PRICE, store="S001")
    # Without a payment worker it is taken and held, until its money is authorised behind the scenes.
    await order.reaches("in_progress", patience=LONGEST)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed", patience=LONGEST)
    return order


async def test_an_exchange_of_every_process_under_load_loses_nothing(team: Team, callers: Callers) -> None:
    shelf = await callers.shelf(S001=2000)
    over = asyncio.Event()
    orders: list[Placed] = []

    async def customer() -> None:
        while not over.is_set() or len(orders) < LEAST:
            async with asyncio.timeout(LONGEST):
                orders.append(await _played(callers, shelf))

    customers = [asyncio.create_task(customer()) for _ in range(AT_ONCE)]
    try:
        codes = {}
        for name in (*WORKERS, *APIS):
            # Each is replaced in the middle of work: one more order has been collected since the last.
            goal = len(orders) + 1
            while len(orders) < goal:
                ended, _ = await asyncio.wait(customers, timeout=0.1, return_when=asyncio.FIRST_EXCEPTION)
                assert not ended, (name, [customer.exception() for customer in ended])
            codes[name] = await team.exchange(name)
    finally:
        over.set()
        done = await asyncio.gather(*customers, return_exceptions=True)
    assert [fault for fault in done if fault is not None] == []

    assert codes == dict.fromkeys((*WORKERS, *APIS), 0), "each came to a clean end"
    assert len(orders) >= LEAST
    for order in orders:
        await order.money_rests(authorised=2 * PRICE, captured=2 * PRICE)
        twice = [event for event, times in Counter(await order.events()).items() if times > 1]
        assert twice == []
        await order.told("order_confirmed", "ready_for_pickup", "collected")
    await shelf.adds_up(S001=2000 - 2 * len(orders))
    # 503 is the only server error there may be, and it always says when to ask again.
    seen = {(status, says_when) for _, status, says_when in callers.balancer.statuses if status >= 500}
    assert seen <= {(503, True)}


async def test_an_api_that_stops_first_says_so_and_still_answers(team: Team) -> None:
    """The compose file's drain: a balancer sees that it is not ready before its port closes."""
    name = APIS[1]
    process = team.process(name)
    pid = process.pid
    async with httpx.AsyncClient(base_url=team.url(name), trust_env=False) as client:
        assert (await client.get("/readyz")).status_code == 200
        exchange = asyncio.create_task(team.exchange(name))
        answers: list[tuple[int, int, str | None]] = []
        for _ in itertools.count():
            try:
                ready, alive = await client.get("/readyz"), await client.get("/healthz")
            except httpx.TransportError:
                break
            answers.append((ready.status_code, alive.status_code, alive.headers.get("connection")))
            await asyncio.sleep(0.05)
        assert await exchange == 0
    draining = [answer for answer in answers if answer[0] == 503]
    assert len(draining) > 3, answers
    assert set(draining) == {(503, 200, "close")}, "requests are answered, each the last of its connection"
    assert process.pid not in (None, pid)
