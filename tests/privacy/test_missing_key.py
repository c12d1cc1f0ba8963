"""A master key that was mislaid: tasks wait and alarm, callers are told to come back, and nothing is lost."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.world import World, refused
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(180)]

CACHED = 3.5
"""Seconds after which every process has forgotten a key that it looked up."""


@asynccontextmanager
async def key_mislaid(stack: Stack, customer_ref: str) -> AsyncIterator[None]:
    """The customer's key is wrapped with a master key that nobody has."""
    rename = "update customer_keys set master = %s where customer_ref = %s returning (select master from customer_keys"
    rename += " where customer_ref = %s and erased_at is null)"
    async with await psycopg.AsyncConnection.connect(stack.record()["database"], autocommit=True) as database:
        [(master,)] = await (await database.execute(rename, ["mislaid", customer_ref, customer_ref])).fetchall()
        await asyncio.sleep(CACHED)
        try:
            yield
        finally:
            await database.execute(rename, [master, customer_ref, customer_ref])


async def test_an_order_whose_key_is_mislaid_waits_and_goes_on_when_it_is_found(world: World, stack: Stack) -> None:
    order = await world.place()
    key = uuid.uuid4().hex
    async with key_mislaid(stack, order.body["customer"]["ref"]):
        answer = await order.world.channel(
            "POST", f"/v1/orders/{order.id}/cancel", {"reason": "customer"}, idempotency=key, patient=False
        )
        refused(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        await world.until("the worker alarms", lambda: _alarmed(stack, order))
        another = await world.place()
        assert another.answer["status"] == "in_progress", "other customers notice nothing"
    view = await order.reaches("cancelled", "completed", patience=60)
    assert view["payment"]["authorised"] == view["payment"]["due"] == 0
    assert (await world.money(order.id))["capture"] == 0
    await another.cancel()


async def _alarmed(stack: Stack, order: Placed) -> bool:
    written = (stack.data.logs / "worker-1.log").read_text()
    return any(
        "codec refused" in line and "missing" in line and order.id in line for line in re.split(r"\n(?=2)", written)
    )
